//! From staged tables to finished objects: which slice of the staging each resource sees, in which
//! batches, and what came of it.
//!
//! Reads: staged tables. Writes: objects files. Never: lets the content of an object depend on the
//! scope of the run.
//!
//! | the SQL yields | sees |
//! |---|---|
//! | `_person_id`, and persons are named | these persons and their families, their schools |
//! | `_school_id` | the schools in scope, in batches of calendars |
//! | `_person_id` only | the schools in scope and the persons with a row there |
//! | neither: the district's (courses) | everything; kept is what the schools in scope yield, too |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::making::{Done, Making, keys};
use super::parts::Parts;
use super::prepare::Prepared;
use super::{Context, RunError, Selection, Staged, Start};
use crate::object::{Outcome, Reason};
use crate::progress::Progress;
use crate::scope::{Ids, Scope};
use crate::source::SisSchema;
use crate::stage::{Cut, Persons, Slicer};
use crate::transform::{Narrow, ScopeColumns, Seen};

/// What a transform came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// What was held back, by resource.
    pub(super) held: BTreeMap<String, BTreeMap<(Outcome, Reason), u64>>,
    /// The scope of the objects; its schools are those that were actually looked at.
    pub(super) scope: Scope,
    /// The scope as it was asked for, before its schools were found.
    pub(super) asked: Scope,
    /// The named ids that objects were made of.
    pub(super) seen: Seen,
    /// What each resource can be narrowed by.
    pub(super) columns: BTreeMap<String, ScopeColumns>,
    /// In how many batches of calendars.
    pub(super) batches: usize,
}

impl Staged {
    /// The schools that the run's objects are of; `None`: all, and what belongs to no school. What
    /// a run was complete for: with `persons`, `courses` or `sections` in its scope, of the
    /// resources that these do not narrow only.
    pub fn schools_in_scope(&self) -> Option<&BTreeSet<i64>> {
        self.made.scope.schools.as_ref()
    }

    /// Whether the run has looked at all SIS rows that an object with these ids could be made of:
    /// if there is no such object, it is gone. Objects of the whole district are covered by a run of
    /// all schools only, because another school may need them.
    pub fn covers(&self, ids: Ids) -> bool {
        let (asked, found) = (&self.made.asked, &self.made.scope);
        // Persons are looked for in all schools that may be; the others in their schools only.
        let scope = match asked.persons.is_some() && ids.person.is_some() {
            true => asked,
            false => found,
        };
        scope.admits(ids) && (scope.schools.is_none() || ids.school.is_some())
    }

    /// Runs every resource's SQL, unless the objects of an earlier run are used again.
    ///
    /// # Errors
    /// SQL that fails on the data: nothing has been sent then.
    pub(super) async fn transform(
        &mut self,
        context: &Context,
        selection: &Selection,
        sis: &SisSchema,
        columns: &BTreeMap<String, ScopeColumns>,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), RunError> {
        if matches!(context.options.start, Start::Objects(_)) {
            self.made.scope = context.options.scope.clone();
            self.made.asked = context.options.scope.clone();
            return Ok(());
        }
        let temp = self.folder.path().join("temp");
        let tables = selection.tables.iter();
        let tables = tables
            .map(|t| (t.clone(), self.folder.stage(&t.name)))
            .collect();
        let began = Instant::now();
        let slicer = Slicer::new(tables, self.school_year)?;
        let asked = &context.options.scope;
        let by_ids = asked.schools.is_none() && asked.names_ids();
        // "All" in the configuration is consent; the schools of the persons, courses and sections
        // are what is meant. Said on the command line it is meant.
        let limit = match by_ids && !context.options.asked.all_schools {
            true => Some(slicer.schools_of(
                asked.persons.as_ref(),
                asked.courses.as_ref(),
                asked.sections.as_ref(),
            )?),
            false => asked.schools.clone(),
        };
        let scope = Scope {
            schools: limit,
            ..asked.clone()
        };
        let courses_of_sections = match &scope.sections {
            Some(sections) => slicer.courses_of(sections)?,
            None => BTreeSet::new(),
        };
        tracing::debug!(took = ?began.elapsed(), "looked the schools up");
        let mut making = Making {
            context,
            selection,
            sis,
            progress,
            slicer,
            temp: temp.clone(),
            scope: scope.clone(),
            narrow: Narrow {
                scope: scope.clone(),
                courses_of_sections,
                keys: None,
            },
            columns: BTreeMap::new(),
            batches: Vec::new(),
            year: self.school_year,
        };
        let calendars = context.options.asked.calendar_batch;
        let calendars = calendars.unwrap_or(context.pipeline.scope.calendar_batch);
        making.batches = making.slicer.batches(scope.schools.as_ref(), calendars);
        // One slice for everything needs no look at what each resource yields.
        if !scope.is_whole() || making.batches.len() > 1 {
            making.columns = columns.clone();
        }
        if context.options.asked.strict_persons {
            making.only_persons()?;
        }
        crate::files::create_dir(&self.folder.path().join("objects"))?;
        self.folder.update(|manifest| {
            // The asked scope: a run that is carried on finds its schools anew.
            manifest.scope = Some(asked.clone());
        })?;
        progress.start("transform", Some(selection.resources.len() as u64));
        self.objects.clear();
        self.made = Made {
            scope,
            asked: asked.clone(),
            columns: making.columns.clone(),
            batches: making.batches.len(),
            ..Made::default()
        };
        let done = making.all(self).await;
        // Nothing is in it any more; the run folder shall hold what its description says.
        let _ = std::fs::remove_dir_all(&temp);
        done?;
        progress.finish("transform", "all resources");
        Ok(())
    }

