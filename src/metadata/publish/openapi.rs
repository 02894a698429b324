//! The OpenAPI 3 document of a standard: paths, body schemas, reference schemas.
//!
//! Reads: a standard. Writes: nothing. Never: HTTP.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::metadata::standard::DESCRIPTOR_MAX;
use crate::metadata::{Field, KeyPart, Kind, ResourceMeta, Standard};

type Fields = BTreeMap<String, Field>;

/// The OpenAPI 3 document of all resources: schemas `edFi_x` and `edFi_xReference`, lengths,
/// required members, `x-Ed-Fi-isIdentity`, and the GET, POST, PUT and DELETE of each path.
/// `base_url`: the data URL.
pub fn openapi(standard: &Standard, base_url: &str) -> Value {
    let mut schemas = Schemas::new(standard);
    let mut paths = Map::new();
    for (name, resource) in &standard.resources {
        let schema = schemas.body(name, resource);
        let by_id = format!("{}/{{id}}", resource.path);
        paths.insert(resource.path.clone(), collection(name, resource, &schema));
        paths.insert(by_id, item(name, resource, &schema));
    }
    json!({
        "openapi": "3.0.1",
        "info": {"title": "Ed-Fi Operational Data Store API", "version": "3",
                 "description": standard.name},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": schemas.found},
    })
}

/// The schemas written so far, and the names of those that references share.
struct Schemas<'a> {
    standard: &'a Standard,
    /// Targets of references to several kinds -> the shortest reference name that is used.
    kinds: BTreeMap<&'a [String], &'a str>,
    found: Map<String, Value>,
}

impl<'a> Schemas<'a> {
    fn new(standard: &'a Standard) -> Self {
        let mut schemas = Self {
            standard,
            kinds: BTreeMap::new(),
            found: Map::new(),
        };
        for resource in standard.resources.values() {
            schemas.name_kinds(&resource.fields);
        }
        let link = json!({"type": "object", "properties": {
            "rel": {"type": "string"}, "href": {"type": "string"}}});
        schemas.found.insert("link".to_owned(), link);
        schemas
    }

    fn name_kinds(&mut self, fields: &'a Fields) {
        for (name, field) in fields {
            if let Kind::Reference { targets, .. } = &field.kind
                && targets.len() != 1
            {
                let shortest = self.kinds.entry(targets).or_insert(name);
                if (name.len(), name.as_str()) < (shortest.len(), *shortest) {
                    *shortest = name;
                }
            }
            if let Some(members) = field.kind.members() {
                self.name_kinds(members);
            }
        }
    }

    /// Writes a resource's body schema and all that it uses; its name.
    fn body(&mut self, name: &str, resource: &'a ResourceMeta) -> String {
        let schema_name = schema_name(name, resource);
        let mut schema = self.object(&schema_name, &resource.fields, Some(&resource.key));
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("id".to_owned(), json!({"type": "string"}));
            properties.insert("_etag".to_owned(), json!({"type": "string"}));
            let modified = json!({"type": "string", "format": "date-time"});
            properties.insert("_lastModifiedDate".to_owned(), modified);
        }
        self.found.insert(schema_name.clone(), schema);
        schema_name
    }

    /// An object schema. `key`: the natural key whose own parts are marked, `None` inside.
    fn object(&mut self, owner: &str, fields: &'a Fields, key: Option<&[KeyPart]>) -> Value {
        let mut properties = Map::new();
        for (name, field) in fields {
            let mut property = self.property(owner, name, field);
            let identity = key.is_some_and(|key| key.iter().any(|p| p.path == *name));
            if let Some(property) = property.as_object_mut().filter(|p| !p.contains_key("$ref")) {
                if identity {
                    property.insert("x-Ed-Fi-isIdentity".to_owned(), Value::Bool(true));
                } else if !field.required && !property.contains_key("items") {
                    property.insert("x-nullable".to_owned(), Value::Bool(true));
                }
            }
            properties.insert(name.clone(), property);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        let required = required(fields, key.unwrap_or_default());
        if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
            schema.insert("required".to_owned(), json!(required));
        }
        schema
    }

    fn property(&mut self, owner: &str, name: &str, field: &'a Field) -> Value {
        match &field.kind {
            Kind::Object { fields } => self.nested(&format!("{owner}{}", capital(name)), fields),
            Kind::Array { fields } => {
                let element = format!("{owner}{}", capital(&singular(name)));
                json!({"type": "array", "items": self.nested(&element, fields)})
            }
            Kind::Reference { targets, fields } => self.reference(name, targets, fields),
            scalar => text_or_number(name, scalar),
        }
    }

    fn nested(&mut self, schema_name: &str, fields: &'a Fields) -> Value {
        let schema = self.object(schema_name, fields, None);
        self.found.insert(schema_name.to_owned(), schema);
        link_to(schema_name)
    }

    fn reference(&mut self, name: &str, targets: &[String], fields: &'a Fields) -> Value {
        let one = match targets {
            [only] => self.standard.resource(only).map(|r| schema_name(only, r)),
            _ => None,
        };
        let schema_name = match one {
            Some(schema) => format!("{schema}Reference"),
            None => format!("edFi_{}", self.kinds.get(targets).copied().unwrap_or(name)),
        };
        if !self.found.contains_key(&schema_name) {
            let mut schema = self.object(&schema_name, fields, None);
            if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                for property in properties.values_mut().filter_map(Value::as_object_mut) {
                    property.insert("x-Ed-Fi-isIdentity".to_owned(), Value::Bool(true));
                }
                properties.insert("link".to_owned(), link_to("link"));
            }
            self.found.insert(schema_name.clone(), schema);
        }
        link_to(&schema_name)
    }
}

