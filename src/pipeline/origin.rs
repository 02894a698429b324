//! Where each value of a configuration comes from, for `fullsync show --origin`.
//!
//! Reads: the merged layers. Writes: nothing. Never: what the environment put into a text (it may
//! be a secret).

use std::fmt::Write as _;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Pipeline;
use super::layer::Kind;
use super::section::Document;

/// Characters of a line behind which its place follows at once.
const WIDEST: usize = 60;

/// One value of a configuration and its layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Dotted key; elements of lists that layers add to have their number: `views[3]`.
    pub key: String,
    /// The value as TOML, in one line; texts as they are written, `${..}` not filled in.
    pub value: String,
    /// `file:line`, `shipped:file:line`, `--set key`, or `default`.
    pub place: String,
}

impl Pipeline {
    /// The values in effect as TOML, one a line, of the whole pipeline or of one resource; with
    /// the layer of each behind it.
    pub fn effective(&self, resource: Option<&str>, origin: bool) -> String {
        let prefix = resource.map(|name| format!("resources.{name}."));
        let mut lines = Vec::new();
        for found in &self.origins {
            let key = match &prefix {
                None => Some(found.key.as_str()),
                Some(prefix) => found.key.strip_prefix(prefix.as_str()),
            };
            if let Some(key) = key {
                lines.push((format!("{key} = {}", found.value), found.place.as_str()));
            }
        }
        let widths = lines.iter().map(|(line, _)| line.chars().count());
        let width = widths.max().unwrap_or_default().min(WIDEST);
        let mut text = String::new();
        for (line, place) in lines {
            let _ = match origin {
                true => writeln!(text, "{line:width$}  # {place}"),
                false => writeln!(text, "{line}"),
            };
        }
        text
    }
}

/// Layer and line of a place.
pub(super) fn place(document: &Document<'_>, span: &Range<usize>) -> String {
    match document.layer(span) {
        None => document.path.display().to_string(),
        Some(layer) if layer.kind == Kind::Argument => layer.shown.display().to_string(),
        Some(layer) => format!("{}:{}", layer.shown.display(), layer.place(span.start).0),
    }
}

/// Every value in file order, base first, and then the defaults that hold.
pub(super) fn of(document: &Document<'_>, all: &DeTable<'_>) -> Vec<Origin> {
    let mut found = Vec::new();
    table(document, "", all, &mut found);
    let defaults = document.defaults().into_iter().map(|(key, value)| Origin {
        key,
        value,
        place: "default".to_owned(),
    });
    for default in defaults {
        if !found.iter().any(|known| known.key == default.key) {
            found.push(default);
        }
    }
    // Tables together, those of the top level first.
    let depth = |key: &str| key.contains('.');
    found.sort_by_key(|origin| depth(&origin.key));
    found
}

fn table(document: &Document<'_>, prefix: &str, all: &DeTable<'_>, found: &mut Vec<Origin>) {
    let mut entries: Vec<_> = all.iter().collect();
    entries.sort_by_key(|(key, _)| document.rank(&key.span()));
    for (key, value) in entries {
        let name = word(key.get_ref());
        let full = match prefix.is_empty() {
            true => name,
            false => format!("{prefix}.{name}"),
        };
        match value.get_ref() {
            DeValue::Table(inner) => table(document, &full, inner, found),
            DeValue::Array(items)
                if matches!(full.as_str(), "views" | "crosswalks" | "sql_dir") =>
            {
                for (i, item) in items.iter().enumerate() {
                    found.push(origin(document, format!("{full}[{i}]"), item));
                }
            }
            _ => found.push(origin(document, full, value)),
        }
    }
}

fn origin(document: &Document<'_>, key: String, value: &Spanned<DeValue<'_>>) -> Origin {
    Origin {
        key,
        value: written(value.get_ref()),
        place: place(document, &value.span()),
    }
}

/// A value in one line of TOML.
fn written(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()).to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|i| written(i.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                format!("{} = {}", word(key), written(value.get_ref()))
            };
            let entries: Vec<String> = table.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A key, quoted where it must be.
fn word(key: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    match !key.is_empty() && key.bytes().all(bare) {
        true => key.to_owned(),
        false => toml::Value::String(key.to_owned()).to_string(),
    }
}
