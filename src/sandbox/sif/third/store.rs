//! What the third party holds, and how far its requests are.
//!
//! Reads and writes: the log of its folder. A packet is in the log before it is acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sandbox::SandboxError;
use crate::sandbox::log::Log;
use crate::sandbox::sif::id::Id;

/// A log with less than this is not worth being written anew, in bytes.
const SMALL: u64 = 4 << 20;
/// Problems that are kept of one answer; the rest is counted.
pub(super) const KEPT: usize = 50;

/// One request of the third party, and its answer so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// SIF_MsgId of the request.
    pub request: String,
    /// The object that was asked for.
    pub object: String,
    /// SIF_MaxBufferSize, in bytes.
    pub max_buffer: u64,
    /// Whether everything was asked for: no conditions, no choice of elements.
    pub whole: bool,
    /// Packets taken, without a gap.
    pub packets: u64,
    /// Objects in them.
    pub objects: u64,
    /// Bytes of the largest packet.
    pub largest: usize,
    /// Sum of the hashes of the objects, each as it was sent: equal for equal sets, whatever their
    /// order and the packets that they came in.
    #[serde(default)]
    pub digest: u64,
    /// Whether the last packet was taken.
    pub complete: bool,
    /// Category and code of a SIF_Error: of the zone's acknowledgement, or in the last packet.
    pub error: Option<(u8, u8)>,
    /// What was wrong with packets and objects; paths, no values.
    pub problems: Vec<String>,
    /// Problems beyond those.
    pub more_problems: u64,
    /// The request as it was sent.
    pub(super) message: String,
    /// Number of the change with which it began.
    pub(super) since: u64,
    /// Number of the change with which it ended.
    pub(super) until: u64,
}

impl Answer {
    /// Whether nothing of it is to come.
    pub fn ended(&self) -> bool {
        self.complete || self.error.is_some()
    }

    pub(super) fn note(&mut self, problems: impl IntoIterator<Item = String>) {
        for problem in problems {
            match self.problems.len() < KEPT {
                true => self.problems.push(problem),
                false => self.more_problems += 1,
            }
        }
    }
}

/// One object that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) xml: String,
    /// Number of the change that brought it.
    pub(super) at: u64,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is")]
pub(super) enum Line {
    /// A request, or how far its answer is.
    Answer { id: Id, answer: Answer },
    /// An object came, by a packet or an event.
    Put {
        object: String,
        key: String,
        xml: String,
    },
    /// An object went.
    Cut { object: String, key: String },
    /// The objects that a complete answer did not bring are gone.
    Swept { object: String, since: u64 },
    /// An event was taken, with what was wrong with it.
    Event {
        id: Id,
        action: String,
        object: String,
        problems: Vec<String>,
    },
    /// Events taken before the log was written anew: object, action, how many; and their problems.
    Events {
        taken: Vec<(String, String, u64)>,
        problems: Vec<String>,
    },
}

/// Events taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// By object and action (`Add`, `Change`, `Delete`).
    pub taken: BTreeMap<(String, String), u64>,
    /// What was wrong with them; paths, no values.
    pub problems: Vec<String>,
}

impl Events {
    fn note(&mut self, problems: Vec<String>) {
        let room = KEPT.saturating_sub(self.problems.len());
        self.problems.extend(problems.into_iter().take(room));
    }
}

/// Everything that the third party keeps.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) answers: BTreeMap<Id, Answer>,
    pub(super) order: Vec<Id>,
    pub(super) shelves: BTreeMap<String, BTreeMap<String, Held>>,
    pub(super) events: Events,
    seen: HashSet<Id>,
    pub(super) now: u64,
    log: Option<Log>,
}

impl Store {
    pub(super) fn open(dir: Option<&Path>, name: &str) -> Result<Self, SandboxError> {
        let mut store = Self::default();
        let Some(dir) = dir else {
            return Ok(store);
        };
        let log = Log::open(dir, name, |line| {
            let line = serde_json::from_slice(line).map_err(|e| e.to_string())?;
            store.apply(line);
            Ok(())
        })?;
        store.log = Some(log);
        store.tidy()?;
        Ok(store)
    }

    /// Writes the log anew where most of it is of objects that came again.
    fn tidy(&mut self) -> Result<(), SandboxError> {
        let held = self.shelves.values().flat_map(BTreeMap::values);
        let bytes: usize = held.map(|held| held.xml.len()).sum();
        let Some(log) = &self.log else {
            return Ok(());
        };
        // The numbers of changes begin anew, which an open answer would not understand.
        let open = self.answers.values().any(|a| !a.ended());
        if open || log.len < SMALL || log.len / 3 < bytes as u64 {
            return Ok(());
        }
        let mut lines = self.lines().into_iter();
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.rewrite(|out| match lines.next() {
            Some(line) => {
                write_line(&line, out);
                true
            }
            None => false,
        })
    }

