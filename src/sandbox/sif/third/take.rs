//! What the third party does with a packet and with an event.

use std::collections::BTreeSet;

use roxmltree::Node;
use xxhash_rust::xxh3::xxh3_64;

use super::merge::merge;
use super::schema::{Schema, key};
use super::store::{Answer, Line};
use super::tree::Element;
use super::{Id, Party, child, elements, name, text_of};
use crate::sandbox::SandboxError;
use crate::sandbox::sif::agent::fits;

impl Party {
    /// Takes a SIF_Message; what is in it is kept when this returns.
    pub(super) fn take(&self, message: Node<'_, '_>) -> Result<(), SandboxError> {
        let version = message.attribute("Version").unwrap_or_default();
        let Some(body) = elements(message).next() else {
            return Ok(());
        };
        match name(body) {
            "SIF_Response" => self.packet(body, version, message.range().len()),
            "SIF_Event" => self.event(body, version),
            "SIF_BundledEvents" => {
                let events = child(body, "SIF_Events").into_iter().flat_map(elements);
                events.into_iter().try_for_each(|e| self.event(e, version))
            }
            // Nobody asks it for anything: it provides nothing.
            _ => Ok(()),
        }
    }

    fn packet(&self, body: Node<'_, '_>, version: &str, bytes: usize) -> Result<(), SandboxError> {
        let mut store = self.store();
        let id = text_of(body, "SIF_RequestMsgId").parse::<Id>();
        let Some((id, mut answer)) = id
            .ok()
            .and_then(|id| Some((id, store.answers.get(&id)?.clone())))
        else {
            let line = stray("a packet of a request that was not sent");
            return store.commit(vec![line]);
        };
        let number: u64 = text_of(body, "SIF_PacketNumber").parse().unwrap_or(0);
        if number <= answer.packets && number > 0 {
            // Delivered again, because its acknowledgement was lost.
            return Ok(());
        }
        answer.largest = answer.largest.max(bytes);
        if number != answer.packets + 1 {
            answer.note([format!("packet {number} follows packet {}", answer.packets)]);
        }
        if answer.ended() {
            answer.note([format!("packet {number} comes after the last one")]);
        }
        if bytes as u64 > answer.max_buffer {
            answer.note([format!("packet {number} is larger than the buffer")]);
        }
        let versions = self.versions(&answer);
        if !versions.iter().any(|v| fits(v, version)) {
            answer.note([format!("packet {number} is of version {version}")]);
        }
        answer.packets = number;
        let mut lines = Vec::new();
        let schema = Schema {
            standard: &self.zone.options.standard,
            version,
            whole: answer.whole,
        };
        let mut keys = BTreeSet::new();
        // With events or other answers in between an object may well come twice.
        let others = store
            .answers
            .values()
            .filter(|a| a.request != answer.request);
        let mut others = others.filter(|a| a.object == answer.object);
        let alone =
            others.all(|a| a.ended() && a.until < answer.since) && store.events.taken.is_empty();
        for node in child(body, "SIF_ObjectData").into_iter().flat_map(elements) {
            let object = Element::read(node);
            let problems = schema.check(&object);
            answer.note(problems);
            if object.name != answer.object {
                answer.note([format!("{} in an answer of {}", object.name, answer.object)]);
            }
            let key = key(&object);
            let earlier = store.shelves.get(&object.name).and_then(|s| s.get(&key));
            let twice = earlier.is_some_and(|held| held.at > answer.since && answer.whole);
            if !keys.insert(key.clone()) || (twice && alone) {
                answer.note([format!("{}: an object comes twice", object.name)]);
            }
            answer.objects += 1;
            let sent = node.document().input_text().get(node.range());
            let hash = xxh3_64(sent.unwrap_or_default().as_bytes());
            answer.digest = answer.digest.wrapping_add(hash);
            lines.push(Line::Put {
                xml: object.to_xml(),
                object: object.name,
                key,
            });
        }
        if let Some(error) = child(body, "SIF_Error") {
            let number = |name| text_of(error, name).parse().unwrap_or(0);
            answer.error = Some((number("SIF_Category"), number("SIF_Code")));
        } else if text_of(body, "SIF_MorePackets") == "No" {
            answer.complete = true;
            if answer.whole {
                lines.push(Line::Swept {
                    object: answer.object.clone(),
                    since: answer.since,
                });
            }
        }
        if answer.ended() {
            answer.until = store.now + lines.len() as u64 + 1;
        }
        lines.push(Line::Answer { id, answer });
        store.commit(lines)
    }

    fn versions(&self, answer: &Answer) -> Vec<String> {
        let Ok(document) = super::parse(&answer.message) else {
            return Vec::new();
        };
        let body = elements(document.root_element()).next();
        let versions = body.into_iter().flat_map(elements);
        versions
            .filter(|n| name(*n) == "SIF_Version")
            .map(|n| super::text(n).to_owned())
            .collect()
    }

    fn event(&self, body: Node<'_, '_>, version: &str) -> Result<(), SandboxError> {
        let mut store = self.store();
        let header = child(body, "SIF_Header");
        let id = header.and_then(|h| text_of(h, "SIF_MsgId").parse::<Id>().ok());
        let event = child(body, "SIF_ObjectData").and_then(|d| child(d, "SIF_EventObject"));
        let node = event.and_then(|e| elements(e).next());
        let (Some(id), Some(event), Some(node)) = (id, event, node) else {
            return store.commit(vec![stray("an event without an object")]);
        };
        if store.has_seen(id) {
            return Ok(());
        }
        let action = event.attribute("Action").unwrap_or_default();
        let change = Element::read(node);
        let schema = Schema {
            standard: &self.zone.options.standard,
            version,
            whole: action == "Add",
        };
        let mut problems = schema.check(&change);
        let (object, key) = (change.name.clone(), key(&change));
        let shelf = store.shelves.get(&object);
        let held = shelf.and_then(|s| s.get(&key)).map(|h| h.xml.clone());
        let mut note = |what: &str| problems.push(format!("{object}: {what}"));
        let line = match (action, held) {
            ("Add", held) => {
                if held.is_some() {
                    note("an object is added that is held");
                }
                Some(change.to_xml())
            }
            ("Change", Some(held)) => {
                let mut whole = super::parse(&held)
                    .map(|document| Element::read(document.root_element()))
                    .unwrap_or_default();
                if let Some(meta) = self.zone.options.standard.resource(&object) {
                    merge(&mut whole, &change, &meta.fields);
                }
                Some(whole.to_xml())
            }
            ("Change", None) => {
                note("an object changes that is not held");
                None
            }
            ("Delete", None) => {
                note("an object is deleted that is not held");
                None
            }
            ("Delete", Some(_)) => None,
            _ => {
                note("the event is no Add, Change or Delete");
                None
            }
        };
        let mut lines = match line {
            Some(xml) => vec![Line::Put {
                object: object.clone(),
                key,
                xml,
            }],
            None if action == "Delete" => vec![Line::Cut {
                object: object.clone(),
                key,
            }],
            None => Vec::new(),
        };
        lines.push(Line::Event {
            id,
            action: action.to_owned(),
            object,
            problems,
        });
        store.commit(lines)
    }
}

/// Something that cannot be put anywhere.
fn stray(what: &str) -> Line {
    Line::Event {
        id: Id::new(),
        action: String::new(),
        object: String::new(),
        problems: vec![what.to_owned()],
    }
}
