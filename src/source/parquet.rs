//! A folder of Parquet files.
//!
//! Reads: `Table.parquet`, any flat column types. Writes: nothing. Never: loses a value in a
//! conversion: what does not fit the declared type is a reject.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array,
    Int64Array, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::cell::Cell;
use super::folder::{Folder, positions};
use super::rows::Rows;
use super::{BATCH_ROWS, Sink, Source, SourceError, TableCount, TableInfo, TableSchema};

/// A folder of Parquet files, one per table.
#[derive(Debug)]
pub struct ParquetFolder {
    folder: Folder,
}

impl ParquetFolder {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is not there or no folder.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Ok(Self {
            folder: Folder::open(path, "parquet")?,
        })
    }
}

impl Source for ParquetFolder {
    fn tables(&self) -> Result<Vec<TableInfo>, SourceError> {
        let files = self.folder.files()?;
        Ok(files
            .into_iter()
            .map(|(name, path)| match columns(&path) {
                Ok(columns) => TableInfo {
                    name,
                    columns,
                    fault: None,
                },
                Err(e) => TableInfo {
                    name,
                    columns: Vec::new(),
                    fault: Some(e.to_string()),
                },
            })
            .collect())
    }

    fn read(&self, table: &TableSchema, sink: &mut dyn Sink) -> Result<TableCount, SourceError> {
        let (path, name, file) = self.folder.open_table(&table.name)?;
        let (reader, at) = reader(file, table, &path)?;
        let mut rows = Rows::new(table, name, sink);
        let mut line = 0;
        for batch in reader {
            let arrow = |source| SourceError::Arrow {
                table: table.name.clone(),
                source,
            };
            let batch = batch.map_err(arrow)?;
            let columns = at
                .iter()
                .map(|at| at.map_or(Ok(Cells::Null), |at| Cells::new(batch.column(at))))
                .collect::<Result<Vec<_>, _>>()
                .map_err(arrow)?;
            for row in 0..batch.num_rows() {
                line += 1;
                rows.row(line, |column| columns[column].cell(row))?;
            }
        }
        rows.finish()
    }

    fn describe(&self) -> String {
        format!("Parquet folder {}", self.folder.path().display())
    }

    fn size_bytes(&self, table: &str) -> Option<u64> {
        self.folder.size_bytes(table)
    }
}

fn columns(path: &Path) -> Result<Vec<String>, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let fields = builder.schema().fields();
    Ok(fields.iter().map(|f| f.name().clone()).collect())
}

/// A reader of the declared columns, and where each of them stands in its batches.
fn reader(
    file: File,
    table: &TableSchema,
    path: &Path,
) -> Result<(ParquetRecordBatchReader, Vec<Option<usize>>), SourceError> {
    let parquet = |source| SourceError::Parquet {
        table: table.name.clone(),
        path: PathBuf::from(path),
        source,
    };
    let wrong = |what| SourceError::Table {
        table: table.name.clone(),
        path: PathBuf::from(path),
        what,
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let schema = Arc::clone(builder.schema());
    let names = schema.fields().iter().map(|f| f.name().as_str());
    let at = positions(table, names).map_err(wrong)?;
    let mut read: Vec<usize> = at.iter().flatten().copied().collect();
    read.sort_unstable();
    for field in read.iter().map(|at| schema.field(*at)) {
        if common_type(field.data_type()).is_none() {
            let what = format!(
                "column {} is a {}, no plain value",
                field.name(),
                field.data_type()
            );
            return Err(wrong(what));
        }
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), read.iter().copied());
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(parquet)?;
    let at = at
        .iter()
        .map(|at| at.and_then(|at| read.binary_search(&at).ok()))
        .collect();
    Ok((reader, at))
}

/// One column of a batch in one of a few types, each of which holds every value of the column.
enum Cells {
    Null,
    Text(BinaryArray),
    Int(Int64Array),
    Real(Float64Array),
    Decimal(Decimal128Array, i8),
    Bit(BooleanArray),
    Date(Date32Array),
    Timestamp(TimestampMicrosecondArray),
    Time(Time64MicrosecondArray),
}

/// The type that a column is read in; `None` for nested ones.
fn common_type(found: &DataType) -> Option<DataType> {
    Some(match found {
        DataType::Null => DataType::Null,
        DataType::Boolean => DataType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float64 => DataType::Float64,
        // As text, a 32-bit float has the digits that it was written with.
        DataType::Float16 | DataType::Float32 => DataType::Utf8,
        DataType::Decimal32(_, s) | DataType::Decimal64(_, s) => DataType::Decimal128(38, *s),
        DataType::Decimal128(_, s) | DataType::Decimal256(_, s) => DataType::Decimal128(38, *s),
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => common_type(values)?,
        _ => return None,
    })
}

impl Cells {
    fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        // A value that does not fit must be an error: by default it would become NULL.
        let strict = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let cast = |array: &ArrayRef, to: &DataType| cast_with_options(array, to, &strict);
        let wanted = common_type(array.data_type()).unwrap_or(DataType::Null);
        let array = cast(array, &wanted)?;
        Ok(match wanted {
            DataType::Boolean => Self::Bit(taken(&array)?),
            DataType::Int64 => Self::Int(taken(&array)?),
            DataType::Float64 => Self::Real(taken(&array)?),
            DataType::Decimal128(_, scale) => Self::Decimal(taken(&array)?, scale),
            DataType::Date32 => Self::Date(taken(&array)?),
            DataType::Timestamp(..) => Self::Timestamp(taken(&array)?),
            DataType::Time64(_) => Self::Time(taken(&array)?),
            DataType::Utf8 => Self::Text(taken(&cast(&array, &DataType::Binary)?)?),
            DataType::Binary => Self::Text(taken(&array)?),
            _ => Self::Null,
        })
    }

    #[inline]
    fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Self::Int(array) if array.is_valid(row) => Cell::Int(array.value(row)),
            Self::Real(array) if array.is_valid(row) => Cell::Real(array.value(row)),
            Self::Decimal(array, scale) if array.is_valid(row) => {
                Cell::Decimal(array.value(row), *scale)
            }
            Self::Bit(array) if array.is_valid(row) => Cell::Bit(array.value(row)),
            Self::Date(array) if array.is_valid(row) => Cell::Date(array.value(row)),
            Self::Timestamp(array) if array.is_valid(row) => Cell::Timestamp(array.value(row)),
            Self::Time(array) if array.is_valid(row) => Cell::Time(array.value(row)),
            _ => Cell::Null,
        }
    }
}

fn taken<A: Array + Clone + 'static>(array: &ArrayRef) -> Result<A, ArrowError> {
    let taken = array.as_any().downcast_ref::<A>().cloned();
    taken.ok_or_else(|| ArrowError::CastError(format!("unexpected {}", array.data_type())))
}
