//! One line of a book.

use std::sync::Arc;

use super::withheld::Withheld;
use crate::object::{KeyHash, Outcome, Reason, Refusal};

/// What one row's outcome consists of, before it is written down.
pub(super) struct Line<'a> {
    pub(super) row: u64,
    pub(super) key: &'a str,
    pub(super) key_hash: KeyHash,
    pub(super) source: (&'a str, &'a str),
    pub(super) outcome: Outcome,
    pub(super) refusal: Option<&'a Refusal>,
    pub(super) reason: Option<&'a Reason>,
    pub(super) detail: &'a str,
    pub(super) root: Option<&'a Arc<Withheld>>,
    pub(super) server_id: &'a str,
    pub(super) status: u16,
    pub(super) attempts: u16,
    /// Whether it is the first object of its request.
    pub(super) first: bool,
    pub(super) latency_us: u32,
    pub(super) at: i64,
}
