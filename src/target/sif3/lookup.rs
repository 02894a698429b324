//! Looking an object up at a provider by example (POST with `methodOverride: GET`).
//!
//! Reads: an object's body, the answer. Writes: the example. Never: takes an object for ours that
//! has not all of the example; providers were told of that take no notice of it.

use roxmltree::{Document, Node};

use crate::xml::{escape_attribute, escape_text};

/// Elements that tell objects of a kind apart by the district's own keys.
const LOCAL: [&str; 5] = [
    "LocalId",
    "CourseCode",
    "localId",
    "schoolCourseId",
    "schoolSectionId",
];

/// What an object is known by beside its RefId.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Example {
    name: String,
    /// Attributes of the object: keys are among them.
    attributes: Vec<(String, String)>,
    /// Elements at its top, and their texts.
    leaves: Vec<(String, String)>,
}

/// What a provider has of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing.
    Nothing,
    /// This one, by the provider's id.
    One(String),
    /// It cannot be told: the answer has others, or several.
    Unclear,
}

impl Example {
    /// Attributes, the district's key and what the object refers to; of an object without such a key
    /// all elements at its top that hold a text. None where there is nothing of these.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let document = Document::parse(text).ok()?;
        let root = document.root_element();
        let mut leaves = leaves(root);
        if leaves.iter().any(|(name, _)| LOCAL.contains(&&**name)) {
            leaves.retain(|(name, _)| LOCAL.contains(&&**name) || name.ends_with("RefId"));
        }
        let attributes = attributes(root);
        let some = !leaves.is_empty() || !attributes.is_empty();
        some.then(|| Self {
            attributes,
            name: root.tag_name().name().to_owned(),
            leaves,
        })
    }

    /// The body of the request.
    pub(super) fn to_xml(&self, data_model: &str) -> Vec<u8> {
        let mut xml = format!("<{}", self.name).into_bytes();
        let namespace = ("xmlns".to_owned(), data_model.to_owned());
        for (name, value) in std::iter::once(&namespace).chain(&self.attributes) {
            xml.extend_from_slice(format!(" {name}=\"").as_bytes());
            escape_attribute(value, &mut xml);
            xml.push(b'"');
        }
        xml.push(b'>');
        for (name, text) in &self.leaves {
            xml.extend_from_slice(format!("<{name}>").as_bytes());
            escape_text(text, &mut xml);
            xml.extend_from_slice(format!("</{name}>").as_bytes());
        }
        xml.extend_from_slice(format!("</{}>", self.name).as_bytes());
        xml
    }

    /// What a 2xx answer says.
    pub(super) fn find(&self, answer: &[u8]) -> Seen {
        let Ok(text) = std::str::from_utf8(answer) else {
            return Seen::Unclear;
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Seen::Nothing;
        }
        let Ok(document) = Document::parse(text) else {
            return Seen::Unclear;
        };
        let root = document.root_element();
        let objects: Vec<Node<'_, '_>> = match root.tag_name().name() {
            name if name == self.name => vec![root],
            name if *name == crate::sif3::plural(&self.name) => {
                root.children().filter(Node::is_element).collect()
            }
            _ => return Seen::Unclear,
        };
        if objects.is_empty() {
            return Seen::Nothing;
        }
        let mut ours = objects.into_iter().filter(|node| self.is_in(*node));
        match (ours.next().and_then(id), ours.next()) {
            (Some(id), None) => Seen::One(id),
            _ => Seen::Unclear,
        }
    }

    fn is_in(&self, node: Node<'_, '_>) -> bool {
        let (has, there) = (attributes(node), leaves(node));
        node.tag_name().name() == self.name
            && self.attributes.iter().all(|one| has.contains(one))
            && self.leaves.iter().all(|leaf| there.contains(leaf))
    }
}

