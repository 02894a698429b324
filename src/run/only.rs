//! A run narrowed to objects by what became of them earlier.
//!
//! Reads: results of earlier runs. Sources: E3, issue 3 item 4.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::RunError;
use crate::ledger::{Select, StatusRange};
use crate::load::{Answer, Answers, ObjectsError, Width};
use crate::object::KeyHash;
use crate::stage::StateDir;

/// Which objects a run is narrowed to; every part that is given must hold. What else is due is
/// counted as pending, `not_selected`, and stays due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Objects that failed.
    pub failed: Option<Failed>,
    /// Objects that the target acknowledged before this time, or never; they are sent again.
    pub older_than: Option<DateTime<Utc>>,
    /// Objects whose standing refusal has one of these HTTP statuses; empty = any.
    pub status: Vec<StatusRange>,
}

/// Which failed objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Those with a standing refusal in the ledger, whichever run it is from.
    Standing,
    /// Those that this run has left rejected, blocked, failed or pending.
    Run(String),
    /// These, by resource, sorted: chosen from the error log.
    Keys(BTreeMap<String, Vec<KeyHash>>),
}

/// Outcomes of an earlier run that `--only-failed RUN` takes up.
const LEFT: [&str; 4] = ["rejected", "blocked", "failed", "pending"];

impl Only {
    /// Whether nothing is narrowed.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// What was asked for, in words for the history.
    pub fn words(&self) -> Vec<String> {
        let failed = self.failed.as_ref().map(|failed| match failed {
            Failed::Standing => "only failed".to_owned(),
            Failed::Run(run) => format!("only failed in {run}"),
            Failed::Keys(_) => "errors retry".to_owned(),
        });
        let older = self
            .older_than
            .map(|t| format!("older than {}", t.format("%Y-%m-%dT%H:%M:%SZ")));
        let codes: Vec<String> = self.status.iter().map(ToString::to_string).collect();
        let status = (!codes.is_empty()).then(|| format!("status {}", codes.join(",")));
        [failed, older, status].into_iter().flatten().collect()
    }

    /// The same with the earlier run by its id: `latest` is another run as soon as this one has
    /// its folder.
    ///
    /// # Errors
    /// There is no such run, or it sent nothing, or it was killed and has no results.
    pub(super) fn resolved(&self, state: &StateDir) -> Result<Self, RunError> {
        let Some(Failed::Run(which)) = &self.failed else {
            return Ok(self.clone());
        };
        let run = state.open(which)?;
        match crate::report::read(run.path()) {
            Ok((report, _)) if report.dry_run => Err(RunError::NothingSent(run.id())),
            Ok(_) => Ok(Self {
                failed: Some(Failed::Run(run.id())),
                ..self.clone()
            }),
            Err(_) => Err(RunError::NoResults(run.id())),
        }
    }

    /// The selection of one resource; `None` when the run is not narrowed.
    ///
    /// # Errors
    /// A results file that cannot be read.
    pub(super) fn select(
        &self,
        state: &StateDir,
        resource: &str,
    ) -> Result<Option<Select>, RunError> {
        if self.is_everything() {
            return Ok(None);
        }
        let keys = match &self.failed {
            None | Some(Failed::Standing) => None,
            Some(Failed::Keys(keys)) => Some(keys.get(resource).cloned().unwrap_or_default()),
            Some(Failed::Run(run)) => {
                let results = state.open(run)?.results(resource);
                // A resource that the earlier run did not have left nothing.
                match results.exists() {
                    true => Some(left(&results)?),
                    false => Some(Vec::new()),
                }
            }
        };
        Ok(Some(Select {
            refused: self.failed == Some(Failed::Standing),
            status: self.status.clone(),
            older_than: self.older_than.map(|t| t.timestamp_micros()),
            keys,
        }))
    }
}

/// The keys that a run has left undelivered, sorted.
fn left(results: &std::path::Path) -> Result<Vec<KeyHash>, ObjectsError> {
    let mut keys = Vec::new();
    Answers::open(results)?.read(Width::Narrow, None, |answer: &Answer<'_>| {
        if LEFT.contains(&answer.outcome) {
            keys.push(answer.key_hash);
        }
        Ok::<(), ObjectsError>(())
    })?;
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}
