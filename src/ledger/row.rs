//! A ledger row: its columns, and how an event becomes one.
//!
//! An event is itself a row, so that a journal block, a part of a generation and the result of a
//! merge all have one schema. Two groups of columns follow the newest row of a key separately:
//! what was **delivered** (`content_hash`, `server_id`, `delivered_at`, `delivered_run`) follows
//! the newest `delivered_at`; all the others follow the newest `updated_at`. A refusal has no
//! `delivered_at` and leaves the first group alone; every other event empties `reason`; a delete
//! has a `delivered_at` and no `content_hash`.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int64Builder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
    UInt16Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::entry::{Entry, Event};

/// Name of the key column.
pub(super) const KEY_HASH: &str = "key_hash";
/// Name of the content column.
pub(super) const CONTENT_HASH: &str = "content_hash";
/// Name of the acknowledgement time.
pub(super) const DELIVERED_AT: &str = "delivered_at";
/// Name of the time of the last event.
pub(super) const UPDATED_AT: &str = "updated_at";
/// Name of the standing refusal's reason.
pub(super) const REASON: &str = "reason";
/// Name of the standing refusal's HTTP status.
pub(super) const STATUS: &str = "status";
/// Name of the run of the acknowledgement.
pub(super) const DELIVERED_RUN: &str = "delivered_run";
/// Name of the run of the last event.
pub(super) const UPDATED_RUN: &str = "updated_run";

/// Bytes of a hash.
pub(super) const HASH_BYTES: i32 = 16;

/// Which columns a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// What decides whether an object is due: hashes, times, refusal.
    Narrow,
    /// All.
    Wide,
}

impl Columns {
    /// How many of the schema's leading columns these are.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Narrow => NARROW,
            Self::Wide => SCHEMA.fields().len(),
        }
    }

    /// The schema of these columns.
    pub(super) fn schema(self) -> SchemaRef {
        match self {
            Self::Narrow => Arc::clone(&NARROW_SCHEMA),
            Self::Wide => Arc::clone(&SCHEMA),
        }
    }
}

const NARROW: usize = 6;
const RUNS: usize = 2;

/// The columns of a generation's parts: the narrow ones first, the runs last.
pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let hash = || DataType::FixedSizeBinary(HASH_BYTES);
    Arc::new(Schema::new(vec![
        Field::new(KEY_HASH, hash(), false),
        Field::new(CONTENT_HASH, hash(), true),
        Field::new(DELIVERED_AT, time(), true),
        Field::new(UPDATED_AT, time(), false),
        Field::new(REASON, DataType::Utf8, true),
        Field::new(STATUS, DataType::UInt16, true),
        Field::new("key", DataType::Utf8, false),
        Field::new("source_table", DataType::Utf8, false),
        Field::new("source_key", DataType::Utf8, false),
        Field::new("school_id", DataType::Int64, true),
        Field::new("person_id", DataType::Int64, true),
        Field::new("course_id", DataType::Int64, true),
        Field::new("section_id", DataType::Int64, true),
        Field::new("server_id", DataType::Utf8, true),
        Field::new(DELIVERED_RUN, DataType::Utf8, true),
        Field::new(UPDATED_RUN, DataType::Utf8, true),
    ]))
});

static NARROW_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| leading(NARROW));

/// The columns of a journal block: all but the runs, which are the journal's own.
pub(super) static EVENT_SCHEMA: LazyLock<SchemaRef> =
    LazyLock::new(|| leading(SCHEMA.fields().len() - RUNS));

fn leading(columns: usize) -> SchemaRef {
    Arc::new(Schema::new(
        SCHEMA.fields().get(..columns).unwrap_or_default().to_vec(),
    ))
}

/// Whether a column follows what was delivered last, not what happened last.
pub(super) fn is_delivery(column: &str) -> bool {
    matches!(
        column,
        CONTENT_HASH | DELIVERED_AT | DELIVERED_RUN | "server_id"
    )
}

/// Builds journal rows out of entries.
#[derive(Debug)]
pub(super) struct EventRows {
    key_hash: FixedSizeBinaryBuilder,
    content_hash: FixedSizeBinaryBuilder,
    delivered_at: TimestampMicrosecondBuilder,
    updated_at: TimestampMicrosecondBuilder,
    reason: StringBuilder,
    status: UInt16Builder,
    key: StringBuilder,
    source_table: StringBuilder,
    source_key: StringBuilder,
    scope: [Int64Builder; 4],
    server_id: StringBuilder,
    rows: usize,
}

