//! From the source to finished objects: the run folder, the staged tables, the transform.

mod bare;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::check::format;
use super::objects::Made;
use super::{Context, RunError, Selection, Start, Until};
use crate::object::{Outcome, Reason};
use crate::pipeline::Connection;
use crate::progress::Progress;
use crate::report::{Age, ExampleRef, Tally};
use crate::source::{SisSchema, Source};
use crate::stage::{
    PruneRules, RunAbout, RunFolder, RunState, SourceNote, StateDir, TargetNote, parquet_name,
};

/// A run folder and what is in it.
#[derive(Debug)]
pub struct Staged {
    /// The folder; its manifest tells what is staged.
    pub folder: RunFolder,
    /// The school year of the run, by its end year; 0 until it is known.
    pub school_year: i32,
    state: StateDir,
    pub(super) objects: BTreeMap<String, u64>,
    /// What the transform of this run came to.
    pub(super) made: Made,
    /// How the run stood before its folder was opened again.
    before: RunState,
    /// Whether the run before this one was cut short.
    pub(super) unclean: bool,
    /// Where results and report go: the run folder, or `plan` in it when an earlier run's staging
    /// is only planned with, so that the record of what it sent stays.
    out: PathBuf,
}

impl Staged {
    /// Makes a run folder, or opens that of an earlier run whose staging is used again.
    ///
    /// # Errors
    /// Too little disk space, a run that does not exist or is at work.
    pub(super) fn open_or_create(
        context: &Context,
        source: &dyn Source,
        selection: &Selection,
        until: Until,
    ) -> Result<Self, RunError> {
        let pipeline = &context.pipeline;
        let mut before = RunState::Running;
        let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
        let unclean = super::guard::cut_short(&state)?;
        let folder = match &context.options.start {
            Start::Source => {
                let names: Vec<&str> = selection.tables.iter().map(|t| t.name.as_str()).collect();
                let bytes = source.total_bytes(&names);
                crate::stage::check_disk(&pipeline.state_dir, format(pipeline), bytes)?;
                let folder = state.create(about(context), context.now)?;
                let files: Vec<PathBuf> = pipeline
                    .files()
                    .into_iter()
                    .map(ToOwned::to_owned)
                    .collect();
                folder.keep(&files)?;
                let effective = folder.pipeline().join("effective.txt");
                crate::files::write(&effective, pipeline.effective(None, true).as_bytes())?;
                folder
            }
            Start::Staging(run) | Start::Objects(run) => {
                let earlier = state.open(run)?;
                before = earlier.state();
                let loaded = before.is_finished() && !earlier.manifest().results.is_empty();
                let resumed = matches!(context.options.start, Start::Staging(_));
                if loaded && resumed && until == Until::Loaded {
                    return Err(RunError::NothingToResume(earlier.id()));
                }
                state.reopen(run)?
            }
        };
        let school_year = folder.manifest().school_year.unwrap_or_default();
        let objects = folder.manifest().objects.into_iter();
        let objects = objects.map(|note| (note.resource, note.rows)).collect();
        // A check of an earlier run's tables leaves the record of what that run sent, too.
        let sent = until != Until::Loaded && !folder.manifest().results.is_empty();
        let planned = context.options.start != Start::Source && (until == Until::Planned || sent);
        let out = match planned {
            true => folder.path().join("plan"),
            false => folder.path().to_owned(),
        };
        crate::files::create_dir(&out)?;
        Ok(Self {
            folder,
            school_year,
            state,
            objects,
            made: Made::default(),
            before,
            unclean,
            out,
        })
    }

    /// The run's id.
    pub fn id(&self) -> String {
        self.folder.id()
    }

    /// The folder of this configuration.
    pub(super) fn state(&self) -> &StateDir {
        &self.state
    }

    /// Folder of this configuration's ledgers.
    pub fn ledgers(&self) -> PathBuf {
        self.state.ledger()
    }

    /// The objects file of a resource.
    pub fn objects(&self, resource: &str) -> PathBuf {
        self.folder.objects(resource)
    }

    /// The results file of a resource.
    pub fn results(&self, resource: &str) -> PathBuf {
        self.out.join("results").join(parquet_name(resource))
    }

    /// Where results and report go.
    pub(super) fn out(&self) -> &std::path::Path {
        &self.out
    }

    /// The state to leave the run folder in: a plan leaves an earlier run as it was.
    pub(super) fn state_after(&self, state: RunState) -> RunState {
        if self.out == self.folder.path() {
            state
        } else {
            self.before
        }
    }

    /// Rows of a resource's objects file, as counted when it was written.
    pub fn transformed(&self, resource: &str) -> u64 {
        self.objects.get(resource).copied().unwrap_or_default()
    }

