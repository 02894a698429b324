//! Arguments about deletes: of `run` and `plan`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use crate::pipeline::MaxDeletes;

/// What may be deleted.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Deleting {
    /// Most deletes of one resource: a number (25) or a share of what the ledger knows of it (5%);
    /// more are held back until --yes. Goes before [deletes] max, which is 10% by default.
    #[arg(long, value_name = "N|P%", value_parser = max_deletes)]
    pub max_deletes: Option<MaxDeletes>,
}

// A share is never NaN: it is parsed from 0 to 100.
impl Eq for Deleting {}

fn max_deletes(text: &str) -> Result<MaxDeletes, String> {
    MaxDeletes::parse(text).ok_or_else(|| "a number like 25 or a share like 5%".to_owned())
}
