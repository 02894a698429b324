//! One resource as the ledger knows it at one moment: generation and journals, merged on reading.
//!
//! Reads: the manifest, parts, journals of runs alive and dead. Writes: scratch files for large
//! journals.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::error::LedgerError;
use super::manifest::{Manifest, ResourceParts, generation_folder};
use super::merge::{Recent, Settled, step};
use super::part::{Part, Sizes, part_name};
use super::replay::{self, OpenJournal, Opened};
use super::row::Columns;
use super::scatter::Chunks;
use crate::object::KeyHash;

/// How often a reader that a compaction has overtaken starts again.
const TRIES: u32 = 50;

/// What it waits in between.
const PAUSE: Duration = Duration::from_millis(5);

/// Manifest and journals that belong together.
#[derive(Debug)]
pub(super) struct View {
    pub(super) manifest: Manifest,
    pub(super) journals: Vec<Arc<OpenJournal>>,
}

impl View {
    /// Reads the manifest and opens all journals that are not in the generations.
    pub(super) fn open(folder: &Path) -> Result<Self, LedgerError> {
        Self::open_with(folder, |_| Ok(())).map(|(view, ())| view)
    }

    /// As [`Self::open`], and `more` with it; all again when a compaction ended meanwhile.
    fn open_with<T>(
        folder: &Path,
        mut more: impl FnMut(&Manifest) -> Result<T, LedgerError>,
    ) -> Result<(Self, T), LedgerError> {
        let mut overtaken = LedgerError::Moving {
            path: folder.to_owned(),
        };
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            let manifest = Manifest::read(folder)?;
            let opened =
                more(&manifest).and_then(|more| Ok((open_journals(folder, &manifest)?, more)));
            match opened {
                Ok((journals, more)) if Manifest::read(folder)? == manifest => {
                    return Ok((Self { manifest, journals }, more));
                }
                Ok(_) => {}
                Err(error) if error.is_missing() => overtaken = error,
                Err(error) => return Err(error),
            }
        }
        Err(overtaken)
    }

    /// Time of the newest event of all.
    pub(super) fn newest(&self) -> i64 {
        let journals = self.journals.iter().map(|j| j.newest());
        journals.fold(self.manifest.newest, i64::max)
    }
}

fn open_journals(folder: &Path, manifest: &Manifest) -> Result<Vec<Arc<OpenJournal>>, LedgerError> {
    let mut journals = Vec::new();
    for path in replay::list(&folder.join("journals"))? {
        if let Opened::Journal(journal) = replay::open(&path)?
            && !manifest.has_merged(journal.id())
        {
            journals.push(Arc::new(journal));
        }
    }
    Ok(journals)
}

/// One resource at one moment. Its files stay open: what happens to the ledger later changes
/// nothing in it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    folder: PathBuf,
    resource: String,
    sizes: Sizes,
    parts: Vec<Part>,
    known: ResourceParts,
    journals: Vec<Arc<OpenJournal>>,
}

impl Snapshot {
    /// Opens a resource; one that the ledger does not know is empty.
    pub(super) fn open(folder: &Path, resource: &str, sizes: Sizes) -> Result<Self, LedgerError> {
        let (view, (known, parts)) = View::open_with(folder, |manifest| {
            let known = manifest
                .resources
                .get(resource)
                .cloned()
                .unwrap_or_default();
            let parts = open_parts(folder, resource, &known)?;
            Ok((known, parts))
        })?;
        Ok(Self::new(
            folder,
            resource,
            sizes,
            known,
            parts,
            view.journals,
        ))
    }

    /// A resource of one generation, and only these journals.
    pub(super) fn of(
        folder: &Path,
        resource: &str,
        sizes: Sizes,
        manifest: &Manifest,
        journals: Vec<Arc<OpenJournal>>,
    ) -> Result<Self, LedgerError> {
        let known = manifest
            .resources
            .get(resource)
            .cloned()
            .unwrap_or_default();
        let parts = open_parts(folder, resource, &known)?;
        Ok(Self::new(folder, resource, sizes, known, parts, journals))
    }

    fn new(
        folder: &Path,
        resource: &str,
        sizes: Sizes,
        known: ResourceParts,
        parts: Vec<Part>,
        mut journals: Vec<Arc<OpenJournal>>,
    ) -> Self {
        journals.retain(|j| j.rows(resource) > 0);
        let (folder, resource) = (folder.to_owned(), resource.to_owned());
        Self {
            folder,
            resource,
            sizes,
            parts,
            known,
            journals,
        }
    }

    /// The resource.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// At most so many rows: a key that is in several journals counts several times.
    pub fn rows_at_most(&self) -> u64 {
        let journals = self.journals.iter().map(|j| j.rows(&self.resource));
        self.known.rows() + journals.sum::<u64>()
    }

