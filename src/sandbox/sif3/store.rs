//! The provider's objects and environments.
//!
//! Reads and writes: the log of the state folder. Never: judges an object.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::sandbox::SandboxError;
use crate::sandbox::log::{Log, new_instance};

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its id, as the provider writes it.
    pub(super) id: Box<str>,
    /// The object.
    pub(super) xml: Box<str>,
}

/// What a request changes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Created or replaced.
    Put(Stored),
    /// Deleted, by id.
    Delete(String),
}

/// An environment: what it is for, its id and token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) consumer: String,
    pub(super) id: String,
    pub(super) token: String,
}

/// Everything that the provider keeps.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// By kind, then by the canonical form of the id.
    objects: BTreeMap<String, HashMap<String, Stored>>,
    environments: Vec<Held>,
    log: Option<Log>,
}

/// An id as ids are compared: neither dashes nor case count.
pub(super) fn canonical(id: &str) -> String {
    let kept = id.chars().filter(|c| *c != '-');
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

impl Store {
    /// Reads a state folder; without one everything stays in memory.
    pub(super) fn open(dir: Option<&Path>) -> Result<Self, SandboxError> {
        let mut store = Self::default();
        if let Some(dir) = dir {
            let log = Log::open(dir, "", |line| store.replay(line))?;
            store.log = Some(log);
        }
        Ok(store)
    }

    fn replay(&mut self, line: &[u8]) -> Result<(), String> {
        let broken = || "not a line of a provider's log".to_owned();
        let line = std::str::from_utf8(line).map_err(|_| broken())?;
        let parts: Vec<&str> = line.splitn(4, '\t').collect();
        match parts[..] {
            ["P", object, id, xml] => self.apply(
                object,
                vec![Change::Put(Stored {
                    id: unescaped(id).into(),
                    xml: unescaped(xml).into(),
                })],
            ),
            ["D", object, id] => self.apply(object, vec![Change::Delete(unescaped(id))]),
            ["E", id, token, consumer] => self.environments.push(Held {
                consumer: unescaped(consumer),
                id: id.to_owned(),
                token: token.to_owned(),
            }),
            ["X", id] => self.environments.retain(|held| held.id != id),
            _ => return Err(broken()),
        }
        Ok(())
    }

    fn write(&mut self, lines: &str) -> Result<(), SandboxError> {
        match &mut self.log {
            Some(log) => log.append(lines.as_bytes()),
            None => Ok(()),
        }
    }

    /// The environment of a consumer; true when it was made just now.
    pub(super) fn environment(&mut self, consumer: &str) -> Result<(Held, bool), SandboxError> {
        if let Some(held) = self.environments.iter().find(|h| h.consumer == consumer) {
            return Ok((held.clone(), false));
        }
        let held = Held {
            consumer: consumer.to_owned(),
            id: uuid(),
            token: uuid(),
        };
        let Held {
            consumer,
            id,
            token,
        } = &held;
        self.write(&format!("E\t{id}\t{token}\t{}\n", escaped(consumer)))?;
        self.environments.push(held.clone());
        Ok((held, true))
    }

    /// Ends an environment: its token is worth nothing from then on.
    pub(super) fn end(&mut self, id: &str) -> Result<bool, SandboxError> {
        if !self.environments.iter().any(|held| held.id == id) {
            return Ok(false);
        }
        self.write(&format!("X\t{id}\n"))?;
        self.environments.retain(|held| held.id != id);
        Ok(true)
    }

    /// Those that there are.
    pub(super) fn environments(&self) -> &[Held] {
        &self.environments
    }

    /// An object by its id.
    pub(super) fn get(&self, object: &str, id: &str) -> Option<&Stored> {
        self.objects.get(object)?.get(&canonical(id))
    }

    /// How many objects of a kind there are.
    pub(super) fn count(&self, object: &str) -> usize {
        self.objects.get(object).map_or(0, HashMap::len)
    }

    /// The objects of a kind, by id.
    pub(super) fn list(&self, object: &str) -> Vec<&Stored> {
        let mut all: Vec<&Stored> = match self.objects.get(object) {
            Some(objects) => objects.values().collect(),
            None => Vec::new(),
        };
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Writes the changes of one request: into the log first, so that what is answered is kept.
    pub(super) fn commit(
        &mut self,
        object: &str,
        changes: Vec<Change>,
    ) -> Result<(), SandboxError> {
        let mut lines = String::new();
        for change in &changes {
            match change {
                Change::Put(Stored { id, xml }) => {
                    let (id, xml) = (escaped(id), escaped(xml));
                    lines.push_str(&format!("P\t{object}\t{id}\t{xml}\n"));
                }
                Change::Delete(id) => lines.push_str(&format!("D\t{object}\t{}\n", escaped(id))),
            }
        }
        self.write(&lines)?;
        self.apply(object, changes);
        Ok(())
    }

    fn apply(&mut self, object: &str, changes: Vec<Change>) {
        let objects = self.objects.entry(object.to_owned()).or_default();
        for change in changes {
            match change {
                Change::Put(stored) => objects.insert(canonical(&stored.id), stored),
                Change::Delete(id) => objects.remove(&canonical(&id)),
            };
        }
    }
}

/// A text without line breaks and tabs, for the log.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t")
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        plain.push(match c {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => break,
            },
            c => c,
        });
    }
    plain
}

/// A UUID that nobody can foresee.
pub(super) fn uuid() -> String {
    let digits = format!("{}{}", new_instance(), new_instance());
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
