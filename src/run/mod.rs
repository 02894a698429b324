//! One page: extract, stage, transform, decide what is due, load, ledger, report.
//!
//! The only room that uses all others. Data goes one way, through the files of the run folder.

mod check;
mod choose;
pub mod compare;
pub mod connect;
mod deletes;
mod deliver;
mod editions;
mod error;
pub mod fetch;
mod guard;
pub mod inspect;
mod locked;
mod making;
mod objects;
mod only;
mod outcome;
mod outside;
mod parts;
mod prepare;
mod probe;
pub mod rebuild;
mod recheck;
mod record;
mod removal;
mod rest;
mod scope;
mod selective;
pub mod setup;
mod span;
mod staging;
mod stations;
mod told;
pub mod validate_data;
pub mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

pub use check::{Depth, check_source, validate};
pub use choose::{Choice, Chosen, choose};
pub use deletes::{DeletesError, People};
pub use editions::{may_ask, may_send};
pub use error::RunError;
use locked::lock_run;
pub use locked::{Lock, lock};
pub use only::{Failed, Only};
pub use outcome::Finished;
pub use prepare::{Prepared, Selection, spec};
pub use removal::{Removal, remove};
pub use scope::{Asked, Estimate, as_configured, resolve, schools};
pub use selective::Selective;
pub use span::{Start, Until};
pub use staging::Staged;

use crate::errors::Archive;
use crate::ledger::Ledger;
use crate::lock::{Held, Wait};
use crate::metadata::Standard;
use crate::pipeline::{MaxDeletes, Pipeline, ResyncMode, TargetKind};
use crate::progress::Progress;
use crate::scope::Scope;
use crate::source::{SisSchema, Source};
use crate::stage::RunId;
use crate::stage::StateDir;
use crate::transform::ScopeColumns;
use connect::Target;
use record::Record;

/// What the command line asks of a run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Resources, by name or pattern; empty = all of the pipeline.
    pub resources: Vec<String>,
    /// Whether these are the resources of some steps of the recommended order, and nothing else.
    pub stepwise: bool,
    /// Where the run starts from.
    pub start: Start,
    /// Send what the target has acknowledged, too.
    pub resend_all: bool,
    /// Send only what is due, where the pipeline's target is resent everything by default (DIS).
    pub delta: bool,
    /// Do not check dependencies: no ancestors are added, and what has no parent at the target is
    /// sent all the same (DIS).
    pub unchecked: bool,
    /// Only these objects, by what became of them earlier.
    pub only: Only,
    /// Only these records of one object, and those below them (DIS).
    pub selective: Option<Selective>,
    /// School year by its end year, before the pipeline's.
    pub school_year: Option<i32>,
    /// Let a source that is not generated into the embedded sandbox.
    pub demo: bool,
    /// The schools, persons, courses and sections that the run is narrowed to.
    pub scope: Scope,
    /// Whether the schools are others than those of the configuration.
    pub some_schools: bool,
    /// What the command line asks of the scope.
    pub asked: Asked,
    /// What to do when another run has locked some of what this one is about.
    pub wait_lock: Wait,
    /// Consent to what is asked about at a terminal (`--yes`).
    pub yes: bool,
    /// The id of a run that starts from the source, where it was told before; None: a new one.
    pub run: Option<RunId>,
    /// Most deletes of one resource, before the pipeline's.
    pub max_deletes: Option<MaxDeletes>,
    /// What the report calls it; None: by how far it goes.
    pub verb: Option<&'static str>,
    /// A mode beside the plain run.
    pub mode: Option<ResyncMode>,
    /// Persons whose id has changed, or who were combined.
    pub people: People,
    /// How long the agent of a SIF zone stays.
    pub staying: zone::Staying,
    /// Load a part into a target that never had a full load.
    pub allow_partial: bool,
}

/// Called with the run folder as soon as there is one: the log goes there.
pub type Opened = Box<dyn Fn(&std::path::Path) + Send + Sync>;

