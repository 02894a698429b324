//! Arguments that only a resync to a state edition has, and `fullsync dis ...`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::{Args, Subcommand};

use super::guest::Guest;
use crate::run::Selective;
use crate::scope::parse_ids;

/// What `run` takes for a DIS pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Resync to a state edition (DIS)")]
pub struct Resync {
    /// Send only what is due. Without it a resync sends everything in its scope once more, which is
    /// what it is for: the state may have lost or changed records.
    #[arg(long)]
    pub delta: bool,

    /// Do not check dependencies: send the named objects only, and records whose parents are not at
    /// the state as well (it refuses them).
    #[arg(long)]
    pub no_check_dependencies: bool,

    /// Sync single records of this object (PersonIdentity, Enrollment), and those below them.
    #[arg(
        long,
        value_name = "OBJECT",
        requires = "ids",
        conflicts_with = "resources"
    )]
    pub object: Option<String>,

    /// Their ids: for PersonIdentity District Person IDs, for Enrollment Enrollment IDs. Separated by
    /// line breaks, commas or spaces; @FILE, or - for standard input.
    #[arg(
        long,
        value_name = "IDS",
        requires = "object",
        allow_hyphen_values = true
    )]
    pub ids: Vec<String>,
}

impl Resync {
    /// What is to be synced by ids, if anything is.
    ///
    /// # Errors
    /// The list of ids cannot be read.
    pub fn selective(&self) -> anyhow::Result<Option<Selective>> {
        let Some(object) = self.object.clone() else {
            return Ok(None);
        };
        let ids = parse_ids("--ids", &self.ids, &mut std::io::stdin())?;
        Ok(Some(Selective { object, ids }))
    }
}

/// Resyncs between a state edition and its districts.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct DisArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DisCommand,
}

/// The parts of `fullsync dis`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum DisCommand {
    Poll(PollArgs),
    Request(RequestArgs),
}

/// Carries out the resyncs that the state has asked for.
///
/// Asks the state for open requests, runs each as `fullsync run` would, and tells the state what it
/// came to. Nothing to do is no error, and nobody is told of it; the end of each resync is told as that
/// of a run (notify section, --notify). Meant for cron.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example, in a crontab:
  */15 * * * *  cd /srv/fullsync && fullsync dis poll dis --notify mail:state-reporting@example.org")]
pub struct PollArgs {
    /// The pipeline: `dis` is pipelines/dis.toml.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    #[command(flatten)]
    pub guest: Guest,
}

/// As a state or regional edition: asks a district for a resync.
///
/// The district's next poll picks it up. The pipeline says edition = \"state\", and its token is
/// that of the state's operator.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync dis request state --district 0042                    everything
  fullsync dis request state --district 0042 'Calendar/*' --school-year 2024")]
pub struct RequestArgs {
    /// The pipeline: `state` is pipelines/state.toml.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// Objects, by name or subtree ('Calendar/*'); none = all.
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,

    /// The district, by its number.
    #[arg(long, value_name = "NUMBER")]
    pub district: String,

    /// School year by its end year; without it the district's active one.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1990..=2100))]
    pub school_year: Option<i32>,

    /// Why, for the district's people.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
}
