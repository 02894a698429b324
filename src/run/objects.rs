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

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::check::inputs;
use super::parts::Parts;
use super::prepare::{Prepared, spec};
use super::{Context, RunError, Selection, Staged, Start};
use crate::object::{KeyHash, Outcome, Reason};
use crate::progress::Progress;
use crate::scope::Scope;
use crate::source::SisSchema;
use crate::stage::{Cut, Persons, Slicer};
use crate::transform::{self, Narrow, ScopeColumns, Seen, Session, TableFile, tables_used};

/// What a transform came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// What was held back, by resource.
    pub(super) held: BTreeMap<String, BTreeMap<(Outcome, Reason), u64>>,
    /// The scope of the objects; its schools are those that were actually looked at.
    pub(super) scope: Scope,
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

    /// Runs every resource's SQL, unless the objects of an earlier run are used again.
    ///
    /// # Errors
    /// SQL that fails on the data: nothing has been sent then.
    pub(super) async fn transform(
        &mut self,
        context: &Context,
        selection: &Selection,
        sis: &SisSchema,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), RunError> {
        if matches!(context.options.start, Start::Objects(_)) {
            self.made.scope = context.options.scope.clone();
            return Ok(());
        }
        let temp = self.folder.path().join("temp");
        let tables = selection.tables.iter();
        let tables = tables.map(|t| (t.clone(), self.folder.stage(&t.name))).collect();
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
            year: self.school_year,
        };
        making.columns = making.find_columns(self).await?;
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
            columns: making.columns.clone(),
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

/// The objects of one resource, or of a part of it.
pub(super) struct Done {
    pub(super) file: crate::stage::FileNote,
    pub(super) held: BTreeMap<(Outcome, Reason), u64>,
    pub(super) seen: Seen,
}

/// One transform at work.
struct Making<'a> {
    context: &'a Context,
    selection: &'a Selection,
    sis: &'a SisSchema,
    progress: &'a Arc<dyn Progress>,
    slicer: Slicer,
    temp: PathBuf,
    scope: Scope,
    narrow: Narrow,
    columns: BTreeMap<String, ScopeColumns>,
    year: i32,
}

