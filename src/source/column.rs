//! One column of the batch being filled: takes a cell of any source in its declared type.
//!
//! Reads: cells. Writes: vectors that become Arrow arrays without a copy. Never: keeps half a row;
//! [`ColumnBuffer::truncate`] takes back what a bad row has left.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, Int64Array,
    NullBufferBuilder, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::cell::{self, Cell};
use super::text;
use super::{BATCH_ROWS, ColumnType, MAX_RECORD_BYTES, RejectReason};

/// The values of one column so far.
#[derive(Debug)]
pub(super) struct ColumnBuffer {
    kind: ColumnType,
    values: Values,
    valid: NullBufferBuilder,
}

#[derive(Debug)]
enum Values {
    Int(Vec<i64>),
    Decimal(Vec<i128>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    Bit(BooleanBufferBuilder),
    Text { bytes: Vec<u8>, ends: Vec<i32> },
}

impl Values {
    fn new(kind: ColumnType, text_bytes: usize) -> Self {
        match kind {
            ColumnType::Int => Self::Int(Vec::with_capacity(BATCH_ROWS)),
            ColumnType::Decimal(..) => Self::Decimal(Vec::with_capacity(BATCH_ROWS)),
            ColumnType::Date => Self::Date(Vec::with_capacity(BATCH_ROWS)),
            ColumnType::Timestamp => Self::Timestamp(Vec::with_capacity(BATCH_ROWS)),
            ColumnType::Bit => Self::Bit(BooleanBufferBuilder::new(BATCH_ROWS)),
            ColumnType::Text | ColumnType::Time => {
                let mut ends = Vec::with_capacity(BATCH_ROWS + 1);
                ends.push(0);
                let bytes = Vec::with_capacity(text_bytes);
                Self::Text { bytes, ends }
            }
        }
    }
}

impl ColumnBuffer {
    /// An empty column of this type.
    pub(super) fn new(kind: ColumnType) -> Self {
        Self {
            kind,
            values: Values::new(kind, 0),
            valid: NullBufferBuilder::new(BATCH_ROWS),
        }
    }

    /// Appends one cell. On an error nothing is appended, or [`Self::truncate`] removes it.
    ///
    /// # Errors
    /// Why the cell is not a value of the declared type.
    #[inline]
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<(), RejectReason> {
        match cell {
            Cell::Null | Cell::Text([]) => {
                self.push_null();
                return Ok(());
            }
            Cell::Text(text) if text.len() > MAX_RECORD_BYTES => {
                return Err(RejectReason::TooLarge);
            }
            _ => {}
        }
        let pushed = match &mut self.values {
            Values::Int(values) => cell::int(cell).map(|v| values.push(v)),
            Values::Decimal(values) => {
                let ColumnType::Decimal(precision, scale) = self.kind else {
                    return Err(RejectReason::BadNumber);
                };
                cell::decimal(cell, precision, scale).map(|v| values.push(v))
            }
            Values::Date(values) => cell::date(cell).map(|v| values.push(v)),
            Values::Timestamp(values) => cell::timestamp(cell).map(|v| values.push(v)),
            Values::Bit(values) => cell::bit(cell).map(|v| values.append(v)),
            Values::Text { bytes, ends } => {
                let written = if self.kind == ColumnType::Time {
                    cell::time(cell).map(|micros| bytes.extend_from_slice(&text::time_text(micros)))
                } else {
                    cell::write_text(cell, bytes)
                };
                written.map(|()| ends.push(end(bytes)))
            }
        };
        match pushed {
            Ok(()) => {
                self.valid.append_non_null();
                Ok(())
            }
            Err(reason) => Err(match cell {
                Cell::Text(text) if std::str::from_utf8(text).is_err() => RejectReason::InvalidUtf8,
                _ => reason,
            }),
        }
    }

