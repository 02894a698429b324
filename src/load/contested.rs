//! Objects that another run over other schools has claimed first: waiting for its answer.
//!
//! Reads: the claims, the ledger with the journals of runs alive. Writes: nothing. Never: holds up
//! a run for good; when the other shows no progress, the object is sent by us, too, which an upsert
//! bears.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use crate::ledger::{Ledger, LedgerError, RowRef, RowView};
use crate::lock::{ObjectClaims, ResourceClaims};
use crate::object::{ContentHash, KeyHash};

/// How often the ledger is looked at, at most; and whether the others still live.
const LOOK: Duration = Duration::from_millis(200);

/// How often it is looked at, at least. In between a look takes at most a tenth of the time.
const REST: Duration = Duration::from_secs(5);

/// Time without any progress of the resource, in any run, after which nobody is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keys of one look at the ledger.
const BATCH: usize = 16 * 1024;

/// What a run that is limited to schools shares with those beside it.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Who sends which district-wide object.
    pub objects: ObjectClaims,
    /// Where the others' answers are.
    pub ledger: Ledger,
}

/// A row whose object another run has claimed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contested {
    pub(super) row: u64,
    pub(super) key: KeyHash,
    pub(super) content: ContentHash,
    /// The lease of the other run.
    pub(super) holder: u64,
}

/// What the waiting came to, by row, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// The other run has delivered this very content.
    pub(super) delivered: Vec<u64>,
    /// Ours to send: refused to the other, or another content, or the other has ended.
    pub(super) ours: Vec<u64>,
    /// The leases whose claims on `ours` no longer count.
    pub(super) over: HashMap<KeyHash, u64>,
    /// Whether the run was stopped before all was known.
    pub(super) cut_short: bool,
}

/// The claims on one resource, and where to read what became of them.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) resource: usize,
    pub(super) claims: Arc<ResourceClaims>,
    pub(super) ledger: Ledger,
    pub(super) shared: Arc<Shared>,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("claims cannot be read: {0}")]
    Claims(std::io::Error),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Rows(#[from] arrow::error::ArrowError),
}

impl Waiting {
    /// Waits until all is known, the run is stopped, or patience ends; on a thread that may block.
    pub(super) fn run(&self, contested: Vec<Contested>) -> Answers {
        let name = &self.shared.names[self.resource];
        tracing::info!(
            resource = &**name,
            objects = contested.len(),
            "claimed by another run"
        );
        let mut answers = Answers::default();
        let mut open = contested;
        let (mut progress, mut since) = (0, Instant::now());
        while !open.is_empty() {
            if self.shared.stopped(self.resource) {
                answers.cut_short = true;
                break;
            }
            let began = Instant::now();
            let (left, moved) = match self.look(&open) {
                Ok((found, left, moved)) => {
                    answers.add(found);
                    (left, moved)
                }
                Err(error) => {
                    // What another has done cannot be known: it is sent, as if it had done nothing.
                    tracing::warn!(%error, "the ledger cannot be read while waiting for a run");
                    open.drain(..).for_each(|c| answers.send(c));
                    break;
                }
            };
            if left.len() < open.len() || moved != progress {
                (progress, since) = (moved, Instant::now());
            }
            open = left;
            if since.elapsed() > PATIENCE {
                tracing::warn!(
                    resource = &**name,
                    objects = open.len(),
                    "another run has claimed objects and not sent them; they are sent by this one"
                );
                open.drain(..).for_each(|c| answers.send(c));
            } else if !open.is_empty() {
                self.rest((began.elapsed() * 9).clamp(LOOK, REST), &holders(&open));
            }
        }
        answers.delivered.sort_unstable();
        answers.ours.sort_unstable();
        answers
    }

    /// Waits, in small steps, so that a stop is noticed, and that one of the others has ended: what
    /// it leaves behind is ours at once.
    fn rest(&self, pause: Duration, holders: &[u64]) {
        let until = Instant::now() + pause;
        while Instant::now() < until && !self.shared.stopped(self.resource) {
            std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            // What cannot be read is told by the look that follows.
            let ended = self.claims.ended(holders);
            if ended.is_ok_and(|ended| !ended.is_empty()) {
                return;
            }
        }
    }

