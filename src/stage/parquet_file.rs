//! A Parquet file being written: staged tables, objects and results alike.
//!
//! Reads: record batches. Writes: `.NAME.partial`, synced and renamed when it is complete, its
//! fingerprint taken on the way. Never: leaves a torn file under the final name.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::Xxh3;

use super::{ColumnNote, FileNote, StageError};
use crate::files;
use crate::source::TableSchema;

/// Rows of a row group: what one scan partition reads. More would leave cores idle, fewer cost
/// compression.
pub const ROW_GROUP_ROWS: usize = 131_072;

/// A row group is closed early at about this many encoded bytes, so that memory stays flat.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// How the columns of a file are stored. All files are zstd (level 1) with row groups of
/// [`ROW_GROUP_ROWS`].
#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns whose values hardly repeat: no dictionary is tried.
    plain: Vec<String>,
    /// Whether only the columns that start with `_` get minimum and maximum, to skip row groups and
    /// pages by; body columns are never filtered on.
    scope_statistics: bool,
}

impl Layout {
    /// A staged SIS table.
    pub fn table(table: &TableSchema) -> Self {
        let mut plain = table.key.clone();
        plain.push(String::from("_source_row"));
        Self {
            plain,
            scope_statistics: false,
        }
    }

    /// Finished objects.
    pub fn objects() -> Self {
        let plain = ["_key", "_key_hash", "_content_hash", "_source_key"];
        Self {
            plain: plain.map(str::to_owned).into(),
            scope_statistics: true,
        }
    }

    /// Results, one row per object.
    pub fn results() -> Self {
        let plain = ["_key", "_key_hash", "server_id", "at"];
        Self {
            plain: plain.map(str::to_owned).into(),
            scope_statistics: true,
        }
    }

    /// Records read back from a target.
    pub fn records() -> Self {
        let plain = ["id", "_etag", "_lastModifiedDate"];
        Self {
            plain: plain.map(str::to_owned).into(),
            scope_statistics: false,
        }
    }

    fn properties(&self, schema: &SchemaRef) -> WriterProperties {
        let statistics = if self.scope_statistics {
            EnabledStatistics::None
        } else {
            EnabledStatistics::Chunk
        };
        let mut builder = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_statistics_enabled(statistics);
        for field in schema.fields() {
            let column = || ColumnPath::from(field.name().as_str());
            if self.plain.contains(field.name()) {
                builder = plain(builder, column(), field.data_type());
            }
            if self.scope_statistics && field.name().starts_with('_') {
                builder = builder.set_column_statistics_enabled(column(), EnabledStatistics::Page);
            }
        }
        builder.build()
    }
}

/// Without dictionary; integers as differences, which ids and row numbers make small.
fn plain(
    builder: WriterPropertiesBuilder,
    column: ColumnPath,
    kind: &DataType,
) -> WriterPropertiesBuilder {
    let builder = builder.set_column_dictionary_enabled(column.clone(), false);
    match kind {
        DataType::Int64 | DataType::Timestamp(..) => {
            builder.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
        }
        _ => builder,
    }
}

/// A file being written.
#[derive(Debug)]
pub struct ParquetFile {
    /// None once it is finished.
    writer: Option<ArrowWriter<Fingerprinting>>,
    path: PathBuf,
    partial: PathBuf,
    schema: SchemaRef,
    rows: u64,
}

/// A file that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// xxh3-128 of its bytes, 32 hex digits.
    pub fingerprint: String,
    /// Its columns.
    pub columns: Vec<ColumnNote>,
}

impl StagedFile {
    /// The manifest's entry for an objects or results file.
    pub fn note(&self, resource: &str) -> FileNote {
        FileNote {
            resource: resource.to_owned(),
            rows: self.rows,
            bytes: self.bytes,
            fingerprint: self.fingerprint.clone(),
            columns: self.columns.clone(),
        }
    }
}

impl ParquetFile {
    /// Starts a file; its folder is made when it is not there. Nothing is under `path` until
    /// [`Self::finish`].
    ///
    /// # Errors
    /// When the file cannot be made, or the schema has a type that Parquet has not.
    pub fn create(path: &Path, schema: SchemaRef, layout: &Layout) -> Result<Self, StageError> {
        if let Some(folder) = path.parent() {
            files::create_dir(folder)?;
        }
        let partial = files::partial(path);
        let sink = Fingerprinting {
            file: files::create(&partial)?,
            hash: Box::new(Xxh3::new()),
            bytes: 0,
        };
        let properties = layout.properties(&schema);
        let writer = ArrowWriter::try_new(sink, Arc::clone(&schema), Some(properties))
            .map_err(|source| failed(path, source))?;
        Ok(Self {
            writer: Some(writer),
            path: path.to_owned(),
            partial,
            schema,
            rows: 0,
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the disk refuses, or the batch has another schema.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        self.check_columns(batch.schema_ref())?;
        if let Some(writer) = &mut self.writer {
            writer
                .write(batch)
                .map_err(|source| failed(&self.path, source))?;
            self.rows += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// The writer itself takes a batch with fewer columns, and makes a file that nobody can read.
    fn check_columns(&self, found: &SchemaRef) -> Result<(), StageError> {
        let names = |schema: &SchemaRef| -> Vec<String> {
            schema.fields().iter().map(|f| f.name().clone()).collect()
        };
        if Arc::ptr_eq(found, &self.schema) || names(found) == names(&self.schema) {
            return Ok(());
        }
        let (found, wanted) = (names(found).join(", "), names(&self.schema).join(", "));
        let what = format!("a batch has the columns {found}; the file has {wanted}");
        Err(failed(&self.path, ParquetError::General(what)))
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Completes the file: written, synced, renamed.
    ///
    /// # Errors
    /// When the disk refuses; the partial file is removed.
    pub fn finish(mut self) -> Result<StagedFile, StageError> {
        let Some(writer) = self.writer.take() else {
            return Err(failed(
                &self.path,
                ParquetError::General("finished twice".into()),
            ));
        };
        let done = writer
            .into_inner()
            .map_err(|e| failed(&self.path, e))
            .and_then(|sink| {
                let renamed = sink
                    .file
                    .sync_data()
                    .and_then(|()| fs::rename(&self.partial, &self.path));
                renamed.map_err(|e| files::at(&self.path, &e))?;
                Ok(sink)
            });
        if done.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&self.partial);
        }
        let sink = done?;
        Ok(StagedFile {
            path: self.path.clone(),
            rows: self.rows,
            bytes: sink.bytes,
            fingerprint: format!("{:032x}", sink.hash.digest128()),
            columns: ColumnNote::of(&self.schema),
        })
    }
}

impl Drop for ParquetFile {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // Given up half-way; a kill leaves the partial file, which no reader looks at.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

fn failed(path: &Path, source: ParquetError) -> StageError {
    StageError::Parquet {
        path: path.to_owned(),
        source,
    }
}

/// Counts and hashes what passes.
struct Fingerprinting {
    file: File,
    hash: Box<Xxh3>,
    bytes: u64,
}

impl std::fmt::Debug for Fingerprinting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fingerprinting")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Write for Fingerprinting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The fingerprint of a file as the manifest has it: xxh3-128 of its bytes, 32 hex digits.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn fingerprint(path: &Path) -> io::Result<String> {
    let mut file = File::open(path).map_err(|e| files::at(path, &e))?;
    let (mut hash, mut buffer) = (Xxh3::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer).map_err(|e| files::at(path, &e))? {
            0 => return Ok(format!("{:032x}", hash.digest128())),
            n => hash.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests;
