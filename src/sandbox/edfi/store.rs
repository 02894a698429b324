//! The records of all resources, one lock per resource.
//!
//! Reads: nothing. Writes: memory, and the journal before memory. Never: holds a lock while a
//! body is parsed or checked (a change of a key excepted).

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use super::journal::Journal;
use crate::sandbox::SandboxError;

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Hash of the natural key.
    pub(super) key: u128,
    /// The server's id.
    pub(super) id: u128,
    /// The server-wide number of the last change; also the ETag.
    pub(super) version: u64,
    /// When it was last changed, in milliseconds of the epoch.
    pub(super) modified_ms: i64,
    /// Canonical JSON.
    pub(super) body: Bytes,
    /// Hashes of what it refers to, sorted.
    pub(super) references: Box<[u64]>,
}

/// The records of one resource.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    records: Vec<Option<Record>>,
    by_key: HashMap<u128, u32, Hashed>,
    by_id: HashMap<u128, u32, Hashed>,
    /// `(hash of what is referred to, position of the record that refers to it)`.
    references: BTreeSet<(u64, u32)>,
}

impl Shelf {
    /// Records held.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// One more than the last position; positions of deleted records stay empty.
    pub(super) fn end(&self) -> usize {
        self.records.len()
    }

    /// Whether a record has this key.
    pub(super) fn holds_key(&self, key: u128) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Whether a record has this id.
    pub(super) fn holds_id(&self, id: u128) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The record of this key.
    pub(super) fn by_key(&self, key: u128) -> Option<&Record> {
        self.by_key.get(&key).and_then(|at| self.at(*at as usize))
    }

    /// The record of this id.
    pub(super) fn by_id(&self, id: u128) -> Option<&Record> {
        self.by_id.get(&id).and_then(|at| self.at(*at as usize))
    }

    /// The record at a position.
    pub(super) fn at(&self, position: usize) -> Option<&Record> {
        self.records.get(position).and_then(Option::as_ref)
    }

    /// The records in order of their creation.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().flatten()
    }

    /// The records that refer to something.
    pub(super) fn referring(&self, to: u64) -> impl Iterator<Item = &Record> {
        self.references
            .range((to, 0)..=(to, u32::MAX))
            .filter_map(|(_, at)| self.at(*at as usize))
    }

    /// Adds a record, or replaces the one of the same id.
    pub(super) fn put(&mut self, record: Record) {
        let at = match self.by_id.get(&record.id) {
            Some(at) => {
                let at = *at;
                self.forget(at);
                at
            }
            None => {
                self.records.push(None);
                u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.by_id.insert(record.id, at);
        self.by_key.insert(record.key, at);
        self.references
            .extend(record.references.iter().map(|hash| (*hash, at)));
        self.records[at as usize] = Some(record);
    }

    /// Removes the record of this id.
    pub(super) fn remove(&mut self, id: u128) {
        if let Some(at) = self.by_id.remove(&id) {
            self.forget(at);
        }
    }

    fn forget(&mut self, at: u32) {
        if let Some(old) = self.records.get_mut(at as usize).and_then(Option::take) {
            // A key change may have given the old key to another record already.
            if self.by_key.get(&old.key) == Some(&at) {
                self.by_key.remove(&old.key);
            }
            for hash in &old.references {
                self.references.remove(&(*hash, at));
            }
        }
    }

    /// Sets the references of the record of this id (after a replay, when all is there).
    pub(super) fn refer(&mut self, id: u128, references: Box<[u64]>) {
        if let Some(at) = self.by_id.get(&id).copied()
            && let Some(Some(record)) = self.records.get_mut(at as usize)
        {
            self.references
                .extend(references.iter().map(|hash| (*hash, at)));
            record.references = references;
        }
    }
}

/// All shelves, by the number of their resource.
#[derive(Debug)]
pub(super) struct Store {
    shelves: Vec<RwLock<Shelf>>,
    journal: Option<Mutex<Journal>>,
    version: AtomicU64,
}

impl Store {
    /// A store of empty shelves, in memory.
    pub(super) fn new(resources: usize) -> Self {
        Self {
            shelves: (0..resources).map(|_| RwLock::default()).collect(),
            journal: None,
            version: AtomicU64::new(0),
        }
    }

    /// The same store, which from now on keeps its changes in a journal.
    pub(super) fn with_journal(self, journal: Journal) -> Self {
        Self {
            journal: Some(Mutex::new(journal)),
            ..self
        }
    }

    /// A shelf of a store that nobody else has yet.
    pub(super) fn shelf_mut(&mut self, resource: u16) -> &mut Shelf {
        self.shelves[usize::from(resource)]
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Records on all shelves.
    pub(super) fn len(&self) -> u64 {
        (0u16..)
            .take(self.shelves.len())
            .map(|number| self.read(number).len() as u64)
            .sum()
    }

    /// Replaces the journal by one line per record.
    ///
    /// # Errors
    /// As the file system says; the old journal stays.
    pub(super) fn rewrite<'a>(
        &self,
        records: impl Iterator<Item = (&'a str, &'a Record)>,
    ) -> Result<(), SandboxError> {
        match &self.journal {
            Some(journal) => journal
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .rewrite(records),
            None => Ok(()),
        }
    }

    /// The next version number.
    pub(super) fn next_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Makes sure that later versions are above this one.
    pub(super) fn seen_version(&self, version: u64) {
        self.version.fetch_max(version, Ordering::Relaxed);
    }

    /// Appends lines to the journal with one write; without a journal nothing is to be done.
    ///
    /// # Errors
    /// The disk is full or gone; nothing of it was kept.
    pub(super) fn append(&self, lines: &[u8]) -> Result<(), SandboxError> {
        match &self.journal {
            Some(journal) => journal
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .append(lines),
            None => Ok(()),
        }
    }

    /// Whether changes are kept on disk.
    pub(super) fn is_kept(&self) -> bool {
        self.journal.is_some()
    }

    /// One shelf, to read.
    pub(super) fn read(&self, resource: u16) -> RwLockReadGuard<'_, Shelf> {
        self.shelves[usize::from(resource)]
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks shelves: `write` to change, the others to read. `numbers` is sorted, which is what
    /// keeps two requests from waiting for each other.
    pub(super) fn lock(&self, numbers: &[u16], write: u16) -> Shelves<'_> {
        self.lock_where(numbers, |number| number == write)
    }

    /// Locks all shelves to change them.
    pub(super) fn lock_all(&self) -> Shelves<'_> {
        let numbers: Vec<_> = (0u16..).take(self.shelves.len()).collect();
        self.lock_where(&numbers, |_| true)
    }

    fn lock_where(&self, numbers: &[u16], write: impl Fn(u16) -> bool) -> Shelves<'_> {
        let guards = numbers
            .iter()
            .map(|number| {
                let shelf = &self.shelves[usize::from(*number)];
                let guard = if write(*number) {
                    Guard::Write(shelf.write().unwrap_or_else(PoisonError::into_inner))
                } else {
                    Guard::Read(shelf.read().unwrap_or_else(PoisonError::into_inner))
                };
                (*number, guard)
            })
            .collect();
        Shelves { guards }
    }
}

