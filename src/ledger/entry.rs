//! What is told to the ledger: one event about one object.

use crate::object::{ContentHash, KeyHash, Reason};

/// One event about one object.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The target's name of the resource (`students`).
    pub resource: &'a str,
    /// Hash of the natural key.
    pub key_hash: KeyHash,
    /// The natural key's text.
    pub key: &'a str,
    /// SIS table of the row that the object comes from.
    pub source_table: &'a str,
    /// SIS key of that row.
    pub source_key: &'a str,
    /// SIS school; `None` = district-wide.
    pub school_id: Option<i64>,
    /// SIS person.
    pub person_id: Option<i64>,
    /// SIS course.
    pub course_id: Option<i64>,
    /// SIS section.
    pub section_id: Option<i64>,
    /// What happened.
    pub event: Event<'a>,
    /// When, in microseconds since 1970 (UTC).
    pub at: i64,
}

/// What happened to an object at the target, or on the way to it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The target acknowledged this content (2xx).
    Delivered {
        /// Hash of the body that was acknowledged.
        content_hash: ContentHash,
        /// The target's id of the record; empty when it gave none.
        server_id: &'a str,
    },
    /// The object was refused, by the target or before it was sent. What was delivered earlier
    /// stays known.
    Refused {
        /// The bounded reason.
        reason: &'a Reason,
        /// HTTP status; 0 where no answer came or the refusal is our own.
        status: u16,
    },
    /// An earlier refusal no longer stands: the object is as delivered again, or it is gone.
    Cleared,
    /// The target no longer has the object.
    Deleted,
}
