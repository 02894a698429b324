//! The documents of a server, in the least form: stands in until the metadata room publishes them.
//!
//! Reads: the metadata. Writes: nothing. Never: more than paths and edges.

use serde_json::{Map, Value, json};

use crate::metadata::Standard;

/// An OpenAPI document that names the paths.
pub(super) fn openapi(standard: &Standard, base_url: &str) -> Value {
    let paths: Map<String, Value> = standard
        .resources
        .values()
        .map(|r| (r.path.clone(), json!({"post": {}, "get": {}})))
        .collect();
    json!({
        "openapi": "3.0.1",
        "info": {"title": "Ed-Fi Operational Data Store API", "version": "3"},
        "servers": [{"url": base_url}],
        "paths": paths,
    })
}

/// The resources with their level, every prerequisite on a lower one.
pub(super) fn dependencies_json(standard: &Standard) -> Value {
    let mut levels: std::collections::BTreeMap<&str, usize> =
        standard.resources.keys().map(|n| (n.as_str(), 2)).collect();
    for _ in 0..standard.resources.len() {
        for (before, after) in &standard.edges {
            let least = levels.get(before.as_str()).copied().unwrap_or(1) + 1;
            if let Some(level) = levels.get_mut(after.as_str()) {
                *level = (*level).max(least);
            }
        }
    }
    let entries: Vec<_> = standard
        .resources
        .iter()
        .map(|(name, r)| {
            let order = levels.get(name.as_str()).copied().unwrap_or(2);
            json!({"resource": r.path, "order": order, "operations": ["Create", "Update"]})
        })
        .collect();
    Value::Array(entries)
}

/// The graph of the resources.
pub(super) fn dependencies_graphml(standard: &Standard) -> String {
    let path = |name: &str| standard.resources.get(name).map(|r| r.path.clone());
    let nodes: String = standard
        .resources
        .values()
        .map(|r| format!("<node id=\"{}\"/>", r.path))
        .collect();
    let edges: String = standard
        .edges
        .iter()
        .filter_map(|(a, b)| {
            Some(format!(
                "<edge source=\"{}\" target=\"{}\"/>",
                path(a)?,
                path(b)?
            ))
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\
         <graph id=\"EdFi Dependencies\" edgedefault=\"directed\">{nodes}{edges}</graph></graphml>"
    )
}
