//! Messages that an agent sends.
//!
//! Source: SIF 2.x infrastructure; the order of elements is fixed by its schema.

use std::io::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{SifError, context};
use crate::xml::{Version, escape_attribute, escape_text};

/// The namespace of every 2.x message.
pub const NAMESPACE: &str = "http://www.sifinfo.org/infrastructure/2.x";

/// Makes the messages of one agent in one zone.
#[derive(Clone, Debug)]
pub struct Messages {
    version: Version,
    source_id: String,
    contexts: Vec<String>,
}

/// The header of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// SIF_MsgId: 32 hexadecimal digits in upper case.
    pub msg_id: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// SIF_DestinationId, where the message is for one agent.
    pub destination: Option<String>,
}

impl Header {
    /// A header with an id of its own.
    pub fn new(at: DateTime<Utc>, destination: Option<&str>) -> Self {
        Self {
            msg_id: msg_id(),
            at,
            destination: destination.map(str::to_owned),
        }
    }
}

/// 128 random bits as 32 hexadecimal digits in upper case.
pub(super) fn msg_id() -> String {
    format!("{:032X}", fastrand::u128(..))
}

/// Lists of object names of a SIF_Provision; all that is published is provided, too.
#[derive(Clone, Copy, Debug)]
pub struct Provided<'a> {
    /// The contexts of all of them.
    pub contexts: &'a [String],
    /// Objects that it provides and answers requests for.
    pub objects: &'a [String],
    /// Objects that it publishes events of.
    pub events: &'a [String],
}

/// What a SIF_Register says.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// Name for people.
    pub name: &'a str,
    /// Versions that the agent takes (`2.6`, `2.*`).
    pub versions: &'a [String],
    /// Largest message that the agent takes, in bytes.
    pub max_buffer: u64,
    /// URL of a push agent; None: pull.
    pub push_url: Option<&'a str>,
}

impl Messages {
    /// Messages of `source_id` in a version.
    pub fn new(version: Version, source_id: &str) -> Self {
        Self {
            version,
            source_id: source_id.to_owned(),
            contexts: Vec::new(),
        }
    }

    /// The same, about these contexts.
    #[must_use]
    pub fn within(mut self, contexts: &[String]) -> Self {
        contexts.clone_into(&mut self.contexts);
        self
    }

    /// The version of the messages.
    pub fn version(&self) -> Version {
        self.version
    }

    /// A message of a kind (`SIF_Register`) with its header and what `body` writes after it.
    pub fn message(&self, kind: &str, header: &Header, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        self.open(kind, header, &mut out);
        body(&mut out);
        close(kind, &mut out);
        out
    }

    /// Everything before the body.
    pub(super) fn open(&self, kind: &str, header: &Header, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(
            out,
            "<SIF_Message xmlns=\"{NAMESPACE}\" Version=\"{}\"><{kind}>",
            self.version
        );
        self.header(header, out);
    }

    /// SIF_Header.
    pub(super) fn header(&self, header: &Header, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<SIF_Header>");
        element("SIF_MsgId", &header.msg_id, out);
        let at = header.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        element("SIF_Timestamp", &at, out);
        element("SIF_SourceId", &self.source_id, out);
        if let Some(destination) = &header.destination {
            element("SIF_DestinationId", destination, out);
        }
        context::write(&self.contexts, out);
        out.extend_from_slice(b"</SIF_Header>");
    }

    /// SIF_Register.
    pub fn register(&self, header: &Header, registration: &Registration<'_>) -> Vec<u8> {
        self.message("SIF_Register", header, |out| {
            element("SIF_Name", registration.name, out);
            for version in registration.versions {
                element("SIF_Version", version, out);
            }
            element(
                "SIF_MaxBufferSize",
                &registration.max_buffer.to_string(),
                out,
            );
            let Some(url) = registration.push_url else {
                return element("SIF_Mode", "Pull", out);
            };
            element("SIF_Mode", "Push", out);
            let (kind, secure) = match url.starts_with("https:") {
                true => ("HTTPS", "Yes"),
                false => ("HTTP", "No"),
            };
            let _ = write!(out, "<SIF_Protocol Type=\"{kind}\" Secure=\"{secure}\">");
            element("SIF_URL", url, out);
            out.extend_from_slice(b"</SIF_Protocol>");
        })
    }

    /// SIF_Unregister: the zone drops the agent's provisions and its queue.
    pub fn unregister(&self, header: &Header) -> Vec<u8> {
        self.message("SIF_Unregister", header, |_| {})
    }

