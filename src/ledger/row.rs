//! A ledger row: its columns, how an event becomes one, and how one is read.
//!
//! An event is itself a row, so that a journal block, a part of a generation and the result of a
//! merge all have one schema. Two groups of columns follow the newest row of a key separately:
//! what was **delivered** (`content_hash`, `server_id`, `delivered_at`, `delivered_run`) follows
//! the newest `delivered_at`; all the others follow the newest `updated_at`. A refusal has no
//! `delivered_at` and leaves the first group alone; every other event empties `reason`; a delete
//! has a `delivered_at` and no `content_hash`.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int64Array, Int64Builder,
    RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder, UInt16Array, UInt16Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::entry::{Entry, Event};
use crate::object::{ContentHash, KeyHash, Reason};

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

/// Typed access to a batch of wide ledger rows.
#[derive(Debug)]
pub struct RowView<'a> {
    key_hash: &'a FixedSizeBinaryArray,
    content_hash: &'a FixedSizeBinaryArray,
    delivered_at: &'a TimestampMicrosecondArray,
    updated_at: &'a TimestampMicrosecondArray,
    texts: [&'a StringArray; 7],
    status: &'a UInt16Array,
    scope: [&'a Int64Array; 4],
    rows: usize,
}

impl<'a> RowView<'a> {
    /// Looks the columns up once.
    ///
    /// # Errors
    /// When the batch was not read with [`Columns::Wide`].
    pub fn new(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let text = |name| column::<StringArray>(batch, name);
        let id = |name| column::<Int64Array>(batch, name);
        Ok(Self {
            key_hash: column(batch, KEY_HASH)?,
            content_hash: column(batch, CONTENT_HASH)?,
            delivered_at: column(batch, DELIVERED_AT)?,
            updated_at: column(batch, UPDATED_AT)?,
            texts: [
                text(REASON)?,
                text("key")?,
                text("source_table")?,
                text("source_key")?,
                text("server_id")?,
                text(DELIVERED_RUN)?,
                text(UPDATED_RUN)?,
            ],
            status: column(batch, STATUS)?,
            scope: [
                id("school_id")?,
                id("person_id")?,
                id("course_id")?,
                id("section_id")?,
            ],
            rows: batch.num_rows(),
        })
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = RowRef<'a>> + '_ {
        (0..self.rows).map(|i| self.get(i))
    }

    /// Row `i`, which must be below the batch's row count.
    pub fn get(&self, i: usize) -> RowRef<'a> {
        let text = |column: &'a StringArray| column.is_valid(i).then(|| column.value(i));
        let [
            reason,
            key,
            table,
            source_key,
            server_id,
            delivered_run,
            updated_run,
        ] = self.texts;
        let [school, person, course, section] =
            self.scope.map(|c| c.is_valid(i).then(|| c.value(i)));
        RowRef {
            key_hash: KeyHash(hash_at(self.key_hash, i)),
            content_hash: (self.content_hash.is_valid(i))
                .then(|| ContentHash(hash_at(self.content_hash, i))),
            delivered_at: self
                .delivered_at
                .is_valid(i)
                .then(|| self.delivered_at.value(i)),
            delivered_run: text(delivered_run),
            server_id: text(server_id),
            updated_at: self.updated_at.value(i),
            updated_run: text(updated_run).unwrap_or_default(),
            refusal: text(reason).map(|r| (r, self.status.value(i))),
            key: text(key).unwrap_or_default(),
            source_table: text(table).unwrap_or_default(),
            source_key: text(source_key).unwrap_or_default(),
            school_id: school,
            person_id: person,
            course_id: course,
            section_id: section,
        }
    }
}

/// What the ledger knows of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// Hash of the natural key.
    pub key_hash: KeyHash,
    /// Content last acknowledged; `None`: never, or deleted since.
    pub content_hash: Option<ContentHash>,
    /// Time of that acknowledgement, microseconds since 1970 (UTC).
    pub delivered_at: Option<i64>,
    /// Run of that acknowledgement.
    pub delivered_run: Option<&'a str>,
    /// The target's id of the record.
    pub server_id: Option<&'a str>,
    /// Time of the last event: when there is a refusal, its time.
    pub updated_at: i64,
    /// Run of the last event.
    pub updated_run: &'a str,
    /// Standing refusal: reason and HTTP status.
    pub refusal: Option<(&'a str, u16)>,
    /// Natural key.
    pub key: &'a str,
    /// SIS table.
    pub source_table: &'a str,
    /// SIS key.
    pub source_key: &'a str,
    /// SIS school.
    pub school_id: Option<i64>,
    /// SIS person.
    pub person_id: Option<i64>,
    /// SIS course.
    pub course_id: Option<i64>,
    /// SIS section.
    pub section_id: Option<i64>,
}

impl<'a> RowRef<'a> {
    /// An event about this object.
    pub fn entry(&self, resource: &'a str, event: Event<'a>, at: i64) -> Entry<'a> {
        Entry {
            resource,
            key_hash: self.key_hash,
            key: self.key,
            source_table: self.source_table,
            source_key: self.source_key,
            school_id: self.school_id,
            person_id: self.person_id,
            course_id: self.course_id,
            section_id: self.section_id,
            event,
            at,
        }
    }

    /// A copy that outlives the batch.
    pub fn to_owned(&self) -> Row {
        let text = |t: Option<&str>| t.map(str::to_owned);
        Row {
            key_hash: self.key_hash,
            content_hash: self.content_hash,
            delivered_at: self.delivered_at,
            delivered_run: text(self.delivered_run),
            server_id: text(self.server_id),
            updated_at: self.updated_at,
            updated_run: self.updated_run.to_owned(),
            refusal: self
                .refusal
                .and_then(|(r, status)| Some((Reason::parse(r)?, status))),
            key: self.key.to_owned(),
            source_table: self.source_table.to_owned(),
            source_key: self.source_key.to_owned(),
            scope: [
                self.school_id,
                self.person_id,
                self.course_id,
                self.section_id,
            ],
        }
    }
}

/// A [`RowRef`] that owns its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Hash of the natural key.
    pub key_hash: KeyHash,
    /// Content last acknowledged; `None`: never, or deleted since.
    pub content_hash: Option<ContentHash>,
    /// Time of that acknowledgement, microseconds since 1970 (UTC).
    pub delivered_at: Option<i64>,
    /// Run of that acknowledgement.
    pub delivered_run: Option<String>,
    /// The target's id of the record.
    pub server_id: Option<String>,
    /// Time of the last event: when there is a refusal, its time.
    pub updated_at: i64,
    /// Run of the last event.
    pub updated_run: String,
    /// Standing refusal: reason and HTTP status.
    pub refusal: Option<(Reason, u16)>,
    /// Natural key.
    pub key: String,
    /// SIS table.
    pub source_table: String,
    /// SIS key.
    pub source_key: String,
    /// SIS school, person, course, section.
    pub scope: [Option<i64>; 4],
}
