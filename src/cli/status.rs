//! Arguments of `fullsync status`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{FromRun, Scope};

/// Prints the tally of a finished or interrupted run again.
///
/// Of a pipeline to a state edition it prints the tree of its objects, with the last resync of each,
/// what that came to, and how it stands; one run's tally with --run. Exits with the code that the
/// run had.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync status edfi                 the last run
  fullsync status edfi --json | jq .total.errors
  fullsync status dis                  the tree of DIS objects")]
pub struct StatusArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub from: FromRun,

    /// Print tallies.json instead of the table.
    #[arg(long)]
    pub json: bool,
}
