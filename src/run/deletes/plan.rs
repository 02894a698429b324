//! All resources: each by its rules, then the guard and the order.

use std::collections::{BTreeSet, HashSet};

use super::cleanup::{Listings, is_doubtful, set};
use super::resource::{Counted, Gone, Scanned};
use super::sources::unreadable;
use super::{Deletes, People, Plan};
use crate::ledger::{Due, Entry, Event, Journal, Ledger};
use crate::object::KeyHash;
use crate::pipeline::{Mode, ResyncMode, TargetKind};
use crate::run::{Context, RunError, Selection, Staged};
use crate::source::SisSchema;

/// What planning works with.
pub(in crate::run) struct Planning<'a> {
    pub(super) context: &'a Context,
    pub(super) selection: &'a Selection,
    pub(super) staged: &'a Staged,
    pub(super) sis: &'a SisSchema,
    pub(super) due: &'a [Due],
    /// By resource: new keys that will be blocked, because what they refer to is held back.
    pub(super) blocked: Vec<HashSet<KeyHash>>,
    /// When the rows of this run were read, in microseconds since 1970.
    pub(super) read_at: i64,
}

impl<'a> Planning<'a> {
    /// Nothing planned yet.
    pub(in crate::run) fn new(
        context: &'a Context,
        selection: &'a Selection,
        staged: &'a Staged,
        sis: &'a SisSchema,
        due: &'a [Due],
    ) -> Self {
        Self {
            context,
            selection,
            staged,
            sis,
            due,
            blocked: vec![HashSet::new(); selection.resources.len()],
            read_at: staged.folder.manifest().started.timestamp_micros(),
        }
    }
}

/// Plans the deletes of a run.
///
/// # Errors
/// Files that cannot be read or written.
pub(in crate::run) fn plan(
    mut planning: Planning<'_>,
    ledger: &Ledger,
    listings: Option<&Listings>,
    people: &mut People,
    mut journal: Option<&mut Journal>,
) -> Result<Plan, RunError> {
    let Planning {
        context,
        selection,
        staged,
        ..
    } = planning;
    let resources = &selection.resources;
    let mut plan = Plan::none(selection);
    let mode = context.options.mode;
    if mode.is_none() && !context.pipeline.deletes.enabled {
        let gone: usize = planning.due.iter().map(|due| due.gone.len()).sum();
        if gone > 0 {
            plan.notes.push(format!(
                "nothing is deleted: [deletes] enabled = false ({gone} keys are not among the objects)"
            ));
        }
        return Ok(plan);
    }
    let lost = unreadable(planning.sis, &staged.folder.rejects())?;
    let mut counted = vec![Counted::default(); resources.len()];
    // Prerequisites come first in the selection: what moves or is blocked is known below.
    for i in 0..resources.len() {
        let p = &resources[i];
        if p.resource.mode == Mode::Verify {
            continue;
        }
        let snapshot = ledger.snapshot(&p.resource.name)?;
        let listed = listings.map(|l| l.of(i, &snapshot)).transpose()?.flatten();
        if mode == Some(ResyncMode::Resync) {
            // What is sent all the same need not be looked for.
            let gone = &planning.due[i].gone;
            let sent = |key| gone.binary_search(&key).is_err();
            plan.resources[i].checks = match &listed {
                Some(listed) => listed.unlisted(&planning, i, &snapshot, sent)?,
                None => None,
            };
            continue;
        }
        let moved = above(selection, i).any(|a| !plan.resources[a].moves.is_empty());
        let mut scanned = Scanned::new(&planning, i, &snapshot, &lost, people)?;
        if let Some(journal) = journal.as_deref_mut() {
            forget(&planning, i, &snapshot, journal)?;
        }
        planning.blocked[i] = scanned.blocked(&planning)?;
        let kept = context.pipeline.deletes.keep.contains(&p.resource.name);
        let gone = Gone {
            moved_above: moved,
            kept,
        };
        let written = scanned.write(&planning, &snapshot, &lost, people, gone)?;
        let (mut files, mut counts) = (Vec::from_iter(written.file), written.counted);
        let mut deletes = Deletes {
            moves: written.moves,
            early: counts.replaced > 0 && !moved,
            ..Deletes::default()
        };
        if let Some(listed) = listed {
            let planned = set(&written.keys);
            deletes.checks = listed.unlisted(&planning, i, &snapshot, |k| planned.contains(&k))?;
            if !kept && let Some((file, unknown)) = listed.unknown(&planning, i)? {
                files.push(file);
                counts.guarded += unknown;
            }
            let lost = lost.keys().map(String::as_str).collect();
            if !files.is_empty() && is_doubtful(&planning, i, &lost)? {
                deletes.guarded = Some("source_errors");
                plan.notes.push(format!(
                    "the cleanup of {} is refused: the extract had errors (rejects.csv), or objects \
                     were rejected whose keys are not known",
                    p.resource.name
                ));
            }
        }
        deletes.files = files;
        plan.resources[i] = deletes;
        counted[i] = counts;
        counted[i].notes(&p.resource.name, &mut plan.notes);
    }
    guard(&planning, ledger, &counted, &mut plan)?;
    order(selection, &mut plan);
    Ok(plan)
}

