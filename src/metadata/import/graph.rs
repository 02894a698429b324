//! The order of loading out of a dependency document: GraphML edges, or JSON levels.
//!
//! Reads: the document's text. Writes: nothing. Never: descriptors (they are always there first).

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use crate::metadata::MetadataError;

const DOCUMENT: &str = "dependency document";
/// What marks the second pass over a person resource.
const RETRY: &str = "#Retry";

/// Paths and edges as the document gives them; descriptors are left out.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Paths (`/ed-fi/students`), some with `#Retry`.
    nodes: BTreeSet<String>,
    /// Dependent -> prerequisites.
    before: BTreeMap<String, BTreeSet<String>>,
    /// Made of levels: everything waits for more than it must.
    pub(super) coarse: bool,
}

/// The graph among the resources that are known by name.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// `(prerequisite, dependent)`, sorted.
    pub(super) edges: BTreeSet<(String, String)>,
    /// Person resource -> what must be done before its existing records may be updated.
    pub(super) retries: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// Reads GraphML (text that begins with `<`) or the JSON list of levels.
    ///
    /// # Errors
    /// [`MetadataError::Xml`], [`MetadataError::Json`] or [`MetadataError::Shape`].
    pub(super) fn parse(text: &str) -> Result<Self, MetadataError> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let graph = match text.starts_with('<') {
            true => Self::graphml(text)?,
            false => Self::levels(text)?,
        };
        match graph.nodes.is_empty() {
            true => Err(MetadataError::shape(DOCUMENT, "names no resource")),
            false => Ok(graph),
        }
    }

    /// Whether the document names this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.nodes.contains(path)
    }

    /// The graph among known resources (path -> name). What is not known is bridged: its
    /// prerequisites become those of its dependents. So are the retries: who waits for the second
    /// pass over students waits for students and for what that pass waits for.
    pub(super) fn among(&self, name_of: &BTreeMap<&str, &str>) -> Order {
        let mut order = Order::default();
        for (path, name) in name_of {
            for before in self.known_before(path, name_of) {
                order.edges.insert((before.to_owned(), (*name).to_owned()));
            }
            let after: Vec<String> = self
                .known_before(&format!("{path}{RETRY}"), name_of)
                .into_iter()
                .filter(|n| n != name)
                .map(str::to_owned)
                .collect();
            if !after.is_empty() {
                order.retries.insert((*name).to_owned(), after);
            }
        }
        order
    }

    fn known_before<'a>(&self, path: &str, name_of: &BTreeMap<&str, &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![path];
        while let Some(at) = open.pop() {
            for before in self.before.get(at).into_iter().flatten() {
                if !seen.insert(before.as_str()) {
                    continue;
                }
                let plain = before.strip_suffix(RETRY);
                if let Some(name) = name_of.get(plain.unwrap_or(before)) {
                    found.insert(*name);
                }
                if plain.is_some() || !name_of.contains_key(before.as_str()) {
                    open.push(before);
                }
            }
        }
        // A person's own second pass is no prerequisite of its first.
        found.retain(|name| name_of.get(path) != Some(name));
        found
    }

    fn node(&mut self, path: &str) {
        if !path.ends_with("Descriptors") {
            self.nodes.insert(path.to_owned());
        }
    }

    fn edge(&mut self, from: &str, to: &str) {
        if from.ends_with("Descriptors") || to.ends_with("Descriptors") || from == to {
            return;
        }
        self.node(from);
        self.node(to);
        let before = self.before.entry(to.to_owned()).or_default();
        before.insert(from.to_owned());
    }

    fn graphml(text: &str) -> Result<Self, MetadataError> {
        let mut graph = Self::default();
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader.read_event().map_err(|source| MetadataError::Xml {
                document: DOCUMENT.to_owned(),
                position: reader.error_position(),
                source,
            })?;
            match event {
                Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                    "node" => graph.node(&attribute(&tag, "id")?),
                    "edge" => graph.edge(&attribute(&tag, "source")?, &attribute(&tag, "target")?),
                    _ => {}
                },
                Event::Eof => return Ok(graph),
                _ => {}
            }
        }
    }

    /// Levels: a resource waits for the nearest earlier level that holds any, and so for all before
    /// it. A resource named twice is created at its first level and retried after the last one
    /// before its second.
    fn levels(text: &str) -> Result<Self, MetadataError> {
        let document: Value = serde_json::from_str(text).map_err(|source| MetadataError::Json {
            document: DOCUMENT.to_owned(),
            source,
        })?;
        let entries = document
            .as_array()
            .ok_or_else(|| MetadataError::shape(DOCUMENT, "is neither GraphML nor a JSON list"))?;
        let mut levels: BTreeMap<i64, Vec<(&str, bool)>> = BTreeMap::new();
        for entry in entries {
            let path = entry.get("resource").and_then(Value::as_str);
            let level = entry.get("order").and_then(Value::as_i64);
            let (Some(path), Some(level)) = (path, level) else {
                let problem = "an entry has no text `resource` or no number `order`";
                return Err(MetadataError::shape(DOCUMENT, problem));
            };
            let operations = entry.get("operations").and_then(Value::as_array);
            let again =
                operations.is_some_and(|o| !o.is_empty() && o.iter().all(|x| x == "Update"));
            levels.entry(level).or_default().push((path, again));
        }
        let mut graph = Self {
            coarse: true,
            ..Self::default()
        };
        let mut last: Vec<&str> = Vec::new();
        for entries in levels.into_values() {
            for (path, again) in &entries {
                let node = format!("{path}{}", if *again { RETRY } else { "" });
                graph.node(&node);
                for before in &last {
                    graph.edge(before, &node);
                }
            }
            let first: Vec<&str> = entries
                .iter()
                .filter(|(path, again)| !again && !path.ends_with("Descriptors"))
                .map(|(path, _)| *path)
                .collect();
            if !first.is_empty() {
                last = first;
            }
        }
        Ok(graph)
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<String, MetadataError> {
    let missing = || MetadataError::shape(DOCUMENT, format!("a node or edge has no `{name}`"));
    let found = tag
        .try_get_attribute(name)
        .ok()
        .flatten()
        .ok_or_else(missing)?;
    let value = found
        .normalized_value(quick_xml::XmlVersion::Implicit1_0)
        .map_err(|_| missing())?;
    Ok(value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPHML: &str = r#"<?xml version="1.0"?><graphml><graph edgedefault="directed">
        <node id="/ed-fi/a"/><node id="/ed-fi/people"/><node id="/ed-fi/people#Retry"/>
        <node id="/ed-fi/link"/><node id="/ed-fi/late"/><node id="/ed-fi/termDescriptors"/>
        <edge source="/ed-fi/people" target="/ed-fi/link"/>
        <edge source="/ed-fi/a" target="/ed-fi/link"/>
        <edge source="/ed-fi/termDescriptors" target="/ed-fi/a"/>
        <edge source="/ed-fi/link" target="/ed-fi/people#Retry"/>
        <edge source="/ed-fi/people#Retry" target="/ed-fi/late"/></graph></graphml>"#;

    fn names(order: &Order) -> Vec<String> {
        order
            .edges
            .iter()
            .map(|(a, b)| format!("{a}>{b}"))
            .collect()
    }

    #[test]
    fn who_waits_for_a_retry_waits_for_what_it_waits_for() {
        let graph = Graph::parse(GRAPHML).unwrap();
        let all: BTreeMap<&str, &str> = [
            ("/ed-fi/a", "a"),
            ("/ed-fi/people", "people"),
            ("/ed-fi/link", "link"),
            ("/ed-fi/late", "late"),
        ]
        .into();
        let order = graph.among(&all);
        assert_eq!(
            names(&order),
            ["a>link", "link>late", "people>late", "people>link"]
        );
        assert_eq!(order.retries["people"], ["link"]);
        assert!(!graph.has("/ed-fi/termDescriptors"));
    }

    #[test]
    fn an_unknown_resource_is_bridged() {
        let graph = Graph::parse(GRAPHML).unwrap();
        let some: BTreeMap<&str, &str> = [
            ("/ed-fi/a", "a"),
            ("/ed-fi/people", "people"),
            ("/ed-fi/late", "late"),
        ]
        .into();
        let order = graph.among(&some);
        assert_eq!(names(&order), ["a>late", "people>late"]);
        assert_eq!(order.retries["people"], ["a"]);
    }

    #[test]
    fn levels_stand_in_for_edges() {
        let text = r#"[
            {"resource": "/ed-fi/termDescriptors", "order": 1, "operations": ["Create", "Update"]},
            {"resource": "/ed-fi/people", "order": 2, "operations": ["Create"]},
            {"resource": "/ed-fi/link", "order": 3, "operations": ["Create", "Update"]},
            {"resource": "/ed-fi/people", "order": 4, "operations": ["Update"]},
            {"resource": "/ed-fi/late", "order": 5, "operations": ["Create", "Update"]}]"#;
        let all: BTreeMap<&str, &str> = [
            ("/ed-fi/people", "people"),
            ("/ed-fi/link", "link"),
            ("/ed-fi/late", "late"),
        ]
        .into();
        let order = Graph::parse(text).unwrap().among(&all);
        assert_eq!(names(&order), ["link>late", "people>link"]);
        assert_eq!(order.retries["people"], ["link"]);
    }

    #[test]
    fn what_is_no_graph_is_said() {
        for text in [
            "",
            "[]",
            "{}",
            "<graphml><edge source='x'/></graphml>",
            "<a><b></a>",
            "[{}]",
        ] {
            assert!(Graph::parse(text).is_err(), "{text}");
        }
    }
}
