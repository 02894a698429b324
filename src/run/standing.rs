//! How each resource of a pipeline stands: its last resync, and what that came to.
//!
//! Reads and writes: `standing.json` of the configuration. Never: counts anything; the report does.
//! Source: the columns Last Resync, Results and Status Legend of Resync State Data - Batch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Context, RunError, Selection};
use crate::files;
use crate::report::RunReport;
use crate::stage::{RunState, StateDir};

/// All resources that have ever been resynced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// By resource.
    pub resources: BTreeMap<String, Resync>,
}

/// The last resync of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resync {
    /// When it was started.
    pub started: DateTime<Utc>,
    /// The run.
    pub run: String,
    /// The school year by its end year.
    pub school_year: i32,
    /// Whether that was the active one, and not one that was asked for.
    pub current_year: bool,
    /// How it stands.
    pub status: Status,
    /// Records of the last resync that came to an end, errors included.
    pub processed: u64,
    /// Errors of it.
    pub errors: u64,
}

/// How a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No resync yet.
    Never,
    /// Chosen, and other resources are at work before it.
    Queued,
    /// At work.
    Running,
    /// All accepted.
    Done,
    /// At its end; some records have errors.
    DoneWithErrors,
    /// It could not do its work.
    Failed,
    /// Stopped before its end.
    Cancelled,
}

impl Status {
    /// All, in the order of the legend.
    pub const ALL: [Self; 7] = [
        Self::Never,
        Self::Queued,
        Self::Running,
        Self::Done,
        Self::DoneWithErrors,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word of listings and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::DoneWithErrors => "done_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

fn file(state: &StateDir) -> PathBuf {
    state.path().join("standing.json")
}

impl Standing {
    /// What is known; a resource whose process has gone stands as its run does.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(state: &StateDir) -> Result<Self, RunError> {
        let mut standing = Self::load(&file(state))?;
        for resync in standing.resources.values_mut() {
            if !matches!(resync.status, Status::Queued | Status::Running) {
                continue;
            }
            resync.status = match state.open(&resync.run).map(|run| run.state()) {
                Ok(RunState::Running) => resync.status,
                Ok(RunState::Failed) => Status::Failed,
                _ => Status::Cancelled,
            };
        }
        Ok(standing)
    }

    fn load(path: &Path) -> Result<Self, RunError> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| std::io::Error::other(format!("{}: {e}", path.display())).into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(files::at(path, &error).into()),
        }
    }

    /// Changes the file, one process at a time.
    fn change(state: &StateDir, change: impl FnOnce(&mut Self)) -> Result<(), RunError> {
        let path = file(state);
        let lock = path.with_extension("lock");
        let held = files::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock)
            .map_err(|e| files::at(&lock, &e))?;
        held.lock()?;
        let mut standing = Self::load(&path)?;
        change(&mut standing);
        let text = serde_json::to_vec_pretty(&standing).map_err(std::io::Error::from)?;
        Ok(files::write(&path, &text)?)
    }
}

/// Where a run tells how its resources stand; a run that is narrowed to some records tells
/// nothing, because it is no resync of the whole.
#[derive(Debug)]
pub(super) struct Teller<'a> {
    context: &'a Context,
    state: StateDir,
    run: String,
}

impl<'a> Teller<'a> {
    pub(super) fn new(context: &'a Context, run: String) -> Option<Self> {
        let pipeline = &context.pipeline;
        context.is_whole().then(|| Self {
            context,
            state: StateDir::new(&pipeline.state_dir, &pipeline.name),
            run,
        })
    }

    /// The load begins.
    pub(super) fn begin(&self, selection: &Selection, school_year: i32) -> Result<(), RunError> {
        let started = self.context.now;
        Standing::change(&self.state, |standing| {
            for p in &selection.resources {
                let known = standing.resources.get(&p.resource.name);
                let counts = known.map_or((0, 0), |k| (k.processed, k.errors));
                let resync = Resync {
                    started,
                    run: self.run.clone(),
                    school_year,
                    current_year: self.context.options.school_year.is_none(),
                    status: match p.prerequisites.is_empty() {
                        true => Status::Running,
                        false => Status::Queued,
                    },
                    processed: counts.0,
                    errors: counts.1,
                };
                standing.resources.insert(p.resource.name.clone(), resync);
            }
        })
    }

    /// The load has ended, with this report; None: it could not do its work.
    pub(super) fn end(&self, report: Option<&RunReport>) -> Result<(), RunError> {
        let cancelled = *self.context.cancel.borrow();
        Standing::change(&self.state, |standing| {
            let own = standing.resources.iter_mut();
            for (name, resync) in own.filter(|(_, r)| r.run == self.run) {
                let counts = report.and_then(|r| r.resources.iter().find(|r| r.resource == *name));
                let Some(counts) = counts.map(|r| &r.counts) else {
                    resync.status = match cancelled {
                        true => Status::Cancelled,
                        false => Status::Failed,
                    };
                    continue;
                };
                resync.processed = counts.processed;
                resync.errors = counts.errors;
                resync.status = match counts {
                    c if c.pending > 0 => Status::Cancelled,
                    c if c.errors > 0 => Status::DoneWithErrors,
                    _ => Status::Done,
                };
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::new(dir.path(), "dis");
        std::fs::create_dir_all(state.path()).unwrap();
        assert_eq!(Standing::read(&state).unwrap(), Standing::default());
        let resync = |status| Resync {
            started: DateTime::UNIX_EPOCH,
            run: "gone".to_owned(),
            school_year: 2024,
            current_year: true,
            status,
            processed: 194,
            errors: 11,
        };
        Standing::change(&state, |standing| {
            for (name, status) in [("School", Status::DoneWithErrors), ("Day", Status::Running)] {
                standing.resources.insert(name.to_owned(), resync(status));
            }
        })
        .unwrap();
        let read = Standing::read(&state).unwrap();
        assert_eq!(read.resources["School"], resync(Status::DoneWithErrors));
        assert_eq!(
            read.resources["Day"].status,
            Status::Cancelled,
            "its run is gone"
        );
    }
}
