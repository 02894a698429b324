//! Errors grouped by resource, outcome and reason.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::record::{Record, Side};

/// Examples kept per group.
const EXAMPLES: usize = 5;

/// Groups of records; memory does not grow with their number.
#[derive(Debug, Default)]
pub struct Groups(BTreeMap<(usize, String, String), GroupLine>);

/// One group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupLine {
    /// The resource.
    pub resource: String,
    /// The outcome.
    pub outcome: String,
    /// The bounded reason.
    pub reason: String,
    /// Who held them back.
    pub side: Side,
    /// Objects.
    pub count: u64,
    /// HTTP statuses that were met; 0: none.
    pub statuses: BTreeSet<u16>,
    /// The first few. Holds student data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Record>,
}

impl Groups {
    /// Counts a record of the resource with this place in the order of resources.
    pub fn add(&mut self, place: usize, record: Record) {
        let key = (place, record.outcome.clone(), record.reason.clone());
        let group = self.0.entry(key).or_insert_with(|| GroupLine {
            resource: record.resource.clone(),
            outcome: record.outcome.clone(),
            reason: record.reason.clone(),
            side: record.side,
            count: 0,
            statuses: BTreeSet::new(),
            examples: Vec::new(),
        });
        group.count += 1;
        group.statuses.insert(record.status);
        if group.examples.len() < EXAMPLES {
            group.examples.push(record);
        }
    }

    /// The groups, largest first.
    pub fn into_lines(self) -> Vec<GroupLine> {
        let mut lines: Vec<GroupLine> = self.0.into_values().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.count));
        lines
    }
}
