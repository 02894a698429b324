//! The account of one object at the end: every row of its file has one outcome, in the tally and in
//! the results.
//!
//! objects in scope = delivered + rejected before sending + undelivered

use std::path::Path;
use std::sync::PoisonError;

use arrow::array::Array as _;
use chrono::Utc;

use super::fates::{Fate, RowState};
use super::session::SyncError;
use super::shelf::ShelfError;
use super::shelved::Shelved;
use crate::ledger::{Decision, Disposition, Entry, Event, Journal};
use crate::load::{Columns, ResultRow, ResultsWriter, Scope};
use crate::object::{ContentHash, KeyHash, Outcome, Reason};
use crate::report::{Age, ExampleRef, ResourceTally};
use crate::stage::StagedFile;

/// How an object stands with those who may ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It is expected to be asked for, and was not.
    Missing,
    /// Nobody asked for it, and nobody had to.
    None,
    /// It was asked for.
    Asked,
}

impl Shelved {
    /// Writes the results file, and counts; the ledger is told what was delivered and what not.
    ///
    /// # Errors
    /// [`SyncError`].
    pub fn settle(
        &self,
        results: &Path,
        demand: Demand,
        mut ledger: Option<&mut Journal>,
    ) -> Result<(ResourceTally, StagedFile), SyncError> {
        let mut tally = ResourceTally::default();
        let mut writer = ResultsWriter::create(results)?;
        let at = Utc::now().timestamp_micros();
        let fates = self.fates();
        let elsewhere = self
            .elsewhere
            .lock()
            .map(|keys| keys.clone())
            .unwrap_or_default();
        tally.traffic = fates.traffic.clone();
        let objects = &self.shelf.objects;
        for group in objects.groups() {
            objects
                .read(
                    group,
                    Columns::Scope,
                    |_| true,
                    |rows, batch| {
                        let scope = objects.scope(&batch)?;
                        for (i, row) in rows.iter().enumerate() {
                            let hash =
                                KeyHash::from_bytes(scope.key_hash.value(i)).unwrap_or(KeyHash(0));
                            let state = match fates.of(*row) {
                                RowState::Untouched if elsewhere.binary_search(&hash).is_ok() => {
                                    RowState::Delivered
                                }
                                state => state,
                            };
                            let disposition = self.shelf.due.disposition(*row);
                            let became = became(disposition, state, demand, &scope, i);
                            let key = scope.key.value(i);
                            let delivered =
                                matches!(became.outcome, Outcome::Created | Outcome::Updated);
                            writer.push(&ResultRow {
                                key,
                                key_hash: Some(hash),
                                operation: "answer",
                                outcome: became.outcome.as_str(),
                                reason: became.reason.as_ref().map_or("", |r| r.as_str()),
                                status: if delivered { 200 } else { 0 },
                                attempts: u16::from(delivered),
                                detail: &became.detail,
                                at,
                                ..ResultRow::default()
                            })?;
                            let decision = self.shelf.decision(*row);
                            let known = decision.is_some_and(Decision::refused_before);
                            let same = decision.is_some_and(Decision::same_reason);
                            if let (Some(ledger), Some(event)) = (
                                ledger.as_deref_mut(),
                                event(&became, &scope, i, known, same),
                            ) {
                                ledger.append(std::iter::once(entry(
                                    &self.shelf.name,
                                    &scope,
                                    i,
                                    event,
                                    at,
                                )))?;
                            }
                            let age = if known { Age::Standing } else { Age::New };
                            let example = ExampleRef {
                                key,
                                source_table: scope.source_table.value(i),
                                source_key: scope.source_key.value(i),
                                message: &became.detail,
                                ..ExampleRef::default()
                            };
                            match &became.reason {
                                Some(reason) => tally.record(became.outcome, reason, age, example),
                                None => tally.count(became.outcome, 1),
                            }
                        }
                        Ok::<_, Halt>(true)
                    },
                )
                .map_err(|Halt(error)| error)?;
        }
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        tally.deletes_due += gone.len() as u64;
        for object in gone.iter() {
            let key = format!("RefId={}", object.ref_id);
            if let (Some(ledger), None) = (ledger.as_deref_mut(), &object.reason) {
                ledger.append(std::iter::once(Entry {
                    resource: &self.shelf.name,
                    key_hash: KeyHash::of(&key),
                    key: &key,
                    source_table: "",
                    source_key: "",
                    school_id: None,
                    person_id: None,
                    course_id: None,
                    section_id: None,
                    event: Event::Deleted,
                    at,
                }))?;
            }
            writer.push(&ResultRow {
                key: &key,
                operation: "delete",
                outcome: object.outcome.as_str(),
                reason: object.reason.as_ref().map_or("", |r| r.as_str()),
                at,
                ..ResultRow::default()
            })?;
            let example = ExampleRef {
                key: &key,
                ..ExampleRef::default()
            };
            match &object.reason {
                Some(reason) => tally.record_delete(object.outcome, reason, example),
                None => tally.count_deletes(object.outcome, 1),
            }
        }
        Ok((tally, writer.finish()?))
    }

