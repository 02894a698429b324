//! Arguments of `fullsync count`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{Scope, Year};

/// Asks the target how many records it has of each resource.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync count edfi
  fullsync count edfi 'student*' --json")]
pub struct CountArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub year: Year,

    /// Print one JSON object: resource -> count.
    #[arg(long)]
    pub json: bool,
}