    /// Numbers from the manifest, when no journal changes them.
    pub(super) fn known_counts(&self) -> Option<(u64, u64)> {
        self.journals
            .is_empty()
            .then_some((self.known.delivered, self.known.refused))
    }

    /// All rows in the order of key hashes, one per key, as a stream of record batches.
    ///
    /// # Errors
    /// When a journal cannot be read, or scratch files cannot be written.
    pub fn rows(&self, columns: Columns) -> Result<Rows, LedgerError> {
        self.read(columns, None, false)
    }

    /// As [`Self::rows`], with all columns and only for these keys, in any order. Reads the wide
    /// columns only where the keys are.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn select(&self, keys: &[KeyHash]) -> Result<Rows, LedgerError> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        self.read(Columns::Wide, Some(keys.into()), false)
    }

    /// As [`Self::rows`] with the narrow columns, and only for these keys, in any order.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub(super) fn select_narrow(&self, keys: &[KeyHash]) -> Result<Rows, LedgerError> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        self.read(Columns::Narrow, Some(keys.into()), false)
    }

    /// All rows, those without content and refusal included.
    pub(super) fn rows_and_dead(&self) -> Result<Rows, LedgerError> {
        self.read(Columns::Wide, None, true)
    }

    fn read(
        &self,
        columns: Columns,
        keys: Option<Arc<[KeyHash]>>,
        keep_dead: bool,
    ) -> Result<Rows, LedgerError> {
        let (journals, resource, place) = (&self.journals, &self.resource, &self.folder);
        let chunk_rows = self.sizes.chunk_rows;
        let keys_ref = keys.as_ref();
        let chunks = Chunks::gather(chunk_rows, journals, resource, columns, keys_ref, place)?;
        Ok(Rows {
            place: self.folder.clone(),
            columns,
            keys,
            keep_dead,
            parts: self.parts.clone().into_iter(),
            reader: None,
            settled: None,
            chunks,
            recent: None,
        })
    }
}

fn open_parts(
    folder: &Path,
    resource: &str,
    known: &ResourceParts,
) -> Result<Vec<Part>, LedgerError> {
    let folder = generation_folder(folder, resource, known.generation);
    let filled = known
        .parts
        .iter()
        .enumerate()
        .filter(|(_, rows)| **rows > 0);
    filled
        .map(|(part, _)| Part::open(&folder.join(part_name(part))))
        .collect()
}

/// Ledger rows in the order of key hashes. After an error it is at its end.
pub struct Rows {
    place: PathBuf,
    columns: Columns,
    keys: Option<Arc<[KeyHash]>>,
    keep_dead: bool,
    parts: std::vec::IntoIter<Part>,
    reader: Option<(PathBuf, ParquetRecordBatchReader)>,
    settled: Option<Settled>,
    chunks: Chunks,
    recent: Option<Recent>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// The schema of the batches.
    pub fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.columns.schema()
    }

    /// The folder of the ledger that is read, for messages.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, LedgerError> {
        loop {
            self.fill()?;
            let keep = self.keep_dead;
            let merged = match (self.settled.take(), self.recent.as_mut()) {
                (None, None) => return Ok(None),
                (Some(settled), None) => settled.rest(keep),
                (None, Some(recent)) => recent.alone(keep),
                (Some(mut settled), Some(recent)) => settled.is_before(recent).and_then(|before| {
                    if before {
                        return settled.rest(keep);
                    }
                    let rows = step(&mut settled, recent, keep);
                    self.settled = Some(settled);
                    rows
                }),
            };
            let batch = merged.map_err(LedgerError::arrow("merge", &self.place))?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    /// Sees to it that both sides have rows, as long as there are any.
    fn fill(&mut self) -> Result<(), LedgerError> {
        if self.recent.as_ref().is_none_or(Recent::is_done) {
            self.recent = self.chunks.next().transpose()?.map(Recent::new);
        }
        while self.settled.as_ref().is_none_or(Settled::is_done) {
            self.settled = None;
            if let Some((path, reader)) = &mut self.reader {
                if let Some(batch) = reader.next() {
                    let batch = batch.map_err(LedgerError::arrow("read", path))?;
                    self.settled = Some(Settled::new(batch));
                } else {
                    self.reader = None;
                }
            } else if let Some(part) = self.parts.next() {
                let reader = part.read(self.columns, self.keys.as_ref())?;
                self.reader = Some((part.path().to_owned(), reader));
            } else {
                break;
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.parts = Vec::new().into_iter();
        self.reader = None;
        self.settled = None;
        self.recent = None;
        self.chunks.end();
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch();
        if next.is_err() {
            self.end();
        }
        next.transpose()
    }
}
