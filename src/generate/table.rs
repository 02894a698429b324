//! The CSV files: rows are written as they are made, counted and hashed on the way.
//!
//! Reads: nothing. Writes: one CSV file per table, under a temporary name until it is complete.
//! Never: keeps rows in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{Datelike as _, NaiveDate};
use xxhash_rust::xxh3::Xxh3;

use super::columns::{self, Layout};
use crate::files;

/// All tables of a district.
#[derive(Debug)]
pub(super) struct Tables {
    tables: Vec<Table>,
}

/// One table's file while it is written.
pub(super) struct Table {
    layout: &'static Layout,
    path: PathBuf,
    out: csv::Writer<Hashed>,
    /// Line that the next row starts at, 1 = header.
    line: u64,
    /// Fields of the row so far.
    fields: usize,
    counts: RowCounts,
    /// The first failed write; reported at the end, so that rows need no `?` per field.
    error: Option<io::Error>,
    text: String,
}

/// What the reader of a table has to find: `read = staged + unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RowCounts {
    /// Rows in the file.
    pub read: u64,
    /// Rows that can be read.
    pub staged: u64,
    /// Rows that cannot be read, by reason.
    pub unreadable: BTreeMap<String, u64>,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileMark {
    /// Rows after the header.
    pub rows: u64,
    /// xxh3-128 of the file's bytes, hexadecimal.
    pub xxh3: String,
}

impl Tables {
    /// Opens the files of all tables and writes their headers.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let tables = columns::ALL.iter().map(|l| Table::create(folder, l));
        Ok(Self {
            tables: tables.collect::<io::Result<_>>()?,
        })
    }

    /// Starts a row of a table.
    pub(super) fn row(&mut self, table: columns::Id) -> Row<'_> {
        let table = &mut self.tables[table as usize];
        Row { table }
    }

    /// Line that the next row of a table will start at.
    pub(super) fn line(&self, table: columns::Id) -> u64 {
        self.tables[table as usize].line
    }

    /// Closes all files and gives them their names.
    pub(super) fn finish(
        self,
    ) -> io::Result<(BTreeMap<String, RowCounts>, BTreeMap<String, FileMark>)> {
        let mut counts = BTreeMap::new();
        let mut marks = BTreeMap::new();
        for table in self.tables {
            let name = table.layout.name;
            counts.insert(name.to_owned(), table.counts.clone());
            marks.insert(format!("{name}.csv"), table.finish()?);
        }
        Ok((counts, marks))
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Table {
    fn create(folder: &Path, layout: &'static Layout) -> io::Result<Self> {
        let path = folder.join(format!("{}.csv", layout.name));
        let file = files::create(&files::partial(&path))?;
        let mut hashed = Hashed {
            out: BufWriter::with_capacity(1 << 16, file),
            hash: Box::new(Xxh3::new()),
        };
        if layout.dialect.bom {
            hashed.write_all("\u{feff}".as_bytes())?;
        }
        let terminator = if layout.dialect.crlf {
            csv::Terminator::CRLF
        } else {
            csv::Terminator::Any(b'\n')
        };
        let mut out = csv::WriterBuilder::new()
            .flexible(true)
            .terminator(terminator)
            .from_writer(hashed);
        for column in layout.columns {
            if layout.dialect.upper {
                out.write_field(column.to_uppercase())?;
            } else {
                out.write_field(column)?;
            }
        }
        out.write_record(None::<&[u8]>)?;
        Ok(Self {
            layout,
            path,
            out,
            line: 2,
            fields: 0,
            counts: RowCounts::default(),
            error: None,
            text: String::new(),
        })
    }

    fn field(&mut self, bytes: &[u8]) {
        self.fields += 1;
        self.line += bytes.iter().filter(|b| **b == b'\n').count() as u64;
        if let Err(e) = self.out.write_field(bytes) {
            self.error.get_or_insert(e.into());
        }
    }

    fn end(&mut self) {
        self.fields = 0;
        self.line += 1;
        self.counts.read += 1;
        if let Err(e) = self.out.write_record(None::<&[u8]>) {
            self.error.get_or_insert(e.into());
        }
    }

    fn finish(self) -> io::Result<FileMark> {
        let partial = files::partial(&self.path);
        if let Some(error) = self.error {
            return Err(files::at(&partial, &error));
        }
        let mut hashed = self
            .out
            .into_inner()
            .map_err(|e| files::at(&partial, e.error()))?;
        hashed.flush().map_err(|e| files::at(&partial, &e))?;
        std::fs::rename(&partial, &self.path).map_err(|e| files::at(&self.path, &e))?;
        Ok(FileMark {
            rows: self.counts.read,
            xxh3: format!("{:032x}", hashed.hash.digest128()),
        })
    }
}

/// A row under construction: one call per column, in the layout's order, then [`Row::end`].
#[derive(Debug)]
pub(super) struct Row<'a> {
    table: &'a mut Table,
}

impl Row<'_> {
    /// An integer.
    pub(super) fn int(self, value: i64) -> Self {
        let mut text = [0u8; 20];
        let mut at = text.len();
        let mut rest = value.unsigned_abs();
        loop {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            at -= 1;
            text[at] = b'-';
        }
        self.table.field(&text[at..]);
        self
    }

    /// An integer or NULL.
    pub(super) fn maybe(self, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    /// A text; an empty one is NULL.
    pub(super) fn text(self, value: &str) -> Self {
        self.table.field(value.as_bytes());
        self
    }

    /// A text made by a closure in a buffer that is used again for every row.
    pub(super) fn made(self, make: impl FnOnce(&mut String)) -> Self {
        let mut text = std::mem::take(&mut self.table.text);
        text.clear();
        make(&mut text);
        self.table.field(text.as_bytes());
        self.table.text = text;
        self
    }

    /// Bytes as they are, for rows that cannot be read.
    pub(super) fn bytes(self, value: &[u8]) -> Self {
        self.table.field(value);
        self
    }

    /// NULL.
    pub(super) fn null(self) -> Self {
        self.table.field(b"");
        self
    }

    /// A bit, 0 or 1.
    pub(super) fn bit(self, value: bool) -> Self {
        self.table.field(if value { b"1" } else { b"0" });
        self
    }

    /// A date, in the way that the table's file writes dates; None is NULL.
    pub(super) fn date(self, value: impl Into<Option<NaiveDate>>) -> Self {
        let Some(date) = value.into() else {
            return self.null();
        };
        let mut text = *b"0000-00-00 00:00:00";
        let year = date.year().unsigned_abs();
        let digits = [
            (0, year / 1000),
            (1, year / 100),
            (2, year / 10),
            (3, year),
            (5, date.month() / 10),
            (6, date.month()),
            (8, date.day() / 10),
            (9, date.day()),
        ];
        for (at, digit) in digits {
            text[at] = b'0' + (digit % 10) as u8;
        }
        let length = if self.table.layout.dialect.sql_dates {
            19
        } else {
            10
        };
        self.table.field(&text[..length]);
        self
    }

    /// Ends a row that can be read.
    pub(super) fn end(self) {
        debug_assert_eq!(
            self.table.fields,
            self.table.layout.columns.len(),
            "columns of {}",
            self.table.layout.name
        );
        self.table.counts.staged += 1;
        self.table.end();
    }

    /// Ends a row that cannot be read for this reason.
    pub(super) fn end_unreadable(self, reason: &str) {
        *self
            .table
            .counts
            .unreadable
            .entry(reason.to_owned())
            .or_default() += 1;
        self.table.end();
    }
}

/// A file that is hashed while it is written.
struct Hashed {
    out: BufWriter<File>,
    hash: Box<Xxh3>,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
