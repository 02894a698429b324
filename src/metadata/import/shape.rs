//! Schemas -> fields: types, lengths, required, references and descriptors at every depth.
//!
//! Reads: a document's schemas, table definitions, a base standard. Writes: nothing. Never: keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::ddl::Tables;
use super::openapi::{Spec, local_name};
use crate::metadata::{Field, Kind, Standard};

/// Deepest nesting that is followed; Ed-Fi bodies stay below 6.
const DEEPEST: usize = 12;

type Fields = BTreeMap<String, Field>;

/// Turns schemas into fields, and collects what it could not decide.
#[derive(Debug)]
pub(super) struct Shaper<'a> {
    spec: &'a Spec<'a>,
    tables: &'a Tables,
    /// Schema name -> resource name.
    resource_of: HashMap<&'a str, &'a str>,
    /// Descriptor types that are known by name.
    descriptors: &'a BTreeSet<String>,
    /// Property name -> descriptor type, where the base has one for all its uses.
    base_descriptors: BTreeMap<&'a str, Option<&'a str>>,
    /// Reference name in the base -> its kinds, for references with several.
    base_kinds: BTreeMap<&'a str, &'a [String]>,
    /// Problems for the person who imports.
    pub(super) warnings: BTreeSet<String>,
}

impl<'a> Shaper<'a> {
    /// Collects what all resources share.
    pub(super) fn new(
        spec: &'a Spec<'a>,
        resource_of: HashMap<&'a str, &'a str>,
        tables: &'a Tables,
        descriptors: &'a BTreeSet<String>,
        base: Option<&'a Standard>,
    ) -> Self {
        let mut shaper = Self {
            spec,
            tables,
            resource_of,
            descriptors,
            base_descriptors: BTreeMap::new(),
            base_kinds: BTreeMap::new(),
            warnings: BTreeSet::new(),
        };
        for resource in base.into_iter().flat_map(|b| b.resources.values()) {
            shaper.learn(&resource.fields);
        }
        shaper
    }

    /// The fields of a resource's body. `base`: the same resource in the base standard.
    pub(super) fn body(
        &mut self,
        schema_name: &str,
        schema: &'a Value,
        base: Option<&'a Fields>,
    ) -> Fields {
        let mut fields = self.fields(schema_name, schema, base, 0);
        for own in ["id", "_etag", "_lastModifiedDate"] {
            fields.remove(own);
        }
        fields
    }

    fn learn(&mut self, fields: &'a Fields) {
        for (name, field) in fields {
            match &field.kind {
                Kind::Descriptor { name: descriptor } => {
                    let known = self
                        .base_descriptors
                        .entry(name)
                        .or_insert(Some(descriptor));
                    if known.is_some_and(|k| k != descriptor) {
                        *known = None;
                    }
                }
                Kind::Reference { targets, .. } if targets.len() > 1 => {
                    self.base_kinds.insert(name, targets);
                }
                _ => {}
            }
            if let Some(members) = field.kind.members() {
                self.learn(members);
            }
        }
    }

