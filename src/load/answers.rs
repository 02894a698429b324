//! Reading results files: what became of each object of a run.
//!
//! Reads: one results file, as a stream. Writes: nothing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType, TimestampMicrosecondType, UInt16Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::objects::{ObjectsError, of_keys};
use crate::object::KeyHash;

const BATCH_ROWS: usize = 8192;

/// What is read of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Key hash, outcome, reason and status; the other fields are empty.
    Narrow,
    /// Everything.
    Wide,
}

/// One row: what became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Hash of the natural key.
    pub key_hash: KeyHash,
    /// Outcome word.
    pub outcome: &'a str,
    /// Bounded reason; empty = none.
    pub reason: &'a str,
    /// HTTP status; 0 = none.
    pub status: u16,
    /// Natural key.
    pub key: &'a str,
    /// `upsert`, `verify`, `delete`, ...
    pub operation: &'a str,
    /// Requests sent for it.
    pub attempts: u16,
    /// The server's text.
    pub message: &'a str,
    /// Our own detail.
    pub detail: &'a str,
    /// Resource and key of what held it back.
    pub root: Option<(&'a str, &'a str)>,
    /// The server's id of the record.
    pub server_id: &'a str,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

/// An open results file.
#[derive(Debug)]
pub struct Answers {
    path: PathBuf,
    footer: ArrowReaderMetadata,
}

impl Answers {
    /// Opens a file.
    ///
    /// # Errors
    /// [`ObjectsError`].
    pub fn open(path: &Path) -> Result<Self, ObjectsError> {
        let fail = |source| ObjectsError::Parquet {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(|e| fail(e.into()))?;
        let footer =
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            footer,
        })
    }

    /// Visits the rows in the order of the file; only those of `keys` (sorted) when given.
    ///
    /// # Errors
    /// [`ObjectsError`], or the visitor's.
    pub fn read<E: From<ObjectsError>>(
        &self,
        width: Width,
        keys: Option<&Arc<[KeyHash]>>,
        mut visit: impl FnMut(&Answer<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let fail = |source| ObjectsError::Parquet {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).map_err(|e| fail(e.into()))?;
        let mask = match width {
            Width::Wide => ProjectionMask::all(),
            Width::Narrow => ProjectionMask::columns(self.footer.parquet_schema(), NARROW),
        };
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
                .with_projection(mask)
                .with_batch_size(BATCH_ROWS);
        if let Some(keys) = keys {
            builder = builder.with_row_filter(of_keys(&self.footer, keys));
        }
        for batch in builder.build().map_err(fail)? {
            let batch = batch.map_err(|source| ObjectsError::Arrow {
                path: self.path.clone(),
                source,
            })?;
            let rows = Rows::new(&batch, width).map_err(|column| ObjectsError::Column {
                path: self.path.clone(),
                column,
            })?;
            for row in 0..batch.num_rows() {
                visit(&rows.get(row))?;
            }
        }
        Ok(())
    }
}

const NARROW: [&str; 4] = ["_key_hash", "outcome", "reason", "status"];

/// The typed columns of a batch; those that are not read are empty.
struct Rows {
    key_hash: FixedSizeBinaryArray,
    status: PrimitiveArray<UInt16Type>,
    attempts: Option<PrimitiveArray<UInt16Type>>,
    at: Option<PrimitiveArray<TimestampMicrosecondType>>,
    texts: [Option<StringArray>; 9],
}

const TEXTS: [&str; 9] = [
    "outcome",
    "reason",
    "_key",
    "operation",
    "message",
    "detail",
    "root_resource",
    "root_key",
    "server_id",
];

impl Rows {
    /// Looks the columns up; the name of one that is missing or of another type otherwise.
    fn new(batch: &RecordBatch, width: Width) -> Result<Self, String> {
        let hashes = batch.column_by_name("_key_hash");
        let hashes = hashes.and_then(|c| c.as_fixed_size_binary_opt());
        let mut texts = [const { None }; 9];
        for (slot, name) in texts.iter_mut().zip(TEXTS) {
            if width == Width::Wide || NARROW.contains(&name) {
                let column = batch.column_by_name(name);
                let column = column.and_then(|c| cast(c, &DataType::Utf8).ok());
                *slot = column.and_then(|c| c.as_string_opt::<i32>().cloned());
                if slot.is_none() {
                    return Err(name.to_owned());
                }
            }
        }
        Ok(Self {
            key_hash: hashes.cloned().ok_or_else(|| "_key_hash".to_owned())?,
            status: numbers(batch, "status").ok_or_else(|| "status".to_owned())?,
            attempts: numbers(batch, "attempts"),
            at: numbers(batch, "at"),
            texts,
        })
    }

    fn get(&self, row: usize) -> Answer<'_> {
        let [
            outcome,
            reason,
            key,
            operation,
            message,
            detail,
            root_resource,
            root_key,
            server_id,
        ] = self.texts.each_ref().map(|column| {
            let column = column.as_ref().filter(|c| c.is_valid(row));
            column.map_or("", |c| c.value(row))
        });
        Answer {
            key_hash: KeyHash::from_bytes(self.key_hash.value(row)).unwrap_or(KeyHash(0)),
            outcome,
            reason,
            status: self.status.value(row),
            key,
            operation,
            attempts: self.attempts.as_ref().map_or(0, |c| c.value(row)),
            message,
            detail,
            root: (!root_resource.is_empty()).then_some((root_resource, root_key)),
            server_id,
            at: self.at.as_ref().map_or(0, |c| c.value(row)),
        }
    }
}

fn numbers<T: ArrowPrimitiveType>(batch: &RecordBatch, name: &str) -> Option<PrimitiveArray<T>> {
    batch.column_by_name(name)?.as_primitive_opt::<T>().cloned()
}
