//! One line of the history: who ran what, when, about what, and what it came to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::object::Mark;
use crate::object::{Outcome, Reason};
use crate::report::{ResourceReport, RunReport, RunState, TargetReport};
use crate::scope::Scope;

/// Version of the format.
pub(super) const FORMAT: u32 = 1;

/// A run, as the history has it. Readers take lines that lack members. Holds ids of persons where
/// the run was narrowed to them: owner-only files and terminals only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Version of this format.
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// The configuration (pipeline).
    pub configuration: String,
    /// The verb.
    pub command: String,
    /// What it was told beside its scope: `resend all`, `only failed`, ...
    pub options: Vec<String>,
    /// The operating system's user.
    pub user: String,
    /// The machine.
    pub host: String,
    /// When it began, UTC.
    pub started: DateTime<Utc>,
    /// When it ended; none while it is at work, and when it was killed.
    pub ended: Option<DateTime<Utc>>,
    /// How it stands.
    pub state: Standing,
    /// Its exit code, where it came to one.
    pub exit_code: Option<u8>,
    /// Whether nothing was to be sent.
    pub dry_run: bool,
    /// What was loaded.
    pub target: TargetReport,
    /// What it was narrowed to.
    pub scope: ScopeNote,
    /// Whether it was about a part of its objects only: other schools than those of the
    /// configuration, or objects by what became of them earlier.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub part: bool,
    /// Whether its school year was asked for, and not the active one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other_year: bool,
    /// Its resources (objects), in loading order.
    pub objects: Vec<ObjectEntry>,
    /// Why it failed or stopped itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// At work.
    #[default]
    Running,
    /// Finished without errors.
    Done,
    /// Finished with errors.
    DoneWithErrors,
    /// Stopped with work pending.
    Interrupted,
    /// Could not do its work.
    Failed,
    /// Its process is gone and has left no word: killed, or the machine went down.
    Died,
}

impl Standing {
    /// The word used in JSON and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::DoneWithErrors => "done_with_errors",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Died => "died",
        }
    }
}

/// The ids that a run was narrowed to; none = not narrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeNote {
    /// SIS schoolIDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schools: Option<Vec<i64>>,
    /// SIS personIDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons: Option<Vec<i64>>,
    /// SIS courseIDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub courses: Option<Vec<i64>>,
    /// SIS sectionIDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sections: Option<Vec<i64>>,
    /// Single records of one object (the state's Selective Sync), with those below them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Records>,
}

/// Single records of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Records {
    /// The object.
    pub object: String,
    /// Their ids, of persons among them.
    pub ids: Vec<i64>,
}

impl From<&Scope> for ScopeNote {
    fn from(scope: &Scope) -> Self {
        let list = |ids: &Option<std::collections::BTreeSet<i64>>| {
            ids.as_ref().map(|ids| ids.iter().copied().collect())
        };
        Self {
            schools: list(&scope.schools),
            persons: list(&scope.persons),
            courses: list(&scope.courses),
            sections: list(&scope.sections),
            records: None,
        }
    }
}

impl ScopeNote {
    /// Whether the run was narrowed to persons, courses, sections or single records (a selective
    /// sync).
    pub fn is_of_some_records(&self) -> bool {
        let lists = [&self.persons, &self.courses, &self.sections];
        self.records.is_some() || lists.iter().any(|list| list.is_some())
    }

    /// In a few words, with counts in the place of ids: `2 schools, 3 persons`.
    pub fn brief(&self) -> String {
        let part = |ids: &Option<Vec<i64>>, one: &str| {
            let count = ids.as_ref()?.len();
            Some(format!(
                "{count} {one}{}",
                if count == 1 { "" } else { "s" }
            ))
        };
        let parts = [
            part(&self.schools, "school"),
            part(&self.persons, "person"),
            part(&self.courses, "course"),
            part(&self.sections, "section"),
        ];
        let records = self.records.as_ref();
        let records = records.map(|r| format!("{} of {}", r.ids.len(), r.object));
        let parts: Vec<String> = parts.into_iter().flatten().chain(records).collect();
        match parts.is_empty() {
            true => "all".to_owned(),
            false => parts.join(", "),
        }
    }
}

/// One resource of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectEntry {
    /// Its name.
    pub object: String,
    /// How it stands.
    pub status: Mark,
    /// Rows that its SQL yielded.
    pub transformed: u64,
    /// Those of them that were brought to an end: Processed of the report.
    pub processed: u64,
    /// Those of the processed ones that have errors.
    pub errors: u64,
    /// Sent.
    pub sent: u64,
    /// Deleted at the target.
    pub deleted: u64,
    /// Due and not settled.
    pub pending: u64,
}

impl ObjectEntry {
    /// A resource that a run has before it.
    pub fn queued(object: &str) -> Self {
        Self {
            object: object.to_owned(),
            status: Mark::Queued,
            ..Self::default()
        }
    }

    fn ended(report: &ResourceReport, state: RunState) -> Self {
        let counts = &report.counts;
        let pending = counts.pending.saturating_sub(report.not_selected());
        let stopped = report
            .reasons
            .get(&Outcome::Pending)
            .is_some_and(|reasons| reasons.contains_key(&Reason::fixed("stopped_early")));
        let pending = pending + report.deletes.pending;
        let status = match state {
            _ if stopped => Mark::Failed,
            _ if pending > 0 => Mark::Cancelled,
            _ if counts.errors + report.deletes.failed > 0 => Mark::DoneWithErrors,
            _ => Mark::Done,
        };
        Self {
            object: report.resource.clone(),
            status,
            transformed: counts.transformed,
            processed: counts.processed,
            errors: counts.errors,
            sent: counts.sent,
            deleted: report.deletes.deleted,
            pending,
        }
    }
}

impl Entry {
    /// Whether the run sends to the target: only such runs count as a resync of their objects.
    pub fn is_resync(&self) -> bool {
        !self.dry_run
            && matches!(
                self.command.as_str(),
                "run" | "load" | "sif sync" | "sif serve"
            )
    }

    /// The run has come to its end, with this report.
    pub fn end(&mut self, report: &RunReport, cause: Option<&str>) {
        self.command.clone_from(&report.command);
        self.ended = Some(report.ended);
        self.exit_code = Some(report.exit_code);
        self.target.clone_from(&report.target);
        self.state = match report.exit_code {
            3 => Standing::Interrupted,
            _ if report.total.errors > 0 => Standing::DoneWithErrors,
            _ => Standing::Done,
        };
        self.cause = cause.map(str::to_owned);
        if !report.resources.is_empty() {
            let resources = report.resources.iter();
            self.objects = resources
                .map(|resource| ObjectEntry::ended(resource, report.state))
                .collect();
        }
    }

    /// The run could not do its work, or was stopped before it had any report.
    pub fn fail(&mut self, stopped: bool, cause: &str, at: DateTime<Utc>) {
        self.ended = Some(at);
        self.exit_code = Some(if stopped { 3 } else { 2 });
        self.state = match stopped {
            true => Standing::Interrupted,
            false => Standing::Failed,
        };
        self.cause = Some(cause.to_owned());
        for object in &mut self.objects {
            object.status = match stopped {
                true => Mark::Cancelled,
                false => Mark::Failed,
            };
        }
    }

    /// Sums over the objects: processed, errors, sent.
    pub fn sums(&self) -> (u64, u64, u64) {
        let sum = |number: fn(&ObjectEntry) -> u64| self.objects.iter().map(number).sum();
        (sum(|o| o.processed), sum(|o| o.errors), sum(|o| o.sent))
    }
}
