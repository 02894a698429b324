//! Natural keys: which parts a resource's key has, and where each stands in the body.
//!
//! Reads: reference schemas, query parameters, tables, a base standard. Writes: nothing.
//! Never: guesses without a warning.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{Field, KeyPart, Kind, ResourceMeta};

type Fields = BTreeMap<String, Field>;

/// Everything that may tell a resource's key. Part names may differ in case from the body's.
#[derive(Debug, Default)]
pub(super) struct Sources<'a> {
    /// Required members of the reference to this resource.
    pub(super) reference: Vec<&'a str>,
    /// Primary key columns as [`column_part`] names them.
    pub(super) table: Vec<String>,
    /// Query parameters marked as identity.
    pub(super) query: Vec<&'a str>,
    /// Top-level properties marked as identity.
    pub(super) marked: Vec<&'a str>,
    /// Required properties in document order.
    pub(super) required: Vec<&'a str>,
    /// The same resource in the base standard.
    pub(super) base: Option<&'a ResourceMeta>,
}

/// The natural key of one resource, sorted by part name. Problems go to `warn`.
pub(super) fn natural_key(
    fields: &Fields,
    sources: &Sources<'_>,
    warn: &mut dyn FnMut(String),
) -> Vec<KeyPart> {
    let base = sources.base.and_then(|b| still_there(&b.key, fields));
    let reference: Vec<String> = sources.reference.iter().map(|s| (*s).to_owned()).collect();
    let query: Vec<String> = sources.query.iter().map(|s| (*s).to_owned()).collect();
    if !reference.is_empty()
        && !sources.table.is_empty()
        && lower(&reference) != lower(&sources.table)
    {
        warn(format!(
            "the reference schema gives the key ({}), the table ({}); the reference is used",
            reference.join(", "),
            sources.table.join(", ")
        ));
    }
    for (told_by, parts) in [
        ("reference schema", &reference),
        ("table", &sources.table),
        ("query parameters", &query),
    ] {
        if parts.is_empty() {
            continue;
        }
        match places(parts, fields, &sources.required) {
            Ok(key) => return prefer_base(key, base, told_by == "query parameters", warn),
            Err(part) => warn(format!(
                "key part `{part}` of the {told_by} is not in the body"
            )),
        }
    }
    if let Some(base) = base {
        return base;
    }
    let key = best_effort(fields, sources);
    warn(format!(
        "nothing tells the natural key; taken from required references and identity \
         properties: ({}). Check it, or give the table definitions",
        names(&key)
    ));
    key
}

/// The base's key, where it has the same parts: its places have been looked at by people. A query
/// may also merge two parts of one name into one parameter; then the base knows more.
fn prefer_base(
    key: Vec<KeyPart>,
    base: Option<Vec<KeyPart>>,
    by_query: bool,
    warn: &mut dyn FnMut(String),
) -> Vec<KeyPart> {
    let Some(base) = base else {
        return key;
    };
    let set =
        |key: &[KeyPart]| -> BTreeSet<String> { key.iter().map(|p| p.name.clone()).collect() };
    let (ours, theirs) = (set(&base), set(&key));
    if ours == theirs {
        return base;
    }
    if by_query && ours.is_superset(&theirs) {
        warn(format!(
            "the query parameters give the key ({}), which lacks parts of ({}); the latter is kept",
            names(&key),
            names(&base)
        ));
        return base;
    }
    warn(format!(
        "the key was ({}) and is now ({})",
        names(&base),
        names(&key)
    ));
    key
}

/// A key whose every part is (still) in the body.
fn still_there(key: &[KeyPart], fields: &Fields) -> Option<Vec<KeyPart>> {
    let there = |path: &str| {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        fields.get(first).is_some_and(|f| {
            rest.is_empty() || f.kind.members().is_some_and(|m| m.contains_key(rest))
        })
    };
    let all = !key.is_empty() && key.iter().all(|p| there(&p.path));
    all.then(|| key.to_vec())
}

