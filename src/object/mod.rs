//! The shared nouns: what an object is called, what it contains, what became of it.
//!
//! Reads: nothing. Writes: nothing. Never: I/O, or anything that knows one target.

mod key;
mod outcome;

pub use key::{ContentHash, Key, KeyHash};
pub use outcome::{DeleteOutcome, Outcome, Reason, Refusal};
