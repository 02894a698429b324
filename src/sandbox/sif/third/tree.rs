//! An object as a tree of elements: what the third party keeps, and merges changes into.

use std::fmt::Write as _;

use roxmltree::Node;

use crate::sandbox::sif::message::{elements, name};
use crate::sandbox::sif::write::escape;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    pub(super) fn read(node: Node<'_, '_>) -> Self {
        let children: Vec<Self> = elements(node).map(Self::read).collect();
        let attributes = node.attributes();
        Self {
            name: name(node).to_owned(),
            attributes: attributes
                .map(|a| (a.name().to_owned(), a.value().to_owned()))
                .collect(),
            text: match children.is_empty() {
                true => node.text().unwrap_or_default().to_owned(),
                false => String::new(),
            },
            children,
        }
    }

    /// As XML, without a namespace.
    pub(super) fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"");
            escape(value, out);
            out.push('"');
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        escape(&self.text, out);
        for child in &self.children {
            child.write(out);
        }
        let _ = write!(out, "</{}>", self.name);
    }

    pub(super) fn to_xml(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it says that there is no value (`xsi:nil`).
    pub(super) fn is_nil(&self) -> bool {
        matches!(self.attribute("nil"), Some("true" | "1"))
    }
}
