//! Arguments that narrow a run to objects by what became of them earlier.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use clap::Args;

use crate::ledger::StatusRange;
use crate::stage::RunId;

// Of each argument, because a heading of the whole would go on behind it.
const HEADING: &str = "Narrowed by what became of the objects earlier";

/// Which objects are sent, of those that would be. Several of these must all hold. What else is due
/// is counted as pending, `not_selected`, and stays due.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Only {
    /// Only objects that failed: those with a standing refusal in the ledger, or, with RUN, those
    /// that this run has left rejected, blocked, failed or pending. RUN is its id, or `latest`.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "RUN",
        num_args = 0..=1,
        default_missing_value = "",
        value_parser = FailedIn::parse
    )]
    pub only_failed: Option<FailedIn>,

    /// Only objects that the target acknowledged longer ago than this (90m, 36h, 7d, 4w), or before
    /// this UTC date (2026-11-22, 2026-11-22T05:00:00Z), or never; they are sent again, changed or
    /// not.
    #[arg(long, help_heading = HEADING, value_name = "AGE|DATE", value_parser = Age::parse)]
    pub older_than: Option<Age>,

    /// Only objects whose standing refusal has one of these HTTP statuses: 409,5xx,400-404. 0 is no
    /// answer, or a refusal of our own.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "CODES",
        value_delimiter = ',',
        value_parser = status
    )]
    pub status_code: Vec<StatusRange>,
}

/// Where failed objects are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailedIn {
    /// In the ledger.
    Ledger,
    /// In the results of this run.
    Run(String),
}

impl FailedIn {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(Self::Ledger),
            run if run == "latest" || RunId::parse(run).is_some() => Ok(Self::Run(run.to_owned())),
            _ => Err(
                "this is no run (2026-11-22T051022Z-7f3a, or latest); name resources before \
                      --only-failed"
                    .to_owned(),
            ),
        }
    }
}

/// A time, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// This long before now.
    Ago(TimeDelta),
    /// Then.
    At(DateTime<Utc>),
}

impl Age {
    /// Reads `90m`, `36h`, `7d`, `4w`, `2026-11-22` or `2026-11-22T05:00:00Z`.
    ///
    /// # Errors
    /// What else can be given.
    pub fn parse(text: &str) -> Result<Self, String> {
        let units = [("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
        for (unit, seconds) in units {
            if let Some(number) = text.strip_suffix(unit)
                && let Ok(number) = number.parse::<u32>()
                && let Some(ago) = TimeDelta::try_seconds(i64::from(number) * seconds)
            {
                return Ok(Self::Ago(ago));
            }
        }
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ").ok();
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        time.or_else(|| day?.and_hms_opt(0, 0, 0))
            .map(|time| Self::At(time.and_utc()))
            .ok_or_else(|| {
                "neither an age (90m, 36h, 7d, 4w) nor a UTC date (2026-11-22, or \
                 2026-11-22T05:00:00Z)"
                    .to_owned()
            })
    }

    /// The time that is meant.
    pub fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or(DateTime::UNIX_EPOCH),
            Self::At(time) => time,
        }
    }
}

pub(super) fn status(text: &str) -> Result<StatusRange, String> {
    StatusRange::parse(text.trim())
        .ok_or_else(|| "no HTTP status (409), class (5xx) or range (400-409)".to_owned())
}

impl Only {
    /// What a run is told.
    pub fn options(&self, now: DateTime<Utc>) -> crate::run::Only {
        crate::run::Only {
            failed: self.only_failed.clone().map(|failed| match failed {
                FailedIn::Ledger => crate::run::Failed::Standing,
                FailedIn::Run(run) => crate::run::Failed::Run(run),
            }),
            older_than: self.older_than.map(|age| age.before(now)),
            status: self.status_code.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_dates_are_read() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |text: &str| Age::parse(text).map(|age| age.before(now).timestamp());
        assert_eq!(at("90m"), Ok(1_800_000_000 - 5400));
        assert_eq!(at("2w"), Ok(1_800_000_000 - 14 * 86_400));
        assert_eq!(at("2026-11-22"), Ok(1_795_305_600));
        assert_eq!(at("2026-11-22T05:00:00Z"), Ok(1_795_305_600 + 5 * 3600));
        for text in [
            "",
            "7",
            "d",
            "-7d",
            "yesterday",
            "2026-13-01",
            "99999999999w",
            "7é",
        ] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