/// Shelves under lock.
#[derive(Debug)]
pub(super) struct Shelves<'a> {
    guards: Vec<(u16, Guard<'a>)>,
}

#[derive(Debug)]
enum Guard<'a> {
    Read(RwLockReadGuard<'a, Shelf>),
    Write(RwLockWriteGuard<'a, Shelf>),
}

/// What a shelf that was not locked looks like: every reference to it is unresolved.
static EMPTY: std::sync::LazyLock<Shelf> = std::sync::LazyLock::new(Shelf::default);

impl Shelves<'_> {
    /// A locked shelf.
    pub(super) fn get(&self, number: u16) -> &Shelf {
        match self.guards.iter().find(|(n, _)| *n == number) {
            Some((_, Guard::Read(shelf))) => shelf,
            Some((_, Guard::Write(shelf))) => shelf,
            None => {
                debug_assert!(false, "shelf {number} is not locked");
                &EMPTY
            }
        }
    }

    /// A shelf that is locked to be changed.
    pub(super) fn get_mut(&mut self, number: u16) -> Option<&mut Shelf> {
        match self.guards.iter_mut().find(|(n, _)| *n == number) {
            Some((_, Guard::Write(shelf))) => Some(shelf),
            _ => None,
        }
    }
}

type Hashed = BuildHasherDefault<Low64>;

/// The keys are hashes already: their low half serves.
#[derive(Debug, Default)]
struct Low64(u64);

impl Hasher for Low64 {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is what is wanted"
    )]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: u128, id: u128, references: &[u64]) -> Record {
        Record {
            key,
            id,
            version: 1,
            modified_ms: 0,
            body: Bytes::new(),
            references: references.into(),
        }
    }

    #[test]
    fn a_shelf_keeps_keys_ids_and_references_together() {
        let mut shelf = Shelf::default();
        shelf.put(record(1, 10, &[7]));
        shelf.put(record(2, 20, &[7, 8]));
        assert_eq!(shelf.referring(7).count(), 2);
        shelf.put(record(3, 20, &[8]));
        assert!(!shelf.holds_key(2) && shelf.holds_key(3));
        assert_eq!(shelf.referring(7).map(|r| r.id).collect::<Vec<_>>(), [10]);
        shelf.remove(10);
        assert_eq!((shelf.len(), shelf.end()), (1, 2));
        assert_eq!(shelf.referring(7).count(), 0);
        assert!(shelf.by_id(10).is_none());
    }

    #[test]
    fn two_records_may_swap_keys() {
        let mut shelf = Shelf::default();
        shelf.put(record(1, 10, &[]));
        shelf.put(record(2, 20, &[]));
        shelf.put(record(2, 10, &[]));
        shelf.put(record(1, 20, &[]));
        assert_eq!(shelf.by_key(1).map(|r| r.id), Some(20));
        assert_eq!(shelf.by_key(2).map(|r| r.id), Some(10));
    }
}
