//! Arguments of `fullsync truncate`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::guest::Guest;
use super::locks::Locking;
use super::scope::{Scope, Year};

/// Deletes ALL records of the resources at the target.
///
/// Also those that other systems sent, as far as the target lets this key delete them; dependants
/// first. Meant for test targets. Without --yes it only counts what would go. Resources must be
/// named; '*' names all of them.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:
  fullsync truncate edfi studentSectionAssociations          count only
  fullsync truncate edfi studentSectionAssociations --yes
  fullsync truncate edfi '*' --yes                           everything of this pipeline",
    mut_arg("resources", |arg| {
        arg.required(true).help("The resources, by name or pattern; '*' names all of the pipeline")
    })
)]
pub struct TruncateArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// Delete, do not only count.
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub year: Year,

    #[command(flatten)]
    pub guest: Guest,

    #[command(flatten)]
    pub locking: Locking,
}
