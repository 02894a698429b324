//! What differs between two standards, in lines for people.
//!
//! Reads: two standards. Writes: nothing. Never: I/O.

use std::collections::{BTreeMap, BTreeSet};

use super::{Field, KeyPart, Kind, ResourceMeta, Standard};

/// Most names in one line; what is more is counted.
const NAMES: usize = 5;

/// What `new` has, lacks or says otherwise than `old`: one line per fact, resources first, then
/// descriptors, then the order of loading. Empty when both say the same.
pub fn diff(old: &Standard, new: &Standard) -> Vec<String> {
    let mut lines = Vec::new();
    for name in old.resources.keys() {
        if !new.resources.contains_key(name) {
            lines.push(format!("{name}: resource is gone"));
        }
    }
    for (name, now) in &new.resources {
        match old.resources.get(name) {
            None => lines.push(format!("{name}: resource is new")),
            Some(was) => resource(name, was, now, &mut lines),
        }
    }
    descriptors(old, new, &mut lines);
    order(old, new, &mut lines);
    lines
}

fn resource(name: &str, was: &ResourceMeta, now: &ResourceMeta, lines: &mut Vec<String>) {
    if was.path != now.path {
        lines.push(format!("{name}: path {} is now {}", was.path, now.path));
    }
    if was.key != now.key {
        let (was, now) = (key(&was.key), key(&now.key));
        lines.push(format!("{name}: natural key {was} is now {now}"));
    }
    if was.key_updatable != now.key_updatable {
        let may = if now.key_updatable {
            "may now"
        } else {
            "may no longer"
        };
        lines.push(format!("{name}: a PUT {may} change the natural key"));
    }
    members(name, &was.fields, &now.fields, lines);
}

fn members(
    place: &str,
    was: &BTreeMap<String, Field>,
    now: &BTreeMap<String, Field>,
    lines: &mut Vec<String>,
) {
    for name in was.keys().filter(|n| !now.contains_key(*n)) {
        lines.push(format!("{place}.{name}: field is gone"));
    }
    for (name, now) in now {
        let place = format!("{place}.{name}");
        match was.get(name) {
            None if now.required => lines.push(format!("{place}: field is new and required")),
            None => lines.push(format!("{place}: field is new")),
            Some(was) => field(&place, was, now, lines),
        }
    }
}

fn field(place: &str, was: &Field, now: &Field, lines: &mut Vec<String>) {
    match (was.required, now.required) {
        (false, true) => lines.push(format!("{place}: is now required")),
        (true, false) => lines.push(format!("{place}: is no longer required")),
        _ => {}
    }
    let (a, b) = (describe(&was.kind), describe(&now.kind));
    if a != b {
        lines.push(format!("{place}: {a} is now {b}"));
    }
    if let (Some(was), Some(now)) = (was.kind.members(), now.kind.members()) {
        members(place, was, now, lines);
    }
}

/// A field's type in words, without its members.
fn describe(kind: &Kind) -> String {
    match kind {
        Kind::String { max: Some(max) } => format!("text of at most {max} characters"),
        Kind::String { max: None } => "text".to_owned(),
        Kind::Descriptor { name } => name.clone(),
        Kind::Code { name } => format!("code of {name}"),
        Kind::RefId => "RefId".to_owned(),
        Kind::Int32 => "32-bit integer".to_owned(),
        Kind::Int64 => "64-bit integer".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time => "time".to_owned(),
        Kind::DateTime => "date and time".to_owned(),
        Kind::Object { .. } => "object".to_owned(),
        Kind::Array { .. } => "list".to_owned(),
        Kind::Reference { targets, .. } => format!("reference to {}", targets.join(" or ")),
    }
}

fn key(parts: &[KeyPart]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|p| match p.path == p.name {
            true => p.name.clone(),
            false => format!("{}={}", p.name, p.path),
        })
        .collect();
    format!("({})", parts.join(", "))
}

