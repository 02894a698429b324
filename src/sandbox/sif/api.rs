//! The zone: takes a message, checks what is the same for all, lets its handler work, answers.
//!
//! Reads: messages. Writes: the state. Never: HTTP itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::agent::Agent;
use super::fault::{Armed, Fault, Mark, Play};
use super::message::{
    DEFAULT_CONTEXT, Message, Original, child, elements, name, original, parse, text_of,
};
use super::options::Options;
use super::refusal::{
    CONTEXT, MESSAGE_VERSION, NO_SUCH_KIND, NOT_REGISTERED, NOT_WELL_FORMED, Refusal, SYSTEM,
    refuse,
};
use super::state::{Line, State};
use super::write::Writer;
use crate::sandbox::SandboxError;

/// What a handler makes of a message.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Status of the acknowledgement.
    pub(super) code: u8,
    /// What is in its SIF_Data.
    pub(super) data: Option<String>,
    /// What changes.
    pub(super) lines: Vec<Line>,
}

impl Done {
    /// Status 0 after these changes.
    pub(super) fn with(lines: Vec<Line>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }
}

/// What the zone was sent since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages by kind, refused and repeated ones included.
    pub messages: BTreeMap<String, u64>,
    /// Refusals by category and code.
    pub refusals: BTreeMap<(u8, u8), u64>,
    /// Messages that had been taken before (status 7).
    pub repeated: u64,
    /// Events that are larger than a subscriber's buffer, or of a version it does not take.
    pub undeliverable: u64,
    /// Bytes of the largest SIF_Response.
    pub largest_packet: usize,
}

