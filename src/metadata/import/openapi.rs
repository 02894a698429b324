//! The resources of an OpenAPI 3 or Swagger 2 document: paths, body schemas, keys as queries.
//!
//! Reads: a parsed document. Writes: nothing. Never: what a field means (that is `shape`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::metadata::MetadataError;

/// A document whose paths and schemas have been found.
#[derive(Debug)]
pub(super) struct Spec<'a> {
    document: &'a Value,
    paths: &'a Map<String, Value>,
    schemas: &'a Map<String, Value>,
}

/// One resource as the document describes it.
#[derive(Debug)]
pub(super) struct SpecResource<'a> {
    /// Name in the metadata: the last segment of the path, or the whole path without its first
    /// slash where another resource has that name already.
    pub(super) name: String,
    /// Path below the data URL.
    pub(super) path: &'a str,
    /// Name of the body's schema (`edFi_student`), empty when it stands in place.
    pub(super) schema_name: &'a str,
    /// The body's schema.
    pub(super) schema: &'a Value,
    /// Query parameters that are marked as parts of the natural key.
    pub(super) identity: Vec<&'a str>,
    /// Whether a PUT may change the natural key.
    pub(super) key_updatable: bool,
}

impl<'a> Spec<'a> {
    /// Finds paths and schemas.
    ///
    /// # Errors
    /// [`MetadataError::Shape`] when there are none.
    pub(super) fn of(document: &'a Value) -> Result<Self, MetadataError> {
        let schemas = document
            .pointer("/components/schemas")
            .or_else(|| document.get("definitions"))
            .and_then(Value::as_object);
        let paths = document.get("paths").and_then(Value::as_object);
        match (paths, schemas) {
            (Some(paths), Some(schemas)) => Ok(Self {
                document,
                paths,
                schemas,
            }),
            _ => Err(MetadataError::shape(
                "OpenAPI document",
                "has no `paths` or no `components.schemas` (Swagger 2: `definitions`); give the \
                 resources document, not the list of documents",
            )),
        }
    }

    /// Title and version, as a name for the standard.
    pub(super) fn title(&self) -> String {
        let text = |p: &str| {
            self.document
                .pointer(p)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        format!("{} {}", text("/info/title"), text("/info/version"))
            .trim()
            .to_owned()
    }

    /// A schema by its name.
    pub(super) fn schema(&self, name: &str) -> Option<&'a Value> {
        self.schemas.get(name)
    }

