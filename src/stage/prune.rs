//! Which run folders are deleted, and deleting them.
//!
//! Reads: run folders' manifests and locks. Writes: nothing. Deletes: old run folders. Never: the
//! latest run, one that is running, one whose ledger journal is in use, or a folder that is no run.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};

use super::run_folder::is_locked;
use super::{RunFolder, RunId, RunState, StageError, StateDir};
use crate::files;

/// Begin of the name that a folder gets before its files are deleted, so that a run is never there
/// by half.
const DELETING: &str = ".deleting-";

/// How long run folders stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PruneRules {
    /// The newest finished runs that stay.
    pub runs: usize,
    /// Failed and interrupted runs stay this many days.
    pub failed_days: u32,
}

/// Deletes the run folders that the rules do not keep; their ids, oldest first.
/// `in_use` tells whether anything outside the folder still needs a run: its ledger journal, before
/// it is compacted.
///
/// # Errors
/// As the file system says.
pub fn prune(
    state: &StateDir,
    rules: PruneRules,
    now: DateTime<Utc>,
    in_use: &dyn Fn(&RunId) -> bool,
) -> Result<Vec<RunId>, StageError> {
    finish_earlier(&state.runs())?;
    let latest = state.latest();
    let (mut finished, mut deleted) = (0, Vec::new());
    for id in state.ids()?.into_iter().rev() {
        let path = state.runs().join(id.as_str());
        let stays = match standing(&path, &id) {
            Standing::Running => true,
            Standing::Finished => {
                finished += 1;
                finished <= rules.runs
            }
            Standing::Failed(at) => now - at <= Duration::days(i64::from(rules.failed_days)),
        };
        if !stays && latest.as_ref() != Some(&id) && !in_use(&id) {
            delete(&path, &id)?;
            deleted.push(id);
        }
    }
    deleted.reverse();
    Ok(deleted)
}

/// Deletes one run's folder, and lets `latest` point to the newest run that is left. A run that has
/// no folder (any more) is no error.
///
/// # Errors
/// [`StageError::Running`] while a process is at work in it, and as the file system says.
pub fn delete_run(state: &StateDir, id: &RunId) -> Result<(), StageError> {
    let path = state.runs().join(id.as_str());
    if is_locked(&path) {
        return Err(StageError::Running {
            run: id.to_string(),
        });
    }
    if path.is_dir() {
        delete(&path, id)?;
    }
    if state.latest().as_ref() == Some(id) {
        state.relink_latest()?;
    }
    Ok(())
}

enum Standing {
    Running,
    Finished,
    /// Failed or interrupted, and when.
    Failed(DateTime<Utc>),
}

fn standing(path: &Path, id: &RunId) -> Standing {
    // The lock counts even where the manifest is damaged or not written yet.
    if is_locked(path) {
        return Standing::Running;
    }
    let Ok(run) = RunFolder::open(path) else {
        return Standing::Failed(id.started());
    };
    match run.state() {
        RunState::Running => Standing::Running,
        RunState::Done | RunState::DoneWithErrors => Standing::Finished,
        RunState::Interrupted | RunState::Failed => {
            Standing::Failed(run.manifest().ended.unwrap_or_else(|| id.started()))
        }
    }
}

fn delete(path: &Path, id: &RunId) -> Result<(), StageError> {
    let away = path.with_file_name(format!("{DELETING}{id}"));
    fs::rename(path, &away).map_err(|e| files::at(path, &e))?;
    fs::remove_dir_all(&away).map_err(|e| files::at(&away, &e))?;
    Ok(())
}

/// Deletes what an earlier call was killed over.
fn finish_earlier(runs: &Path) -> Result<(), StageError> {
    let Ok(entries) = fs::read_dir(runs) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(|e| files::at(runs, &e))?;
        if entry.file_name().to_string_lossy().starts_with(DELETING) {
            fs::remove_dir_all(entry.path()).map_err(|e| files::at(&entry.path(), &e))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
