//! What is wrong before anything is sent, and what a target really holds: staged objects, ledger
//! and target compared by columnar joins that spill.
//!
//! Reads: objects files, ledgers, a target's answers. Writes: scratch files, lists for the owner.
//! Never: sends an object, or holds one entry per object in memory.

mod data;
mod engine;
mod readback;
mod references;
mod rights;
mod setup;
mod values;

pub use data::{Check, DataExample, DataProblem, DataReport};
pub use engine::{CheckError, Engine};
pub use readback::{ReadBack, Records, canonical};
pub use references::{Dangling, EXAMPLES, Leads, Place, WANTED, Wanted, dangling};
pub use rights::{Lacking, Rights};
pub use setup::{Code, ConnectionReport, IdsReport, MappingsReport, SetupReport, WithoutId, kind};
pub use values::{Remote, Used, used};
