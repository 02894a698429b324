//! `deletes/RESOURCE.parquet`: what is to be deleted, with the scope columns of an objects file, so
//! that it is loaded as objects are; `_reason` says why.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, Int64Builder, RecordBatch, StringBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use arrow::error::ArrowError;

use crate::ledger::RowRef;
use crate::load::SERVER_ID;
use crate::object::KeyHash;
use crate::stage::{Layout, ParquetFile, StageError};
use crate::transform::object_schema;

/// Rows collected before they are handed to the Parquet writer.
const BATCH_ROWS: usize = 8192;

/// One record that is to go.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::run) struct Doomed<'a> {
    /// Natural key.
    pub(in crate::run) key: &'a str,
    /// SIS row.
    pub(in crate::run) source: (&'a str, &'a str),
    /// SIS school, person, course, section.
    pub(in crate::run) ids: [Option<i64>; 4],
    /// The target's id of the record, where the record is to be found by it.
    pub(in crate::run) server_id: Option<&'a str>,
    /// Why: a bounded code.
    pub(in crate::run) why: &'static str,
}

impl<'a> Doomed<'a> {
    /// A ledger row; it is found by its id, or by its key where the id may mean another key by now.
    pub(in crate::run) fn of(row: &RowRef<'a>, by_id: bool, why: &'static str) -> Self {
        Self {
            key: row.key,
            source: (row.source_table, row.source_key),
            ids: [row.school_id, row.person_id, row.course_id, row.section_id],
            server_id: row.server_id.filter(|_| by_id),
            why,
        }
    }
}

/// The file, being written.
#[derive(Debug)]
pub(in crate::run) struct DeletesFile {
    file: ParquetFile,
    schema: SchemaRef,
    key: StringBuilder,
    key_hash: FixedSizeBinaryBuilder,
    source: [StringBuilder; 2],
    ids: [Int64Builder; 4],
    why: StringBuilder,
    server_id: StringBuilder,
    len: usize,
}

/// Why it could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DeletesError {
    /// The file.
    #[error(transparent)]
    File(#[from] StageError),
    /// A combined person whose rows are still in the SIS.
    #[error(
        "--pairs says that the persons {} were removed by combining, and the source still has \
         records of them that would be sent; combine them in the SIS and extract again",
        persons.join(", ")
    )]
    StillThere {
        /// SIS personIDs.
        persons: Vec<String>,
    },
    /// A batch of rows could not be put together.
    #[error("cannot put the list of deletes together")]
    Rows(#[from] ArrowError),
}

impl DeletesFile {
    /// Starts a file.
    pub(in crate::run) fn create(path: &Path) -> Result<Self, DeletesError> {
        let scope = object_schema(&Fields::empty());
        let mut fields: Vec<Arc<Field>> = scope.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(SERVER_ID, DataType::Utf8, true)));
        let schema: SchemaRef = Arc::new(arrow::datatypes::Schema::new(fields));
        Ok(Self {
            file: ParquetFile::create(path, Arc::clone(&schema), &Layout::objects())?,
            schema,
            key: StringBuilder::new(),
            key_hash: FixedSizeBinaryBuilder::new(16),
            source: [(); 2].map(|()| StringBuilder::new()),
            ids: [(); 4].map(|()| Int64Builder::new()),
            why: StringBuilder::new(),
            server_id: StringBuilder::new(),
            len: 0,
        })
    }

    /// Adds a record.
    pub(in crate::run) fn push(&mut self, row: &Doomed<'_>) -> Result<(), DeletesError> {
        self.key.append_value(row.key);
        self.key_hash
            .append_value(KeyHash::of(row.key).to_bytes())?;
        let [table, key] = &mut self.source;
        table.append_value(row.source.0);
        key.append_value(row.source.1);
        for (column, id) in self.ids.iter_mut().zip(row.ids) {
            column.append_option(id);
        }
        self.why.append_value(row.why);
        self.server_id.append_option(row.server_id);
        self.len += 1;
        match self.len >= BATCH_ROWS {
            true => self.drain(),
            false => Ok(()),
        }
    }

    fn drain(&mut self) -> Result<(), DeletesError> {
        let key_hash: ArrayRef = Arc::new(self.key_hash.finish());
        // No content is known of what is to go; the column is part of the contract.
        let nothing = FixedSizeBinaryZeros::of(self.len)?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.key.finish()), key_hash, nothing];
        columns.extend(self.source.iter_mut().map(|c| Arc::new(c.finish()) as _));
        columns.extend(self.ids.iter_mut().map(|c| Arc::new(c.finish()) as _));
        columns.push(new_null_array(&DataType::Utf8, self.len));
        columns.push(Arc::new(self.why.finish()));
        columns.push(new_null_array(&DataType::Utf8, self.len));
        columns.push(Arc::new(self.server_id.finish()));
        self.len = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok(self.file.write(&batch)?)
    }

    /// Completes it; how many records it has.
    pub(in crate::run) fn finish(mut self) -> Result<u64, DeletesError> {
        if self.len > 0 {
            self.drain()?;
        }
        Ok(self.file.finish()?.rows)
    }
}

struct FixedSizeBinaryZeros;

impl FixedSizeBinaryZeros {
    fn of(rows: usize) -> Result<ArrayRef, ArrowError> {
        let mut zeros = FixedSizeBinaryBuilder::with_capacity(rows, 16);
        for _ in 0..rows {
            zeros.append_value([0; 16])?;
        }
        Ok(Arc::new(zeros.finish()))
    }
}
