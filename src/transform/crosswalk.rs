//! Reads a crosswalk: a small CSV file of codes, all columns text, empty = NULL.
//!
//! Reads: the file. Writes: nothing. Never: guesses a type, passes over a broken line in silence.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};

use super::error::Problem;

/// The rows, and the lines that are wrong: the wrong number of columns, or the same as an earlier
/// line (a join would double every row that uses it).
///
/// # Errors
/// The file cannot be read at all, or has no usable header.
pub(super) fn read(file: &Path) -> Result<(RecordBatch, Vec<Problem>), Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(file)
        .map_err(|e| Problem::new(file, format!("cannot be read: {e}")))?;
    let names = header(file, &mut reader)?;
    let mut columns: Vec<StringBuilder> = names.iter().map(|_| StringBuilder::new()).collect();
    let mut problems = Vec::new();
    let mut seen: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map(|p| (p.line(), 1));
                problems.push(Problem::new(file, format!("cannot be read: {error}")).at(line));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let message = format!("{} columns, the header has {}", record.len(), names.len());
            problems.push(Problem::new(file, message).at(Some((line, 1))));
            continue;
        }
        for (column, value) in columns.iter_mut().zip(&record) {
            column.append_option(Some(value).filter(|v| !v.is_empty()));
        }
        let values = record.iter().map(str::to_owned).collect();
        if let Some(first) = seen.insert(values, line) {
            let message = format!("the same as line {first}; rows that use it would be doubled");
            problems.push(Problem::new(file, message).at(Some((line, 1))));
        }
    }
    let columns = columns.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef);
    let named = names.iter().zip(columns).map(|(n, c)| (n, c, true));
    let batch = RecordBatch::try_from_iter_with_nullable(named)
        .map_err(|e| Problem::new(file, e.to_string()))?;
    Ok((batch, problems))
}

fn header(file: &Path, reader: &mut csv::Reader<std::fs::File>) -> Result<Vec<String>, Problem> {
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
