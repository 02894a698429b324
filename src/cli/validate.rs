//! Arguments of `fullsync validate`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::choice::Choice;
use super::filter::Filter;
use super::scope::{Scope, Year};

/// Checks a pipeline and its SQL without moving a row; with --data, the objects before they are sent.
///
/// Reports every problem at once, each with file, line, column and a suggestion: in the pipeline
/// file, in the SQL (planned against the declared SIS tables), in crosswalks, and where what a
/// query yields does not fit the target's data standard. Exit 0: no problem; 2: problems.
///
/// With --data: extracts and transforms, and reports what is wrong with the objects, all at once:
/// schema, one key with different bodies, descriptor values that the target does not have,
/// references that lead neither to a staged object nor to one in the ledger nor to one at the
/// target. The objects are those of a run with the same scope. Sends nothing but GET. Exit 0: no problem; 1: problems.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync validate edfi
  fullsync validate pipelines/other.toml students
  fullsync validate edfi --data                    the objects, too
  fullsync validate edfi --data --school 301 --step 1,2
  fullsync validate edfi --data --run latest       of the tables that the last run staged
  fullsync validate edfi --data --offline          without asking the target")]
pub struct ValidateArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub filter: Filter,

    /// Check the objects of a transform, too.
    #[arg(long)]
    pub data: bool,

    /// Use the staged tables of this run (its id, or `latest`) instead of reading the source.
    #[arg(long, value_name = "RUN", requires = "data")]
    pub run: Option<String>,

    /// Ask nothing of the target: no ledger, no descriptor values of its own.
    #[arg(long, requires = "data")]
    pub offline: bool,

    /// Fetch the target's descriptor values anew; they are kept for 12 hours.
    #[arg(long, requires = "data")]
    pub refresh: bool,

    #[command(flatten)]
    pub year: Year,

    /// Print JSON (with --data).
    #[arg(long, requires = "data")]
    pub json: bool,
}