    /// Counts what was delivered from here for the same objects of another file.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub(super) fn give(&self, to: &Self) -> Result<(), ShelfError> {
        let objects = &self.shelf.objects;
        let fates = self.fates();
        let mut keys = Vec::new();
        let delivered = |row: u64| fates.of(row) == RowState::Delivered;
        for group in objects.groups() {
            objects.read(group, Columns::Scope, delivered, |_, batch| {
                let hashes = objects.scope(&batch)?.key_hash;
                keys.extend((0..hashes.len()).filter_map(|i| KeyHash::from_bytes(hashes.value(i))));
                Ok::<_, crate::load::ObjectsError>(true)
            })?;
        }
        let mut all = to.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(keys);
        all.sort_unstable();
        all.dedup();
        drop(all);
        to.fates().traffic.merge(&fates.traffic);
        Ok(())
    }
}

/// What ends the reading.
struct Halt(SyncError);

impl<E> From<E> for Halt
where
    SyncError: From<E>,
{
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// What the ledger must know of a row; `known`: it knows a refusal of it, `same`: this very one.
fn event<'a>(
    became: &'a Became,
    scope: &Scope,
    i: usize,
    known: bool,
    same: bool,
) -> Option<Event<'a>> {
    match (became.outcome, &became.reason) {
        (Outcome::Created | Outcome::Updated, _) => Some(Event::Delivered {
            content_hash: ContentHash::from_bytes(scope.content_hash.value(i))?,
            server_id: "",
        }),
        (Outcome::Rejected, Some(_)) if same => None,
        (Outcome::Rejected | Outcome::Failed, Some(reason)) => {
            Some(Event::Refused { reason, status: 0 })
        }
        (Outcome::Skipped | Outcome::Unchanged, _) if known => Some(Event::Cleared),
        _ => None,
    }
}

/// A row for the ledger.
fn entry<'a>(
    resource: &'a str,
    scope: &'a Scope,
    i: usize,
    event: Event<'a>,
    at: i64,
) -> Entry<'a> {
    let id = |column: usize| {
        let ids = scope.ids.get(column)?;
        ids.is_valid(i).then(|| ids.value(i))
    };
    Entry {
        resource,
        key_hash: KeyHash::from_bytes(scope.key_hash.value(i)).unwrap_or(KeyHash(0)),
        key: scope.key.value(i),
        source_table: scope.source_table.value(i),
        source_key: scope.source_key.value(i),
        school_id: id(0),
        person_id: id(1),
        course_id: id(2),
        section_id: id(3),
        event,
        at,
    }
}

struct Became {
    outcome: Outcome,
    reason: Option<Reason>,
    detail: String,
}

fn became(
    disposition: Disposition,
    state: RowState<'_>,
    demand: Demand,
    scope: &Scope,
    i: usize,
) -> Became {
    let with = |outcome, reason: Reason| Became {
        outcome,
        reason: Some(reason),
        detail: String::new(),
    };
    let plain = |outcome| Became {
        outcome,
        reason: None,
        detail: String::new(),
    };
    let told = |outcome| Became {
        outcome,
        reason: Some(Reason::parse(scope.reason.value(i)).unwrap_or(Reason::fixed("unknown"))),
        detail: match scope.detail.is_valid(i) {
            true => scope.detail.value(i).to_owned(),
            false => String::new(),
        },
    };
    match (disposition, state, demand) {
        (Disposition::Skipped, ..) => told(Outcome::Skipped),
        (Disposition::Rejected, ..) => told(Outcome::Rejected),
        (Disposition::RejectedDuplicate, ..) => with(Outcome::Rejected, Reason::DUPLICATE_KEY),
        (Disposition::Collapsed, ..) => plain(Outcome::Collapsed),
        // SIF does not tell whether the agent had it before.
        (_, RowState::Delivered, _) => plain(Outcome::Created),
        (_, RowState::Changed, _) => plain(Outcome::Updated),
        (_, RowState::Same, _) => plain(Outcome::Unchanged),
        (
            _,
            RowState::Told(Fate {
                outcome,
                reason,
                detail,
            }),
            _,
        ) => Became {
            outcome: *outcome,
            reason: Some(reason.clone()),
            detail: detail.clone(),
        },
        (_, RowState::Untouched, Demand::Missing) => {
            with(Outcome::Pending, Reason::fixed("not_requested"))
        }
        (_, RowState::Untouched, Demand::None) => {
            with(Outcome::Skipped, Reason::fixed("not_requested"))
        }
        // Its requests had conditions.
        (_, RowState::Untouched, Demand::Asked) => {
            with(Outcome::Skipped, Reason::fixed("not_asked_for"))
        }
    }
}
