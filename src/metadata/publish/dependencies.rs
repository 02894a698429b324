//! The order of loading as servers publish it: JSON levels and GraphML.
//!
//! Reads: a standard. Writes: nothing. Never: HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use quick_xml::escape::escape;
use serde_json::{Value, json};

use crate::metadata::{Field, Kind, Standard};

type Fields = BTreeMap<String, Field>;

/// The levels of loading, as servers answer them: descriptors first, persons a second time
/// (`Update`) after what their retries wait for.
pub fn dependencies_json(standard: &Standard) -> Value {
    let mut entries: Vec<(usize, String, Value)> = Vec::new();
    let both = || json!(["Create", "Update"]);
    for descriptor in standard.descriptors.keys() {
        entries.push((1, descriptor_path(descriptor), both()));
    }
    let levels = levels(standard);
    for (name, resource) in &standard.resources {
        let level = levels.get(name.as_str()).copied().unwrap_or(2);
        let path = resource.path.clone();
        match standard.retries.get(name) {
            None => entries.push((level, path, both())),
            Some(after) => {
                let last = after.iter().filter_map(|a| levels.get(a.as_str())).max();
                let again = last.copied().unwrap_or(level) + 1;
                entries.push((level, path.clone(), json!(["Create"])));
                entries.push((again, path, json!(["Update"])));
            }
        }
    }
    entries.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    entries
        .into_iter()
        .map(|(order, resource, operations)| {
            json!({"resource": resource, "order": order, "operations": operations})
        })
        .collect()
}

/// The graph of loading, as servers answer it: `#Retry` nodes for the persons' second pass.
pub fn dependencies_graphml(standard: &Standard) -> String {
    let mut nodes = BTreeSet::new();
    let mut edges = BTreeSet::new();
    let path = |name: &str| standard.resource(name).map(|r| r.path.clone());
    nodes.extend(standard.descriptors.keys().map(|d| descriptor_path(d)));
    for resource in standard.resources.values() {
        nodes.insert(resource.path.clone());
        let mut used = BTreeSet::new();
        descriptors_of(&resource.fields, &mut used);
        for descriptor in used
            .iter()
            .filter(|d| standard.descriptors.contains_key(**d))
        {
            edges.insert((descriptor_path(descriptor), resource.path.clone()));
        }
    }
    for (from, to) in &standard.edges {
        edges.extend(path(from).zip(path(to)));
    }
    for (name, after) in &standard.retries {
        let Some(again) = path(name).map(|p| format!("{p}#Retry")) else {
            continue;
        };
        for from in after.iter().filter_map(|a| path(a)) {
            edges.insert((from, again.clone()));
        }
        nodes.insert(again);
    }
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
         <graph id=\"EdFi Dependencies\" edgedefault=\"directed\">\n",
    );
    for node in &nodes {
        let _ = writeln!(text, "<node id=\"{}\"/>", escape(node.as_str()));
    }
    for (from, to) in &edges {
        let (from, to) = (escape(from.as_str()), escape(to.as_str()));
        let _ = writeln!(text, "<edge source=\"{from}\" target=\"{to}\"/>");
    }
    text.push_str("</graph>\n</graphml>\n");
    text
}

/// Longest path from a descriptor (level 1) to each resource.
fn levels(standard: &Standard) -> BTreeMap<&str, usize> {
    let names: Vec<&str> = standard.resources.keys().map(String::as_str).collect();
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in &standard.edges {
        before.entry(to).or_default().push(from);
    }
    let mut levels = BTreeMap::new();
    for name in standard.order(&names) {
        let prerequisites = before.get(name).into_iter().flatten();
        let last = prerequisites.filter_map(|b| levels.get(b)).max();
        levels.insert(name, last.copied().unwrap_or(1) + 1);
    }
    levels
}

/// The path of a descriptor type's values: `/ed-fi/gradeLevelDescriptors`.
pub fn descriptor_path(descriptor: &str) -> String {
    format!("/ed-fi/{}s", uncapitalised(descriptor))
}

fn descriptors_of<'a>(fields: &'a Fields, into: &mut BTreeSet<&'a str>) {
    for field in fields.values() {
        if let Kind::Descriptor { name } = &field.kind {
            into.insert(name);
        }
        if let Some(members) = field.kind.members() {
            descriptors_of(members, into);
        }
    }
}

/// `cteProgramServiceDescriptor` of `CTEProgramServiceDescriptor`.
fn uncapitalised(name: &str) -> String {
    let capitals = name.chars().take_while(|c| c.is_uppercase()).count();
    let lowered = if capitals > 1 { capitals - 1 } else { capitals };
    name.chars()
        .enumerate()
        .map(|(i, c)| {
            if i < lowered {
                c.to_ascii_lowercase()
            } else {
                c
            }
        })
        .collect()
}
