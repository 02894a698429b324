//! Around a verb that moves records: in the background or not, inside the window, and with those
//! told who want to know of the end.
//!
//! Reads: the clock, signals. Writes: notifications, a background run's exit code. Never: the work.

mod detach;
mod stop;
mod wait;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

pub(super) use stop::Stop;
pub(super) use wait::wait;

use super::pipeline;
use crate::cli::{Guest, Session, print_line};
use crate::ledger::LedgerError;
use crate::notify::{Message, tell};
use crate::pipeline::Problems;
use crate::pipeline::notify::Notice;
use crate::report::{ErrorsReport, RunReport};
use crate::run::{Finished, RunError};
use crate::source::{SchemaError, SourceError};
use crate::stage::{RunId, StageError, StateDir};

/// What a verb leaves behind for those who are told.
#[derive(Clone, Debug, Default)]
pub struct Ended(Arc<Mutex<Option<End>>>);

#[derive(Debug)]
struct End {
    folder: PathBuf,
    report: RunReport,
    errors: ErrorsReport,
}

impl Ended {
    /// Notes the report of a run.
    pub fn note(&self, finished: &Finished) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(End {
            folder: finished.folder.clone(),
            report: finished.report.clone(),
            errors: finished.errors.clone(),
        });
    }

    fn take(&self) -> Option<End> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A verb and what it is about.
pub(super) struct Verb<'a> {
    pub(super) name: &'static str,
    pub(super) pipeline: &'a str,
    /// The run whose staging is used again.
    pub(super) again: Option<&'a str>,
    pub(super) guest: &'a Guest,
    /// What it is to the verb that was given.
    pub(super) place: Place,
}

/// What a verb is to the one on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is that one.
    Whole,
    /// It is that one, and its parts tell of themselves: only that it could not start is told.
    Frame,
    /// It is a part of it: the whole decides on the background.
    Part,
}

impl<'a> Verb<'a> {
    pub(super) fn new(
        name: &'static str,
        pipeline: &'a str,
        again: Option<&'a str>,
        guest: &'a Guest,
    ) -> Self {
        Self {
            name,
            pipeline,
            again,
            guest,
            place: Place::Whole,
        }
    }

    /// The same in another place.
    pub(super) fn placed(self, place: Place) -> Self {
        Self { place, ..self }
    }
}

/// Does a verb as a good guest; the exit code.
///
/// # Errors
/// As the verb itself; those who want to know have been told then.
pub(super) async fn attend<F>(
    session: &Session,
    verb: Verb<'_>,
    work: impl FnOnce(Session) -> F,
) -> anyhow::Result<u8>
where
    F: Future<Output = anyhow::Result<u8>>,
{
    let session = Session {
        guest: verb.guest.clone(),
        ..session.clone()
    };
    // What cannot be read now is told by the verb itself.
    let read = pipeline(verb.pipeline).ok();
    let part = verb.place == Place::Part;
    if verb.guest.detach && session.detached.is_none() && !part {
        return detach::start(&session, &verb);
    }
    let flags = verb.guest.notices()?;
    let state = read.as_ref().map(|p| StateDir::new(&p.state_dir, &p.name));
    let notices = flags.or_else(|| read.map(|p| p.notify)).unwrap_or_default();
    let started = Utc::now();
    let outcome = work(session.clone()).await;
    if verb.place != Place::Frame || outcome.is_err() {
        told(&session, &verb, &notices, started, &outcome).await;
    }
    if let (Some(id), Some(state), false) = (&session.detached, &state, part) {
        let exit = outcome.as_ref().map_or(2, |exit| *exit);
        if let Err(error) = state.detached(id).ended(exit) {
            tracing::warn!(%error, "the exit code could not be kept for `fullsync wait`");
        }
    }
    outcome
}

/// Tells of the end; what fails is a warning in the log and in the report.
async fn told(
    session: &Session,
    verb: &Verb<'_>,
    notices: &[Notice],
    started: DateTime<Utc>,
    outcome: &anyhow::Result<u8>,
) {
    let end = session.ended.take();
    if notices.is_empty() {
        return;
    }
    let name = std::path::Path::new(verb.pipeline).file_stem();
    let name = name.map(|n| n.to_string_lossy()).unwrap_or_default();
    let run = end.as_ref().map(|e| e.report.run.as_str());
    let log = end.as_ref().map(|e| e.folder.join("run.log"));
    let message = Message {
        exit: outcome.as_ref().map_or(2, |exit| *exit),
        verb: verb.name,
        configuration: &name,
        run: run.or(session.detached.as_deref()),
        started,
        ended: Utc::now(),
        report: end.as_ref().map(|e| (&e.report, &e.errors)),
        cause: outcome.as_ref().err().map(cause),
        log: log.as_deref(),
    };
    let failures = tell(notices, &message).await;
    for failure in &failures {
        tracing::warn!("{failure}");
    }
    if let (Some(end), false) = (&end, failures.is_empty()) {
        for failure in &failures {
            // Standard output is the report; when it is closed, the log has it.
            let _ = print_line(&format!("warning: {failure}"));
        }
        if let Err(error) = crate::report::warn(&end.folder, &failures) {
            tracing::warn!(%error, "the report could not be added to");
        }
    }
}

/// What a verb failed at, in a bounded word: texts of errors may hold words of a server.
fn cause(error: &anyhow::Error) -> &'static str {
    for cause in error.chain() {
        if cause.is::<Problems>() {
            return "configuration";
        }
        if cause.is::<SourceError>() || cause.is::<SchemaError>() {
            return "source";
        }
        if cause.is::<StageError>() {
            return "staging";
        }
        if cause.is::<LedgerError>() {
            return "ledger";
        }
        if cause.is::<crate::load::ApiError>() {
            return "target";
        }
        if cause.is::<crate::transform::TransformError>() {
            return "mapping";
        }
        if let Some(error) = cause.downcast_ref::<RunError>() {
            match error {
                RunError::Api(_) | RunError::Sync(_) => return "target",
                RunError::Stage(_) => return "staging",
                RunError::Ledger(_) => return "ledger",
                RunError::Source(_) | RunError::Schema(_) => return "source",
                RunError::Transform(_) => return "mapping",
                RunError::Io(_) => return "file system",
                _ => return "configuration",
            }
        }
    }
    "command line"
}

/// The id that a background run was told by the process that started it.
pub(super) fn told_id(session: &Session) -> Option<RunId> {
    session.detached.as_deref().and_then(RunId::parse)
}
