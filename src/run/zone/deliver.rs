//! A sync: the staged objects are laid out, the zone's requests are answered, and every object is
//! accounted for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::{Link, fingerprint, folder, settings};
use crate::errors::Archive;
use crate::ledger::Ledger;
use crate::progress::Progress;
use crate::report::{EventsLine, LISTED, Missing, RequestLine, Tally, ZoneReport};
use crate::run::deliver::Delivered;
use crate::run::{Context, RunError, Selection, Staged};
use crate::sif::{
    Answered, Demand, Desk, End, EventSettings, Shelf, Stay, SyncError, Told, ZoneError, pull, push,
};

impl Link {
    /// Answers requests until nothing is left to be answered.
    ///
    /// # Errors
    /// Objects or journals cannot be read or written. A zone that is lost meanwhile is no error:
    /// what is left is pending.
    pub(in crate::run) async fn deliver(
        &self,
        context: &Context,
        selection: &Selection,
        staged: &Staged,
        progress: &Arc<dyn Progress>,
    ) -> Result<Delivered, RunError> {
        let pipeline = &context.pipeline;
        let sif = settings(pipeline)?;
        self.agent.zone.log().of_run(&staged.id());
        let known_as = fingerprint(pipeline, sif);
        let ledgers = Ledger::folder(&staged.ledgers(), &known_as, staged.school_year);
        let ledger = Ledger::open(&ledgers)?;
        ledger.compact_when_worth(Utc::now().timestamp_micros())?;
        let mut shelves = Vec::new();
        for p in &selection.resources {
            let name = &p.resource.name;
            let known = ledger.snapshot(name)?;
            let shelf = tokio::task::block_in_place(|| {
                Shelf::open(name, &staged.objects(name), &p.meta, Some(&known))
            });
            shelves.push(shelf.map_err(SyncError::from)?);
        }
        let folder = folder(pipeline, sif);
        crate::files::create_dir(&folder)?;
        let desk = Arc::new(Desk::new(
            self.agent.clone(),
            shelves,
            &folder,
            &staged.id(),
            Arc::clone(progress),
        ));
        let names: Vec<&str> = selection
            .resources
            .iter()
            .map(|p| p.resource.name.as_str())
            .collect();
        let staying = context.options.staying;
        let stay = Stay {
            poll_every: sif.zone.poll_every,
            idle_polls: (!staying.serve).then(|| staying.idle_polls.unwrap_or(sif.zone.idle_polls)),
            until: staying.refresh.map(|time| Instant::now() + time),
            parallel: sif.zone.parallel,
            expected: match staying.serve {
                true => BTreeSet::new(),
                false => {
                    let expected = sif.zone.expected(&names).into_iter();
                    expected
                        .map(|(agent, object)| (agent, object.to_owned()))
                        .collect()
                }
            },
            given: given(&desk)?,
            acknowledge_after: sif.zone.acknowledge_after,
        };
        let began = Instant::now();
        let order: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let settings = EventSettings {
            parallel: sif.zone.parallel,
            bundle: sif.zone.bundle,
            may: self.publishes.clone(),
        };
        // What agents were given before is brought up to date first, then whoever asks is answered.
        let (mut told, sent) = desk.events(&order, &settings).await;
        let served = match sent {
            Ok(()) if !staying.events => match &sif.zone.push {
                Some(at) => push(&desk, &stay, at.listen).await,
                None => pull(&desk, &stay).await,
            },
            other => other,
        };
        told.retain(|told| {
            told != &Told {
                object: told.object.clone(),
                agents: told.agents.clone(),
                ..Told::default()
            }
        });
        let took = began.elapsed();
        let mut stopped = match served {
            Ok(()) | Err(SyncError::Zone(ZoneError::Stopped)) => None,
            Err(SyncError::Zone(error)) => Some(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        let missing = match staying.events {
            true => Vec::new(),
            false => stay.missing(&desk),
        };
        let cut = *context.cancel.borrow();
        if !missing.is_empty() && stopped.is_none() && !cut {
            stopped = Some(not_requested(&missing));
        }
        let mut delivered = self.account(selection, staged, &desk, &missing, &ledger)?;
        if let Err(error) = Archive::settle(&ledgers, &ledger) {
            tracing::warn!(%error, "archived errors could not be compared with the ledger");
        }
        delivered.interrupted = stopped.is_some() || cut;
        delivered.stopped = stopped;
        let messages = self.agent.zone.meter.sums().requests;
        delivered.zone = Some(messages_of(&desk, told, &missing, messages, took));
        Ok(delivered)
    }

    fn account(
        &self,
        selection: &Selection,
        staged: &Staged,
        desk: &Desk,
        missing: &[(String, String)],
        ledger: &Ledger,
    ) -> Result<Delivered, RunError> {
        let mut journal = ledger.journal(&staged.id(), Utc::now().timestamp_micros())?;
        let (mut tally, mut results) = (Tally::default(), Vec::new());
        let answered = desk.answered();
        for p in &selection.resources {
            let name = &p.resource.name;
            let Some(shelved) = desk.shelves.get(name) else {
                continue;
            };
            let demand = match (
                answered
                    .iter()
                    .any(|a| a.object == *name && a.end != End::Declined),
                missing.iter().any(|(_, object)| object == name),
            ) {
                (true, _) => Demand::Asked,
                (false, true) => Demand::Missing,
                (false, false) => Demand::None,
            };
            let (counted, file) = tokio::task::block_in_place(|| {
                shelved.settle(&staged.results(name), demand, Some(&mut journal))
            })?;
            results.push(file.note(name));
            let resource = tally.resource(name);
            resource.transformed += staged.transformed(name);
            resource.merge(counted);
        }
        journal.close()?;
        Ok(Delivered {
            tally,
            stopped: None,
            interrupted: false,
            settled_twice: 0,
            results,
            zone: None,
            notes: Vec::new(),
            probe: None,
        })
    }
}

/// Agents and objects with a hand-over point.
fn given(desk: &Desk) -> Result<BTreeSet<(String, String)>, RunError> {
    let points = desk.handovers().all().map_err(SyncError::from)?;
    Ok(points
        .into_iter()
        .map(|point| (point.agent, point.object))
        .collect())
}

fn not_requested(missing: &[(String, String)]) -> String {
    let each: Vec<String> = missing
        .iter()
        .map(|(agent, object)| format!("{object} by {agent}"))
        .collect();
    format!(
        "expected under [sif.expect] and never requested, or only in a way that cannot be answered: \
         {}; have the agent request them (its own \"sync\" or \"request data\"), and run again",
        each.join(", ")
    )
}

/// The run as its messages.
fn messages_of(
    desk: &Desk,
    told: Vec<Told>,
    missing: &[(String, String)],
    messages: u64,
    took: Duration,
) -> ZoneReport {
    let answered = desk.answered();
    let sum = |of: fn(&Answered) -> u64| answered.iter().map(of).sum::<u64>();
    let objects = sum(|a| a.delivered);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    ZoneReport {
        messages,
        answered: answered.len() as u64,
        packets: sum(|a| a.packets),
        objects,
        bytes: sum(|a| a.bytes),
        objects_per_second: objects.saturating_mul(1000) / millis,
        scope: Vec::new(),
        requests: answered.iter().take(LISTED).map(request).collect(),
        events: told.into_iter().take(LISTED).map(events).collect(),
        not_requested: missing
            .iter()
            .map(|(agent, object)| Missing {
                agent: agent.clone(),
                object: object.clone(),
            })
            .collect(),
    }
}

fn request(a: &Answered) -> RequestLine {
    let end = match (&a.ended, a.undelivered()) {
        (Some(why), _) => why.clone(),
        (None, 0) => "complete".to_owned(),
        (None, left) => format!("{left} undelivered"),
    };
    RequestLine {
        msg_id: a.msg_id.clone(),
        agent: a.agent.clone(),
        object: a.object.clone(),
        packets: a.packets,
        objects: a.delivered,
        wanted: a.wanted,
        too_large: a.too_large,
        bytes: a.bytes,
        end,
    }
}

fn events(told: Told) -> EventsLine {
    let [add, change, delete] = told.acked;
    EventsLine {
        object: told.object,
        agents: told.agents,
        add,
        change,
        delete,
        refused: told.refused,
        to_send: told.pending,
    }
}
