//! Arguments of `fullsync count`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::fetch::Filters;
use super::scope::{Scope, Year};

/// Asks the target how many records it has of each resource.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync count edfi
  fullsync count edfi 'student*' --json
  fullsync count edfi 'student*Associations' --query schoolId=255901001 --tsv")]
pub struct CountArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub filters: Filters,

    #[command(flatten)]
    pub year: Year,

    /// Print one JSON object: resource -> count.
    #[arg(long, conflicts_with = "tsv")]
    pub json: bool,

    /// Print lines of resource, tab, count.
    #[arg(long)]
    pub tsv: bool,
}
