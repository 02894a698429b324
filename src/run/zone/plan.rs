//! What a sync would find to give and to tell; the zone is not spoken to.
//!
//! Reads: staged objects, the ledger, hand-over points. Writes: results of the plan. Never: reaches
//! the zone, or moves a hand-over point.

use super::{expected, fingerprint, folder, settings};
use crate::ledger::Ledger;
use crate::pipeline::Pipeline;
use crate::report::{ScopeLine, Tally, ZoneReport};
use crate::run::deliver::Delivered;
use crate::run::{RunError, Selection, Staged};
use crate::sif::{Demand, Handovers, Shelf, Shelved, SyncError};

/// Per object what is ready and what is held back, the events that agents with a hand-over point are
/// due, and what was never requested.
pub(in crate::run) fn plan(
    pipeline: &Pipeline,
    selection: &Selection,
    staged: &Staged,
) -> Result<Delivered, RunError> {
    let sif = settings(pipeline)?;
    let known_as = fingerprint(pipeline, sif);
    let ledger = Ledger::open(&Ledger::folder(
        &staged.ledgers(),
        &known_as,
        staged.school_year,
    ))?;
    let handovers = Handovers::new(&folder(pipeline, sif));
    let points = handovers.all().map_err(SyncError::from)?;
    let missing = expected(sif, selection, |agent, object| {
        points
            .iter()
            .any(|p| p.agent == agent && p.object == object)
    });
    let (mut tally, mut results) = (Tally::default(), Vec::new());
    let mut zone = ZoneReport::default();
    for p in &selection.resources {
        let name = &p.resource.name;
        let known = ledger.snapshot(name)?;
        let demand = match missing.iter().any(|m| m.object == *name) {
            true => Demand::Missing,
            false => Demand::None,
        };
        let settled = tokio::task::block_in_place(|| {
            let shelf = Shelf::open(name, &staged.objects(name), &p.meta, Some(&known))?;
            let shelved = Shelved::new(shelf);
            zone.events.extend(shelved.foresee(&handovers)?);
            zone.scope.push(scope(&shelved.shelf));
            shelved.settle(&staged.results(name), demand, None)
        });
        let (counted, file) = settled?;
        results.push(file.note(name));
        let resource = tally.resource(name);
        resource.transformed += staged.transformed(name);
        resource.merge(counted);
    }
    zone.not_requested = missing;
    Ok(Delivered {
        tally,
        stopped: None,
        interrupted: false,
        settled_twice: 0,
        results,
        zone: Some(zone),
        notes: Vec::new(),
        probe: None,
    })
}

/// The rows of a shelf by whether they may be given.
fn scope(shelf: &Shelf) -> ScopeLine {
    let rows = shelf.objects.rows();
    let mut line = ScopeLine {
        object: shelf.name.clone(),
        in_scope: rows,
        ..ScopeLine::default()
    };
    for row in 0..rows {
        match (shelf.is_fit(row), shelf.is_rejected(row)) {
            (true, _) => line.ready += 1,
            (false, true) => line.rejected += 1,
            (false, false) => line.left_out += 1,
        }
    }
    line
}
