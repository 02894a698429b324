//! Contexts: the parts of a zone's data that providers, requests and events are about.
//!
//! Reads, writes: SIF_Contexts of messages. Never: answers in another context than was asked in.
//! Source: SIF 2.x infrastructure, SIF_Contexts: what names none is about SIF_Default; a request and
//! its responses name one at most.

use roxmltree::Node;

use super::SifError;
use super::ack::{child, name};
use super::message::element;

/// The context that is meant where none is named.
pub const DEFAULT_CONTEXT: &str = "SIF_Default";

/// SIF_Contexts; nothing where only the default one is meant.
pub(super) fn write(contexts: &[String], out: &mut Vec<u8>) {
    if contexts.iter().all(|c| c == DEFAULT_CONTEXT) {
        return;
    }
    out.extend_from_slice(b"<SIF_Contexts>");
    for context in contexts {
        element("SIF_Context", context, out);
    }
    out.extend_from_slice(b"</SIF_Contexts>");
}

/// The contexts that a header names.
pub(super) fn read(header: Node<'_, '_>) -> Vec<String> {
    let contexts = child(header, "SIF_Contexts");
    let each = contexts.into_iter().flat_map(|c| c.children());
    each.filter(|c| name(*c) == "SIF_Context")
        .map(|c| c.text().unwrap_or_default().trim().to_owned())
        .collect()
}

/// The context that a request is to be answered in, of those that we provide.
///
/// # Errors
/// 12/4: another one, or several.
pub(super) fn of_request(asked: &[String], ours: &[String]) -> Result<String, SifError> {
    let context = match asked {
        [] => DEFAULT_CONTEXT,
        [one] => one,
        _ => {
            let what = "a request is about one context";
            return Err(SifError::new(SifError::UNSUPPORTED_CONTEXT, what));
        }
    };
    match ours.iter().any(|c| c == context) {
        true => Ok(context.to_owned()),
        false => Err(SifError::new(
            SifError::UNSUPPORTED_CONTEXT,
            format!("context `{context}` is not provided by this agent"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sif::ack::parse;

    fn all(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn the_default_one_is_not_named() {
        let written = |names: &[&str]| {
            let mut out = Vec::new();
            write(&all(names), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(&[]), "");
        assert_eq!(written(&["SIF_Default"]), "");
        let both = written(&["SIF_Default", "A&B"]);
        assert_eq!(
            both,
            "<SIF_Contexts><SIF_Context>SIF_Default</SIF_Context>\
             <SIF_Context>A&amp;B</SIF_Context></SIF_Contexts>"
        );
        let header = format!("<SIF_Header>{both}</SIF_Header>");
        let document = parse(&header).unwrap();
        assert_eq!(read(document.root_element()), ["SIF_Default", "A&B"]);
    }

    #[test]
    fn a_request_is_answered_in_one_of_ours_or_refused() {
        let of = |asked: &[&str], ours: &[&str]| {
            of_request(&all(asked), &all(ours)).map_err(|e| (e.category, e.code))
        };
        let refused = Err(SifError::UNSUPPORTED_CONTEXT);
        assert_eq!(of(&[], &["SIF_Default"]).as_deref(), Ok(DEFAULT_CONTEXT));
        assert_eq!(
            of(&["Archive"], &["SIF_Default", "Archive"]).as_deref(),
            Ok("Archive")
        );
        assert_eq!(of(&["Archive"], &["SIF_Default"]), refused);
        assert_eq!(of(&[], &["Archive"]), refused);
        assert_eq!(
            of(&["SIF_Default", "Archive"], &["SIF_Default", "Archive"]),
            refused
        );
    }
}
