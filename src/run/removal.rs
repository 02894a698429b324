//! Deleting at the target without a source: what a file of payloads names, or everything.
//!
//! The same load, workers, results, report and ledger as a run; its folder has no staging.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use serde_json::Value;

use super::connect::Target;
use super::deletes::{Deletes, DeletesFile, Doomed, Plan};
use super::inspect::key_of;
use super::stations::Stations;
use super::{Context, Finished, Lock, Prepared, RunError, Selection, Staged, Until, connect, lock};
use super::{deliver, editions};
use crate::files;
use crate::ledger::Ledger;
use crate::load::{Question, State};
use crate::lock::Wait;
use crate::progress::Progress;
use crate::source::SisSchema;
use crate::stage::StateDir;

/// How many bad lines of a file are told one by one.
const MOST_TOLD: usize = 10;

/// What is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The records that the lines of this file are: JSON objects that hold at least their keys.
    Payloads(PathBuf),
    /// Everything that the target lists of the resources.
    Everything,
}

impl Removal {
    fn verb(&self) -> &'static str {
        match self {
            Self::Payloads(_) => "delete",
            Self::Everything => "truncate",
        }
    }
}

/// Deletes records, dependants first. With `until` [`Until::Planned`] it only lists them.
///
/// # Errors
/// It could not start, or could not go on; a file whose lines are no records of the resource.
pub async fn remove(
    context: &Context,
    what: &Removal,
    until: Until,
    wait: Wait,
    progress: &Arc<dyn Progress>,
) -> Result<Finished, RunError> {
    let pipeline = &context.pipeline;
    let base = connect::standard(pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    editions::may_send(pipeline)?;
    let patterns = &context.options.resources;
    let chosen = Selection::new(pipeline, patterns, &base, &sis)?;
    if let (Removal::Payloads(_), [_, _, ..]) = (what, &*chosen.resources) {
        let why = "the lines of a file are records of one resource: name one";
        return Err(RunError::Mode(why.to_owned()));
    }
    let school_year = school_year(context)?;
    let mut held = match until {
        Until::Loaded => {
            let wanted = Lock {
                verb: what.verb(),
                schools: None,
                wait,
                cancel: context.cancel.clone(),
            };
            Some(lock(pipeline, &chosen, wanted).await?)
        }
        _ => None,
    };
    let target = Target::connect(pipeline, &base).await?;
    let selection = Selection::new(pipeline, patterns, &target.standard, &sis)?;
    let staged = Staged::without_source(context, school_year)?;
    (context.opened)(staged.folder.path());
    if let Some(held) = &mut held {
        held.named(&staged.id())?;
    }
    let outcome = async {
        let mut plan = Plan::none(&selection);
        for (deletes, p) in plan.resources.iter_mut().zip(&selection.resources) {
            gather(&target, p, what, &staged, deletes).await?;
        }
        let folder = Ledger::folder(&staged.ledgers(), &target.fingerprint, school_year);
        let ledger = Ledger::open(&folder)?;
        let sending = match &held {
            Some(held) => Some(deliver::Sending {
                journal: ledger.journal(&staged.id(), Utc::now().timestamp_micros())?,
                held,
                ledger: &ledger,
            }),
            None => None,
        };
        let stations = Stations::new(&selection, &staged, Vec::new(), plan, false)?;
        let delivered = deliver::load(
            context, &selection, &staged, &target, sending, stations, progress,
        )
        .await?;
        ledger.compact(Utc::now().timestamp_micros())?;
        Ok(Some(delivered))
    };
    let outcome = outcome.await;
    let finished = staged.close(context, &selection, until, outcome, Some(&target));
    target.disconnect().await;
    finished
}

/// Given, configured, or that of the last run.
fn school_year(context: &Context) -> Result<i32, RunError> {
    let pipeline = &context.pipeline;
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let last = || state.open("latest").ok()?.manifest().school_year;
    let year = context.options.school_year.or(pipeline.school_year);
    year.or_else(last).ok_or(RunError::SchoolYear(0))
}

/// Lists what is to go of one resource.
async fn gather(
    target: &Target,
    p: &Prepared,
    what: &Removal,
    staged: &Staged,
    deletes: &mut Deletes,
) -> Result<(), RunError> {
    let path = staged.deletes(&p.resource.name);
    let mut file = DeletesFile::create(&path)?;
    match what {
        Removal::Payloads(from) => payloads(p, from, &mut file)?,
        Removal::Everything if let Some(state) = target.state() => {
            everything_of(state, p, staged.school_year, &mut file).await?;
        }
        Removal::Everything => {
            let mut pages = target.api()?.walk(Question::all(&p.meta.path), usize::MAX);
            while let Some(page) = pages.next().await? {
                for record in &page {
                    push(p, record, "truncate", &mut file)?;
                }
            }
        }
    }
    if file.finish()? > 0 {
        deletes.files.push(path);
    }
    Ok(())
}

/// The keys of all records that a state edition has, school by school.
async fn everything_of(
    state: &State,
    p: &Prepared,
    year: i32,
    file: &mut DeletesFile,
) -> Result<(), RunError> {
    let name = &p.resource.name;
    for school in state.digests(year, name).await? {
        let mut after: Option<String> = None;
        loop {
            let page = state.keys(year, name, school.school, after.as_deref());
            let (records, more) = page.await?;
            after = records.last().map(|(key, _)| key.clone());
            for (key, _) in &records {
                file.push(&Doomed {
                    key,
                    why: "truncate",
                    ..Doomed::default()
                })?;
            }
            if !more || after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// The records of a file, one JSON object a line.
fn payloads(p: &Prepared, from: &Path, file: &mut DeletesFile) -> Result<(), RunError> {
    let reader = BufReader::new(File::open(from).map_err(|e| files::at(from, &e))?);
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line.map_err(|e| files::at(from, &e))?;
        if line.trim().is_empty() {
            continue;
        }
        let what = match serde_json::from_str::<Value>(&line) {
            Err(error) => format!("no JSON object: {error}"),
            Ok(record) => match push(p, &record, "payload", file)? {
                true => continue,
                false => {
                    let parts: Vec<&str> = p.meta.key.iter().map(|k| k.path.as_str()).collect();
                    format!(
                        "no key of {}: it needs {}",
                        p.resource.name,
                        parts.join(", ")
                    )
                }
            },
        };
        wrong.push(format!("{}:{number}: {what}", from.display()));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let more = wrong.len().saturating_sub(MOST_TOLD);
    wrong.truncate(MOST_TOLD);
    if more > 0 {
        wrong.push(format!("and {more} more"));
    }
    Err(RunError::Mode(wrong.join("\n")))
}

/// Adds a record; false when its key cannot be told.
fn push(
    p: &Prepared,
    record: &Value,
    why: &'static str,
    file: &mut DeletesFile,
) -> Result<bool, RunError> {
    let Some(key) = key_of(&p.meta, record) else {
        return Ok(false);
    };
    file.push(&Doomed {
        key: &key,
        server_id: record.get("id").and_then(Value::as_str),
        why,
        ..Doomed::default()
    })?;
    Ok(true)
}
