//! Reading some rows of a staged table: a predicate on its integer columns, pushed down into the
//! Parquet scan. Row groups that cannot match are not opened, and of the others the wide columns
//! are decoded only where a row matches.
//!
//! Reads: one staged file. Writes: nothing. Never: more than a batch in memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, AsArray as _, BooleanArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::files;
use crate::source::BATCH_ROWS;
use crate::stage::StageError;

/// Of so many ids at most, row groups are looked up by their statistics.
const FEW: usize = 10_000;

/// A set of SIS ids.
pub(super) type IdSet = HashSet<i64, BuildHasherDefault<IdHasher>>;

/// Something of each SIS id.
pub(super) type IdMap<T> = HashMap<i64, T, BuildHasherDefault<IdHasher>>;

/// Hashes SIS ids, which nobody chooses to collide: every row of a district is looked up by them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // By the golden ratio: spreads ids that follow each other over the upper bits; the lower
        // ones are wanted, too.
        let spread = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }
}

/// Whether a row is taken, by the values of the columns asked for, in that order.
pub(super) type Take<'a> = &'a dyn Fn(&[Option<i64>]) -> bool;

/// One scan of a staged table.
pub(super) struct Scan<'a> {
    path: PathBuf,
    /// The columns that decide.
    columns: &'a [&'a str],
    /// Columns of which one must have a value out of the set, to skip row groups by.
    any_of: Option<(&'a [&'a str], &'a IdSet)>,
}

impl<'a> Scan<'a> {
    /// A scan that looks at these columns.
    pub(super) fn new(path: &Path, columns: &'a [&'a str]) -> Self {
        Self {
            path: path.to_owned(),
            columns,
            any_of: None,
        }
    }

    /// Only rows with one of `ids` in one of `columns` can be taken.
    pub(super) fn any_of(mut self, columns: &'a [&'a str], ids: &'a IdSet) -> Self {
        self.any_of = Some((columns, ids));
        self
    }

    /// The values of the columns that decide, of every row that may be taken.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn each(&self, each: &mut dyn FnMut(&[Option<i64>])) -> Result<(), StageError> {
        let builder = self.open(&self.metadata()?)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), self.columns.iter().copied());
        let groups = self.groups(builder.metadata().row_groups());
        let reader = builder
            .with_projection(mask)
            .with_row_groups(groups)
            .build()
            .map_err(|e| self.unreadable(&e))?;
        for batch in reader {
            let batch = batch.map_err(|e| self.unreadable(&e))?;
            rows(&batch, self.columns, each).map_err(|e| self.unreadable(&e))?;
        }
        Ok(())
    }

    /// The rows that are taken, with all columns, batch by batch.
    ///
    /// # Errors
    /// The file cannot be read, or `each` fails.
    pub(super) fn rows(
        &self,
        take: Take<'_>,
        mut each: impl FnMut(RecordBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let metadata = self.metadata()?;
        let mask = ProjectionMask::columns(metadata.parquet_schema(), self.columns.iter().copied());
        for group in self.groups(metadata.metadata().row_groups()) {
            // The columns that decide first: the others are read where a row is taken only.
            let mut flags = Vec::new();
            let decide = self
                .open(&metadata)?
                .with_projection(mask.clone())
                .with_row_groups(vec![group])
                .build()
                .map_err(|e| self.unreadable(&e))?;
            for batch in decide {
                let batch = batch.map_err(|e| self.unreadable(&e))?;
                rows(&batch, self.columns, &mut |values| flags.push(take(values)))
                    .map_err(|e| self.unreadable(&e))?;
            }
            if flags.contains(&true) {
                self.taken(&metadata, group, flags, &mut each)?;
            }
        }
        Ok(())
    }

    /// The rows of one row group that have a flag. Pages without one are not even unpacked.
    fn taken(
        &self,
        metadata: &ArrowReaderMetadata,
        group: usize,
        flags: Vec<bool>,
        each: &mut impl FnMut(RecordBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let mut builder = self.open(metadata)?.with_row_groups(vec![group]);
        if flags.contains(&false) {
            let selection = RowSelection::from_filters(&[BooleanArray::from(flags)]);
            builder = builder.with_row_selection(selection);
        }
        let reader = builder.build().map_err(|e| self.unreadable(&e))?;
        for batch in reader {
            let batch = batch.map_err(|e| self.unreadable(&e))?;
            if batch.num_rows() > 0 {
                each(batch)?;
            }
        }
        Ok(())
    }

    /// The file's metadata, with the places of its pages where it has them.
    fn metadata(&self) -> Result<ArrowReaderMetadata, StageError> {
        let file = File::open(&self.path).map_err(|e| files::at(&self.path, &e))?;
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        ArrowReaderMetadata::load(&file, options).map_err(|e| self.unreadable(&e))
    }

    fn open(
        &self,
        metadata: &ArrowReaderMetadata,
    ) -> Result<ParquetRecordBatchReaderBuilder<File>, StageError> {
        let file = File::open(&self.path).map_err(|e| files::at(&self.path, &e))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
        Ok(builder.with_batch_size(BATCH_ROWS))
    }

    /// The row groups that may hold a row to be taken.
    fn groups(&self, all: &[RowGroupMetaData]) -> Vec<usize> {
        let Some((columns, ids)) = self.any_of.filter(|(_, ids)| ids.len() <= FEW) else {
            return (0..all.len()).collect();
        };
        let sorted: BTreeSet<i64> = ids.iter().copied().collect();
        let may = |group: &RowGroupMetaData, name: &str| {
            let column = group
                .columns()
                .iter()
                .find(|c| c.column_path().string() == name);
            let bounds = column.and_then(|c| c.statistics()).and_then(|s| match s {
                Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
                _ => None,
            });
            bounds.is_none_or(|(low, high)| sorted.range(low..=high).next().is_some())
        };
        let wanted = |i: &usize| {
            let group = all.get(*i);
            group.is_none_or(|g| columns.iter().any(|name| may(g, name)))
        };
        (0..all.len()).filter(wanted).collect()
    }

    fn unreadable(&self, error: &dyn std::error::Error) -> StageError {
        let text = format!("{}: {error}", self.path.display());
        StageError::Io(std::io::Error::other(text))
    }
}

/// Calls `each` with the values of these columns, row by row.
pub(super) fn rows(
    batch: &RecordBatch,
    columns: &[&str],
    each: &mut dyn FnMut(&[Option<i64>]),
) -> Result<(), ArrowError> {
    let arrays: Vec<&Int64Array> = columns
        .iter()
        .map(|name| {
            let column = batch.column_by_name(name);
            column
                .and_then(|c| c.as_primitive_opt::<Int64Type>())
                .ok_or_else(|| ArrowError::SchemaError(format!("no column {name} of integers")))
        })
        .collect::<Result<_, _>>()?;
    let mut values = vec![None; columns.len()];
    for row in 0..batch.num_rows() {
        for (value, array) in values.iter_mut().zip(&arrays) {
            *value = array.is_valid(row).then(|| array.value(row));
        }
        each(&values);
    }
    Ok(())
}
