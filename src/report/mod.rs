//! What a person, a scheduler or a program reads about a run: tallies, errors, exit code.
//!
//! Reads: tallies that the other rooms fill. Writes: `tallies.json`, `errors.json`, `report.txt`.
//! Never: decides an outcome, keeps one entry per object.

mod counts;
mod errors;
mod group;
mod identities;
mod latency;
mod plan;
mod rates;
mod run;
mod scope;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod text;
mod zone;

use std::io;
use std::path::Path;

pub use counts::{Counts, DeleteCounts};
pub use errors::{ErrorGroup, ErrorsReport};
pub use group::{Age, EXAMPLES, Example, ExampleRef, Group, Groups, Root};
pub use identities::{Fault, Mismatch};
pub use latency::{Latency, LatencySummary};
pub use plan::{PlanReport, Planned, PlannedResource};
pub use rates::{RATED_RUNS, Rates};
pub use run::{
    ProbeReport, ReasonCount, ResourceReport, RunHead, RunReport, RunState, TableReport,
    TargetReport, TrafficReport,
};
pub use scope::{ScopeReport, Unmatched};
pub use tally::{ResourceTally, TableTally, Tally, Traffic};
pub use text::{TextOptions, text};
pub use zone::{EventsLine, LISTED, Missing, RequestLine, ScopeLine, ZoneReport};

use crate::files;
use crate::pipeline::FailOn;

/// Version of the JSON format; changes when a reader of the old one would be misled.
pub const FORMAT: u32 = 1;

/// The exit code of a run that has started: 0 accepted, 1 errors beyond `fail_on`, 3 stopped with
/// work pending. (2, could not start, never gets as far as a report.)
///
/// Deletes that the guard held back are never accepted: somebody must look. 3 goes before 1: whoever resumes the run sees its errors then. A delete that failed counts as
/// an error, and a tally that does not add up is never accepted. A dry run leaves all that is due
/// pending on purpose, and is judged by its errors alone; so does a run that is narrowed to some
/// objects with the others (`not_selected`).
pub fn exit_code(report: &RunReport, fail_on: FailOn) -> u8 {
    let total = &report.total;
    let left = total.pending.saturating_sub(report.not_selected());
    let pending = !report.dry_run && (left > 0 || report.deletes.pending > 0);
    if pending || report.state == RunState::Interrupted {
        return 3;
    }
    let failed_deletes = report.deletes.failed;
    let errors = total.errors + failed_deletes;
    let new = total.new_errors + failed_deletes;
    let exceeded = fail_on.exceeded(errors, new, total.processed);
    let held = !report.dry_run && report.deletes.held > 0;
    u8::from(exceeded || held || !report.mismatches.is_empty())
}

/// Writes `tallies.json`, `errors.json` and `report.txt` into the run folder, for the owner only.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn write(folder: &Path, report: &RunReport, errors: &ErrorsReport) -> io::Result<()> {
    let json = |value: serde_json::Result<Vec<u8>>| value.map_err(io::Error::from);
    files::write(
        &folder.join("tallies.json"),
        &json(serde_json::to_vec_pretty(report))?,
    )?;
    files::write(
        &folder.join("errors.json"),
        &json(serde_json::to_vec_pretty(errors))?,
    )?;
    let options = TextOptions {
        width: None,
        examples: true,
    };
    files::write(
        &folder.join("report.txt"),
        text(report, errors, options).as_bytes(),
    )
}

/// Writes `plan.json` beside the report of a plan, for the owner only.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn write_plan(folder: &Path, plan: &PlanReport) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(plan).map_err(io::Error::from)?;
    files::write(&folder.join("plan.json"), &text)
}

/// Reads the numbers of a run alone.
///
/// # Errors
/// As [`read`].
pub fn read_tallies(folder: &Path) -> io::Result<RunReport> {
    read_json(&folder.join("tallies.json"))
}

/// Adds warnings to a report that has been written.
///
/// # Errors
/// As [`read()`] and [`write()`].
pub fn warn(folder: &Path, warnings: &[String]) -> io::Result<()> {
    let (mut report, errors) = read(folder)?;
    report.warnings.extend_from_slice(warnings);
    write(folder, &report, &errors)
}

/// Reads back what [`write()`] wrote, for `fullsync status` and `fullsync errors`.
///
/// # Errors
/// When a file is missing, or is not of this format; the path is in the message.
pub fn read(folder: &Path) -> io::Result<(RunReport, ErrorsReport)> {
    Ok((
        read_json(&folder.join("tallies.json"))?,
        read_json(&folder.join("errors.json"))?,
    ))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<T> {
    let bytes = std::fs::read(path).map_err(|e| files::at(path, &e))?;
    serde_json::from_slice(&bytes).map_err(|e| files::at(path, &e.into()))
}
