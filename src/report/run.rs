//! `tallies.json`: the numbers of a run. Holds no student data.
//!
//! Reads: a tally. Writes: nothing itself. Never: examples or messages of servers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::counts::{Counts, DeleteCounts};
use super::group::Groups;
use super::latency::LatencySummary;
use super::scope::{ScopeReport, Unmatched};
use super::tally::{ResourceTally, Tally, Traffic};
use super::zone::ZoneReport;
use super::{FORMAT, exit_code};
use crate::object::{Outcome, Reason};
use crate::pipeline::FailOn;

/// What is known of a run beside its numbers.
#[derive(Clone, Debug)]
pub struct RunHead {
    /// The run's id, also its folder's name.
    pub run: String,
    /// The verb: `run`, `load`, ...
    pub command: String,
    /// The pipeline's name.
    pub configuration: String,
    /// What was loaded.
    pub target: TargetReport,
    /// Whether the target is the embedded sandbox.
    pub sandbox: bool,
    /// Whether nothing was to be sent.
    pub dry_run: bool,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Whether it came to its end.
    pub state: RunState,
    /// What counts as failed.
    pub fail_on: FailOn,
    /// What it was narrowed to, once that is known.
    pub scope: Option<ScopeReport>,
    /// Named ids that nothing in scope was made of.
    pub unmatched: Vec<Unmatched>,
    /// Resources in the order to show them; others follow by name.
    pub order: Vec<String>,
    /// What was written, by what it is (`report`, `results`, ...).
    pub paths: BTreeMap<String, PathBuf>,
    /// What the target was asked before the load; None when there was nothing to compare.
    pub probe: Option<ProbeReport>,
    /// The messages of a run to a SIF zone; None for another target.
    pub zone: Option<ZoneReport>,
    /// What is to be said beside the numbers. No student data.
    pub notes: Vec<String>,
}

/// What the target was asked before a delta run: whether it still has what the ledger knows. The
/// requests are not among those of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeReport {
    /// Requests sent for it.
    pub requests: u64,
    /// Resources whose records were counted.
    pub counts: u64,
    /// Records asked for by their id.
    pub ids: u64,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
}

/// The target of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetReport {
    /// `edfi`, `sif` or `dis`.
    pub kind: String,
    /// Its URL, or `embedded sandbox`.
    pub name: String,
    /// What the ledger knows it by.
    pub fingerprint: Option<String>,
    /// The school year by its end year.
    pub school_year: Option<i32>,
}

/// Whether a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It went through all of its work, which does not mean that all was accepted.
    Finished,
    /// It was stopped by a signal or a fault; it can be resumed.
    Interrupted,
}

/// The whole of `tallies.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of this program.
    pub tool: String,
    /// The run's id.
    pub run: String,
    /// The verb.
    pub command: String,
    /// The pipeline's name.
    pub configuration: String,
    /// What was loaded.
    pub target: TargetReport,
    /// What it was narrowed to; absent for an extract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeReport>,
    /// Whether the target is the embedded sandbox: no real system has received anything.
    pub sandbox: bool,
    /// Whether nothing was to be sent.
    pub dry_run: bool,
    /// When it began, UTC.
    pub started: DateTime<Utc>,
    /// When it ended, UTC.
    pub ended: DateTime<Utc>,
    /// Whether it came to its end.
    pub state: RunState,
    /// `any`, `new`, `25` or `5%`.
    pub fail_on: String,
    /// 0 accepted, 1 errors beyond `fail_on`, 3 work pending.
    pub exit_code: u8,
    /// Identities that do not hold; empty unless this program has a fault.
    pub mismatches: Vec<String>,
    /// What went otherwise than wanted beside the objects: the window closed, a notification did
    /// not go out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Sums over all resources.
    pub total: Counts,
    /// Sums of the deletes over all resources.
    pub deletes: DeleteCounts,
    /// Sums over all resources.
    pub traffic: TrafficReport,
    /// In the order of the run.
    pub resources: Vec<ResourceReport>,
    /// SIS tables by name.
    pub tables: Vec<TableReport>,
    /// What was written.
    pub paths: BTreeMap<String, PathBuf>,
    /// What the target was asked before the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeReport>,
    /// The messages of a run to a SIF zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneReport>,
    /// What is to be said beside the numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One resource of `tallies.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceReport {
    /// Its name.
    pub resource: String,
    /// Its counts, each a member of its own.
    #[serde(flatten)]
    pub counts: Counts,
    /// Outcome -> reason -> how many.
    pub reasons: BTreeMap<Outcome, BTreeMap<Reason, ReasonCount>>,
    /// Its deletes.
    pub deletes: DeleteCounts,
    /// Its requests.
    pub traffic: TrafficReport,
}

