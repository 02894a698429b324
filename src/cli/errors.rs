//! Arguments of `fullsync errors`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::{FromRun, Scope};

/// Lists the objects of a run that were not delivered, and why.
///
/// Groups by resource, outcome and reason, with counts and up to five examples each; skipped and
/// pending objects only with --reason or --outcome. Every single object stands in the run folder's
/// results/*.parquet. Output may hold student data.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync errors edfi                               groups and first examples
  fullsync errors edfi students --reason unmapped_code
  fullsync errors edfi --outcome skipped --reason no_edfi_id --json")]
pub struct ErrorsArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub from: FromRun,

    /// Only this reason code.
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,

    /// Only this outcome.
    #[arg(long, value_name = "OUTCOME", value_parser = [
        "rejected", "blocked", "failed", "skipped", "pending", "collapsed",
    ])]
    pub outcome: Option<String>,

    /// Show at most this many examples in all.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,

    /// Print JSON in the form of errors.json.
    #[arg(long)]
    pub json: bool,
}