impl Making<'_> {
    /// What each resource can be narrowed by.
    async fn find_columns(
        &self,
        staged: &Staged,
    ) -> Result<BTreeMap<String, ScopeColumns>, RunError> {
        let files = self.selection.tables.iter();
        let files = files.map(|t| (t.name.clone(), staged.folder.stage(&t.name)));
        let session = self.session(&files.collect(), true).await?;
        let resources = self.selection.resources.iter();
        let specs: Vec<_> = resources.map(|p| spec(&p.resource, &p.meta)).collect();
        Ok(transform::scope_columns(&session, &specs).await)
    }

    /// E21, `--strict-person-filter`.
    fn only_persons(&self) -> Result<(), RunError> {
        let others: Vec<String> = self
            .selection
            .resources
            .iter()
            .map(|p| p.resource.name.clone())
            .filter(|name| !self.columns_of(name).person)
            .collect();
        match others.is_empty() || self.scope.persons.is_none() {
            true => Ok(()),
            false => Err(RunError::NotPersons(others)),
        }
    }

    fn columns_of(&self, name: &str) -> ScopeColumns {
        self.columns.get(name).copied().unwrap_or_default()
    }

    fn is_personal(&self, name: &str) -> bool {
        self.scope.persons.is_some() && self.columns_of(name).person
    }

    /// The resources for which `which` holds.
    fn resources(&self, which: impl Fn(&str) -> bool) -> Vec<&Prepared> {
        let all = self.selection.resources.iter();
        all.filter(|p| which(&p.resource.name)).collect()
    }

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
        let by_school =
            self.resources(|r| !self.is_personal(r) && of_schools(self.columns_of(r)));
        self.in_batches(staged, &by_school).await?;
        let people = self.resources(|r| {
            let columns = self.columns_of(r);
            !self.is_personal(r) && !columns.school && (columns.person || !limited)
        });
        self.direct(staged, &people, &self.in_scope(), !limited).await?;
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
            persons: if limited { Persons::OfSchools } else { Persons::All },
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
        let calendars = self.context.options.asked.calendar_batch;
        let calendars = calendars.unwrap_or(self.context.pipeline.scope.calendar_batch);
        let batches = self.slicer.batches(self.scope.schools.as_ref(), calendars);
        staged.made.batches = batches.len();
        if batches.len() < 2 {
            return self.direct(staged, resources, &self.in_scope(), !limited).await;
        }
        let parts = Parts::open(staged, self.context, &self.scope, &batches)?;
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
            tracing::info!(batch = number + 1, of = batches.len(), "transformed a batch of schools");
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
        let Some(session) = self.slice(resources, &self.in_scope(), false, "slice").await? else {
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

    /// A session over a slice with all tables that these resources need; none for no resource.
    async fn slice(
        &self,
        resources: &[&Prepared],
        cut: &Cut,
        all_schools: bool,
        folder: &str,
    ) -> Result<Option<Session>, RunError> {
        if resources.is_empty() {
            return Ok(None);
        }
        let mut names = BTreeSet::new();
        for p in resources {
            let used = tables_used(&p.resource.sql, &self.context.pipeline.views);
            names.extend(used.map_err(|problem| RunError::Problems(vec![problem]))?);
        }
        let out = self.temp.join(folder);
        crate::files::create_dir(&out)?;
        let files = tokio::task::block_in_place(|| self.slicer.slice(cut, &names, &out))?;
        Ok(Some(self.session(&files, all_schools).await?))
    }

    /// A session over these files; declared tables that are not among them are empty.
    async fn session(
        &self,
        files: &BTreeMap<String, PathBuf>,
        all_schools: bool,
    ) -> Result<Session, RunError> {
        let tables = self.sis.tables.iter().map(|t| {
            let file = match files.get(&t.name) {
                Some(path) => TableFile::Parquet(path.clone(), t.arrow()),
                None => TableFile::Empty(t.arrow()),
            };
            (t.name.clone(), file)
        });
        let temp = self.temp.join("spill");
        let pipeline = &self.context.pipeline;
        let inputs = inputs(pipeline, tables.collect(), self.year, all_schools, temp);
        Ok(Session::new(&inputs).await?)
    }

    async fn one(
        &self,
        session: &Session,
        p: &Prepared,
        out: &Path,
        narrow: Narrow,
    ) -> Result<Done, RunError> {
        if *self.context.cancel.borrow() {
            return Err(RunError::Stopped);
        }
        let options = transform::Options {
            local_validation: self.context.pipeline.load.local_validation,
            narrow: Arc::new(narrow),
        };
        let spec = spec(&p.resource, &p.meta);
        let standard = &self.selection.standard;
        let done = transform::transform(session, &spec, standard, out, &options).await?;
        Ok(Done {
            file: done.file.note(&p.resource.name),
            held: done.held,
            seen: done.seen,
        })
    }

    /// Frees the disk; what is left over goes with the folder.
    fn discard(&self, folder: &str) {
        let _ = std::fs::remove_dir_all(self.temp.join(folder));
    }
}

/// The key hashes of an objects file.
fn keys(path: &Path) -> Result<HashSet<u128>, RunError> {
    let unreadable = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| crate::files::at(path, &e))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|e| unreadable(e.to_string()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["_key_hash"]);
    let reader = builder.with_projection(mask).build();
    let mut keys = HashSet::new();
    for batch in reader.map_err(|e| unreadable(e.to_string()))? {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        let hashes = batch.column(0).as_fixed_size_binary();
        let hashes = (0..hashes.len()).filter_map(|i| KeyHash::from_bytes(hashes.value(i)));
        keys.extend(hashes.map(|hash| hash.0));
    }
    Ok(keys)
}
