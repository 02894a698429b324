//! Arguments of `fullsync verify`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{Scope, Year};

/// Compares what the ledger knows as delivered with what the target has.
///
/// Asks the target for the number of its records per resource. Changes nothing. Exit 0: equal;
/// 1: different. Of a pipeline to a state edition it compares the objects that the last run has staged
/// with what the state has, counts and content per object and school, and lists the differences.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync verify edfi
  fullsync verify edfi students
  fullsync verify dis --certify")]
pub struct VerifyArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub year: Year,

    /// Of a pipeline to a state edition: write a dated file of the counts per object and school, for
    /// sign-off.
    #[arg(long)]
    pub certify: bool,
}
