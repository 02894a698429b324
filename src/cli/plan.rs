//! Arguments of `fullsync plan`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{Scope, Year};

/// Says what a run would do: order, counts, why.
///
/// Extracts, transforms and compares with the ledger; prints per resource how many objects would be
/// sent, skipped, rejected or left alone, and which resources wait for which. Sends nothing.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync plan edfi
  fullsync plan edfi sections --run latest")]
pub struct PlanArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// Use the objects of this run (its id, or `latest`) instead of computing them.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    /// Count what the target has acknowledged before as due, too.
    #[arg(long)]
    pub resend_all: bool,

    #[command(flatten)]
    pub year: Year,
}
