//! The zone's own tests: an agent made of texts, so that nothing of the client is used.

mod contexts;
mod events;
mod http;
mod packets;
mod registration;
mod third;

use std::path::Path;
use std::sync::Arc;

use super::api::Api;
use super::id::Id;
use super::message::{child, parse, text_of};
use super::options::Options;
use super::write::Writer;
use crate::metadata::Standard;

fn standard() -> Arc<Standard> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/pipelines/metadata/sif-na2.json"
    );
    Arc::new(Standard::load(Path::new(file)).unwrap())
}

/// A zone without HTTP.
struct Zone(Arc<Api>);

impl Zone {
    fn new(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(standard());
        change(&mut options);
        Self(Arc::new(Api::open(options).unwrap()))
    }

    /// Posts a message of an agent; the whole answer.
    fn post(&self, from: &str, kind: &str, id: Id, to: Option<&str>, body: &str) -> String {
        self.post_in("SIF_Default", from, kind, id, to, body)
    }

    /// The same, in a context.
    fn post_in(
        &self,
        context: &str,
        from: &str,
        kind: &str,
        id: Id,
        to: Option<&str>,
        body: &str,
    ) -> String {
        let writer = Writer {
            version: "2.6".to_owned(),
            source: from.to_owned(),
            bare_timestamps: false,
            context: context.to_owned(),
        };
        let message = writer.message(kind, id, to, |out| out.push_str(body));
        self.0.post(message.as_bytes())
    }

    /// Posts a message with an id of its own; `0`, or `8/12`.
    fn say(&self, from: &str, kind: &str, body: &str) -> String {
        said(&self.post(from, kind, Id::new(), None, body))
    }

    fn control(&self, from: &str, command: &str) -> String {
        let body = format!("<SIF_SystemControlData>{command}</SIF_SystemControlData>");
        self.post(from, "SIF_SystemControl", Id::new(), None, &body)
    }

    fn register(&self, agent: &str, max_buffer: u64) -> String {
        self.say(
            agent,
            "SIF_Register",
            &registration(max_buffer, "<SIF_Mode>Pull</SIF_Mode>"),
        )
    }

    /// The SIS side: registered, and provides these objects.
    fn provider(&self, objects: &[&str]) {
        assert_eq!(self.register("SIS", 65_536), "0");
        let provision = provision(
            &[
                "Provide",
                "PublishAdd",
                "PublishChange",
                "PublishDelete",
                "Respond",
            ],
            objects,
        );
        assert_eq!(self.say("SIS", "SIF_Provision", &provision), "0");
    }

    /// The other side: registered, asks for and subscribes to these objects.
    fn library(&self, objects: &[&str]) {
        assert_eq!(self.register("LIB", 65_536), "0");
        let provision = provision(&["Subscribe", "Request"], objects);
        assert_eq!(self.say("LIB", "SIF_Provision", &provision), "0");
    }

    /// LIB asks for an object; the request's id.
    fn request(&self, object: &str, max_buffer: u64) -> Id {
        let id = Id::new();
        let ack = self.post("LIB", "SIF_Request", id, None, &query(object, max_buffer));
        assert_eq!(said(&ack), "0", "{ack}");
        id
    }

    /// SIS answers with a packet; what the zone says.
    fn packet(&self, request: Id, number: u64, more: bool, objects: &str) -> String {
        said(&self.post(
            "SIS",
            "SIF_Response",
            Id::new(),
            Some("LIB"),
            &response(request, number, more, objects),
        ))
    }

    /// The message that an agent is given, by its kind, source and id; or the status.
    fn next(&self, agent: &str) -> Result<(String, String, Id), String> {
        let answer = self.control(agent, "<SIF_GetMessage/>");
        let document = parse(&answer).unwrap();
        let found = document
            .descendants()
            .filter(|n| {
                n.has_tag_name((super::message::NAMESPACE, "SIF_Message"))
                    || n.tag_name().name() == "SIF_Message"
            })
            .nth(1);
        let Some(message) = found else {
            return Err(said(&answer));
        };
        let body = super::message::elements(message).next().unwrap();
        let header = child(body, "SIF_Header").unwrap();
        let kind = super::message::name(body).to_owned();
        Ok((
            kind,
            text_of(header, "SIF_SourceId").to_owned(),
            text_of(header, "SIF_MsgId").parse().unwrap(),
        ))
    }

