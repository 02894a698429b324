//! The objects' side: the narrow columns of an objects file, one share of the hash space at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, FixedSizeBinaryArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::super::error::LedgerError;
use super::super::part::{BATCH_ROWS, share_of};
use super::super::row::{HASH_BYTES, hash_at};
use crate::object::Reason;

/// Objects that one pass holds, about (40 bytes each).
const PASS_ROWS: u64 = 4 << 20;

/// What holds a row back, as the transform says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// Nothing.
    No,
    /// `skipped`, for the reason of this number.
    Skipped(u16),
    /// `rejected`, for the reason of this number.
    Rejected(u16),
}

/// One row, as far as it decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectRow {
    /// Key hash.
    pub(super) key: u128,
    /// Content hash.
    pub(super) content: u128,
    /// Row of the file, 0 = first.
    pub(super) row: u32,
    /// Whether it is held back.
    pub(super) held: Held,
}

/// An open objects file.
#[derive(Debug)]
pub(super) struct Objects {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    rows: u32,
    passes: usize,
    reasons: Vec<Reason>,
}

const COLUMNS: [&str; 4] = ["_key_hash", "_content_hash", "_held", "_reason"];

/// Number of [`Reason::DUPLICATE_KEY`] among the reasons of any file.
pub(super) const DUPLICATE_KEY: u16 = 0;

impl Objects {
    /// Opens an objects file.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_by(path, PASS_ROWS)
    }

    /// As [`Self::open`], with about so many rows per pass.
    pub(super) fn open_by(path: &Path, pass_rows: u64) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(LedgerError::io("open", path))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(LedgerError::parquet(path))?;
        let count = metadata.metadata().file_metadata().num_rows();
        let rows = u32::try_from(count).map_err(|_| LedgerError::TooManyRows {
            path: path.to_owned(),
            rows: count.unsigned_abs(),
        })?;
        let passes = u64::from(rows).div_ceil(pass_rows).next_power_of_two();
        Ok(Self {
            path: path.to_owned(),
            metadata,
            rows,
            passes: usize::try_from(passes).unwrap_or(1),
            reasons: vec![Reason::DUPLICATE_KEY],
        })
    }

    /// Rows of the file.
    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    /// How many passes there are.
    pub(super) fn passes(&self) -> usize {
        self.passes
    }

    /// Reads in so many passes, a power of two, at least as many as are needed.
    pub(super) fn in_passes(&mut self, passes: usize) {
        self.passes = passes;
    }

    /// The reasons by number, those met so far.
    pub(super) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The reasons by number.
    pub(super) fn into_reasons(self) -> Vec<Reason> {
        self.reasons
    }

    /// Reads the rows of one share of the hash space into `out`, sorted by key and row.
    pub(super) fn read_pass(
        &mut self,
        pass: usize,
        out: &mut Vec<ObjectRow>,
    ) -> Result<(), LedgerError> {
        out.clear();
        let file = File::open(&self.path).map_err(LedgerError::io("open", &self.path))?;
        let schema = self.metadata.parquet_schema();
        let mask = ProjectionMask::columns(schema, COLUMNS);
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_batch_size(BATCH_ROWS)
                .with_projection(mask)
                .build()
                .map_err(LedgerError::parquet(&self.path))?;
        let mut first = 0u32;
        for batch in reader {
            let batch = batch.map_err(LedgerError::arrow("read", &self.path))?;
            self.read_batch(&batch, first, pass, out)?;
            first = first.saturating_add(u32::try_from(batch.num_rows()).unwrap_or(u32::MAX));
        }
        out.sort_unstable_by_key(|o| (o.key, o.row));
        Ok(())
    }

    fn read_batch(
        &mut self,
        batch: &RecordBatch,
        first: u32,
        pass: usize,
        out: &mut Vec<ObjectRow>,
    ) -> Result<(), LedgerError> {
        let [key, content, held, reason] = COLUMNS;
        let keys = self.hashes(batch, key)?;
        let contents = self.hashes(batch, content)?;
        let held = self.texts(batch, held)?;
        let reasons = self.texts(batch, reason)?;
        let any_held = held.null_count() < held.len();
        for (row, i) in (first..).zip(0..batch.num_rows()) {
            let key = hash_at(&keys, i);
            if share_of(key, self.passes) != pass {
                continue;
            }
            let held = if any_held && held.is_valid(i) {
                let reason = reasons.is_valid(i).then(|| reasons.value(i));
                self.held(held.value(i), reason, row)?
            } else {
                Held::No
            };
            out.push(ObjectRow {
                key,
                content: hash_at(&contents, i),
                row,
                held,
            });
        }
        Ok(())
    }

    fn held(&mut self, held: &str, reason: Option<&str>, row: u32) -> Result<Held, LedgerError> {
        let bad = |column, value: &str| LedgerError::Value {
            path: self.path.clone(),
            row: row.into(),
            column,
            value: value.to_owned(),
        };
        let text = reason.ok_or_else(|| bad("_reason", "NULL"))?;
        let number = match self.reasons.iter().position(|r| r.as_str() == text) {
            Some(number) => number,
            None => {
                let reason = Reason::parse(text).ok_or_else(|| bad("_reason", text))?;
                self.reasons.push(reason);
                self.reasons.len() - 1
            }
        };
        let bad = |column, value: &str| LedgerError::Value {
            path: self.path.clone(),
            row: row.into(),
            column,
            value: value.to_owned(),
        };
        let number = u16::try_from(number).map_err(|_| bad("_reason", text))?;
        match held {
            "skipped" => Ok(Held::Skipped(number)),
            "rejected" => Ok(Held::Rejected(number)),
            other => Err(bad("_held", other)),
        }
    }

    fn hashes(
        &self,
        batch: &RecordBatch,
        name: &'static str,
    ) -> Result<FixedSizeBinaryArray, LedgerError> {
        batch
            .column_by_name(name)
            .and_then(|c| c.as_any().downcast_ref::<FixedSizeBinaryArray>())
            .filter(|c| c.value_length() == HASH_BYTES)
            .cloned()
            .ok_or_else(|| self.no_column(name, "FixedSizeBinary(16)"))
    }

    fn texts(&self, batch: &RecordBatch, name: &'static str) -> Result<StringArray, LedgerError> {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| self.no_column(name, "Utf8"))?;
        let texts = cast(column, &DataType::Utf8).map_err(|_| self.no_column(name, "Utf8"))?;
        texts
            .as_any()
            .downcast_ref::<StringArray>()
            .cloned()
            .ok_or_else(|| self.no_column(name, "Utf8"))
    }

    fn no_column(&self, column: &'static str, wanted: &'static str) -> LedgerError {
        LedgerError::Column {
            path: self.path.clone(),
            column,
            wanted,
        }
    }
}
