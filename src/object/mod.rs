//! The shared nouns: what an object is called, what it contains, what became of it.
//!
//! Reads: nothing. Writes: nothing. Never: I/O, or anything that knows one target.

mod column;
mod encode;
mod held_ids;
mod key;
mod outcome;
mod ref_id;

pub use column::{KeyColumn, column_at, member};
pub use encode::{Encoded, body_columns, encode, is_body_column};
pub use held_ids::{Clash, HeldIds};
pub use key::{ContentHash, Key, KeyHash};
pub use outcome::{DeleteOutcome, Outcome, Reason, Refusal};
pub use ref_id::{RefId, RefIds};
