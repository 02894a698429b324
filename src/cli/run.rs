//! Arguments of `fullsync run`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

use super::choice::Choice;
use super::deleting::Deleting;
use super::dis::Resync;
use super::filter::Filter;
use super::guest::Guest;
use super::load::Sending;
use super::locks::Locking;
use super::only::Only;
use super::scope::{Consent, Scope, Year};

/// The whole way: extract, transform, load, report.
///
/// Reads the SIS tables, stages them as Parquet, computes the objects by SQL, sends what the target
/// has not acknowledged yet, and prints the tally. Safe to repeat: what is at the target already is
/// not sent again. A run that was stopped carries on with --resume, or simply with the next run.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync run edfi                             everything that is due
  fullsync run edfi students 'studentSchool*'   these resources only
  fullsync run edfi --school 301,lincoln        these schools only
  fullsync run edfi --person @ids.txt           these persons only
  fullsync run edfi courseOfferings --with-dependencies
  fullsync run edfi --step 1                    the first step of the recommended order
  fullsync run edfi --dry-run                   all but the sending
  fullsync run edfi --resend-all                everything in scope, acknowledged or not
  fullsync run edfi --only-failed               what is refused so far, once more
  fullsync run edfi --status-code 409,5xx       what is refused with one of these
  fullsync run edfi --older-than 30d            what was acknowledged long ago
  fullsync run edfi --resume latest             on with the staging of the last run
  fullsync run dis 'Calendar/*'                 resync calendars and all below them to the state")]
pub struct RunArgs {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    /// Carry on a run that was stopped: its staged tables are used, not read afresh. Name the same
    /// resources. RUN is its id, or `latest`.
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,

    #[command(flatten)]
    pub sending: Sending,

    #[command(flatten)]
    pub filter: Filter,

    #[command(flatten)]
    pub resync: Resync,

    #[command(flatten)]
    pub only: Only,

    #[command(flatten)]
    pub year: Year,

    #[command(flatten)]
    pub locking: Locking,

    #[command(flatten)]
    pub consent: Consent,

    #[command(flatten)]
    pub guest: Guest,

    #[command(flatten)]
    pub deleting: Deleting,
}
