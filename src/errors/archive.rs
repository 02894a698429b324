//! Errors that are put out of the daily view. They stay due; the archive only hides them.
//!
//! One line per object and reason in `archived.jsonl` beside the ledger. An object that comes back
//! with another reason, or after it was delivered, is not archived any more.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::files;
use crate::ledger::{Ledger, LedgerError, RowView};
use crate::object::KeyHash;

/// What is archived of one target and school year.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    of: BTreeMap<String, HashMap<KeyHash, Line>>,
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
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(files::at(&path, &e)),
        };
        let mut archive = Self::default();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).map_err(|e| files::at(&path, &e.into()))?;
            archive.put(line);
        }
        Ok(archive)
    }

    fn put(&mut self, line: Line) -> bool {
        let Ok(hash) = u128::from_str_radix(&line.key_hash, 16) else {
            return false;
        };
        let of = self.of.entry(line.resource.clone()).or_default();
        of.insert(KeyHash(hash), line).is_none()
    }

    /// Whether an object is archived with this reason.
    pub(super) fn has(&self, resource: &str, key: KeyHash, reason: &str) -> bool {
        let line = self.of.get(resource).and_then(|of| of.get(&key));
        line.is_some_and(|line| line.reason == reason)
    }

    /// Archives these records; how many were not before.
    ///
    /// # Errors
    /// As the file system says.
    pub fn add(ledger: &Path, records: &[Record], user: &str) -> io::Result<usize> {
        let now = Utc::now();
        Self::change(ledger, |archive| {
            let lines = records.iter().map(|record| Line {
                resource: record.resource.clone(),
                key_hash: format!("{:032x}", record.key_hash.0),
                reason: record.reason.clone(),
                user: user.to_owned(),
                at: now,
            });
            lines.map(|line| usize::from(archive.put(line))).sum()
        })
    }

    /// Puts these records back into the daily view; how many were archived.
    ///
    /// # Errors
    /// As the file system says.
    pub fn take_back(ledger: &Path, records: &[Record]) -> io::Result<usize> {
        Self::change(ledger, |archive| {
            let back = records.iter().filter(|record| {
                let of = archive.of.get_mut(&record.resource);
                of.is_some_and(|of| of.remove(&record.key_hash).is_some())
            });
            back.count()
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
            let mut standing: HashMap<KeyHash, String> = HashMap::new();
            for batch in ledger.snapshot(resource)?.select(&keys)? {
                let batch = batch?;
                let view = RowView::new(&batch).map_err(|source| LedgerError::Arrow {
                    doing: "read",
                    path: folder.to_owned(),
                    source,
                })?;
                for row in view.iter() {
                    if let Some((reason, _)) = row.refusal {
                        standing.insert(row.key_hash, reason.to_owned());
                    }
                }
            }
            let stands = |(key, line): &(&KeyHash, &Line)| standing.get(key) == Some(&line.reason);
            let not = of.iter().filter(|entry| !stands(entry));
            gone.extend(not.map(|(key, _)| (resource.clone(), *key)));
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
        let mut text = Vec::new();
        for line in archive.of.values().flat_map(HashMap::values) {
            serde_json::to_writer(&mut text, line).map_err(io::Error::from)?;
            text.push(b'\n');
        }
        files::write(&file(ledger), &text)?;
        drop(lock);
        Ok(changed)
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