/// One member of one reference of the body.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place<'a> {
    reference: &'a str,
    member: &'a str,
}

/// Where each part stands: at the top of the body; else in a reference, under its own name or
/// under a role (`graduationSchoolYear` is `schoolYear` in `graduationSchoolYearTypeReference`).
/// The first required reference in document order wins, save that a member which a role name has
/// claimed belongs to no other part. Errors with the part that stands nowhere.
fn places(parts: &[String], fields: &Fields, required: &[&str]) -> Result<Vec<KeyPart>, String> {
    let all = members(fields, required);
    let mut claimed: Vec<Place<'_>> = Vec::new();
    let mut key = Vec::with_capacity(parts.len());
    let mut plain = Vec::new();
    for part in parts {
        if let Some(name) = fields.keys().find(|f| f.eq_ignore_ascii_case(part)) {
            key.push(KeyPart {
                name: name.clone(),
                path: name.clone(),
            });
        } else if all.iter().any(|p| p.member.eq_ignore_ascii_case(part)) {
            plain.push(part);
        } else {
            let place = all.iter().find(|p| is_role(part, **p)).ok_or(part)?;
            claimed.push(*place);
            key.push(part_at(part.clone(), *place));
        }
    }
    for part in plain {
        let fits = |p: &&Place<'_>| p.member.eq_ignore_ascii_case(part);
        let place = all
            .iter()
            .filter(fits)
            .find(|p| !claimed.contains(p))
            .or_else(|| all.iter().find(fits))
            .ok_or(part)?;
        key.push(part_at(place.member.to_owned(), *place));
    }
    key.sort();
    Ok(key)
}

fn part_at(name: String, place: Place<'_>) -> KeyPart {
    let path = format!("{}.{}", place.reference, place.member);
    KeyPart { name, path }
}

/// The members of all references: required ones in document order, then the others by name.
fn members<'a>(fields: &'a Fields, required: &[&str]) -> Vec<Place<'a>> {
    let known = required
        .iter()
        .filter_map(|name| fields.get_key_value(*name));
    let rest = fields
        .iter()
        .filter(|(name, _)| !required.contains(&name.as_str()));
    known
        .chain(rest)
        .filter_map(|(name, field)| match &field.kind {
            Kind::Reference { fields, .. } => Some((name, fields)),
            _ => None,
        })
        .flat_map(|(reference, members)| {
            members
                .keys()
                .map(move |member| Place { reference, member })
        })
        .collect()
}

/// Whether `part` is a role of the reference before the member's name: `programX` of
/// `programReference.x`.
fn is_role(part: &str, place: Place<'_>) -> bool {
    let (part, member) = (part.to_lowercase(), place.member.to_lowercase());
    part.strip_suffix(&member)
        .is_some_and(|role| !role.is_empty() && place.reference.to_lowercase().starts_with(role))
}

fn best_effort(fields: &Fields, sources: &Sources<'_>) -> Vec<KeyPart> {
    let mut key: Vec<KeyPart> = sources
        .marked
        .iter()
        .filter(|name| fields.contains_key(**name))
        .map(|name| KeyPart {
            name: (*name).to_owned(),
            path: (*name).to_owned(),
        })
        .collect();
    for place in members(fields, &sources.required) {
        let is_required = sources.required.contains(&place.reference);
        if is_required && !key.iter().any(|p| p.name == place.member) {
            key.push(part_at(place.member.to_owned(), place));
        }
    }
    key.sort();
    key
}

