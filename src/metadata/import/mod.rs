//! A standard out of the public documents of a target: OpenAPI, dependencies, descriptors, tables.
//!
//! Reads: parsed documents, and through `from_files` their files. Writes: nothing. Never: HTTP.

mod ddl;
mod descriptors;
mod edges;
mod files;
mod graph;
mod keys;
mod openapi;
mod shape;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use self::ddl::Tables;
use self::keys::Sources;
use self::openapi::{Spec, SpecResource, is_true, local_name};
use self::shape::{Shaper, required};
use super::{MetadataError, ResourceMeta, Standard};

pub use self::descriptors::Descriptors;
pub use self::files::{ImportFiles, from_files};

/// The documents of one target or one published standard.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    /// The standard's name; empty: the base's, or the OpenAPI document's title and version.
    pub name: &'a str,
    /// Origin and licence of the documents; empty: the base's.
    pub notice: &'a str,
    /// OpenAPI 3 or Swagger 2 document of the resources.
    pub openapi: &'a Value,
    /// Dependency document: GraphML, or the JSON list of levels.
    pub dependencies: Option<&'a str>,
    /// Descriptor values. For a type that is listed here they replace the base's.
    pub descriptors: Option<&'a Descriptors>,
    /// SQL texts: `CREATE TABLE` and foreign keys.
    pub ddl: &'a [String],
}

/// What the documents gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The standard.
    pub standard: Standard,
    /// What the documents left open or contradicted, for people, sorted.
    pub warnings: Vec<String>,
}

/// Derives a standard. What the documents do not tell (keys, descriptor types and values, order)
/// is taken from `base`, and what neither tells is derived as well as can be, with a warning.
///
/// # Errors
/// [`MetadataError`] when a document is not what it is given as.
pub fn import(
    documents: &Documents<'_>,
    base: Option<&Standard>,
) -> Result<Imported, MetadataError> {
    let spec = Spec::of(documents.openapi)?;
    let found = spec.resources();
    if found.is_empty() {
        let problem = "describes no resource that can be written (no POST with a body)";
        return Err(MetadataError::shape("OpenAPI document", problem));
    }
    let tables = Tables::parse(documents.ddl);
    let mut warnings = BTreeSet::new();
    if !documents.ddl.is_empty() && tables.is_empty() {
        warnings.insert("the SQL texts hold no table with a primary key".to_owned());
    }
    let values = descriptor_values(documents, &tables, base);
    let types: BTreeSet<String> = values.0.keys().cloned().collect();
    let resource_of: HashMap<&str, &str> = found
        .iter()
        .map(|r| (r.schema_name, r.name.as_str()))
        .collect();
    let mut shaper = Shaper::new(&spec, resource_of, &tables, &types, base);
    let mut resources = BTreeMap::new();
    for one in &found {
        let was = base.and_then(|b| b.resource(&one.name));
        let fields = shaper.body(one.schema_name, one.schema, was.map(|w| &w.fields));
        let sources = sources(&spec, &tables, one, was);
        let key = keys::natural_key(&fields, &sources, &mut |warning| {
            warnings.insert(format!("{}: {warning}", one.name));
        });
        let resource = ResourceMeta {
            left_out: Vec::new(),
            path: one.path.to_owned(),
            key,
            key_updatable: one.key_updatable,
            fields,
        };
        resources.insert(one.name.clone(), resource);
    }
    warnings.append(&mut shaper.warnings);
    let order = edges::order(documents.dependencies, &resources, base, &mut warnings)?;
    let named = |given: &str, base: Option<&String>, other: String| match given {
        "" => base.cloned().unwrap_or(other),
        given => given.to_owned(),
    };
    let standard = Standard {
        name: named(documents.name, base.map(|b| &b.name), spec.title()),
        notice: named(documents.notice, base.map(|b| &b.notice), String::new()),
        resources,
        descriptors: values.0,
        edges: order.edges.into_iter().collect(),
        retries: order.retries,
    };
    Ok(Imported {
        standard,
        warnings: warnings.into_iter().collect(),
    })
}

/// The base, corrected by the documents of the target itself: its fields, lengths and edges win;
/// keys stay where the documents do not tell.
///
/// # Errors
/// As [`import`].
pub fn refresh(
    base: &Standard,
    openapi: &Value,
    dependencies: Option<&str>,
    descriptors: Option<&Descriptors>,
) -> Result<Imported, MetadataError> {
    let documents = Documents {
        name: "",
        notice: "",
        openapi,
        dependencies,
        descriptors,
        ddl: &[],
    };
    import(&documents, Some(base))
}

/// The documents' values over the base's, by type; types that only the tables name have none.
fn descriptor_values(
    documents: &Documents<'_>,
    tables: &Tables,
    base: Option<&Standard>,
) -> Descriptors {
    let mut values = Descriptors(base.map(|b| b.descriptors.clone()).unwrap_or_default());
    for (descriptor, namespaces) in documents.descriptors.iter().flat_map(|d| &d.0) {
        values.0.insert(descriptor.clone(), namespaces.clone());
    }
    for descriptor in tables.descriptor_types() {
        values.add_type(descriptor);
    }
    values
}

fn sources<'a>(
    spec: &Spec<'a>,
    tables: &Tables,
    one: &SpecResource<'a>,
    base: Option<&'a ResourceMeta>,
) -> Sources<'a> {
    let reference = spec.schema(&format!("{}Reference", one.schema_name));
    let table = tables.key(local_name(one.schema_name)).unwrap_or_default();
    let properties = one.schema.get("properties").and_then(Value::as_object);
    let marked = properties
        .into_iter()
        .flatten()
        .filter(|(_, p)| is_true(p, "x-Ed-Fi-isIdentity"))
        .map(|(name, _)| name.as_str());
    Sources {
        reference: reference.into_iter().flat_map(required).collect(),
        table: table.iter().map(|c| keys::column_part(c)).collect(),
        query: one.identity.clone(),
        marked: marked.collect(),
        required: required(one.schema).collect(),
        base,
    }
}

#[cfg(test)]
mod tests;
