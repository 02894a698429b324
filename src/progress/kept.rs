//! Progress that other processes can read: a small file beside what is shown on the screen.
//!
//! Reads: such a file. Writes: `progress.json` in the run folder, at most once a second. Never:
//! waits for the disk (it is no record of anything; the ledger is).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Progress;
use crate::files;

/// Time between two writings.
const EVERY: Duration = Duration::from_secs(1);

/// How far one thing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Far {
    /// Objects (or rows) ahead, where that is known.
    pub total: Option<u64>,
    /// Objects settled.
    pub done: u64,
    /// Those of them that are errors.
    pub errors: u64,
    /// How it ended (`done`, `cut short`, ...); none while it is under way.
    pub ended: Option<String>,
}

/// Tells another progress, and keeps a file.
#[derive(Debug)]
pub struct Kept {
    shown: Arc<dyn Progress>,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    far: BTreeMap<String, Far>,
    written: Option<Instant>,
}

impl Kept {
    /// The file in a run folder.
    pub fn file(run: &Path) -> PathBuf {
        run.join("progress.json")
    }

    /// Keeps the file of this run folder beside telling `shown`.
    pub fn new(shown: Arc<dyn Progress>, run: &Path) -> Self {
        Self {
            shown,
            path: Self::file(run),
            state: Mutex::new(State {
                far: BTreeMap::new(),
                written: None,
            }),
        }
    }

    /// How far a run is, by what is under way; empty where there is no file.
    pub fn read(run: &Path) -> BTreeMap<String, Far> {
        let bytes = fs::read(Self::file(run)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn change(&self, what: &str, change: impl FnOnce(&mut Far)) {
        let mut state = self.lock();
        change(state.far.entry(what.to_owned()).or_default());
        if state.written.is_none_or(|at| at.elapsed() >= EVERY) {
            self.write(&mut state);
        }
    }

    fn write(&self, state: &mut State) {
        state.written = Some(Instant::now());
        let partial = files::partial(&self.path);
        let written = serde_json::to_vec(&state.far)
            .map_err(std::io::Error::from)
            .and_then(|json| files::create(&partial)?.write_all(&json))
            .and_then(|()| fs::rename(&partial, &self.path));
        if let Err(error) = written {
            tracing::debug!(%error, "progress could not be kept");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Kept {
    fn start(&self, what: &str, total: Option<u64>) {
        self.change(what, |far| {
            *far = Far {
                total,
                ..Far::default()
            };
        });
        self.shown.start(what, total);
    }

    fn advance(&self, what: &str, done: u64, errors: u64) {
        self.change(what, |far| {
            far.done += done;
            far.errors += errors;
        });
        self.shown.advance(what, done, errors);
    }

    fn finish(&self, what: &str, message: &str) {
        self.change(what, |far| far.ended = Some(message.to_owned()));
        self.shown.finish(what, message);
    }

    fn note(&self, line: &str) {
        self.shown.note(line);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut state = self.lock();
        self.write(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Recording};
    use super::*;

    #[test]
    fn another_process_reads_how_far_it_is() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Kept::read(dir.path()).is_empty());
        let shown = Arc::new(Recording::default());
        let kept = Kept::new(Arc::clone(&shown) as Arc<dyn Progress>, dir.path());
        kept.start("students", Some(10));
        assert_eq!(Kept::read(dir.path())["students"].total, Some(10));
        kept.advance("students", 4, 1);
        kept.advance("students", 3, 0);
        kept.finish("students", "done");
        drop(kept);
        let far = &Kept::read(dir.path())["students"];
        assert_eq!((far.done, far.errors), (7, 1));
        assert_eq!(far.ended.as_deref(), Some("done"));
        assert_eq!(shown.events().len(), 4);
        assert_eq!(
            shown.events()[3],
            Event::Finish("students".into(), "done".into())
        );
    }
}
