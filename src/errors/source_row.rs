//! Looking up staged rows by the source keys of objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow_json::LineDelimitedWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use parquet::errors::ParquetError;

use super::search::ErrorsError;

type Fields = serde_json::Map<String, serde_json::Value>;

/// The rows of a staged table that source keys point to, by source key. A source key is the parts
/// of the table's key with `/` between them; what follows behind another `/` (a term) is no part
/// of it.
pub(super) fn find(
    path: &Path,
    key: &[String],
    wanted: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Fields>, ErrorsError> {
    read(path, key, wanted).map_err(|source| ErrorsError::Staged {
        path: path.to_owned(),
        source,
    })
}

fn read(
    path: &Path,
    key: &[String],
    wanted: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Fields>, ParquetError> {
    let mut by_key: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source_key in wanted {
        let parts: Vec<&str> = source_key.split('/').take(key.len()).collect();
        by_key.entry(parts.join("/")).or_default().push(source_key);
    }
    let keys: BTreeSet<String> = by_key.keys().cloned().collect();
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), key.iter().map(String::as_str));
    let columns = key.to_vec();
    let filter = ArrowPredicateFn::new(mask, move |batch| {
        let of_rows = row_keys(&batch, &columns)?;
        Ok(of_rows.iter().map(|k| Some(keys.contains(k))).collect())
    });
    let reader = builder
        .with_row_filter(RowFilter::new(vec![Box::new(filter)]))
        .build()?;
    let mut found = BTreeMap::new();
    for batch in reader {
        let batch = batch?;
        for (i, row_key) in row_keys(&batch, key)?.into_iter().enumerate() {
            let fields = fields(&batch, i)?;
            for source_key in by_key.get(&row_key).into_iter().flatten() {
                found.insert((*source_key).to_owned(), fields.clone());
            }
        }
    }
    Ok(found)
}

/// The keys of a batch's rows as text.
fn row_keys(batch: &RecordBatch, key: &[String]) -> Result<Vec<String>, arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let columns = key
        .iter()
        .filter_map(|name| batch.column_by_name(name))
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<Vec<_>, _>>()?;
    let of_row = |i: usize| {
        let parts: Vec<String> = columns.iter().map(|c| c.value(i).to_string()).collect();
        parts.join("/")
    };
    Ok((0..batch.num_rows()).map(of_row).collect())
}

/// One row with its column names; empty columns are left out.
fn fields(batch: &RecordBatch, row: usize) -> Result<Fields, ParquetError> {
    let only = (0..batch.num_rows()).map(|i| Some(i == row)).collect();
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&filter_record_batch(batch, &only)?)?;
    writer.finish()?;
    let json = writer.into_inner();
    serde_json::from_slice(&json).map_err(|e| ParquetError::External(Box::new(e)))
}
