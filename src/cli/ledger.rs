//! Arguments of `fullsync ledger ...`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::{Args, Subcommand};

use super::locks::Locking;
use super::scope::{Scope, Year};

/// Works on what is known of a target.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct LedgerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// What can be done with a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum LedgerCommand {
    Rebuild(RebuildArgs),
}

/// Reads keys and ids back from the target, after it was emptied or an older state was restored,
/// or when the ledger was lost.
///
/// Extracts and transforms afresh, pages through the target, and matches by natural key. What is
/// ours and at the target is known again (unchanged where the body read back is the staged one,
/// else due); what the target no longer has is due again. Records of other writers are left alone.
/// Sends nothing but GET. Locks the resources meanwhile, as a run does. Exit 1: a resource could not
/// be read.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync ledger rebuild edfi
  fullsync ledger rebuild edfi students --run latest")]
pub struct RebuildArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// Use the staged tables of this run (its id, or `latest`) instead of reading the source.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    #[command(flatten)]
    pub year: Year,

    #[command(flatten)]
    pub locking: Locking,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
