//! The identities that every tally must meet, checked at the end of every run.
//!
//! Reads: a tally. Writes: nothing. Never: mends a sum.

use std::fmt;

use super::tally::{ResourceTally, TableTally, Tally};
use crate::object::{DeleteOutcome, Outcome};

/// A tally that does not add up: a fault of this program, never of the data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch(
    /// Each identity that does not hold.
    pub Vec<Fault>,
);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tally does not add up (a fault of this program, please report it)")?;
        self.0.iter().try_for_each(|fault| write!(f, "; {fault}"))
    }
}

/// One identity that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// transformed = collapsed + unchanged + rejected + skipped + blocked + pending + sent.
    #[error("{resource}: {transformed} objects transformed, {settled} have an outcome")]
    Objects {
        /// The resource.
        resource: String,
        /// Rows of its objects file.
        transformed: u64,
        /// Sum of all outcomes.
        settled: u64,
    },
    /// Each object that is held back, failed or pending has one reason.
    #[error("{resource}: {count} {outcome}, {with_reason} have a reason")]
    Reasons {
        /// The resource.
        resource: String,
        /// The outcome.
        outcome: Outcome,
        /// Objects with that outcome.
        count: u64,
        /// Sum over its reasons.
        with_reason: u64,
    },
    /// due = deleted + already gone + refused + held + failed + pending.
    #[error("{resource}: {due} deletes due, {settled} have an outcome")]
    Deletes {
        /// The resource.
        resource: String,
        /// What was due.
        due: u64,
        /// Sum of all outcomes.
        settled: u64,
    },
    /// read = staged + unreadable.
    #[error("table {table}: {read} rows read, {staged} staged and {unreadable} unreadable")]
    Rows {
        /// The table.
        table: String,
        /// Rows in the source.
        read: u64,
        /// Rows staged.
        staged: u64,
        /// Rows in the rejects file.
        unreadable: u64,
    },
}

/// Outcomes that need a reason.
const REASONED: [Outcome; 5] = [
    Outcome::Rejected,
    Outcome::Skipped,
    Outcome::Blocked,
    Outcome::Pending,
    Outcome::Failed,
];

impl ResourceTally {
    /// Checks this resource against the rows of its objects file, counted elsewhere.
    ///
    /// # Errors
    /// Every identity that does not hold.
    pub fn check(&self, resource: &str, transformed: u64) -> Result<(), Mismatch> {
        let mut faults = Vec::new();
        let resource = resource.to_owned();
        let settled: u64 = self.outcomes.iter().sum();
        if settled != transformed {
            faults.push(Fault::Objects {
                resource: resource.clone(),
                transformed,
                settled,
            });
        }
        for outcome in REASONED {
            let count = self.of(outcome);
            let with_reason: u64 = self.groups(outcome).map(|(_, g)| g.count).sum();
            if with_reason != count {
                let resource = resource.clone();
                faults.push(Fault::Reasons {
                    resource,
                    outcome,
                    count,
                    with_reason,
                });
            }
        }
        let settled: u64 = DeleteOutcome::ALL.iter().map(|d| self.deletes_of(*d)).sum();
        if settled != self.deletes_due {
            faults.push(Fault::Deletes {
                resource,
                due: self.deletes_due,
                settled,
            });
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Mismatch(faults))
        }
    }
}

impl TableTally {
    fn check(&self, table: &str) -> Option<Fault> {
        let unreadable = self.unreadable();
        (self.read != self.staged + unreadable).then(|| Fault::Rows {
            table: table.to_owned(),
            read: self.read,
            staged: self.staged,
            unreadable,
        })
    }
}

impl Tally {
    /// Checks every table and resource, each against its own stated `transformed`.
    ///
    /// # Errors
    /// Every identity that does not hold.
    pub fn check(&self) -> Result<(), Mismatch> {
        let mut faults: Vec<Fault> = self
            .tables
            .iter()
            .filter_map(|(name, table)| table.check(name))
            .collect();
        for (name, resource) in &self.resources {
            if let Err(Mismatch(more)) = resource.check(name, resource.transformed) {
                faults.extend(more);
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Mismatch(faults))
        }
    }
}
