//! `fullsync`: the full sync of a school district's data out of a Student Information System.
//!
//! ```text
//! source -> stage -> transform -> due (against the ledger) -> load (target) -> ledger, report
//! ```
//! `ARCHITECTURE.md` tells the story; [`run`] is the one page that shows it.

pub mod account;
pub mod audit;
pub mod checks;
pub mod cli;
pub mod errors;
pub mod files;
pub mod generate;
pub mod history;
pub mod ledger;
pub mod load;
pub mod lock;
pub mod metadata;
pub mod notify;
pub mod object;
pub mod pipeline;
pub mod progress;
pub mod report;
pub mod rights;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod scope;
pub mod shipped;
pub mod sif;
pub mod sif3;
pub mod source;
pub mod stage;
pub mod target;
pub mod transform;
pub mod xml;
