//! Reads a crosswalk: small CSV files of codes, all columns text, empty = NULL. Files of higher
//! layers lie over those of lower ones: a code of theirs stands for all rows of that code before.
//!
//! Reads: the files. Writes: nothing. Never: guesses a type, passes over a broken line in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};

use super::error::Problem;
use crate::shipped;

type Reader = csv::Reader<Cursor<Vec<u8>>>;

/// The rows of a crosswalk with the names of its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Columns; the first one is the code.
    pub names: Vec<String>,
    /// Values in the order of the columns, empty for NULL; with the file's number and the line.
    pub rows: Vec<Vec<String>>,
}

/// The rows of all files together, and the lines that are wrong: the wrong number of columns, or
/// the same as an earlier line of the file (a join would double every row that uses it).
///
/// # Errors
/// A file cannot be read at all, has no usable header, or other columns than the first file.
pub fn rows(files: &[PathBuf]) -> Result<(Rows, Vec<Problem>), Problem> {
    let mut all = Rows::default();
    let mut problems = Vec::new();
    for file in files {
        let layer = one(file, &mut problems)?;
        if all.names.is_empty() {
            all = layer;
        } else {
            over(&mut all, layer, file)?;
        }
    }
    Ok((all, problems))
}

/// As [`rows`], as a table.
pub(super) fn read(files: &[PathBuf]) -> Result<(RecordBatch, Vec<Problem>), Problem> {
    let (all, problems) = rows(files)?;
    let mut columns: Vec<StringBuilder> = all.names.iter().map(|_| StringBuilder::new()).collect();
    for row in &all.rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.append_option(Some(value).filter(|v| !v.is_empty()));
        }
    }
    let columns = columns.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef);
    let named = all.names.iter().zip(columns).map(|(n, c)| (n, c, true));
    let file = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    let batch = RecordBatch::try_from_iter_with_nullable(named)
        .map_err(|e| Problem::new(file, e.to_string()))?;
    Ok((batch, problems))
}

/// Lays a file's rows over those that are there.
fn over(all: &mut Rows, layer: Rows, file: &Path) -> Result<(), Problem> {
    let places: Option<Vec<usize>> = all
        .names
        .iter()
        .map(|name| layer.names.iter().position(|n| n == name))
        .collect();
    let places = places
        .filter(|p| p.len() == layer.names.len())
        .ok_or_else(|| {
            let message = format!(
                "has the columns {}, and the crosswalk that it lies over {}",
                layer.names.join(", "),
                all.names.join(", ")
            );
            Problem::new(file, message).at(Some((1, 1)))
        })?;
    let rows: Vec<Vec<String>> = layer
        .rows
        .into_iter()
        .map(|row| {
            let value = |at: &usize| row.get(*at).cloned().unwrap_or_default();
            places.iter().map(value).collect()
        })
        .collect();
    let codes: BTreeSet<&String> = rows.iter().filter_map(|row| row.first()).collect();
    all.rows
        .retain(|row| row.first().is_none_or(|code| !codes.contains(code)));
    all.rows.extend(rows);
    Ok(())
}

fn one(file: &Path, problems: &mut Vec<Problem>) -> Result<Rows, Problem> {
    let unreadable = |e: &dyn std::fmt::Display| Problem::new(file, format!("cannot be read: {e}"));
    let bytes = shipped::read(file).map_err(|e| unreadable(&e))?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(Cursor::new(bytes.into_owned()));
    let names = header(file, &mut reader)?;
    let mut rows = Vec::new();
    let mut seen: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map(|p| (p.line(), 1));
                problems.push(unreadable(&error).at(line));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let message = format!("{} columns, the header has {}", record.len(), names.len());
            problems.push(Problem::new(file, message).at(Some((line, 1))));
            continue;
        }
        let values: Vec<String> = record.iter().map(str::to_owned).collect();
        if let Some(first) = seen.insert(values.clone(), line) {
            let message = format!("the same as line {first}; rows that use it would be doubled");
            problems.push(Problem::new(file, message).at(Some((line, 1))));
        }
        rows.push(values);
    }
    Ok(Rows { names, rows })
}

fn header(file: &Path, reader: &mut Reader) -> Result<Vec<String>, Problem> {
    let header = reader
        .headers()
        .map_err(|e| Problem::new(file, format!("cannot be read: {e}")))?;
    let trim = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
    let names: Vec<String> = header.iter().map(trim).collect();
    if names.iter().all(String::is_empty) {
        let message = "has no header; the first line names the columns";
        return Err(Problem::new(file, message));
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || names.iter().take(i).any(|n| n == name) {
            let message = format!("column {} has no name of its own: `{name}`", i + 1);
            return Err(Problem::new(file, message).at(Some((1, 1))));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_later_file_stands_for_all_rows_of_it_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let base = file("a.csv", "code,descriptor\nF,one\nF,two\nM,three\n");
        let layer = file("b.csv", "descriptor,code\nfour,F\nfive,X\n");
        let (all, problems) = rows(&[base.clone(), layer]).unwrap();
        assert_eq!(problems, []);
        let found: Vec<String> = all.rows.iter().map(|row| row.join("=")).collect();
        assert_eq!(found, ["M=three", "F=four", "X=five"]);
        let other = file("c.csv", "code,text\nF,x\n");
        let problem = rows(&[base, other]).unwrap_err().to_string();
        assert!(problem.contains("has the columns code, text"), "{problem}");
    }
}