    /// One look: what is known, what is still open, and a number that changes as long as anything
    /// is recorded.
    fn look(&self, open: &[Contested]) -> Result<(Answers, Vec<Contested>, u64), LookError> {
        let mut answers = Answers::default();
        let name = &self.shared.names[self.resource];
        // Before the ledger: whoever has ended now has recorded everything.
        let ended = self.claims.ended(&holders(open));
        let ended = ended.map_err(LookError::Claims)?;
        let snapshot = self.ledger.snapshot(name)?;
        let mut left = Vec::new();
        for part in open.chunks(BATCH) {
            let mut waiting: HashMap<KeyHash, &Contested> =
                part.iter().map(|c| (c.key, c)).collect();
            let keys: Vec<KeyHash> = part.iter().map(|c| c.key).collect();
            for batch in snapshot.select(&keys)? {
                let batch = batch?;
                let view = RowView::new(&batch)?;
                for known in view.iter() {
                    let Some(contested) = waiting.get(&known.key_hash).copied() else {
                        continue;
                    };
                    match answer(contested, &known) {
                        Some(true) => answers.delivered.push(contested.row),
                        Some(false) => answers.send(*contested),
                        None => continue,
                    }
                    waiting.remove(&known.key_hash);
                }
            }
            for contested in waiting.into_values() {
                if ended.contains(&contested.holder) {
                    answers.send(*contested);
                } else {
                    left.push(*contested);
                }
            }
        }
        Ok((answers, left, snapshot.rows_at_most()))
    }
}

/// The leases that are waited for. After a look none of them has ended.
fn holders(open: &[Contested]) -> Vec<u64> {
    let holders: BTreeSet<u64> = open.iter().map(|c| c.holder).collect();
    holders.into_iter().collect()
}

impl Answers {
    fn add(&mut self, more: Self) {
        self.delivered.extend(more.delivered);
        self.ours.extend(more.ours);
        self.over.extend(more.over);
    }

    fn send(&mut self, contested: Contested) {
        self.ours.push(contested.row);
        self.over.insert(contested.key, contested.holder);
    }
}

/// What the ledger says of a contested object since its holder began: delivered as we would have
/// it (true), or ours to send (false); None when it says nothing yet.
fn answer(contested: &Contested, known: &RowRef<'_>) -> Option<bool> {
    let since = i64::try_from(contested.holder).unwrap_or(i64::MAX);
    if known.updated_at < since {
        return None;
    }
    if known.refusal.is_some() {
        return Some(false);
    }
    let delivered = known.delivered_at.is_some_and(|at| at >= since);
    delivered.then(|| known.content_hash == Some(contested.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(content: u128, delivered_at: i64, updated_at: i64) -> RowRef<'static> {
        RowRef {
            key_hash: KeyHash(1),
            content_hash: Some(ContentHash(content)),
            delivered_at: Some(delivered_at),
            delivered_run: None,
            server_id: None,
            updated_at,
            updated_run: "",
            refusal: None,
            key: "",
            source_table: "",
            source_key: "",
            school_id: None,
            person_id: None,
            course_id: None,
            section_id: None,
        }
    }

    #[test]
    fn only_what_was_recorded_since_the_claim_is_an_answer() {
        let contested = Contested {
            row: 0,
            key: KeyHash(1),
            content: ContentHash(7),
            holder: 100,
        };
        let refused = RowRef {
            refusal: Some(("validation_failed", 400)),
            ..known(7, 50, 120)
        };
        assert_eq!(
            answer(&contested, &known(7, 50, 50)),
            None,
            "of an earlier run"
        );
        assert_eq!(answer(&contested, &known(7, 110, 110)), Some(true));
        assert_eq!(answer(&contested, &known(8, 110, 110)), Some(false));
        assert_eq!(answer(&contested, &refused), Some(false));
        assert_eq!(
            answer(&contested, &known(7, 50, 120)),
            None,
            "a refusal was cleared"
        );
    }
}
