//! The book of one resource: every row's outcome, once.

mod line;

use std::sync::Arc;

use crate::ledger::Disposition;
use crate::object::{DeleteOutcome, KeyHash, Outcome, Reason, Refusal};
use crate::report::ResourceTally;
use crate::stage::StagedFile;
use crate::target::{Operation, Verdict};

use super::decisions::Decisions;
use super::moved::{Moved, Moves};
use super::objects::Scope;
use super::pass::{HeldEvent, Pass, Use};
use super::results::{ResultsError, SharedResults};
use super::settled::SettledRows;
use super::sink::{Held, PassDone, Settled};
use super::withheld::WithheldKeys;
use line::{Became, Line};

/// All that one resource of a run adds up to.
pub struct Book {
    name: Arc<str>,
    operation: Operation,
    due: Arc<Decisions>,
    settled: Arc<SettledRows>,
    results: SharedResults,
    file: Option<StagedFile>,
    /// Counts for the report.
    pub tally: ResourceTally,
    withheld: WithheldKeys,
    pass: Pass,
    fed: Option<u64>,
    returned: u64,
    parked: Vec<u64>,
    deferred: Vec<u64>,
    streak: (Option<Reason>, u32),
    stopped: bool,
    dropped: bool,
    used: Use,
    moves: Arc<Moves>,
    /// Whether the target has accepted anything of this resource.
    accepted: bool,
    /// Rows and errors entered since progress was last shown.
    fresh: (u64, u64),
    /// Rows that were settled twice: a fault of this program, reported by the accounting check.
    pub settled_twice: u64,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Book {
    /// An empty book.
    pub(super) fn open(
        name: Arc<str>,
        operation: Operation,
        due: Arc<Decisions>,
        settled: Arc<SettledRows>,
        results: SharedResults,
        used: Use,
        moves: Arc<Moves>,
    ) -> Self {
        Self {
            tally: ResourceTally::default(),
            name,
            operation,
            due,
            settled,
            results,
            file: None,
            withheld: WithheldKeys::new(),
            pass: Pass::First,
            fed: None,
            returned: 0,
            parked: Vec::new(),
            deferred: Vec::new(),
            streak: (None, 0),
            stopped: false,
            dropped: false,
            used,
            moves,
            accepted: false,
            fresh: (0, 0),
            settled_twice: 0,
        }
    }

    /// Whether the ledger knows a refusal of this row's object.
    pub(super) fn was_refused(&self, row: u64) -> bool {
        self.due.refused_before(row)
    }

    /// The record that this row's object takes over.
    pub(super) fn moved(&self, row: u64) -> Option<&Moved> {
        self.moves.get(&row)
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is about deletes.
    pub fn deletes(&self) -> bool {
        self.operation.is_delete()
    }

    /// Rows and errors entered since the last call, if any.
    pub(super) fn progress(&mut self) -> Option<(u64, u64)> {
        let fresh = std::mem::take(&mut self.fresh);
        (fresh.0 > 0).then_some(fresh)
    }

    pub(super) fn pass(&self) -> Pass {
        self.pass
    }

    /// A pass begins.
    pub(super) fn begin(&mut self, pass: Pass) {
        self.pass = pass;
    }

    /// The feed has ended, with so many objects handed out; `complete` unless it was cut short.
    pub(super) fn fed(&mut self, sent: u64, complete: bool) {
        self.fed = Some(sent);
        self.dropped |= !complete;
    }

    /// So many objects came back.
    pub(super) fn returned(&mut self, objects: u64) {
        self.returned += objects;
    }

    /// When everything that was handed out has come back: what the pass leaves.
    pub(super) fn pass_done(&mut self, resource: usize) -> Option<PassDone> {
        if self.fed != Some(self.returned) {
            return None;
        }
        self.fed = None;
        self.returned = 0;
        Some(PassDone {
            resource,
            parked: std::mem::take(&mut self.parked),
            deferred: std::mem::take(&mut self.deferred),
            leftover: std::mem::take(&mut self.dropped),
            withheld: std::mem::take(&mut self.withheld),
        })
    }

    /// Whether the resource must stop: every answer so far is the same refusal, and there were so
    /// many. True once.
    pub(super) fn stop_early(&mut self, limit: u32) -> bool {
        let stop = !self.stopped && !self.accepted && limit > 0 && self.streak.1 >= limit;
        self.stopped |= stop;
        stop
    }

    /// Enters a row that is not sent.
    pub(super) fn hold(
        &mut self,
        row: u64,
        i: usize,
        scope: &Scope,
        why: &Held,
        at: i64,
    ) -> Result<Option<HeldEvent>, ResultsError> {
        let due = Arc::clone(&self.due);
        let known = due.refused_before(row);
        let given = Reason::parse(scope.reason.value(i));
        let pending;
        let (mut detail, mut root) = (scope.detail.value(i), None);
        let (outcome, reason) = match why {
            Held::Parent(withheld) => {
                root = Some(withheld);
                (withheld.child, Some(&withheld.reason))
            }
            Held::Pending(code) | Held::Guarded(code) => {
                pending = Reason::fixed(code);
                (Outcome::Pending, Some(&pending))
            }
            Held::Elsewhere => (Outcome::Unchanged, None),
            Held::Decided => match due.disposition(row) {
                Disposition::Unchanged => (Outcome::Unchanged, None),
                Disposition::Collapsed => (Outcome::Collapsed, None),
                Disposition::Skipped => (Outcome::Skipped, given.as_ref()),
                Disposition::Rejected => (Outcome::Rejected, given.as_ref()),
                Disposition::RejectedDuplicate => {
                    detail = due.duplicate_detail(row);
                    (Outcome::Rejected, Some(&Reason::DUPLICATE_KEY))
                }
                Disposition::NotSelected => (Outcome::Pending, Some(&Reason::NOT_SELECTED)),
                Disposition::Send | Disposition::SendChanged | Disposition::SendAgain => {
                    pending = Reason::fixed("not_reached");
                    (Outcome::Pending, Some(&pending))
                }
            },
        };
        let became = match (why, self.operation.is_delete()) {
            (Held::Guarded(_), _) => Became::Delete(DeleteOutcome::Held),
            (_, true) => Became::Delete(DeleteOutcome::Pending),
            (_, false) => Became::Object(outcome),
        };
        let line = Line {
            row,
            operation: self.operation.as_str(),
            key: scope.key.value(i),
            key_hash: key_hash(scope, i),
            source: (scope.source_table.value(i), scope.source_key.value(i)),
            outcome: became,
            refusal: None,
            reason,
            detail,
            root,
            server_id: "",
            status: 0,
            attempts: 0,
            first: false,
            latency_us: 0,
            at,
        };
        let event = match outcome {
            _ if self.operation.is_delete() => None,
            Outcome::Rejected if due.same_reason(row) => None,
            Outcome::Blocked if known => None,
            Outcome::Rejected | Outcome::Blocked => reason.cloned().map(HeldEvent::Refused),
            Outcome::Unchanged | Outcome::Skipped if known => Some(HeldEvent::Cleared),
            _ => None,
        };
        self.enter(&line)?;
        Ok(event)
    }

    /// What a verdict comes to in this pass: a shared record that others still depend on is kept.
    pub(super) fn judged(&self, verdict: &Verdict) -> Verdict {
        match verdict {
            Verdict::Park(refusal) | Verdict::Defer(refusal)
                if self.pass == Pass::Last && self.used.shared && self.operation.is_delete() =>
            {
                Verdict::Kept(Refusal {
                    reason: Reason::fixed("kept_shared"),
                    ..refusal.clone()
                })
            }
            verdict => verdict.clone(),
        }
    }

    /// Enters a verdict, or puts the row aside.
    pub(super) fn settle(
        &mut self,
        i: usize,
        settled: &Settled,
        verdict: &Verdict,
        at: i64,
    ) -> Result<(), ResultsError> {
        let chunk = &settled.unit.chunk;
        let row = chunk.rows[i];
        match verdict {
            Verdict::Park(_) if self.pass == Pass::First && !self.operation.is_delete() => {
                self.parked.push(row);
                return Ok(());
            }
            Verdict::Park(_) | Verdict::Defer(_) if self.pass == Pass::First => {
                self.deferred.push(row);
                return Ok(());
            }
            _ => {}
        }
        let (outcome, refusal, server_id) = match verdict {
            Verdict::Created { id } => (Outcome::Created, None, id.as_str()),
            Verdict::Updated { id } => (Outcome::Updated, None, id.as_str()),
            Verdict::Present { id } | Verdict::Unchanged { id } => {
                (Outcome::Unchanged, None, id.as_str())
            }
            Verdict::Deleted | Verdict::AlreadyGone => (Outcome::Updated, None, ""),
            Verdict::Failed(r)
            | Verdict::Park(r)
            | Verdict::Defer(r)
            | Verdict::Kept(r)
            | Verdict::Again(_, r) => (Outcome::Failed, Some(r), ""),
        };
        // That the target keeps what it shares says nothing of the next record.
        let kept = matches!(verdict, Verdict::Kept(_));
        self.streak = match (refusal.filter(|_| !kept), &self.streak.0) {
            (Some(r), Some(last)) if r.reason == *last => {
                (Some(r.reason.clone()), self.streak.1 + 1)
            }
            (Some(r), _) => (Some(r.reason.clone()), 1),
            (None, _) => (None, 0),
        };
        let again = if self.pass == Pass::Last { 1 } else { 0 };
        self.accepted |= refusal.is_none();
        let delete = self.operation.is_delete();
        let became = match verdict {
            _ if !delete => Became::Object(outcome),
            Verdict::AlreadyGone => Became::Delete(DeleteOutcome::AlreadyGone),
            Verdict::Kept(_) => Became::Delete(DeleteOutcome::Refused),
            _ if refusal.is_some() => Became::Delete(DeleteOutcome::Failed),
            _ => Became::Delete(DeleteOutcome::Deleted),
        };
        let first = i == settled.unit.range.start;
        if first {
            self.tally.traffic.bytes_sent += settled.sent;
            self.tally.traffic.bytes_received += settled.received;
        }
        self.enter(&Line {
            row,
            operation: settled.unit.operation.as_str(),
            key: chunk.key(i),
            key_hash: chunk.key_hash(i),
            source: (chunk.source_tables.value(i), chunk.source_keys.value(i)),
            outcome: became,
            refusal,
            reason: refusal.map(|r| &r.reason),
            detail: chunk.why(i),
            root: None,
            server_id,
            status: refusal.map_or(settled.status, |r| r.status),
            attempts: settled.attempts.saturating_add(again),
            first,
            latency_us: settled.latency_us,
            at,
        })
    }

    /// Units came back without a verdict: their rows are left for the last reading.
    pub(super) fn dropped(&mut self) {
        self.dropped = true;
    }

    /// Completes the results file, unless another book of the resource has.
    pub(super) fn close(&mut self) -> Result<(), ResultsError> {
        self.file = self.results.finish()?;
        Ok(())
    }

    /// The results file, once it is complete.
    pub fn file(&self) -> Option<&StagedFile> {
        self.file.as_ref()
    }
}

/// The key hash of row `i`.
pub(super) fn key_hash(scope: &Scope, i: usize) -> KeyHash {
    KeyHash::from_bytes(scope.key_hash.value(i)).unwrap_or(KeyHash(0))
}
