//! The Parquet parts of a generation: written in the order of key hashes, read as a stream.
//!
//! Reads and writes: `resources/<resource>/gen-N/part-PP.parquet`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::error::LedgerError;
use super::row::{CONTENT_HASH, Columns, DELIVERED_AT, KEY_HASH, REASON, SCHEMA, column, hash_at};
use super::shared::SharedFile;
use crate::files;
use crate::object::KeyHash;

/// How rows are divided; tests take small numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Most rows that a part is planned for.
    pub(super) part_rows: u64,
    /// Journal rows that are merged in memory at a time.
    pub(super) chunk_rows: u64,
}

/// What is used outside tests.
pub(super) const SIZES: Sizes = Sizes {
    part_rows: 1 << 20,
    chunk_rows: 1 << 18,
};

/// Rows per batch that a reader gets.
pub(super) const BATCH_ROWS: usize = 16 * 1024;

const ROW_GROUP_ROWS: usize = 128 * 1024;

impl Sizes {
    /// How many parts (a power of two) so many rows need.
    pub(super) fn parts_for(self, rows: u64) -> usize {
        let parts = rows.div_ceil(self.part_rows).max(1).next_power_of_two();
        usize::try_from(parts).unwrap_or(MOST_PARTS).min(MOST_PARTS)
    }
}

/// Readers hold all parts open, so their number stays well below the usual limit of open files.
const MOST_PARTS: usize = 256;

/// The part (or other share of the hash space) that a key belongs to; `shares` is a power of two.
pub(super) fn share_of(key: u128, shares: usize) -> usize {
    match shares.trailing_zeros() {
        0 => 0,
        bits => (key >> (u128::BITS - bits)) as usize,
    }
}

/// File name of a part.
pub(super) fn part_name(part: usize) -> String {
    format!("part-{part:02}.parquet")
}

/// One open part.
#[derive(Clone, Debug)]
pub(super) struct Part {
    path: Arc<PathBuf>,
    file: SharedFile,
    metadata: ArrowReaderMetadata,
}

impl Part {
    /// Opens a part and reads its footer.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let file = SharedFile::open(path)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(LedgerError::parquet(path))?;
        Ok(Self {
            path: Arc::new(path.to_owned()),
            file,
            metadata,
        })
    }

    /// The rows, in the order of key hashes; only those of `keys` (sorted) when given.
    pub(super) fn read(
        &self,
        columns: Columns,
        keys: Option<&Arc<[KeyHash]>>,
    ) -> Result<ParquetRecordBatchReader, LedgerError> {
        let schema = self.metadata.parquet_schema();
        let mask = ProjectionMask::leaves(schema, 0..columns.count());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.clone(),
            self.metadata.clone(),
        )
        .with_batch_size(BATCH_ROWS)
        .with_projection(mask);
        if let Some(keys) = keys {
            let groups = self.metadata.metadata().row_groups();
            let wanted =
                (0..groups.len()).filter(|&g| groups.get(g).is_none_or(|g| overlaps(g, keys)));
            let keys = Arc::clone(keys);
            let only_key = ProjectionMask::leaves(schema, [0]);
            let filter = ArrowPredicateFn::new(only_key, move |batch| is_any_of(&batch, &keys));
            builder = builder
                .with_row_groups(wanted.collect())
                .with_row_filter(RowFilter::new(vec![Box::new(filter)]));
        }
        builder.build().map_err(LedgerError::parquet(&self.path))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a row group may hold one of the keys (sorted).
fn overlaps(group: &RowGroupMetaData, keys: &[KeyHash]) -> bool {
    let bounds = group
        .columns()
        .first()
        .and_then(|c| c.statistics())
        .and_then(|s| {
            let low = KeyHash::from_bytes(s.min_bytes_opt()?)?;
            Some((low, KeyHash::from_bytes(s.max_bytes_opt()?)?))
        });
    bounds.is_none_or(|(low, high)| {
        let next = keys.partition_point(|k| *k < low);
        keys.get(next).is_some_and(|k| *k <= high)
    })
}

/// Which rows of a batch have one of the keys (sorted).
pub(super) fn is_any_of(batch: &RecordBatch, keys: &[KeyHash]) -> Result<BooleanArray, ArrowError> {
    let hashes = column::<FixedSizeBinaryArray>(batch, KEY_HASH)?;
    Ok((0..hashes.len())
        .map(|i| Some(keys.binary_search(&KeyHash(hash_at(hashes, i))).is_ok()))
        .collect())
}

