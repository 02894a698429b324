//! Arguments of `fullsync verify`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{Scope, Year};

/// Compares what the ledger knows as delivered with what the target has.
///
/// Asks the target for the number of its records per resource. Changes nothing. Exit 0: equal;
/// 1: different.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync verify edfi
  fullsync verify edfi students")]
pub struct VerifyArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub year: Year,
}
