//! One row of a book: an outcome on its way into tally, results and what is withheld.

use std::sync::Arc;
use std::time::Duration;

use super::Book;
use crate::load::pass::pending_parent;
use crate::load::results::{ResultRow, ResultsError};
use crate::load::withheld::Withheld;
use crate::object::{DeleteOutcome, KeyHash, Outcome, Reason, Refusal};
use crate::report::{Age, ExampleRef};

/// What became of an object, or of a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Object(Outcome),
    Delete(DeleteOutcome),
}

impl Became {
    fn as_str(self) -> &'static str {
        match self {
            Self::Object(outcome) => outcome.as_str(),
            Self::Delete(outcome) => outcome.as_str(),
        }
    }

    fn is_pending(self) -> bool {
        matches!(
            self,
            Self::Object(Outcome::Pending) | Self::Delete(DeleteOutcome::Pending)
        )
    }

    fn is_error(self) -> bool {
        match self {
            Self::Object(outcome) => outcome.is_error(),
            Self::Delete(outcome) => {
                matches!(outcome, DeleteOutcome::Failed | DeleteOutcome::Held)
            }
        }
    }
}

/// What one row's outcome consists of, before it is written down.
pub(super) struct Line<'a> {
    pub(super) row: u64,
    pub(super) operation: &'static str,
    pub(super) key: &'a str,
    pub(super) key_hash: KeyHash,
    pub(super) source: (&'a str, &'a str),
    pub(super) outcome: Became,
    pub(super) refusal: Option<&'a Refusal>,
    pub(super) reason: Option<&'a Reason>,
    pub(super) detail: &'a str,
    pub(super) root: Option<&'a Arc<Withheld>>,
    pub(super) server_id: &'a str,
    pub(super) status: u16,
    pub(super) attempts: u16,
    /// Whether it is the first object of its request.
    pub(super) first: bool,
    pub(super) latency_us: u32,
    pub(super) at: i64,
}

impl Book {
    pub(super) fn enter(&mut self, line: &Line<'_>) -> Result<(), ResultsError> {
        if !self.settled.set(line.row) {
            self.settled_twice += 1;
            return Ok(());
        }
        self.fresh.0 += u64::from(!line.outcome.is_pending());
        self.fresh.1 += u64::from(line.outcome.is_error());
        let known = self.due.refused_before(line.row);
        let (source_table, source_key) = line.source;
        let example = ExampleRef {
            key: line.key,
            source_table,
            source_key,
            status: line.refusal.map_or(0, |r| r.status),
            message: line.refusal.map_or(line.detail, |r| &r.message),
            root: line.root.map(|w| (&*w.resource, w.key.as_str())),
        };
        match (line.outcome, line.reason) {
            (Became::Object(outcome), Some(reason)) => {
                let age = if known { Age::Standing } else { Age::New };
                self.tally.record(outcome, reason, age, example);
            }
            (Became::Object(outcome), None) => self.tally.count(outcome, 1),
            (Became::Delete(outcome), Some(reason)) => {
                self.tally.record_delete(outcome, reason, example);
            }
            (Became::Delete(outcome), None) => self.tally.count_deletes(outcome, 1),
        }
        let good = match line.outcome {
            Became::Object(Outcome::Pending | Outcome::Collapsed) | Became::Delete(_) => false,
            Became::Object(outcome) => !outcome.is_error(),
        };
        if known && good {
            self.tally
                .record_cleared(&Reason::fixed("refused_earlier"), example);
        }
        if line.attempts > 0 && line.first {
            let traffic = &mut self.tally.traffic;
            traffic.requests += u64::from(line.attempts);
            traffic.retries += u64::from(line.attempts - 1);
            traffic
                .latency
                .record(Duration::from_micros(u64::from(line.latency_us)));
            traffic.spanned(line.at, line.latency_us);
        }
        self.withhold(line);
        self.results.push(&ResultRow {
            key: line.key,
            key_hash: Some(line.key_hash),
            operation: line.operation,
            outcome: line.outcome.as_str(),
            reason: line.reason.map(Reason::as_str).unwrap_or_default(),
            status: line.status,
            attempts: line.attempts,
            latency_us: line.latency_us,
            message: line.refusal.map(|r| r.message.as_str()).unwrap_or_default(),
            detail: line.detail,
            root: line.root.map(|w| (&*w.resource, w.key.as_str())),
            server_id: line.server_id,
            at: line.at,
        })
    }

    fn withhold(&mut self, line: &Line<'_>) {
        let Became::Object(outcome) = line.outcome else {
            return;
        };
        let Some(child) = Withheld::child_of(outcome) else {
            return;
        };
        let refused = self.used.strict && child == Outcome::Blocked;
        let there = self.due.delivered_before(line.row) && !refused;
        if !self.used.asks_for(child, line.reason) || there {
            return;
        }
        let withheld = match line.root {
            Some(root) => Arc::clone(root),
            None => Arc::new(Withheld {
                child,
                reason: match child {
                    Outcome::Pending => pending_parent(line.reason),
                    _ => line.reason.cloned().unwrap_or(Reason::fixed("unknown")),
                },
                resource: Arc::clone(&self.name),
                key: line.key.to_owned(),
            }),
        };
        self.withheld.insert(line.key_hash, withheld);
    }
}
