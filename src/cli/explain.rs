//! Arguments of `fullsync explain`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::FromRun;

/// Tells the whole story of one object.
///
/// From which source row it comes, its body as it is sent, what became of it and why, and what the
/// ledger knows of it. Output holds student data.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync explain edfi students studentUniqueId=604821
  fullsync explain edfi students 604821             any part of the key
  fullsync explain edfi students --source-key 17    the objects of SIS row 17")]
pub struct ExplainArgs {
    /// The pipeline, as for `run`.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// The resource.
    #[arg(value_name = "RESOURCE")]
    pub resource: String,

    /// The natural key (`name=value&name=value`), or a value of it.
    #[arg(value_name = "KEY", required_unless_present = "source_key")]
    pub key: Option<String>,

    /// The key of the SIS row instead.
    #[arg(long, value_name = "KEY", conflicts_with = "key")]
    pub source_key: Option<String>,

    #[command(flatten)]
    pub from: FromRun,
}
