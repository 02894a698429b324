//! A folder of CSV files.
//!
//! Reads: `Table.csv`, UTF-8, RFC 4180, with a header. Writes: nothing. Never: holds more than a
//! batch and a record in memory, makes a text of a value that is read.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::cell::Cell;
use super::folder::{Folder, positions};
use super::record::{Fault, Found, Records};
use super::reject::shown;
use super::rows::Rows;
use super::{RejectReason, Sink, Source, SourceError, TableCount, TableInfo, TableSchema};

/// A folder of CSV files, one per table.
#[derive(Debug)]
pub struct CsvFolder {
    folder: Folder,
}

impl CsvFolder {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is not there or no folder.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Ok(Self {
            folder: Folder::open(path, "csv")?,
        })
    }
}

impl Source for CsvFolder {
    fn tables(&self) -> Result<Vec<TableInfo>, SourceError> {
        let files = self.folder.files()?;
        Ok(files
            .into_iter()
            .map(|(name, path)| {
                let header = File::open(&path)
                    .map_err(|e| e.to_string())
                    .and_then(|file| header(file).map(|(_, names)| names));
                match header {
                    Ok(columns) => TableInfo {
                        name,
                        columns,
                        fault: None,
                    },
                    Err(fault) => TableInfo {
                        name,
                        columns: Vec::new(),
                        fault: Some(fault),
                    },
                }
            })
            .collect())
    }

    fn read(&self, table: &TableSchema, sink: &mut dyn Sink) -> Result<TableCount, SourceError> {
        let (path, name, file) = self.folder.open_table(&table.name)?;
        let wrong = |what: String| SourceError::Table {
            table: table.name.clone(),
            path: path.clone(),
            what,
        };
        let (mut records, names) = header(file).map_err(wrong)?;
        let at = positions(table, names.iter().map(String::as_str)).map_err(wrong)?;
        let mut rows = Rows::new(table, name, sink);
        read_rows(&mut records, names.len(), &at, &mut rows, &path)?;
        rows.finish()
    }

    fn describe(&self) -> String {
        format!("CSV folder {}", self.folder.path().display())
    }

    fn size_bytes(&self, table: &str) -> Option<u64> {
        self.folder.size_bytes(table)
    }
}

/// Opens a file and reads its header.
fn header(file: File) -> Result<(Records<File>, Vec<String>), String> {
    let mut records = Records::new(file).map_err(|e| e.to_string())?;
    if records.is_utf16() {
        return Err(String::from("the file is UTF-16; export it as UTF-8"));
    }
    match records.next().map_err(|e| e.to_string())? {
        Found::Record { .. } => {
            let names = (0..records.len())
                .map(|at| String::from_utf8_lossy(records.value(at)).trim().to_owned())
                .collect();
            Ok((records, names))
        }
        Found::Fault { line, .. } => Err(format!(
            "line {line} should be the header with the column names, but has a stray quote or is \
             too long"
        )),
        Found::End => Err(String::from("the file is empty; a header is expected")),
    }
}

fn read_rows(
    records: &mut Records<File>,
    width: usize,
    at: &[Option<usize>],
    rows: &mut Rows<'_>,
    path: &Path,
) -> Result<(), SourceError> {
    loop {
        let found = records.next().map_err(|source| SourceError::Io {
            path: PathBuf::from(path),
            source,
        })?;
        match found {
            Found::Record { line, .. } if records.len() == width => {
                rows.row(line, |column| match at.get(column) {
                    Some(Some(at)) => Cell::Text(records.value(*at)),
                    _ => Cell::Null,
                })?;
            }
            Found::Record { line, lines } => {
                let value = format!("{} values, the header has {width}", records.len());
                rows.unreadable(line, RejectReason::WrongColumnCount, value)?;
                // A quote that opens in one row and closes in another joins their lines to one
                // record, of a wrong width as a rule: the other rows are read again.
                if lines > 1 {
                    records.back_to_second_line();
                }
            }
            Found::Fault { line, fault } => {
                let reason = match fault {
                    Fault::BadQuote => RejectReason::BadQuote,
                    Fault::TooLarge => RejectReason::TooLarge,
                };
                rows.unreadable(line, reason, shown(records.first_line()))?;
            }
            Found::End => return Ok(()),
        }
    }
}
