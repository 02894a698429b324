//! Arguments of `fullsync extract`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::choice::Choice;
use super::scope::Scope;

/// Stages the SIS tables, and goes no further.
///
/// Reads the tables that the resources need into the Parquet files of a new run folder. Rows that
/// cannot be read are listed in its rejects.csv with file, line, column and reason.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync extract edfi             all tables that the pipeline needs
  fullsync extract edfi students    the tables that students need")]
pub struct ExtractArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,
}
