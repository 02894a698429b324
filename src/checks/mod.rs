//! What is wrong before anything is sent, and what a target really holds: staged objects, ledger
//! and target compared by columnar joins that spill.
//!
//! Reads: objects files, ledgers, a target's answers. Writes: scratch files, lists for the owner.
//! Never: sends an object, or holds one entry per object in memory.

mod engine;
mod readback;

pub use engine::{CheckError, Engine};
pub use readback::{ReadBack, Records, canonical};
