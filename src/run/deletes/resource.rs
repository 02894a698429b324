//! One resource: the objects that the ledger knows and this run does not yield.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use super::file::{DeletesFile, Doomed};
use super::judge::{
    Feeding, HELD_BACK, Judgement, LEFT_OUT, UNKNOWN_SOURCE, UNREADABLE_ROWS, judge,
};
use super::plan::Planning;
use super::sources::{Sources, Unreadable, begins, name};
use super::{DeletesError, People};
use crate::ledger::{Columns as LedgerColumns, Disposition, RowRef, RowView, Snapshot};
use crate::load::{Columns, Moved, Moves, Objects};
use crate::metadata::ReferenceColumns;
use crate::object::KeyHash;
use crate::pipeline::{LeftOut, ResyncMode};
use crate::run::RunError;
use crate::scope::Ids;
use crate::transform::tables_used;

/// What one resource comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Deletes that the guard counts.
    pub(super) guarded: u64,
    /// Deletes that come before what replaces them.
    pub(super) replaced: u64,
    /// What is gone and stays, by reason.
    stays: BTreeMap<&'static str, u64>,
}

/// What was decided of one resource.
pub(super) struct Written {
    /// Objects that take over a record.
    pub(super) moves: Moves,
    /// The list of deletes.
    pub(super) file: Option<PathBuf>,
    /// Their keys.
    pub(super) keys: Vec<KeyHash>,
    pub(super) counted: Counted,
}

/// How the gone objects of a resource are dealt with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone {
    /// A resource above changes keys by PUT: the records here may have moved with it.
    pub(super) moved_above: bool,
    /// Nothing of this resource is deleted.
    pub(super) kept: bool,
}

/// A resource after the first look at what is not among its objects.
pub(super) struct Scanned {
    resource: usize,
    /// Keys in scope that may be gone.
    keys: Vec<KeyHash>,
    sources: Sources,
    feeding: Feeding,
    /// New objects that are blocked, as rows of the objects file.
    blocked: HashSet<u64>,
}

impl Scanned {
    /// Looks at the ledger's rows that are not among the objects, and for the SIS rows they came
    /// from.
    pub(super) fn new(
        planning: &Planning<'_>,
        resource: usize,
        snapshot: &Snapshot,
        lost: &HashMap<String, Unreadable>,
        people: &People,
    ) -> Result<Self, RunError> {
        let p = &planning.selection.resources[resource];
        let due = &planning.due[resource];
        let mut keys = Vec::new();
        let mut sources = Sources::default();
        each(snapshot, &due.gone, |row| {
            let again = row
                .refusal
                .is_none_or(|(reason, _)| reason != "kept_shared")
                || people.names(row.person_id);
            if again && planning.in_scope(row) && planning.is_older(row) {
                keys.push(row.key_hash);
                sources.ask(planning.sis, row.source_table, row.source_key);
            }
            Ok(())
        })?;
        let mut feeding = Feeding {
            delete_left_out: planning.deletes_left_out(),
            ..Feeding::default()
        };
        if !sources.is_empty() {
            let objects = Objects::open(&planning.staged.objects(&p.resource.name))?;
            see(planning, resource, &objects, &mut sources)?;
            for table in sources.tables().map(str::to_owned).collect::<Vec<_>>() {
                sources.look(planning.sis, &table, &planning.staged.folder.stage(&table))?;
            }
            let used = tables_used(
                &p.resource.sql,
                &p.resource.additions,
                &planning.context.pipeline.views,
            )
            .map_err(RunError::Problems)?;
            let lost: HashMap<&str, &Unreadable> = lost
                .iter()
                .filter(|(table, _)| used.contains(*table))
                .map(|(table, rows)| (table.as_str(), rows))
                .collect();
            feeding.unreadable = !lost.is_empty();
            feeding.hidden = lost.values().any(|rows| rows.unknown)
                || hides(planning, snapshot, &sources, &lost)?;
        }
        Ok(Self {
            resource,
            keys,
            sources,
            feeding,
            blocked: HashSet::new(),
        })
    }

