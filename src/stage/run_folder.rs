//! One run's folder: where each file is, its manifest, and the lock of the process at work in it.
//!
//! Reads and writes: `manifest.json`, `run.lock`. Never: believes `running` of a run whose process
//! is gone.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{FileNote, KeptFile, Manifest, RunState, StageError, keep};
use crate::files;

/// Whoever looks whether a run is alive holds its lock for an instant: that long is waited.
const LOCK_TRIES: u32 = 20;
const LOCK_WAIT: Duration = Duration::from_millis(5);

/// A run folder, opened to work in it or to read it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    manifest: Mutex<Manifest>,
    /// Held for the life of the run; None when opened for reading.
    lock: Option<File>,
}

impl RunFolder {
    /// Locks a new folder and writes its first manifest.
    pub(super) fn start(path: PathBuf, manifest: Manifest) -> Result<Self, StageError> {
        let lock = lock(&path, &manifest.run)?;
        let run = Self {
            path,
            manifest: Mutex::new(manifest),
            lock: Some(lock),
        };
        run.update(|_| {})?;
        Ok(run)
    }

    /// Opens a folder for reading.
    ///
    /// # Errors
    /// When it has no manifest that can be read.
    pub fn open(path: &Path) -> Result<Self, StageError> {
        let file = path.join("manifest.json");
        let text = fs::read(&file).map_err(|e| files::at(&file, &e))?;
        let manifest = serde_json::from_slice(&text)
            .map_err(|source| StageError::BadManifest { path: file, source })?;
        Ok(Self {
            path: path.to_owned(),
            manifest: Mutex::new(manifest),
            lock: None,
        })
    }

    /// Opens a folder to go on with its work.
    pub(super) fn reopen(path: &Path) -> Result<Self, StageError> {
        let mut run = Self::open(path)?;
        run.lock = Some(lock(path, &run.id())?);
        // Another process may have changed it before the lock was ours.
        run.manifest = Self::open(path)?.manifest;
        run.update(|manifest| {
            manifest.state = RunState::Running;
            manifest.ended = None;
        })?;
        Ok(run)
    }

    /// The run's id.
    pub fn id(&self) -> String {
        self.held().run.clone()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `manifest.json`.
    pub fn manifest_file(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    /// `stage/TABLE.parquet`.
    pub fn stage(&self, table: &str) -> PathBuf {
        self.path.join("stage").join(parquet_name(table))
    }

    /// `objects/RESOURCE.parquet`.
    pub fn objects(&self, resource: &str) -> PathBuf {
        self.path.join("objects").join(parquet_name(resource))
    }

    /// `results/RESOURCE.parquet`.
    pub fn results(&self, resource: &str) -> PathBuf {
        self.path.join("results").join(parquet_name(resource))
    }

    /// `rejects.csv`.
    pub fn rejects(&self) -> PathBuf {
        self.path.join("rejects.csv")
    }

    /// `tallies.json`.
    pub fn tallies(&self) -> PathBuf {
        self.path.join("tallies.json")
    }

    /// `errors.json`.
    pub fn errors(&self) -> PathBuf {
        self.path.join("errors.json")
    }

    /// `report.txt`.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.txt")
    }

    /// `run.log`.
    pub fn log(&self) -> PathBuf {
        self.path.join("run.log")
    }

    /// `pipeline/`: copies of the files that were used.
    pub fn pipeline(&self) -> PathBuf {
        self.path.join("pipeline")
    }

    /// The manifest as it is now.
    pub fn manifest(&self) -> Manifest {
        self.held().clone()
    }

    /// How the run stands: as the manifest says, except that a run whose process is gone is
    /// interrupted.
    pub fn state(&self) -> RunState {
        let state = self.held().state;
        if state == RunState::Running && self.lock.is_none() && !is_locked(&self.path) {
            return RunState::Interrupted;
        }
        state
    }

    /// Changes the manifest and writes it.
    ///
    /// # Errors
    /// When the folder was opened for reading, or the disk refuses.
    pub fn update(&self, change: impl FnOnce(&mut Manifest)) -> Result<(), StageError> {
        let mut held = self.held();
        if self.lock.is_none() {
            return Err(StageError::ReadOnly {
                run: held.run.clone(),
            });
        }
        let mut changed = held.clone();
        change(&mut changed);
        let mut json = serde_json::to_vec_pretty(&changed).map_err(io::Error::other)?;
        json.push(b'\n');
        files::write(&self.manifest_file(), &json)?;
        *held = changed;
        Ok(())
    }

    /// Notes a resource's objects file (in the place of an earlier note).
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn note_objects(&self, note: FileNote) -> Result<(), StageError> {
        self.update(|manifest| replace(&mut manifest.objects, note))
    }

    /// Notes a resource's results file (in the place of an earlier note).
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn note_results(&self, note: FileNote) -> Result<(), StageError> {
        self.update(|manifest| replace(&mut manifest.results, note))
    }

    /// Copies files that the run uses into `pipeline/`, keeping their places relative to each
    /// other, and notes them.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn keep(&self, used: &[PathBuf]) -> Result<Vec<KeptFile>, StageError> {
        let kept = keep::copy(used, &self.path)?;
        self.update(|manifest| manifest.files.clone_from(&kept))?;
        Ok(kept)
    }

