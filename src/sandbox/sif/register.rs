//! Registration and provisioning.
//!
//! Source: SIF 2.x infrastructure, SIF_Register, SIF_Provision, SIF_Provide, SIF_Subscribe.

use std::collections::BTreeSet;

use super::agent::{Agent, Right, fits};
use super::api::{Api, Done};
use super::message::{Message, child, elements, name, needed, number_of, objects, text, text_of};
use super::refusal::{
    BAD_PROTOCOL, BAD_SOURCE_ID, BAD_VALUE, BUFFER_TOO_SMALL, DELETED, HAS_PROVIDER,
    NO_COMMON_VERSION, NO_REGISTRATION_RIGHT, NOT_SECURE, PROVISION_OBJECT, Refusal,
    SUBSCRIPTION_OBJECT, refuse,
};
use super::state::{Line, Standing, State};
use super::write::object;

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Api {
    pub(super) fn register(
        &self,
        state: &State,
        message: &Message<'_, '_>,
    ) -> Result<Done, Refusal> {
        let (id, node) = (message.source, message.node);
        if id.chars().count() > 64 || id == self.options.zone {
            let text = "SIF_SourceId has more than 64 characters, or is the zone's own";
            return Err(refuse(BAD_SOURCE_ID, text));
        }
        if !self.options.acl.registers(id) {
            let text = format!("{id} may not register in this zone");
            return Err(refuse(NO_REGISTRATION_RIGHT, text));
        }
        if self.options.secure && !message.secure {
            let text = "agents of this zone must use a secure channel (HTTPS)";
            return Err(refuse(NOT_SECURE, text));
        }
        let versions = elements(node).filter(|n| name(*n) == "SIF_Version");
        let versions: Vec<String> = versions.map(|n| text(n).to_owned()).collect();
        let common = |pattern: &String| self.options.versions.iter().any(|v| fits(pattern, v));
        if !versions.iter().any(common) {
            let text = format!("none of {} is a version of this zone", versions.join(", "));
            return Err(refuse(NO_COMMON_VERSION, text));
        }
        let max_buffer = number_of(node, "SIF_MaxBufferSize")?;
        if max_buffer < self.options.min_buffer {
            let least = self.options.min_buffer;
            let text = format!("SIF_MaxBufferSize {max_buffer} is too small, {least} is needed");
            return Err(refuse(BUFFER_TOO_SMALL, text));
        }
        let push = match text_of(node, "SIF_Mode") {
            "Pull" => None,
            "Push" => {
                let protocol = child(node, "SIF_Protocol");
                let url = protocol.map(|p| text_of(p, "SIF_URL")).unwrap_or_default();
                let known = url.starts_with("http://") || url.starts_with("https://");
                if !known {
                    let text = "a push agent needs SIF_Protocol with an HTTP SIF_URL";
                    return Err(refuse(BAD_PROTOCOL, text));
                }
                if self.options.secure && !url.starts_with("https://") {
                    let text = "SIF_URL of a push agent of this zone must be an https one";
                    return Err(refuse(NOT_SECURE, text));
                }
                Some(url.to_owned())
            }
            other => {
                let text = format!("SIF_Mode is Pull or Push, not `{other}`");
                return Err(refuse(BAD_VALUE, text));
            }
        };
        let known = state.agents.get(id).cloned().unwrap_or_default();
        let agent = Agent {
            name: text_of(node, "SIF_Name").to_owned(),
            versions,
            max_buffer,
            push,
            bundles: text_of(node, "EventBundleSupport") == "Yes",
            // Who registers is awake, and takes events again.
            asleep: false,
            blocked: None,
            ..Agent::default()
        };
        let agent = agent.with_lists_of(known);
        let id = id.to_owned();
        Ok(Done {
            data: Some(self.access(&id)),
            lines: vec![Line::Agent { id, agent }],
            ..Done::default()
        })
    }

    /// SIF_AgentACL.
    pub(super) fn access(&self, agent: &str) -> String {
        let contexts: Vec<&str> = self.options.contexts.iter().map(String::as_str).collect();
        let mut out = "<SIF_AgentACL>".to_owned();
        for right in Right::ALL {
            out.push_str(&format!("<{}Access>", right.stem()));
            for name in self.options.standard.resources.keys() {
                if self.options.acl.grants(agent, right, name) {
                    object(name, &contexts, &mut out);
                }
            }
            out.push_str(&format!("</{}Access>", right.stem()));
        }
        out.push_str("</SIF_AgentACL>");
        out
    }

    pub(super) fn unregister(&self, state: &State, message: &Message<'_, '_>) -> Done {
        let id = message.source;
        let mut lines = vec![Line::Gone { id: id.to_owned() }];
        for (request, open) in &state.requests {
            if open.standing != Standing::Open {
                continue;
            }
            let standing = Standing::Deleted;
            if open.requester == id {
                let open = open.clone();
                lines.push(Line::Request {
                    id: *request,
                    open: super::state::Open { standing, ..open },
                });
            } else if open.responder == id {
                let refusal = refuse(DELETED, "the agent that was to answer has unregistered");
                let told = Some(&refusal);
                lines.extend(self.ended(state, *request, open, standing, told, lines.len()));
            }
        }
        Done::with(lines)
    }

    /// SIF_Provision: the whole of what the agent does.
    pub(super) fn provision(
        &self,
        state: &State,
        message: &Message<'_, '_>,
        agent: &Agent,
    ) -> Result<Done, Refusal> {
        let id = message.source;
        let mut lists = Vec::new();
        for right in Right::ALL {
            let list = needed(message.node, &format!("{}Objects", right.stem()))?;
            let objects = objects(list)?;
            self.allowed(state, id, right, &objects, PROVISION_OBJECT)?;
            lists.push((right, objects));
        }
        let line = Self::changed(id, agent, |agent| {
            agent.clear();
            for (right, objects) in lists {
                for (name, contexts) in objects {
                    agent.put(right, name, &owned(&contexts));
                }
            }
        });
        Ok(Done::with(vec![line]))
    }

    /// SIF_Provide and SIF_Subscribe: more than before.
    pub(super) fn add(
        &self,
        state: &State,
        message: &Message<'_, '_>,
        agent: &Agent,
    ) -> Result<Done, Refusal> {
        let id = message.source;
        let (right, unknown) = match message.kind() {
            "SIF_Provide" => (Right::Provide, PROVISION_OBJECT),
            _ => (Right::Subscribe, SUBSCRIPTION_OBJECT),
        };
        let objects = objects(message.node)?;
        self.allowed(state, id, right, &objects, unknown)?;
        let line = Self::changed(id, agent, |agent| {
            for (name, contexts) in objects {
                let mut put = |right| {
                    let mut all = owned(&agent.contexts(right, name));
                    all.extend(owned(&contexts));
                    agent.put(right, name, &all);
                };
                put(right);
                // Who provides by this message also answers.
                if right == Right::Provide {
                    put(Right::Respond);
                }
            }
        });
        Ok(Done::with(vec![line]))
    }

    /// SIF_Unprovide and SIF_Unsubscribe.
    pub(super) fn remove(&self, message: &Message<'_, '_>, agent: &Agent) -> Result<Done, Refusal> {
        let right = match message.kind() {
            "SIF_Unprovide" => Right::Provide,
            _ => Right::Subscribe,
        };
        let objects = objects(message.node)?;
        let line = Self::changed(message.source, agent, |agent| {
            for (name, contexts) in objects {
                let mut left = owned(&agent.contexts(right, name));
                left.retain(|context| !contexts.contains(&context.as_str()));
                agent.put(right, name, &left);
            }
        });
        Ok(Done::with(vec![line]))
    }

    fn allowed(
        &self,
        state: &State,
        agent: &str,
        right: Right,
        objects: &[(&str, Vec<&str>)],
        unknown: (u8, u8),
    ) -> Result<(), Refusal> {
        for (object, contexts) in objects {
            self.has_contexts(contexts)?;
            if self.options.standard.resource(object).is_none() {
                let text = format!("{object} is no object of this zone");
                return Err(refuse(unknown, text));
            }
            if !self.options.acl.grants(agent, right, object) {
                let text = format!("{agent} has no {}Access to {object}", right.stem());
                return Err(refuse(right.missing(), text));
            }
            let mut others = contexts.iter().filter_map(|c| state.provider(object, c));
            let other = others.find(|p| *p != agent);
            if let (Right::Provide, Some(other)) = (right, other) {
                let text = format!("{object} has the provider {other}");
                return Err(refuse(HAS_PROVIDER, text));
            }
        }
        Ok(())
    }
}
