//! The order of loading among the imported resources: by the dependency document, the base, or
//! references.
//!
//! Reads: a dependency document, resources, a base standard. Writes: nothing. Never: a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Order};
use crate::metadata::{Field, Kind, MetadataError, ResourceMeta, Standard};

type Resources = BTreeMap<String, ResourceMeta>;

/// The edges and retries. Resources that the document does not name are ordered by their
/// references, in both directions.
///
/// # Errors
/// As [`Graph::parse`].
pub(super) fn order(
    document: Option<&str>,
    resources: &Resources,
    base: Option<&Standard>,
    warnings: &mut BTreeSet<String>,
) -> Result<Order, MetadataError> {
    let (mut order, unnamed) = match (document, base) {
        (Some(text), _) => {
            let graph = Graph::parse(text)?;
            let name_of = resources
                .iter()
                .map(|(name, r)| (r.path.as_str(), name.as_str()))
                .collect();
            let unnamed = resources.iter().filter(|(_, r)| !graph.has(&r.path));
            let unnamed: Vec<&str> = unnamed.map(|(name, _)| name.as_str()).collect();
            (graph.among(&name_of), unnamed)
        }
        (None, Some(base)) => {
            warnings.insert(format!(
                "no dependency document: the order is that of {}",
                base.name
            ));
            let unnamed = resources
                .keys()
                .filter(|n| !base.resources.contains_key(*n));
            (
                of_base(base, resources),
                unnamed.map(String::as_str).collect(),
            )
        }
        (None, None) => {
            warnings.insert("no dependency document: the order follows the references".to_owned());
            (
                Order::default(),
                resources.keys().map(String::as_str).collect(),
            )
        }
    };
    by_reference(&unnamed, resources, &mut order);
    Ok(order)
}

fn of_base(base: &Standard, resources: &Resources) -> Order {
    let names: Vec<&str> = resources.keys().map(String::as_str).collect();
    let mut order = Order::default();
    for name in &names {
        for before in base.prerequisites_among(name, &names) {
            order.edges.insert((before.to_owned(), (*name).to_owned()));
        }
    }
    for (name, after) in &base.retries {
        let after: Vec<String> = after
            .iter()
            .filter(|n| resources.contains_key(*n))
            .cloned()
            .collect();
        if resources.contains_key(name) && !after.is_empty() {
            order.retries.insert(name.clone(), after);
        }
    }
    order
}

/// Adds an edge for each reference from or to one of `unnamed`, required ones first, unless it
/// would close a circle.
fn by_reference(unnamed: &[&str], resources: &Resources, order: &mut Order) {
    for wanted in [true, false] {
        for (name, resource) in resources {
            let mut targets = BTreeSet::new();
            referred(&resource.fields, wanted, &mut targets);
            for target in targets {
                let outside = unnamed.contains(&name.as_str()) || unnamed.contains(&target);
                let known = resources.contains_key(target) && target != name;
                if outside && known && !reaches(&order.edges, name, target) {
                    order.edges.insert((target.to_owned(), name.clone()));
                }
            }
        }
    }
}

/// Targets of the references at every depth; `wanted`: those that must be there.
fn referred<'a>(fields: &'a BTreeMap<String, Field>, wanted: bool, into: &mut BTreeSet<&'a str>) {
    for field in fields.values() {
        if field.required || !wanted {
            if let Kind::Reference { targets, .. } = &field.kind {
                into.extend(targets.iter().map(String::as_str));
            }
            if let Some(members) = field.kind.members() {
                referred(members, wanted, into);
            }
        }
    }
}

/// Whether `to` waits for `from`, directly or not.
fn reaches(edges: &BTreeSet<(String, String)>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        // All edges that begin at `at` stand together.
        let begin = (at.to_owned(), String::new());
        for (_, next) in edges.range(begin..).take_while(|(f, _)| f == at) {
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    false
}
