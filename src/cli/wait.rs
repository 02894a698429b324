//! Arguments of `fullsync wait`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

/// Waits for the end of a run and exits as it did.
///
/// For runs in the background (--detach) and any other. A run whose process was killed counts as
/// stopped (3). With --timeout, 124 says that it is still at work.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  run=$(fullsync run edfi --detach) && fullsync wait edfi $run
  fullsync wait edfi latest --timeout 3600")]
pub struct WaitArgs {
    /// The pipeline: `edfi` is pipelines/edfi.toml, anything with a `/` or ending in .toml a path.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// The run: its id, or `latest`.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,

    /// Wait so many seconds at most.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}