/// Objects with one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonCount {
    /// Objects.
    pub count: u64,
    /// Those of them that no earlier run had.
    pub new: u64,
}

/// One SIS table of `tallies.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableReport {
    /// Its name.
    pub table: String,
    /// Data rows in the source.
    pub read: u64,
    /// Rows staged.
    pub staged: u64,
    /// Rows in the rejects file.
    pub unreadable: u64,
    /// Reason -> how many of them.
    pub reasons: BTreeMap<String, u64>,
}

/// What went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficReport {
    /// Requests, repeated ones included.
    pub requests: u64,
    /// Repeats after a transient fault.
    pub retries: u64,
    /// Bytes of request bodies.
    pub bytes_sent: u64,
    /// Bytes of answers' bodies.
    pub bytes_received: u64,
    /// Time from a request to its whole answer.
    pub latency: LatencySummary,
    /// From the first request to the last answer, in milliseconds.
    #[serde(default)]
    pub span_ms: u64,
}

impl From<&Traffic> for TrafficReport {
    fn from(traffic: &Traffic) -> Self {
        Self {
            requests: traffic.requests,
            retries: traffic.retries,
            bytes_sent: traffic.bytes_sent,
            bytes_received: traffic.bytes_received,
            latency: traffic.latency.summary(),
            span_ms: traffic
                .during
                .map_or(0, |(from, to)| (to - from).unsigned_abs().div_ceil(1000)),
        }
    }
}

fn reason_counts(groups: &Groups) -> BTreeMap<Reason, ReasonCount> {
    let one = |(reason, group): (&Reason, &super::group::Group)| {
        (
            reason.clone(),
            ReasonCount {
                count: group.count,
                new: group.new,
            },
        )
    };
    groups.iter().map(one).collect()
}

impl ResourceReport {
    fn new(name: &str, tally: &ResourceTally) -> Self {
        let mut reasons: BTreeMap<_, _> = tally
            .groups
            .iter()
            .map(|(o, groups)| (*o, reason_counts(groups)))
            .collect();
        // Whether a left-out or pending object is new is not asked, so nothing is claimed.
        for (outcome, reasons) in &mut reasons {
            if !outcome.is_error() {
                reasons.values_mut().for_each(|reason| reason.new = 0);
            }
        }
        Self {
            resource: name.to_owned(),
            counts: tally.counts(),
            reasons,
            deletes: tally.delete_counts(),
            traffic: (&tally.traffic).into(),
        }
    }
}

impl ResourceReport {
    /// Objects that are due and that the run was not to send.
    pub fn not_selected(&self) -> u64 {
        let pending = self.reasons.get(&Outcome::Pending);
        pending
            .and_then(|reasons| reasons.get(&Reason::NOT_SELECTED))
            .map_or(0, |reason| reason.count)
    }
}

impl RunReport {
    /// Objects that are due and that the run was not to send.
    pub fn not_selected(&self) -> u64 {
        self.resources
            .iter()
            .map(ResourceReport::not_selected)
            .sum()
    }

    /// The report of a run: its head, its sums, whether they add up, its exit code.
    pub fn new(head: RunHead, tally: &Tally) -> Self {
        let rest = tally
            .resources
            .keys()
            .filter(|name| !head.order.contains(name));
        let resources = head
            .order
            .iter()
            .chain(rest)
            .filter_map(|name| Some(ResourceReport::new(name, tally.resources.get(name)?)))
            .collect();
        let tables = tally.tables.iter().map(|(name, table)| TableReport {
            table: name.clone(),
            read: table.read,
            staged: table.staged,
            unreadable: table.unreadable(),
            reasons: table.unreadable.clone(),
        });
        let mut traffic = Traffic::default();
        for resource in tally.resources.values() {
            traffic.merge(&resource.traffic);
        }
        let mismatches = match tally.check() {
            Ok(()) => Vec::new(),
            Err(mismatch) => mismatch.0.iter().map(ToString::to_string).collect(),
        };
        let mut report = Self {
            format: FORMAT,
            tool: concat!("fullsync ", env!("CARGO_PKG_VERSION")).to_owned(),
            run: head.run,
            command: head.command,
            configuration: head.configuration,
            target: head.target,
            scope: head.scope,
            sandbox: head.sandbox,
            dry_run: head.dry_run,
            started: head.started,
            ended: head.ended,
            state: head.state,
            fail_on: head.fail_on.to_string(),
            exit_code: 0,
            mismatches,
            warnings: Vec::new(),
            total: tally.counts(),
            deletes: tally.delete_counts(),
            traffic: (&traffic).into(),
            resources,
            tables: tables.collect(),
            paths: head.paths,
            probe: head.probe,
            zone: head.zone,
            notes: head.notes,
        };
        report.exit_code = exit_code(&report, head.fail_on);
        report
    }
}
