//! Which errors are asked for.

use std::collections::BTreeSet;

use super::record::{Record, Side};
use crate::ledger::StatusRange;

/// Which errors are asked for; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Bounded reason.
    pub reason: Option<String>,
    /// Outcome word.
    pub outcome: Option<String>,
    /// Who held it back.
    pub side: Option<Side>,
    /// HTTP status of the refusal; empty = any.
    pub status: Vec<StatusRange>,
    /// SIS schools; empty = any.
    pub schools: BTreeSet<i64>,
    /// SIS persons; empty = any.
    pub persons: BTreeSet<i64>,
    /// The results of this run, in the place of all that stands.
    pub run: Option<String>,
    /// Archived ones, or the others.
    pub shelf: Shelf,
}

/// Whether archived errors are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shelf {
    /// Only those that are not archived.
    #[default]
    Daily,
    /// Only archived ones.
    Archived,
}

/// Ids that are listed for another command to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// SIS schoolID.
    School,
    /// SIS personID.
    Person,
    /// SIS courseID.
    Course,
    /// SIS sectionID.
    Section,
}

impl IdKind {
    /// This id of an object.
    pub fn of(self, record: &Record) -> Option<i64> {
        match self {
            Self::School => record.school_id,
            Self::Person => record.person_id,
            Self::Course => record.course_id,
            Self::Section => record.section_id,
        }
    }
}

/// Outcomes that are no errors and stand in results only.
const HELD: [&str; 3] = ["skipped", "pending", "collapsed"];

impl Filter {
    /// Whether what stands in the ledger is asked for.
    pub(super) fn wants_standing(&self) -> bool {
        self.run.is_none() && (self.outcome.as_deref()).is_none_or(|o| !HELD.contains(&o))
    }

    /// Whether outcomes that are no errors are asked for: by name, or by their reason.
    pub(super) fn wants_held(&self) -> bool {
        match self.outcome.as_deref() {
            Some(outcome) => HELD.contains(&outcome),
            None => self.reason.is_some() && self.shelf == Shelf::Daily,
        }
    }

    /// Whether an outcome of a run's results is asked for.
    pub(super) fn wants_outcome(&self, outcome: &str) -> bool {
        let held = HELD.contains(&outcome);
        let error = matches!(outcome, "rejected" | "blocked" | "failed");
        (self.outcome.as_deref()).is_none_or(|wanted| wanted == outcome)
            && ((error && self.run.is_some()) || (held && self.wants_held()))
    }

    /// What is known before the run folders are looked at.
    pub(super) fn admits_early(&self, record: &Record) -> bool {
        let any = |wanted: &BTreeSet<i64>, id: Option<i64>| {
            wanted.is_empty() || id.is_some_and(|id| wanted.contains(&id))
        };
        (self.reason.as_ref()).is_none_or(|reason| *reason == record.reason)
            && (self.status.is_empty() || self.status.iter().any(|s| s.contains(record.status)))
            && any(&self.schools, record.school_id)
            && any(&self.persons, record.person_id)
            && (self.shelf == Shelf::Archived) == record.archived
    }

    /// What is known once they have been.
    pub(super) fn admits(&self, record: &Record) -> bool {
        (self.outcome.as_ref()).is_none_or(|outcome| *outcome == record.outcome)
            && self.side.is_none_or(|side| side == record.side)
    }
}
