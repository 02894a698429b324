//! What travels from the feed to a worker: encoded objects of one resource.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray as _, FixedSizeBinaryArray, Int64Array, StringArray, UInt64Array,
};
use arrow::compute::take;
use arrow::error::ArrowError;
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

    /// A chunk of some of its objects.
    ///
    /// # Errors
    /// A place beyond its end.
    pub fn pick(&self, places: &[usize]) -> Result<Self, ArrowError> {
        let indices: UInt64Array = places.iter().map(|i| *i as u64).collect();
        let array = |values: &dyn Array| take(values, &indices, None);
        let texts = |values: &StringArray| Ok::<_, ArrowError>(array(values)?.as_string().clone());
        let hashes = |values: &FixedSizeBinaryArray| {
            Ok::<_, ArrowError>(array(values)?.as_fixed_size_binary().clone())
        };
        let mut scope = self.scope.clone();
        for column in &mut scope {
            *column = array(column)?.as_primitive().clone();
        }
        let (mut buffer, mut ends) = (Vec::new(), Vec::with_capacity(places.len()));
        for i in places {
            buffer.extend_from_slice(self.bodies.bytes(*i));
            ends.push(buffer.len());
        }
        let row = |i: &usize| self.rows.get(*i).copied().unwrap_or_default();
        Ok(Self {
            resource: self.resource,
            rows: places.iter().map(row).collect(),
            keys: texts(&self.keys)?,
            key_hashes: hashes(&self.key_hashes)?,
            content_hashes: hashes(&self.content_hashes)?,
            source_tables: texts(&self.source_tables)?,
            source_keys: texts(&self.source_keys)?,
            scope,
            bodies: Encoded::from_parts(Bytes::from(buffer), ends),
            ids: self.ids.as_ref().map(texts).transpose()?,
            why: self.why.as_ref().map(texts).transpose()?,
        })
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
