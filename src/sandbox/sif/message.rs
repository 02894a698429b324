//! A message as it comes in: its header, and whether its elements are those of the standard, in
//! their order.
//!
//! Reads: XML. Writes: nothing. Never: names of a namespace (the 2.x one is fixed), a document type.

use roxmltree::{Document, Node, ParsingOptions};

use super::id::Id;
use super::refusal::{BAD_VALUE, CONTEXT, MISSING, NO_SUCH_KIND, NOT_VALID, Refusal, refuse};

/// The namespace of every 2.x message.
pub(super) const NAMESPACE: &str = "http://www.sifinfo.org/infrastructure/2.x";

/// The context that is meant where none is named.
pub(super) const DEFAULT_CONTEXT: &str = "SIF_Default";

/// Kinds of messages and their elements in order: `?` optional, `+` once or more, `*` any number.
const KINDS: &[(&str, &str)] = &[
    (
        "SIF_Register",
        "SIF_Header SIF_Name SIF_Version+ SIF_MaxBufferSize SIF_Mode EventBundleSupport? \
         SIF_Protocol? SIF_NodeVendor? SIF_NodeVersion? SIF_Application? SIF_Icon?",
    ),
    ("SIF_Unregister", "SIF_Header"),
    (
        "SIF_Provision",
        "SIF_Header SIF_ProvideObjects SIF_SubscribeObjects SIF_PublishAddObjects \
         SIF_PublishChangeObjects SIF_PublishDeleteObjects SIF_RequestObjects SIF_RespondObjects",
    ),
    ("SIF_Provide", "SIF_Header SIF_Object+"),
    ("SIF_Unprovide", "SIF_Header SIF_Object+"),
    ("SIF_Subscribe", "SIF_Header SIF_Object+"),
    ("SIF_Unsubscribe", "SIF_Header SIF_Object+"),
    (
        "SIF_Request",
        "SIF_Header SIF_Version+ SIF_MaxBufferSize SIF_Query? SIF_ExtendedQuery?",
    ),
    (
        "SIF_Response",
        "SIF_Header SIF_RequestMsgId SIF_PacketNumber SIF_MorePackets SIF_Error? SIF_ObjectData? \
         SIF_ExtendedQueryResults?",
    ),
    ("SIF_Event", "SIF_Header SIF_ObjectData"),
    ("SIF_BundledEvents", "SIF_Header SIF_Events"),
    (
        "SIF_Ack",
        "SIF_Header SIF_OriginalSourceId SIF_OriginalMsgId SIF_Status? SIF_Error?",
    ),
    ("SIF_SystemControl", "SIF_Header SIF_SystemControlData"),
];

const HEADER: &str =
    "SIF_MsgId SIF_Timestamp SIF_Security? SIF_SourceId SIF_DestinationId? SIF_Contexts?";

/// A message whose header was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a, 'i> {
    /// `SIF_Register`, ...: the element in SIF_Message.
    pub(super) node: Node<'a, 'i>,
    /// SIF_MsgId.
    pub(super) id: Id,
    /// SIF_SourceId.
    pub(super) source: &'a str,
    /// SIF_DestinationId.
    pub(super) destination: Option<&'a str>,
    /// Version of the SIF_Message.
    pub(super) version: &'a str,
    /// Whether it came by a secure channel.
    pub(super) secure: bool,
    header: Node<'a, 'i>,
}

/// What a message says of itself, as far as it can be read: for the answer to one that cannot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Original<'a> {
    /// SIF_SourceId, or empty.
    pub(super) source: &'a str,
    /// SIF_MsgId, or empty.
    pub(super) id: &'a str,
}

/// Parses without entities of a document type.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    let options = ParsingOptions {
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|e| e.to_string())
}

/// Who the message is from, and its id, whatever else is wrong with it.
pub(super) fn original<'a>(document: &'a Document<'_>) -> Original<'a> {
    let body = elements(document.root_element()).next();
    let header = body.and_then(|b| child(b, "SIF_Header"));
    Original {
        source: header.map_or("", |h| text_of(h, "SIF_SourceId")),
        id: header.map_or("", |h| text_of(h, "SIF_MsgId")),
    }
}

impl<'a, 'i> Message<'a, 'i> {
    /// Reads the message in a document.
    pub(super) fn read(document: &'a Document<'i>) -> Result<Self, Refusal> {
        let root = document.root_element();
        if name(root) != "SIF_Message" || root.tag_name().namespace() != Some(NAMESPACE) {
            let text = format!("the document is no SIF_Message of {NAMESPACE}");
            return Err(refuse(NOT_VALID, text));
        }
        Self::of(root)
    }

