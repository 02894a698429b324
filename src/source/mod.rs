//! Where SIS rows come from: a folder of CSV, a folder of Parquet, a SQLite file.
//!
//! Reads: the source and `pipelines/sis.toml`. Writes: nothing; yields record batches and rejects.
//! Never: guesses a type, drops a row without a reject.

mod schema;
mod schema_file;
mod schema_page;

pub use schema::{Column, ColumnType, SisSchema, TableSchema};
pub use schema_file::{SchemaError, SchemaProblem};
