//! What a ledger is about: `target.json` beside the manifest. Which ODS, and which resources were
//! once loaded whole into it.
//!
//! Reads and writes: `target.json`, `target.lock`. Never: keys of objects.
//! Source: the Resync tool's "resync on all data ... when a new Ed-Fi ODS has been connected".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError};
use crate::files;

/// The target of a ledger, and what it has had of whole loads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Where it is; a sandbox's changes with its port.
    pub url: String,
    /// School year by its end year.
    pub school_year: i32,
    /// Data model, major and minor version (`Ed-Fi 5.2`).
    pub data_model: String,
    /// Instance, where the target shows one.
    pub instance: Option<String>,
    /// Resources that a run has once loaded whole: every school, person and course of the
    /// configuration, to its end.
    pub whole: BTreeMap<String, Whole>,
    /// The first moment at which every resource of the pipeline had been loaded whole.
    pub full: Option<Whole>,
}

/// A whole load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// The run.
    pub run: String,
    /// When it ended, UTC.
    pub at: DateTime<Utc>,
}

impl Ledger {
    /// What the ledger in a folder knows of its target; nothing before its first run. The folder
    /// need not be there.
    ///
    /// # Errors
    /// The file cannot be read, or is not what this program writes.
    pub fn origin(folder: &Path) -> Result<Option<Origin>, LedgerError> {
        read(&folder.join("target.json"))
    }

    /// Notes the target, and the resources that a run has loaded whole; `all` are those of the
    /// pipeline: once each of them was loaded whole, the target has had a full load.
    ///
    /// # Errors
    /// As the file system says.
    pub fn note_origin(
        &self,
        about: Origin,
        loaded: &[String],
        all: &[String],
        by: &Whole,
    ) -> Result<(), LedgerError> {
        self.change(|known| {
            let mut origin = Origin {
                whole: known.whole,
                full: known.full,
                ..about
            };
            for resource in loaded {
                origin.whole.insert(resource.clone(), by.clone());
            }
            if origin.full.is_none() && all.iter().all(|name| origin.whole.contains_key(name)) {
                origin.full = Some(by.clone());
            }
            origin
        })
    }

    /// Writes the file anew. Two runs may end at once: one waits for the other.
    fn change(&self, change: impl FnOnce(Origin) -> Origin) -> Result<(), LedgerError> {
        let path = self.folder.join("target.json");
        let lock = self.folder.join("target.lock");
        let file = files::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock)
            .map_err(LedgerError::io("open", &lock))?;
        // Given back when the file is closed.
        file.lock().map_err(LedgerError::io("lock", &lock))?;
        let origin = change(read(&path)?.unwrap_or_default());
        let text = serde_json::to_vec_pretty(&origin)
            .map_err(|e| LedgerError::io("write", &path)(e.into()))?;
        files::write(&path, &text).map_err(LedgerError::io("write", &path))
    }

    /// Notes that the target has lost what it had of whole loads: it was emptied, or an older state
    /// restored.
    ///
    /// # Errors
    /// As the file system says.
    pub fn forget_whole(&self, about: Origin) -> Result<(), LedgerError> {
        self.change(|_| about)
    }

    /// The targets that other ledgers below `ledgers` (`<state>/<configuration>/ledger`) know at
    /// the same place and of the same school year. What cannot be read is left out: it is only
    /// used to say what has changed.
    pub fn predecessors(ledgers: &Path, of: &Origin) -> Vec<Origin> {
        let year = of.school_year.to_string();
        let folders = std::fs::read_dir(ledgers).into_iter().flatten().flatten();
        let same = |o: &Origin| {
            o.url == of.url && (&o.instance, &o.data_model) != (&of.instance, &of.data_model)
        };
        folders
            .filter_map(|f| read(&f.path().join(&year).join("target.json")).ok()?)
            .filter(same)
            .collect()
    }
}

fn read(path: &Path) -> Result<Option<Origin>, LedgerError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::io("read", path)(error)),
    };
    let origin = serde_json::from_slice(&bytes).map_err(|source| LedgerError::Manifest {
        path: PathBuf::from(path),
        source,
    })?;
    Ok(Some(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn a_target_is_full_once_each_resource_was_loaded_whole() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&dir.path().join("t/2026")).unwrap();
        assert_eq!(Ledger::origin(&ledger.folder).unwrap(), None);
        let about = |model: &str| Origin {
            url: "https://h/data".to_owned(),
            school_year: 2026,
            data_model: model.to_owned(),
            ..Origin::default()
        };
        let by = |run: &str| Whole {
            run: run.to_owned(),
            at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        };
        let all = names(&["schools", "students"]);
        let note = |loaded: &[&str], run: &str| {
            ledger
                .note_origin(about("Ed-Fi 5.2"), &names(loaded), &all, &by(run))
                .unwrap();
            Ledger::origin(&ledger.folder).unwrap().unwrap()
        };
        assert_eq!(note(&["schools"], "a").full, None);
        assert_eq!(note(&[], "b").full, None);
        assert_eq!(note(&["students"], "c").full, Some(by("c")));
        // Later runs do not take it back, nor move it.
        assert_eq!(note(&["students"], "d").full, Some(by("c")));

        let next = about("Ed-Fi 6.0");
        let found = Ledger::predecessors(dir.path(), &next);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].data_model, "Ed-Fi 5.2");
        assert_eq!(Ledger::predecessors(dir.path(), &about("Ed-Fi 5.2")), []);
    }
}
