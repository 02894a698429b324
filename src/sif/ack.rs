//! What a zone integration server answers: SIF_Ack, and the messages that it hands out.
//!
//! Servers were seen to answer HTTP 200 with something else (`<FATAL_ERROR>`), to leave the
//! namespace of inner messages out, and to write time stamps without a zone: names are compared
//! without their namespace, time stamps are not read.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node, ParsingOptions};

use super::zone_status::ZoneStatus;
use super::{Request, RequestError, SifError};

/// A SIF_Ack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// SIF_OriginalMsgId; None where the server could not read it.
    pub original_msg_id: Option<String>,
    /// Status, or error.
    pub result: Result<Status, SifError>,
}

/// A SIF_Status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// SIF_Code: 0 success, 1 taken, 7 already had it, 8 asleep, 9 no message.
    pub code: u8,
    /// The message that a GetMessage brought.
    pub received: Option<Received>,
    /// What a registration allows: access (`SIF_ProvideAccess`) to names of objects.
    pub access: BTreeMap<String, BTreeSet<String>>,
    /// What a GetZoneStatus brought.
    pub zone: Option<ZoneStatus>,
}

/// A message from the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `SIF_Request`, `SIF_Event`, `SIF_SystemControl`, ...
    pub kind: String,
    /// SIF_MsgId.
    pub msg_id: String,
    /// SIF_SourceId.
    pub source_id: String,
    /// The contexts that it names; none: the default one.
    pub contexts: Vec<String>,
    /// The request, where it is one: read, or refused.
    pub request: Option<Result<Request, RequestError>>,
    /// The command of a SIF_SystemControl (`SIF_Ping`).
    pub command: Option<String>,
    /// Requests that a SIF_CancelRequests names.
    pub cancelled: Vec<String>,
    /// Whether the agent that cancelled them wants to be told (SIF_NotificationType Standard).
    pub notify: bool,
    /// The message itself.
    pub text: String,
}

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// No XML.
    #[error("the answer is not well-formed XML")]
    NotXml,
    /// XML, but no SIF_Ack.
    #[error("the answer is no SIF_Ack but `{0}`")]
    NotAnAck(String),
    /// It acknowledges another message.
    #[error("the answer acknowledges another message ({found})")]
    OfAnother {
        /// The message that it names.
        found: String,
    },
}

impl Ack {
    /// Reads the answer to the message `msg_id`.
    ///
    /// # Errors
    /// [`AckError`]: whatever the HTTP status was, the message must count as not delivered.
    pub fn read(body: &[u8], msg_id: &str) -> Result<Self, AckError> {
        let text = std::str::from_utf8(body).map_err(|_| AckError::NotXml)?;
        let document = parse(text).map_err(|()| AckError::NotXml)?;
        let root = document.root_element();
        let ack = child(root, "SIF_Ack")
            .filter(|_| name(root) == "SIF_Message")
            .ok_or_else(|| AckError::NotAnAck(name(root).chars().take(40).collect()))?;
        let original = text_of(ack, "SIF_OriginalMsgId").filter(|id| !id.is_empty());
        if let Some(found) = original.as_ref().filter(|id| *id != msg_id) {
            return Err(AckError::OfAnother {
                found: found.chars().take(40).collect(),
            });
        }
        let result = match child(ack, "SIF_Error") {
            Some(error) => Err(sif_error(error)),
            None => Ok(child(ack, "SIF_Status").map(status).unwrap_or_default()),
        };
        Ok(Self {
            original_msg_id: original,
            result,
        })
    }
}

impl Received {
    /// Reads a message that the zone posted to a push agent.
    ///
    /// # Errors
    /// No XML, or no SIF_Message with a header.
    pub fn read(body: &[u8]) -> Result<Self, AckError> {
        let text = std::str::from_utf8(body).map_err(|_| AckError::NotXml)?;
        let document = parse(text).map_err(|()| AckError::NotXml)?;
        let root = document.root_element();
        received(root).ok_or_else(|| AckError::NotAnAck(name(root).chars().take(40).collect()))
    }
}

/// Parses without entities of a document type: they are of no use here, and a known danger.
pub(super) fn parse(text: &str) -> Result<Document<'_>, ()> {
    let options = ParsingOptions {
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|_| ())
}