/// The body's name of a primary key column: `StudentUSI` -> `studentUniqueId`,
/// `TermDescriptorId` -> `termDescriptor`, `IEPBeginDate` -> `iepBeginDate`.
pub(super) fn column_part(column: &str) -> String {
    let name = if let Some(person) = column.strip_suffix("USI") {
        format!("{person}UniqueId")
    } else if let Some(descriptor) = column
        .strip_suffix("Id")
        .filter(|d| d.ends_with("Descriptor"))
    {
        descriptor.to_owned()
    } else {
        column.to_owned()
    };
    let capitals = name.chars().take_while(|c| c.is_uppercase()).count();
    // The last capital of several begins the next word.
    let lowered = match capitals {
        0 | 1 => capitals,
        all if all == name.chars().count() => all,
        several => several - 1,
    };
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

fn lower(parts: &[String]) -> BTreeSet<String> {
    parts.iter().map(|p| p.to_lowercase()).collect()
}

fn names(key: &[KeyPart]) -> String {
    let names: Vec<&str> = key.iter().map(|p| p.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(members: &[&str]) -> Field {
        let text = || Field {
            required: true,
            kind: Kind::String { max: None },
            xml: None,
        };
        Field {
            required: true,
            kind: Kind::Reference {
                targets: vec!["x".to_owned()],
                fields: members.iter().map(|m| ((*m).to_owned(), text())).collect(),
            },
            xml: None,
        }
    }

    fn paths(parts: &[&str], fields: &Fields, required: &[&str]) -> Vec<String> {
        let parts: Vec<String> = parts.iter().map(|p| (*p).to_owned()).collect();
        let key = places(&parts, fields, required).unwrap();
        key.into_iter()
            .map(|p| format!("{}={}", p.name, p.path))
            .collect()
    }

    #[test]
    fn columns_become_part_names() {
        for (column, part) in [
            ("StudentUSI", "studentUniqueId"),
            ("TermDescriptorId", "termDescriptor"),
            ("SchoolId", "schoolId"),
            ("IEPBeginDate", "iepBeginDate"),
            ("SSN", "ssn"),
            ("", ""),
        ] {
            assert_eq!(column_part(column), part);
        }
    }

    #[test]
    fn a_role_claims_its_member() {
        let fields: Fields = [
            (
                "courseReference",
                &["courseCode", "educationOrganizationId"][..],
            ),
            (
                "studentAcademicRecordReference",
                &["educationOrganizationId", "schoolYear"],
            ),
        ]
        .map(|(n, m)| (n.to_owned(), reference(m)))
        .into();
        let required = ["courseReference", "studentAcademicRecordReference"];
        assert_eq!(
            paths(
                &[
                    "educationOrganizationId",
                    "courseEducationOrganizationId",
                    "courseCode"
                ],
                &fields,
                &required
            ),
            [
                "courseCode=courseReference.courseCode",
                "courseEducationOrganizationId=courseReference.educationOrganizationId",
                "educationOrganizationId=studentAcademicRecordReference.educationOrganizationId",
            ]
        );
    }

    #[test]
    fn a_shared_part_stands_in_the_first_required_reference() {
        let fields: Fields = [
            ("a", &["schoolId"][..]),
            ("b", &["schoolId", "sessionName"]),
        ]
        .map(|(n, m)| (format!("{n}Reference"), reference(m)))
        .into();
        let required = ["bReference", "aReference"];
        assert_eq!(
            paths(&["SchoolId"], &fields, &required),
            ["schoolId=bReference.schoolId"]
        );
        assert_eq!(
            places(&["nowhere".to_owned()], &fields, &required),
            Err("nowhere".to_owned())
        );
    }

    #[test]
    fn without_any_source_the_key_is_a_guess_and_says_so() {
        let mut fields: Fields = [("aReference".to_owned(), reference(&["schoolId"]))].into();
        fields.insert(
            "name".to_owned(),
            Field {
                required: true,
                kind: Kind::Date,
                xml: None,
            },
        );
        let sources = Sources {
            marked: vec!["name"],
            required: vec!["aReference"],
            ..Sources::default()
        };
        let mut warnings = Vec::new();
        let key = natural_key(&fields, &sources, &mut |w| warnings.push(w));
        assert_eq!(names(&key), "name, schoolId");
        assert_eq!(warnings.len(), 1);
    }
}
