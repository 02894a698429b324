//! What became of every row and every object of a run, as sums that merge.
//!
//! Reads: nothing. Writes: nothing. Never: one entry per object; memory is bounded by the number of
//! resources and reasons.

use std::collections::BTreeMap;

use super::counts::{Counts, DeleteCounts};
use super::group::{self, Age, ExampleRef, Groups};
use super::latency::Latency;
use crate::object::{DeleteOutcome, Outcome, Reason};

/// The tally of a run, or of a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// By resource name.
    pub resources: BTreeMap<String, ResourceTally>,
    /// By SIS table name.
    pub tables: BTreeMap<String, TableTally>,
}

/// What became of one resource's objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceTally {
    /// Rows of the objects file, counted where it was written: what the outcomes must add up to.
    pub transformed: u64,
    /// Deletes that were due, counted where they were decided.
    pub deletes_due: u64,
    /// Errors of earlier runs that this run has made good, by their old reason.
    pub cleared: Groups,
    /// Requests, retries, bytes, times.
    pub traffic: Traffic,
    pub(super) outcomes: [u64; Outcome::ALL.len()],
    pub(super) groups: BTreeMap<Outcome, Groups>,
    pub(super) deletes: [u64; DeleteOutcome::ALL.len()],
    pub(super) delete_groups: BTreeMap<DeleteOutcome, Groups>,
}

/// What became of the rows of one SIS table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableTally {
    /// Data rows in the source.
    pub read: u64,
    /// Rows in the staged table.
    pub staged: u64,
    /// Rows in the rejects file, by reason.
    pub unreadable: BTreeMap<String, u64>,
}

/// What went over the wire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Those of them that were repeats after a transient fault.
    pub retries: u64,
    /// Bytes of request bodies.
    pub bytes_sent: u64,
    /// Bytes of answers' bodies.
    pub bytes_received: u64,
    /// Time from sending a request to its whole answer.
    pub latency: Latency,
    /// When the first request was sent and the last answer came, microseconds since 1970.
    pub during: Option<(i64, i64)>,
}

impl Traffic {
    /// Notes that an answer came at `at` (microseconds since 1970), `latency_us` after its request.
    pub fn spanned(&mut self, at: i64, latency_us: u32) {
        let from = at - i64::from(latency_us);
        self.during = match self.during {
            Some((first, last)) => Some((first.min(from), last.max(at))),
            None => Some((from, at)),
        };
    }

    /// Adds another's sums.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.latency.merge(&other.latency);
        self.during = match (self.during, other.during) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}

impl ResourceTally {
    /// Counts objects whose outcome needs no reason: collapsed, unchanged, created, updated.
    pub fn count(&mut self, outcome: Outcome, objects: u64) {
        self.outcomes[outcome as usize] += objects;
    }

    /// Counts one object whose outcome has a reason: rejected, skipped, blocked, pending, failed.
    /// `age` matters for errors only.
    pub fn record(&mut self, outcome: Outcome, reason: &Reason, age: Age, example: ExampleRef<'_>) {
        self.outcomes[outcome as usize] += 1;
        group::add(
            self.groups.entry(outcome).or_default(),
            reason,
            age,
            example,
        );
    }

    /// Counts one error of an earlier run that is gone, by its old reason.
    pub fn record_cleared(&mut self, reason: &Reason, example: ExampleRef<'_>) {
        group::add(&mut self.cleared, reason, Age::Standing, example);
    }

    /// Counts deletes that went well.
    pub fn count_deletes(&mut self, outcome: DeleteOutcome, deletes: u64) {
        self.deletes[outcome as usize] += deletes;
    }

    /// Counts one delete with a reason: refused, held, failed, pending.
    pub fn record_delete(
        &mut self,
        outcome: DeleteOutcome,
        reason: &Reason,
        example: ExampleRef<'_>,
    ) {
        self.deletes[outcome as usize] += 1;
        group::add(
            self.delete_groups.entry(outcome).or_default(),
            reason,
            Age::New,
            example,
        );
    }

    /// Objects with this outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Deletes with this outcome.
    pub fn deletes_of(&self, outcome: DeleteOutcome) -> u64 {
        self.deletes[outcome as usize]
    }

    /// Groups of an outcome by reason; empty where there are none.
    pub fn groups(&self, outcome: Outcome) -> impl Iterator<Item = (&Reason, &group::Group)> {
        self.groups.get(&outcome).into_iter().flatten()
    }

    /// All counts as plain numbers.
    pub fn counts(&self) -> Counts {
        let errors = Outcome::ALL.into_iter().filter(|o| o.is_error());
        let new = errors
            .flat_map(|o| self.groups(o))
            .map(|(_, g)| g.new)
            .sum();
        let cleared = self.cleared.values().map(|g| g.count).sum();
        Counts::new(self.transformed, &self.outcomes, new, cleared)
    }

    /// All delete counts as plain numbers.
    pub fn delete_counts(&self) -> DeleteCounts {
        DeleteCounts::new(self.deletes_due, &self.deletes)
    }

    /// Adds another part of the same resource.
    pub fn merge(&mut self, other: Self) {
        self.transformed += other.transformed;
        self.deletes_due += other.deletes_due;
        self.traffic.merge(&other.traffic);
        group::merge(&mut self.cleared, other.cleared);
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        for (mine, theirs) in self.deletes.iter_mut().zip(other.deletes) {
            *mine += theirs;
        }
        for (outcome, groups) in other.groups {
            group::merge(self.groups.entry(outcome).or_default(), groups);
        }
        for (outcome, groups) in other.delete_groups {
            group::merge(self.delete_groups.entry(outcome).or_default(), groups);
        }
    }
}

impl TableTally {
    /// Rows in the rejects file.
    pub fn unreadable(&self) -> u64 {
        self.unreadable.values().sum()
    }

    /// Adds another part of the same table.
    pub fn merge(&mut self, other: Self) {
        self.read += other.read;
        self.staged += other.staged;
        for (reason, rows) in other.unreadable {
            *self.unreadable.entry(reason).or_default() += rows;
        }
    }
}

impl Tally {
    /// The part of one resource.
    pub fn resource(&mut self, name: &str) -> &mut ResourceTally {
        self.resources.entry(name.to_owned()).or_default()
    }

    /// The part of one SIS table.
    pub fn table(&mut self, name: &str) -> &mut TableTally {
        self.tables.entry(name.to_owned()).or_default()
    }

    /// Adds another part of the run. Parts may be merged in any order and grouping.
    pub fn merge(&mut self, other: Self) {
        for (name, resource) in other.resources {
            self.resources.entry(name).or_default().merge(resource);
        }
        for (name, table) in other.tables {
            self.tables.entry(name).or_default().merge(table);
        }
    }

    /// Sums over all resources.
    pub fn counts(&self) -> Counts {
        self.resources.values().map(ResourceTally::counts).sum()
    }

    /// Sums of the deletes over all resources.
    pub fn delete_counts(&self) -> DeleteCounts {
        self.resources
            .values()
            .map(ResourceTally::delete_counts)
            .sum()
    }
}
