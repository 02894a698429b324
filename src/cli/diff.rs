//! Arguments of `fullsync diff`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::scope::Scope;

/// Compares the objects of two runs.
///
/// Per resource: how many are new, changed, gone or equal; with --keys each key of them. Sends
/// nothing and needs no target.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync diff edfi --from 2026-11-21T051020Z-11aa
  fullsync diff edfi students --from 2026-11-21T051020Z-11aa --keys")]
pub struct DiffArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// The older run: its id.
    #[arg(long, value_name = "RUN")]
    pub from: String,

    /// The newer run: its id, or `latest`.
    #[arg(long, value_name = "RUN", default_value = "latest")]
    pub to: String,

    /// List the keys: `+ key`, `~ key`, `- key`.
    #[arg(long)]
    pub keys: bool,
}
