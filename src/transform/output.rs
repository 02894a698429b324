//! Writes an objects file: Parquet (zstd) under a temporary name, renamed when it is complete.
//!
//! Reads: record batches. Writes: one owner-only file. Never: leaves a half-written file under the
//! final name.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;

use crate::files;

/// Rows of a row group: small enough that a later scan can share a file among cores.
const ROW_GROUP_ROWS: usize = 131_072;

/// An objects file that is being written.
pub(super) struct ObjectsFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl ObjectsFile {
    /// Starts the file.
    pub(super) fn create(path: &Path, schema: SchemaRef) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let file = files::create(&files::partial(path))?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            rows: 0,
        })
    }

    /// Appends objects.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += u64::try_from(batch.num_rows()).unwrap_or_default();
        self.writer.write(batch)
    }

    /// Completes the file; the number of objects in it.
    pub(super) fn finish(self) -> Result<u64> {
        let file = self.writer.into_inner()?;
        file.sync_data()?;
        let renamed = fs::rename(files::partial(&self.path), &self.path);
        renamed.map_err(|e| ParquetError::from(files::at(&self.path, &e)))?;
        Ok(self.rows)
    }

    /// Gives the file up.
    pub(super) fn discard(self) {
        let partial = files::partial(&self.path);
        drop(self.writer);
        if let Err(error) = fs::remove_file(&partial) {
            tracing::debug!(file = %partial.display(), %error, "cannot remove a partial file");
        }
    }
}