    fn note(&mut self, name: &str, done: Done) -> Result<(), RunError> {
        tracing::info!(resource = %name, objects = done.file.rows, "transformed");
        self.objects.insert(name.to_owned(), done.file.rows);
        self.made.held.insert(name.to_owned(), done.held);
        self.made.seen.merge(done.seen);
        Ok(self.folder.note_objects(done.file)?)
    }
}

impl Making<'_> {
    async fn all(&self, staged: &mut Staged) -> Result<(), RunError> {
        let limited = self.scope.schools.is_some();
        let of_schools = |c: ScopeColumns| c.school;
        let personal = self.resources(|r| self.is_personal(r));
        if let (Some(persons), false) = (&self.scope.persons, personal.is_empty()) {
            let mut schools = self.slicer.schools_of(Some(persons), None, None)?;
            if let Some(limit) = &self.scope.schools {
                schools.retain(|s| limit.contains(s));
            }
            // Without a limit by the user, staff of no school are in scope, too.
            let everywhere = self.context.options.scope.schools.is_none();
            let cut = Cut {
                schools: Some(schools),
                nowhere: everywhere,
                persons: Persons::These(persons.clone()),
            };
            self.direct(staged, &personal, &cut, everywhere).await?;
        }
        let by_school = self.resources(|r| !self.is_personal(r) && of_schools(self.columns_of(r)));
        self.in_batches(staged, &by_school).await?;
        let people = self.resources(|r| {
            let columns = self.columns_of(r);
            !self.is_personal(r) && !columns.school && (columns.person || !limited)
        });
        self.direct(staged, &people, &self.in_scope(), !limited)
            .await?;
        let district = self.resources(|r| {
            let columns = self.columns_of(r);
            limited && !columns.school && !columns.person
        });
        self.of_district(staged, &district).await
    }

    /// The slice of the schools in scope.
    fn in_scope(&self) -> Cut {
        let limited = self.scope.schools.is_some();
        Cut {
            schools: self.scope.schools.clone(),
            nowhere: !limited,
            persons: if limited {
                Persons::OfSchools
            } else {
                Persons::All
            },
        }
    }

    /// Resources of one slice, straight into their files.
    async fn direct(
        &self,
        staged: &mut Staged,
        resources: &[&Prepared],
        cut: &Cut,
        all_schools: bool,
    ) -> Result<(), RunError> {
        let Some(session) = self.slice(resources, cut, all_schools, "slice").await? else {
            return Ok(());
        };
        for p in resources {
            let out = staged.folder.objects(&p.resource.name);
            let done = self.one(&session, p, &out, self.narrow.clone()).await?;
            staged.note(&p.resource.name, done)?;
            self.progress.advance("transform", 1, 0);
        }
        self.discard("slice");
        Ok(())
    }

    /// Resources of schools, some calendars at a time. A transform that was killed carries on with
    /// the first part that is missing.
    async fn in_batches(
        &self,
        staged: &mut Staged,
        resources: &[&Prepared],
    ) -> Result<(), RunError> {
        let limited = self.scope.schools.is_some();
        let batches = &self.batches;
        if batches.len() < 2 {
            return self
                .direct(staged, resources, &self.in_scope(), !limited)
                .await;
        }
        let parts = Parts::open(staged, self.context, &self.scope, batches)?;
        for (number, schools) in batches.iter().enumerate() {
            let cut = Cut {
                schools: Some(schools.clone()),
                // Once.
                nowhere: !limited && number == 0,
                persons: self.in_scope().persons,
            };
            let missing: Vec<&Prepared> = resources
                .iter()
                .copied()
                .filter(|p| !parts.has(staged, &p.resource.name, number))
                .collect();
            let session = self.slice(&missing, &cut, !limited, "slice").await?;
            for p in session.iter().flat_map(|_| &missing) {
                let out = parts.path(staged, &p.resource.name, number);
                if let Some(session) = &session {
                    let done = self.one(session, p, &out, self.narrow.clone()).await?;
                    parts.note(staged, number, done)?;
                }
            }
            self.discard("slice");
            tracing::info!(
                batch = number + 1,
                of = batches.len(),
                "transformed a batch of schools"
            );
        }
        for p in resources {
            let done = parts.join(staged, &p.resource.name, batches.len())?;
            staged.note(&p.resource.name, done)?;
            self.progress.advance("transform", 1, 0);
        }
        parts.remove(staged)
    }

    /// Objects of the district that a school in scope needs: those whose keys the schools' own
    /// rows yield, with the content that the whole district gives them.
    async fn of_district(
        &self,
        staged: &mut Staged,
        resources: &[&Prepared],
    ) -> Result<(), RunError> {
        let Some(session) = self
            .slice(resources, &self.in_scope(), false, "slice")
            .await?
        else {
            return Ok(());
        };
        let whole = Cut {
            nowhere: true,
            ..Cut::default()
        };
        let Some(everything) = self.slice(resources, &whole, true, "whole").await? else {
            return Ok(());
        };
        for p in resources {
            let out = self.temp.join("needed.parquet");
            self.one(&session, p, &out, self.narrow.clone()).await?;
            let narrow = Narrow {
                keys: Some(Arc::new(keys(&out)?)),
                ..self.narrow.clone()
            };
            let out = staged.folder.objects(&p.resource.name);
            let done = self.one(&everything, p, &out, narrow).await?;
            staged.note(&p.resource.name, done)?;
            self.progress.advance("transform", 1, 0);
        }
        self.discard("slice");
        self.discard("whole");
        Ok(())
    }
}
