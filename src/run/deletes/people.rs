//! Persons whose Ed-Fi id has changed, and persons who were combined.
//!
//! Reads and writes: `persons.json` beside the ledger, the plan of what is asked for, so that a run
//! that was killed between a delete and a post is finished by the next one. Never: names; a person
//! is a SIS personID.
//! Sources: E5 (an id is added or changed), E6 (Combine Person).

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::DeletesError;
use crate::files;
use crate::ledger::{Disposition, Due};
use crate::load::{Columns, Objects};
use crate::run::{RunError, Selection, Staged};

/// The persons that a run resyncs because who they are has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// SIS personID: the Ed-Fi id has changed.
    pub changed: BTreeSet<i64>,
    /// SIS personID: removed by combining, and kept by it.
    pub pairs: BTreeSet<(i64, i64)>,
    /// SIS personID: found to have another id than the ledger knows.
    #[serde(skip)]
    found: BTreeSet<i64>,
}

/// Name of the plan's file.
const FILE: &str = "persons.json";

impl People {
    /// What is asked for, and what an earlier run was asked for and did not finish.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(in crate::run) fn with_unfinished(&self, ledger: &Path) -> io::Result<Self> {
        let path = ledger.join(FILE);
        let mut people = match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice::<Self>(&bytes).map_err(|e| files::at(&path, &e.into()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(files::at(&path, &error)),
        };
        people.changed.extend(&self.changed);
        people.pairs.extend(&self.pairs);
        Ok(people)
    }

    /// Whether no person is named.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.pairs.is_empty()
    }

    /// Notes what is asked for, before anything is sent.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(in crate::run) fn begin(&self, ledger: &Path) -> io::Result<()> {
        match self.is_empty() {
            true => Ok(()),
            false => files::write(&ledger.join(FILE), &serde_json::to_vec(self)?),
        }
    }

    /// All that was asked for has been sent, or is due in the ledger.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(in crate::run) fn end(&self, ledger: &Path) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let path = ledger.join(FILE);
        std::fs::remove_file(&path).map_err(|e| files::at(&path, &e))
    }

    /// Makes everything of the changed and kept persons due, and sees to it that nothing is sent
    /// of the removed ones.
    ///
    /// # Errors
    /// The source still has objects of a removed person.
    pub(in crate::run) fn resend(
        &self,
        selection: &Selection,
        staged: &Staged,
        due: &mut [Due],
    ) -> Result<(), RunError> {
        if self.is_empty() {
            return Ok(());
        }
        let again =
            |id: i64| self.changed.contains(&id) || self.pairs.iter().any(|(_, kept)| *kept == id);
        let mut there: BTreeSet<i64> = BTreeSet::new();
        for (p, due) in selection.resources.iter().zip(due) {
            let objects = Objects::open(&staged.objects(&p.resource.name))?;
            for group in objects.groups() {
                objects.read(
                    group,
                    Columns::Scope,
                    |_| true,
                    |rows, batch| {
                        let scope = objects.scope(&batch)?;
                        for (row, person) in rows.into_iter().zip(scope.ids[1].iter()) {
                            let Some(person) = person else { continue };
                            if again(person) {
                                due.send_again(row);
                            }
                            let held = matches!(
                                due.disposition(row),
                                Disposition::Skipped | Disposition::Rejected
                            );
                            if !held && self.is_removed(Some(person)) {
                                there.insert(person);
                            }
                        }
                        Ok::<bool, RunError>(true)
                    },
                )?;
            }
        }
        match there.is_empty() {
            true => Ok(()),
            false => Err(DeletesError::StillThere {
                persons: there.iter().map(ToString::to_string).collect(),
            }
            .into()),
        }
    }

    /// Whether the person is named: its deletes are consented to.
    pub(super) fn names(&self, person: Option<i64>) -> bool {
        person.is_some_and(|id| self.changed.contains(&id)) || self.is_removed(person)
    }

    /// Whether the person was removed by combining.
    pub(super) fn is_removed(&self, person: Option<i64>) -> bool {
        person.is_some_and(|id| self.pairs.iter().any(|(removed, _)| *removed == id))
    }

    /// Whether the person's id has changed: what is under the old one goes first.
    pub(super) fn changes(&self, person: Option<i64>) -> bool {
        self.names(person) || person.is_some_and(|id| self.found.contains(&id))
    }

    /// Notes that a person is found under another id.
    pub(super) fn has_changed(&mut self, person: Option<i64>) {
        self.found.extend(person);
    }
}
