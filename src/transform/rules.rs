//! The metadata of a resource as a pipeline's stanza changes it: its own key, further required
//! fields.
//!
//! Reads: the standard's metadata, the stanza. Writes: nothing. Never: I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::metadata::{Field, KeyPart, Kind, ResourceMeta};
use crate::pipeline::Additions;

use super::error::{Problem, did_you_mean};

/// One resource to transform.
#[derive(Clone, Debug)]
pub struct ResourceSpec<'a> {
    /// Its name (`students`).
    pub name: &'a str,
    /// Its SQL file.
    pub sql: PathBuf,
    /// What layers put into the SQL.
    pub additions: &'a Additions,
    /// What the standard says of it.
    pub meta: &'a ResourceMeta,
    /// Further required fields (dotted paths).
    pub required: &'a [String],
    /// Natural key parts in place of the standard's (`name` or `name=path.in.body`).
    pub key: Option<&'a [String]>,
}

/// The metadata that holds for a resource of a pipeline.
///
/// # Errors
/// The stanza names fields that the resource does not have.
pub fn effective_meta(spec: &ResourceSpec<'_>) -> Result<ResourceMeta, Vec<Problem>> {
    let mut meta = spec.meta.clone();
    let mut problems = Vec::new();
    if let Some(parts) = spec.key {
        meta.key.clear();
        for part in parts {
            match key_part(spec.meta, part) {
                Some(part) => meta.key.push(part),
                None => problems.push(unknown(spec, "key part", part)),
            }
        }
        meta.key.sort();
    }
    for path in spec.required {
        let names: Vec<&str> = path.split('.').collect();
        if !require(&mut meta.fields, &names) {
            problems.push(unknown(spec, "required field", path));
        }
    }
    match problems.is_empty() {
        true => Ok(meta),
        false => Err(problems),
    }
}

fn unknown(spec: &ResourceSpec<'_>, what: &str, name: &str) -> Problem {
    let paths = paths(&spec.meta.fields);
    let written = name.rsplit('=').next().unwrap_or(name);
    let message = format!(
        "resource `{}` has no field for the {what} `{name}`",
        spec.name
    );
    Problem::new(&spec.sql, message)
        .suggest(did_you_mean(written, paths.iter().map(String::as_str)))
}

/// `name=path`, `path.to.name`, or a name: that of a part of the standard's key, of a field, or
/// of a reference's member.
fn key_part(meta: &ResourceMeta, text: &str) -> Option<KeyPart> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) => (name, path.to_owned()),
        None if text.contains('.') => (text.rsplit('.').next()?, text.to_owned()),
        None => (text, path_of(meta, text)?),
    };
    let known = paths(&meta.fields).contains(&path);
    known.then(|| KeyPart {
        name: name.to_owned(),
        path,
    })
}

fn path_of(meta: &ResourceMeta, name: &str) -> Option<String> {
    if let Some(part) = meta.key.iter().find(|p| p.name == name) {
        return Some(part.path.clone());
    }
    if meta.fields.contains_key(name) {
        return Some(name.to_owned());
    }
    meta.fields.iter().find_map(|(field, f)| match &f.kind {
        Kind::Reference { fields, .. } => {
            fields.contains_key(name).then(|| format!("{field}.{name}"))
        }
        _ => None,
    })
}

/// All dotted paths of fields that are not inside a list.
fn paths(fields: &BTreeMap<String, Field>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, field) in fields {
        found.push(name.clone());
        if let Kind::Object { fields } | Kind::Reference { fields, .. } = &field.kind {
            found.extend(paths(fields).iter().map(|p| format!("{name}.{p}")));
        }
    }
    found
}

fn require(fields: &mut BTreeMap<String, Field>, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let Some(field) = fields.get_mut(*first) else {
        return false;
    };
    field.required = true;
    match &mut field.kind {
        _ if rest.is_empty() => true,
        Kind::Object { fields } | Kind::Array { fields } | Kind::Reference { fields, .. } => {
            require(fields, rest)
        }
        _ => false,
    }
}

/// The members of a nested kind.
pub(super) fn members(kind: &Kind) -> Option<&BTreeMap<String, Field>> {
    match kind {
        Kind::Object { fields } | Kind::Array { fields } | Kind::Reference { fields, .. } => {
            Some(fields)
        }
        _ => None,
    }
}
