//! What events would tell, found out without telling anybody.
//!
//! Reads: hand-over points and their objects files. Writes: nothing. Never: moves a point, or reaches
//! the zone.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use super::difference::{compare, ids_of};
use super::fates::Fate;
use super::handover::Handovers;
use super::session::SyncError;
use super::shelf::Shelf;
use super::shelved::{Gone, Shelved};
use crate::object::{DeleteOutcome, Outcome, Reason};
use crate::report::EventsLine;

impl Shelved {
    /// The events that each group of agents is due; the rows are marked by what would be told of
    /// them.
    ///
    /// # Errors
    /// [`SyncError`]: hand-over points or their objects cannot be read.
    pub fn foresee(&self, handovers: &Handovers) -> Result<Vec<EventsLine>, SyncError> {
        let mut lines = Vec::new();
        let mut gone = BTreeSet::new();
        for group in handovers.groups(&self.shelf.name)? {
            let Some(first) = group.first() else { continue };
            let from = handovers.objects(first);
            let old = Shelf::open(&self.shelf.name, &from, &self.shelf.meta, None)?;
            let mut fates = self.fates();
            let found = compare(&old, &self.shelf, &first.except, |row| fates.same(row))?;
            let would = |reason| Fate {
                outcome: Outcome::Pending,
                reason: Reason::fixed(reason),
                detail: String::new(),
            };
            fates.tell(found.adds.iter().copied(), &would("would_create"));
            let changed = found.changes.iter().map(|(row, _)| *row);
            fates.tell(changed, &would("would_update"));
            gone.extend(ids_of(&old, &found.deletes.iter().copied().collect())?);
            gone.extend(found.gone.iter().cloned());
            if found.events() > 0 {
                lines.push(EventsLine {
                    object: self.shelf.name.clone(),
                    agents: group.iter().map(|point| point.agent.clone()).collect(),
                    add: found.adds.len() as u64,
                    change: found.changes.len() as u64,
                    delete: (found.deletes.len() + found.gone.len()) as u64,
                    ..EventsLine::default()
                });
            }
        }
        let mut all = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(gone.into_iter().map(|ref_id| Gone {
            ref_id,
            outcome: DeleteOutcome::Pending,
            reason: Some(Reason::fixed("would_delete")),
        }));
        Ok(lines)
    }
}
