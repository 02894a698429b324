//! SIF_SystemControl and SIF_Ack: polling, sleeping, status, cancelling, acknowledging.
//!
//! Source: SIF 2.x infrastructure, SIF_SystemControl, SIF_Ack, Selective Message Blocking.

use super::agent::{Agent, Right};
use super::api::{Api, Done, command};
use super::message::{Message, NAMESPACE, child, elements, text, text_of};
use super::refusal::{
    AGENT_IS_PUSH, BAD_VALUE, CANCELLED, MISSING, NO_SUCH_KIND, NO_SUCH_MESSAGE, NOT_THE_BLOCKED,
    ONLY_EVENTS_BLOCK, Refusal, UNKNOWN_REQUEST, refuse,
};
use super::state::{Line, Standing, State};
use super::write::{element, escape, object};

impl Api {
    pub(super) fn control(
        &self,
        state: &State,
        message: &Message<'_, '_>,
        agent: &Agent,
    ) -> Result<Done, Refusal> {
        let id = message.source;
        let told = |data| Done {
            data: Some(data),
            ..Done::default()
        };
        let asleep = |asleep| {
            let line = Self::changed(id, agent, |a| a.asleep = asleep);
            Done::with(vec![line])
        };
        match command(message) {
            Some("SIF_Sleep") => Ok(asleep(true)),
            Some("SIF_Wakeup") => Ok(asleep(false)),
            Some("SIF_GetMessage") => self.next_message(state, id, agent),
            Some("SIF_GetZoneStatus") => Ok(told(self.zone_status(state))),
            Some("SIF_GetAgentACL") => Ok(told(self.access(id))),
            Some("SIF_CancelRequests") => self.cancel(state, message),
            other => {
                let text = format!("{} is no command of this zone", other.unwrap_or("nothing"));
                Err(refuse(NO_SUCH_KIND, text))
            }
        }
    }

    fn next_message(&self, state: &State, id: &str, agent: &Agent) -> Result<Done, Refusal> {
        let code = |code| Done {
            code,
            ..Done::default()
        };
        if agent.push.is_some() {
            let text = format!("{id} is registered for push mode");
            return Err(refuse(AGENT_IS_PUSH, text));
        }
        if agent.asleep {
            return Ok(code(8));
        }
        let Some(waiting) = state.next(id) else {
            return Ok(code(9));
        };
        let declared = format!(" xmlns=\"{NAMESPACE}\"");
        let body = match self.options.quirks.bare_inner {
            true => waiting.body.replacen(&declared, "", 1),
            false => waiting.body.clone(),
        };
        Ok(Done {
            data: Some(body),
            ..Done::default()
        })
    }

    fn cancel(&self, state: &State, message: &Message<'_, '_>) -> Result<Done, Refusal> {
        let command = child(message.node, "SIF_SystemControlData")
            .and_then(|data| child(data, "SIF_CancelRequests"));
        let Some(command) = command else {
            return Err(refuse(MISSING, "there is no SIF_CancelRequests"));
        };
        let standard = match text_of(command, "SIF_NotificationType") {
            "Standard" => true,
            "None" => false,
            other => {
                let text = format!("SIF_NotificationType is Standard or None, not `{other}`");
                return Err(refuse(BAD_VALUE, text));
            }
        };
        let ids = child(command, "SIF_RequestMsgIds")
            .into_iter()
            .flat_map(elements);
        let mut lines = Vec::new();
        for id in ids {
            let id = text(id).parse().map_err(|why| refuse(BAD_VALUE, why))?;
            let open = state.requests.get(&id);
            let own = open.filter(|o| o.requester == message.source);
            let Some(open) = own else {
                let text = "a SIF_RequestMsgId is of no request of this agent";
                return Err(refuse(UNKNOWN_REQUEST, text));
            };
            for waiting in state
                .queue(message.source)
                .filter(|m| m.request == Some(id))
            {
                lines.push(Line::Take {
                    from: message.source.to_owned(),
                    seq: waiting.seq,
                });
            }
            if open.standing != Standing::Open {
                continue;
            }
            let refusal = refuse(CANCELLED, "the request was cancelled");
            let told = standard.then_some(&refusal);
            let ahead = lines.len();
            lines.extend(self.ended(state, id, open, Standing::Cancelled, told, ahead));
        }
        Ok(Done::with(lines))
    }

