//! Reading an objects file: some rows, some columns, row group by row group.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter, RowSelection, RowSelector,
};
use parquet::errors::ParquetError;

use crate::object::{KeyHash, is_body_column};

/// The column that only files of deletes have: the target's id of the record, where it is known.
pub const SERVER_ID: &str = "_server_id";

/// Rows of one batch: bounds the bodies that are in memory at once.
const BATCH_ROWS: usize = 2048;

/// Why an objects or results file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// Opening or decoding failed.
    #[error("cannot read {path}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParquetError,
    },
    /// Decoding a batch failed.
    #[error("cannot read {path}")]
    Arrow {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ArrowError,
    },
    /// A column of the contract is missing or of another type.
    #[error("{path} has no usable column {column}; was it written by this version?")]
    Column {
        /// The file.
        path: PathBuf,
        /// Its name.
        column: String,
    },
}

/// An objects file, opened once; its footer is read once.
#[derive(Debug)]
pub struct Objects {
    path: PathBuf,
    footer: ArrowReaderMetadata,
    groups: Vec<u64>,
}

/// What is read of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns<'a> {
    /// The scope columns only.
    Scope,
    /// These columns, by their places in the schema.
    Only(&'a [usize]),
    /// Body and scope columns.
    All,
}

impl Objects {
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
        let groups = footer
            .metadata()
            .row_groups()
            .iter()
            .map(|g| u64::try_from(g.num_rows()).unwrap_or(0))
            .collect();
        Ok(Self {
            path: path.to_owned(),
            footer,
            groups,
        })
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.groups.iter().sum()
    }

    /// Its schema.
    pub fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// The row groups, as `(group, first row, rows)`.
    pub fn groups(&self) -> impl Iterator<Item = (usize, u64, u64)> + '_ {
        self.groups
            .iter()
            .enumerate()
            .scan(0u64, |first, (group, rows)| {
                let start = *first;
                *first += rows;
                Some((group, start, *rows))
            })
    }

    /// Visits the rows of one group for which `wanted` holds, in order, batch by batch, with their
    /// row numbers in the file. The visitor ends the reading by returning false.
    ///
    /// # Errors
    /// [`ObjectsError`], or the visitor's.
    pub fn read<E: From<ObjectsError>>(
        &self,
        (group, first, rows): (usize, u64, u64),
        columns: Columns<'_>,
        wanted: impl Fn(u64) -> bool,
        mut visit: impl FnMut(Vec<u64>, RecordBatch) -> Result<bool, E>,
    ) -> Result<(), E> {
        let (selection, mut chosen) = select(first, rows, wanted);
        if chosen.is_empty() {
            return Ok(());
        }
        let fail = |source| ObjectsError::Parquet {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).map_err(|e| fail(e.into()))?;
        let mask = match columns {
            Columns::All => ProjectionMask::all(),
            Columns::Only(roots) => {
                ProjectionMask::roots(self.footer.parquet_schema(), roots.iter().copied())
            }
            Columns::Scope => {
                let fields = self.schema().fields();
                let scope = (0..fields.len())
                    .filter(|i| !is_body_column(fields[*i].name()))
                    .collect::<Vec<_>>();
                ProjectionMask::roots(self.footer.parquet_schema(), scope)
            }
        };
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_row_selection(selection)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(fail)?;
        for batch in reader {
            let batch = batch.map_err(|source| ObjectsError::Arrow {
                path: self.path.clone(),
                source,
            })?;
            let rest = chosen.split_off(batch.num_rows().min(chosen.len()));
            if !visit(std::mem::replace(&mut chosen, rest), batch)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Visits the rows with one of these keys (sorted), batch by batch, in the order of the file.
    ///
    /// # Errors
    /// [`ObjectsError`], or the visitor's.
    pub fn find<E: From<ObjectsError>>(
        &self,
        keys: &Arc<[KeyHash]>,
        mut visit: impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let fail = |source| ObjectsError::Parquet {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).map_err(|e| fail(e.into()))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_row_filter(of_keys(&self.footer, keys))
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(fail)?;
        for batch in reader {
            visit(batch.map_err(|source| ObjectsError::Arrow {
                path: self.path.clone(),
                source,
            })?)?;
        }
        Ok(())
    }

    /// The scope columns of a batch.
    ///
    /// # Errors
    /// [`ObjectsError::Column`].
    pub fn scope(&self, batch: &RecordBatch) -> Result<Scope, ObjectsError> {
        let missing = |name: &str| ObjectsError::Column {
            path: self.path.clone(),
            column: name.to_owned(),
        };
        let column = |name: &str, kind: &DataType| -> Result<ArrayRef, ObjectsError> {
            let column = batch.column_by_name(name).ok_or_else(|| missing(name))?;
            if column.data_type() == kind {
                Ok(Arc::clone(column))
            } else {
                arrow::compute::cast(column, kind).map_err(|_| missing(name))
            }
        };
        let text = |name: &str| Ok(column(name, &DataType::Utf8)?.as_string::<i32>().clone());
        let hash = |name: &str| {
            Ok(column(name, &DataType::FixedSizeBinary(16))?
                .as_fixed_size_binary()
                .clone())
        };
        let number = |name: &str| {
            Ok(column(name, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone())
        };
        Ok(Scope {
            key: text("_key")?,
            key_hash: hash("_key_hash")?,
            content_hash: hash("_content_hash")?,
            source_table: text("_source_table")?,
            source_key: text("_source_key")?,
            ids: [
                number("_school_id")?,
                number("_person_id")?,
                number("_course_id")?,
                number("_section_id")?,
            ],
            server_id: match batch.column_by_name(SERVER_ID) {
                Some(_) => Some(text(SERVER_ID)?),
                None => None,
            },
            reason: text("_reason")?,
            detail: text("_detail")?,
        })
    }
}

/// The scope columns of some rows.
#[derive(Clone, Debug)]
pub struct Scope {
    /// `_key`.
    pub key: StringArray,
    /// `_key_hash`.
    pub key_hash: FixedSizeBinaryArray,
    /// `_content_hash`.
    pub content_hash: FixedSizeBinaryArray,
    /// `_source_table`.
    pub source_table: StringArray,
    /// `_source_key`.
    pub source_key: StringArray,
    /// `_school_id`, `_person_id`, `_course_id`, `_section_id`.
    pub ids: [Int64Array; 4],
    /// `_server_id`, in a file of deletes.
    pub server_id: Option<StringArray>,
    /// `_reason`.
    pub reason: StringArray,
    /// `_detail`.
    pub detail: StringArray,
}

/// Lets rows pass whose `_key_hash` is one of these (sorted).
pub(super) fn of_keys(footer: &ArrowReaderMetadata, keys: &Arc<[KeyHash]>) -> RowFilter {
    let mask = ProjectionMask::columns(footer.parquet_schema(), ["_key_hash"]);
    let keys = Arc::clone(keys);
    let wanted = ArrowPredicateFn::new(mask, move |batch| {
        let hashes = batch.column(0).as_fixed_size_binary_opt();
        let hashes = hashes.ok_or_else(|| ArrowError::SchemaError("_key_hash".to_owned()))?;
        let one_of = |hash: Option<&[u8]>| {
            let hash = hash.and_then(KeyHash::from_bytes);
            Some(hash.is_some_and(|hash| keys.binary_search(&hash).is_ok()))
        };
        Ok(hashes.iter().map(one_of).collect::<BooleanArray>())
    });
    RowFilter::new(vec![Box::new(wanted)])
}

/// The rows of a group for which `wanted` holds: as a selection within the group, and as numbers.
fn select(first: u64, rows: u64, wanted: impl Fn(u64) -> bool) -> (RowSelection, Vec<u64>) {
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut chosen = Vec::new();
    for row in first..first + rows {
        let skip = !wanted(row);
        if !skip {
            chosen.push(row);
        }
        match selectors.last_mut() {
            Some(last) if last.skip == skip => last.row_count += 1,
            _ => selectors.push(RowSelector { row_count: 1, skip }),
        }
    }
    (RowSelection::from(selectors), chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_names_its_rows() {
        let (selection, rows) = select(100, 6, |row| row % 3 != 0);
        assert_eq!(rows, [100, 101, 103, 104]);
        assert_eq!(selection.row_count(), 4);
        assert_eq!(select(0, 4, |_| false).1, Vec::<u64>::new());
    }
}