fn sif_error(error: Node<'_, '_>) -> SifError {
    let number = |name| text_of(error, name).and_then(|t| t.trim().parse().ok());
    SifError {
        category: number("SIF_Category").unwrap_or(0),
        code: number("SIF_Code").unwrap_or(0),
        description: text_of(error, "SIF_Desc").unwrap_or_default(),
        extended: text_of(error, "SIF_ExtendedDesc"),
    }
}

fn status(status: Node<'_, '_>) -> Status {
    let data = child(status, "SIF_Data");
    Status {
        code: text_of(status, "SIF_Code")
            .and_then(|t| t.trim().parse().ok())
            .unwrap_or(0),
        received: data
            .and_then(|d| child(d, "SIF_Message"))
            .and_then(received),
        access: data
            .and_then(|d| child(d, "SIF_AgentACL"))
            .map(access)
            .unwrap_or_default(),
        zone: data
            .and_then(|d| child(d, "SIF_ZoneStatus"))
            .map(ZoneStatus::read),
    }
}

fn access(acl: Node<'_, '_>) -> BTreeMap<String, BTreeSet<String>> {
    let lists = acl.children().filter(Node::is_element);
    lists
        .map(|list| {
            let objects = list.children().filter(|n| name(*n) == "SIF_Object");
            let names = objects.filter_map(|o| o.attribute("ObjectName").map(str::to_owned));
            (name(list).to_owned(), names.collect())
        })
        .collect()
}

fn received(message: Node<'_, '_>) -> Option<Received> {
    let body = message.children().find(Node::is_element)?;
    let header = child(body, "SIF_Header")?;
    let control = child(body, "SIF_SystemControlData");
    let command = control.and_then(|c| c.children().find(Node::is_element));
    let cancel = command.filter(|c| name(*c) == "SIF_CancelRequests");
    let cancelled = cancel.and_then(|c| child(c, "SIF_RequestMsgIds"));
    let text = message.document().input_text().get(message.range());
    let ids = cancelled.map(|ids| {
        let each = ids.children().filter(|n| name(*n) == "SIF_RequestMsgId");
        each.filter_map(|n| n.text().map(|t| t.trim().to_owned()))
            .collect()
    });
    Some(Received {
        kind: name(body).to_owned(),
        msg_id: text_of(header, "SIF_MsgId")?,
        source_id: text_of(header, "SIF_SourceId")?,
        contexts: super::context::read(header),
        request: (name(body) == "SIF_Request").then(|| Request::read(body)),
        command: command.map(|c| name(c).to_owned()),
        cancelled: ids.unwrap_or_default(),
        notify: cancel
            .and_then(|c| text_of(c, "SIF_NotificationType"))
            .is_some_and(|kind| kind == "Standard"),
        text: text.unwrap_or_default().to_owned(),
    })
}

/// A node's name without its namespace.
pub(super) fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.tag_name().name()
}

/// The first child of that name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, wanted: &str) -> Option<Node<'a, 'i>> {
    node.children()
        .find(|n| n.is_element() && name(*n) == wanted)
}