fn descriptors(old: &Standard, new: &Standard, lines: &mut Vec<String>) {
    let names: BTreeSet<&String> = old
        .descriptors
        .keys()
        .chain(new.descriptors.keys())
        .collect();
    for name in names {
        match (old.descriptors.get(name), new.descriptors.get(name)) {
            (Some(_), None) => lines.push(format!("{name}: descriptor is gone")),
            (None, Some(_)) => lines.push(format!("{name}: descriptor is new")),
            (Some(was), Some(now)) => {
                let (was, now) = (uris(was), uris(now));
                values(name, "new", now.difference(&was), lines);
                values(name, "gone", was.difference(&now), lines);
            }
            (None, None) => {}
        }
    }
}

fn uris(values: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    values
        .iter()
        .flat_map(|(namespace, codes)| codes.iter().map(move |c| format!("{namespace}#{c}")))
        .collect()
}

fn values<'a>(
    name: &str,
    what: &str,
    values: impl Iterator<Item = &'a String>,
    lines: &mut Vec<String>,
) {
    let values: Vec<&str> = values.map(String::as_str).collect();
    if !values.is_empty() {
        lines.push(format!("{name}: {what}: {}", some_of(&values)));
    }
}

fn order(old: &Standard, new: &Standard, lines: &mut Vec<String>) {
    let (was, now) = (waits(old), waits(new));
    // Edges of resources that are new or gone follow from that line.
    for name in new
        .resources
        .keys()
        .filter(|n| old.resources.contains_key(*n))
    {
        let none = BTreeSet::new();
        let was = was.get(name.as_str()).unwrap_or(&none);
        let now = now.get(name.as_str()).unwrap_or(&none);
        let more: Vec<&str> = now.difference(was).copied().collect();
        let less: Vec<&str> = was.difference(now).copied().collect();
        if !more.is_empty() {
            lines.push(format!("{name}: waits now for {}", some_of(&more)));
        }
        if !less.is_empty() {
            lines.push(format!("{name}: no longer waits for {}", some_of(&less)));
        }
    }
    let names: BTreeSet<&String> = old.retries.keys().chain(new.retries.keys()).collect();
    for name in names {
        let (was, now) = (old.retries.get(name), new.retries.get(name));
        if was != now {
            let text = now.map_or("never".to_owned(), |after| {
                format!("after {}", after.join(", "))
            });
            lines.push(format!("{name}: existing records may be updated {text}"));
        }
    }
}

/// Dependent -> prerequisites, among the resources of the standard.
fn waits(standard: &Standard) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut map: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in &standard.edges {
        map.entry(to).or_default().insert(from);
    }
    map
}

fn some_of(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(NAMES)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_does_not_differ_from_itself() {
        let shipped = Standard::shipped();
        assert_eq!(diff(&shipped, &shipped), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_change_has_its_line() {
        let old = Standard::shipped();
        let mut new = (*old).clone();
        new.resources.remove("cohorts");
        let students = new.resources.get_mut("students").unwrap();
        students.fields.get_mut("firstName").unwrap().kind = Kind::String { max: Some(100) };
        students.fields.get_mut("middleName").unwrap().required = true;
        students.fields.remove("maidenName");
        let grades = new.descriptors.get_mut("GradeLevelDescriptor").unwrap();
        grades
            .get_mut("uri://ed-fi.org/GradeLevelDescriptor")
            .unwrap()
            .push("Zeroth grade".to_owned());
        new.edges
            .retain(|(a, b)| (a.as_str(), b.as_str()) != ("sessions", "courseOfferings"));
        new.retries.remove("staffs");
        let lines = diff(&old, &new);
        for wanted in [
            "cohorts: resource is gone",
            "students.firstName: text of at most 75 characters is now text of at most 100 characters",
            "students.middleName: is now required",
            "students.maidenName: field is gone",
            "GradeLevelDescriptor: new: uri://ed-fi.org/GradeLevelDescriptor#Zeroth grade",
            "courseOfferings: no longer waits for sessions",
            "staffs: existing records may be updated never",
        ] {
            assert!(lines.iter().any(|l| l == wanted), "{wanted}\n{lines:#?}");
        }
        assert_eq!(lines.len(), 7, "{lines:#?}");
    }
}