    /// Ends the run: writes its last state. The lock is given back when the value is dropped.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn finish(&self, state: RunState, now: DateTime<Utc>) -> Result<(), StageError> {
        self.update(|manifest| {
            manifest.state = state;
            manifest.ended = Some(now);
        })
    }

    /// Names and files of the staged tables, all of which are there as the manifest has them.
    ///
    /// # Errors
    /// [`StageError::Incomplete`] with every file that is missing or has another size.
    pub fn staged_tables(&self) -> Result<Vec<(String, PathBuf)>, StageError> {
        let manifest = self.manifest();
        let mut tables = Vec::new();
        let mut wrong = Vec::new();
        for table in manifest.tables {
            let path = self.stage(&table.name);
            match fs::metadata(&path) {
                Ok(meta) if meta.len() == table.bytes => tables.push((table.name, path)),
                Ok(_) => wrong.push(format!("stage/{}.parquet has another size", table.name)),
                Err(_) => wrong.push(format!("stage/{}.parquet is missing", table.name)),
            }
        }
        if tables.is_empty() && wrong.is_empty() {
            wrong.push(String::from("no table is staged"));
        }
        if wrong.is_empty() {
            return Ok(tables);
        }
        Err(StageError::Incomplete {
            run: manifest.run,
            files: wrong,
        })
    }

    fn held(&self) -> MutexGuard<'_, Manifest> {
        // The manifest is replaced as a whole: a panic elsewhere leaves it as it was.
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replace(notes: &mut Vec<FileNote>, note: FileNote) {
    match notes.iter_mut().find(|n| n.resource == note.resource) {
        Some(earlier) => *earlier = note,
        None => notes.push(note),
    }
}

/// The file name of a table or resource; `ed-fi/students` must not become a folder.
pub fn parquet_name(name: &str) -> String {
    format!("{}.parquet", file_name(name))
}

/// A table's or resource's name as that of a file.
pub fn file_name(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars()
        .map(|c| if safe(c) { c } else { '.' })
        .collect()
}

/// Takes the lock of a run.
fn lock(path: &Path, run: &str) -> Result<File, StageError> {
    let name = path.join("run.lock");
    let opened = files::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name);
    let file = opened.map_err(|e| files::at(&name, &e))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
            Err(TryLockError::Error(e)) => return Err(files::at(&name, &e).into()),
        }
    }
    Err(StageError::Running {
        run: run.to_owned(),
    })
}

/// Whether a process is at work in the folder.
pub(super) fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path.join("run.lock")) else {
        return false;
    };
    // The lock, if it was free, is given back when the file is closed here.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
