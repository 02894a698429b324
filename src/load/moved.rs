//! Objects whose natural key has changed, and which keep their record at the target.

use std::collections::HashMap;

use super::Shared;
use crate::ledger::{Entry, Event};
use crate::object::KeyHash;
use crate::target::Chunk;

/// By row of the objects file.
pub type Moves = HashMap<u64, Moved>;

/// The record that an object is to take over by a PUT on its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The server's id of the record.
    pub id: String,
    /// The natural key that it has now.
    pub key: String,
}

impl Moved {
    /// What the ledger is told of the old key when object `i` has taken its record over.
    pub(super) fn entry<'a>(
        &'a self,
        chunk: &'a Chunk,
        i: usize,
        shared: &'a Shared,
        at: i64,
    ) -> Entry<'a> {
        Entry {
            resource: &shared.names[chunk.resource],
            key_hash: KeyHash::of(&self.key),
            key: &self.key,
            source_table: chunk.source_tables.value(i),
            source_key: chunk.source_keys.value(i),
            school_id: chunk.scope(0, i),
            person_id: chunk.scope(1, i),
            course_id: chunk.scope(2, i),
            section_id: chunk.scope(3, i),
            event: Event::Deleted,
            at,
        }
    }
}
