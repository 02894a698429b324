//! What travels from the feed to a worker: encoded objects of one resource.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, FixedSizeBinaryArray, Int64Array, StringArray};
use bytes::Bytes;

use super::Operation;
use crate::object::{ContentHash, Encoded, KeyHash};

/// Some objects of one resource: bodies as slices of one buffer, and what the ledger and the
/// results need to know of each. Shared by all units cut from it.
#[derive(Debug)]
pub struct Chunk {
    /// Index of the resource in the run.
    pub resource: usize,
    /// Row of each object in its objects file.
    pub rows: Vec<u64>,
    /// Natural keys.
    pub keys: StringArray,
    /// Their hashes, 16 bytes each.
    pub key_hashes: FixedSizeBinaryArray,
    /// Content hashes, 16 bytes each.
    pub content_hashes: FixedSizeBinaryArray,
    /// SIS tables.
    pub source_tables: StringArray,
    /// SIS keys.
    pub source_keys: StringArray,
    /// SIS schoolID, personID, courseID, sectionID.
    pub scope: [Int64Array; 4],
    /// The bodies; none for deletes.
    pub bodies: Encoded,
    /// Server ids, where the operation needs one that is known.
    pub ids: Option<StringArray>,
    /// Why each is deleted, for the results.
    pub why: Option<StringArray>,
}

impl Chunk {
    /// How many objects.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The natural key of object `i`.
    pub fn key(&self, i: usize) -> &str {
        self.keys.value(i)
    }

    /// Its hash.
    pub fn key_hash(&self, i: usize) -> KeyHash {
        KeyHash::from_bytes(self.key_hashes.value(i)).unwrap_or(KeyHash(0))
    }

    /// The hash of its content.
    pub fn content_hash(&self, i: usize) -> ContentHash {
        ContentHash::from_bytes(self.content_hashes.value(i)).unwrap_or(ContentHash(0))
    }

    /// Its body, without copying.
    pub fn body(&self, i: usize) -> Bytes {
        self.bodies.body(i)
    }

    /// The server's id, where the ledger knows one.
    pub fn id(&self, i: usize) -> Option<&str> {
        self.ids
            .as_ref()
            .filter(|ids| ids.is_valid(i))
            .map(|ids| ids.value(i))
    }

    /// Why it is deleted; empty where that is not said.
    pub fn why(&self, i: usize) -> &str {
        self.why.as_ref().map_or("", |why| why.value(i))
    }

    /// A scope column's value: 0 school, 1 person, 2 course, 3 section.
    pub fn scope(&self, column: usize, i: usize) -> Option<i64> {
        let values = self.scope.get(column)?;
        values.is_valid(i).then(|| values.value(i))
    }
}

/// The objects of one request.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Where they are.
    pub chunk: Arc<Chunk>,
    /// Which of the chunk's objects.
    pub range: Range<usize>,
    /// What is wanted.
    pub operation: Operation,
}

impl Unit {
    /// How many objects.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }
}
