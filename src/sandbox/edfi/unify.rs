//! Key unification: members of several references that are one column of the server's table.
//!
//! Reads: the metadata. Writes: nothing. Never: unifies across role-named references.

use std::collections::BTreeMap;

use serde_json::Value;

use super::layout::{capital, singular};
use crate::metadata::{Field, Kind, ResourceMeta};

/// Members that must hold the same value.
#[derive(Debug)]
pub(super) struct Group {
    /// The member's name (`schoolId`).
    pub(super) name: String,
    /// Where it stands.
    sources: Vec<Source>,
}

/// One place of a unified member.
#[derive(Debug)]
struct Source {
    /// The list that holds the reference, if it is not at the root.
    array: Option<String>,
    /// The reference.
    reference: String,
    /// Its member.
    member: String,
}

/// Names so general that each reference keeps a column of its own for them
/// (`ProgramEducationOrganizationId`, `FundCode`).
const GENERAL: [&str; 2] = ["educationOrganizationId", "code"];

/// What must agree in a resource.
///
/// A reference that carries a role in its name (`classOfSchoolYearTypeReference`) has columns of
/// its own; so has a member that the natural key calls by another name (`gradingPeriodSchoolYear`),
/// and one for which a role-named reference exists (`locationReference.schoolId` belongs to
/// `locationSchoolReference`). References inside lists share only the columns of the root's key.
pub(super) fn groups(resource: &str, meta: &ResourceMeta) -> Vec<Group> {
    let mut groups: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for (reference, field) in &meta.fields {
        for member in members(reference, field) {
            let column = column(meta, reference, member);
            groups.entry(column).or_default().push(Source {
                array: None,
                reference: reference.clone(),
                member: member.clone(),
            });
        }
    }
    for (array, field) in &meta.fields {
        let Kind::Array { fields } = &field.kind else {
            continue;
        };
        for (reference, field) in fields {
            for member in members(reference, field) {
                let in_key = meta.key.iter().any(|part| part.name == *member);
                if let Some(sources) = groups.get_mut(member).filter(|_| in_key) {
                    sources.push(Source {
                        array: Some(array.clone()),
                        reference: reference.clone(),
                        member: member.clone(),
                    });
                }
            }
        }
    }
    groups.retain(|_, sources| sources.len() > 1);
    if !groups.is_empty() {
        tracing::trace!(resource, columns = ?groups.keys(), "unified");
    }
    groups
        .into_values()
        .map(|sources| Group {
            name: sources[0].member.clone(),
            sources,
        })
        .collect()
}

/// The members of a reference without a role; nothing for other fields.
fn members<'a>(name: &str, field: &'a Field) -> impl Iterator<Item = &'a String> + use<'a> {
    let plain = match &field.kind {
        Kind::Reference { targets, fields } => {
            let stem = match (targets.as_slice(), fields.len()) {
                ([target], _) => Some(singular(target)),
                (_, 1) => fields
                    .keys()
                    .next()
                    .and_then(|member| member.strip_suffix("Id"))
                    .map(str::to_owned),
                _ => None,
            };
            (stem.as_deref() == name.strip_suffix("Reference")).then_some(fields)
        }
        _ => None,
    };
    plain
        .into_iter()
        .flat_map(BTreeMap::keys)
        .filter(|member| !GENERAL.contains(&member.as_str()))
}

fn column(meta: &ResourceMeta, reference: &str, member: &str) -> String {
    let mut parts = meta.key.iter();
    if let Some(part) = parts.find(|part| {
        part.path
            .strip_suffix(member)
            .and_then(|rest| rest.strip_suffix('.'))
            == Some(reference)
    }) {
        return part.name.clone();
    }
    let stem = reference.strip_suffix("Reference").unwrap_or(reference);
    if let Some(target) = member.strip_suffix("Id") {
        let role = format!("{stem}{}Reference", capital(target));
        if meta.fields.contains_key(&role) {
            return format!("{stem}{}", capital(member));
        }
    }
    member.to_owned()
}

