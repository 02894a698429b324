//! A run's line in the history: written when it begins, and again when it ends.
//!
//! Never: fails a run. What it cannot write down it warns of.

use std::sync::Arc;

use chrono::Utc;

use super::{Context, Finished, RunError, Selection, Staged, Start, Until};
use crate::account::{Account, Process};
use crate::history::{Entry, History, ObjectEntry, Records, ScopeNote};
use crate::progress::{Kept, Progress};
use crate::report::TargetReport;
use crate::stage::StateDir;

/// The record of one run; none for a plan with an earlier run's staging, which is no run of its
/// own.
pub(super) struct Record(Option<Open>);

struct Open {
    history: History,
    run: std::path::PathBuf,
    entry: Entry,
}

impl Record {
    /// Writes down that the run begins.
    pub(super) fn begin(
        context: &Context,
        selection: &Selection,
        staged: &Staged,
        until: Until,
    ) -> Self {
        let run = staged.folder.path().to_owned();
        if staged.out() != run {
            return Self(None);
        }
        let pipeline = &context.pipeline;
        let history = History::new(&StateDir::new(&pipeline.state_dir, &pipeline.name));
        let mut entry = entry(context, selection, staged, until);
        if let Err(error) = history.begin(&run, &mut entry) {
            tracing::warn!(error = %chain(&error), "the beginning of the run is not in the history");
        }
        Self(Some(Open {
            history,
            run,
            entry,
        }))
    }

    /// Progress that other processes can read, too.
    pub(super) fn progress(&self, shown: &Arc<dyn Progress>) -> Arc<dyn Progress> {
        match &self.0 {
            Some(open) => Arc::new(Kept::new(Arc::clone(shown), &open.run)),
            None => Arc::clone(shown),
        }
    }

    /// Writes down what the run came to; `cancelled`: it was told to stop.
    pub(super) fn end(self, outcome: &Result<Finished, RunError>, cancelled: bool) {
        let Some(mut open) = self.0 else { return };
        match outcome {
            Ok(finished) => open
                .entry
                .end(&finished.report, finished.stopped.as_deref()),
            Err(error) => open.entry.fail(cancelled, &chain(error), Utc::now()),
        }
        if let Err(error) = open.history.end(&open.run, &open.entry) {
            tracing::warn!(error = %chain(&error), "the run is not in the history");
        }
    }
}

fn entry(context: &Context, selection: &Selection, staged: &Staged, until: Until) -> Entry {
    let (pipeline, options) = (&context.pipeline, &context.options);
    let manifest = staged.folder.manifest();
    let mut told = Vec::new();
    if options.resend_all {
        told.push("resend all".to_owned());
    }
    if let Some(year) = options.school_year {
        told.push(format!("school year {year}"));
    }
    if options.delta {
        told.push("only what is due".to_owned());
    }
    if options.unchecked {
        told.push("dependencies not checked".to_owned());
    }
    told.extend(options.only.words());
    if let Start::Staging(_) = options.start {
        told.push("with the tables staged before".to_owned());
    }
    Entry {
        run: staged.id(),
        configuration: pipeline.name.clone(),
        command: until.verb(&options.start).to_owned(),
        options: told,
        user: Account::current().user,
        host: Process::current().host,
        started: context.now,
        dry_run: until != Until::Loaded,
        target: TargetReport {
            kind: manifest.target.kind,
            name: manifest
                .target
                .url
                .unwrap_or_else(|| "embedded sandbox".to_owned()),
            fingerprint: None,
            school_year: manifest.school_year,
        },
        scope: ScopeNote {
            records: options.selective.as_ref().map(|s| Records {
                object: s.object.clone(),
                ids: s.ids.clone(),
            }),
            ..ScopeNote::from(&options.scope)
        },
        part: options.some_schools || !options.only.is_everything(),
        other_year: options.school_year.is_some(),
        objects: selection
            .resources
            .iter()
            .map(|p| ObjectEntry::queued(&p.resource.name))
            .collect(),
        ..Entry::default()
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}