    fn acknowledge(&self, agent: &str, source: &str, id: Id, code: u8) -> String {
        let body = format!(
            "<SIF_OriginalSourceId>{source}</SIF_OriginalSourceId><SIF_OriginalMsgId>{id}</SIF_OriginalMsgId>\
             <SIF_Status><SIF_Code>{code}</SIF_Code></SIF_Status>"
        );
        self.say(agent, "SIF_Ack", &body)
    }

    /// Takes everything that waits for an agent; the kinds.
    fn drain(&self, agent: &str) -> Vec<String> {
        let mut kinds = Vec::new();
        while let Ok((kind, source, id)) = self.next(agent) {
            assert_eq!(self.acknowledge(agent, &source, id, 1), "0");
            kinds.push(kind);
        }
        kinds
    }
}

/// The status, or category and code, of an acknowledgement.
fn said(ack: &str) -> String {
    let document = parse(ack).unwrap();
    let ack = child(document.root_element(), "SIF_Ack").expect("a SIF_Ack");
    match child(ack, "SIF_Error") {
        Some(error) => format!(
            "{}/{}",
            text_of(error, "SIF_Category"),
            text_of(error, "SIF_Code")
        ),
        None => text_of(child(ack, "SIF_Status").unwrap(), "SIF_Code").to_owned(),
    }
}

fn registration(max_buffer: u64, mode: &str) -> String {
    format!(
        "<SIF_Name>An agent</SIF_Name><SIF_Version>2.*</SIF_Version>\
         <SIF_MaxBufferSize>{max_buffer}</SIF_MaxBufferSize>{mode}"
    )
}

fn provision(filled: &[&str], objects: &[&str]) -> String {
    let each: String = objects
        .iter()
        .map(|o| format!("<SIF_Object ObjectName=\"{o}\"/>"))
        .collect();
    let lists = [
        "Provide",
        "Subscribe",
        "PublishAdd",
        "PublishChange",
        "PublishDelete",
        "Request",
        "Respond",
    ];
    let list = |name: &str| {
        let inside = if filled.contains(&name) {
            each.as_str()
        } else {
            ""
        };
        format!("<SIF_{name}Objects>{inside}</SIF_{name}Objects>")
    };
    lists.map(list).concat()
}

fn query(object: &str, max_buffer: u64) -> String {
    format!(
        "<SIF_Version>2.*</SIF_Version><SIF_MaxBufferSize>{max_buffer}</SIF_MaxBufferSize>\
         <SIF_Query><SIF_QueryObject ObjectName=\"{object}\"/></SIF_Query>"
    )
}

fn response(request: Id, number: u64, more: bool, objects: &str) -> String {
    let more = if more { "Yes" } else { "No" };
    format!(
        "<SIF_RequestMsgId>{request}</SIF_RequestMsgId><SIF_PacketNumber>{number}</SIF_PacketNumber>\
         <SIF_MorePackets>{more}</SIF_MorePackets><SIF_ObjectData>{objects}</SIF_ObjectData>"
    )
}

/// A student that the data model has nothing against.
fn student(number: u32) -> String {
    format!(
        "<StudentPersonal RefId=\"{number:032X}\"><LocalId>{number}</LocalId><Name Type=\"04\">\
         <LastName>L{number}</LastName><FirstName>F</FirstName></Name></StudentPersonal>"
    )
}

fn event(action: &str, object: &str) -> String {
    format!(
        "<SIF_ObjectData><SIF_EventObject ObjectName=\"StudentPersonal\" Action=\"{action}\">{object}\
         </SIF_EventObject></SIF_ObjectData>"
    )
}