    /// The new keys that will be blocked, because they refer to what is held back.
    pub(super) fn blocked(
        &mut self,
        planning: &Planning<'_>,
    ) -> Result<HashSet<KeyHash>, RunError> {
        let fresh = self.sources.all_fresh();
        let p = &planning.selection.resources[self.resource];
        let withheld = |resource: &str, key: KeyHash| {
            let at = planning.selection.resources.iter();
            let at = at
                .take(self.resource)
                .position(|p| p.resource.name == resource);
            at.is_some_and(|at| {
                planning.blocked[at].contains(&key) || planning.due[at].withheld.get(key).is_some()
            })
        };
        let mut found = HashSet::new();
        if fresh.is_empty() {
            return Ok(found);
        }
        let references = ReferenceColumns::new(&planning.selection.standard, &p.meta);
        let objects = Objects::open(&planning.staged.objects(&p.resource.name))?;
        for group in objects.groups() {
            let wanted = |row| fresh.binary_search(&row).is_ok();
            objects.read(group, Columns::All, wanted, |rows, batch| {
                let scope = objects.scope(&batch)?;
                references
                    .parents(&batch, 0..rows.len(), |i, resource, key| {
                        if withheld(resource, key)
                            && let Some(row) = rows.get(i)
                        {
                            self.blocked.insert(*row);
                            found.extend(KeyHash::from_bytes(scope.key_hash.value(i)));
                        }
                    })
                    .map_err(DeletesError::from)?;
                Ok::<bool, RunError>(true)
            })?;
        }
        Ok(found)
    }

    /// Judges each, and writes the list of deletes.
    pub(super) fn write(
        self,
        planning: &Planning<'_>,
        snapshot: &Snapshot,
        lost: &HashMap<String, Unreadable>,
        people: &mut People,
        gone: Gone,
    ) -> Result<Written, RunError> {
        let p = &planning.selection.resources[self.resource];
        let (mut moves, mut counted) = (Moves::new(), Counted::default());
        let mut keys = Vec::new();
        let path = planning.staged.deletes(&p.resource.name);
        let mut file: Option<DeletesFile> = None;
        let standard = &planning.selection.standard;
        let shared = standard.retries.contains_key(&p.resource.name);
        let by_id = !standard.keys_may_move(&p.resource.name);
        let cleanup = planning.context.options.mode == Some(ResyncMode::Cleanup);
        each(snapshot, &self.keys, |row| {
            let source = (row.source_table, row.source_key);
            let fresh = self.sources.fresh(source.0, source.1);
            let mut evidence = self.sources.evidence(planning.sis, source, lost);
            evidence.blocked = fresh.iter().any(|row| self.blocked.contains(row));
            let combined = people.is_removed(row.person_id);
            let judgement = match combined {
                true => Judgement::Gone,
                false => judge(evidence, self.feeding),
            };
            if shared && judgement == Judgement::Replaced {
                people.has_changed(row.person_id);
            }
            let listed = people.names(row.person_id);
            let why = match judgement {
                Judgement::Stays(why) => {
                    *counted.stays.entry(why).or_default() += 1;
                    return Ok(());
                }
                _ if gone.kept => {
                    *counted.stays.entry(KEPT).or_default() += 1;
                    return Ok(());
                }
                Judgement::Gone if combined => "combined",
                Judgement::Gone => "gone",
                Judgement::Replaced => {
                    let takes = p.meta.key_updatable && !cleanup && !people.changes(row.person_id);
                    if let ([object], Some(id)) = (fresh, row.server_id.filter(|_| takes)) {
                        let moved = Moved {
                            id: id.to_owned(),
                            key: row.key.to_owned(),
                        };
                        // Two old keys of one row cannot both become the new one.
                        if !moves.contains_key(object) {
                            moves.insert(*object, moved);
                            return Ok(());
                        }
                    }
                    match people.changes(row.person_id) {
                        true => "id_changed",
                        false => "key_changed",
                    }
                }
            };
            counted.replaced += u64::from(why != "gone");
            counted.guarded += u64::from(!listed);
            let file = match &mut file {
                Some(file) => file,
                none => none.insert(DeletesFile::create(&path)?),
            };
            // What may have moved with a resource above is found by the key that it had.
            keys.push(row.key_hash);
            let by_id = by_id && !gone.moved_above;
            Ok(file.push(&Doomed::of(row, by_id, why))?)
        })?;
        let written = file.map(DeletesFile::finish).transpose()?.is_some();
        Ok(Written {
            moves,
            file: written.then_some(path),
            keys,
            counted,
        })
    }
}

/// Stays: nothing of the resource is deleted.
const KEPT: &str = "kept";

