//! `errors.json`: what went wrong, grouped by resource, outcome and reason, with examples.
//!
//! Reads: a tally. Writes: nothing itself. Never: more than a few examples per group.

use serde::{Deserialize, Serialize};

use super::FORMAT;
use super::group::{Example, Group, Groups};
use super::run::RunHead;
use super::scope::Unmatched;
use super::tally::Tally;
use crate::object::Reason;

/// The whole of `errors.json`. Examples hold student data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorsReport {
    /// [`FORMAT`].
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub configuration: String,
    /// Ids named for the run that no object in scope was made of; no errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<Unmatched>,
    /// Rejected, blocked and failed objects.
    pub errors: Vec<ErrorGroup>,
    /// Objects left out on purpose, and objects still due: no errors, but asked for often.
    pub held: Vec<ErrorGroup>,
    /// Deletes that were refused, failed or are still due.
    pub deletes: Vec<ErrorGroup>,
    /// Errors of earlier runs that this run has made good; `outcome` is `cleared`.
    pub cleared: Vec<ErrorGroup>,
}

/// Objects of one resource with one outcome for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorGroup {
    /// The resource.
    pub resource: String,
    /// `rejected`, `blocked`, `failed`, ...
    pub outcome: String,
    /// The bounded reason code.
    pub reason: Reason,
    /// Objects.
    pub count: u64,
    /// Those of them that no earlier run had.
    pub new: u64,
    /// Those of them that an earlier run had too. `new + standing = count` for errors.
    pub standing: u64,
    /// The first few by key.
    pub examples: Vec<Example>,
}

fn groups(resource: &str, outcome: &str, groups: &Groups, aged: bool) -> Vec<ErrorGroup> {
    let one = |(reason, group): (&Reason, &Group)| ErrorGroup {
        resource: resource.to_owned(),
        outcome: outcome.to_owned(),
        reason: reason.clone(),
        count: group.count,
        new: if aged { group.new } else { 0 },
        standing: if aged { group.count - group.new } else { 0 },
        examples: group.examples.clone(),
    };
    groups.iter().map(one).collect()
}

impl ErrorsReport {
    /// The errors of a run, resources in the order of the run, largest group first.
    pub fn new(head: &RunHead, tally: &Tally) -> Self {
        let mut report = Self {
            format: FORMAT,
            run: head.run.clone(),
            configuration: head.configuration.clone(),
            unmatched: head.unmatched.clone(),
            errors: Vec::new(),
            held: Vec::new(),
            deletes: Vec::new(),
            cleared: Vec::new(),
        };
        let rest = tally
            .resources
            .keys()
            .filter(|name| !head.order.contains(name));
        for name in head.order.iter().chain(rest) {
            let Some(resource) = tally.resources.get(name) else {
                continue;
            };
            for (outcome, found) in &resource.groups {
                let list = if outcome.is_error() {
                    &mut report.errors
                } else {
                    &mut report.held
                };
                list.extend(groups(name, outcome.as_str(), found, outcome.is_error()));
            }
            for (outcome, found) in &resource.delete_groups {
                report
                    .deletes
                    .extend(groups(name, outcome.as_str(), found, false));
            }
            report
                .cleared
                .extend(groups(name, "cleared", &resource.cleared, false));
        }
        let lists = [
            &mut report.errors,
            &mut report.held,
            &mut report.deletes,
            &mut report.cleared,
        ];
        for list in lists {
            // Stable: among groups of one size the order of the run stays.
            list.sort_by_key(|group| std::cmp::Reverse(group.count));
        }
        report
    }
}