    /// SIF_Provision: the whole of what the agent does, in place of what was said before.
    pub fn provision(&self, header: &Header, provided: Provided<'_>) -> Vec<u8> {
        let Provided {
            contexts,
            objects,
            events,
        } = provided;
        let mut within = Vec::new();
        context::write(contexts, &mut within);
        self.message("SIF_Provision", header, |out| {
            for (name, objects) in [
                ("SIF_ProvideObjects", objects),
                ("SIF_SubscribeObjects", &[]),
                ("SIF_PublishAddObjects", events),
                ("SIF_PublishChangeObjects", events),
                ("SIF_PublishDeleteObjects", events),
                ("SIF_RequestObjects", &[]),
                ("SIF_RespondObjects", objects),
            ] {
                let _ = write!(out, "<{name}>");
                for object in objects {
                    out.extend_from_slice(b"<SIF_Object ObjectName=\"");
                    escape_attribute(object, out);
                    match within.is_empty() {
                        true => out.extend_from_slice(b"\"/>"),
                        false => {
                            out.extend_from_slice(b"\">");
                            out.extend_from_slice(&within);
                            out.extend_from_slice(b"</SIF_Object>");
                        }
                    }
                }
                let _ = write!(out, "</{name}>");
            }
        })
    }

    /// SIF_SystemControl with one empty command (`SIF_GetMessage`, `SIF_Ping`, `SIF_Wakeup`, ...).
    pub fn control(&self, header: &Header, command: &str) -> Vec<u8> {
        self.message("SIF_SystemControl", header, |out| {
            let _ = write!(
                out,
                "<SIF_SystemControlData><{command}/></SIF_SystemControlData>"
            );
        })
    }

    /// SIF_Ack with a status: 1 = taken, the sender may forget the message.
    pub fn status(&self, header: &Header, of: (&str, &str), code: u8) -> Vec<u8> {
        self.ack(header, of, |out| {
            let _ = write!(out, "<SIF_Status><SIF_Code>{code}</SIF_Code></SIF_Status>");
        })
    }

    /// SIF_Ack with an error.
    pub fn refusal(&self, header: &Header, of: (&str, &str), error: &SifError) -> Vec<u8> {
        self.ack(header, of, |out| write_error(error, out))
    }

    /// `of`: SIF_SourceId and SIF_MsgId of the message that is acknowledged; empty where they could
    /// not be read.
    fn ack(&self, header: &Header, of: (&str, &str), body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        self.message("SIF_Ack", header, |out| {
            for (name, value) in [("SIF_OriginalSourceId", of.0), ("SIF_OriginalMsgId", of.1)] {
                match value {
                    "" => {
                        let _ = write!(
                            out,
                            "<{name} xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                             xsi:nil=\"true\"/>"
                        );
                    }
                    value => element(name, value, out),
                }
            }
            body(out);
        })
    }
}

/// The end of a message.
pub(super) fn close(kind: &str, out: &mut Vec<u8>) {
    let _ = write!(out, "</{kind}></SIF_Message>");
}

/// SIF_Error, as acknowledgements and responses hold it.
pub(super) fn write_error(error: &SifError, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<SIF_Error>");
    element("SIF_Category", &error.category.to_string(), out);
    element("SIF_Code", &error.code.to_string(), out);
    element("SIF_Desc", &error.description, out);
    if let Some(extended) = &error.extended {
        element("SIF_ExtendedDesc", extended, out);
    }
    out.extend_from_slice(b"</SIF_Error>");
}

