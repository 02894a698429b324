//! What can go wrong with a ledger.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file system refused.
    #[error("cannot {doing} {path}; check its permissions and the free space of the disk")]
    Io {
        /// What was tried (`write`).
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The file system's answer.
        #[source]
        source: io::Error,
    },
    /// A Parquet file could not be read or written.
    #[error(
        "cannot read or write the Parquet file {path}; if it is a part of a ledger, restore it \
         from a backup, or move the resource's folder away to send the resource in full again"
    )]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet library says.
        #[source]
        source: ParquetError,
    },
    /// Record batches could not be built, encoded or decoded.
    #[error("cannot {doing} ledger rows of {path}")]
    Arrow {
        /// What was tried (`decode`).
        doing: &'static str,
        /// The file concerned.
        path: PathBuf,
        /// What the Arrow library says.
        #[source]
        source: ArrowError,
    },
    /// The manifest is not what this program writes.
    #[error("{path} is not a ledger manifest; restore it from a backup")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Where the JSON differs.
        #[source]
        source: serde_json::Error,
    },
    /// Written by a later version of the program.
    #[error(
        "{path} has ledger format {found}, this program reads format {known}; use the newer program"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// A file lacks a column, or has it with another type.
    #[error("{path} has no column `{column}` of type {wanted}; run `fullsync transform` again")]
    Column {
        /// The Parquet file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The Arrow type it must have.
        wanted: &'static str,
    },
    /// A value that the contract of an objects file does not allow.
    #[error("{path}, row {row}: `{column}` may not be `{value}`; run `fullsync transform` again")]
    Value {
        /// The objects file.
        path: PathBuf,
        /// Row of the file, 0 = first.
        row: u64,
        /// The column.
        column: &'static str,
        /// The value found.
        value: String,
    },
    /// An objects file with more rows than a row number can name.
    #[error("{path} has {rows} rows, more than one run can decide; split the resource's SQL")]
    TooManyRows {
        /// The objects file.
        path: PathBuf,
        /// Its rows.
        rows: u64,
    },
    /// Compactions went on for longer than a reader is ready to wait.
    #[error("the ledger in {path} changed at every try to read it; try again")]
    Moving {
        /// The ledger's folder.
        path: PathBuf,
    },
}

impl LedgerError {
    /// Wraps a file system error: `.map_err(LedgerError::io("write", path))`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// Wraps a Parquet error.
    pub(super) fn parquet(path: &Path) -> impl FnOnce(ParquetError) -> Self {
        move |source| Self::Parquet {
            path: path.to_owned(),
            source,
        }
    }

    /// Wraps an Arrow error.
    pub(super) fn arrow(doing: &'static str, path: &Path) -> impl FnOnce(ArrowError) -> Self {
        move |source| Self::Arrow {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether a file was not there (any more).
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
