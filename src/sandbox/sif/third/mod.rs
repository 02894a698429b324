//! The third party that is built in: an agent in pull mode that asks for a full data sync, checks
//! that what comes is complete and in the order of the standard, keeps it, and follows events.
//!
//! Reads: its queue in the zone, as any agent does. Writes: its own folder. Never: looks into the
//! zone's state, or goes through its door for faults.

mod merge;
mod schema;
mod store;
mod take;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::api::Api;
use super::id::Id;
use super::message::{DEFAULT_CONTEXT, child, elements, name, parse, text, text_of};
use super::options::{Ask, Asked, Third};
use super::write::{Writer, element, escape, object};
use crate::sandbox::SandboxError;
pub use store::{Answer, Events};
use store::{Line, Store};

/// The third party of a zone.
#[derive(Debug)]
pub(super) struct Party {
    options: Third,
    zone: Arc<Api>,
    writer: Writer,
    store: Mutex<Store>,
    /// One conversation at a time.
    turn: Mutex<Turn>,
}

/// What is only true as long as the process lives.
#[derive(Debug, Default)]
struct Turn {
    registered: bool,
    /// Objects that were asked for since the start.
    asked: BTreeSet<String>,
}

/// Category and code with which the zone refuses a message.
type Code = (u8, u8);

