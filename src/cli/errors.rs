//! Arguments of `fullsync errors`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::scope::{Scope, Set, Year};
use crate::errors::{Filter, IdKind, Shelf, Side};
use crate::ledger::StatusRange;
use crate::scope::{IdsError, parse_ids};

/// The error log: objects that were not delivered, and why.
///
/// Shows what stands, over all runs: an error stays until the object is delivered, whichever run
/// had it first. Skipped and pending objects are no errors; ask for them by --outcome or --reason,
/// and they come from the newest run of each resource. Grouped by resource, outcome and reason, or
/// one by one with the source row, the request and the answer (--each).
///
/// At a terminal, and with --out, everything is shown, student data included. Piped output leaves
/// out keys, ids of persons, messages, bodies and source rows, because schedulers mail it on.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  fullsync errors edfi                                 what stands, in groups
  fullsync errors edfi students --reason unmapped_code --each
  fullsync errors edfi --side target --status-code 4xx --format csv --out refused.csv
  fullsync errors edfi --run latest                    what the last run left
  fullsync errors edfi --outcome skipped --reason no_edfi_id --ids person --out persons.txt
  fullsync errors retry edfi --status-code 409         send these once more
  fullsync errors archive edfi --reason unmapped_code  out of the daily view; still due"
)]
pub struct ErrorsArgs {
    /// What to do with them, instead of listing.
    #[command(subcommand)]
    pub action: Option<ErrorsAction>,

    #[command(flatten)]
    pub list: ErrorsList,
}

/// What to do with errors.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ErrorsAction {
    Retry(ErrorsRetry),
    Archive(ErrorsArchive),
}

const HEADING: &str = "Which errors";

/// Which errors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct ErrorsFilter {
    /// Only this reason code.
    #[arg(long, help_heading = HEADING, value_name = "CODE")]
    pub reason: Option<String>,

    /// Only what was held back by us (rejected, blocked, skipped) or refused by the target.
    #[arg(long, help_heading = HEADING, value_enum, value_name = "SIDE")]
    pub side: Option<WhichSide>,

    /// Only refusals with these HTTP statuses: 409,5xx,400-404; 0 is no answer, or our own.
    #[arg(long, help_heading = HEADING, value_name = "CODES", value_delimiter = ',', value_parser = super::only::status)]
    pub status_code: Vec<StatusRange>,

    /// Only objects of these schools, each by schoolID, number or a part of its name that no other
    /// school has.
    #[arg(long, help_heading = HEADING, value_name = "SCHOOL", value_delimiter = ',')]
    pub school: Vec<String>,

    /// Only objects of these persons: personIDs separated by commas, spaces or line breaks, @FILE, or
    /// - for standard input.
    #[arg(long, help_heading = HEADING, value_name = "IDS", allow_hyphen_values = true)]
    pub person: Vec<String>,
}

/// Who held an object back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhichSide {
    Ours,
    Target,
}

/// Ids to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ids {
    School,
    Person,
    Course,
    Section,
}

impl From<Ids> for IdKind {
    fn from(ids: Ids) -> Self {
        match ids {
            Ids::School => Self::School,
            Ids::Person => Self::Person,
            Ids::Course => Self::Course,
            Ids::Section => Self::Section,
        }
    }
}

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    #[default]
    Table,
    Csv,
    Json,
}

/// What is listed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ErrorsList {
    /// The pipeline, as for `run`.
    // Always there, unless `retry` or `archive` has one of its own.
    #[arg(value_name = "PIPELINE", required = true)]
    pub pipeline: Option<String>,

    /// Only these resources, by name or pattern ('student*').
    #[arg(value_name = "RESOURCE")]
    pub resources: Vec<String>,

    #[command(flatten)]
    pub set: Set,

    /// Show what this run left, instead of what stands: its id, or `latest`.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    /// Only this outcome. Skipped, pending and collapsed objects are no errors.
    #[arg(long, value_name = "OUTCOME", value_parser = [
        "rejected", "blocked", "failed", "skipped", "pending", "collapsed",
    ])]
    pub outcome: Option<String>,

    #[command(flatten)]
    pub filter: ErrorsFilter,

    /// Only archived errors, which are left out otherwise.
    #[arg(long)]
    pub archived: bool,

    /// One by one, with source row, request and answer.
    #[arg(long)]
    pub each: bool,

    /// Only their ids of this kind, one a line, each once: for `run --person @FILE`.
    #[arg(long, value_enum, value_name = "KIND", conflicts_with_all = ["each", "format", "json"])]
    pub ids: Option<Ids>,

    /// How to write it.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: ListFormat,

    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Write it in full to this file, for the owner only.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// With --each, at most so many.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    #[command(flatten)]
    pub year: Year,
}

/// Sends objects with standing errors once more: `run --only-failed`, narrowed further.
///
/// Reads the source afresh, so that what was mended there takes effect, and only what the chosen
/// resources need; with --resume, uses the tables that a run has staged (a mended mapping takes
/// effect).
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync errors retry edfi
  fullsync errors retry edfi students --reason validation_failed
  fullsync errors retry edfi --side target --resume latest")]
pub struct ErrorsRetry {
    #[command(flatten)]
    pub scope: Scope,

    /// Only this outcome.
    #[arg(long, value_name = "OUTCOME", value_parser = ["rejected", "blocked", "failed"])]
    pub outcome: Option<String>,

    #[command(flatten)]
    pub filter: ErrorsFilter,

    /// Archived errors instead of the others.
    #[arg(long)]
    pub archived: bool,

    /// Use the staged tables of this run instead of reading the source: its id, or `latest`.
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,

    #[command(flatten)]
    pub sending: super::Sending,

    #[command(flatten)]
    pub year: Year,

    #[command(flatten)]
    pub consent: super::Consent,
}

/// Puts standing errors out of the daily view.
///
/// They stay due and are sent with every run; `errors` shows them with --archived only. An object
/// that is refused for another reason, or again after it was delivered, is back in the daily view.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync errors archive edfi --reason unmapped_code
  fullsync errors archive edfi students --undo")]
pub struct ErrorsArchive {
    #[command(flatten)]
    pub scope: Scope,

    /// Only this outcome.
    #[arg(long, value_name = "OUTCOME", value_parser = ["rejected", "blocked", "failed"])]
    pub outcome: Option<String>,

    #[command(flatten)]
    pub filter: ErrorsFilter,

    /// Put archived ones back.
    #[arg(long)]
    pub undo: bool,

    #[command(flatten)]
    pub year: Year,
}

impl ErrorsFilter {
    /// What is searched for, with the schools that are named by their ids.
    ///
    /// # Errors
    /// A list of persons that is none.
    pub fn search(
        &self,
        schools: BTreeSet<i64>,
        outcome: Option<&str>,
        run: Option<&str>,
        archived: bool,
    ) -> Result<Filter, IdsError> {
        let persons = match self.person.is_empty() {
            true => Vec::new(),
            false => parse_ids("--person", &self.person, &mut std::io::stdin())?,
        };
        Ok(Filter {
            reason: self.reason.clone(),
            outcome: outcome.map(str::to_owned),
            side: self.side.map(|side| match side {
                WhichSide::Ours => Side::Ours,
                WhichSide::Target => Side::Target,
            }),
            status: self.status_code.clone(),
            schools,
            persons: persons.into_iter().collect(),
            run: run.map(str::to_owned),
            shelf: if archived {
                Shelf::Archived
            } else {
                Shelf::Daily
            },
        })
    }
}
