//! Requests on their way to the provider, responses on their way back.
//!
//! Source: SIF 2.x infrastructure, SIF_Request, SIF_Response.

use super::agent::{Agent, Right, fits};
use super::api::{Api, Done, object_of};
use super::id::Id;
use super::message::{Message, child, elements, number_of, text_of};
use super::refusal::{
    BAD_VALUE, CANCELLED, CONTEXT, DELETED, MISSING, NO_PROVIDER, NO_RESPOND_RIGHT, NOT_VALID,
    PACKET_NUMBER, PACKET_TOO_LARGE, REQUEST_BUFFER, REQUEST_OBJECT, REQUEST_TOO_LARGE, Refusal,
    SYSTEM, UNKNOWN_REQUEST, VERSION_MISMATCH, WRONG_DESTINATION, refuse,
};
use super::state::{Line, Open, Queued, Standing, State};
use super::write::{element, error};

/// The object that the zone itself provides.
const ZONE_STATUS: &str = "SIF_ZoneStatus";

impl Api {
    pub(super) fn request(
        &self,
        state: &State,
        message: &Message<'_, '_>,
        agent: &Agent,
        raw: &str,
    ) -> Result<Done, Refusal> {
        let Some(object) = object_of(*message) else {
            return Err(refuse(MISSING, "the request names no object"));
        };
        let max_buffer = number_of(message.node, "SIF_MaxBufferSize")?;
        let versions = elements(message.node).filter(|n| super::message::name(*n) == "SIF_Version");
        let versions: Vec<String> = versions
            .map(|n| super::message::text(n).to_owned())
            .collect();
        if max_buffer > agent.max_buffer {
            if self.options.quirks.drops_large_buffer {
                return Ok(Done::default());
            }
            let registered = agent.max_buffer;
            let text =
                format!("SIF_MaxBufferSize {max_buffer} exceeds the registered {registered}");
            return Err(refuse(REQUEST_BUFFER, text));
        }
        let (id, source) = (message.id, message.source.to_owned());
        let seen = Line::Seen {
            source: source.clone(),
            id,
        };
        if object == ZONE_STATUS {
            let put = self.own_answer(state, message);
            return Ok(Done::with(vec![seen, put]));
        }
        if self.options.standard.resource(object).is_none() {
            let text = format!("{object} is no object of this zone");
            return Err(refuse(REQUEST_OBJECT, text));
        }
        let context = message.context()?;
        let may = agent.does(Right::Request, object, context)
            && self.options.acl.grants(&source, Right::Request, object);
        if !may {
            let text = format!("{source} may not request {object} in {context}");
            return Err(refuse(Right::Request.missing(), text));
        }
        let answers = |a: &&str| {
            let agent = state.agents.get(*a);
            let does = |a: &Agent, right| a.does(right, object, context);
            agent.is_some_and(|a| does(a, Right::Respond) || does(a, Right::Provide))
        };
        let responder = match message.destination {
            Some(named) => Some(named).filter(answers),
            None if self.options.quirks.any_context => state.provider_anywhere(object),
            None => state.provider(object, context),
        };
        let Some(responder) = responder else {
            let text = format!("nobody provides {object} in {context}");
            return Err(refuse(NO_PROVIDER, text));
        };
        let room = state.agents.get(responder).map_or(0, |a| a.max_buffer);
        if raw.len() as u64 > room {
            let text =
                format!("the request is larger than the {room} bytes that {responder} takes");
            return Err(refuse(REQUEST_TOO_LARGE, text));
        }
        let open = Open {
            requester: source.clone(),
            responder: responder.to_owned(),
            object: object.to_owned(),
            max_buffer,
            context: context.to_owned(),
            versions,
            next: 1,
            standing: Standing::Open,
        };
        let put = put(state, responder, message, None, raw.to_owned(), 0);
        Ok(Done::with(vec![seen, Line::Request { id, open }, put]))
    }

    /// The zone's answer to a request for its own status.
    fn own_answer(&self, state: &State, message: &Message<'_, '_>) -> Line {
        let id = Id::new();
        let writer = self.writer(message.version);
        let body = writer.message("SIF_Response", id, Some(message.source), |out| {
            element("SIF_RequestMsgId", &message.id.to_string(), out);
            element("SIF_PacketNumber", "1", out);
            element("SIF_MorePackets", "No", out);
            out.push_str("<SIF_ObjectData>");
            out.push_str(&self.zone_status(state));
            out.push_str("</SIF_ObjectData>");
        });
        Line::Put {
            to: message.source.to_owned(),
            message: Queued {
                seq: state.next_seq(0),
                id,
                source: self.options.zone.clone(),
                kind: "SIF_Response".to_owned(),
                request: Some(message.id),
                body,
            },
        }
    }