impl Party {
    pub(super) fn open(options: Third, zone: Arc<Api>) -> Result<Self, SandboxError> {
        let dir = zone
            .options
            .state_dir
            .as_deref()
            .map(|d| d.join("third-party"));
        let store = Store::open(dir.as_deref(), &options.source_id)?;
        let version = zone.options.versions.last().cloned().unwrap_or_default();
        Ok(Self {
            writer: Writer {
                version,
                source: options.source_id.clone(),
                bare_timestamps: false,
                context: DEFAULT_CONTEXT.to_owned(),
            },
            options,
            zone,
            store: Mutex::new(store),
            turn: Mutex::default(),
        })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works as long as the zone lives.
    pub(super) async fn live(self: Arc<Self>) {
        loop {
            if let Err(error) = self.work() {
                tracing::warn!(%error, "the third party cannot go on");
            }
            self.zone.third.notified().await;
        }
    }

    /// Registers, asks for what is due, and takes whatever waits.
    pub(super) fn work(&self) -> Result<(), SandboxError> {
        let mut turn = self.turn();
        if !turn.registered {
            self.register();
            // What is open is what this start asks for, too.
            turn.asked = self.repeat();
            turn.registered = true;
        }
        loop {
            self.ask_due(&mut turn)?;
            if !self.take_all()? {
                return Ok(());
            }
        }
    }

    /// Its objects, in the order in which it asks for them.
    pub(super) fn objects(&self) -> Vec<String> {
        if !self.options.objects.is_empty() {
            return self.options.objects.clone();
        }
        let standard = &self.zone.options.standard;
        let names: Vec<&str> = standard.resources.keys().map(String::as_str).collect();
        // What others refer to comes before them.
        let ordered = standard.order(&names);
        ordered.into_iter().map(str::to_owned).collect()
    }

    fn register(&self) {
        let options = &self.options;
        let register = self.writer.message("SIF_Register", Id::new(), None, |out| {
            element("SIF_Name", "Third party of the sandbox", out);
            element("SIF_Version", &options.version, out);
            element("SIF_MaxBufferSize", &options.max_buffer.to_string(), out);
            element("SIF_Mode", "Pull", out);
        });
        let objects = self.objects();
        let provision = self
            .writer
            .message("SIF_Provision", Id::new(), None, |out| {
                for right in super::agent::Right::ALL {
                    use super::agent::Right;
                    out.push_str(&format!("<{}Objects>", right.stem()));
                    if matches!(right, Right::Subscribe | Right::Request) {
                        for name in &objects {
                            object(name, &[&options.context], out);
                        }
                    }
                    out.push_str(&format!("</{}Objects>", right.stem()));
                }
            });
        for message in [register, provision] {
            if let Err((category, code)) = self.send(&message) {
                tracing::warn!("the zone refuses the third party: {category}/{code}");
            }
        }
    }

    /// Sends open requests again, for the zone may have lost one with us; their objects.
    fn repeat(&self) -> BTreeSet<String> {
        let open: Vec<(String, String)> = {
            let store = self.store();
            let open = store.answers.values().filter(|a| !a.ended());
            open.map(|a| (a.object.clone(), a.message.clone()))
                .collect()
        };
        let mut objects = BTreeSet::new();
        for (object, message) in open {
            if let Err((category, code)) = self.send(&message) {
                tracing::warn!("the zone refuses a repeated request: {category}/{code}");
            }
            objects.insert(object);
        }
        objects
    }

    /// Asks for the objects that somebody provides, where it is time.
    fn ask_due(&self, turn: &mut Turn) -> Result<(), SandboxError> {
        if self.options.ask == Ask::Manual {
            return Ok(());
        }
        for object in self.objects() {
            let provided = {
                let state = self.zone.state();
                state.provider(&object, &self.options.context).is_some()
            };
            if !provided || turn.asked.contains(&object) {
                continue;
            }
            {
                let store = self.store();
                let open = |a: &Answer| !a.ended() && (a.object == object || !self.options.at_once);
                let known = store.asked().contains(object.as_str());
                if store.answers.values().any(open) || (self.options.ask == Ask::Once && known) {
                    continue;
                }
            }
            turn.asked.insert(object.clone());
            self.request(&self.options.asks(&object))?;
        }
        Ok(())
    }

    /// Sends a request; its id.
    pub(super) fn request(&self, asked: &Asked) -> Result<Id, SandboxError> {
        let id = Id::new();
        let writer = self.writer.clone().within(&asked.context);
        let message = writer.message("SIF_Request", id, None, |out| {
            for version in &asked.versions {
                element("SIF_Version", version, out);
            }
            element("SIF_MaxBufferSize", &asked.max_buffer.to_string(), out);
            match asked.extended {
                true => extended(asked, out),
                false => query(asked, out),
            }
        });
        let mut answer = Answer {
            request: id.to_string(),
            object: asked.object.clone(),
            max_buffer: asked.max_buffer,
            whole: asked.elements.is_empty() && asked.condition.is_none() && !asked.extended,
            packets: 0,
            objects: 0,
            largest: 0,
            digest: 0,
            complete: false,
            error: None,
            problems: Vec::new(),
            more_problems: 0,
            message: message.clone(),
            since: 0,
            until: 0,
        };
        {
            // Before it is sent: packets may come at once.
            let mut store = self.store();
            answer.since = store.now + 1;
            let answer = answer.clone();
            store.commit(vec![Line::Answer { id, answer }])?;
        }
        if let Err(code) = self.send(&message) {
            answer.error = Some(code);
            self.store().commit(vec![Line::Answer { id, answer }])?;
        }
        Ok(id)
    }

    fn send(&self, message: &str) -> Result<(), Code> {
        let ack = self.zone.post(message.as_bytes());
        let Ok(document) = parse(&ack) else {
            return Err((0, 0));
        };
        reply(document.root_element())
    }

    /// Takes messages until there is none; whether there was one.
    fn take_all(&self) -> Result<bool, SandboxError> {
        let mut any = false;
        loop {
            let poll = self
                .writer
                .message("SIF_SystemControl", Id::new(), None, |out| {
                    out.push_str(
                        "<SIF_SystemControlData><SIF_GetMessage/></SIF_SystemControlData>",
                    );
                });
            let ack = self.zone.post(poll.as_bytes());
            let Ok(document) = parse(&ack) else {
                return Ok(any);
            };
            let ack = child(document.root_element(), "SIF_Ack");
            let inner = ack
                .and_then(|a| child(a, "SIF_Status"))
                .and_then(|s| child(s, "SIF_Data"))
                .and_then(|d| child(d, "SIF_Message"));
            let Some(inner) = inner else {
                return Ok(any);
            };
            any = true;
            self.take(inner)?;
            let header = elements(inner).next().and_then(|m| child(m, "SIF_Header"));
            let of = |name| header.map(|h| text_of(h, name)).unwrap_or_default();
            let taken = self.writer.message("SIF_Ack", Id::new(), None, |out| {
                element("SIF_OriginalSourceId", of("SIF_SourceId"), out);
                element("SIF_OriginalMsgId", of("SIF_MsgId"), out);
                out.push_str("<SIF_Status><SIF_Code>1</SIF_Code></SIF_Status>");
            });
            if self.send(&taken).is_err() {
                return Ok(any);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn options(&self) -> &Third {
        &self.options
    }

    /// Its requests in the order in which they were sent.
    pub(super) fn answers(&self) -> Vec<Answer> {
        let store = self.store();
        let answers = store.order.iter().filter_map(|id| store.answers.get(id));
        answers.cloned().collect()
    }

    /// Objects held by kind.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let store = self.store();
        let shelves = store.shelves.iter();
        shelves
            .map(|(name, shelf)| (name.clone(), shelf.len()))
            .collect()
    }

    /// Events taken.
    pub(super) fn events(&self) -> Events {
        self.store().events.clone()
    }

    /// The objects held of a kind, as XML by their keys.
    pub(super) fn held(&self, object: &str) -> BTreeMap<String, String> {
        let store = self.store();
        let shelf = store.shelves.get(object).into_iter().flatten();
        shelf
            .map(|(key, held)| (key.clone(), held.xml.clone()))
            .collect()
    }

    /// References that point at nothing that is held: object, key and attribute or element.
    pub(super) fn dangling(&self) -> Vec<(String, String, String)> {
        let store = self.store();
        let mut found = Vec::new();
        for (object, shelf) in &store.shelves {
            for (key, held) in shelf {
                let Ok(document) = parse(&held.xml) else {
                    continue;
                };
                let mut check = |field: &str, value: &str| {
                    let target = field.strip_suffix("RefId").filter(|t| !t.is_empty());
                    let shelf = target.and_then(|t| store.shelves.get(t));
                    if shelf.is_some_and(|shelf| !shelf.contains_key(value)) {
                        found.push((object.clone(), key.clone(), field.to_owned()));
                    }
                };
                for node in document.descendants().filter(roxmltree::Node::is_element) {
                    check(name(node), text(node));
                    for attribute in node.attributes() {
                        check(attribute.name(), attribute.value());
                    }
                }
            }
        }
        found
    }
}

/// SIF_Query.
fn query(asked: &Asked, out: &mut String) {
    out.push_str("<SIF_Query><SIF_QueryObject ObjectName=\"");
    escape(&asked.object, out);
    out.push_str("\">");
    for path in &asked.elements {
        element("SIF_Element", path, out);
    }
    out.push_str("</SIF_QueryObject>");
    out.push_str(asked.condition.as_deref().unwrap_or_default());
    out.push_str("</SIF_Query>");
}

/// SIF_ExtendedQuery: the elements as columns, or the key.
fn extended(asked: &Asked, out: &mut String) {
    let key = ["@RefId".to_owned()];
    let elements = match asked.elements.as_slice() {
        [] => key.as_slice(),
        elements => elements,
    };
    out.push_str("<SIF_ExtendedQuery><SIF_Select Distinct=\"false\" RowCount=\"All\">");
    for path in elements {
        out.push_str("<SIF_Element ObjectName=\"");
        escape(&asked.object, out);
        out.push_str("\">");
        escape(path, out);
        out.push_str("</SIF_Element>");
    }
    out.push_str("</SIF_Select><SIF_From ObjectName=\"");
    escape(&asked.object, out);
    out.push_str("\"/></SIF_ExtendedQuery>");
}

fn reply(root: roxmltree::Node<'_, '_>) -> Result<(), Code> {
    let ack = child(root, "SIF_Ack").ok_or((0, 0))?;
    let Some(error) = child(ack, "SIF_Error") else {
        return Ok(());
    };
    let number = |name| text_of(error, name).parse().unwrap_or(0);
    Err((number("SIF_Category"), number("SIF_Code")))
}
