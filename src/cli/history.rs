//! Arguments of `fullsync history`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::{Args, Subcommand};

use super::only::Age;
use super::scope::Consent;
use crate::history::Entry;

/// All runs of a pipeline: lists them, shows one, deletes some.
///
/// Every run leaves a line in the history that stays when its folder is pruned: who ran what, when,
/// about what, and what it came to. Runs at work and killed ones are listed, too.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct HistoryArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: HistoryCommand,
}

/// What to do with the history.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum HistoryCommand {
    List(HistoryList),
    Show(HistoryShow),
    Delete(HistoryDelete),
}

/// Which runs of the history are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Which {
    /// Selective syncs only: runs of single records (--object, --ids), persons, courses or sections.
    /// For a DIS pipeline that is the history of the tool Selective Sync, with rights of its own.
    #[arg(long)]
    pub selective: bool,
}

impl Which {
    /// Whether a run is meant.
    pub fn admits(self, entry: &Entry) -> bool {
        !self.selective || entry.scope.is_of_some_records()
    }
}

/// Lists all runs, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync history list edfi
  fullsync history list edfi --last 10 --json
  fullsync history list dis --selective")]
pub struct HistoryList {
    /// The pipeline, as for `run`.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    #[command(flatten)]
    pub which: Which,

    /// Only the newest so many.
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,

    /// Print JSON: a list of entries. Holds ids of persons where a run was narrowed to them.
    #[arg(long)]
    pub json: bool,
}

/// Shows one run: who, when, about what, and each resource.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync history show edfi latest
  fullsync history show edfi 2026-11-22T051022Z-7f3a --json")]
pub struct HistoryShow {
    /// The pipeline, as for `run`.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// The run: its id, or `latest`.
    #[arg(value_name = "RUN")]
    pub run: String,

    #[command(flatten)]
    pub which: Which,

    /// Print JSON: the entries of this run.
    #[arg(long)]
    pub json: bool,
}

/// Deletes runs: their folders and their lines in the history.
///
/// Never a run at work. What targets have acknowledged stays in the ledger: nothing is sent again
/// because a run was deleted. An object of which no run is left stands as never resynced in
/// `status`. Of a DIS pipeline only selective syncs may be deleted by others than the role admin.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync history delete edfi 2026-11-22T051022Z-7f3a
  fullsync history delete edfi --before 2026-07-01 --yes
  fullsync history delete edfi --before 90d --yes
  fullsync history delete dis --selective --before 90d --yes")]
pub struct HistoryDelete {
    /// The pipeline, as for `run`.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// The run: its id, or `latest`.
    #[arg(value_name = "RUN", required_unless_present = "before")]
    pub run: Option<String>,

    /// All runs that began before this UTC date, or longer ago than this (90d).
    #[arg(long, value_name = "DATE|AGE", conflicts_with = "run", value_parser = Age::parse)]
    pub before: Option<Age>,

    #[command(flatten)]
    pub which: Which,

    #[command(flatten)]
    pub consent: Consent,
}
