//! What the zone and its third party write: messages, and the parts of them.

use std::fmt::Write as _;

use chrono::{SecondsFormat, Utc};

use super::id::Id;
use super::message::{DEFAULT_CONTEXT, NAMESPACE, Original};
use super::refusal::Refusal;

/// Escapes a text for an element or an attribute.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What would come back as a blank or a line break.
            '\r' | '\n' | '\t' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// One element with text.
pub(super) fn element(name: &str, text: &str, out: &mut String) {
    let _ = write!(out, "<{name}>");
    escape(text, out);
    let _ = write!(out, "</{name}>");
}

/// One SIF_Object, with its contexts where they are not just the default one.
pub(super) fn object(name: &str, contexts: &[&str], out: &mut String) {
    out.push_str("<SIF_Object ObjectName=\"");
    escape(name, out);
    let mut inside = String::new();
    within(contexts, &mut inside);
    match inside.is_empty() {
        true => out.push_str("\"/>"),
        false => out.push_str(&format!("\">{inside}</SIF_Object>")),
    }
}

/// SIF_Contexts, where they are not just the default one.
fn within(contexts: &[&str], out: &mut String) {
    if contexts.iter().all(|c| *c == DEFAULT_CONTEXT) {
        return;
    }
    out.push_str("<SIF_Contexts>");
    for context in contexts {
        element("SIF_Context", context, out);
    }
    out.push_str("</SIF_Contexts>");
}

/// Who writes, and how.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    /// Version of the messages.
    pub(super) version: String,
    /// SIF_SourceId.
    pub(super) source: String,
    /// Whether time stamps lack their zone, as some servers write them.
    pub(super) bare_timestamps: bool,
    /// The context that messages are about.
    pub(super) context: String,
}

impl Writer {
    /// The same, about a context.
    pub(super) fn within(mut self, context: &str) -> Self {
        context.clone_into(&mut self.context);
        self
    }

    /// A message of a kind with a header, and what is in it.
    pub(super) fn message(
        &self,
        kind: &str,
        id: Id,
        to: Option<&str>,
        body: impl FnOnce(&mut String),
    ) -> String {
        let mut out = String::with_capacity(1024);
        let version = &self.version;
        let _ = write!(
            out,
            "<SIF_Message xmlns=\"{NAMESPACE}\" Version=\"{version}\"><{kind}><SIF_Header>\
             <SIF_MsgId>{id}</SIF_MsgId>"
        );
        let now = Utc::now();
        let at = match self.bare_timestamps {
            true => now.format("%Y-%m-%dT%H:%M:%S").to_string(),
            false => now.to_rfc3339_opts(SecondsFormat::Secs, true),
        };
        element("SIF_Timestamp", &at, &mut out);
        element("SIF_SourceId", &self.source, &mut out);
        if let Some(to) = to {
            element("SIF_DestinationId", to, &mut out);
        }
        within(&[&self.context], &mut out);
        out.push_str("</SIF_Header>");
        body(&mut out);
        let _ = write!(out, "</{kind}></SIF_Message>");
        out
    }

    /// SIF_Ack with a status, and what is in its SIF_Data.
    pub(super) fn status(&self, of: Original<'_>, code: u8, data: Option<&str>) -> String {
        self.ack(of, |out| {
            let _ = write!(out, "<SIF_Status><SIF_Code>{code}</SIF_Code>");
            if let Some(data) = data {
                let _ = write!(out, "<SIF_Data>{data}</SIF_Data>");
            }
            out.push_str("</SIF_Status>");
        })
    }

    /// SIF_Ack with an error.
    pub(super) fn refusal(&self, of: Original<'_>, refusal: &Refusal) -> String {
        self.ack(of, |out| error(refusal, out))
    }

    fn ack(&self, of: Original<'_>, body: impl FnOnce(&mut String)) -> String {
        self.message("SIF_Ack", Id::new(), None, |out| {
            for (name, value) in [
                ("SIF_OriginalSourceId", of.source),
                ("SIF_OriginalMsgId", of.id),
            ] {
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

/// SIF_Error.
pub(super) fn error(refusal: &Refusal, out: &mut String) {
    out.push_str("<SIF_Error>");
    element("SIF_Category", &refusal.code.0.to_string(), out);
    element("SIF_Code", &refusal.code.1.to_string(), out);
    element("SIF_Desc", refusal.category(), out);
    element("SIF_ExtendedDesc", &refusal.text, out);
    out.push_str("</SIF_Error>");
}
