//! The state's records: per district, school year and object, by key.
//!
//! Reads and writes: the log of the state folder. Never: overwrites what a newer run has written.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value;

use super::requests::Requests;
use crate::sandbox::SandboxError;
use crate::sandbox::log::{Log, new_instance};

/// District and school year.
pub(super) type Zone = (String, i32);

/// One record, or where one was deleted.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// The run that wrote it last.
    pub(super) sequence: u64,
    /// None: deleted.
    pub(super) content: Option<Content>,
}

/// What is kept of a record.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) hash: u128,
    pub(super) school: Option<i64>,
    pub(super) record: Box<str>,
}

/// What a run has done to one record, as the log has it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) key: String,
    pub(super) sequence: u64,
    pub(super) what: What,
}

/// What was done.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Created or replaced.
    Put(Content),
    /// Deleted.
    Delete,
    /// Found as it is: only the run is noted, so that older ones do not overwrite it.
    Confirm,
}

/// Records of one object by key.
pub(super) type Shelf = HashMap<String, Stored>;

/// Everything that the state keeps.
#[derive(Debug, Default)]
pub(super) struct Store {
    shelves: HashMap<Zone, BTreeMap<String, Shelf>>,
    sequences: HashMap<String, u64>,
    pub(super) requests: Requests,
    log: Option<Log>,
}

impl Store {
    /// Reads a state folder; without one everything stays in memory. Returns the instance's name.
    pub(super) fn open(dir: Option<&Path>, instance: &str) -> Result<(Self, String), SandboxError> {
        let mut store = Self::default();
        let Some(dir) = dir else {
            let name = match instance.is_empty() {
                true => new_instance(),
                false => instance.to_owned(),
            };
            return Ok((store, name));
        };
        let log = Log::open(dir, instance, |line| store.replay(line))?;
        let name = log.instance_id().to_owned();
        store.log = Some(log);
        Ok((store, name))
    }

    fn replay(&mut self, line: &[u8]) -> Result<(), String> {
        let broken = || "not a line of a state's log".to_owned();
        let line = std::str::from_utf8(line).map_err(|_| broken())?;
        if let Some(request) = line.strip_prefix("R\t") {
            return self.requests.replay(request);
        }
        let mut parts = line.splitn(9, '\t');
        let mut next = || parts.next().ok_or_else(broken);
        let kind = next()?;
        let zone = (next()?.to_owned(), next()?.parse().map_err(|_| broken())?);
        let object = next()?.to_owned();
        let sequence = next()?.parse().map_err(|_| broken())?;
        let key = next()?.to_owned();
        let what = match kind {
            "P" => What::Put(Content {
                hash: u128::from_str_radix(next()?, 16).map_err(|_| broken())?,
                school: next()?.parse().ok(),
                record: next()?.into(),
            }),
            "D" => What::Delete,
            "C" => What::Confirm,
            _ => return Err(broken()),
        };
        let change = Change {
            key,
            sequence,
            what,
        };
        self.apply(&zone, &object, vec![change]);
        Ok(())
    }

    /// The records of one object; None when there was never one.
    pub(super) fn shelf(&self, zone: &Zone, object: &str) -> Option<&Shelf> {
        self.shelves.get(zone)?.get(object)
    }

    /// Whether a record is there.
    pub(super) fn has(&self, zone: &Zone, objects: &[String], key: &str) -> bool {
        objects.iter().any(|object| {
            let stored = self.shelf(zone, object).and_then(|shelf| shelf.get(key));
            stored.is_some_and(|stored| stored.content.is_some())
        })
    }

    /// The highest sequence number that a district has used.
    pub(super) fn last_sequence(&self, district: &str) -> u64 {
        self.sequences.get(district).copied().unwrap_or_default()
    }

    /// Writes the changes of one request: into the log first, so that what is answered is kept.
    pub(super) fn commit(
        &mut self,
        zone: &Zone,
        object: &str,
        changes: Vec<Change>,
    ) -> Result<(), SandboxError> {
        if let Some(log) = &mut self.log {
            let mut lines = String::new();
            for change in &changes {
                put_line(&mut lines, zone, object, change);
            }
            log.append(lines.as_bytes())?;
        }
        self.apply(zone, object, changes);
        Ok(())
    }

    /// Keeps a line about a request for a resync.
    pub(super) fn keep_request(&mut self, request: &Value) -> Result<(), SandboxError> {
        match &mut self.log {
            Some(log) => log.append(format!("R\t{request}\n").as_bytes()),
            None => Ok(()),
        }
    }

    fn apply(&mut self, zone: &Zone, object: &str, changes: Vec<Change>) {
        let shelves = match self.shelves.get_mut(zone) {
            Some(shelves) => shelves,
            None => self.shelves.entry(zone.clone()).or_default(),
        };
        let shelf = shelves.entry(object.to_owned()).or_default();
        let mut last = self.sequences.get(&zone.0).copied().unwrap_or_default();
        for Change {
            key,
            sequence,
            what,
        } in changes
        {
            last = last.max(sequence);
            let content = match what {
                What::Put(content) => Some(content),
                What::Delete => None,
                What::Confirm => {
                    if let Some(stored) = shelf.get_mut(&key) {
                        stored.sequence = stored.sequence.max(sequence);
                    }
                    continue;
                }
            };
            shelf.insert(key, Stored { sequence, content });
        }
        self.sequences.insert(zone.0.clone(), last);
    }
}

fn put_line(lines: &mut String, (district, year): &Zone, object: &str, change: &Change) {
    use std::fmt::Write as _;
    let Change {
        key,
        sequence,
        what,
    } = change;
    // Writing into memory cannot fail. Neither keys nor records hold tabs or line breaks: both
    // escape them.
    let _ = match what {
        What::Put(content) => {
            let school = content.school.map(|s| s.to_string()).unwrap_or_default();
            writeln!(
                lines,
                "P\t{district}\t{year}\t{object}\t{sequence}\t{key}\t{:032x}\t{school}\t{}",
                content.hash, content.record
            )
        }
        What::Delete => writeln!(lines, "D\t{district}\t{year}\t{object}\t{sequence}\t{key}"),
        What::Confirm => writeln!(lines, "C\t{district}\t{year}\t{object}\t{sequence}\t{key}"),
    };
}
