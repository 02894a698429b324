//! A SQLite file.
//!
//! Reads: tables and views, in the order that SQLite yields them. Writes: nothing; the file is
//! opened read-only. Never: trusts SQLite's own types: each value is read in the declared one.

use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::cell::Cell;
use super::folder::positions;
use super::rows::Rows;
use super::{Sink, Source, SourceError, TableCount, TableInfo, TableSchema};

/// A SQLite file with the SIS tables.
#[derive(Debug)]
pub struct SqliteFile {
    path: PathBuf,
}

impl SqliteFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is not there or no SQLite file.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let not = |what: String| SourceError::NotASource {
            path: path.to_owned(),
            what,
        };
        if path.is_dir() {
            return Err(not(String::from(
                "a SQLite file is expected, this is a folder",
            )));
        }
        let file = Self {
            path: path.to_owned(),
        };
        file.connect()
            .and_then(|c| c.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())))
            .map_err(|e| not(e.to_string()))?;
        Ok(file)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags)
    }

    fn failed(&self, what: &str) -> impl Fn(rusqlite::Error) -> SourceError + use<> {
        let (what, path) = (what.to_owned(), self.path.clone());
        move |source| SourceError::Sqlite {
            what: what.clone(),
            path: path.clone(),
            source,
        }
    }

    /// Names of the tables and views.
    fn names(&self, connection: &Connection) -> Result<Vec<String>, SourceError> {
        let failed = self.failed("the list of tables");
        let mut statement = connection
            .prepare(
                "SELECT name FROM sqlite_master \
                 WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY name",
            )
            .map_err(&failed)?;
        let names = statement.query_map([], |row| row.get(0)).map_err(&failed)?;
        names.collect::<Result<_, _>>().map_err(&failed)
    }
}

impl Source for SqliteFile {
    fn tables(&self) -> Result<Vec<TableInfo>, SourceError> {
        let connection = self.connect().map_err(self.failed("the list of tables"))?;
        let names = self.names(&connection)?;
        Ok(names
            .into_iter()
            .map(|name| match columns(&connection, &name) {
                Ok(columns) => TableInfo {
                    name,
                    columns,
                    fault: None,
                },
                Err(e) => TableInfo {
                    name,
                    columns: Vec::new(),
                    fault: Some(e.to_string()),
                },
            })
            .collect())
    }

    fn read(&self, table: &TableSchema, sink: &mut dyn Sink) -> Result<TableCount, SourceError> {
        let failed = self.failed(&format!("table {}", table.name));
        let wrong = |what: String| SourceError::Table {
            table: table.name.clone(),
            path: self.path.clone(),
            what,
        };
        let connection = self.connect().map_err(&failed)?;
        let name = self
            .names(&connection)?
            .into_iter()
            .find(|n| n.eq_ignore_ascii_case(&table.name))
            .ok_or_else(|| wrong(String::from("there is no such table")))?;
        let columns = columns(&connection, &name).map_err(&failed)?;
        let at = positions(table, columns.iter().map(String::as_str)).map_err(wrong)?;
        let selected: Vec<String> = at
            .iter()
            .map(|at| at.map_or_else(|| String::from("NULL"), |at| quoted(&columns[at])))
            .collect();
        let sql = format!("SELECT {} FROM {}", selected.join(", "), quoted(&name));
        let mut statement = connection.prepare(&sql).map_err(&failed)?;
        let mut found = statement.query([]).map_err(&failed)?;
        let file = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut rows = Rows::new(table, file, sink);
        let mut line = 0;
        while let Some(row) = found.next().map_err(&failed)? {
            line += 1;
            rows.row(line, |column| cell(row, column))?;
        }
        rows.finish()
    }

    fn describe(&self) -> String {
        format!("SQLite file {}", self.path.display())
    }

    fn size_bytes(&self, _table: &str) -> Option<u64> {
        None
    }

    fn total_bytes(&self, _tables: &[&str]) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |m| m.len())
    }
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let statement = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(table)))?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

/// An identifier as SQL, whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[inline]
fn cell<'r>(row: &'r Row<'_>, column: usize) -> Cell<'r> {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(value)) => Cell::Int(value),
        Ok(ValueRef::Real(value)) => Cell::Real(value),
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Cell::Text(bytes),
        Ok(ValueRef::Null) | Err(_) => Cell::Null,
    }
}
