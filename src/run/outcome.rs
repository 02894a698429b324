//! The end of a run: identities, report, manifest, pruning. Also of a run that went wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::Utc;

use super::connect::Target;
use super::deliver::Delivered;
use super::probe::Probe;
use super::{Context, RunError, Selection, Staged, Start, Until};
use crate::report::{
    self, ErrorsReport, PlanReport, Rates, RunHead, RunReport, Tally, TargetReport,
};
use crate::stage::{FileNote, RunState, StateDir};

/// A run that has ended, with what it wrote.
#[derive(Debug)]
pub struct Finished {
    /// Numbers.
    pub report: RunReport,
    /// Errors with examples.
    pub errors: ErrorsReport,
    /// The run folder.
    pub folder: PathBuf,
    /// Why the load stopped itself; None when it did not.
    pub stopped: Option<String>,
    /// What a run would do; None when it was one.
    pub plan: Option<PlanReport>,
}

impl Staged {
    /// Writes the report and closes the run folder, also after an error.
    ///
    /// # Errors
    /// The error of the run itself, or of writing the report.
    pub(super) fn close(
        &self,
        context: &Context,
        selection: &Selection,
        until: Until,
        outcome: Result<Option<Delivered>, RunError>,
        target: Option<&Target>,
    ) -> Result<Finished, RunError> {
        let delivered = match outcome {
            Ok(delivered) => delivered,
            Err(error) => {
                let state = match *context.cancel.borrow() {
                    true => RunState::Interrupted,
                    false => RunState::Failed,
                };
                self.folder.finish(self.state_after(state), Utc::now())?;
                return Err(error);
            }
        };
        let mut tally = Tally::default();
        self.count_rows(&mut tally);
        let mut results = Vec::new();
        let (mut interrupted, mut stopped, mut twice) = (*context.cancel.borrow(), None, 0);
        let (mut notes, mut probe, mut zone) = (Vec::new(), None, None);
        if let Some(delivered) = delivered {
            tally.merge(delivered.tally);
            interrupted |= delivered.interrupted;
            stopped = delivered.stopped;
            twice = delivered.settled_twice;
            results = delivered.results;
            notes = delivered.notes;
            zone = delivered.zone;
            probe = delivered.probe.map(Probe::report);
        }
        if until == Until::Transformed {
            self.count_objects(&mut tally);
        }
        let head = RunHead {
            notes,
            probe,
            zone,
            ..self.head(context, selection, until, interrupted, target)
        };
        let errors = ErrorsReport::new(&head, &tally);
        let mut report = RunReport::new(head, &tally);
        if twice > 0 {
            report
                .mismatches
                .push(format!("{twice} objects were settled twice"));
        }
        report.exit_code = match until {
            Until::Planned | Until::Transformed | Until::Extracted
                if !interrupted && report.mismatches.is_empty() =>
            {
                0
            }
            _ => report::exit_code(&report, context.pipeline.fail_on),
        };
        report::write(self.out(), &report, &errors)?;
        let plan = (until == Until::Planned).then(|| self.plan(context, &report));
        if let Some(plan) = &plan {
            report::write_plan(self.out(), plan)?;
        }
        let state = match report.exit_code {
            3 => RunState::Interrupted,
            _ if report.total.errors > 0 => RunState::DoneWithErrors,
            _ => RunState::Done,
        };
        // The report stands; what follows is housekeeping and must not hide it.
        let housekeeping = self
            .note_results(results, until)
            .and_then(|()| Ok(self.folder.finish(self.state_after(state), Utc::now())?))
            .and_then(|()| self.prune(context));
        if let Err(error) = housekeeping {
            tracing::warn!(%error, "the run folder could not be closed as it should");
        }
        let (exit, sent) = (report.exit_code, report.total.sent);
        tracing::info!(
            exit,
            sent,
            errors = report.total.errors,
            "the run has ended"
        );
        Ok(Finished {
            report,
            errors,
            folder: self.folder.path().to_owned(),
            stopped,
            plan,
        })
    }

