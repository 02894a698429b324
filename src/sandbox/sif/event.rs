//! Events on their way to those who subscribe.
//!
//! Source: SIF 2.x infrastructure, SIF_Event, SIF_BundledEvents.

use roxmltree::Node;

use super::agent::{Agent, Right};
use super::api::{Api, Done};
use super::id::Id;
use super::message::{Message, NAMESPACE, child, contexts, elements, name, text_of};
use super::refusal::{BAD_EVENT, NO_SUCH_KIND, Refusal, refuse};
use super::state::{Line, Queued, State};

/// One event, checked.
struct Event<'a, 'i> {
    node: Node<'a, 'i>,
    object: &'a str,
    contexts: Vec<&'a str>,
    id: Id,
}

impl Api {
    pub(super) fn event(
        &self,
        state: &State,
        message: &Message<'_, '_>,
        agent: &Agent,
        raw: &str,
    ) -> Result<Done, Refusal> {
        let bundle = message.kind() == "SIF_BundledEvents";
        if bundle
            && matches!(
                message.version,
                "2.0" | "2.0r1" | "2.1" | "2.2" | "2.3" | "2.4" | "2.5"
            )
        {
            let text = "SIF_BundledEvents are of version 2.6 and later";
            return Err(refuse(NO_SUCH_KIND, text));
        }
        let nodes: Vec<Node<'_, '_>> = match bundle {
            true => child(message.node, "SIF_Events")
                .into_iter()
                .flat_map(elements)
                .collect(),
            false => vec![message.node],
        };
        if nodes.is_empty() {
            return Err(refuse(BAD_EVENT, "the bundle is empty"));
        }
        let checked = nodes.iter().map(|node| self.checked(message, agent, *node));
        let events = checked.collect::<Result<Vec<_>, _>>()?;
        let mut lines = vec![Line::Seen {
            source: message.source.to_owned(),
            id: message.id,
        }];
        let mut ahead = 0;
        let mut undeliverable = 0;
        let others = state.agents.iter().filter(|(id, _)| {
            let named = message.destination.is_none_or(|to| to == id.as_str());
            named && *id != message.source
        });
        for (to, subscriber) in others {
            let wanted: Vec<&Event<'_, '_>> = events
                .iter()
                .filter(|e| {
                    let theirs = subscriber.contexts(Right::Subscribe, e.object);
                    e.contexts.iter().any(|context| theirs.contains(context))
                })
                .collect();
            // A bundle of which something is not for the receiver, too, comes one by one.
            let bodies = match bundle && !(subscriber.bundles && wanted.len() == events.len()) {
                false if wanted.is_empty() => Vec::new(),
                false => vec![(message.id, message.kind(), raw.to_owned())],
                true => single(&wanted, message.version, raw),
            };
            for (id, kind, body) in bodies {
                let fits = body.len() as u64 <= subscriber.max_buffer;
                if !fits || !subscriber.takes(message.version) {
                    undeliverable += 1;
                    continue;
                }
                lines.push(Line::Put {
                    to: to.clone(),
                    message: Queued {
                        seq: state.next_seq(ahead),
                        id,
                        source: message.source.to_owned(),
                        kind: kind.to_owned(),
                        request: None,
                        body,
                    },
                });
                ahead += 1;
            }
        }
        self.stats().undeliverable += undeliverable;
        Ok(Done::with(lines))
    }

    fn checked<'a, 'i>(
        &self,
        message: &Message<'_, '_>,
        agent: &Agent,
        node: Node<'a, 'i>,
    ) -> Result<Event<'a, 'i>, Refusal> {
        let bad = |text: &str| refuse(BAD_EVENT, text);
        if name(node) != "SIF_Event" {
            return Err(bad("a bundle holds SIF_Event messages"));
        }
        let data = child(node, "SIF_ObjectData").ok_or_else(|| bad("the event has no object"))?;
        let mut inside = elements(data);
        let (Some(event), None) = (inside.next(), inside.next()) else {
            return Err(bad("an event holds one SIF_EventObject"));
        };
        let object = event.attribute("ObjectName").unwrap_or_default();
        if self.options.standard.resource(object).is_none() {
            return Err(bad(&format!("{object} is no object of this zone")));
        }
        let action = event.attribute("Action").unwrap_or_default();
        let Some((right, missing)) = Right::of_action(action) else {
            return Err(bad("Action is Add, Change or Delete"));
        };
        let source = message.source;
        let header = child(node, "SIF_Header").ok_or_else(|| bad("the event has no header"))?;
        let contexts = contexts(header);
        self.has_contexts(&contexts)?;
        let does = |context: &&str| agent.does(right, object, context);
        if !contexts.iter().all(does) || !self.options.acl.grants(source, right, object) {
            let context = contexts.join(", ");
            let text = format!("{source} may not publish {action} of {object} in {context}");
            return Err(refuse(missing, text));
        }
        let mut objects = elements(event);
        match (objects.next(), objects.next()) {
            (Some(one), None) if name(one) == object => {}
            _ => return Err(bad(&format!("an event of {object} holds one {object}"))),
        }
        let id = text_of(header, "SIF_MsgId")
            .parse()
            .map_err(|why: String| bad(&why))?;
        Ok(Event {
            node,
            object,
            contexts,
            id,
        })
    }
}

/// Events of a bundle as messages of their own.
fn single(events: &[&Event<'_, '_>], version: &str, raw: &str) -> Vec<(Id, &'static str, String)> {
    let root = events.first().map_or(0, |e| {
        let document = e.node.document();
        document.root_element().range().start
    });
    let text = |event: &Event<'_, '_>| {
        let range = event.node.range();
        let inside = raw
            .get(range.start - root..range.end - root)
            .unwrap_or_default();
        format!("<SIF_Message xmlns=\"{NAMESPACE}\" Version=\"{version}\">{inside}</SIF_Message>")
    };
    events
        .iter()
        .map(|e| (e.id, "SIF_Event", text(e)))
        .collect()
}