    fn fields(
        &mut self,
        schema_name: &str,
        schema: &'a Value,
        base: Option<&'a Fields>,
        depth: usize,
    ) -> Fields {
        let mut fields = Fields::new();
        if depth > DEEPEST {
            self.warnings.insert(format!(
                "{schema_name}: nested too deep, its members are left out"
            ));
            return fields;
        }
        let required: BTreeSet<&str> = required(schema).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if name == "_ext" || name == "link" {
                continue;
            }
            let base = base.and_then(|b| b.get(name));
            if let Some(kind) = self.kind(schema_name, name, property, base, depth) {
                let required = required.contains(name.as_str());
                fields.insert(
                    name.clone(),
                    Field {
                        required,
                        kind,
                        xml: None,
                    },
                );
            }
        }
        fields
    }

    fn kind(
        &mut self,
        owner: &str,
        name: &str,
        property: &'a Value,
        base: Option<&'a Field>,
        depth: usize,
    ) -> Option<Kind> {
        let members = base.and_then(|b| b.kind.members());
        let (schema_name, schema) = self.spec.resolve(property);
        match type_of(schema) {
            "string" => Some(self.text(owner, name, schema, base)),
            "integer" if format_of(schema) == "int64" => Some(Kind::Int64),
            "integer" => Some(Kind::Int32),
            "number" => Some(Kind::Number),
            "boolean" => Some(Kind::Boolean),
            "array" => {
                let (item_name, items) = self.spec.resolve(schema.get("items")?);
                if type_of(items) != "object" {
                    let place = place(owner, name);
                    self.warnings.insert(format!(
                        "{place}: a list of plain values is not supported, left out"
                    ));
                    return None;
                }
                let fields = self.fields(item_name, items, members, depth + 1);
                Some(Kind::Array { fields })
            }
            "object" => {
                let fields = self.fields(schema_name, schema, members, depth + 1);
                Some(match local_name(schema_name).strip_suffix("Reference") {
                    Some(target) => Kind::Reference {
                        targets: self.targets(schema_name, target),
                        fields,
                    },
                    None => Kind::Object { fields },
                })
            }
            other => {
                let place = place(owner, name);
                self.warnings
                    .insert(format!("{place}: type `{other}` is not known, left out"));
                None
            }
        }
    }

    fn text(&self, owner: &str, name: &str, schema: &Value, base: Option<&Field>) -> Kind {
        match format_of(schema) {
            "date" => return Kind::Date,
            "date-time" => return Kind::DateTime,
            "time" => return Kind::Time,
            _ => {}
        }
        if name.ends_with("Descriptor") {
            let name = self.descriptor(owner, name, base);
            return Kind::Descriptor { name };
        }
        let max = schema.get("maxLength").and_then(Value::as_u64);
        // Servers publish times of day as text without length or format.
        if max.is_none() && name.to_lowercase().ends_with("time") {
            return Kind::Time;
        }
        Kind::String {
            max: max.and_then(|m| u32::try_from(m).ok()),
        }
    }

    /// The descriptor type of a property: by the tables' foreign keys, the base, or its name.
    fn descriptor(&self, schema_name: &str, property: &str, base: Option<&Field>) -> String {
        let owner = local_name(schema_name);
        let table = owner.strip_suffix("Reference").unwrap_or(owner);
        if let Some(found) = self.tables.descriptor(table, property) {
            return found.to_owned();
        }
        if let Some(Kind::Descriptor { name }) = base.map(|b| &b.kind) {
            return name.clone();
        }
        if let Some(Some(found)) = self.base_descriptors.get(property) {
            return (*found).to_owned();
        }
        // An extension may have types of its own that end like a core type
        // (`ObjectiveRatingLevelDescriptor`), so there only the whole name counts.
        let core = schema_name.starts_with("edFi_");
        let whole = capitalised(property);
        by_suffix(property, self.descriptors)
            .filter(|found| core || whole.eq_ignore_ascii_case(found))
            .unwrap_or(whole)
    }

    /// The resources that a reference may point at.
    fn targets(&mut self, schema_name: &str, target: &str) -> Vec<String> {
        let own = schema_name.strip_suffix("Reference").unwrap_or_default();
        if let Some(resource) = self.resource_of.get(own) {
            return vec![(*resource).to_owned()];
        }
        let mut kinds: BTreeSet<String> = self
            .resource_of
            .iter()
            .filter(|(schema, _)| self.tables.is_kind_of(local_name(schema), target))
            .map(|(_, resource)| (*resource).to_owned())
            .collect();
        if kinds.is_empty() {
            kinds.extend(self.base_kinds(target));
            kinds.extend(self.inheritors(own));
        }
        if kinds.is_empty() {
            self.warnings.insert(format!(
                "{schema_name}: no resource of this name, and nothing tells which are of its kind"
            ));
        }
        kinds.into_iter().collect()
    }

    fn base_kinds(&self, target: &str) -> Vec<String> {
        let ending = format!("{target}Reference").to_lowercase();
        let known: BTreeSet<&str> = self.resource_of.values().copied().collect();
        self.base_kinds
            .iter()
            .filter(|(name, _)| name.to_lowercase().ends_with(&ending))
            .flat_map(|(_, kinds)| kinds.iter())
            .filter(|kind| known.contains(kind.as_str()))
            .cloned()
            .collect()
    }

    /// Resources whose body uses schemas that belong to an abstract one: `edFi_school` uses
    /// `edFi_educationOrganizationCategory`, so schools are education organizations.
    fn inheritors(&self, base: &str) -> Vec<String> {
        let inherits = |schema_name: &str| {
            let schema = self.spec.schema(schema_name);
            let properties = schema.and_then(|s| s.get("properties")?.as_object());
            properties.into_iter().flat_map(|p| p.values()).any(|p| {
                let (item, _) = self.spec.resolve(p.get("items").unwrap_or(p));
                let rest = item.strip_prefix(base).unwrap_or_default();
                !item.ends_with("Reference")
                    && !item.starts_with(schema_name)
                    && rest.starts_with(|c: char| c.is_uppercase())
            })
        };
        self.resource_of
            .iter()
            .filter(|(schema, _)| inherits(schema))
            .map(|(_, resource)| (*resource).to_owned())
            .collect()
    }
}

/// The names of required properties, in document order.
pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A schema's type; with several (OpenAPI 3.1) the first that is not `null`.
fn type_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::String(one)) => Some(one.as_str()),
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .find(|t| *t != "null"),
        _ => None,
    };
    match named {
        Some(named) => named,
        None if schema.get("properties").is_some() => "object",
        None => "",
    }
}

fn format_of(schema: &Value) -> &str {
    schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn place(owner: &str, name: &str) -> String {
    format!("{owner}.{name}")
}

/// The known descriptor type that is the longest ending of a property's name, at a capital letter.
fn by_suffix(property: &str, known: &BTreeSet<String>) -> Option<String> {
    let whole = capitalised(property);
    known
        .iter()
        .filter(|k| whole.eq_ignore_ascii_case(k) || whole.ends_with(k.as_str()))
        .max_by_key(|k| k.len())
        .cloned()
}

/// `GradeLevelDescriptor` of `gradeLevelDescriptor`.
pub(super) fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_before_the_descriptor_type_is_dropped() {
        let known: BTreeSet<String> = ["GradeLevelDescriptor", "LevelDescriptor", "TermDescriptor"]
            .map(str::to_owned)
            .into();
        let found = |p| by_suffix(p, &known);
        assert_eq!(
            found("entryGradeLevelDescriptor").as_deref(),
            Some("GradeLevelDescriptor")
        );
        assert_eq!(found("termDescriptor").as_deref(), Some("TermDescriptor"));
        assert_eq!(found("midtermDescriptor"), None);
        assert_eq!(found("sexDescriptor"), None);
    }
}
