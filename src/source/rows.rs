//! Rows on their way from any source into batches: one cell per declared column, keys checked,
//! faults turned into rejects.
//!
//! Reads: cells. Writes: batches and rejects to a sink. Never: drops a row without counting it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use xxhash_rust::xxh3::xxh3_128;

use super::cell::Cell;
use super::column::ColumnBuffer;
use super::keys::{IntSet, KeyHashSet};
use super::reject::shown;
use super::{
    BATCH_ROWS, BATCH_TEXT_BYTES, ColumnType, Reject, RejectReason, Sink, SinkError, SourceError,
    TableCount, TableSchema,
};

/// The batch being filled and what was met so far.
pub(super) struct Rows<'a> {
    table: &'a TableSchema,
    schema: SchemaRef,
    file: String,
    sink: &'a mut dyn Sink,
    columns: Vec<ColumnBuffer>,
    source_rows: Vec<i64>,
    /// Where the key's columns stand among the declared ones.
    key_at: Vec<usize>,
    seen: Seen,
    key_bytes: Vec<u8>,
    count: TableCount,
}

enum Seen {
    /// The key is one integer column.
    Ints(IntSet),
    /// Any other key.
    Hashes(KeyHashSet),
}

impl<'a> Rows<'a> {
    /// No rows yet. `file` is named in rejects.
    pub(super) fn new(table: &'a TableSchema, file: String, sink: &'a mut dyn Sink) -> Self {
        let key_at: Vec<usize> = table
            .key
            .iter()
            .filter_map(|k| table.columns.iter().position(|c| c.name == *k))
            .collect();
        let one_int = matches!(
            key_at.as_slice(),
            [at] if table.columns.get(*at).is_some_and(|c| c.kind == ColumnType::Int)
        );
        Self {
            table,
            schema: table.arrow(),
            file,
            sink,
            columns: table
                .columns
                .iter()
                .map(|c| ColumnBuffer::new(c.kind))
                .collect(),
            source_rows: Vec::with_capacity(BATCH_ROWS),
            key_at,
            seen: if one_int {
                Seen::Ints(IntSet::new())
            } else {
                Seen::Hashes(KeyHashSet::default())
            },
            key_bytes: Vec::new(),
            count: TableCount::default(),
        }
    }

    /// Takes one row: `cell` gives the cell of each declared column, by its position.
    ///
    /// # Errors
    /// When the sink takes no more.
    pub(super) fn row<'c>(
        &mut self,
        line: u64,
        cell: impl Fn(usize) -> Cell<'c>,
    ) -> Result<(), SourceError> {
        self.count.read += 1;
        let row = self.source_rows.len();
        let mut fault = None;
        for (at, column) in self.columns.iter_mut().enumerate() {
            if let Err(reason) = column.push(cell(at)) {
                fault = Some((at, reason));
                break;
            }
        }
        let fault = fault.or_else(|| self.key_fault(row));
        if let Some((at, reason)) = fault {
            for column in &mut self.columns {
                column.truncate(row);
            }
            return self.reject_cell(line, at, reason, cell);
        }
        self.source_rows
            .push(i64::try_from(self.count.read).unwrap_or(i64::MAX));
        let text: usize = self.columns.iter().map(ColumnBuffer::text_bytes).sum();
        if self.source_rows.len() == BATCH_ROWS || text > BATCH_TEXT_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Counts and rejects a row that has no cells to read.
    ///
    /// # Errors
    /// When the sink takes no more.
    pub(super) fn unreadable(
        &mut self,
        line: u64,
        reason: RejectReason,
        value: String,
    ) -> Result<(), SourceError> {
        self.count.read += 1;
        self.reject(line, String::new(), reason, value, String::new())
    }

    /// Yields the last batch.
    ///
    /// # Errors
    /// When the sink takes no more.
    pub(super) fn finish(mut self) -> Result<TableCount, SourceError> {
        self.flush()?;
        Ok(self.count)
    }

    /// Checks the key of the row that was just appended, and remembers it.
    fn key_fault(&mut self, row: usize) -> Option<(usize, RejectReason)> {
        for at in &self.key_at {
            if !self.columns[*at].is_filled(row) {
                return Some((*at, RejectReason::EmptyKey));
            }
        }
        let first = *self.key_at.first()?;
        let new = match &mut self.seen {
            Seen::Ints(ids) => ids.insert(self.columns[first].int(row)?),
            Seen::Hashes(hashes) => {
                self.key_bytes.clear();
                for at in &self.key_at {
                    self.columns[*at].write_key(row, &mut self.key_bytes);
                }
                hashes.insert(xxh3_128(&self.key_bytes))
            }
        };
        (!new).then_some((first, RejectReason::DuplicateKey))
    }

    fn reject_cell<'c>(
        &mut self,
        line: u64,
        at: usize,
        reason: RejectReason,
        cell: impl Fn(usize) -> Cell<'c>,
    ) -> Result<(), SourceError> {
        let value = if reason == RejectReason::TooLarge {
            String::from("more than 1048576 bytes")
        } else {
            cell_text(cell(at))
        };
        let key: Vec<String> = self
            .key_at
            .iter()
            .map(|at| format!("{}={}", self.table.columns[*at].name, cell_text(cell(*at))))
            .collect();
        let column = self.table.columns[at].name.clone();
        self.reject(line, column, reason, value, key.join("&"))
    }

    fn reject(
        &mut self,
        line: u64,
        column: String,
        reason: RejectReason,
        value: String,
        key: String,
    ) -> Result<(), SourceError> {
        self.count.unreadable += 1;
        let reject = Reject {
            table: self.table.name.clone(),
            file: self.file.clone(),
            line,
            column,
            reason,
            value,
            key,
        };
        self.sink.reject(reject).map_err(|e| self.stopped(e))
    }

    fn flush(&mut self) -> Result<(), SourceError> {
        if self.source_rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::replace(&mut self.source_rows, Vec::with_capacity(BATCH_ROWS));
        self.count.staged += rows.len() as u64;
        let batch = self.batch(rows).map_err(|source| SourceError::Arrow {
            table: self.table.name.clone(),
            source,
        })?;
        self.sink.batch(batch).map_err(|e| self.stopped(e))
    }

    fn batch(&mut self, rows: Vec<i64>) -> Result<RecordBatch, arrow::error::ArrowError> {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 1);
        for column in &mut self.columns {
            arrays.push(column.finish()?);
        }
        arrays.push(Arc::new(Int64Array::from(rows)));
        RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays)
    }

    fn stopped(&self, source: SinkError) -> SourceError {
        SourceError::Stopped {
            table: self.table.name.clone(),
            source,
        }
    }
}

/// A cell as the file of rejects shows it.
fn cell_text(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => shown(text),
        Cell::Int(value) => value.to_string(),
        Cell::Real(value) => value.to_string(),
        Cell::Bit(value) => value.to_string(),
        Cell::Decimal(..) | Cell::Date(_) | Cell::Timestamp(_) | Cell::Time(_) => {
            let mut column = ColumnBuffer::new(ColumnType::Text);
            column
                .push(cell)
                .map(|()| column.text_at(0))
                .unwrap_or_default()
        }
    }
}
