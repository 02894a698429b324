//! The error log: every object that was not delivered, one by one, with its source row, the
//! request and the answer.
//!
//! What stands is in the ledger, over all runs; the details are in the run folders that are still
//! there. Skipped and pending objects are no errors and stand in a run's results only.
//! Reads: ledger, results, objects, staged tables. Writes: `archived.jsonl` beside the ledger.
//! Never: sends. Sources: D15, D24, E4, issue 3 item 10.

mod archive;
mod detail;
mod filter;
mod group;
mod left;
mod record;
mod search;
mod source_row;
mod standing;
mod write;

pub use archive::{Archive, Shelved};
pub use filter::{Filter, IdKind, Shelf};
pub use group::{GroupLine, Groups};
pub use record::{Record, Request, Side};
pub use search::{Depth, ErrorsError, Search};
pub use write::{Format, Sheet};
