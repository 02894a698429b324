//! The history's files: a line appended per run, runs at work and killed ones found by their
//! folders.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::entry::{Entry, FORMAT, Standing};
use super::standing::settle;
use crate::files;
use crate::stage::{RunFolder, RunId, RunState, StageError, StateDir};

/// Why the history could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A file.
    #[error("the history cannot be read or written")]
    Io(#[from] io::Error),
    /// A line that is no entry.
    #[error("{path}:{line}: this is no line of the history: {why}; mend it or take it out")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, 1 = first.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The run folders.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// No run of this id.
    #[error("there is no run {0} in the history; `fullsync history list` shows all")]
    NoRun(String),
    /// A run of whole objects, where selective syncs are meant.
    #[error("run {0} is no selective sync; leave out --selective")]
    NotSelective(String),
    /// A run at work.
    #[error("run {0} is at work; stop it before its history is deleted")]
    Running(String),
}

/// Which runs are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The one of this id, or `latest`.
    pub run: Option<String>,
    /// All that began before this time and are not at work.
    pub before: Option<DateTime<Utc>>,
    /// Selective syncs only: runs of some persons, courses, sections or single records.
    pub selective: bool,
}

/// The history of one configuration.
#[derive(Clone, Debug)]
pub struct History {
    state: StateDir,
}

impl History {
    /// The history beside these run folders; nothing is made yet.
    pub fn new(state: &StateDir) -> Self {
        Self {
            state: state.clone(),
        }
    }

    /// `history.jsonl`.
    pub fn file(&self) -> PathBuf {
        self.state.path().join("history.jsonl")
    }

    /// Writes down that a run has begun, in its folder; and in the history, which runs were killed
    /// since: their folders may be pruned next.
    ///
    /// # Errors
    /// As the file system says, and a damaged history.
    pub fn begin(&self, run: &Path, entry: &mut Entry) -> Result<(), HistoryError> {
        entry.format = FORMAT;
        // Before its own note: a run that is gone on with was perhaps killed.
        let killed = self.killed()?;
        write_note(run, entry)?;
        self.append(&killed)
    }

    /// Writes down that a run has ended.
    ///
    /// # Errors
    /// As the file system says.
    pub fn end(&self, run: &Path, entry: &Entry) -> Result<(), HistoryError> {
        write_note(run, entry)?;
        self.append(std::slice::from_ref(entry))
    }

    /// Runs that were killed and are not in the history yet.
    fn killed(&self) -> Result<Vec<Entry>, HistoryError> {
        let known = self.lines()?;
        let mut killed = self.unended()?;
        let same = |a: &Entry, b: &Entry| a.run == b.run && a.started == b.started;
        killed.retain(|e| e.state == Standing::Died && !known.iter().any(|k| same(k, e)));
        Ok(killed)
    }