    /// Reads a SIF_Message element.
    pub(super) fn of(root: Node<'a, 'i>) -> Result<Self, Refusal> {
        let version = root.attribute("Version");
        let version = version.ok_or_else(|| refuse(MISSING, "SIF_Message has no Version"))?;
        let mut bodies = elements(root);
        let (Some(node), None) = (bodies.next(), bodies.next()) else {
            return Err(refuse(NOT_VALID, "a SIF_Message holds one message"));
        };
        let kind = KINDS.iter().find(|(kind, _)| *kind == name(node));
        let Some((_, wanted)) = kind else {
            let text = format!("{} is no message that this zone takes", name(node));
            return Err(refuse(NO_SUCH_KIND, text));
        };
        in_order(node, wanted)?;
        let header = needed(node, "SIF_Header")?;
        in_order(header, HEADER)?;
        let id = text_of(header, "SIF_MsgId");
        let source = text_of(header, "SIF_SourceId");
        if source.is_empty() {
            return Err(refuse(BAD_VALUE, "SIF_SourceId is empty"));
        }
        Ok(Self {
            node,
            id: id.parse().map_err(|why| refuse(BAD_VALUE, why))?,
            source,
            destination: child(header, "SIF_DestinationId").map(text),
            version,
            secure: true,
            header,
        })
    }

    /// The contexts that it is about.
    pub(super) fn contexts(&self) -> Vec<&'a str> {
        contexts(self.header)
    }

    /// The one context that it is about, as a request or a response.
    pub(super) fn context(&self) -> Result<&'a str, Refusal> {
        match self.contexts().as_slice() {
            [one] => Ok(one),
            _ => Err(refuse(CONTEXT, "a request or response has one context")),
        }
    }

    /// The kind of message: `SIF_Request`.
    pub(super) fn kind(&self) -> &'a str {
        name(self.node)
    }
}

/// Checks the children of an element against a list of names.
pub(super) fn in_order(node: Node<'_, '_>, wanted: &str) -> Result<(), Refusal> {
    let mut found = elements(node).peekable();
    for entry in wanted.split_whitespace() {
        let bare = entry.trim_end_matches(['?', '+', '*']);
        let mut count = 0;
        while found.peek().is_some_and(|n| name(*n) == bare) {
            found.next();
            count += 1;
        }
        if count == 0 && !entry.ends_with(['?', '*']) {
            let text = format!("{} has no {bare} in its place", name(node));
            return Err(refuse(MISSING, text));
        }
        if count > 1 && !entry.ends_with(['+', '*']) {
            let text = format!("{} has {count} {bare}, one is allowed", name(node));
            return Err(refuse(NOT_VALID, text));
        }
    }
    match found.next() {
        None => Ok(()),
        Some(other) => Err(refuse(
            NOT_VALID,
            format!("{} is not expected there in {}", name(other), name(node)),
        )),
    }
}

/// A node's name without its namespace.
pub(super) fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.tag_name().name()
}

/// The elements in a node.
pub(super) fn elements<'a, 'i>(
    node: Node<'a, 'i>,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.children().filter(Node::is_element)
}

/// The first element of that name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, wanted: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|n| name(*n) == wanted)
}

/// The first element of that name, which must be there.
pub(super) fn needed<'a, 'i>(node: Node<'a, 'i>, wanted: &str) -> Result<Node<'a, 'i>, Refusal> {
    child(node, wanted).ok_or_else(|| refuse(MISSING, format!("{} has no {wanted}", name(node))))
}

/// An element's text without white space around it.
pub(super) fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// The text of the first element of that name; empty where there is none.
pub(super) fn text_of<'a>(node: Node<'a, '_>, wanted: &str) -> &'a str {
    child(node, wanted).map(text).unwrap_or_default()
}

/// A number in an element.
pub(super) fn number_of(node: Node<'_, '_>, wanted: &str) -> Result<u64, Refusal> {
    let text = text_of(node, wanted);
    let wrong = || refuse(BAD_VALUE, format!("{wanted} is no number: `{text}`"));
    text.parse().map_err(|_| wrong())
}

/// The names of the SIF_Object elements in a node, each with its contexts.
pub(super) fn objects<'a>(node: Node<'a, '_>) -> Result<Vec<(&'a str, Vec<&'a str>)>, Refusal> {
    let each = elements(node).filter(|n| name(*n) == "SIF_Object");
    each.map(|object| {
        let named = object.attribute("ObjectName");
        let named = named.ok_or_else(|| refuse(MISSING, "a SIF_Object has no ObjectName"))?;
        Ok((named, contexts(object)))
    })
    .collect()
}

/// The contexts that a header or a SIF_Object names; the default one where it names none.
pub(super) fn contexts<'a>(node: Node<'a, '_>) -> Vec<&'a str> {
    let named = child(node, "SIF_Contexts").into_iter().flat_map(elements);
    let named: Vec<&str> = named.map(text).collect();
    match named.is_empty() {
        true => vec![DEFAULT_CONTEXT],
        false => named,
    }
}
