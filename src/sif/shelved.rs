//! A shelf with what became of its rows, and requests with what became of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fates::Fates;
use super::shelf::Shelf;
use crate::object::{DeleteOutcome, KeyHash, Reason};

/// A shelf, and what became of its rows.
#[derive(Debug)]
pub struct Shelved {
    /// The objects.
    pub shelf: Shelf,
    fates: Mutex<Fates>,
    /// Keys that were delivered from the objects of an earlier run, sorted.
    pub(super) elsewhere: Mutex<Vec<KeyHash>>,
    /// Objects that agents were told are gone, or were to be.
    pub(super) gone: Mutex<Vec<Gone>>,
}

/// An object that is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) ref_id: String,
    pub(super) outcome: DeleteOutcome,
    pub(super) reason: Option<Reason>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// SIF_MsgId of the request.
    pub msg_id: String,
    /// The agent that asked.
    pub agent: String,
    /// ObjectName.
    pub object: String,
    /// Objects that it is about.
    pub wanted: u64,
    /// Objects delivered, those of an earlier process included.
    pub delivered: u64,
    /// Objects that do not fit into its buffer.
    pub too_large: u64,
    /// Packets delivered.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How it ended, in words: None = with its last packet.
    pub ended: Option<String>,
    /// How it ended.
    pub end: End,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With its last packet.
    Complete,
    /// We cannot answer it.
    Declined,
    /// The zone refused the answer, or the agent cancelled it.
    Refused,
    /// The next run carries it on.
    Later,
}

impl Answered {
    /// Objects that it is about and that were not delivered.
    pub fn undelivered(&self) -> u64 {
        self.wanted.saturating_sub(self.delivered + self.too_large)
    }
}

impl Shelved {
    /// A shelf that nobody has asked for yet.
    pub fn new(shelf: Shelf) -> Self {
        let rows = shelf.objects.rows();
        Self {
            shelf,
            fates: Mutex::new(Fates::new(rows)),
            elsewhere: Mutex::default(),
            gone: Mutex::default(),
        }
    }

    /// What became of its rows.
    pub fn fates(&self) -> MutexGuard<'_, Fates> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