/// What was written of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Rows of each part; 0 = no file.
    pub(super) parts: Vec<u64>,
    /// Rows with delivered content.
    pub(super) delivered: u64,
    /// Rows with a standing refusal.
    pub(super) refused: u64,
}

/// Writes the parts of one generation out of batches that come in the order of key hashes.
#[derive(Debug)]
pub(super) struct PartWriter {
    folder: PathBuf,
    open: Option<(usize, PathBuf, ArrowWriter<std::fs::File>)>,
    written: Written,
}

impl PartWriter {
    /// Starts a generation of so many parts (a power of two) in an empty folder.
    pub(super) fn new(folder: &Path, parts: usize) -> Result<Self, LedgerError> {
        files::create_dir(folder).map_err(LedgerError::io("make", folder))?;
        let parts = vec![0; parts];
        let written = Written {
            parts,
            delivered: 0,
            refused: 0,
        };
        Ok(Self {
            folder: folder.to_owned(),
            open: None,
            written,
        })
    }

    /// Adds rows whose keys are all greater than those before.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), LedgerError> {
        let hashes = column::<FixedSizeBinaryArray>(batch, KEY_HASH)
            .map_err(LedgerError::arrow("write", &self.folder))?
            .clone();
        self.written.delivered += valid(batch, CONTENT_HASH);
        self.written.refused += valid(batch, REASON);
        let shares = self.written.parts.len();
        let mut from = 0;
        while from < batch.num_rows() {
            let part = share_of(hash_at(&hashes, from), shares);
            let len = (from..batch.num_rows())
                .position(|i| share_of(hash_at(&hashes, i), shares) != part)
                .unwrap_or(batch.num_rows() - from);
            self.write_to(part, &batch.slice(from, len))?;
            from += len;
        }
        Ok(())
    }

    fn write_to(&mut self, part: usize, rows: &RecordBatch) -> Result<(), LedgerError> {
        if self.open.as_ref().is_some_and(|(open, ..)| *open != part) {
            self.finish_part()?;
        }
        if self.open.is_none() {
            let path = self.folder.join(part_name(part));
            let file = files::create(&path).map_err(LedgerError::io("create", &path))?;
            let writer = ArrowWriter::try_new(file, Arc::clone(&SCHEMA), Some(properties()))
                .map_err(LedgerError::parquet(&path))?;
            self.open = Some((part, path, writer));
        }
        if let Some((_, path, writer)) = &mut self.open {
            writer.write(rows).map_err(LedgerError::parquet(path))?;
        }
        if let Some(count) = self.written.parts.get_mut(part) {
            *count += rows.num_rows() as u64;
        }
        Ok(())
    }

    fn finish_part(&mut self) -> Result<(), LedgerError> {
        let Some((_, path, writer)) = self.open.take() else {
            return Ok(());
        };
        let file = writer.into_inner().map_err(LedgerError::parquet(&path))?;
        file.sync_all().map_err(LedgerError::io("sync", &path))
    }

    /// Completes the last part; all is on disk then.
    pub(super) fn finish(mut self) -> Result<Written, LedgerError> {
        self.finish_part()?;
        sync_folder(&self.folder)?;
        Ok(self.written)
    }
}

fn valid(batch: &RecordBatch, name: &str) -> u64 {
    batch
        .column_by_name(name)
        .map_or(0, |c| (c.len() - c.null_count()) as u64)
}

/// Hashes are neither compressed nor dictionary-coded: they are random.
fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for hash in [KEY_HASH, CONTENT_HASH] {
        properties = properties
            .set_column_compression(ColumnPath::from(hash), Compression::UNCOMPRESSED)
            .set_column_dictionary_enabled(ColumnPath::from(hash), false);
    }
    for unique in [DELIVERED_AT, "key", "source_key", "server_id"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(unique), false);
    }
    properties.build()
}

/// Makes created, renamed and deleted names durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), LedgerError> {
    if cfg!(unix) {
        let opened = std::fs::File::open(folder).map_err(LedgerError::io("open", folder))?;
        opened.sync_all().map_err(LedgerError::io("sync", folder))?;
    }
    Ok(())
}
