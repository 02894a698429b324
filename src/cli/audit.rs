//! Arguments of `fullsync audit`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;

/// Shows who did what, when, with which configuration, and what came of it.
///
/// Every command that sends, deletes or shows data of persons is recorded, and every one that was
/// refused for want of a right. Each line of the log carries the hash of the line before; --verify
/// checks that none was changed, removed or put in.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync audit edfi --since 2026-11-01
  fullsync audit --json | jq 'select(.event == \"refused\")'
  fullsync audit edfi --verify   the hash that it prints, noted elsewhere, dates the log")]
pub struct AuditArgs {
    /// The pipeline; without one, every configuration in the folder of --state.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<String>,

    /// Only what happened at or after this time, UTC: 2026-11-22 or 2026-11-22T05:10:22Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<DateTime<Utc>>,

    /// Print the lines as they are, JSON (docs/schemas/audit.schema.json).
    #[arg(long)]
    pub json: bool,

    /// Check the chain of hashes: exit code 1 when it is broken.
    #[arg(long, conflicts_with_all = ["since", "json"])]
    pub verify: bool,

    /// With --verify: a hash that an earlier check printed; it must still be there.
    #[arg(long, value_name = "HASH", requires = "verify")]
    pub head: Option<String>,

    /// The folder of everything that is kept, where no pipeline names it.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "fullsync-data",
        conflicts_with = "pipeline"
    )]
    pub state: PathBuf,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || {
        let day: NaiveDate = text.parse().ok()?;
        Some(day.and_hms_opt(0, 0, 0)?.and_utc())
    };
    let time = DateTime::parse_from_rfc3339(text).map(|t| t.with_timezone(&Utc));
    time.ok()
        .or_else(day)
        .ok_or_else(|| "a time is 2026-11-22 or 2026-11-22T05:10:22Z".to_owned())
}
