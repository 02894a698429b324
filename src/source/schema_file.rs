//! The schema file: `sis.toml`, the declaration of the SIS tables, becomes a [`SisSchema`].
//!
//! Reads: the schema file. Writes: nothing. Never: stops at the first mistake; every problem is
//! listed with its line.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Column, ColumnType, SisSchema, TableSchema};

/// Why a schema file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file cannot be read.
    #[error("cannot read the SIS schema {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        #[source]
        source: std::io::Error,
    },
    /// The file was read and is wrong; all problems are listed.
    #[error("{}", lines(problems))]
    Wrong {
        /// What is wrong, in file order.
        problems: Vec<SchemaProblem>,
    },
}

/// One mistake in a schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// The file.
    pub file: PathBuf,
    /// Line number, 1 = first.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

fn lines(problems: &[SchemaProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl SisSchema {
    /// Reads a schema file.
    ///
    /// # Errors
    /// [`SchemaError::Unreadable`], or [`SchemaError::Wrong`] with every problem of the file.
    pub fn load(path: &Path) -> Result<Self, SchemaError> {
        let text =
            crate::shipped::read_to_string(path).map_err(|source| SchemaError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        Self::parse(path, &text)
    }

    /// Parses the text of a schema file; `path` is only named in problems.
    ///
    /// # Errors
    /// [`SchemaError::Wrong`] with every problem of the text.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SchemaError> {
        let mut parser = Parser {
            path,
            text,
            problems: Vec::new(),
        };
        let schema = parser.file();
        if parser.problems.is_empty() {
            return Ok(schema);
        }
        let mut problems = parser.problems;
        problems.sort_by_key(|p| p.line);
        Err(SchemaError::Wrong { problems })
    }
}

struct Parser<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<SchemaProblem>,
}

impl Parser<'_> {
    fn problem(&mut self, span: &Range<usize>, message: String) {
        let before = self.text.as_bytes().iter().take(span.start);
        self.problems.push(SchemaProblem {
            file: self.path.to_owned(),
            line: 1 + before.filter(|b| **b == b'\n').count(),
            message,
        });
    }

    fn file(&mut self) -> SisSchema {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.problem(&span, error.message().to_owned());
        }
        let mut schema = SisSchema::default();
        for (name, value) in in_order(root.get_ref()) {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("table", DeValue::Table(tables)) => {
                    let mut names = HashSet::new();
                    for (name, value) in in_order(tables) {
                        let table = name.get_ref().to_string();
                        if !names.insert(table.to_lowercase()) {
                            let message = format!("table `{table}` is declared twice");
                            self.problem(&name.span(), message);
                        }
                        schema.tables.push(self.table(table, &name.span(), value));
                    }
                }
                (other, _) => {
                    let message = format!("`{other}` is not known here; write [table.NAME]");
                    self.problem(&name.span(), message);
                }
            }
        }
        if schema.tables.is_empty() && self.problems.is_empty() {
            self.problem(
                &(0..0),
                "no table is declared; write [table.NAME]".to_owned(),
            );
        }
        schema
    }

    fn table(
        &mut self,
        name: String,
        at: &Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) -> TableSchema {
        let mut table = TableSchema {
            name,
            about: String::new(),
            key: Vec::new(),
            columns: Vec::new(),
        };
        if !is_name(&table.name) {
            let message = format!("`{}` is no table name: letters, digits and _", table.name);
            self.problem(at, message);
        }
        let DeValue::Table(entries) = value.get_ref() else {
            let message = format!("`{}` must be a table with about, key, columns", table.name);
            self.problem(at, message);
            return table;
        };
        let mut key = Vec::new();
        for (entry, value) in in_order(entries) {
            match (entry.get_ref().as_ref(), value.get_ref()) {
                ("about", DeValue::String(text)) => table.about = text.to_string(),
                ("key", DeValue::Array(_)) => key = self.texts(value),
                ("columns", DeValue::Array(_)) => {
                    for (text, span) in self.texts(value) {
                        self.column(&mut table, &text, &span);
                    }
                }
                ("about" | "key" | "columns", _) => {
                    let message = format!("`{}` has the wrong type", entry.get_ref());
                    self.problem(&entry.span(), message);
                }
                (other, _) => {
                    let message = format!("`{other}` is not known; about, key and columns are");
                    self.problem(&entry.span(), message);
                }
            }
        }
        self.check_table(&mut table, key, at);
        table
    }

    fn check_table(
        &mut self,
        table: &mut TableSchema,
        key: Vec<(String, Range<usize>)>,
        at: &Range<usize>,
    ) {
        for (missing, what) in [
            (table.about.is_empty(), "about"),
            (table.columns.is_empty(), "columns"),
            (key.is_empty(), "key"),
        ] {
            if missing {
                let message = format!("table `{}` has no `{what}`", table.name);
                self.problem(at, message);
            }
        }
        for (name, span) in key {
            match table.columns.iter().find(|c| c.name == name) {
                Some(column) if column.optional => {
                    let message = format!("key column `{name}` must not be optional");
                    self.problem(&span, message);
                }
                Some(_) => {}
                None => {
                    let names = table.columns.iter().map(|c| c.name.as_str());
                    let hint = did_you_mean(&name, names);
                    let message = format!(
                        "table `{}` has no column `{name}` for its key{hint}",
                        table.name
                    );
                    self.problem(&span, message);
                }
            }
            if table.key.contains(&name) {
                self.problem(&span, format!("key column `{name}` is named twice"));
            }
            table.key.push(name);
        }
    }

    fn texts(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(String, Range<usize>)> {
        let mut texts = Vec::new();
        if let DeValue::Array(items) = value.get_ref() {
            for item in items.iter() {
                match item.get_ref() {
                    DeValue::String(text) => texts.push((text.to_string(), item.span())),
                    _ => self.problem(&item.span(), "a text is expected here".to_owned()),
                }
            }
        }
        texts
    }

    fn column(&mut self, table: &mut TableSchema, text: &str, span: &Range<usize>) {
        let mut words = text.split_whitespace();
        let (name, kind, optional, more) = (words.next(), words.next(), words.next(), words.next());
        let (Some(name), Some(kind), None | Some("optional"), None) = (name, kind, optional, more)
        else {
            let message = format!("`{text}` is not `name type` or `name type optional`");
            return self.problem(span, message);
        };
        if !is_name(name) {
            let message = format!("`{name}` is no column name: letters, digits and _");
            self.problem(span, message);
        }
        let Some(kind) = parse_type(kind) else {
            let types = [
                "int",
                "text",
                "date",
                "timestamp",
                "time",
                "bit",
                "decimal(p,s)",
            ];
            let hint = did_you_mean(kind, types.into_iter());
            let message = format!(
                "column `{name}`: unknown type `{kind}`{hint}; there are {}",
                types.join(", ")
            );
            return self.problem(span, message);
        };
        if table
            .columns
            .iter()
            .any(|c| c.name.eq_ignore_ascii_case(name))
        {
            let message = format!("column `{name}` is declared twice in `{}`", table.name);
            return self.problem(span, message);
        }
        table.columns.push(Column {
            name: name.to_owned(),
            kind,
            optional: optional.is_some(),
        });
    }
}

type Entry<'a, 'i> = (
    &'a Spanned<std::borrow::Cow<'i, str>>,
    &'a Spanned<DeValue<'i>>,
);

/// The entries of a TOML table in the order that the file has them.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Entry<'a, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn parse_type(text: &str) -> Option<ColumnType> {
    Some(match text {
        "int" => ColumnType::Int,
        "text" => ColumnType::Text,
        "date" => ColumnType::Date,
        "timestamp" => ColumnType::Timestamp,
        "time" => ColumnType::Time,
        "bit" => ColumnType::Bit,
        _ => {
            let (p, s) = text
                .strip_prefix("decimal(")?
                .strip_suffix(')')?
                .split_once(',')?;
            let (p, s): (u8, i8) = (p.parse().ok()?, s.parse().ok()?);
            let fits = (1..=38).contains(&p) && s >= 0 && i16::from(s) <= i16::from(p);
            fits.then_some(ColumnType::Decimal(p, s))?
        }
    })
}

fn did_you_mean<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|n| {
            (
                strsim::damerau_levenshtein(&wrong.to_lowercase(), &n.to_lowercase()),
                n,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, n)| format!(", did you mean `{n}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
