//! Arguments of `fullsync transform`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::choice::Choice;
use super::filter::Filter;
use super::scope::{Scope, Year};

/// Computes the objects, and sends nothing.
///
/// Stages the SIS tables (or takes those of an earlier run) and writes one Parquet file of finished
/// objects per resource: what a run would send, with key, hash, source row and, where an object is
/// held back, the reason. Needs no target.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync transform edfi                    from the source
  fullsync transform edfi sections --run latest
                                             again from staged tables, after a change of SQL")]
pub struct TransformArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    /// Use the staged tables of this run (its id, or `latest`) instead of reading the source.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    #[command(flatten)]
    pub filter: Filter,

    #[command(flatten)]
    pub year: Year,
}