/// The text of the first child of that name, without white space around it.
pub(super) fn text_of(node: Node<'_, '_>, wanted: &str) -> Option<String> {
    let child = child(node, wanted)?;
    Some(child.text().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <SIF_Message Version=\"2.6\" xmlns=\"http://www.sifinfo.org/infrastructure/2.x\">\
             <SIF_Ack><SIF_Header><SIF_MsgId>A</SIF_MsgId>\
             <SIF_Timestamp>2026-11-22T03:43:06</SIF_Timestamp>\
             <SIF_SourceId>Zone26</SIF_SourceId></SIF_Header>\
             <SIF_OriginalSourceId>SIS</SIF_OriginalSourceId>\
             <SIF_OriginalMsgId>M1</SIF_OriginalMsgId>{inside}</SIF_Ack></SIF_Message>\n"
        )
    }

    #[test]
    fn statuses_and_errors_are_read() {
        let read = |inside: &str| Ack::read(ack(inside).as_bytes(), "M1").unwrap().result;
        let status = read("<SIF_Status><SIF_Code> 9 </SIF_Code></SIF_Status>").unwrap();
        assert_eq!((status.code, status.received), (9, None));
        let error = read(
            "<SIF_Error><SIF_Category>8</SIF_Category><SIF_Code>12</SIF_Code>\
             <SIF_Desc>Response Error</SIF_Desc></SIF_Error>",
        )
        .unwrap_err();
        assert!(error.ends_response());
    }

    #[test]
    fn what_is_no_acknowledgement_of_ours_is_a_fault() {
        let read = |body: &str| Ack::read(body.as_bytes(), "M1").unwrap_err();
        assert_eq!(read(""), AckError::NotXml);
        assert_eq!(read("<a><b></a>"), AckError::NotXml);
        let fatal = "<FATAL_ERROR>XML FORMAT</FATAL_ERROR>";
        assert_eq!(read(fatal), AckError::NotAnAck("FATAL_ERROR".to_owned()));
        let dtd = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        assert_eq!(read(dtd), AckError::NotXml);
        let other = Ack::read(ack("").as_bytes(), "M2").unwrap_err();
        assert!(matches!(other, AckError::OfAnother { .. }));
    }

    #[test]
    fn a_message_in_an_acknowledgement_may_lack_its_namespace() {
        let inner = "<SIF_Status><SIF_Code>0</SIF_Code><SIF_Data><SIF_Message Version=\"2.6\">\
            <SIF_Request><SIF_Header><SIF_MsgId>R1</SIF_MsgId>\
            <SIF_Timestamp>2026-11-22T03:43:06Z</SIF_Timestamp>\
            <SIF_SourceId>Lib</SIF_SourceId></SIF_Header><SIF_Version>2.6</SIF_Version>\
            <SIF_MaxBufferSize>32768</SIF_MaxBufferSize><SIF_Query>\
            <SIF_QueryObject ObjectName=\"StudentPersonal\"/></SIF_Query></SIF_Request>\
            </SIF_Message></SIF_Data></SIF_Status>";
        for xmlns in ["", " xmlns=\"\""] {
            let text = ack(&inner.replacen("<SIF_Request>", &format!("<SIF_Request{xmlns}>"), 1));
            let status = Ack::read(text.as_bytes(), "M1").unwrap().result.unwrap();
            let received = status.received.unwrap();
            assert_eq!((&*received.msg_id, &*received.source_id), ("R1", "Lib"));
            let request = received.request.unwrap().unwrap();
            assert_eq!(request.query.object, "StudentPersonal");
        }
    }

    #[test]
    fn rights_are_read() {
        let acl = "<SIF_Status><SIF_Code>0</SIF_Code><SIF_Data><SIF_AgentACL>\
            <SIF_ProvideAccess><SIF_Object ObjectName=\"A\"/><SIF_Object ObjectName=\"B\"/>\
            </SIF_ProvideAccess><SIF_RequestAccess/></SIF_AgentACL></SIF_Data></SIF_Status>";
        let ack = Ack::read(ack(acl).as_bytes(), "M1").unwrap();
        let access = ack.result.unwrap().access;
        assert_eq!(access["SIF_ProvideAccess"].len(), 2);
        assert!(access["SIF_RequestAccess"].is_empty());
    }

    #[test]
    fn a_push_agent_reads_controls() {
        let ping = |command: &str| {
            format!(
                "<SIF_Message Version=\"2.6\"><SIF_SystemControl><SIF_Header>\
                 <SIF_MsgId>P</SIF_MsgId><SIF_SourceId>Zone</SIF_SourceId></SIF_Header>\
                 <SIF_SystemControlData>{command}</SIF_SystemControlData>\
                 </SIF_SystemControl></SIF_Message>"
            )
        };
        let read = |command: &str| Received::read(ping(command).as_bytes()).unwrap();
        assert_eq!(read("<SIF_Ping/>").command.as_deref(), Some("SIF_Ping"));
        let cancel = read(
            "<SIF_CancelRequests><SIF_NotificationType>None</SIF_NotificationType>\
             <SIF_RequestMsgIds><SIF_RequestMsgId>R1</SIF_RequestMsgId>\
             <SIF_RequestMsgId>R2</SIF_RequestMsgId></SIF_RequestMsgIds></SIF_CancelRequests>",
        );
        assert_eq!(cancel.cancelled, ["R1", "R2"]);
    }
}