/// Required members; references that hold parts of the key come first, in the key's order, because
/// readers take the first required reference that carries a part.
fn required<'a>(fields: &'a Fields, key: &'a [KeyPart]) -> Vec<&'a str> {
    let holds = |name: &str| {
        let prefix = format!("{name}.");
        key.iter()
            .position(|p| p.path == name || p.path.starts_with(&prefix))
    };
    let mut names: Vec<&str> = fields
        .iter()
        .filter(|(_, f)| f.required)
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_by_key(|name| (holds(name).unwrap_or(usize::MAX), *name));
    names
}

fn text_or_number(name: &str, kind: &Kind) -> Value {
    match kind {
        Kind::String { max: Some(max) } => json!({"type": "string", "maxLength": max}),
        Kind::Descriptor { .. } => json!({"type": "string", "maxLength": DESCRIPTOR_MAX}),
        Kind::Code { .. } | Kind::RefId => json!({"type": "string"}),
        Kind::Int32 => json!({"type": "integer", "format": "int32"}),
        Kind::Int64 => json!({"type": "integer", "format": "int64"}),
        Kind::Number => json!({"type": "number", "format": "double"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::DateTime => json!({"type": "string", "format": "date-time"}),
        // Servers publish a time as plain text; readers know it by its name.
        Kind::Time if !name.to_lowercase().ends_with("time") => {
            json!({"type": "string", "format": "time"})
        }
        _ => json!({"type": "string"}),
    }
}

/// `/ed-fi/students`: GET with the key as query, POST.
fn collection(name: &str, resource: &ResourceMeta, schema: &str) -> Value {
    let mut parameters = vec![
        json!({"name": "offset", "in": "query", "schema": {"type": "integer", "format": "int32"}}),
        json!({"name": "limit", "in": "query", "schema": {"type": "integer", "format": "int32"}}),
        json!({"name": "totalCount", "in": "query", "schema": {"type": "boolean"}}),
    ];
    for part in &resource.key {
        let kind = resource.field(&part.path).map(|f| &f.kind);
        let schema = kind.map_or_else(|| json!({}), |k| text_or_number(&part.name, k));
        parameters.push(json!({"name": part.name, "in": "query", "schema": schema,
                               "x-Ed-Fi-isIdentity": true}));
    }
    let list = json!({"type": "array", "items": link_to(schema)});
    json!({
        "get": {"tags": [name], "parameters": parameters,
                "responses": {"200": {"description": "The matching resources.",
                                      "content": {"application/json": {"schema": list}}}}},
        "post": {"tags": [name], "requestBody": body(schema),
                 "responses": {"200": {"description": "Updated"},
                               "201": {"description": "Created"}}},
    })
}

/// `/ed-fi/students/{id}`: GET, PUT, DELETE.
fn item(name: &str, resource: &ResourceMeta, schema: &str) -> Value {
    let id = json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}]);
    let content = json!({"application/json": {"schema": link_to(schema)}});
    let mut put = json!({"tags": [name], "parameters": id, "requestBody": body(schema),
                         "responses": {"204": {"description": "Updated"}}});
    if let (true, Some(put)) = (resource.key_updatable, put.as_object_mut()) {
        put.insert("x-Ed-Fi-isUpdatable".to_owned(), Value::Bool(true));
    }
    json!({
        "get": {"tags": [name], "parameters": id,
                "responses": {"200": {"description": "The resource.", "content": content}}},
        "put": put,
        "delete": {"tags": [name], "parameters": id,
                   "responses": {"204": {"description": "Deleted"}}},
    })
}

fn body(schema: &str) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": link_to(schema)}}})
}

fn link_to(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// `edFi_student` of the resource `students` at `/ed-fi/students`.
fn schema_name(name: &str, resource: &ResourceMeta) -> String {
    let mut segments = resource.path.trim_start_matches('/').split('/');
    let extension = segments.next().unwrap_or_default();
    let mut prefix = String::new();
    for (i, word) in extension.split('-').enumerate() {
        prefix.push_str(&if i == 0 {
            word.to_owned()
        } else {
            capital(word)
        });
    }
    let last = segments.next_back().unwrap_or(name);
    format!("{prefix}_{}", singular(last))
}

/// Servers name a schema by the singular of its resource.
fn singular(plural: &str) -> String {
    if plural == "people" {
        return "person".to_owned();
    }
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let sibilant = ["sses", "xes", "ches", "shes"]
        .iter()
        .any(|e| plural.ends_with(e));
    let ending = if sibilant { "es" } else { "s" };
    plural.strip_suffix(ending).unwrap_or(plural).to_owned()
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_names_are_singular() {
        for (plural, one) in [
            ("localEducationAgencies", "localEducationAgency"),
            ("people", "person"),
            ("addresses", "address"),
            ("staffs", "staff"),
            ("gradingPeriods", "gradingPeriod"),
            ("courses", "course"),
        ] {
            assert_eq!(singular(plural), one);
        }
    }
}
