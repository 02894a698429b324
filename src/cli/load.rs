//! Arguments of `fullsync load`, and what it shares with `run`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::choice::Choice;
use super::guest::Guest;
use super::locks::Locking;
use super::only::Only;
use super::scope::{FromRun, Scope};

/// How the sending goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Sending {
    /// Decide everything, send nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Send what the target has acknowledged before, too.
    #[arg(long)]
    pub resend_all: bool,

    /// Load a part (some resources, schools or persons) into a target that never had a full load:
    /// a new, restored or emptied one.
    #[arg(long)]
    pub allow_partial: bool,

    /// Let rows that are neither the sample nor generated into the embedded sandbox.
    #[arg(long)]
    pub demo: bool,
}

/// Sends the objects of an earlier transform.
///
/// Reads no SIS table: what a transform or a run has staged is compared with the ledger, and what
/// is due is sent.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync load edfi                    what the last transform made
  fullsync load edfi students --run 2026-11-22T051022Z-7f3a")]
pub struct LoadArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub from: FromRun,

    #[command(flatten)]
    pub sending: Sending,

    #[command(flatten)]
    pub locking: Locking,

    #[command(flatten)]
    pub only: Only,

    #[command(flatten)]
    pub guest: Guest,
}
