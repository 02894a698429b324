//! Results files: one row per object, what became of it. A public contract (`ARCHITECTURE.md`).

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, RecordBatch, StringBuilder, StringDictionaryBuilder,
    TimestampMicrosecondBuilder, UInt16Builder, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Int16Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::object::KeyHash;
use crate::stage::{Layout, ParquetFile, StageError, StagedFile};

/// Rows collected before they are handed to the Parquet writer.
const BATCH_ROWS: usize = 16_384;

/// One row of a results file.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResultRow<'a> {
    /// Natural key.
    pub key: &'a str,
    /// Its hash.
    pub key_hash: Option<KeyHash>,
    /// `upsert`, `replace`, `verify`, `delete` or `forget`.
    pub operation: &'a str,
    /// Outcome word.
    pub outcome: &'a str,
    /// Bounded reason code; empty = none.
    pub reason: &'a str,
    /// HTTP status; 0 = none.
    pub status: u16,
    /// Requests sent for it.
    pub attempts: u16,
    /// From the first request to the last answer, in microseconds.
    pub latency_us: u32,
    /// The server's text.
    pub message: &'a str,
    /// Our own detail: field and offending code.
    pub detail: &'a str,
    /// Resource and key of what held it back; empty = itself.
    pub root: Option<(&'a str, &'a str)>,
    /// The server's id.
    pub server_id: &'a str,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

/// A results file that several books of one resource write to: what is sent and what is deleted.
#[derive(Clone, Debug)]
pub(super) struct SharedResults(Arc<Mutex<Option<ResultsWriter>>>);

impl SharedResults {
    /// Starts the file.
    pub(super) fn create(path: &Path) -> Result<Self, ResultsError> {
        let writer = ResultsWriter::create(path)?;
        Ok(Self(Arc::new(Mutex::new(Some(writer)))))
    }

    /// Adds a row.
    pub(super) fn push(&self, row: &ResultRow<'_>) -> Result<(), ResultsError> {
        match self.0.lock().ok().as_deref_mut() {
            Some(Some(writer)) => writer.push(row),
            _ => Ok(()),
        }
    }

    /// Completes the file, the first time.
    pub(super) fn finish(&self) -> Result<Option<StagedFile>, ResultsError> {
        let writer = self.0.lock().ok().and_then(|mut writer| writer.take());
        writer.map(ResultsWriter::finish).transpose()
    }
}

/// Writes one results file, under a temporary name until it is complete.
pub struct ResultsWriter {
    file: ParquetFile,
    schema: SchemaRef,
    columns: Columns,
}

impl std::fmt::Debug for ResultsWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultsWriter")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

struct Columns {
    key: StringBuilder,
    key_hash: FixedSizeBinaryBuilder,
    operation: StringDictionaryBuilder<Int16Type>,
    outcome: StringDictionaryBuilder<Int16Type>,
    reason: StringDictionaryBuilder<Int16Type>,
    status: UInt16Builder,
    attempts: UInt16Builder,
    latency_ms: UInt32Builder,
    message: StringBuilder,
    detail: StringBuilder,
    root_resource: StringBuilder,
    root_key: StringBuilder,
    server_id: StringBuilder,
    at: TimestampMicrosecondBuilder,
    len: usize,
}

/// The schema of a results file.
pub fn schema() -> SchemaRef {
    let word = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("_key", DataType::Utf8, false),
        Field::new("_key_hash", DataType::FixedSizeBinary(16), false),
        Field::new("operation", word.clone(), false),
        Field::new("outcome", word.clone(), false),
        Field::new("reason", word, true),
        Field::new("status", DataType::UInt16, false),
        Field::new("attempts", DataType::UInt16, false),
        Field::new("latency_ms", DataType::UInt32, true),
        Field::new("message", DataType::Utf8, true),
        Field::new("detail", DataType::Utf8, true),
        Field::new("root_resource", DataType::Utf8, true),
        Field::new("root_key", DataType::Utf8, true),
        Field::new("server_id", DataType::Utf8, true),
        Field::new(
            "at",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            false,
        ),
    ]))
}

