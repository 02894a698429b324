//! What the zone keeps: agents, open requests, queues, ids of messages that it has taken.
//!
//! Reads and writes: the log of the state folder. Every change is a line of it before it holds.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::agent::{Agent, Right};
use super::id::Id;
use super::message::DEFAULT_CONTEXT;
use crate::sandbox::SandboxError;
use crate::sandbox::log::Log;

/// A log with less than this is not worth being written anew, in bytes.
const SMALL: u64 = 4 << 20;

/// A message that waits for its receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queued {
    /// Its place: numbers grow.
    pub(super) seq: u64,
    pub(super) id: Id,
    pub(super) source: String,
    /// `SIF_Request`, `SIF_Response`, `SIF_Event`, `SIF_BundledEvents`.
    pub(super) kind: String,
    /// The request that a response answers.
    pub(super) request: Option<Id>,
    /// The whole message.
    pub(super) body: String,
}

impl Queued {
    pub(super) fn is_event(&self) -> bool {
        matches!(&*self.kind, "SIF_Event" | "SIF_BundledEvents")
    }
}

/// How far the answer to a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    Open,
    Done,
    Cancelled,
    Deleted,
}

/// A request that the zone has passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) requester: String,
    pub(super) responder: String,
    pub(super) object: String,
    /// SIF_MaxBufferSize.
    pub(super) max_buffer: u64,
    /// The context that it is about.
    #[serde(default = "default_context")]
    pub(super) context: String,
    /// SIF_Version, patterns.
    pub(super) versions: Vec<String>,
    /// The number of the packet that must come next.
    pub(super) next: u64,
    pub(super) standing: Standing,
}

fn default_context() -> String {
    DEFAULT_CONTEXT.to_owned()
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is")]
pub(super) enum Line {
    /// An agent registered, or something about it changed.
    Agent { id: String, agent: Agent },
    /// It unregistered; its queue is gone with it.
    Gone { id: String },
    /// A message waits for an agent.
    Put { to: String, message: Queued },
    /// A message waits no longer.
    Take { from: String, seq: u64 },
    /// A request, or how far it is.
    Request { id: Id, open: Open },
    /// A message was taken; the same id must not be taken again.
    Seen { source: String, id: Id },
}

/// Everything that the zone keeps.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) agents: BTreeMap<String, Agent>,
    pub(super) requests: BTreeMap<Id, Open>,
    queues: BTreeMap<String, VecDeque<Queued>>,
    seen: HashMap<String, HashSet<Id>>,
    seq: u64,
    log: Option<Log>,
}

impl State {
    /// Reads a state folder; without one everything stays in memory.
    pub(super) fn open(dir: Option<&Path>, zone: &str) -> Result<Self, SandboxError> {
        let mut state = Self::default();
        let Some(dir) = dir else {
            return Ok(state);
        };
        let log = Log::open(dir, zone, |line| {
            let line = serde_json::from_slice(line).map_err(|e| e.to_string())?;
            state.apply(line);
            Ok(())
        })?;
        state.log = Some(log);
        state.tidy()?;
        Ok(state)
    }

    /// Writes the log anew where most of it is of messages that were taken long ago.
    fn tidy(&mut self) -> Result<(), SandboxError> {
        let waiting: usize = self.queues.values().flatten().map(|m| m.body.len()).sum();
        let Some(log) = &self.log else {
            return Ok(());
        };
        if log.len < SMALL || log.len / 4 < waiting as u64 {
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
        let agents = self.agents.iter().map(|(id, agent)| Line::Agent {
            id: id.clone(),
            agent: agent.clone(),
        });
        let requests = self.requests.iter().map(|(id, open)| Line::Request {
            id: *id,
            open: open.clone(),
        });
        let seen = self.seen.iter().flat_map(|(source, ids)| {
            ids.iter().map(|id| Line::Seen {
                source: source.clone(),
                id: *id,
            })
        });
        let waiting = self.queues.iter().flat_map(|(to, queue)| {
            queue.iter().map(|message| Line::Put {
                to: to.clone(),
                message: message.clone(),
            })
        });
        agents.chain(requests).chain(seen).chain(waiting).collect()
    }

    /// Makes changes: in the log first, so that what is answered is kept.
    pub(super) fn commit(&mut self, lines: Vec<Line>) -> Result<(), SandboxError> {
        if let Some(log) = &mut self.log
            && !lines.is_empty()
        {
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
        match line {
            Line::Agent { id, agent } => {
                self.agents.insert(id, agent);
            }
            Line::Gone { id } => {
                self.agents.remove(&id);
                self.queues.remove(&id);
            }
            Line::Put { to, message } => {
                self.seq = self.seq.max(message.seq);
                self.queues.entry(to).or_default().push_back(message);
            }
            Line::Take { from, seq } => {
                if let Some(queue) = self.queues.get_mut(&from)
                    && let Some(at) = queue.iter().position(|m| m.seq == seq)
                {
                    queue.remove(at);
                }
            }
            Line::Request { id, open } => {
                self.requests.insert(id, open);
            }
            Line::Seen { source, id } => {
                self.seen.entry(source).or_default().insert(id);
            }
        }
    }

    /// The number of the next message in a queue, `ahead` of others that are not yet in.
    pub(super) fn next_seq(&self, ahead: usize) -> u64 {
        self.seq + 1 + ahead as u64
    }

    /// The messages that wait for an agent.
    pub(super) fn queue(&self, agent: &str) -> impl Iterator<Item = &Queued> {
        self.queues.get(agent).into_iter().flatten()
    }

    /// The message that an agent is to be given next: none of the events behind one that blocks.
    pub(super) fn next(&self, agent: &str) -> Option<&Queued> {
        let blocked = self.agents.get(agent)?.blocked.is_some();
        self.queue(agent).find(|m| !(blocked && m.is_event()))
    }

    /// Whether a message of this id was taken.
    pub(super) fn has_seen(&self, source: &str, id: Id) -> bool {
        self.seen.get(source).is_some_and(|ids| ids.contains(&id))
    }

    /// Who provides an object in a context.
    pub(super) fn provider(&self, object: &str, context: &str) -> Option<&str> {
        let mut agents = self.agents.iter();
        let found = agents.find(|(_, agent)| agent.does(Right::Provide, object, context));
        found.map(|(id, _)| id.as_str())
    }

    /// Who provides an object in some context.
    pub(super) fn provider_anywhere(&self, object: &str) -> Option<&str> {
        let mut agents = self.agents.iter();
        let found = agents.find(|(_, agent)| !agent.contexts(Right::Provide, object).is_empty());
        found.map(|(id, _)| id.as_str())
    }
}

fn write_line(line: &Line, out: &mut Vec<u8>) {
    // A line holds texts and numbers only: it can be written as JSON, and into memory.
    if serde_json::to_writer(&mut *out, line).is_ok() {
        out.push(b'\n');
    }
}
