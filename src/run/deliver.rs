//! From staged objects to acknowledged ones: what is due, and the load.

use std::sync::Arc;

use super::connect::Target;
use super::probe::Probe;
use super::stations::Stations;
use super::{Context, Only, RunError, Selection, Staged};
use crate::ledger::{Due, DueOptions, Journal, Ledger, due as decide};
use crate::load::{Claims, Load, Parents};
use crate::lock::Held;
use crate::pipeline::{Mode, TargetKind};
use crate::progress::Progress;
use crate::report::{Tally, ZoneReport};
use crate::stage::FileNote;

/// What delivering came to.
#[derive(Debug)]
pub(super) struct Delivered {
    /// Outcomes and traffic of every resource.
    pub(super) tally: Tally,
    /// Why the load stopped itself; None when it did not.
    pub(super) stopped: Option<String>,
    /// Whether it was cut short, from inside or outside.
    pub(super) interrupted: bool,
    /// Rows that were entered twice: a fault of this program.
    pub(super) settled_twice: u64,
    /// The results files.
    pub(super) results: Vec<FileNote>,
    /// The messages of a run to a SIF zone.
    pub(super) zone: Option<ZoneReport>,
    /// What was found out about the target before the load.
    pub(super) notes: Vec<String>,
    /// What the target was asked before the load.
    pub(super) probe: Option<Probe>,
}

/// What sending needs and a plan does not.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    /// The run's journal.
    pub(super) journal: Journal,
    /// The run's lock.
    pub(super) held: &'a Held,
    /// The ledger that the journal belongs to.
    pub(super) ledger: &'a Ledger,
}

/// Decides every row of every resource.
pub(super) fn due(
    context: &Context,
    only: &Only,
    selection: &Selection,
    staged: &Staged,
    ledger: &Ledger,
) -> Result<Vec<Due>, RunError> {
    let mut all = Vec::new();
    for p in &selection.resources {
        let name = &p.resource.name;
        // What the target owns is looked up anew each time.
        let resend = context.resends() || p.resource.mode == Mode::Verify;
        // Nor is it narrowed: a record that is not looked up would hold back what refers to it.
        let select = match p.resource.mode {
            Mode::Verify => None,
            Mode::Post => only.select(staged.state(), name)?,
        };
        let options = DueOptions {
            resend,
            // A run that is narrowed to some objects takes none for gone.
            complete: only.is_everything(),
            select: select.as_ref(),
        };
        let snapshot = ledger.snapshot(name)?;
        let due = decide(&staged.objects(name), Some(&snapshot), options)?;
        all.push(due);
    }
    Ok(all)
}

/// Sends what is due; without the means to send only finds out what would be sent.
pub(super) async fn load(
    context: &Context,
    selection: &Selection,
    staged: &Staged,
    target: &Target,
    sending: Option<Sending<'_>>,
    stations: Stations,
    progress: &Arc<dyn Progress>,
) -> Result<Delivered, RunError> {
    let ledger = sending.as_ref().map(|sending| sending.ledger);
    let about = (staged.school_year, staged.unclean);
    let delivery = target.delivery(context, selection, &stations.of, about, ledger);
    let delivery = delivery.await?;
    let mut settings = context.pipeline.load.clone();
    if let Some(most) = delivery.at_once {
        settings.concurrency_max = settings.concurrency_max.min(most.max(1));
        settings.concurrency_start = settings.concurrency_start.min(settings.concurrency_max);
    }
    let objects = sending
        .as_ref()
        .and_then(|s| Some((s.held.objects()?, s.ledger)));
    let cancel = match &sending {
        Some(sending) => sending.held.cancel(&context.cancel),
        None => context.cancel.clone(),
    };
    let load = Load {
        run: staged.id(),
        resources: stations.resources,
        standard: Arc::clone(&selection.standard),
        target: delivery.rules,
        http: delivery.http,
        token: delivery.token,
        settings,
        parents: match context.pipeline.target {
            _ if context.options.unchecked => Parents::Unchecked,
            TargetKind::Dis => Parents::Accepted,
            _ => Parents::AtTarget,
        },
        journal: sending.map(|s| s.journal),
        claims: objects.map(|(objects, ledger)| Claims {
            objects,
            ledger: ledger.clone(),
        }),
        progress: Arc::clone(progress),
        cancel,
    };
    let loaded = load.run().await?;
    let mut tally = Tally::default();
    let (mut settled_twice, mut results) = (0, Vec::new());
    for book in loaded.books {
        settled_twice += book.settled_twice;
        results.extend(book.file().map(|file| file.note(book.name())));
        let resource = tally.resource(book.name());
        if !book.deletes() {
            resource.transformed += staged.transformed(book.name());
        }
        resource.merge(book.tally);
    }
    Ok(Delivered {
        tally,
        stopped: loaded.stopped,
        interrupted: loaded.interrupted,
        settled_twice,
        results,
        zone: None,
        notes: stations.notes,
        probe: None,
    })
}