    /// Rows of the source: read = staged + unreadable.
    fn count_rows(&self, tally: &mut Tally) {
        for table in self.folder.manifest().tables {
            let row = tally.table(&table.name);
            row.read = table.read;
            row.staged = table.staged;
            row.unreadable = table.reasons;
        }
    }

    /// The plan, with the time that earlier runs against this target make likely.
    fn plan(&self, context: &Context, report: &RunReport) -> PlanReport {
        let mut rates = Rates::default();
        let fingerprint = report.target.fingerprint.as_deref().unwrap_or_default();
        let state = StateDir::new(&context.pipeline.state_dir, &context.pipeline.name);
        let ids = state.ids().unwrap_or_default();
        for folder in ids.iter().rev().map(|id| state.runs().join(id.as_str())) {
            // What cannot be read (a run that was killed, an older format) tells nothing.
            if let Ok(earlier) = report::read_tallies(&folder) {
                rates.learn(&earlier, fingerprint);
            }
        }
        let at_once = context.pipeline.load.concurrency_start as u64;
        PlanReport::new(report, &rates, at_once)
    }

    fn note_results(&self, results: Vec<FileNote>, until: Until) -> Result<(), RunError> {
        if until == Until::Loaded {
            for note in results {
                self.folder.note_results(note)?;
            }
        }
        Ok(())
    }

    fn head(
        &self,
        context: &Context,
        selection: &Selection,
        until: Until,
        interrupted: bool,
        target: Option<&Target>,
    ) -> RunHead {
        let pipeline = &context.pipeline;
        let folder = self.folder.path();
        let mut paths = BTreeMap::from([
            ("run folder".to_owned(), folder.to_owned()),
            ("tallies".to_owned(), self.out().join("tallies.json")),
            ("errors".to_owned(), self.out().join("errors.json")),
            ("log".to_owned(), self.folder.log()),
        ]);
        if until != Until::Extracted {
            paths.insert("objects".to_owned(), folder.join("objects"));
        }
        if matches!(until, Until::Loaded | Until::Planned) {
            paths.insert("results".to_owned(), self.out().join("results"));
        }
        let manifest = self.folder.manifest();
        if manifest.tables.iter().any(|t| t.unreadable > 0) {
            paths.insert("unreadable rows".to_owned(), self.folder.rejects());
        }
        RunHead {
            run: self.id(),
            command: match context.options.verb {
                Some(verb) => verb.to_owned(),
                None => until.verb(&context.options.start).to_owned(),
            },
            configuration: pipeline.name.clone(),
            target: TargetReport {
                kind: pipeline.target.as_str().to_owned(),
                name: manifest
                    .target
                    .url
                    .unwrap_or_else(|| "embedded sandbox".to_owned()),
                fingerprint: match target {
                    Some(target) => Some(target.fingerprint.clone()),
                    None => super::zone::known_as(pipeline),
                },
                school_year: Some(self.school_year),
            },
            sandbox: manifest.target.sandbox,
            dry_run: until != Until::Loaded,
            started: context.now,
            ended: Utc::now(),
            state: match interrupted {
                true => report::RunState::Interrupted,
                false => report::RunState::Finished,
            },
            fail_on: pipeline.fail_on,
            scope: (until != Until::Extracted).then(|| self.scope_report(selection)),
            unmatched: self.unmatched(context.options.selective.as_ref(), selection),
            order: selection
                .resources
                .iter()
                .map(|p| p.resource.name.clone())
                .collect(),
            paths,
            probe: None,
            zone: None,
            notes: Vec::new(),
        }
    }
}

impl Until {
    /// The verb that goes this far.
    pub(super) fn verb(self, start: &Start) -> &'static str {
        match self {
            Self::Loaded if matches!(start, Start::Objects(_)) => "load",
            Self::Extracted => "extract",
            Self::Transformed => "transform",
            Self::Planned => "plan",
            Self::Loaded => "run",
        }
    }
}
