//! SIS rows as the ledger names them: found among objects, in staged tables, among unreadable rows.
//!
//! A source key begins with the parts of its table's key, joined by `/`; what follows tells several
//! objects of one row apart (`9/Q1`). Memory grows with the rows asked about, not with the tables.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use arrow::array::{AsArray as _, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::judge::{Evidence, Staged};
use crate::files;
use crate::object::KeyHash;
use crate::source::SisSchema;

/// What objects tell of one source row.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Rows of the objects file: fit to be sent, and of keys that the ledger does not know.
    fresh: Vec<u64>,
    held: bool,
    yields: bool,
}

/// The source rows asked about.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// By table and whole source key.
    exact: HashMap<KeyHash, Seen>,
    /// By table and the part of it that is the row's key.
    row: HashMap<KeyHash, Seen>,
    /// Any beginning of a source key that may be the row's key, and whether such a row is staged.
    begin: HashMap<KeyHash, bool>,
    /// Tables asked about; whether the staged one was read.
    tables: HashMap<String, bool>,
}

/// Rows of a table that could not be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Unreadable {
    /// Whether there is one whose key is unknown.
    pub(super) unknown: bool,
    /// The others, by table and key.
    pub(super) known: HashSet<KeyHash>,
}

impl Sources {
    /// Asks about a source row.
    pub(super) fn ask(&mut self, sis: &SisSchema, table: &str, key: &str) {
        self.exact.entry(name(table, key)).or_default();
        let Some(begins) = begins(sis, table, key) else {
            return;
        };
        if let Some(row) = begins.first() {
            self.row.entry(name(table, row)).or_default();
        }
        for begin in begins {
            self.begin.entry(name(table, begin)).or_default();
        }
        if !self.tables.contains_key(table) {
            self.tables.insert(table.to_owned(), false);
        }
    }

    /// Whether nothing is asked about.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }

    /// The tables asked about.
    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Notes an object; `fresh` when its key is new to the ledger.
    pub(super) fn see(
        &mut self,
        sis: &SisSchema,
        (table, key): (&str, &str),
        row: u64,
        held: bool,
        fresh: bool,
    ) {
        if let Some(seen) = self.exact.get_mut(&name(table, key)) {
            seen.held |= held;
            seen.yields |= !held;
            if fresh && !held {
                seen.fresh.push(row);
            }
        }
        let whole = begins(sis, table, key).and_then(|begins| begins.first().copied());
        if let Some(seen) = whole.and_then(|row| self.row.get_mut(&name(table, row))) {
            seen.held |= held;
            seen.yields |= !held;
        }
    }

    /// Looks for the rows in a staged table.
    ///
    /// # Errors
    /// The file cannot be read; one that is not there leaves its rows unknown.
    pub(super) fn look(
        &mut self,
        sis: &SisSchema,
        table: &str,
        path: &Path,
    ) -> std::io::Result<()> {
        let (Some(schema), Ok(file)) = (sis.table(table), File::open(path)) else {
            return Ok(());
        };
        let fail = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| fail(e.to_string()))?;
        let names = schema.key.iter().map(String::as_str);
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        let reader = builder
            .with_projection(mask)
            .build()
            .map_err(|e| fail(e.to_string()))?;
        let mut key = String::new();
        for batch in reader {
            let batch = batch.map_err(|e| fail(e.to_string()))?;
            let columns: Vec<StringArray> = schema
                .key
                .iter()
                .filter_map(|name| cast(batch.column_by_name(name)?, &DataType::Utf8).ok())
                .map(|column| column.as_string::<i32>().clone())
                .collect();
            if columns.len() != schema.key.len() {
                return Ok(());
            }
            for i in 0..batch.num_rows() {
                key.clear();
                for (at, column) in columns.iter().enumerate() {
                    if at > 0 {
                        key.push('/');
                    }
                    key.push_str(column.value(i));
                }
                if let Some(found) = self.begin.get_mut(&name(table, &key)) {
                    *found = true;
                }
            }
        }
        self.tables.insert(table.to_owned(), true);
        Ok(())
    }

    /// What is known of a source row.
    pub(super) fn evidence(
        &self,
        sis: &SisSchema,
        (table, key): (&str, &str),
        unreadable: &HashMap<String, Unreadable>,
    ) -> Evidence {
        let exact = self.exact.get(&name(table, key));
        let begins = begins(sis, table, key).unwrap_or_default();
        let row = begins
            .first()
            .and_then(|row| self.row.get(&name(table, row)));
        let either = |of: fn(&Seen) -> bool| exact.is_some_and(of) || row.is_some_and(of);
        let staged = match self.tables.get(table) {
            Some(true) if begins.is_empty() => Staged::Unknown,
            Some(true) => {
                let found = |b: &&str| self.begin.get(&name(table, b)) == Some(&true);
                match begins.iter().any(found) {
                    true => Staged::Yes,
                    false => Staged::No,
                }
            }
            _ => Staged::Unknown,
        };
        let lost = unreadable.get(table);
        Evidence {
            fresh: exact.map_or(0, |seen| {
                u32::try_from(seen.fresh.len()).unwrap_or(u32::MAX)
            }),
            blocked: false,
            held: either(|seen| seen.held),
            yields: either(|seen| seen.yields),
            unreadable: lost
                .is_some_and(|lost| begins.iter().any(|b| lost.known.contains(&name(table, b)))),
            staged,
        }
    }

    /// The new objects of a source row, as rows of the objects file.
    pub(super) fn fresh(&self, table: &str, key: &str) -> &[u64] {
        self.exact
            .get(&name(table, key))
            .map(|seen| seen.fresh.as_slice())
            .unwrap_or_default()
    }

    /// All new objects of the rows asked about, ascending.
    pub(super) fn all_fresh(&self) -> Vec<u64> {
        let mut rows: Vec<u64> = self.exact.values().flat_map(|s| s.fresh.clone()).collect();
        rows.sort_unstable();
        rows
    }
}

