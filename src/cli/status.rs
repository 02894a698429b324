//! Arguments of `fullsync status`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{Scope, Year};

/// How each resource stands: its last resync, what was processed, errors, status.
///
/// The table is kept over all runs: a resource that the last run did not touch stands as the run
/// before left it. A run at work shows how far it is. Of a pipeline to a state edition it is the tree
/// of its objects. With --run, prints the tally of that run again, and exits with the code that it
/// had.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync status edfi                 every resource
  fullsync status edfi 'student*' --json
  fullsync status dis                  the tree of DIS objects
  fullsync status dis --school-year 2024
  fullsync status edfi --run latest    the report of the last run
  fullsync status edfi --run latest --json | jq .total.errors")]
pub struct StatusArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub year: Year,

    /// Print the report of this run instead: its id, or `latest`.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    /// Print JSON instead of the table; with --run, tallies.json.
    #[arg(long)]
    pub json: bool,
}