/// What every verb shares.
pub struct Context {
    /// The checked pipeline.
    pub pipeline: Pipeline,
    /// The options.
    pub options: Options,
    /// When the run began.
    pub now: DateTime<Utc>,
    /// True when the run shall end early.
    pub cancel: watch::Receiver<bool>,
    /// Told of the run folder.
    pub opened: Opened,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Whether what the target has acknowledged is sent, too. A resync to a state edition resends
    /// everything in its scope, as that is what it is for; unless only what is due is asked for, or
    /// an interrupted one carries on.
    pub(crate) fn resends(&self) -> bool {
        let resync = self.pipeline.target == TargetKind::Dis
            && !self.options.delta
            && self.options.start == Start::Source;
        self.options.resend_all || resync || self.options.mode == Some(ResyncMode::Resync)
    }

    /// The resources that are asked for; to a state edition with those that they depend on.
    fn wanted(&self, standard: &Standard) -> Result<Vec<String>, RunError> {
        let patterns = &self.options.resources;
        if let Some(selective) = &self.options.selective {
            selective.label(&self.pipeline)?;
            return Ok(self.pipeline.subtrees(&[format!("{}/*", selective.object)]));
        }
        match self.pipeline.target {
            TargetKind::Dis if !self.options.unchecked => {
                Selection::with_ancestors(&self.pipeline, patterns, standard)
            }
            _ => Ok(patterns.clone()),
        }
    }
}

/// Runs a pipeline as far as `until`.
///
/// # Errors
/// [`RunError`]: the run could not start, or could not go on. Objects that are not delivered are
/// no error; they are in the report.
pub async fn run(
    context: &Context,
    until: Until,
    progress: &Arc<dyn Progress>,
) -> Result<Finished, RunError> {
    let pipeline = &context.pipeline;
    pipeline.must_be_on().map_err(RunError::SwitchedOff)?;
    deletes::offered(context)?;
    let base = connect::standard(pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    editions::may_send(pipeline)?;
    let wanted = context.wanted(&base)?;
    let mut selection = Selection::new(pipeline, &wanted, &base, &sis)?;
    let source = check::open_source(context, &selection)?;
    let columns = validate(pipeline, &selection, &sis, Depth::Quick).await?;

    // Before anything long or loud: an overlapping run fails at once, and reads nothing stale.
    let mut held = match until {
        Until::Loaded => Some(lock_run(context, &selection).await?),
        _ => None,
    };
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let only = context.options.only.resolved(&state)?;

    // The target is met before the long work, so that a wrong key is known at once.
    let joined = match until {
        Until::Loaded if zone::is_zone(pipeline) => {
            Some(zone::Link::join_for(context, &selection).await?)
        }
        _ => None,
    };
    // A plan tells a zone nothing, not even that we are there.
    let needs_target = matches!(until, Until::Planned | Until::Loaded) && !zone::is_zone(pipeline);
    let target = match needs_target {
        true => Some(Target::connect(pipeline, &base).await?),
        false => None,
    };
    if let Some(target) = &target {
        selection = Selection::new(pipeline, &wanted, &target.standard, &sis)?;
        guard::taken(target, &selection)?;
        rest::may_send(context, target, &selection)?;
        // Asked again when the year comes from the source.
        if let Some(year) = context.options.school_year.or(pipeline.school_year) {
            let folder = guard::folder(context, target, year);
            let about = guard::origin(target, year);
            guard::full_first(context, &selection, &folder, &about, until)?;
        }
    }

    let mut staged = Staged::open_or_create(context, &*source, &selection, until)?;
    (context.opened)(staged.folder.path());
    if let Some(held) = &mut held {
        held.named(&staged.id())?;
    }
    let record = Record::begin(context, &selection, &staged, until);
    let progress = record.progress(progress);
    let flow = Flow {
        context,
        until,
        progress: &progress,
        selection: &selection,
        sis: &sis,
        columns: &columns,
        held: held.as_ref(),
        only: &only,
        zone: joined.as_ref(),
    };
    let outcome = flow.run(&*source, &mut staged, target.as_ref()).await;
    let finished = staged.close(context, &selection, until, outcome, target.as_ref());
    record.end(&finished, *context.cancel.borrow());
    if let Some(target) = target {
        target.disconnect().await;
    }
    if let Some(zone) = joined {
        zone.close().await;
    }
    finished
}

/// The flow itself, between the opening of the run folder and its closing.
struct Flow<'a> {
    context: &'a Context,
    until: Until,
    progress: &'a Arc<dyn Progress>,
    selection: &'a Selection,
    sis: &'a SisSchema,
    columns: &'a BTreeMap<String, ScopeColumns>,
    held: Option<&'a Held>,
    only: &'a Only,
    zone: Option<&'a zone::Link>,
}

