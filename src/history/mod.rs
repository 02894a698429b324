//! What runs there have been, and how each object of a configuration stands.
//!
//! ```text
//! <state>/<configuration>/history.jsonl            one line per run that has ended, append-only
//! <state>/<configuration>/runs/<run>/entry.json    the same line, from the start of the run on
//! ```
//! Reads: those files, `progress.json` of runs at work. Writes: those files. Never: decides
//! anything about objects. Sources: D12 to D14, D22, issue 3 item 10.

mod entry;
mod log;
mod object;
mod standing;
mod text;

pub use entry::{Entry, ObjectEntry, Records, ScopeNote, Standing};
pub use log::{Chosen, History, HistoryError};
pub use object::{LEGEND, Mark};
pub use standing::{Node, ObjectStatus, Overview};
pub use text::{StatusText, list, show, status};