impl Group {
    /// Reports the members that do not agree: `(path, conflicting values)`.
    pub(super) fn check(&self, body: &Value, mut report: impl FnMut(String, &str)) {
        let mut found: Vec<(String, String)> = Vec::new();
        for source in &self.sources {
            match &source.array {
                None => source.read(&body[&source.reference], String::new(), &mut found),
                Some(array) => {
                    for (i, element) in body[array].as_array().into_iter().flatten().enumerate() {
                        let at = format!("{array}[{i}].");
                        source.read(&element[&source.reference], at, &mut found);
                    }
                }
            }
        }
        let mut values: Vec<&str> = Vec::new();
        for (_, value) in &found {
            if !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        if values.len() > 1 {
            let values: Vec<_> = values.iter().map(|v| format!("'{v}'")).collect();
            let message = format!(
                "All values supplied for '{}' must match. Review all references and align the \
                 following conflicting values: {}",
                self.name,
                values.join(", ")
            );
            for (path, _) in &found {
                report(format!("$.{path}"), &message);
            }
        }
    }
}

impl Source {
    fn read(&self, reference: &Value, at: String, found: &mut Vec<(String, String)>) {
        let value = match &reference[&self.member] {
            Value::Null | Value::Array(_) | Value::Object(_) => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        found.push((format!("{at}{}.{}", self.reference, self.member), value));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Groups as `name: place place`, with references to the given targets.
    fn found(resource: &str, key: &[(&str, &str)], fields: Value) -> Vec<String> {
        let key: Vec<_> = key
            .iter()
            .map(|(name, path)| json!({"name": name, "path": path}))
            .collect();
        let meta = json!({"path": "/ed-fi/x", "key": key, "fields": fields});
        let meta: ResourceMeta = serde_json::from_value(meta).unwrap();
        groups(resource, &meta)
            .iter()
            .map(|group| {
                let places: Vec<_> = group
                    .sources
                    .iter()
                    .map(|s| format!("{}{}", s.array.as_deref().unwrap_or(""), s.reference))
                    .collect();
                format!("{}: {}", group.name, places.join(" "))
            })
            .collect()
    }

    fn to(target: &str, members: &[&str]) -> Value {
        let fields: BTreeMap<_, _> = members
            .iter()
            .map(|m| (*m, json!({"type": "string"})))
            .collect();
        json!({"type": "reference", "targets": [target], "fields": fields})
    }

    #[test]
    fn a_key_part_of_another_name_is_another_column() {
        let period = to("gradingPeriods", &["schoolId", "schoolYear"]);
        let section = to("studentSectionAssociations", &["schoolId", "schoolYear"]);
        let fields = json!({"gradingPeriodReference": period,
                            "studentSectionAssociationReference": section});
        let key = [
            (
                "gradingPeriodSchoolYear",
                "gradingPeriodReference.schoolYear",
            ),
            ("schoolId", "gradingPeriodReference.schoolId"),
            (
                "schoolYear",
                "studentSectionAssociationReference.schoolYear",
            ),
        ];
        assert_eq!(
            found("grades", &key, fields),
            ["schoolId: gradingPeriodReference studentSectionAssociationReference"]
        );
    }

    #[test]
    fn a_location_may_be_in_another_school() {
        let fields = json!({
            "courseOfferingReference": to("courseOfferings", &["schoolId"]),
            "locationReference": to("locations", &["schoolId"]),
            "locationSchoolReference": to("schools", &["schoolId"]),
            "classPeriods": {"type": "array", "fields": {
                "classPeriodReference": to("classPeriods", &["schoolId"])}},
        });
        let key = [("schoolId", "courseOfferingReference.schoolId")];
        assert_eq!(
            found("sections", &key, fields),
            ["schoolId: courseOfferingReference classPeriodsclassPeriodReference"]
        );
    }

    #[test]
    fn general_names_are_left_alone() {
        let fields = json!({
            "educationOrganizationReference": to("schools", &["educationOrganizationId"]),
            "programReference": to("programs", &["educationOrganizationId"]),
            "fundDimensionReference": to("fundDimensions", &["code"]),
            "objectDimensionReference": to("objectDimensions", &["code"]),
        });
        assert!(found("x", &[], fields).is_empty());
    }
}