    fn lines(&self) -> Vec<Line> {
        let held = self.shelves.iter().flat_map(|(object, shelf)| {
            shelf.iter().map(|(key, held)| Line::Put {
                object: object.clone(),
                key: key.clone(),
                xml: held.xml.clone(),
            })
        });
        let mut lines: Vec<Line> = held.collect();
        for id in &self.order {
            if let Some(answer) = self.answers.get(id) {
                let answer = Answer {
                    since: 0,
                    until: 0,
                    ..answer.clone()
                };
                lines.push(Line::Answer { id: *id, answer });
            }
        }
        lines.extend(self.seen.iter().map(|id| Line::Event {
            id: *id,
            action: String::new(),
            object: String::new(),
            problems: Vec::new(),
        }));
        let taken = self.events.taken.iter();
        lines.push(Line::Events {
            taken: taken
                .map(|((object, action), count)| (object.clone(), action.clone(), *count))
                .collect(),
            problems: self.events.problems.clone(),
        });
        lines
    }

    pub(super) fn commit(&mut self, lines: Vec<Line>) -> Result<(), SandboxError> {
        if let Some(log) = &mut self.log {
            let mut out = Vec::new();
            for line in &lines {
                write_line(line, &mut out);
            }
            log.append(&out)?;
        }
        for line in lines {
            self.apply(line);
        }
        Ok(())
    }

    fn apply(&mut self, line: Line) {
        self.now += 1;
        match line {
            Line::Answer { id, answer } => {
                if self.answers.insert(id, answer).is_none() {
                    self.order.push(id);
                }
            }
            Line::Put { object, key, xml } => {
                let at = self.now;
                let shelf = self.shelves.entry(object).or_default();
                shelf.insert(key, Held { xml, at });
            }
            Line::Cut { object, key } => {
                if let Some(shelf) = self.shelves.get_mut(&object) {
                    shelf.remove(&key);
                }
            }
            Line::Swept { object, since } => {
                if let Some(shelf) = self.shelves.get_mut(&object) {
                    shelf.retain(|_, held| held.at > since);
                }
            }
            Line::Event {
                id,
                action,
                object,
                problems,
            } => {
                self.seen.insert(id);
                if !action.is_empty() {
                    *self.events.taken.entry((object, action)).or_default() += 1;
                }
                self.events.note(problems);
            }
            Line::Events { taken, problems } => {
                for (object, action, count) in taken {
                    *self.events.taken.entry((object, action)).or_default() += count;
                }
                self.events.note(problems);
            }
        }
    }

    /// Whether an event was taken before.
    pub(super) fn has_seen(&self, id: Id) -> bool {
        self.seen.contains(&id)
    }

    /// Objects that were asked for, now or earlier.
    pub(super) fn asked(&self) -> BTreeSet<&str> {
        self.answers.values().map(|a| a.object.as_str()).collect()
    }
}

fn write_line(line: &Line, out: &mut Vec<u8>) {
    // A line holds texts and numbers only: it can be written as JSON, and into memory.
    if serde_json::to_writer(&mut *out, line).is_ok() {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, problems: &[&str]) -> Line {
        Line::Event {
            id: Id::new(),
            action: action.to_owned(),
            object: "StudentPersonal".to_owned(),
            problems: problems.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    #[test]
    fn a_log_that_is_written_anew_keeps_what_events_were_taken() {
        let mut store = Store::default();
        let seen = Id::new();
        let first = Line::Event {
            id: seen,
            action: "Add".to_owned(),
            object: "StudentPersonal".to_owned(),
            problems: Vec::new(),
        };
        let lines = vec![
            first,
            event("Add", &["an object is added that is held"]),
            event("Delete", &[]),
        ];
        store.commit(lines).unwrap();
        let mut anew = Store::default();
        anew.commit(store.lines()).unwrap();
        // Once more: what was summed up is not lost either.
        let mut again = Store::default();
        again.commit(anew.lines()).unwrap();
        assert_eq!(again.events, store.events);
        let adds = ("StudentPersonal".to_owned(), "Add".to_owned());
        assert_eq!(again.events.taken.get(&adds), Some(&2));
        assert!(again.has_seen(seen));
    }
}
