//! Persons whose Ed-Fi id has changed, and persons who were combined.

use std::collections::BTreeSet;

/// The persons that a run resyncs because who they are has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::run) struct People {
    /// SIS personID: named as changed.
    changed: BTreeSet<i64>,
    /// SIS personID: removed by combining, and kept by it.
    pairs: BTreeSet<(i64, i64)>,
    /// SIS personID: found to have another id than the ledger knows.
    found: BTreeSet<i64>,
}

impl People {
    /// Whether the person is named: its deletes are consented to.
    pub(super) fn names(&self, person: Option<i64>) -> bool {
        person.is_some_and(|id| self.changed.contains(&id)) || self.is_removed(person)
    }

    /// Whether the person was removed by combining.
    pub(super) fn is_removed(&self, person: Option<i64>) -> bool {
        person.is_some_and(|id| self.pairs.iter().any(|(removed, _)| *removed == id))
    }

    /// Whether the person's id has changed: what is under the old one goes first.
    pub(super) fn changes(&self, person: Option<i64>) -> bool {
        self.names(person) || person.is_some_and(|id| self.found.contains(&id))
    }

    /// Notes that a person is found under another id.
    pub(super) fn has_changed(&mut self, person: Option<i64>) {
        self.found.extend(person);
    }
}
