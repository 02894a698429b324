//! Arguments of `fullsync check`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::choice::Choice;
use super::filter::Places;
use super::scope::{Scope, Year};

/// Checks a setup before a load: the connection, persons without an id, codes without a mapping.
///
/// connection: root document, token, data model, one GET, and by token introspection the resources
/// that the key may not write. ids: persons in scope that have no id for the target. mappings: codes
/// in use in scope that a crosswalk does not have, with the rows they hit. The scope is that of a run:
/// the school year and the pipeline's schools, or --school. Prints counts and codes, no names.
/// Exit 0: in order; 1: not. A code that the mapping goes on without is no fault.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync check all edfi                      everything, for cron
  fullsync check connection edfi               is the key good, and what may it do?
  fullsync check ids edfi students             students without an id
  fullsync check ids edfi --school lincoln     of one school
  fullsync check ids edfi --list=no-id.txt     their personIDs, one a line, for --person @no-id.txt
  fullsync check mappings edfi --run latest    codes in the tables that the last run staged")]
pub struct CheckArgs {
    /// What to check.
    #[arg(value_enum)]
    pub what: CheckWhat,

    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub places: Places,

    /// Use the staged tables of this run (its id, or `latest`) instead of reading the source.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    /// Print only the personIDs of those without an id, one a line; with =FILE write them there,
    /// for the owner only, and print the rest.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub list: Option<Option<PathBuf>>,

    #[command(flatten)]
    pub year: Year,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckWhat {
    /// All three.
    All,
    /// The target and the key.
    Connection,
    /// Persons without an id.
    Ids,
    /// Codes without a mapping.
    Mappings,
}
