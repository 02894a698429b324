//! Arguments of `fullsync fetch`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::Args;

use super::scope::{Scope, Year};

/// Copies the target's records into files, one record a line.
///
/// Writes OUT/RESOURCE.ndjson for each resource, readable by the owner only.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync fetch edfi --out before
  fullsync fetch edfi students schools --out before")]
pub struct FetchArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// The folder to write to; made when it is missing.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,

    #[command(flatten)]
    pub year: Year,
}