    fn append(&self, entries: &[Entry]) -> Result<(), HistoryError> {
        if entries.is_empty() {
            return Ok(());
        }
        let lock = self.lock()?;
        let mut text = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut text, entry).map_err(io::Error::from)?;
            text.push(b'\n');
        }
        let path = self.file();
        let file = files::options().append(true).create(true).open(&path);
        file.and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_data()
        })
        .map_err(|e| files::at(&path, &e))?;
        drop(lock);
        Ok(())
    }

    /// All runs, oldest first: those in the history, those at work, and killed ones.
    ///
    /// # Errors
    /// As the file system says, and a damaged history.
    pub fn entries(&self) -> Result<Vec<Entry>, HistoryError> {
        let mut all = self.lines()?;
        for entry in self.unended()? {
            let same = |k: &Entry| k.run == entry.run && k.started == entry.started;
            if !all.iter().any(same) {
                all.push(entry);
            }
        }
        all.sort_by_key(|entry| entry.started);
        Ok(all)
    }

    /// The runs to be deleted: the one of this id, or all that began before a time. Runs at work
    /// are never among the latter.
    ///
    /// # Errors
    /// No such run, or one that is at work.
    pub fn chosen(&self, asked: &Chosen) -> Result<Vec<String>, HistoryError> {
        let all = self.entries()?;
        let meant = |e: &&Entry| !asked.selective || e.scope.is_of_some_records();
        let entries: Vec<&Entry> = all.iter().filter(meant).collect();
        let mut chosen: Vec<String> = Vec::new();
        let running = |run: &str| {
            entries
                .iter()
                .any(|e| e.run == run && e.state == Standing::Running)
        };
        if let Some(run) = asked.run.as_deref() {
            let run = match run {
                "latest" if asked.selective => entries.last().map(|e| e.run.clone()),
                "latest" => self.state.latest().map(|id| id.to_string()),
                run => Some(run.to_owned()),
            };
            let run = run.ok_or_else(|| HistoryError::NoRun("latest".to_owned()))?;
            if running(&run) {
                return Err(HistoryError::Running(run));
            }
            if !entries.iter().any(|e| e.run == run) {
                match all.iter().any(|e| e.run == run) || self.has_folder(&run) {
                    true if asked.selective => return Err(HistoryError::NotSelective(run)),
                    true => {}
                    false => return Err(HistoryError::NoRun(run)),
                }
            }
            chosen.push(run);
        }
        if let Some(before) = asked.before {
            let old = entries.iter().filter(|e| e.started < before);
            let old = old.filter(|e| !running(&e.run)).map(|e| e.run.clone());
            chosen.extend(old);
        }
        chosen.sort();
        chosen.dedup();
        Ok(chosen)
    }

    fn has_folder(&self, run: &str) -> bool {
        RunId::parse(run).is_some_and(|id| self.state.runs().join(id.as_str()).is_dir())
    }

    /// Deletes runs: their folders, then their lines. What the target has acknowledged stays in
    /// the ledger.
    ///
    /// # Errors
    /// A run that is at work, and as the file system says.
    pub fn delete(&self, runs: &[String]) -> Result<(), HistoryError> {
        let lock = self.lock()?;
        for run in runs {
            if let Some(id) = RunId::parse(run) {
                crate::stage::delete_run(&self.state, &id)?;
            }
        }
        let kept: Vec<Entry> = (self.lines()?.into_iter())
            .filter(|entry| !runs.contains(&entry.run))
            .collect();
        let mut text = Vec::new();
        for entry in &kept {
            serde_json::to_writer(&mut text, entry).map_err(io::Error::from)?;
            text.push(b'\n');
        }
        files::write(&self.file(), &text)?;
        drop(lock);
        Ok(())
    }

    /// The lines of the history, in the order written.
    fn lines(&self) -> Result<Vec<Entry>, HistoryError> {
        let path = self.file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(files::at(&path, &e).into()),
        };
        let whole = text.ends_with('\n');
        let count = text.lines().count();
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str(line) {
                Ok(entry) => entries.push(entry),
                // A line that a power cut has torn: its run folder tells the same.
                Err(_) if number + 1 == count && !whole => {}
                Err(_) if line.trim().is_empty() => {}
                Err(error) => {
                    return Err(HistoryError::Line {
                        path,
                        line: number + 1,
                        why: error.to_string(),
                    });
                }
            }
        }
        Ok(entries)
    }

    /// Runs whose folders say that they have not ended: at work, or dead.
    fn unended(&self) -> Result<Vec<Entry>, HistoryError> {
        let mut found = Vec::new();
        for id in self.state.ids()? {
            let path = self.state.runs().join(id.as_str());
            let Ok(folder) = RunFolder::open(&path) else {
                continue;
            };
            if folder.manifest().state != RunState::Running {
                continue;
            }
            let Some(mut entry) = note(&path) else {
                continue;
            };
            entry.state = match folder.state() {
                RunState::Running => Standing::Running,
                _ => Standing::Died,
            };
            settle(&mut entry, &path);
            found.push(entry);
        }
        Ok(found)
    }

    fn lock(&self) -> io::Result<File> {
        files::create_dir(self.state.path())?;
        let path = self.state.path().join("history.lock");
        let file = files::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| files::at(&path, &e))?;
        file.lock().map_err(|e| files::at(&path, &e))?;
        Ok(file)
    }
}

fn note_file(run: &Path) -> PathBuf {
    run.join("entry.json")
}

fn note(run: &Path) -> Option<Entry> {
    serde_json::from_slice(&fs::read(note_file(run)).ok()?).ok()
}

fn write_note(run: &Path, entry: &Entry) -> io::Result<()> {
    let mut json = serde_json::to_vec_pretty(entry).map_err(io::Error::from)?;
    json.push(b'\n');
    files::write(&note_file(run), &json)
}
