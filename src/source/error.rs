//! Why a source cannot be read at all. A single bad row is a reject, never an error.

use std::path::PathBuf;

use super::{Missing, SinkError};

/// Why a source, or one of its tables, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The folder or file is not there, or is of another kind.
    #[error("cannot read the source {}: {what}. Check `path` and `format` under [source]", path.display())]
    NotASource {
        /// The path as configured.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file system failed.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        #[source]
        source: std::io::Error,
    },
    /// Tables or columns are missing; all of them are listed.
    #[error(
        "the source {described} lacks what the pipeline needs:\n{}\nNothing was read. Add what is \
         missing, or switch off the resources that need it",
        lines(missing)
    )]
    Missing {
        /// The source, as it describes itself.
        described: String,
        /// All that is missing, by table.
        missing: Vec<Missing>,
    },
    /// A table's header or schema cannot be used.
    #[error("cannot read table {table} from {}: {what}", path.display())]
    Table {
        /// The table.
        table: String,
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        what: String,
    },
    /// SQLite refused.
    #[error("cannot read {what} from {}", path.display())]
    Sqlite {
        /// The table, or what else was read.
        what: String,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A Parquet file is damaged or of a kind that is not supported.
    #[error("cannot read table {table} from {}", path.display())]
    Parquet {
        /// The table.
        table: String,
        /// The file.
        path: PathBuf,
        /// What the Parquet reader says.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A batch could not be built or converted.
    #[error("cannot convert rows of table {table}")]
    Arrow {
        /// The table.
        table: String,
        /// What Arrow says.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// Whoever takes the rows took no more.
    #[error("stopped while reading table {table}")]
    Stopped {
        /// The table.
        table: String,
        /// What the sink says.
        #[source]
        source: SinkError,
    },
}

fn lines(missing: &[Missing]) -> String {
    let lines: Vec<String> = missing.iter().map(|m| format!("  {m}")).collect();
    lines.join("\n")
}