/// One element with text.
pub(super) fn element(name: &str, text: &str, out: &mut Vec<u8>) {
    let _ = write!(out, "<{name}>");
    escape_text(text, out);
    let _ = write!(out, "</{name}>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(destination: Option<&str>) -> Header {
        Header {
            msg_id: "FF9986029CEC4743904FDBE9F07A2A8C".to_owned(),
            at: DateTime::from_timestamp(1_795_318_986, 0).unwrap(),
            destination: destination.map(str::to_owned),
        }
    }

    fn messages() -> Messages {
        Messages::new(Version::new(2, 6), "Sis&Agent")
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    const START: &str = "<SIF_Message xmlns=\"http://www.sifinfo.org/infrastructure/2.x\" \
        Version=\"2.6\"><SIF_Register><SIF_Header>\
        <SIF_MsgId>FF9986029CEC4743904FDBE9F07A2A8C</SIF_MsgId>\
        <SIF_Timestamp>2026-11-22T03:43:06Z</SIF_Timestamp>\
        <SIF_SourceId>Sis&amp;Agent</SIF_SourceId></SIF_Header>";

    #[test]
    fn a_pull_agent_registers() {
        let versions = ["2.*".to_owned()];
        let registration = Registration {
            name: "SIS",
            versions: &versions,
            max_buffer: 65_536,
            push_url: None,
        };
        let pull = text(messages().register(&header(None), &registration));
        assert_eq!(
            pull,
            format!(
                "{START}<SIF_Name>SIS</SIF_Name><SIF_Version>2.*</SIF_Version>\
                 <SIF_MaxBufferSize>65536</SIF_MaxBufferSize><SIF_Mode>Pull</SIF_Mode>\
                 </SIF_Register></SIF_Message>"
            )
        );
        let push = text(messages().register(
            &header(None),
            &Registration {
                push_url: Some("https://sis.example.org/zone"),
                ..registration
            },
        ));
        assert!(push.contains(
            "<SIF_Mode>Push</SIF_Mode><SIF_Protocol Type=\"HTTPS\" Secure=\"Yes\">\
             <SIF_URL>https://sis.example.org/zone</SIF_URL></SIF_Protocol></SIF_Register>"
        ));
    }

    #[test]
    fn a_provision_has_all_seven_lists_in_order() {
        let objects = ["SchoolInfo".to_owned()];
        let provision = text(messages().provision(
            &header(None),
            Provided {
                contexts: &["SIF_Default".to_owned()],
                objects: &objects,
                events: &objects,
            },
        ));
        let one = "<SIF_Object ObjectName=\"SchoolInfo\"/>";
        assert!(provision.contains(&format!(
            "</SIF_Header><SIF_ProvideObjects>{one}</SIF_ProvideObjects>\
             <SIF_SubscribeObjects></SIF_SubscribeObjects>\
             <SIF_PublishAddObjects>{one}</SIF_PublishAddObjects>\
             <SIF_PublishChangeObjects>{one}</SIF_PublishChangeObjects>\
             <SIF_PublishDeleteObjects>{one}</SIF_PublishDeleteObjects>\
             <SIF_RequestObjects></SIF_RequestObjects>\
             <SIF_RespondObjects>{one}</SIF_RespondObjects></SIF_Provision>"
        )));
    }

    #[test]
    fn contexts_are_named_per_object_and_in_headers() {
        let (objects, contexts) = (["SchoolInfo".to_owned()], ["Archive".to_owned()]);
        let provision = text(messages().provision(
            &header(None),
            Provided {
                contexts: &contexts,
                objects: &objects,
                events: &[],
            },
        ));
        let named = "<SIF_Contexts><SIF_Context>Archive</SIF_Context></SIF_Contexts>";
        assert!(provision.contains(&format!(
            "<SIF_RespondObjects><SIF_Object ObjectName=\"SchoolInfo\">{named}</SIF_Object>"
        )));
        let event = messages().within(&contexts);
        let event = text(event.message("SIF_Event", &header(Some("Lib")), |_| {}));
        assert!(event.contains(&format!(
            "<SIF_DestinationId>Lib</SIF_DestinationId>{named}</SIF_Header>"
        )));
    }

    #[test]
    fn acknowledgements_name_the_message() {
        let ack = text(messages().status(&header(None), ("Lib", "AB"), 1));
        assert!(ack.ends_with(
            "</SIF_Header><SIF_OriginalSourceId>Lib</SIF_OriginalSourceId>\
             <SIF_OriginalMsgId>AB</SIF_OriginalMsgId>\
             <SIF_Status><SIF_Code>1</SIF_Code></SIF_Status></SIF_Ack></SIF_Message>"
        ));
        let error = SifError::new(SifError::NOT_WELL_FORMED, "not <well> formed");
        let ack = text(messages().refusal(&header(Some("Lib")), ("", ""), &error));
        assert!(ack.contains("<SIF_DestinationId>Lib</SIF_DestinationId></SIF_Header>"));
        assert!(ack.contains("xsi:nil=\"true\"/><SIF_Error><SIF_Category>1</SIF_Category>"));
        assert!(ack.contains("<SIF_Desc>not &lt;well&gt; formed</SIF_Desc></SIF_Error>"));
    }

    #[test]
    fn ids_are_32_digits_in_upper_case() {
        let (a, b) = (msg_id(), msg_id());
        assert_ne!(a, b);
        assert!(
            a.len() == 32
                && a.bytes()
                    .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
        );
    }
}