/// The table and key of a source row as one hash.
pub(super) fn name(table: &str, key: &str) -> KeyHash {
    KeyHash::of(&[table, "\0", key].concat())
}

/// The beginnings of a source key that may be the key of the row itself: the shortest has as many
/// parts as the table's key. None when the table is no SIS table, or the key has too few parts.
pub(super) fn begins<'k>(sis: &SisSchema, table: &str, key: &'k str) -> Option<Vec<&'k str>> {
    let parts = sis.table(table)?.key.len();
    let ends = key.match_indices('/').map(|(at, _)| at).chain([key.len()]);
    let begins: Vec<&str> = ends
        .skip(parts.saturating_sub(1))
        .filter_map(|end| key.get(..end))
        .collect();
    (!begins.is_empty()).then_some(begins)
}

/// Reads `rejects.csv`.
///
/// # Errors
/// The file cannot be read.
pub(super) fn unreadable(
    sis: &SisSchema,
    rejects: &Path,
) -> std::io::Result<HashMap<String, Unreadable>> {
    let mut tables: HashMap<String, Unreadable> = HashMap::new();
    let file = match File::open(rejects) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(tables),
        Err(error) => return Err(files::at(rejects, &error)),
    };
    for record in csv::Reader::from_reader(file).records() {
        let record = record.map_err(|e| files::at(rejects, &e.into()))?;
        let (Some(table), Some(key)) = (record.get(0), record.get(6)) else {
            continue;
        };
        let entry = tables.entry(table.to_owned()).or_default();
        match row_key(sis, table, key) {
            Some(key) => {
                entry.known.insert(name(table, &key));
            }
            None => entry.unknown = true,
        }
    }
    Ok(tables)
}

/// `rosterID=7` as the source key `7`; None unless every part of the table's key has a value.
fn row_key(sis: &SisSchema, table: &str, key: &str) -> Option<String> {
    let columns = &sis.table(table)?.key;
    let mut rest = key.strip_prefix(&format!("{}=", columns.first()?))?;
    let mut parts = Vec::new();
    for at in 0..columns.len() {
        let value = match columns.get(at + 1) {
            Some(next) => {
                let (value, more) = rest.split_once(&format!("&{next}="))?;
                rest = more;
                value
            }
            None => rest,
        };
        let value = value.trim();
        let number = value.parse::<i64>().map(|n| n.to_string());
        parts.push(number.unwrap_or_else(|_| value.to_owned()));
    }
    let known = !parts.is_empty() && parts.iter().all(|part| !part.is_empty());
    known.then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::TableSchema;

    fn sis() -> SisSchema {
        let table = |name: &str, key: &[&str]| TableSchema {
            name: name.to_owned(),
            about: String::new(),
            key: key.iter().map(|k| (*k).to_owned()).collect(),
            columns: Vec::new(),
        };
        SisSchema {
            tables: vec![
                table("Section", &["sectionID"]),
                table("RelatedPair", &["personID1", "personID2"]),
            ],
        }
    }

    #[test]
    fn a_source_key_begins_with_the_key_of_its_row() {
        let sis = sis();
        assert_eq!(begins(&sis, "Section", "9/Q1"), Some(vec!["9", "9/Q1"]));
        assert_eq!(begins(&sis, "Section", "9"), Some(vec!["9"]));
        assert_eq!(begins(&sis, "RelatedPair", "1/2"), Some(vec!["1/2"]));
        assert_eq!(begins(&sis, "RelatedPair", "1"), None);
        assert_eq!(begins(&sis, "Elsewhere", "1"), None);
    }

    #[test]
    fn the_key_of_an_unreadable_row_is_known_when_it_is_whole() {
        let sis = sis();
        let key = |table, text| row_key(&sis, table, text);
        assert_eq!(key("Section", "sectionID= 09 ").as_deref(), Some("9"));
        assert_eq!(key("Section", "sectionID=").as_deref(), None);
        assert_eq!(key("Section", "").as_deref(), None);
        assert_eq!(
            key("RelatedPair", "personID1=1&personID2=2").as_deref(),
            Some("1/2")
        );
        assert_eq!(
            key("RelatedPair", "personID1=1&personID2=").as_deref(),
            None
        );
        assert_eq!(key("Elsewhere", "id=1").as_deref(), None);
    }
}
