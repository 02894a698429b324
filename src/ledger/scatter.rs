//! Journal rows in the order of key hashes, in memory that does not grow with the journals.
//!
//! Reads: journals. Writes: scratch files that have no name once they are open.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, FixedSizeBinaryArray, RecordBatch, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::error::LedgerError;
use super::part::{is_any_of, share_of};
use super::replay::OpenJournal;
use super::row::{Columns, DELIVERED_AT, KEY_HASH, UPDATED_AT, column, hash_at};
use crate::files;
use crate::object::KeyHash;

/// Rows that are scattered at a time.
const SCATTER_ROWS: usize = 64 * 1024;

/// Most chunks, so that their files stay below the usual limit of open files.
const MOST_CHUNKS: u64 = 256;

/// A share of the hash space: all journal rows whose keys are in it.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The rows in the order in which they happened, per journal.
    pub(super) rows: RecordBatch,
    /// One per key, in the order of the keys.
    pub(super) keys: Vec<Newest>,
}

/// The rows of a chunk that count for one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    /// The key.
    pub(super) key: u128,
    /// Its newest row.
    pub(super) latest: u32,
    /// Its newest delivery or delete.
    pub(super) delivery: Option<u32>,
}

/// The chunks of one resource's journal rows, in the order of the hash space.
#[derive(Debug)]
pub(super) struct Chunks {
    columns: Columns,
    place: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Memory(Vec<RecordBatch>),
    Files(std::vec::IntoIter<File>),
}

impl Chunks {
    /// Gathers the rows of one resource, about `chunk_rows` per chunk; only those of `keys`
    /// (sorted) when given. `scratch` is a folder for what does not fit into one chunk.
    pub(super) fn gather(
        chunk_rows: u64,
        journals: &[Arc<OpenJournal>],
        resource: &str,
        columns: Columns,
        keys: Option<&Arc<[KeyHash]>>,
        scratch: &Path,
    ) -> Result<Self, LedgerError> {
        let place = scratch.to_owned();
        let rows: u64 = journals.iter().map(|j| j.rows(resource)).sum();
        let chunks = rows
            .div_ceil(chunk_rows)
            .next_power_of_two()
            .min(MOST_CHUNKS);
        let batches = journals
            .iter()
            .flat_map(|j| j.read(resource, columns))
            .map(|batch| {
                let batch = batch?;
                match keys {
                    Some(keys) => is_any_of(&batch, keys)
                        .and_then(|wanted| filter_record_batch(&batch, &wanted))
                        .map_err(LedgerError::arrow("filter", scratch)),
                    None => Ok(batch),
                }
            });
        let few = keys.is_some_and(|keys| keys.len() as u64 <= chunk_rows);
        let kind = if chunks == 1 || few {
            Kind::Memory(batches.collect::<Result<_, _>>()?)
        } else {
            let mut files =
                ScratchFiles::create(scratch, usize::try_from(chunks).unwrap_or(1), columns)?;
            for batch in batches {
                files.add(batch?)?;
            }
            Kind::Files(files.finish()?.into_iter())
        };
        Ok(Self {
            columns,
            place,
            kind,
        })
    }

    /// Gives up the rest.
    pub(super) fn end(&mut self) {
        self.kind = Kind::Memory(Vec::new());
    }

    fn next_batches(&mut self) -> Result<Option<Vec<RecordBatch>>, LedgerError> {
        match &mut self.kind {
            Kind::Memory(batches) if batches.is_empty() => Ok(None),
            Kind::Memory(batches) => Ok(Some(std::mem::take(batches))),
            Kind::Files(files) => {
                let Some(file) = files.next() else {
                    return Ok(None);
                };
                StreamReader::try_new(BufReader::new(file), None)
                    .and_then(|reader| reader.collect::<Result<_, _>>())
                    .map(Some)
                    .map_err(LedgerError::arrow("decode", &self.place))
            }
        }
    }
}

impl Iterator for Chunks {
    type Item = Result<Chunk, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batches = match self.next_batches() {
                Ok(batches) => batches?,
                Err(error) => return Some(Err(error)),
            };
            let chunk = concat_batches(&self.columns.schema(), &batches)
                .and_then(Chunk::new)
                .map_err(LedgerError::arrow("sort", &self.place));
            match chunk {
                Ok(chunk) if chunk.keys.is_empty() => {}
                chunk => return Some(chunk),
            }
        }
    }
}

