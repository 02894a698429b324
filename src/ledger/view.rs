//! Reading wide ledger rows: typed columns, one row at a time.

use arrow::array::{
    Array, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt16Array,
};
use arrow::error::ArrowError;

use super::entry::{Entry, Event};
use super::row::{
    CONTENT_HASH, DELIVERED_AT, DELIVERED_RUN, KEY_HASH, REASON, STATUS, UPDATED_AT, UPDATED_RUN,
    column, hash_at,
};
use crate::object::{ContentHash, KeyHash, Reason};

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
    /// When the batch was not read with [`Columns::Wide`](super::Columns::Wide).
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