    pub(super) fn response(
        &self,
        state: &State,
        message: &Message<'_, '_>,
        raw: &str,
    ) -> Result<Done, Refusal> {
        let node = message.node;
        let request: Id = text_of(node, "SIF_RequestMsgId")
            .parse()
            .map_err(|why| refuse(BAD_VALUE, why))?;
        let unknown = || {
            refuse(
                UNKNOWN_REQUEST,
                "there is no request of this SIF_RequestMsgId",
            )
        };
        let open = state.requests.get(&request).ok_or_else(unknown)?;
        match open.standing {
            Standing::Open => {}
            Standing::Done if self.options.quirks.after_last => {}
            Standing::Done => {
                let text = "the last packet of this request was taken before";
                return Err(refuse(UNKNOWN_REQUEST, text));
            }
            Standing::Cancelled => return Err(refuse(CANCELLED, "the request was cancelled")),
            Standing::Deleted => return Err(refuse(DELETED, "the request was deleted")),
        }
        if open.responder != message.source {
            let text = format!("the request was not given to {}", message.source);
            return Err(refuse(NO_RESPOND_RIGHT, text));
        }
        if !self
            .options
            .acl
            .grants(message.source, Right::Respond, &open.object)
        {
            let text = format!("{} may not respond with {}", message.source, open.object);
            return Err(refuse(NO_RESPOND_RIGHT, text));
        }
        if message.context()? != open.context {
            let text = format!("the request is about the context {}", open.context);
            return Err(refuse(CONTEXT, text));
        }
        if message.destination != Some(&open.requester) {
            let text = "SIF_DestinationId is not SIF_SourceId of the request";
            return Err(refuse(WRONG_DESTINATION, text));
        }
        if !open.versions.iter().any(|v| fits(v, message.version)) {
            let text = format!("the request takes no version {}", message.version);
            return Err(refuse(VERSION_MISMATCH, text));
        }
        if raw.len() as u64 > open.max_buffer {
            let (is, may) = (raw.len(), open.max_buffer);
            let text = format!("the response has {is} bytes, the request takes {may}");
            return Err(refuse(PACKET_TOO_LARGE, text));
        }
        let number = number_of(node, "SIF_PacketNumber")?;
        if number != open.next {
            let text = format!("packet {number} came, {} was expected", open.next);
            return Err(refuse(PACKET_NUMBER, text));
        }
        let more = more_packets(node)?;
        self.content(node, more)?;
        let mut next = open.clone();
        next.next += 1;
        if !more {
            next.standing = Standing::Done;
        }
        let (source, id) = (message.source.to_owned(), message.id);
        Ok(Done::with(vec![
            Line::Seen { source, id },
            Line::Request {
                id: request,
                open: next,
            },
            put(
                state,
                &open.requester,
                message,
                Some(request),
                raw.to_owned(),
                0,
            ),
        ]))
    }

    fn content(&self, node: roxmltree::Node<'_, '_>, more: bool) -> Result<(), Refusal> {
        let data = child(node, "SIF_ObjectData");
        let error = child(node, "SIF_Error");
        let rows = child(node, "SIF_ExtendedQueryResults");
        let parts = [data, error, rows];
        if parts.iter().flatten().count() != 1 {
            let text =
                "a response holds one of SIF_ObjectData, SIF_Error, SIF_ExtendedQueryResults";
            return Err(refuse(NOT_VALID, text));
        }
        if error.is_some() && more {
            let text = "a response with SIF_Error is the last packet";
            return Err(refuse(NOT_VALID, text));
        }
        let empty = data.is_some_and(|d| elements(d).next().is_none());
        if self.options.quirks.rejects_empty && (empty || error.is_some()) {
            return Err(refuse(SYSTEM, "System error"));
        }
        Ok(())
    }

    /// Ends a request before its last packet: what waits of it is taken back, and the requester
    /// is told why, where it wants to know.
    pub(super) fn ended(
        &self,
        state: &State,
        request: Id,
        open: &Open,
        standing: Standing,
        told: Option<&Refusal>,
        ahead: usize,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut take = |from: &str, wanted: &dyn Fn(&Queued) -> bool| {
            for message in state.queue(from).filter(|m| wanted(m)) {
                lines.push(Line::Take {
                    from: from.to_owned(),
                    seq: message.seq,
                });
            }
        };
        take(&open.responder, &|m| {
            m.kind == "SIF_Request" && m.id == request
        });
        if let Some(refusal) = told {
            let id = Id::new();
            let writer = self.writer("");
            let writer = writer.within(&open.context);
            let body = writer.message("SIF_Response", id, Some(&open.requester), |out| {
                element("SIF_RequestMsgId", &request.to_string(), out);
                element("SIF_PacketNumber", &open.next.to_string(), out);
                element("SIF_MorePackets", "No", out);
                error(refusal, out);
            });
            lines.push(Line::Put {
                to: open.requester.clone(),
                message: Queued {
                    seq: state.next_seq(ahead),
                    id,
                    source: self.options.zone.clone(),
                    kind: "SIF_Response".to_owned(),
                    request: Some(request),
                    body,
                },
            });
        }
        lines.push(Line::Request {
            id: request,
            open: Open {
                standing,
                ..open.clone()
            },
        });
        lines
    }
}

/// A message for the queue of an agent, `ahead` further ones before it.
pub(super) fn put(
    state: &State,
    to: &str,
    message: &Message<'_, '_>,
    request: Option<Id>,
    body: String,
    ahead: usize,
) -> Line {
    Line::Put {
        to: to.to_owned(),
        message: Queued {
            seq: state.next_seq(ahead),
            id: message.id,
            source: message.source.to_owned(),
            kind: message.kind().to_owned(),
            request,
            body,
        },
    }
}

pub(super) fn more_packets(node: roxmltree::Node<'_, '_>) -> Result<bool, Refusal> {
    match text_of(node, "SIF_MorePackets") {
        "Yes" => Ok(true),
        "No" => Ok(false),
        other => {
            let text = format!("SIF_MorePackets is Yes or No, not `{other}`");
            Err(refuse(BAD_VALUE, text))
        }
    }
}