    /// SIF_Ack of a message that the agent was given.
    pub(super) fn acknowledged(
        state: &State,
        message: &Message<'_, '_>,
        agent: &Agent,
    ) -> Result<Done, Refusal> {
        let id = text_of(message.node, "SIF_OriginalMsgId")
            .parse()
            .map_err(|why| refuse(BAD_VALUE, why))?;
        let source = text_of(message.node, "SIF_OriginalSourceId");
        let mut queue = state.queue(message.source);
        let Some(waiting) = queue.find(|m| m.id == id && m.source == source) else {
            let text = "no message of this SIF_OriginalMsgId waits for the agent";
            return Err(refuse(NO_SUCH_MESSAGE, text));
        };
        let status = child(message.node, "SIF_Status");
        let code = status.map(|s| text_of(s, "SIF_Code"));
        let from = message.source;
        let taken = Line::Take {
            from: from.to_owned(),
            seq: waiting.seq,
        };
        match code {
            // An error: the agent has seen the message, and does not want it again.
            Some("1") | None => Ok(Done::with(vec![taken])),
            Some("2") if !waiting.is_event() => {
                let text = "only an event can be acknowledged in two steps";
                Err(refuse(ONLY_EVENTS_BLOCK, text))
            }
            Some("2") => {
                let line = Self::changed(from, agent, |a| a.blocked = Some(id));
                Ok(Done::with(vec![line]))
            }
            Some("3") if agent.blocked != Some(id) => {
                let text = "this is not the event that blocks others";
                Err(refuse(NOT_THE_BLOCKED, text))
            }
            Some("3") => {
                let line = Self::changed(from, agent, |a| a.blocked = None);
                Ok(Done::with(vec![taken, line]))
            }
            // Asleep: it stays where it is.
            Some("8") => {
                let line = Self::changed(from, agent, |a| a.asleep = true);
                Ok(Done::with(vec![line]))
            }
            Some(other) => {
                let text = format!("an agent acknowledges with 1, 2, 3 or 8, not `{other}`");
                Err(refuse(BAD_VALUE, text))
            }
        }
    }

    /// SIF_ZoneStatus.
    pub(super) fn zone_status(&self, state: &State) -> String {
        let mut out = "<SIF_ZoneStatus ZoneId=\"".to_owned();
        escape(&self.options.zone, &mut out);
        out.push_str("\">");
        element("SIF_Name", &self.options.zone, &mut out);
        out.push_str("<SIF_Vendor>");
        element("SIF_Name", "fullsync", &mut out);
        element("SIF_Product", "fullsync sandbox", &mut out);
        element("SIF_Version", env!("CARGO_PKG_VERSION"), &mut out);
        out.push_str("</SIF_Vendor>");
        for (group, one, right) in [
            ("SIF_Providers", "SIF_Provider", Right::Provide),
            ("SIF_Subscribers", "SIF_Subscriber", Right::Subscribe),
        ] {
            out.push_str(&format!("<{group}>"));
            for (id, agent) in &state.agents {
                let Some(list) = agent.lists.get(&right).filter(|l| !l.is_empty()) else {
                    continue;
                };
                out.push_str(&format!("<{one} SourceId=\""));
                escape(id, &mut out);
                out.push_str("\"><SIF_ObjectList>");
                for name in list {
                    object(name, &agent.contexts(right, name), &mut out);
                }
                out.push_str(&format!("</SIF_ObjectList></{one}>"));
            }
            out.push_str(&format!("</{group}>"));
        }
        out.push_str("<SIF_SIFNodes>");
        for (id, agent) in &state.agents {
            node(id, agent, &mut out);
        }
        out.push_str("</SIF_SIFNodes><SIF_SupportedProtocols>");
        let (kind, secure) = match self.options.secure {
            true => ("HTTPS", "Yes"),
            false => ("HTTP", "No"),
        };
        out.push_str(&format!(
            "<SIF_Protocol Type=\"{kind}\" Secure=\"{secure}\"><SIF_URL>/zis/"
        ));
        escape(&self.options.zone, &mut out);
        out.push_str("</SIF_URL>");
        if self.options.gzip {
            out.push_str("<SIF_Property>");
            element("SIF_Name", "Accept-Encoding", &mut out);
            element("SIF_Value", "gzip", &mut out);
            out.push_str("</SIF_Property>");
        }
        out.push_str("</SIF_Protocol></SIF_SupportedProtocols><SIF_SupportedVersions>");
        for version in &self.options.versions {
            element("SIF_Version", version, &mut out);
        }
        out.push_str("</SIF_SupportedVersions><SIF_Contexts>");
        for context in &self.options.contexts {
            element("SIF_Context", context, &mut out);
        }
        out.push_str("</SIF_Contexts></SIF_ZoneStatus>");
        out
    }
}

fn node(id: &str, agent: &Agent, out: &mut String) {
    out.push_str("<SIF_SIFNode Type=\"Agent\">");
    element("SIF_Name", &agent.name, out);
    element("SIF_SourceId", id, out);
    match &agent.push {
        None => element("SIF_Mode", "Pull", out),
        Some(url) => {
            element("SIF_Mode", "Push", out);
            let (kind, secure) = match url.starts_with("https:") {
                true => ("HTTPS", "Yes"),
                false => ("HTTP", "No"),
            };
            out.push_str(&format!(
                "<SIF_Protocol Type=\"{kind}\" Secure=\"{secure}\">"
            ));
            element("SIF_URL", url, out);
            out.push_str("</SIF_Protocol>");
        }
    }
    out.push_str("<SIF_VersionList>");
    for version in &agent.versions {
        element("SIF_Version", version, out);
    }
    out.push_str("</SIF_VersionList>");
    element("SIF_MaxBufferSize", &agent.max_buffer.to_string(), out);
    let asleep = if agent.asleep { "Yes" } else { "No" };
    element("SIF_Sleeping", asleep, out);
    out.push_str("</SIF_SIFNode>");
}