    fn push_null(&mut self) {
        match &mut self.values {
            Values::Int(values) | Values::Timestamp(values) => values.push(0),
            Values::Decimal(values) => values.push(0),
            Values::Date(values) => values.push(0),
            Values::Bit(values) => values.append(false),
            Values::Text { bytes, ends } => ends.push(end(bytes)),
        }
        self.valid.append_null();
    }

    /// Keeps the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Int(values) | Values::Timestamp(values) => values.truncate(rows),
            Values::Decimal(values) => values.truncate(rows),
            Values::Date(values) => values.truncate(rows),
            Values::Bit(values) => values.truncate(rows),
            Values::Text { bytes, ends } => {
                ends.truncate(rows + 1);
                let end = ends.last().copied().unwrap_or(0);
                bytes.truncate(usize::try_from(end).unwrap_or(0));
            }
        }
        self.valid.truncate(rows);
    }

    /// Bytes of text held.
    pub(super) fn text_bytes(&self) -> usize {
        match &self.values {
            Values::Text { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// Whether the value of a row is there and, for texts, not blank.
    pub(super) fn is_filled(&self, row: usize) -> bool {
        let blank = match &self.values {
            Values::Text { .. } => self.text(row).is_some_and(|t| t.trim_ascii().is_empty()),
            _ => false,
        };
        self.valid.is_valid(row) && !blank
    }

    /// The integer of a row, if this is an integer column.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        match &self.values {
            Values::Int(values) => values.get(row).copied(),
            _ => None,
        }
    }

    /// The text of a row, to be shown; empty if this is no text column.
    pub(super) fn text_at(&self, row: usize) -> String {
        self.text(row).map(super::reject::shown).unwrap_or_default()
    }

    fn text(&self, row: usize) -> Option<&[u8]> {
        let Values::Text { bytes, ends } = &self.values else {
            return None;
        };
        let from = usize::try_from(*ends.get(row)?).ok()?;
        let to = usize::try_from(*ends.get(row + 1)?).ok()?;
        bytes.get(from..to)
    }

    /// Appends the value of a row in a form that is equal for equal values only; each form ends
    /// itself (fixed width, or a length before a text).
    pub(super) fn write_key(&self, row: usize, key: &mut Vec<u8>) {
        match &self.values {
            Values::Int(values) | Values::Timestamp(values) => {
                key.extend_from_slice(&values.get(row).copied().unwrap_or(0).to_le_bytes());
            }
            Values::Decimal(values) => {
                key.extend_from_slice(&values.get(row).copied().unwrap_or(0).to_le_bytes());
            }
            Values::Date(values) => {
                key.extend_from_slice(&values.get(row).copied().unwrap_or(0).to_le_bytes());
            }
            Values::Bit(values) => key.push(u8::from(row < values.len() && values.get_bit(row))),
            Values::Text { .. } => {
                let text = self.text(row).unwrap_or_default();
                key.extend_from_slice(&text.len().to_le_bytes());
                key.extend_from_slice(text);
            }
        }
    }

    /// The values as an array; the column is empty afterwards.
    ///
    /// # Errors
    /// As Arrow says; not expected, since each text was checked when it came.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.valid.finish();
        let empty = Values::new(self.kind, self.text_bytes());
        let values = std::mem::replace(&mut self.values, empty);
        Ok(match values {
            Values::Int(values) => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            Values::Decimal(values) => {
                let array = Decimal128Array::try_new(values.into(), nulls)?;
                Arc::new(array.with_data_type(self.kind.arrow()))
            }
            Values::Date(values) => Arc::new(Date32Array::try_new(values.into(), nulls)?),
            Values::Timestamp(values) => {
                Arc::new(TimestampMicrosecondArray::try_new(values.into(), nulls)?)
            }
            Values::Bit(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Text { bytes, ends } => {
                let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(ends, Buffer::from_vec(bytes), nulls)?)
            }
        })
    }
}

/// The end of the bytes so far as an offset. A batch is closed far below 2 GiB.
fn end(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}
