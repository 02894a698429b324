//! Arguments of `fullsync validate`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::Scope;

/// Checks a pipeline and its SQL without moving a row.
///
/// Reports every problem at once, each with file, line, column and a suggestion: in the pipeline
/// file, in the SQL (planned against the declared SIS tables), in crosswalks, and where what a
/// query yields does not fit the target's data standard. Exit 0: no problem; 2: problems.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync validate edfi
  fullsync validate pipelines/other.toml students")]
pub struct ValidateArgs {
    #[command(flatten)]
    pub scope: Scope,
}
