//! Arguments of `fullsync delete`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::Args;

use super::guest::Guest;
use super::locks::Locking;
use super::scope::{Scope, Year};

/// Deletes the records that a file of payloads names.
///
/// Each line of FILE is a JSON object that holds at least the record's natural key: what `fetch`
/// wrote, or the bodies that were sent. A record is found by the id in its line, else by its key,
/// and deleted; one that is not there is a success. Without --yes it only lists what would go.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:
  fullsync delete edfi studentSchoolAssociations --from wrong.ndjson          list only
  fullsync delete edfi studentSchoolAssociations --from wrong.ndjson --yes",
    mut_arg("resources", |arg| {
        arg.required(true)
            .num_args(1)
            .help("The resource that the lines are records of")
    })
)]
pub struct DeleteArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// The file of payloads, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,

    /// Delete, do not only list.
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub guest: Guest,

    #[command(flatten)]
    pub locking: Locking,

    #[command(flatten)]
    pub year: Year,
}