impl Chunk {
    /// Finds the rows that count. Of rows of the same time the later one counts.
    fn new(rows: RecordBatch) -> Result<Self, ArrowError> {
        let hashes = column::<FixedSizeBinaryArray>(&rows, KEY_HASH)?;
        let updated = column::<TimestampMicrosecondArray>(&rows, UPDATED_AT)?;
        let delivered = column::<TimestampMicrosecondArray>(&rows, DELIVERED_AT)?;
        let mut order: Vec<(u128, i64, u32)> = (0u32..)
            .zip(0..rows.num_rows())
            .map(|(n, i)| (hash_at(hashes, i), updated.value(i), n))
            .collect();
        order.sort_unstable();
        let keys = order
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|group| {
                let (key, _, latest) = *group.last()?;
                let delivery = group.iter().rev().map(|(_, _, n)| *n);
                let delivery = delivery
                    .into_iter()
                    .find(|n| delivered.is_valid(*n as usize));
                Some(Newest {
                    key,
                    latest,
                    delivery,
                })
            })
            .collect();
        Ok(Self { rows, keys })
    }
}

/// One scratch file per chunk.
struct ScratchFiles {
    place: PathBuf,
    columns: Columns,
    writers: Vec<StreamWriter<BufWriter<File>>>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
}

impl ScratchFiles {
    fn create(place: &Path, chunks: usize, columns: Columns) -> Result<Self, LedgerError> {
        let writers = (0..chunks)
            .map(|_| {
                let file = BufWriter::new(scratch_file(place)?);
                StreamWriter::try_new(file, &columns.schema())
                    .map_err(LedgerError::arrow("scatter", place))
            })
            .collect::<Result<_, _>>()?;
        let place = place.to_owned();
        Ok(Self {
            place,
            columns,
            writers,
            waiting: Vec::new(),
            waiting_rows: 0,
        })
    }

    /// Adds rows. Small batches are gathered first: scattering costs per batch and chunk.
    fn add(&mut self, batch: RecordBatch) -> Result<(), LedgerError> {
        self.waiting_rows += batch.num_rows();
        self.waiting.push(batch);
        if self.waiting_rows < SCATTER_ROWS {
            return Ok(());
        }
        self.scatter()
    }

    fn scatter(&mut self) -> Result<(), LedgerError> {
        let batches = std::mem::take(&mut self.waiting);
        self.waiting_rows = 0;
        self.scatter_batches(&batches)
            .map_err(LedgerError::arrow("scatter", &self.place))
    }

    fn scatter_batches(&mut self, batches: &[RecordBatch]) -> Result<(), ArrowError> {
        let all = concat_batches(&self.columns.schema(), batches)?;
        let hashes = column::<FixedSizeBinaryArray>(&all, KEY_HASH)?;
        let chunks = self.writers.len();
        let mut order: Vec<(u32, u32)> = (0u32..)
            .zip(0..all.num_rows())
            .map(|(n, i)| (share_of(hash_at(hashes, i), chunks) as u32, n))
            .collect();
        order.sort_unstable();
        let indices: UInt32Array = order.iter().map(|(_, n)| *n).collect();
        let sorted = take_record_batch(&all, &indices)?;
        let mut from = 0;
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            let chunk = group.first().map_or(0, |(chunk, _)| *chunk as usize);
            if let Some(writer) = self.writers.get_mut(chunk) {
                writer.write(&sorted.slice(from, group.len()))?;
            }
            from += group.len();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<File>, LedgerError> {
        self.scatter()?;
        let place = self.place;
        self.writers
            .into_iter()
            .map(|writer| {
                let buffered = writer
                    .into_inner()
                    .map_err(LedgerError::arrow("scatter", &place))?;
                let unwritten = |e: std::io::IntoInnerError<_>| e.into_error();
                let mut file = buffered
                    .into_inner()
                    .map_err(unwritten)
                    .map_err(LedgerError::io("write a scratch file in", &place))?;
                file.rewind()
                    .map_err(LedgerError::io("rewind a scratch file in", &place))?;
                Ok(file)
            })
            .collect()
    }
}

/// A file whose name is gone at once: whatever happens, it leaves nothing behind.
fn scratch_file(place: &Path) -> Result<File, LedgerError> {
    let path = place.join(format!(".scratch-{:016x}.partial", fastrand::u64(..)));
    let file = files::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(LedgerError::io("create", &path))?;
    std::fs::remove_file(&path).map_err(LedgerError::io("unlink", &path))?;
    Ok(file)
}