/// A zone.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) options: Options,
    state: Mutex<State>,
    faults: Mutex<Vec<Armed>>,
    stats: Mutex<Stats>,
    /// Something is new for the third party.
    pub(super) third: Notify,
    /// Something is new for push agents.
    pub(super) push: Notify,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Api {
    pub(super) fn open(options: Options) -> Result<Self, SandboxError> {
        let state = State::open(options.state_dir.as_deref(), &options.zone)?;
        let faults = options.faults.iter().cloned().map(Armed::new).collect();
        Ok(Self {
            state: Mutex::new(state),
            faults: Mutex::new(faults),
            stats: Mutex::default(),
            third: Notify::new(),
            push: Notify::new(),
            options,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        held(&self.state)
    }

    pub(super) fn stats(&self) -> MutexGuard<'_, Stats> {
        held(&self.stats)
    }

    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        *held(&self.faults) = faults.into_iter().map(Armed::new).collect();
    }

    /// The fault that hits a message, if any.
    pub(super) fn strike(&self, body: &[u8]) -> Option<Play> {
        let faults = held(&self.faults);
        if faults.is_empty() {
            return None;
        }
        let document = parse(std::str::from_utf8(body).ok()?).ok()?;
        let message = Message::read(&document).ok()?;
        let response = message.kind() == "SIF_Response";
        let request = text_of(message.node, "SIF_RequestMsgId").parse().ok();
        let object = match request {
            Some(id) => self.state().requests.get(&id).map(|r| r.object.clone()),
            None => object_of(message).map(str::to_owned),
        };
        let mark = Mark {
            kind: message.kind(),
            object: object.as_deref().unwrap_or_default(),
            packet: response
                .then(|| text_of(message.node, "SIF_PacketNumber").parse().ok())
                .flatten(),
            id: message.id,
        };
        faults.iter().find_map(|fault| fault.strike(&mark))
    }

    /// How this zone writes to a sender of `version`.
    pub(super) fn writer(&self, version: &str) -> Writer {
        let ours = self.options.versions.iter().find(|v| *v == version);
        let ours = ours.or(self.options.versions.last());
        Writer {
            version: ours.cloned().unwrap_or_default(),
            source: self.options.zone.clone(),
            bare_timestamps: self.options.quirks.bare_timestamps,
            context: DEFAULT_CONTEXT.to_owned(),
        }
    }

    /// Takes a message from within this process; the SIF_Ack, or what a server with quirks says in its
    /// place.
    pub(super) fn post(&self, body: &[u8]) -> String {
        self.post_by(body, true)
    }

    /// Takes a message that came by a secure channel, or not.
    pub(super) fn post_by(&self, body: &[u8], secure: bool) -> String {
        let parsed = match std::str::from_utf8(body) {
            Ok(text) => parse(text).map(|document| (text, document)),
            Err(_) => Err("the message is not UTF-8".to_owned()),
        };
        let (text, document) = match parsed {
            Ok(parsed) => parsed,
            Err(_) if self.options.quirks.fatal_error => {
                return "<FATAL_ERROR>XML FORMAT</FATAL_ERROR>".to_owned();
            }
            Err(why) => {
                return self.refused("", Original::default(), &refuse(NOT_WELL_FORMED, why));
            }
        };
        let of = original(&document);
        let root = document.root_element();
        let version = root.attribute("Version").unwrap_or_default();
        let raw = text.get(root.range()).unwrap_or(text);
        let done = Message::read(&document).and_then(|message| {
            let mut message = message;
            message.secure = secure;
            self.take(&message, raw)
        });
        match done {
            Ok(done) => self
                .writer(version)
                .status(of, done.code, done.data.as_deref()),
            Err(refusal) => self.refused(version, of, &refusal),
        }
    }

    /// The answer to a message that is refused.
    pub(super) fn refused(&self, version: &str, of: Original<'_>, refusal: &Refusal) -> String {
        *self.stats().refusals.entry(refusal.code).or_default() += 1;
        self.writer(version).refusal(of, refusal)
    }

    fn take(&self, message: &Message<'_, '_>, raw: &str) -> Result<Done, Refusal> {
        let kind = message.kind();
        {
            let mut stats = self.stats();
            *stats.messages.entry(kind.to_owned()).or_default() += 1;
            if kind == "SIF_Response" {
                stats.largest_packet = stats.largest_packet.max(raw.len());
            }
        }
        let exact = self.options.quirks.exact_version;
        let last = self.options.versions.last();
        let mut versions = self.options.versions.iter();
        if !versions.any(|v| v == message.version && (!exact || Some(v) == last)) {
            let text = format!("the zone takes no messages of version {}", message.version);
            return Err(refuse(MESSAGE_VERSION, text));
        }
        self.has_contexts(&message.contexts())?;
        let mut state = self.state();
        let mut done = self.handle(&state, message, raw)?;
        let lines = std::mem::take(&mut done.lines);
        if !lines.is_empty() {
            let written = state.commit(lines);
            drop(state);
            written.map_err(|e| refuse(SYSTEM, e.to_string()))?;
            self.third.notify_one();
            self.push.notify_one();
        }
        Ok(done)
    }

    /// Whether the zone has all these contexts.
    pub(super) fn has_contexts(&self, contexts: &[&str]) -> Result<(), Refusal> {
        let known = |context: &str| self.options.contexts.iter().any(|c| c == context);
        match contexts.iter().find(|context| !known(context)) {
            None => Ok(()),
            Some(other) => Err(refuse(CONTEXT, format!("the zone has no context {other}"))),
        }
    }

    fn handle(&self, state: &State, message: &Message<'_, '_>, raw: &str) -> Result<Done, Refusal> {
        if message.kind() == "SIF_Register" {
            return self.register(state, message);
        }
        if message.kind() == "SIF_SystemControl"
            && command(message).is_some_and(|c| c == "SIF_Ping")
        {
            return Ok(Done::default());
        }
        let agent = state.agents.get(message.source).ok_or_else(|| {
            let text = format!("{} is not registered in this zone", message.source);
            refuse(NOT_REGISTERED, text)
        })?;
        let repeated = matches!(
            message.kind(),
            "SIF_Request" | "SIF_Response" | "SIF_Event" | "SIF_BundledEvents"
        ) && !self.options.quirks.takes_repeats
            && state.has_seen(message.source, message.id);
        if repeated {
            self.stats().repeated += 1;
            return Ok(Done {
                code: 7,
                ..Done::default()
            });
        }
        match message.kind() {
            "SIF_Unregister" => Ok(self.unregister(state, message)),
            "SIF_Provision" => self.provision(state, message, agent),
            "SIF_Provide" | "SIF_Subscribe" => self.add(state, message, agent),
            "SIF_Unprovide" | "SIF_Unsubscribe" => self.remove(message, agent),
            "SIF_Request" => self.request(state, message, agent, raw),
            "SIF_Response" => self.response(state, message, raw),
            "SIF_Event" | "SIF_BundledEvents" => self.event(state, message, agent, raw),
            "SIF_Ack" => Self::acknowledged(state, message, agent),
            "SIF_SystemControl" => self.control(state, message, agent),
            other => Err(refuse(NO_SUCH_KIND, format!("{other} is not taken"))),
        }
    }

    /// The registered agent `id` with changes.
    pub(super) fn changed(id: &str, agent: &Agent, change: impl FnOnce(&mut Agent)) -> Line {
        let mut agent = agent.clone();
        change(&mut agent);
        Line::Agent {
            id: id.to_owned(),
            agent,
        }
    }
}

/// The command of a SIF_SystemControl.
pub(super) fn command<'a>(message: &Message<'a, '_>) -> Option<&'a str> {
    let data = child(message.node, "SIF_SystemControlData")?;
    elements(data).next().map(name)
}

/// The object that a request or an event is about.
pub(super) fn object_of<'a>(message: Message<'a, '_>) -> Option<&'a str> {
    let node = message.node;
    let inside = child(node, "SIF_Query")
        .and_then(|q| child(q, "SIF_QueryObject"))
        .or_else(|| child(node, "SIF_ExtendedQuery").and_then(|q| child(q, "SIF_From")))
        .or_else(|| child(node, "SIF_ObjectData").and_then(|d| child(d, "SIF_EventObject")));
    inside?.attribute("ObjectName")
}
