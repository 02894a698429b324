//! Compares what a resource's SQL yields with what the resource has.
//!
//! Reads: a schema, metadata. Writes: nothing. Never: looks at rows.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Fields, Schema};

use crate::metadata::{Field, ResourceMeta};
use crate::object::is_body_column;

use super::error::{Problem, did_you_mean};
use super::rules::members;
use super::scope::{IDS, MORE, SOURCE, VERDICTS};
use super::sql::Statement;
use super::types::{spoken, stored_type, wanted};

/// One resource's SQL, planned.
pub(super) struct Yields<'a> {
    pub(super) resource: &'a str,
    pub(super) statement: &'a Statement,
    pub(super) schema: &'a Schema,
    pub(super) rules: &'a ResourceMeta,
}

/// Everything that does not fit.
pub(super) fn check(yields: &Yields<'_>) -> Vec<Problem> {
    let mut found = Found {
        yields,
        problems: Vec::new(),
    };
    found.scope();
    let body = yields.schema.fields().iter();
    let body: Fields = body
        .filter(|f| is_body_column(f.name()) && f.name() != "_ext")
        .cloned()
        .collect();
    found.members(&body, &yields.rules.fields, &mut Vec::new());
    found.key();
    found.problems
}

struct Found<'a> {
    yields: &'a Yields<'a>,
    problems: Vec<Problem>,
}

impl<'a> Found<'a> {
    fn add(&mut self, path: &[&str], message: String, suggestion: Option<String>) {
        let statement = self.yields.statement;
        let problem = Problem::new(&statement.file, message)
            .at(statement.places.output(path))
            .suggest(suggestion);
        self.problems.push(statement.located(problem));
    }

    fn scope(&mut self) {
        let schema = self.yields.schema;
        for name in SOURCE {
            if schema.column_with_name(name).is_none() {
                let hint = match name {
                    "_source_table" => "add the SIS table: 'Enrollment' AS _source_table",
                    _ => "add the row's SIS key: e.enrollmentID AS _source_key",
                };
                let message = format!("scope column `{name}` is missing");
                self.add(&[], message, Some(hint.to_owned()));
            }
        }
        for field in schema.fields() {
            let name = field.name().as_str();
            let kind = field.data_type();
            if is_body_column(name) {
                continue;
            }
            let is_text = matches!(stored_type(kind, None), Some(DataType::Utf8));
            let is_integer = kind.is_integer() || kind == &DataType::Null;
            let fits = match name {
                _ if IDS.contains(&name) => (is_integer, "an integer"),
                _ if MORE.contains(&name) => (
                    is_integer || is_integer_list(kind),
                    "an integer or a list of integers",
                ),
                _ if VERDICTS.contains(&name) => (is_text, "text"),
                "_source_table" => (is_text, "text"),
                "_source_key" => (is_text || is_integer, "text or an integer"),
                _ => {
                    let known = SOURCE
                        .iter()
                        .chain(&IDS)
                        .chain(&MORE)
                        .chain(&VERDICTS)
                        .copied();
                    let suggestion = did_you_mean(name, known);
                    self.add(
                        &[name],
                        format!("no scope column is called `{name}`"),
                        suggestion,
                    );
                    continue;
                }
            };
            if let (false, wanted) = fits {
                let message = format!("`{name}` is {}, not {wanted}", spoken(kind));
                self.add(&[name], message, None);
            }
        }
    }

    /// The members of the body, or of an object inside of it at `path`.
    fn members(
        &mut self,
        columns: &'a Fields,
        fields: &BTreeMap<String, Field>,
        path: &mut Vec<&'a str>,
    ) {
        for column in columns {
            path.push(column.name());
            match fields.get(column.name()) {
                None => {
                    let message = match path.as_slice() {
                        [name] => format!("{} has no field `{name}`", self.yields.resource),
                        _ => format!("{} has no field `{}`", self.yields.resource, path.join(".")),
                    };
                    let suggestion = did_you_mean(column.name(), fields.keys().map(String::as_str));
                    self.add(path, message, suggestion);
                }
                Some(field) => self.value(column.data_type(), field, path),
            }
            path.pop();
        }
        for (name, _) in fields.iter().filter(|(_, f)| f.required) {
            if columns.find(name).is_none() {
                let full = match path.is_empty() {
                    true => name.clone(),
                    false => format!("{}.{name}", path.join(".")),
                };
                let message = format!("required field `{full}` is never produced");
                self.add(path, message, None);
            }
        }
    }

    fn value(&mut self, kind: &'a DataType, field: &Field, path: &mut Vec<&'a str>) {
        use crate::metadata::Kind::{Array, Object, Reference};
        let nested = match (&field.kind, kind) {
            (_, DataType::Null) => return,
            (Object { .. } | Reference { .. }, DataType::Struct(columns)) => Some(columns),
            (
                Array { .. },
                DataType::List(element)
                | DataType::LargeList(element)
                | DataType::FixedSizeList(element, _),
            ) => match element.data_type() {
                DataType::Struct(columns) => Some(columns),
                DataType::Null => return,
                _ => None,
            },
            _ => None,
        };
        match (nested, members(&field.kind)) {
            (Some(columns), Some(fields)) => self.members(columns, fields, path),
            (None, None) if stored_type(kind, Some(&field.kind)).is_some() => {}
            _ => {
                let (name, cast) = wanted(&field.kind);
                let message = format!("`{}` is {}, not {name}", path.join("."), spoken(kind));
                self.add(path, message, Some(format!("write {cast}")));
            }
        }
    }

    fn key(&mut self) {
        let rules = self.yields.rules;
        if rules.key.is_empty() {
            let message = format!("the natural key of {} is not known", self.yields.resource);
            let hint = "name its parts by `key` in the resource's stanza";
            self.add(&[], message, Some(hint.to_owned()));
        }
        for part in &rules.key {
            if produced(self.yields.schema.fields(), &part.path) {
                continue;
            }
            let names: Vec<&str> = part.path.split('.').collect();
            // A missing required field above it says the same.
            let said = (1..=names.len()).any(|n| {
                let above = format!("`{}`", names.get(..n).unwrap_or_default().join("."));
                self.problems.iter().any(|p| p.message.contains(&above))
            });
            if !said {
                let message = format!("part of the natural key `{}` is never produced", part.path);
                self.add(names.get(..1).unwrap_or_default(), message, None);
            }
        }
    }
}

fn is_integer_list(kind: &DataType) -> bool {
    match kind {
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _) => {
            element.data_type().is_integer() || element.data_type() == &DataType::Null
        }
        _ => false,
    }
}

fn produced(columns: &Fields, path: &str) -> bool {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    match (columns.find(first), rest) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some((_, field)), Some(rest)) => match field.data_type() {
            DataType::Struct(columns) => produced(columns, rest),
            _ => false,
        },
    }
}