fn id(node: Node<'_, '_>) -> Option<String> {
    let id = node
        .attribute("RefId")
        .or_else(|| node.attribute("refId"))?;
    (!id.trim().is_empty()).then(|| id.trim().to_owned())
}

/// The attributes of an object but its id.
fn attributes(root: Node<'_, '_>) -> Vec<(String, String)> {
    let own = |name: &str| matches!(name, "RefId" | "refId");
    let all = root
        .attributes()
        .filter(|a| a.namespace().is_none() && !own(a.name()));
    all.map(|a| (a.name().to_owned(), a.value().to_owned()))
        .collect()
}

/// The elements at the top of an object that hold a text and no others.
fn leaves(root: Node<'_, '_>) -> Vec<(String, String)> {
    let elements = root.children().filter(Node::is_element);
    let leaf = |node: Node<'_, '_>| {
        let text = node.text().map(str::trim).filter(|text| !text.is_empty())?;
        let alone = !node.children().any(|child| child.is_element());
        alone.then(|| (node.tag_name().name().to_owned(), text.to_owned()))
    };
    elements.filter_map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"<SectionInfo RefId=\"a\"><SchoolCourseInfoRefId>17</SchoolCourseInfoRefId>\
        <LocalId>A&amp;B</LocalId><Description>x</Description><Name><LocalId>n</LocalId></Name></SectionInfo>";

    fn found(answer: &str) -> Seen {
        Example::of(BODY).unwrap().find(answer.as_bytes())
    }

    #[test]
    fn an_example_is_the_local_key_and_what_it_refers_to() {
        let xml = Example::of(BODY).unwrap().to_xml("urn:d");
        assert_eq!(
            String::from_utf8(xml).unwrap(),
            "<SectionInfo xmlns=\"urn:d\"><SchoolCourseInfoRefId>17</SchoolCourseInfoRefId>\
             <LocalId>A&amp;B</LocalId></SectionInfo>"
        );
        let link = b"<X RefId=\"a\" StudentRefId=\"1&amp;2\"><Date>2026-01-02</Date></X>";
        let link = Example::of(link).unwrap();
        assert_eq!(
            String::from_utf8(link.to_xml("urn:d")).unwrap(),
            "<X xmlns=\"urn:d\" StudentRefId=\"1&amp;2\"><Date>2026-01-02</Date></X>"
        );
        let other = b"<X RefId=\"p\" StudentRefId=\"3\"><Date>2026-01-02</Date></X>";
        assert_eq!(link.find(other), Seen::Unclear);
        assert_eq!(
            Example::of(b"<X RefId=\"a\"><Name><a>1</a></Name></X>"),
            None
        );
    }

    #[test]
    fn an_object_is_ours_when_it_has_all_of_the_example() {
        let object = |id: &str, local: &str| {
            format!(
                "<SectionInfo RefId=\"{id}\"><LocalId>{local}</LocalId>\
                 <SchoolCourseInfoRefId>17</SchoolCourseInfoRefId><More/></SectionInfo>"
            )
        };
        let many = |all: &str| format!("<SectionInfos xmlns=\"urn:d\">{all}</SectionInfos>");
        let (ours, other) = (object("P1", "A&amp;B"), object("P2", "C"));
        assert_eq!(found(&many(&ours)), Seen::One("P1".to_owned()));
        assert_eq!(found(&ours), Seen::One("P1".to_owned()));
        assert_eq!(
            found(&many(&format!("{other}{ours}"))),
            Seen::One("P1".to_owned())
        );
        for nothing in ["", &many("")] {
            assert_eq!(found(nothing), Seen::Nothing);
        }
        // A provider that takes no notice of the example may have ours on another page.
        assert_eq!(found(&many(&other)), Seen::Unclear);
        assert_eq!(found(&many(&format!("{ours}{ours}"))), Seen::Unclear);
        assert_eq!(found("<html/>"), Seen::Unclear);
        assert_eq!(found("{}"), Seen::Unclear);
    }
}
