//! What a run would do: per resource what it would create, update, delete, leave, reject and skip,
//! with how many requests, and about how long it would take.
//!
//! Reads: the tally of a plan, rates of earlier runs. Writes: `plan.json`, text. Never: sends.
//! Sources: E14 (estimate volume and time first), E33 (plan, then explicit start).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::errors::ErrorsReport;
use super::rates::{ASSUMED_MS, Rates};
use super::run::{ResourceReport, RunReport, TargetReport};
use super::table::grouped;
use super::text::{TextOptions, duration, groups};
use super::zone::ZoneReport;
use crate::object::Outcome;

/// The whole of `plan.json`. Holds no student data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// The run whose staging was planned with.
    pub run: String,
    /// The pipeline's name.
    pub configuration: String,
    /// The target.
    pub target: TargetReport,
    /// Whether the target is the embedded sandbox.
    pub sandbox: bool,
    /// Runs that the estimate of time is from, newest first; none: it is assumed.
    pub rates_of: Vec<String>,
    /// Milliseconds per answer that are assumed, where no run was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub assumed_ms: Option<u64>,
    /// Sums.
    pub total: Planned,
    /// In loading order.
    pub resources: Vec<PlannedResource>,
    /// What a run to a SIF zone would find and tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zone: Option<ZoneReport>,
    /// What a run would warn of.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What is to be said beside the numbers.
    pub notes: Vec<String>,
}

/// One resource of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedResource {
    /// Its name.
    pub resource: String,
    /// Its numbers.
    #[serde(flatten)]
    pub planned: Planned,
}

/// Objects by what a run would do with them; together they are all objects of the transform but
/// the deletes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Sent, and unknown to the ledger.
    pub create: u64,
    /// Sent, because they have changed.
    pub update: u64,
    /// Sent again unchanged.
    pub again: u64,
    /// Looked up: the target owns them.
    pub verify: u64,
    /// Deleted at the target.
    pub delete: u64,
    /// Deletes that are held back, because there are too many of them.
    #[serde(default)]
    pub hold: u64,
    /// As acknowledged, or equal to another one.
    pub leave: u64,
    /// Held back for a fault of their own.
    pub reject: u64,
    /// Left out on purpose.
    pub skip: u64,
    /// Held back for the fault of another.
    pub block: u64,
    /// Due, and not taken up by this run.
    pub wait: u64,
    /// Requests, about.
    pub requests: u64,
    /// Time that they take, about, in milliseconds.
    pub ms: u64,
}

impl Planned {
    fn add(&mut self, other: &Self) {
        self.create += other.create;
        self.update += other.update;
        self.again += other.again;
        self.verify += other.verify;
        self.delete += other.delete;
        self.hold += other.hold;
        self.leave += other.leave;
        self.reject += other.reject;
        self.skip += other.skip;
        self.block += other.block;
        self.wait += other.wait;
        self.requests += other.requests;
        self.ms += other.ms;
    }
}

impl PlanReport {
    /// The plan that the report of a dry run comes to. `at_once`: requests in flight at the start.
    pub fn new(report: &RunReport, rates: &Rates, at_once: u64) -> Self {
        let resources: Vec<PlannedResource> = report
            .resources
            .iter()
            .map(|r| PlannedResource {
                resource: r.resource.clone(),
                planned: planned(r, rates, at_once),
            })
            .collect();
        let mut total = Planned::default();
        for r in &resources {
            total.add(&r.planned);
        }
        Self {
            run: report.run.clone(),
            configuration: report.configuration.clone(),
            target: report.target.clone(),
            sandbox: report.sandbox,
            rates_of: rates.runs.clone(),
            assumed_ms: rates.runs.is_empty().then_some(ASSUMED_MS),
            total,
            resources,
            zone: report.zone.clone(),
            warnings: report.warnings.clone(),
            notes: report.notes.clone(),
        }
    }

