//! Whether a source has the tables and columns that a run needs, before anything is read.
//!
//! Reads: the source's list of tables. Writes: nothing. Never: stops at the first that is missing.

use std::fmt;

use super::{Source, SourceError, TableInfo, TableSchema};

/// One thing that the source lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A table.
    Table {
        /// Its declared name.
        table: String,
        /// A table of the source with a similar name.
        similar: Option<String>,
    },
    /// A required column.
    Column {
        /// The table.
        table: String,
        /// The column's declared name.
        column: String,
        /// A column of that table with a similar name.
        similar: Option<String>,
    },
    /// A table whose columns cannot be read.
    Unreadable {
        /// The table.
        table: String,
        /// Why.
        what: String,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let similar = match self {
            Self::Table { table, similar } => {
                write!(f, "table {table} is missing")?;
                similar
            }
            Self::Column {
                table,
                column,
                similar,
            } => {
                write!(f, "table {table}: column {column} is missing")?;
                similar
            }
            Self::Unreadable { table, what } => return write!(f, "table {table}: {what}"),
        };
        match similar {
            Some(similar) => write!(f, ", did you mean {similar}?"),
            None => Ok(()),
        }
    }
}

/// Checks that the source has all these tables with all their required columns.
///
/// # Errors
/// [`SourceError::Missing`] with everything that is missing, or why the source cannot be read.
pub fn check(source: &dyn Source, tables: &[&TableSchema]) -> Result<(), SourceError> {
    let there = source.tables()?;
    let mut missing = Vec::new();
    for table in tables {
        check_table(table, &there, &mut missing);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(SourceError::Missing {
        described: source.describe(),
        missing,
    })
}

fn check_table(table: &TableSchema, there: &[TableInfo], missing: &mut Vec<Missing>) {
    let named: Vec<_> = there
        .iter()
        .filter(|t| t.name.eq_ignore_ascii_case(&table.name))
        .collect();
    let name = table.name.clone();
    let info = match named.as_slice() {
        [] => {
            let similar = similar(&name, there.iter().map(|t| t.name.as_str()));
            return missing.push(Missing::Table {
                table: name,
                similar,
            });
        }
        [info] => info,
        [first, second, ..] => {
            let what = format!(
                "there twice, as {} and {}; remove one",
                first.name, second.name
            );
            return missing.push(Missing::Unreadable { table: name, what });
        }
    };
    if let Some(what) = info.fault.clone() {
        return missing.push(Missing::Unreadable { table: name, what });
    }
    for column in &table.columns {
        let times = info
            .columns
            .iter()
            .filter(|c| c.eq_ignore_ascii_case(&column.name))
            .count();
        if times > 1 {
            let what = format!("column {} stands there {times} times", column.name);
            missing.push(Missing::Unreadable {
                table: name.clone(),
                what,
            });
        }
        if times == 0 && !column.optional {
            missing.push(Missing::Column {
                table: name.clone(),
                column: column.name.clone(),
                similar: similar(&column.name, info.columns.iter().map(String::as_str)),
            });
        }
    }
}

/// The most similar name, if one is similar at all.
fn similar<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let wanted = wanted.to_lowercase();
    names
        .map(|name| {
            (
                strsim::damerau_levenshtein(&wanted, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= 3 && *distance * 2 < name.len().max(wanted.len()))
        .min()
        .map(|(_, name)| name.to_owned())
}
