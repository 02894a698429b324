//! The numbers of a tally and the sums that are made of them.
//!
//! Reads: nothing. Writes: nothing. Never: a second definition of Processed or Errors.

use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::object::{DeleteOutcome, Outcome};

/// Objects by outcome, and the sums over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows of the objects file.
    pub transformed: u64,
    /// Equal to another row of the same key.
    pub collapsed: u64,
    /// Acknowledged with this very content before.
    pub unchanged: u64,
    /// Left out on purpose.
    pub skipped: u64,
    /// Held back for a fault of their own.
    pub rejected: u64,
    /// Held back for the fault of another.
    pub blocked: u64,
    /// New at the target.
    pub created: u64,
    /// Replaced at the target.
    pub updated: u64,
    /// Refused or never answered.
    pub failed: u64,
    /// Due and not settled.
    pub pending: u64,
    /// created + updated + failed.
    pub sent: u64,
    /// transformed - collapsed - skipped - pending.
    pub processed: u64,
    /// rejected + blocked + failed.
    pub errors: u64,
    /// Those of the errors that no earlier run had.
    pub new_errors: u64,
    /// Errors of earlier runs that are gone.
    pub cleared_errors: u64,
}

impl Counts {
    pub(super) fn new(
        transformed: u64,
        outcomes: &[u64; Outcome::ALL.len()],
        new_errors: u64,
        cleared_errors: u64,
    ) -> Self {
        let of = |outcome: Outcome| outcomes[outcome as usize];
        let sent = of(Outcome::Created) + of(Outcome::Updated) + of(Outcome::Failed);
        let errors = of(Outcome::Rejected) + of(Outcome::Blocked) + of(Outcome::Failed);
        let aside = of(Outcome::Collapsed) + of(Outcome::Skipped) + of(Outcome::Pending);
        Self {
            transformed,
            collapsed: of(Outcome::Collapsed),
            unchanged: of(Outcome::Unchanged),
            skipped: of(Outcome::Skipped),
            rejected: of(Outcome::Rejected),
            blocked: of(Outcome::Blocked),
            created: of(Outcome::Created),
            updated: of(Outcome::Updated),
            failed: of(Outcome::Failed),
            pending: of(Outcome::Pending),
            sent,
            // Saturating: a tally that does not add up is reported, not a reason to panic.
            processed: transformed.saturating_sub(aside),
            errors,
            new_errors,
            cleared_errors,
        }
    }

    /// Errors that an earlier run had too.
    pub fn standing_errors(&self) -> u64 {
        self.errors.saturating_sub(self.new_errors)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.transformed += other.transformed;
        self.collapsed += other.collapsed;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
        self.blocked += other.blocked;
        self.created += other.created;
        self.updated += other.updated;
        self.failed += other.failed;
        self.pending += other.pending;
        self.sent += other.sent;
        self.processed += other.processed;
        self.errors += other.errors;
        self.new_errors += other.new_errors;
        self.cleared_errors += other.cleared_errors;
    }
}

/// Deletes by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteCounts {
    /// What had to be deleted.
    pub due: u64,
    /// Removed by the target.
    pub deleted: u64,
    /// Not there any more.
    pub already_gone: u64,
    /// Kept by the target's own rule.
    pub refused: u64,
    /// Not done.
    pub failed: u64,
    /// Not settled.
    pub pending: u64,
    /// Held back by the guard on the number of deletes.
    #[serde(default)]
    pub held: u64,
}

impl DeleteCounts {
    pub(super) fn new(due: u64, outcomes: &[u64; DeleteOutcome::ALL.len()]) -> Self {
        let of = |outcome: DeleteOutcome| outcomes[outcome as usize];
        Self {
            due,
            deleted: of(DeleteOutcome::Deleted),
            already_gone: of(DeleteOutcome::AlreadyGone),
            refused: of(DeleteOutcome::Refused),
            failed: of(DeleteOutcome::Failed),
            pending: of(DeleteOutcome::Pending),
            held: of(DeleteOutcome::Held),
        }
    }
}

impl AddAssign for DeleteCounts {
    fn add_assign(&mut self, other: Self) {
        self.due += other.due;
        self.deleted += other.deleted;
        self.already_gone += other.already_gone;
        self.refused += other.refused;
        self.failed += other.failed;
        self.pending += other.pending;
        self.held += other.held;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

impl Sum for DeleteCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}