    /// Follows `$ref` (also as the only member of `allOf`): the schema and the name it has.
    pub(super) fn resolve(&self, schema: &'a Value) -> (&'a str, &'a Value) {
        let mut schema = schema;
        let mut name = "";
        // Documents nest a handful deep; the bound only ends a circle.
        for _ in 0..16 {
            let single = schema
                .get("allOf")
                .and_then(Value::as_array)
                .filter(|all| all.len() == 1)
                .and_then(|all| all.first());
            if let Some(inner) = single {
                schema = inner;
            } else if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
                name = target.rsplit('/').next().unwrap_or_default();
                match self.schemas.get(name) {
                    Some(found) => schema = found,
                    None => return (name, &Value::Null),
                }
            } else {
                break;
            }
        }
        (name, schema)
    }

    /// All resources that can be written, in path order. Descriptors, deletes and key changes are
    /// left out.
    pub(super) fn resources(&self) -> Vec<SpecResource<'a>> {
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        let written = self.paths.iter().filter_map(|(path, item)| {
            let post = item.get("post")?;
            (!path.contains('{') && !path.ends_with("Descriptors")).then_some((path, item, post))
        });
        let mut written: Vec<_> = written.collect();
        // Core resources take the short names.
        written.sort_by_key(|(path, ..)| (!path.starts_with("/ed-fi/"), path.as_str()));
        let mut found = Vec::with_capacity(written.len());
        for (path, item, post) in written {
            let Some(body) = self.body(post) else {
                continue;
            };
            let last = path.rsplit('/').next().unwrap_or_default();
            let name = match taken.insert(last, path) {
                None => last.to_owned(),
                Some(_) => path.trim_start_matches('/').to_owned(),
            };
            let (schema_name, schema) = self.resolve(body);
            found.push(SpecResource {
                name,
                path,
                schema_name,
                schema,
                identity: self.identity(item),
                key_updatable: self.key_updatable(path),
            });
        }
        found
    }

    /// The schema of a POST's body: OpenAPI 3 `requestBody`, Swagger 2 `in: body`.
    fn body(&self, post: &'a Value) -> Option<&'a Value> {
        if let Some(body) = post.get("requestBody") {
            let body = self.local(body);
            let content = body.get("content")?.as_object()?;
            return content.values().find_map(|c| c.get("schema"));
        }
        let parameters = post.get("parameters")?.as_array()?;
        parameters
            .iter()
            .map(|p| self.local(p))
            .find(|p| p.get("in").and_then(Value::as_str) == Some("body"))?
            .get("schema")
    }

    /// Follows a `$ref` to anything in the document, once.
    fn local(&self, value: &'a Value) -> &'a Value {
        value
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|r| r.strip_prefix('#'))
            .and_then(|pointer| self.document.pointer(pointer))
            .unwrap_or(value)
    }

    fn identity(&self, item: &'a Value) -> Vec<&'a str> {
        let parameters = item.pointer("/get/parameters").and_then(Value::as_array);
        parameters
            .into_iter()
            .flatten()
            .map(|p| self.local(p))
            .filter(|p| is_true(p, "x-Ed-Fi-isIdentity"))
            .filter_map(|p| p.get("name").and_then(Value::as_str))
            .collect()
    }

    fn key_updatable(&self, path: &str) -> bool {
        self.paths
            .get(&format!("{path}/{{id}}"))
            .and_then(|item| item.get("put"))
            .is_some_and(|put| is_true(put, "x-Ed-Fi-isUpdatable"))
    }
}

/// Whether an object's member is `true`.
pub(super) fn is_true(value: &Value, member: &str) -> bool {
    value.get(member).and_then(Value::as_bool) == Some(true)
}

/// `school` of `edFi_school`, `edFi_schoolReference` of itself: the part after the extension's name.
pub(super) fn local_name(schema_name: &str) -> &str {
    schema_name
        .split_once('_')
        .map_or(schema_name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn swagger_2_bodies_and_keys_are_found() {
        let document = json!({
            "swagger": "2.0",
            "info": {"title": "T", "version": "3"},
            "paths": {
                "/ed-fi/schools": {
                    "get": {"parameters": [
                        {"$ref": "#/parameters/limit"},
                        {"name": "schoolId", "in": "query", "x-Ed-Fi-isIdentity": true}]},
                    "post": {"parameters": [
                        {"name": "school", "in": "body", "schema": {"$ref": "#/definitions/edFi_school"}}]}
                },
                "/ed-fi/schools/{id}": {"put": {"x-Ed-Fi-isUpdatable": true}},
                "/ed-fi/schools/deletes": {"get": {}},
                "/ed-fi/termDescriptors": {"post": {"parameters": []}},
                "/ext/schools": {"post": {"parameters": [
                    {"in": "body", "schema": {"$ref": "#/definitions/ext_school"}}]}}
            },
            "parameters": {"limit": {"name": "limit", "in": "query"}},
            "definitions": {"edFi_school": {"properties": {}}, "ext_school": {"properties": {}}}
        });
        let spec = Spec::of(&document).unwrap();
        let resources = spec.resources();
        let names: Vec<_> = resources.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["schools", "ext/schools"]);
        let schools = resources.first().unwrap();
        assert_eq!(schools.schema_name, "edFi_school");
        assert_eq!(schools.identity, ["schoolId"]);
        assert!(schools.key_updatable);
        assert_eq!(spec.title(), "T 3");
        assert!(Spec::of(&json!([])).is_err());
    }
}