impl Flow<'_> {
    async fn run(
        &self,
        source: &dyn Source,
        staged: &mut Staged,
        target: Option<&Target>,
    ) -> Result<Option<deliver::Delivered>, RunError> {
        let Self {
            context,
            selection,
            progress,
            ..
        } = self;
        staged.extract(context, source, selection, progress)?;
        if self.until == Until::Extracted {
            return Ok(None);
        }
        let mut notes = Vec::new();
        if let Some(target) = target {
            let folder = guard::folder(context, target, staged.school_year);
            let about = guard::origin(target, staged.school_year);
            notes = guard::full_first(context, selection, &folder, &about, self.until)?;
        }
        staged
            .transform(context, selection, self.sis, self.columns, progress)
            .await?;
        staged.recheck(selection)?;
        if let Some(zone) = self.zone {
            return zone
                .deliver(context, selection, staged, progress)
                .await
                .map(Some);
        }
        if self.until == Until::Planned && zone::is_zone(&context.pipeline) {
            return zone::plan(&context.pipeline, selection, staged).map(Some);
        }
        let Some(target) = target else {
            return Ok(None);
        };
        let folder = guard::folder(context, target, staged.school_year);
        let ledger = Ledger::open(&folder)?;
        ledger.compact_when_worth(Utc::now().timestamp_micros())?;
        let mut admitted = guard::compare(context, target, &ledger, staged, self.until).await?;
        notes.append(&mut admitted.notes);
        let selected = match &context.options.selective {
            Some(selective) => Some(tokio::task::block_in_place(|| {
                selective.only(selection, staged)
            })?),
            None => None,
        };
        let only = selected.as_ref().unwrap_or(self.only);
        let mut due = deliver::due(context, only, selection, staged, &ledger)?;
        let mut people = context.options.people.with_unfinished(&folder)?;
        people.resend(selection, staged, &mut due)?;
        let mode = context.options.mode;
        let listings = match mode {
            Some(_) => Some(
                deletes::Listings::ask(target.api()?, context, selection, staged, &ledger).await?,
            ),
            None => None,
        };
        let mut sending = match self.held {
            Some(held) => Some(deliver::Sending {
                journal: ledger.journal(&staged.id(), Utc::now().timestamp_micros())?,
                held,
                ledger: &ledger,
            }),
            None => None,
        };
        let journal = sending.as_mut().map(|sending| &mut sending.journal);
        if journal.is_some() {
            people.begin(&folder)?;
        }
        let asked = deletes::Planning::new(context, selection, staged, self.sis, &due);
        let plan = match only.is_everything() {
            true => deletes::plan(asked, &ledger, listings.as_ref(), &mut people, journal)?,
            // A run that takes up some objects again deletes none.
            false => deletes::Plan::none(selection),
        };
        let stations = stations::Stations::new(
            selection,
            staged,
            due,
            plan,
            mode != Some(ResyncMode::Cleanup),
        )?;
        let mut delivered = deliver::load(
            context, selection, staged, target, sending, stations, progress,
        )
        .await?;
        if self.until == Until::Planned && guard::part(context, selection).is_some() {
            notes.append(&mut outside::references(context, selection, staged, &ledger).await?);
        }
        delivered.notes.splice(0..0, notes);
        delivered.probe = admitted.probe;
        if self.until == Until::Loaded {
            if !delivered.interrupted && only.is_everything() {
                people.end(&folder)?;
            }
            let about = guard::origin(target, staged.school_year);
            guard::note(context, about, &ledger, &staged.id(), &delivered)?;
        }
        if let Err(error) = ledger.compact_when_worth(Utc::now().timestamp_micros()) {
            // The journal holds everything; the next run compacts it.
            tracing::warn!(%error, "the ledger could not be compacted");
        }
        if let Err(error) = Archive::settle(&folder, &ledger) {
            tracing::warn!(%error, "archived errors could not be compared with the ledger");
        }
        Ok(Some(delivered))
    }
}
