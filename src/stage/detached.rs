//! A run that goes on in the background: its output, whether it is still at work, its exit code.
//!
//! Reads and writes: `detached/RUN.log`, `detached/RUN.exit`. Never: a process id. The log is
//! locked by whoever writes to it, from before the background process exists until it is gone,
//! however it went; so nobody can take another process for it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::{RunId, StateDir};
use crate::files;

/// The background side of one run.
#[derive(Clone, Debug)]
pub struct Detached {
    id: String,
    log: PathBuf,
    exit: PathBuf,
}

impl StateDir {
    /// The background side of a run, whether there is one or not.
    pub fn detached(&self, run: &str) -> Detached {
        let folder = self.path().join("detached");
        Detached {
            id: run.to_owned(),
            log: folder.join(format!("{run}.log")),
            exit: folder.join(format!("{run}.exit")),
        }
    }

    /// Ids of the runs that were started in the background, oldest first.
    pub fn detached_ids(&self) -> Vec<RunId> {
        let entries = fs::read_dir(self.path().join("detached"));
        let mut ids: Vec<RunId> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                RunId::parse(name.strip_suffix(".log")?)
            })
            .collect();
        ids.sort();
        ids
    }

    /// Forgets background runs that began more than so many days ago and are over.
    pub fn prune_detached(&self, days: u32, now: DateTime<Utc>) {
        for id in self.detached_ids() {
            let old = now - id.started() > TimeDelta::days(i64::from(days));
            let detached = self.detached(id.as_str());
            if old && !detached.is_running() {
                // What cannot be removed now is met again by the next run.
                let _ = fs::remove_file(&detached.log);
                let _ = fs::remove_file(&detached.exit);
            }
        }
    }
}

impl Detached {
    /// The run.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Standard output and error of the background process.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether the run was ever started in the background.
    pub fn exists(&self) -> bool {
        self.log.is_file()
    }

    /// The log, locked: to be handed to the background process as its output.
    ///
    /// # Errors
    /// It is at work already, or as the file system says.
    pub fn start(&self) -> io::Result<File> {
        if let Some(folder) = self.log.parent() {
            files::create_dir(folder)?;
        }
        let opened = files::options().append(true).create(true).open(&self.log);
        let file = opened.map_err(|e| files::at(&self.log, &e))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other(format!("run {} is at work", self.id)),
            TryLockError::Error(error) => files::at(&self.log, &error),
        })?;
        match fs::remove_file(&self.exit) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(files::at(&self.exit, &error))
            }
            _ => Ok(file),
        }
    }

    /// Notes the exit code; the last thing that the background process does.
    ///
    /// # Errors
    /// As the file system says.
    pub fn ended(&self, exit: u8) -> io::Result<()> {
        files::write(&self.exit, format!("{exit}\n").as_bytes())
    }

    /// Whether the background process is there.
    pub fn is_running(&self) -> bool {
        let Ok(file) = File::open(&self.log) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// The exit code that it noted; None: it is at work, or was killed.
    pub fn exit_code(&self) -> Option<u8> {
        fs::read_to_string(&self.exit).ok()?.trim().parse().ok()
    }

    /// Gives the log a second name in the run folder, so that it stays as long as the run does.
    pub fn show_in(&self, folder: &Path) {
        let name = folder.join("output.txt");
        if !name.exists()
            && let Err(error) = fs::hard_link(&self.log, &name)
        {
            tracing::info!(%error, log = %self.log.display(), "the output stays outside of the run folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_who_is_at_work_and_a_file_how_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::new(folder.path(), "edfi");
        let detached = state.detached("2026-11-22T051022Z-7f3a");
        assert!(!detached.exists() && !detached.is_running());
        let held = detached.start().unwrap();
        assert!(detached.is_running() && detached.exit_code().is_none());
        assert!(
            detached
                .start()
                .unwrap_err()
                .to_string()
                .contains("at work")
        );
        let copy = held.try_clone().unwrap();
        drop(held);
        assert!(detached.is_running(), "a child has the other end");
        detached.ended(1).unwrap();
        drop(copy);
        assert!(!detached.is_running());
        assert_eq!(detached.exit_code(), Some(1));
        let started: DateTime<Utc> = "2026-11-22T05:10:22Z".parse().unwrap();
        state.prune_detached(30, started + TimeDelta::days(30));
        assert!(detached.exists());
        state.prune_detached(30, started + TimeDelta::days(31));
        assert!(!detached.exists() && state.detached_ids().is_empty());
    }
}
