//! Errors that are put out of the daily view. They stay due; the archive only hides them.
//!
//! One line per object and reason in `archived.jsonl` beside the ledger. An object that comes back
//! with another reason, or after it was delivered, is not archived any more. In memory an archived error is
//! about 80 bytes; the list is written as a stream.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::files;
use crate::ledger::{Ledger, LedgerError, RowView};
use crate::object::KeyHash;

/// What is archived of one target and school year.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    of: BTreeMap<String, HashMap<KeyHash, Mark>>,
    texts: Texts,
}

/// Why an error is archived, by whom and when.
#[derive(Clone, Debug)]
struct Mark {
    reason: Arc<str>,
    user: Arc<str>,
    at: DateTime<Utc>,
}

/// The few texts of many records, each held once.
#[derive(Clone, Debug, Default)]
struct Texts(BTreeSet<Arc<str>>);

impl Texts {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// Errors to be archived, or to be put back: of each its key hash and reason.
#[derive(Clone, Debug, Default)]
pub struct Shelved {
    of: BTreeMap<String, Vec<(KeyHash, Arc<str>)>>,
    texts: Texts,
}

impl Shelved {
    /// Adds one.
    pub fn add(&mut self, record: &Record) {
        let reason = self.texts.shared(&record.reason);
        let of = self.of.entry(record.resource.clone()).or_default();
        of.push((record.key_hash, reason));
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    resource: String,
    /// 32 hex digits.
    key_hash: String,
    reason: String,
    user: String,
    at: DateTime<Utc>,
}

fn file(ledger: &Path) -> PathBuf {
    ledger.join("archived.jsonl")
}

impl Archive {
    /// What is archived beside a ledger.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn load(ledger: &Path) -> io::Result<Self> {
        let path = file(ledger);
        let opened = match File::open(&path) {
            Ok(opened) => opened,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(files::at(&path, &e)),
        };
        let mut archive = Self::default();
        for line in BufReader::new(opened).lines() {
            let line = line.map_err(|e| files::at(&path, &e))?;
            let line: Line =
                serde_json::from_str(&line).map_err(|e| files::at(&path, &e.into()))?;
            let Ok(hash) = u128::from_str_radix(&line.key_hash, 16) else {
                continue;
            };
            let mark = Mark {
                reason: archive.texts.shared(&line.reason),
                user: archive.texts.shared(&line.user),
                at: line.at,
            };
            archive.put(&line.resource, KeyHash(hash), mark);
        }
        Ok(archive)
    }

    /// Whether the object was not archived before.
    fn put(&mut self, resource: &str, key: KeyHash, mark: Mark) -> bool {
        let of = self.of.entry(resource.to_owned()).or_default();
        of.insert(key, mark).is_none()
    }

    /// Whether an object is archived with this reason.
    pub(super) fn has(&self, resource: &str, key: KeyHash, reason: &str) -> bool {
        let mark = self.of.get(resource).and_then(|of| of.get(&key));
        mark.is_some_and(|mark| *mark.reason == *reason)
    }

    /// Archives these errors; how many were not before.
    ///
    /// # Errors
    /// As the file system says.
    pub fn add(ledger: &Path, errors: Shelved, user: &str) -> io::Result<usize> {
        let at = Utc::now();
        Self::change(ledger, |archive| {
            let user = archive.texts.shared(user);
            let mut new = 0;
            for (resource, errors) in errors.of {
                for (key, reason) in errors {
                    let user = Arc::clone(&user);
                    new += usize::from(archive.put(&resource, key, Mark { reason, user, at }));
                }
            }
            new
        })
    }

    /// Puts these errors back into the daily view; how many were archived.
    ///
    /// # Errors
    /// As the file system says.
    pub fn take_back(ledger: &Path, errors: Shelved) -> io::Result<usize> {
        Self::change(ledger, |archive| {
            let mut back = 0;
            for (resource, errors) in &errors.of {
                let Some(of) = archive.of.get_mut(resource) else {
                    continue;
                };
                back += errors
                    .iter()
                    .filter(|(key, _)| of.remove(key).is_some())
                    .count();
            }
            back
        })
    }

    /// Forgets what no longer stands: delivered since, or refused for another reason.
    ///
    /// # Errors
    /// The ledger cannot be read, or the file cannot be written.
    pub fn settle(folder: &Path, ledger: &Ledger) -> Result<(), LedgerError> {
        let io = |error: io::Error| LedgerError::Io {
            doing: "keep the archive of",
            path: folder.to_owned(),
            source: error,
        };
        if !file(folder).exists() {
            return Ok(());
        }
        let archive = Self::load(folder).map_err(io)?;
        let mut gone: Vec<(String, KeyHash)> = Vec::new();
        for (resource, of) in &archive.of {
            let mut keys: Vec<KeyHash> = of.keys().copied().collect();
            keys.sort_unstable();
            let mut standing: HashSet<KeyHash> = HashSet::new();
            for batch in ledger.snapshot(resource)?.select(&keys)? {
                let batch = batch?;
                let view = RowView::new(&batch).map_err(|source| LedgerError::Arrow {
                    doing: "read",
                    path: folder.to_owned(),
                    source,
                })?;
                for row in view.iter() {
                    let mark = of.get(&row.key_hash);
                    let same =
                        |(reason, _): (&str, u16)| mark.is_some_and(|m| *m.reason == *reason);
                    if row.refusal.is_some_and(same) {
                        standing.insert(row.key_hash);
                    }
                }
            }
            let not = of.keys().filter(|key| !standing.contains(key));
            gone.extend(not.map(|key| (resource.clone(), *key)));
        }
        if gone.is_empty() {
            return Ok(());
        }
        Self::change(folder, |archive| {
            for (resource, key) in &gone {
                if let Some(of) = archive.of.get_mut(resource) {
                    of.remove(key);
                }
            }
            gone.len()
        })
        .map(|_| ())
        .map_err(io)
    }

    /// Changes the file, one process at a time.
    fn change(ledger: &Path, change: impl FnOnce(&mut Self) -> usize) -> io::Result<usize> {
        let lock = Self::lock(ledger)?;
        let mut archive = Self::load(ledger)?;
        let changed = change(&mut archive);
        archive.write(&file(ledger))?;
        drop(lock);
        Ok(changed)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let partial = files::partial(path);
        let mut out = BufWriter::new(files::create(&partial)?);
        for (resource, of) in &self.of {
            for (key, mark) in of {
                let line = Line {
                    resource: resource.clone(),
                    key_hash: format!("{:032x}", key.0),
                    reason: mark.reason.to_string(),
                    user: mark.user.to_string(),
                    at: mark.at,
                };
                serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
        }
        let done = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        done.sync_all().map_err(|e| files::at(path, &e))?;
        fs::rename(&partial, path).map_err(|e| files::at(path, &e))
    }

    fn lock(ledger: &Path) -> io::Result<File> {
        let path = ledger.join("archived.lock");
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
