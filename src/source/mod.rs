//! Where SIS rows come from: a folder of CSV, a folder of Parquet, a SQLite file.
//!
//! Reads: the source and `pipelines/sis.toml`. Writes: nothing; yields record batches and rejects.
//! Never: guesses a type, drops a row without a reject.

mod cell;
mod check;
mod column;
mod csv;
mod error;
mod folder;
mod keys;
mod parquet;
mod record;
mod reject;
mod rows;
mod schema;
mod schema_file;
mod schema_page;
mod sqlite;
mod text;

use std::path::Path;

use arrow::record_batch::RecordBatch;

pub use check::{Missing, check};
pub use csv::CsvFolder;
pub use error::SourceError;
pub use parquet::ParquetFolder;
pub use reject::{Reject, RejectReason};
pub use schema::{Column, ColumnType, SisSchema, TableSchema};
pub use schema_file::{SchemaError, SchemaProblem};
pub use sqlite::SqliteFile;

/// Most rows of one record batch: DataFusion's own batch size in this program.
pub const BATCH_ROWS: usize = 16_384;

/// A batch is closed early when its texts exceed this many bytes, so that memory stays flat.
pub const BATCH_TEXT_BYTES: usize = 8 << 20;

/// Longest record of a CSV file and longest value of any source, in bytes.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// A place that SIS tables are read from. Blocking; one call reads one table from start to end,
/// several tables may be read at once from several threads.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// The tables that the source has, for the check before anything is read.
    ///
    /// # Errors
    /// When the folder or file itself cannot be read. A single table that cannot be read says so in
    /// its [`TableInfo::fault`].
    fn tables(&self) -> Result<Vec<TableInfo>, SourceError>;

    /// Reads one table into `sink` as batches of [`TableSchema::arrow`]. Rows that cannot be read
    /// go to the sink as rejects, and reading goes on.
    ///
    /// # Errors
    /// When the table cannot be read (further), or when the sink refuses to take more.
    fn read(&self, table: &TableSchema, sink: &mut dyn Sink) -> Result<TableCount, SourceError>;

    /// What it is, for messages: `CSV folder sample-data`.
    fn describe(&self) -> String;

    /// Size of one table in the source in bytes, where the source can tell.
    fn size_bytes(&self, table: &str) -> Option<u64>;

    /// Size of these tables in the source in bytes, for the estimate of the disk space needed.
    fn total_bytes(&self, tables: &[&str]) -> u64 {
        tables.iter().filter_map(|t| self.size_bytes(t)).sum()
    }
}

/// Takes what a source reads.
pub trait Sink {
    /// Takes rows that could be read.
    ///
    /// # Errors
    /// To stop reading; the error comes back as [`SourceError::Stopped`].
    fn batch(&mut self, batch: RecordBatch) -> Result<(), SinkError>;

    /// Takes a row that could not be read.
    ///
    /// # Errors
    /// As [`Self::batch`].
    fn reject(&mut self, reject: Reject) -> Result<(), SinkError>;
}

/// Why a sink takes no more.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// A table as the source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name as the source spells it.
    pub name: String,
    /// Its columns as the source spells them.
    pub columns: Vec<String>,
    /// Why its columns cannot be read, when they cannot.
    pub fault: Option<String>,
}

/// What became of the rows of one table: `read = staged + unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableCount {
    /// Rows met, the header not counted.
    pub read: u64,
    /// Rows yielded in batches.
    pub staged: u64,
    /// Rows given to the sink as rejects.
    pub unreadable: u64,
}

/// Formats of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A folder of `Table.csv`.
    Csv,
    /// A folder of `Table.parquet`.
    Parquet,
    /// A SQLite file.
    Sqlite,
}

impl Format {
    /// The word used in pipeline files and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Opens a source.
///
/// # Errors
/// When the folder or file is not there or is of another kind.
pub fn open(path: &Path, format: Format) -> Result<Box<dyn Source>, SourceError> {
    Ok(match format {
        Format::Csv => Box::new(CsvFolder::open(path)?),
        Format::Parquet => Box::new(ParquetFolder::open(path)?),
        Format::Sqlite => Box::new(SqliteFile::open(path)?),
    })
}

#[cfg(test)]
mod tests;