    /// The plan as text, with the errors that a run would have.
    pub fn text(&self, errors: &ErrorsReport, options: TextOptions) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out, errors, options);
        out
    }

    fn write(
        &self,
        out: &mut String,
        errors: &ErrorsReport,
        options: TextOptions,
    ) -> std::fmt::Result {
        if self.sandbox {
            writeln!(out, "SANDBOX: no real system would receive data")?;
        }
        write!(out, "plan {} -> {}", self.configuration, self.target.name)?;
        if let Some(year) = self.target.school_year {
            write!(out, ", school year {}-{year}", year - 1)?;
        }
        writeln!(out, "\nrun {}: nothing was sent\n", self.run)?;
        match &self.zone {
            Some(zone) => {
                zone.scope_table(out)?;
                zone.write(out, true)?;
            }
            None => self.table(out)?,
        }
        groups(out, "Errors", &errors.errors, options)?;
        groups(out, "Left out or due", &errors.held, options)?;
        groups(out, "Deletes", &errors.deletes, options)?;
        for warning in &self.warnings {
            writeln!(out, "\nWarning: {warning}")?;
        }
        for note in &self.notes {
            writeln!(out, "\nNote: {note}")?;
        }
        if let Some(zone) = &self.zone {
            return self.zone_end(out, zone);
        }
        let total = &self.total;
        writeln!(
            out,
            "\n{} would be created, {} would be updated, {} would be deleted; about {} requests, \
             about {}",
            grouped(total.create),
            grouped(total.update + total.again),
            grouped(total.delete),
            grouped(total.requests),
            duration(i64::try_from(total.ms).unwrap_or(i64::MAX))
        )?;
        match self.assumed_ms {
            Some(ms) => writeln!(
                out,
                "(no earlier run against this target: {ms} ms per answer are assumed)"
            )?,
            None => writeln!(out, "(at the rates of {})", self.rates_of.join(", "))?,
        }
        writeln!(out, "\nstart it with: fullsync run {}", self.configuration)
    }

    /// Nothing is loaded into a zone: what will be asked for is not known, nor how long it takes.
    fn zone_end(&self, out: &mut String, zone: &ZoneReport) -> std::fmt::Result {
        let ready: u64 = zone.scope.iter().map(|line| line.ready).sum();
        writeln!(
            out,
            "\n{} objects are ready for who asks, {} events are due, {} of the expected requests \
             were never made",
            grouped(ready),
            grouped(zone.due()),
            grouped(zone.not_requested.len() as u64),
        )?;
        writeln!(out, "(the zone was not spoken to)")?;
        writeln!(
            out,
            "\nstart it with: fullsync sif sync {}",
            self.configuration
        )
    }

    fn table(&self, out: &mut String) -> std::fmt::Result {
        let total = &self.total;
        let shown: Vec<&Column> = COLUMNS
            .iter()
            .filter(|(_, number, always)| *always || number(total) > 0)
            .collect();
        let names = self.resources.iter().map(|r| r.resource.len());
        let width = names.chain(["Resource".len()]).max().unwrap_or(0);
        write!(out, "{:width$}", "Resource")?;
        for (title, ..) in &shown {
            write!(out, "  {title:>9}")?;
        }
        writeln!(out, "  {:>9}", "Time")?;
        let mut line = |name: &str, planned: &Planned| -> std::fmt::Result {
            write!(out, "{name:width$}")?;
            for (_, number, _) in &shown {
                write!(out, "  {:>9}", grouped(number(planned)))?;
            }
            let ms = i64::try_from(planned.ms).unwrap_or(i64::MAX);
            writeln!(out, "  {:>9}", duration(ms))
        };
        for r in &self.resources {
            line(&r.resource, &r.planned)?;
        }
        line("Total", total)
    }
}

/// Title, number, and whether it is shown when it is 0 everywhere.
type Column = (&'static str, fn(&Planned) -> u64, bool);

const COLUMNS: [Column; 12] = [
    ("Create", |p| p.create, true),
    ("Update", |p| p.update, true),
    ("Again", |p| p.again, false),
    ("Verify", |p| p.verify, false),
    ("Delete", |p| p.delete, true),
    ("Held", |p| p.hold, false),
    ("Leave", |p| p.leave, true),
    ("Reject", |p| p.reject, true),
    ("Skip", |p| p.skip, true),
    ("Block", |p| p.block, true),
    ("Wait", |p| p.wait, false),
    ("Requests", |p| p.requests, true),
];

fn planned(r: &ResourceReport, rates: &Rates, at_once: u64) -> Planned {
    let pending = r.reasons.get(&Outcome::Pending);
    let of = |reason: &str| -> u64 {
        let found = pending.and_then(|p| p.iter().find(|(r, _)| r.as_str() == reason));
        found.map_or(0, |(_, c)| c.count)
    };
    let (create, update) = (of("would_create"), of("would_update"));
    // Under another key: deleted and posted, or changed by its id.
    let update = update + of("would_replace");
    let again = of("would_send_again");
    let verify = of("would_verify") + of("would_check");
    let delete = r.deletes.due.saturating_sub(r.deletes.held);
    let sent = rates.requests(&r.resource, create + update + again);
    // A lookup is one request; a delete needs its id, which the ledger nearly always has.
    let requests = sent + verify + delete;
    Planned {
        create,
        update,
        again,
        verify,
        delete,
        hold: r.deletes.held,
        leave: r.counts.unchanged + r.counts.collapsed,
        reject: r.counts.rejected,
        skip: r.counts.skipped,
        block: r.counts.blocked,
        wait: r
            .counts
            .pending
            .saturating_sub(create + update + again + verify),
        requests,
        ms: rates.ms(&r.resource, requests, at_once),
    }
}

#[cfg(test)]
mod tests;