    /// Stages the SIS tables, unless an earlier run has, and finds out the school year.
    ///
    /// # Errors
    /// The source cannot be read, or the staging cannot be written.
    pub(super) fn extract(
        &mut self,
        context: &Context,
        source: &dyn Source,
        selection: &Selection,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), RunError> {
        if context.options.start == Start::Source {
            let schema = SisSchema {
                tables: selection.tables.clone(),
            };
            let names: Vec<String> = selection.tables.iter().map(|t| t.name.clone()).collect();
            progress.start("extract", None);
            let watch = |table: crate::stage::Extracting<'_>| {
                if table.done {
                    progress.advance("extract", table.staged, table.unreadable);
                }
                match *context.cancel.borrow() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            tokio::task::block_in_place(|| {
                crate::stage::extract(source, &schema, &names, &self.folder, &watch)
            })?;
            for table in self.folder.manifest().tables {
                let (staged, unreadable) = (table.staged, table.unreadable);
                tracing::info!(table = %table.name, staged, unreadable, "extracted");
            }
            progress.finish("extract", "staged");
        } else {
            self.check_staged(context, selection)?;
        }
        // Staging of an earlier run keeps its year; objects were even computed for it.
        let kept = (context.options.start != Start::Source && self.school_year != 0)
            .then_some(self.school_year);
        let asked = context.options.school_year;
        let given = match context.options.start {
            Start::Objects(_) => kept.or(asked),
            _ => asked.or(kept),
        };
        let given = given.or(context.pipeline.school_year);
        self.school_year = match given {
            Some(year) => year,
            None => self.active_year()?,
        };
        let year = self.school_year;
        self.folder
            .update(|manifest| manifest.school_year = Some(year))?;
        Ok(())
    }

    /// Whether the earlier run staged all that the resources need: a table that it left out must
    /// never pass for an empty one.
    fn check_staged(&self, context: &Context, selection: &Selection) -> Result<(), RunError> {
        let missing: Vec<String> = match context.options.start {
            Start::Objects(_) => {
                let names = selection.resources.iter().map(|p| &p.resource.name);
                names
                    .filter(|name| !self.objects.contains_key(*name))
                    .cloned()
                    .collect()
            }
            _ => {
                let staged = self.folder.staged_tables()?;
                let names = selection.tables.iter().map(|t| &t.name);
                names
                    .filter(|name| !staged.iter().any(|(s, _)| s == *name))
                    .cloned()
                    .collect()
            }
        };
        match missing.is_empty() {
            true => Ok(()),
            false => Err(RunError::NotStaged {
                run: self.id(),
                missing: missing.join(", "),
            }),
        }
    }

    /// The one active row of SchoolYear.
    fn active_year(&self) -> Result<i32, RunError> {
        let path = self.folder.stage("SchoolYear");
        let Ok(file) = std::fs::File::open(&path) else {
            return Err(RunError::SchoolYear(0));
        };
        let unreadable = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|e| unreadable(e.to_string()))?;
        let mut active = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|e| unreadable(e.to_string()))?;
            let (Some(years), Some(flags)) = (
                batch.column_by_name("endYear"),
                batch.column_by_name("active"),
            ) else {
                break;
            };
            let (years, flags) = (years.as_primitive::<Int64Type>(), flags.as_boolean());
            active.extend(
                years
                    .iter()
                    .zip(flags)
                    .filter(|(_, on)| *on == Some(true))
                    .filter_map(|(y, _)| y),
            );
        }
        match active.as_slice() {
            [year] => Ok(i32::try_from(*year).unwrap_or_default()),
            other => Err(RunError::SchoolYear(other.len())),
        }
    }

    /// What the transform made, for a run that goes no further: objects held back by reason, the
    /// others ready to be sent.
    pub(super) fn count_objects(&self, tally: &mut Tally) {
        let ready = Reason::fixed("ready");
        for (name, rows) in &self.objects {
            let resource = tally.resource(name);
            resource.transformed = *rows;
            let mut left = *rows;
            for ((outcome, reason), count) in self.made.held.get(name).into_iter().flatten() {
                left = left.saturating_sub(*count);
                for _ in 0..*count {
                    resource.record(*outcome, reason, Age::New, ExampleRef::default());
                }
            }
            for _ in 0..left {
                resource.record(Outcome::Pending, &ready, Age::New, ExampleRef::default());
            }
        }
    }

    /// Removes old runs, as the pipeline says.
    pub(super) fn prune(&self, context: &Context) -> Result<(), RunError> {
        let keep = context.pipeline.keep;
        let rules = PruneRules {
            runs: keep.runs,
            failed_days: keep.failed_days,
        };
        crate::stage::prune(&self.state, rules, context.now, &|_| false)?;
        Ok(())
    }
}

fn about(context: &Context) -> RunAbout {
    let pipeline = &context.pipeline;
    let url = match &pipeline.connection {
        Connection::Sandbox => None,
        Connection::Server { url, .. } => Some(url.clone()),
    };
    RunAbout {
        id: context.options.run.clone(),
        target: TargetNote {
            kind: pipeline.target.as_str().to_owned(),
            sandbox: url.is_none(),
            url,
        },
        school_year: context.options.school_year.or(pipeline.school_year),
        source: Some(SourceNote {
            format: format(pipeline).as_str().to_owned(),
            path: pipeline.source.path.display().to_string(),
            generated: crate::generate::is_generated(&pipeline.source.path),
        }),
    }
}
