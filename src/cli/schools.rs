//! Arguments of `fullsync schools`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

/// Finds schools by id, number or a part of their name.
///
/// Prints id, number and name of the schools in the source's table School. --school of other verbs
/// takes any of the three, as long as it means one school.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync schools edfi          all of them
  fullsync schools edfi wash     those with `wash` in the name or number")]
pub struct SchoolsArgs {
    /// The pipeline: `edfi` is pipelines/edfi.toml, anything with a `/` or ending in .toml a path.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// What is known of the school.
    #[arg(value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub text: String,
}
