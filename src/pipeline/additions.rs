//! What a layer adds to a resource's SQL without a copy of it: `[resources.NAME.columns]` and
//! `[resources.NAME.joins]`.
//!
//! Reads: sections. Writes: problems. Never: SQL (the transform puts it in and checks it).

use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::resources::is_sql_name;
use super::section::{Document, Section};

/// Expressions and joins to be put into a resource's SELECT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// Output columns by path, in the order of the layers, the base's first.
    pub columns: Vec<Addition>,
    /// Joins, put behind those of the SELECT in the order of the layers.
    pub joins: Vec<Addition>,
}

/// One expression or join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// A column's path (`_ext`, `tn`, `homeroom`), or a join's name.
    pub path: Vec<String>,
    /// The SQL; None takes the column out.
    pub sql: Option<String>,
    /// The layer, for messages.
    pub file: PathBuf,
    /// Line of the SQL's first line, from 1.
    pub line: usize,
    /// Column before which the SQL begins.
    pub column: usize,
}

impl Additions {
    /// Nothing added.
    pub const NONE: &'static Self = &Self {
        columns: Vec::new(),
        joins: Vec::new(),
    };

    /// Whether the SQL is used as it is.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.joins.is_empty()
    }
}

/// Reads both tables of a stanza.
pub(super) fn read(stanza: &mut Section<'_>) -> Additions {
    let mut additions = Additions::default();
    let document = stanza.document;
    if let Some(section) = stanza.section("columns") {
        for (name, span, value) in &section.entries {
            let path = names(document, name, span);
            column(document, path, value, &mut additions.columns);
        }
    }
    if let Some(section) = stanza.section("joins") {
        for (name, span, value) in &section.entries {
            let full = format!("{}.{name}", section.name);
            let path = names(document, name, span);
            if let Some(text) = document.text_of(&full, value) {
                additions
                    .joins
                    .push(addition(document, path, Some(text.value), &text.span));
            }
        }
    }
    additions
}

/// The names of a path; a quoted key may hold several: `"_ext.tn.homeroom"`.
fn names(document: &Document<'_>, key: &str, span: &Range<usize>) -> Vec<String> {
    let names: Vec<String> = key.split('.').map(str::to_owned).collect();
    for name in names.iter().filter(|name| !is_sql_name(name)) {
        let what = format!("`{name}` is no column name: letters, digits and `_`, no digit first");
        document.wrong(span, what);
    }
    names
}

fn column(
    document: &Document<'_>,
    path: Vec<String>,
    value: &Spanned<DeValue<'_>>,
    columns: &mut Vec<Addition>,
) {
    match value.get_ref() {
        DeValue::Table(table) => nested(document, &path, table, columns),
        DeValue::Boolean(false) => columns.push(addition(document, path, None, &value.span())),
        _ => {
            let full = path.join(".");
            if !value.get_ref().is_str() {
                let what = format!(
                    "the column `{full}` must be a text with a SQL expression, or false to leave \
                     it out"
                );
                document.wrong(&value.span(), what);
            } else if let Some(text) = document.text_of(&full, value) {
                columns.push(addition(document, path, Some(text.value), &text.span));
            }
        }
    }
}

fn nested(
    document: &Document<'_>,
    path: &[String],
    table: &DeTable<'_>,
    columns: &mut Vec<Addition>,
) {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| document.rank(&key.span()));
    for (key, value) in entries {
        let mut path = path.to_vec();
        path.extend(names(document, key.get_ref(), &key.span()));
        column(document, path, value, columns);
    }
}

fn addition(
    document: &Document<'_>,
    path: Vec<String>,
    sql: Option<String>,
    span: &Range<usize>,
) -> Addition {
    let layer = document.layer(span);
    let (line, column) = layer.map_or((1, 1), |layer| layer.place(span.start));
    Addition {
        path,
        sql,
        file: layer.map_or_else(|| document.path.to_owned(), |layer| layer.shown.clone()),
        line,
        column,
    }
}