impl Counted {
    /// What is gone and stays, for a person.
    pub(super) fn notes(&self, resource: &str, notes: &mut Vec<String>) {
        for (why, count) in &self.stays {
            let why = match *why {
                UNREADABLE_ROWS => {
                    "rows of a table that feeds them could not be read (rejects.csv), and may be \
                     theirs, of any school"
                }
                LEFT_OUT => {
                    "their SIS rows are there and the mapping leaves them out ([deletes] left_out = \
                     \"delete\", or --mode cleanup, deletes them)"
                }
                HELD_BACK => "their SIS rows are unreadable or what they yield is held back",
                UNKNOWN_SOURCE => "_source_table and _source_key name no staged SIS row",
                _ => "[deletes] keep names the resource",
            };
            notes.push(format!("{count} of {resource} are gone and stay: {why}"));
        }
    }
}

impl Planning<'_> {
    /// Whether a ledger row is within this run: district-wide ones only when it covers all schools,
    /// because another school may need them.
    pub(super) fn in_scope(&self, row: &RowRef<'_>) -> bool {
        let ids = Ids {
            school: row.school_id,
            person: row.person_id,
            course: row.course_id,
            section: row.section_id,
        };
        self.staged.covers(ids)
    }

    /// Whether a ledger row is older than the rows of this run: what was acknowledged after they
    /// were read is not gone by them.
    pub(super) fn is_older(&self, row: &RowRef<'_>) -> bool {
        row.delivered_at.is_none_or(|at| at <= self.read_at)
            || row.delivered_run == Some(self.staged.id().as_str())
    }

    fn deletes_left_out(&self) -> bool {
        let cleanup = self.context.options.mode == Some(ResyncMode::Cleanup);
        cleanup || self.context.pipeline.deletes.left_out == LeftOut::Delete
    }

    /// How many delivered objects of a resource are in scope.
    pub(super) fn known_in_scope(&self, snapshot: &Snapshot) -> Result<u64, RunError> {
        let mut known = 0;
        for batch in snapshot.rows(LedgerColumns::Wide)? {
            let batch = batch?;
            let view = RowView::new(&batch).map_err(DeletesError::from)?;
            let rows = view.iter();
            known += rows
                .filter(|row| row.content_hash.is_some() && self.in_scope(row))
                .count() as u64;
        }
        Ok(known)
    }
}

/// Visits the ledger's rows of some keys.
pub(super) fn each(
    snapshot: &Snapshot,
    keys: &[KeyHash],
    mut visit: impl FnMut(&RowRef<'_>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    if keys.is_empty() {
        return Ok(());
    }
    for batch in snapshot.select(keys)? {
        let batch = batch?;
        let view = RowView::new(&batch).map_err(DeletesError::from)?;
        for row in view.iter() {
            visit(&row)?;
        }
    }
    Ok(())
}

/// Notes which of the source rows asked about yield objects.
fn see(
    planning: &Planning<'_>,
    resource: usize,
    objects: &Objects,
    sources: &mut Sources,
) -> Result<(), RunError> {
    let due = &planning.due[resource];
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |rows, batch| {
                let scope = objects.scope(&batch)?;
                for (i, row) in rows.iter().enumerate() {
                    let decision = usize::try_from(*row).ok().and_then(|at| due.rows.get(at));
                    let held = decision.is_none_or(|d| {
                        matches!(
                            d.disposition(),
                            Disposition::Rejected
                                | Disposition::RejectedDuplicate
                                | Disposition::Skipped
                        )
                    });
                    let fresh = decision.is_some_and(|d| {
                        d.disposition() == Disposition::Send && !d.delivered_before()
                    });
                    let source = (scope.source_table.value(i), scope.source_key.value(i));
                    sources.see(planning.sis, source, *row, held, fresh);
                }
                Ok::<bool, RunError>(true)
            },
        )?;
    }
    Ok(())
}

/// Whether an unreadable row of a table that objects come from may be the source of any of them:
/// the ledger does not know it as the source of another one.
fn hides(
    planning: &Planning<'_>,
    snapshot: &Snapshot,
    sources: &Sources,
    lost: &HashMap<&str, &Unreadable>,
) -> Result<bool, RunError> {
    let mut unknown: HashSet<KeyHash> = sources
        .tables()
        .filter_map(|table| lost.get(table))
        .flat_map(|rows| rows.known.iter().copied())
        .collect();
    if unknown.is_empty() {
        return Ok(false);
    }
    for batch in snapshot.rows(LedgerColumns::Wide)? {
        let batch = batch?;
        let view = RowView::new(&batch).map_err(DeletesError::from)?;
        for row in view.iter() {
            let begins = begins(planning.sis, row.source_table, row.source_key);
            for begin in begins.unwrap_or_default() {
                unknown.remove(&name(row.source_table, begin));
            }
        }
    }
    Ok(!unknown.is_empty())
}