impl EventRows {
    /// No rows.
    pub(super) fn new() -> Self {
        let time = || TimestampMicrosecondBuilder::new().with_timezone("UTC");
        Self {
            key_hash: FixedSizeBinaryBuilder::new(HASH_BYTES),
            content_hash: FixedSizeBinaryBuilder::new(HASH_BYTES),
            delivered_at: time(),
            updated_at: time(),
            reason: StringBuilder::new(),
            status: UInt16Builder::new(),
            key: StringBuilder::new(),
            source_table: StringBuilder::new(),
            source_key: StringBuilder::new(),
            scope: [(); 4].map(|()| Int64Builder::new()),
            server_id: StringBuilder::new(),
            rows: 0,
        }
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Adds an event as of `at` (microseconds).
    pub(super) fn push(&mut self, entry: &Entry<'_>, at: i64) -> Result<(), ArrowError> {
        self.key_hash.append_value(entry.key_hash.to_bytes())?;
        match entry.event {
            Event::Delivered {
                content_hash,
                server_id,
            } => {
                self.content_hash.append_value(content_hash.to_bytes())?;
                self.server_id
                    .append_option((!server_id.is_empty()).then_some(server_id));
            }
            Event::Refused { .. } | Event::Cleared | Event::Deleted => {
                self.content_hash.append_null();
                self.server_id.append_null();
            }
        }
        let settles = matches!(entry.event, Event::Delivered { .. } | Event::Deleted);
        self.delivered_at.append_option(settles.then_some(at));
        self.updated_at.append_value(at);
        if let Event::Refused { reason, status } = entry.event {
            self.reason.append_value(reason.as_str());
            self.status.append_value(status);
        } else {
            self.reason.append_null();
            self.status.append_null();
        }
        self.key.append_value(entry.key);
        self.source_table.append_value(entry.source_table);
        self.source_key.append_value(entry.source_key);
        let ids = [
            entry.school_id,
            entry.person_id,
            entry.course_id,
            entry.section_id,
        ];
        for (column, id) in self.scope.iter_mut().zip(ids) {
            column.append_option(id);
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows as a batch of [`EVENT_SCHEMA`]; the builder is empty again.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let [school, person, course, section] = &mut self.scope;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.key_hash.finish()),
            Arc::new(self.content_hash.finish()),
            Arc::new(self.delivered_at.finish()),
            Arc::new(self.updated_at.finish()),
            Arc::new(self.reason.finish()),
            Arc::new(self.status.finish()),
            Arc::new(self.key.finish()),
            Arc::new(self.source_table.finish()),
            Arc::new(self.source_key.finish()),
            Arc::new(school.finish()),
            Arc::new(person.finish()),
            Arc::new(course.finish()),
            Arc::new(section.finish()),
            Arc::new(self.server_id.finish()),
        ];
        self.rows = 0;
        RecordBatch::try_new(Arc::clone(&EVENT_SCHEMA), columns)
    }
}

/// Adds the run columns to the wide rows of one journal.
pub(super) fn with_run(batch: &RecordBatch, run: &str) -> Result<RecordBatch, ArrowError> {
    let delivered = column::<TimestampMicrosecondArray>(batch, DELIVERED_AT)?;
    let runs: StringArray = (0..batch.num_rows())
        .map(|i| delivered.is_valid(i).then_some(run))
        .collect();
    let updated: StringArray = (0..batch.num_rows()).map(|_| Some(run)).collect();
    let mut columns = batch.columns().to_vec();
    columns.extend([Arc::new(runs) as ArrayRef, Arc::new(updated) as ArrayRef]);
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
}

/// A column by name and Arrow array type.
pub(super) fn column<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a A, ArrowError> {
    batch
        .column_by_name(name)
        .and_then(|c| c.as_any().downcast_ref::<A>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no column `{name}` of the ledger's type")))
}

/// The 16 bytes of row `i` as a number.
pub(super) fn hash_at(hashes: &FixedSizeBinaryArray, i: usize) -> u128 {
    hashes.value(i).try_into().map_or(0, u128::from_be_bytes)
}
