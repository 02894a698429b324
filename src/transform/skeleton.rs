//! The beginning of a resource's SQL, from the data standard's metadata.
//!
//! Reads: metadata. Writes: nothing. Never: guesses where a value comes from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::metadata::{Field, Kind, ResourceMeta};

/// SQL that yields every required field, as NULL, and no row; optional fields are comments.
pub fn skeleton(name: &str, meta: &ResourceMeta) -> String {
    let keys: Vec<&str> = meta.key.iter().map(|part| part.path.as_str()).collect();
    let mut text = format!(
        "-- One row per ... (say what a row of {name} is).\n\
         -- Reads: ... (SIS tables, views, crosswalks).\n\
         -- Rules: ...\n\
         -- Natural key: {}.\n\
         SELECT\n",
        keys.join(", ")
    );
    let is_key = |path: &str| {
        let below = |key: &&str| key.strip_prefix(path).is_some_and(|k| k.starts_with('.'));
        keys.iter().any(|key| *key == path || below(key))
    };
    let (required, optional): (Vec<_>, Vec<_>) = meta
        .fields
        .iter()
        .partition(|(name, field)| field.required || is_key(name));
    for (name, field) in required {
        let _ = writeln!(text, "    -- {name}: {}", told(field, is_key(name)));
        let _ = writeln!(text, "    {} AS {name},", value(field, 4));
    }
    text.push_str(
        "    -- The SIS row that an object comes from; its key is unique among all rows here.\n    \
         'Table' AS _source_table,\n    \
         CAST(NULL AS VARCHAR) AS _source_key,\n    \
         -- SIS ids that filters use: leave out those that make no sense.\n    \
         CAST(NULL AS BIGINT) AS _school_id\n\
         -- In the place of the next line: FROM Table t JOIN ...\n\
         WHERE false\n",
    );
    if !optional.is_empty() {
        text.push_str("-- Optional fields:\n");
        for (name, field) in optional {
            let _ = writeln!(text, "--   {name}: {}", told(field, false));
        }
    }
    text
}

/// A field in words.
fn told(field: &Field, key: bool) -> String {
    let mut words = match &field.kind {
        Kind::String { max: Some(max) } => format!("text, at most {max} characters"),
        Kind::String { max: None } => "text".to_owned(),
        Kind::Descriptor { name } => format!("{name}, a URI from a crosswalk"),
        Kind::Code { name } => format!("{name}, a code of that list"),
        Kind::RefId => "a RefId: 32 hexadecimal digits".to_owned(),
        Kind::Int32 | Kind::Int64 => "whole number".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time => "time, HH:MM:SS".to_owned(),
        Kind::DateTime => "date and time".to_owned(),
        Kind::Object { fields } => format!("object of {}", names(fields)),
        Kind::Array { fields } => format!("list of objects of {}", names(fields)),
        Kind::Reference { targets, .. } => format!("reference to {}", targets.join(" or ")),
    };
    if key {
        words.push_str("; part of the natural key");
    } else if field.required {
        words.push_str("; required");
    }
    words
}

fn names(fields: &BTreeMap<String, Field>) -> String {
    let mark = |(name, field): (&String, &Field)| match field.required {
        true => name.clone(),
        false => format!("{name}?"),
    };
    fields.iter().map(mark).collect::<Vec<_>>().join(", ")
}

/// NULL of the field's type, with its required members.
fn value(field: &Field, indent: usize) -> String {
    let null = |sql: &str| format!("CAST(NULL AS {sql})");
    match &field.kind {
        Kind::String { .. }
        | Kind::Descriptor { .. }
        | Kind::Code { .. }
        | Kind::RefId
        | Kind::Time
        | Kind::DateTime => null("VARCHAR"),
        Kind::Int32 | Kind::Int64 => null("BIGINT"),
        Kind::Number => null("DOUBLE"),
        Kind::Boolean => null("BOOLEAN"),
        Kind::Date => null("DATE"),
        Kind::Object { fields } => members(fields, false, indent),
        // All members of a reference are its key.
        Kind::Reference { fields, .. } => members(fields, true, indent),
        Kind::Array { fields } => format!("make_array({})", members(fields, false, indent)),
    }
}

fn members(fields: &BTreeMap<String, Field>, all: bool, indent: usize) -> String {
    let wanted: Vec<_> = fields
        .iter()
        .filter(|(_, field)| all || field.required)
        .collect();
    // An object without required members: its first one, so that there is something to change.
    let wanted = match wanted.is_empty() {
        true => fields.iter().take(1).collect(),
        false => wanted,
    };
    let pad = " ".repeat(indent + 4);
    let lines: Vec<String> = wanted
        .iter()
        .map(|(name, field)| format!("{pad}'{name}', {}", value(field, indent + 4)))
        .collect();
    format!(
        "named_struct(\n{}\n{})",
        lines.join(",\n"),
        " ".repeat(indent)
    )
}
