//! Creates in doubt, at a provider that assigns ids: the request went out and its answer was lost,
//! so that the provider may have the object under an id that nobody knows. To send it again could
//! make it twice: it is looked up first.
//!
//! Reads: units, answers to lookups. Writes: marks. Never: I/O.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::failed_refusal;
use crate::object::KeyHash;
use crate::target::{Operation, Unit, Verdict};

/// Lookups of a conversation, with a create after each: then its objects have failed, and the next
/// run looks them up.
pub(super) const ROUNDS: u8 = 3;

/// Refusals after which the provider may have an object all the same.
const REASONS: [&str; 12] = [
    "cannot_connect",
    "connection_lost",
    "timeout",
    "unreadable_answer",
    "incomplete_answer",
    "no_status",
    "server_error",
    "unavailable",
    "no_provider",
    "too_many_requests",
    "unauthorized",
    "in_doubt",
];

/// What is known of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing: it is to be looked up.
    Open,
    /// The provider has it: it is to be updated.
    Found,
    /// The provider does not have it: it is to be created.
    Absent,
    /// The provider cannot tell.
    Unclear,
}

/// Which creates are in doubt.
#[derive(Debug, Default)]
pub struct Doubts {
    /// Kinds of objects, by index in the run, of which the provider has more than the ledger knows
    /// after a run that was cut short: all creates of these.
    kinds: HashSet<usize>,
    marks: Mutex<HashMap<KeyHash, Mark>>,
}

impl Doubts {
    /// All creates of a kind of objects, by its index in the run.
    pub fn kind(&mut self, index: usize) {
        self.kinds.insert(index);
    }

    /// Notes what became of an object in an earlier run, by the reason in the ledger.
    pub fn note(&mut self, key: KeyHash, reason: &str) {
        if REASONS.contains(&reason) {
            self.marks().insert(key, Mark::Open);
        }
    }

    fn marks(&self) -> MutexGuard<'_, HashMap<KeyHash, Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, unit: &Unit, i: usize) -> Mark {
        let marked = self.marks().get(&unit.chunk.key_hash(i)).copied();
        marked.unwrap_or(match self.kinds.contains(&unit.chunk.resource) {
            true => Mark::Open,
            false => Mark::Absent,
        })
    }

    pub(super) fn set(&self, unit: &Unit, i: usize, mark: Mark) {
        self.marks().insert(unit.chunk.key_hash(i), mark);
    }

    /// All of them that were sent: whether they are there is not known any more.
    pub(super) fn lost(&self, unit: &Unit) {
        for i in unit.range.clone() {
            if self.of(unit, i) == Mark::Absent {
                self.set(unit, i, Mark::Open);
            }
        }
    }

    /// The provider cannot be asked.
    pub(super) fn unclear(&self, unit: &Unit) {
        for i in unit.range.clone() {
            if self.of(unit, i) == Mark::Open {
                self.set(unit, i, Mark::Unclear);
            }
        }
    }

    /// The object to look up next.
    pub(super) fn open(&self, unit: &Unit) -> Option<usize> {
        let mut places = unit.range.clone();
        places.find(|i| self.of(unit, *i) == Mark::Open)
    }

    /// Whether there is one to create.
    pub(super) fn creates(&self, unit: &Unit) -> bool {
        let mut places = unit.range.clone();
        places.any(|i| self.of(unit, i) == Mark::Absent)
    }

    /// Verdicts: those of the lookups, and for the others those that `answered` has.
    pub(super) fn verdicts(
        &self,
        unit: &Unit,
        answered: impl Fn(usize) -> Verdict,
    ) -> Vec<(Option<KeyHash>, Verdict)> {
        let one = |i| {
            let verdict = match self.of(unit, i) {
                Mark::Found => {
                    let message = "the answer to its create was lost; the provider has it";
                    let refusal = failed_refusal("conflict", 200, message.to_owned());
                    Verdict::Again(Operation::Replace, refusal)
                }
                Mark::Unclear => {
                    let message = "the answer to its create was lost, and the provider cannot tell \
                                   whether it has it";
                    Verdict::Failed(failed_refusal("in_doubt", 0, message.to_owned()))
                }
                Mark::Absent | Mark::Open => answered(i),
            };
            self.marks().remove(&unit.chunk.key_hash(i));
            (Some(unit.chunk.key_hash(i)), verdict)
        };
        unit.range.clone().map(one).collect()
    }
}
