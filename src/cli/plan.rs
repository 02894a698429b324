//! Arguments of `fullsync plan`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::choice::Choice;
use super::deleting::Deleting;
use super::filter::Filter;
use super::only::Only;
use super::scope::{Scope, Year};

/// Says what a run would do: counts and why, requests, and about how long it takes.
///
/// Extracts, transforms and compares with the ledger; prints per resource, in loading order, how many
/// objects would be created, updated, deleted, left alone, rejected, skipped or blocked. The time is
/// guessed from the rates of earlier runs against this target. Sends nothing; start it with `run`. Of a
/// SIF zone it tells what is ready for who asks, which events are due, and what was never requested.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync plan edfi
  fullsync plan edfi sections --run latest")]
pub struct PlanArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    /// Use the staged tables of this run (its id, or `latest`) instead of reading the source.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    /// Count what the target has acknowledged before as due, too.
    #[arg(long)]
    pub resend_all: bool,

    #[command(flatten)]
    pub filter: Filter,

    #[command(flatten)]
    pub only: Only,

    #[command(flatten)]
    pub year: Year,

    /// Print the plan as JSON.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub deleting: Deleting,
}