impl Columns {
    fn new() -> Self {
        Self {
            key: StringBuilder::new(),
            key_hash: FixedSizeBinaryBuilder::new(16),
            operation: StringDictionaryBuilder::new(),
            outcome: StringDictionaryBuilder::new(),
            reason: StringDictionaryBuilder::new(),
            status: UInt16Builder::new(),
            attempts: UInt16Builder::new(),
            latency_ms: UInt32Builder::new(),
            message: StringBuilder::new(),
            detail: StringBuilder::new(),
            root_resource: StringBuilder::new(),
            root_key: StringBuilder::new(),
            server_id: StringBuilder::new(),
            at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            len: 0,
        }
    }

    fn push(&mut self, row: &ResultRow<'_>) -> Result<(), ArrowError> {
        let some = |text| Some(text).filter(|t: &&str| !t.is_empty());
        self.key.append_value(row.key);
        let hash = row.key_hash.unwrap_or_else(|| KeyHash::of(row.key));
        self.key_hash.append_value(hash.to_bytes())?;
        self.operation.append(row.operation)?;
        self.outcome.append(row.outcome)?;
        match some(row.reason) {
            Some(reason) => {
                self.reason.append(reason)?;
            }
            None => self.reason.append_null(),
        }
        self.status.append_value(row.status);
        self.attempts.append_value(row.attempts);
        self.latency_ms
            .append_option((row.attempts > 0).then_some(row.latency_us / 1000));
        self.message.append_option(some(row.message));
        self.detail.append_option(some(row.detail));
        self.root_resource
            .append_option(row.root.map(|(resource, _)| resource));
        self.root_key.append_option(row.root.map(|(_, key)| key));
        self.server_id.append_option(some(row.server_id));
        self.at.append_value(row.at);
        self.len += 1;
        Ok(())
    }

    fn take(&mut self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        self.len = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.key.finish()),
            Arc::new(self.key_hash.finish()),
            Arc::new(self.operation.finish()),
            Arc::new(self.outcome.finish()),
            Arc::new(self.reason.finish()),
            Arc::new(self.status.finish()),
            Arc::new(self.attempts.finish()),
            Arc::new(self.latency_ms.finish()),
            Arc::new(self.message.finish()),
            Arc::new(self.detail.finish()),
            Arc::new(self.root_resource.finish()),
            Arc::new(self.root_key.finish()),
            Arc::new(self.server_id.finish()),
            Arc::new(self.at.finish()),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

/// Why a results file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The file.
    #[error(transparent)]
    File(#[from] StageError),
    /// A batch of rows could not be put together.
    #[error("cannot put results together")]
    Rows(#[from] ArrowError),
}

impl ResultsWriter {
    /// Starts a results file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self, ResultsError> {
        let schema = schema();
        let file = ParquetFile::create(path, Arc::clone(&schema), &Layout::results())?;
        Ok(Self {
            file,
            schema,
            columns: Columns::new(),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, row: &ResultRow<'_>) -> Result<(), ResultsError> {
        self.columns.push(row)?;
        if self.columns.len >= BATCH_ROWS {
            self.drain()
        } else {
            Ok(())
        }
    }

    fn drain(&mut self) -> Result<(), ResultsError> {
        let batch = self.columns.take(&self.schema)?;
        Ok(self.file.write(&batch)?)
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<StagedFile, ResultsError> {
        if self.columns.len > 0 {
            self.drain()?;
        }
        Ok(self.file.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    #[test]
    fn rows_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("students.parquet");
        let mut writer = ResultsWriter::create(&path).unwrap();
        for i in 0..20_000 {
            let key = format!("studentUniqueId={i}");
            let row = ResultRow {
                key: &key,
                operation: "upsert",
                outcome: if i == 7 { "failed" } else { "created" },
                reason: if i == 7 { "validation_failed" } else { "" },
                attempts: 1,
                ..ResultRow::default()
            };
            writer.push(&row).unwrap();
        }
        assert!(!path.exists());
        assert_eq!(writer.finish().unwrap().rows, 20_000);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap());
        let rows: usize = reader
            .unwrap()
            .build()
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum();
        assert_eq!(rows, 20_000);
    }
}