/// Whether the configuration offers the mode that is asked for, in this scope.
///
/// # Errors
/// [`RunError::Mode`].
pub(in crate::run) fn offered(context: &Context) -> Result<(), RunError> {
    let Some(mode) = context.options.mode else {
        return Ok(());
    };
    let name = mode.as_str();
    if context.pipeline.target != TargetKind::Edfi {
        return Err(RunError::Mode(format!(
            "--mode {name} is for an Ed-Fi API; a resync to target = \"{}\" is a plain run",
            context.pipeline.target.as_str()
        )));
    }
    if !context.pipeline.resync_modes.contains(&mode) {
        return Err(RunError::Mode(format!(
            "{} does not offer --mode {name}: its state's profile does not have it. A plain run \
             sends what is due and deletes what is gone; [resync] modes = [\"{name}\"] in the \
             pipeline, or a profile that has it, offers the mode",
            context.pipeline.file.display()
        )));
    }
    let scope = &context.options.scope;
    let narrowed = scope.persons.is_some() || scope.courses.is_some() || scope.sections.is_some();
    if narrowed || !context.options.only.is_everything() {
        return Err(RunError::Mode(format!(
            "--mode {name} is about whole resources; leave out what narrows it to persons, courses, \
             sections or failed objects"
        )));
    }
    Ok(())
}

/// All resources that one depends on.
fn above(selection: &Selection, i: usize) -> impl Iterator<Item = usize> + use<> {
    let mut found = BTreeSet::new();
    let mut next = vec![i];
    while let Some(at) = next.pop() {
        for p in &selection.resources[at].prerequisites {
            if found.insert(*p) {
                next.push(*p);
            }
        }
    }
    found.into_iter()
}

/// Errors of objects that were never delivered and are not among the objects any more: they end.
fn forget(
    planning: &Planning<'_>,
    i: usize,
    snapshot: &crate::ledger::Snapshot,
    journal: &mut Journal,
) -> Result<(), RunError> {
    let forgotten = &planning.due[i].forgotten;
    if forgotten.is_empty() {
        return Ok(());
    }
    let name = &planning.selection.resources[i].resource.name;
    let now = chrono::Utc::now().timestamp_micros();
    for batch in snapshot.select(forgotten)? {
        let batch = batch?;
        let view = crate::ledger::RowView::new(&batch).map_err(super::DeletesError::from)?;
        for row in view.iter().filter(|row| planning.in_scope(row)) {
            let entry: Entry<'_> = row.entry(name, Event::Cleared, now);
            journal.append(std::iter::once(entry))?;
        }
    }
    Ok(())
}

/// Holds back what exceeds the guard, and what its dependants that are held back refer to.
fn guard(
    planning: &Planning<'_>,
    ledger: &Ledger,
    counted: &[Counted],
    plan: &mut Plan,
) -> Result<(), RunError> {
    let Planning {
        context, selection, ..
    } = planning;
    let max = context.options.max_deletes;
    let max = max.unwrap_or(context.pipeline.deletes.max);
    for i in (0..selection.resources.len()).rev() {
        let Some(counts) = counted.get(i).filter(|c| c.guarded > 0) else {
            continue;
        };
        let refused = plan.resources[i].guarded.is_some();
        if refused || context.options.yes || max.surely_allows(counts.guarded) {
            continue;
        }
        let name = &selection.resources[i].resource.name;
        let narrowed = context.options.scope.names_ids();
        let known = match !narrowed && planning.staged.schools_in_scope().is_none() {
            true => ledger.counts(name)?.delivered,
            false => planning.known_in_scope(&ledger.snapshot(name)?)?,
        };
        if counts.guarded <= max.of(known) {
            continue;
        }
        plan.resources[i].guarded = Some("max_deletes");
        plan.notes.push(format!(
            "deletes of {name} are held back: {} of {known} known objects, more than {max}; look at \
             them (plan, or deletes/{name}.parquet), then give --yes or --max-deletes",
            counts.guarded
        ));
    }
    let stopped: BTreeSet<usize> = (0..selection.resources.len())
        .filter(|i| plan.resources[*i].guarded.is_some())
        .flat_map(|i| above(selection, i))
        .collect();
    for i in stopped {
        if !plan.resources[i].files.is_empty() && plan.resources[i].guarded.is_none() {
            plan.resources[i].guarded = Some("dependants_held");
        }
    }
    Ok(())
}

/// What depends on deletes that come early comes early, too: a parent goes after its dependants.
fn order(selection: &Selection, plan: &mut Plan) {
    for i in 0..selection.resources.len() {
        let parents: Vec<usize> = above(selection, i).collect();
        let early = parents.iter().any(|p| plan.resources[*p].early);
        let moved = parents.iter().any(|p| !plan.resources[*p].moves.is_empty());
        plan.resources[i].early |= early && !moved;
    }
}
