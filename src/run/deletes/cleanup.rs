//! The two cleanups: of the target (records that neither the SIS nor the ledger has) and of the
//! ledger (objects that the target does not have).
//!
//! Sources: E25 (Identity Mapping Cleanup), E26 (ODS Cleanup).

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use super::file::{DeletesFile, Doomed};
use super::listing::{OURS, Ours, list};
use super::plan::Planning;
use super::resource::each;
use crate::ledger::{Disposition, Due, DueOptions, Ledger, Snapshot, due as decide, missing_from};
use crate::load::{Api, Columns, Objects};
use crate::object::KeyHash;
use crate::pipeline::Mode;
use crate::run::{Context, RunError, Selection, Staged};
use crate::transform::tables_used;

/// What the target lists, by resource in the order of the selection.
#[derive(Debug)]
pub(in crate::run) struct Listings(Vec<Option<PathBuf>>);

impl Listings {
    /// Pages through the resources at the target.
    ///
    /// # Errors
    /// The target refuses or does not answer, or a file cannot be written.
    pub(in crate::run) async fn ask(
        api: &Api,
        context: &Context,
        selection: &Selection,
        staged: &Staged,
        ledger: &Ledger,
    ) -> Result<Self, RunError> {
        let schools = staged.schools_in_scope();
        let ours = Ours::new(&context.pipeline, schools, ledger, staged.school_year)?;
        let mut files = Vec::new();
        for p in &selection.resources {
            files.push(match p.resource.mode {
                Mode::Verify => None,
                Mode::Post => {
                    let path = staged.listing(&p.resource.name);
                    Some(list(api, p, &ours, &path).await?)
                }
            });
        }
        Ok(Self(files))
    }

    /// One resource against the ledger.
    pub(super) fn of(&self, i: usize, snapshot: &Snapshot) -> Result<Option<Listed<'_>>, RunError> {
        let Some(Some(path)) = self.0.get(i) else {
            return Ok(None);
        };
        let options = DueOptions {
            resend: false,
            complete: true,
            select: None,
        };
        let due = decide(path, Some(snapshot), options)?;
        Ok(Some(Listed { path, due }))
    }
}

/// What the target lists of one resource.
pub(super) struct Listed<'a> {
    path: &'a PathBuf,
    due: Due,
}

impl Listed<'_> {
    /// Writes the records that are ours, and that neither the ledger nor the objects have; how many
    /// they are.
    pub(super) fn unknown(
        &self,
        planning: &Planning<'_>,
        i: usize,
    ) -> Result<Option<(PathBuf, u64)>, RunError> {
        let name = &planning.selection.resources[i].resource.name;
        let missing = missing_from(self.path, &planning.staged.objects(name))?;
        let listing = Objects::open(self.path)?;
        let path = planning.staged.deletes(&format!("{name}.unknown"));
        let mut file: Option<DeletesFile> = None;
        let wanted = |row: u64| {
            missing.binary_search(&row).is_ok() && self.due.disposition(row) == Disposition::Send
        };
        for group in listing.groups() {
            listing.read(group, Columns::Scope, wanted, |_, batch| {
                let scope = listing.scope(&batch)?;
                for i in (0..batch.num_rows()).filter(|i| scope.reason.value(*i) == OURS) {
                    let file = match &mut file {
                        Some(file) => file,
                        none => none.insert(DeletesFile::create(&path)?),
                    };
                    file.push(&Doomed {
                        key: scope.key.value(i),
                        server_id: scope.server_id.as_ref().map(|ids| ids.value(i)),
                        why: OURS,
                        ..Doomed::default()
                    })?;
                }
                Ok::<bool, RunError>(true)
            })?;
        }
        let rows = file.map(DeletesFile::finish).transpose()?;
        Ok(rows.map(|rows| (path, rows)))
    }

    /// Writes what the ledger knows and the target does not list; `passed` are dealt with otherwise.
    pub(super) fn unlisted(
        &self,
        planning: &Planning<'_>,
        i: usize,
        snapshot: &Snapshot,
        passed: impl Fn(KeyHash) -> bool,
    ) -> Result<Option<PathBuf>, RunError> {
        let name = &planning.selection.resources[i].resource.name;
        let by_id = !planning.selection.standard.keys_may_move(name);
        let path = planning.staged.checks(name);
        let mut file: Option<DeletesFile> = None;
        each(snapshot, &self.due.gone, |row| {
            if passed(row.key_hash) || !planning.in_scope(row) || !planning.is_older(row) {
                return Ok(());
            }
            let file = match &mut file {
                Some(file) => file,
                none => none.insert(DeletesFile::create(&path)?),
            };
            Ok(file.push(&Doomed::of(row, by_id, "not_listed"))?)
        })?;
        Ok(file.map(DeletesFile::finish).transpose()?.map(|_| path))
    }
}

/// Whether the objects of a resource leave doubts about what the SIS has: unreadable rows in the
/// tables that feed it, or rejected objects whose keys are not known.
pub(super) fn is_doubtful(
    planning: &Planning<'_>,
    i: usize,
    lost: &BTreeSet<&str>,
) -> Result<bool, RunError> {
    let p = &planning.selection.resources[i];
    let used = tables_used(
        &p.resource.sql,
        &p.resource.additions,
        &planning.context.pipeline.views,
    )
    .map_err(RunError::Problems)?;
    if used.iter().any(|table| lost.contains(table.as_str())) {
        return Ok(true);
    }
    let objects = Objects::open(&planning.staged.objects(&p.resource.name))?;
    let mut keyless = false;
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |rows, batch| {
                let scope = objects.scope(&batch)?;
                let due = &planning.due[i];
                keyless |= rows.iter().enumerate().any(|(at, row)| {
                    scope.key.value(at).starts_with('!')
                        && due.disposition(*row) != Disposition::Skipped
                });
                Ok::<bool, RunError>(!keyless)
            },
        )?;
    }
    Ok(keyless)
}

/// The keys of a list.
pub(super) fn set(keys: &[KeyHash]) -> HashSet<KeyHash> {
    keys.iter().copied().collect()
}
