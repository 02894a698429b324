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
            let mut order = graph.among(&name_of);
            if graph.coarse {
                narrow(&mut order.retries, resources);
            }
            (order, unnamed)
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

/// Levels make a person wait for a whole level; what authorizes the person refers to the person.
fn narrow(retries: &mut BTreeMap<String, Vec<String>>, resources: &Resources) {
    for (person, after) in retries {
        let refers = |name: &String| {
            let mut targets = BTreeSet::new();
            if let Some(resource) = resources.get(name) {
                referred(&resource.fields, true, &mut targets);
            }
            targets.contains(person.as_str())
        };
        let narrowed: Vec<String> = after.iter().filter(|n| refers(n)).cloned().collect();
        if !narrowed.is_empty() {
            *after = narrowed;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_waits_only_for_those_of_a_level_that_refer_to_it() {
        let shipped = Standard::shipped();
        let level = [
            "sections",
            "staffSchoolAssociations",
            "studentSchoolAssociations",
        ];
        let after = level.map(str::to_owned).to_vec();
        let mut retries = BTreeMap::from([
            ("students".to_owned(), after.clone()),
            ("contacts".to_owned(), after.clone()),
        ]);
        narrow(&mut retries, &shipped.resources);
        assert_eq!(retries["students"], ["studentSchoolAssociations"]);
        // Nothing refers to contacts: the whole level stays.
        assert_eq!(retries["contacts"], after);
    }

    #[test]
    fn references_order_what_nothing_else_does_without_a_circle() {
        let shipped = Standard::shipped();
        let mut warnings = BTreeSet::new();
        let found = order(None, &shipped.resources, None, &mut warnings).unwrap();
        let has = |a: &str, b: &str| found.edges.contains(&(a.to_owned(), b.to_owned()));
        assert!(has("sessions", "courseOfferings") && has("schools", "sessions"));
        assert!(!has("schools", "schools"));
        for (from, to) in &found.edges {
            assert!(!reaches(&found.edges, to, from), "{from} {to}");
        }
    }
}
