//! Sends an event for every object that has changed since agents were given theirs.
//!
//! All Adds and Changes go first, prerequisites before what refers to them; Deletes the other way
//! round. Within one object and action they have nothing to do with each other, and several are in
//! flight.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use chrono::Utc;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::changes::{Action, Changed, changes, rows};
use super::desk::{Desk, Gone, Shelved, same_file};
use super::difference::{Difference, compare};
use super::fates::Fate;
use super::handover::Handover;
use super::log::Note;
use super::message::{Header, Messages};
use super::query::Query;
use super::session::SyncError;
use super::shelf::{Shelf, ShelfError, Wanted};
use super::transition::{Acked, Move, Transition};
use super::zone::{Outgoing, ZoneError};
use crate::object::{DeleteOutcome, Outcome, Reason};
use crate::xml::{Version, escape_attribute};

/// Bundles that are ready and wait.
const READY: usize = 16;

/// How events are sent.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// Messages in flight.
    pub parallel: usize,
    /// Most events of one message.
    pub bundle: usize,
    /// Objects that may be published.
    pub may: BTreeSet<String>,
    /// Only count them.
    pub dry_run: bool,
}

/// What agents were told of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// ObjectName.
    pub object: String,
    /// The agents whose hand-over point it is about.
    pub agents: Vec<String>,
    /// Events acknowledged: Add, Change, Delete.
    pub acked: [u64; 3],
    /// Events refused for good; they are due again with the next change of their object.
    pub refused: u64,
    /// Events that are still to be sent.
    pub pending: u64,
}

/// One object on its way.
struct Way {
    transition: Transition,
    old: Arc<Shelf>,
    new: Arc<Shelf>,
    wanted: (Arc<Wanted>, Arc<Wanted>),
    difference: Difference,
    /// The rows of this run, where the way leads to them.
    shelved: Option<Arc<Shelved>>,
    told: Told,
}

impl Desk {
    /// Brings all hand-over points to the objects of this run. `order`: objects, prerequisites
    /// first.
    /// Gives what was told, and why it ended early: what was acknowledged is noted, the rest is sent
    /// by the next run.
    pub async fn events(
        &self,
        order: &[String],
        settings: &EventSettings,
    ) -> (Vec<Told>, Result<(), SyncError>) {
        let mut told = Vec::new();
        let result = self.all_events(order, settings, &mut told).await;
        (told, result)
    }

    async fn all_events(
        &self,
        order: &[String],
        settings: &EventSettings,
        told: &mut Vec<Told>,
    ) -> Result<(), SyncError> {
        if !settings.dry_run {
            // What an earlier process has begun comes first: points move one step at a time.
            let mut left = Transition::all(&self.folder)?;
            left.retain(|way| self.shelves.contains_key(&way.about.object));
            let place = |object: &str| order.iter().position(|o| o == object);
            left.sort_by_key(|way| place(&way.about.object));
            self.go(left, settings, told).await?;
        }
        let mut ways = Vec::new();
        for object in order.iter().filter(|object| settings.may.contains(*object)) {
            ways.extend(self.begin(object, settings.dry_run, told)?);
        }
        self.go(ways, settings, told).await
    }

    /// The ways that an object is to go: one for all agents that stand at the same point.
    fn begin(
        &self,
        object: &str,
        dry_run: bool,
        told: &mut Vec<Told>,
    ) -> Result<Vec<Transition>, SyncError> {
        let Some(shelved) = self.shelves.get(object) else {
            return Ok(Vec::new());
        };
        let handovers = self.handovers();
        let points = handovers
            .all()?
            .into_iter()
            .filter(|point| point.object == object);
        let mut groups: Vec<Vec<Handover>> = Vec::new();
        for point in points {
            let equal = |group: &&mut Vec<Handover>| {
                group.first().is_some_and(|first| {
                    first.except == point.except
                        && first.version == point.version
                        && same_file(&handovers.objects(first), &handovers.objects(&point))
                })
            };
            match groups.iter_mut().find(equal) {
                Some(group) => group.push(point),
                None => groups.push(vec![point]),
            }
        }
        let directed = groups.len() > 1;
        let mut ways = Vec::new();
        for group in groups {
            let Some(first) = group.first() else { continue };
            let from = handovers.objects(first);
            let about = Move {
                id: format!("{:032x}", fastrand::u128(..)),
                object: object.to_owned(),
                agents: group.iter().map(|point| point.agent.clone()).collect(),
                directed,
                version: first.version.clone(),
                except: first.except.clone(),
                run: self.run.clone(),
            };
            if dry_run {
                let old = Shelf::open(object, &from, &shelved.shelf.meta)?;
                let mut fates = shelved.fates();
                let found = compare(&old, &shelved.shelf, &about.except, |row| fates.same(row))?;
                told.push(Told {
                    object: object.to_owned(),
                    agents: about.agents,
                    pending: found.events(),
                    ..Told::default()
                });
                continue;
            }
            ways.push(Transition::create(
                &self.folder,
                about,
                &from,
                &shelved.shelf.path,
            )?);
        }
        Ok(ways)
    }

    /// Goes these ways to their ends.
    async fn go(
        &self,
        ways: Vec<Transition>,
        settings: &EventSettings,
        told: &mut Vec<Told>,
    ) -> Result<(), SyncError> {
        let mut open = Vec::new();
        for transition in ways {
            open.push(tokio::task::block_in_place(|| self.open_way(transition))?);
        }
        let mut result = Ok(());
        for way in &mut open {
            if result.is_ok() {
                result = self.send_all(way, false, settings).await;
            }
        }
        for way in open.iter_mut().rev() {
            if result.is_ok() {
                result = self.send_all(way, true, settings).await;
            }
        }
        for way in open {
            told.push(self.arrive(way, result.is_ok())?);
        }
        result
    }

    fn open_way(&self, transition: Transition) -> Result<Way, SyncError> {
        let object = &transition.about.object;
        let current = self.shelves.get(object).ok_or(SyncError::Task)?;
        let meta = &current.shelf.meta;
        let old = Shelf::open(object, &transition.from(), meta)?;
        let new = Shelf::open(object, &transition.to(), meta)?;
        let version = transition
            .about
            .version
            .parse()
            .unwrap_or(Version::new(2, 0));
        let all = Query {
            object: object.clone(),
            elements: Vec::new(),
            group: None,
        };
        let wanted = |shelf: &Shelf| {
            let wanted = shelf.wanted(&all, version);
            wanted
                .map(Arc::new)
                .map_err(|error| std::io::Error::other(error.description))
        };
        let both = (wanted(&old)?, wanted(&new)?);
        let shelved = same_file(&new.path, &current.shelf.path).then(|| Arc::clone(current));
        let difference = compare(&old, &new, &transition.about.except, |row| {
            if let Some(shelved) = &shelved {
                shelved.fates().same(row);
            }
        })?;
        let told = Told {
            object: object.clone(),
            agents: transition.about.agents.clone(),
            pending: difference.events(),
            ..Told::default()
        };
        Ok(Way {
            transition,
            old: Arc::new(old),
            new: Arc::new(new),
            wanted: both,
            difference,
            shelved,
            told,
        })
    }

    /// Moves the hand-over points, once everything was told; else they are where they were.
    fn arrive(&self, way: Way, arrived: bool) -> Result<Told, SyncError> {
        let Way {
            transition,
            difference,
            shelved,
            told,
            ..
        } = way;
        if !arrived {
            if let Some(shelved) = shelved {
                let fate = Fate {
                    outcome: Outcome::Pending,
                    reason: Reason::fixed("event_not_sent"),
                    detail: String::new(),
                };
                let mut fates = shelved.fates();
                let changed = difference.changes.iter().map(|(row, _)| *row);
                let rows = difference.adds.iter().copied().chain(changed);
                let open = rows.filter(|row| {
                    use super::fates::RowState::{Same, Untouched};
                    matches!(fates.of(*row), Untouched | Same)
                });
                let open: Vec<u64> = open.collect();
                fates.tell(open, &fate);
            }
            return Ok(told);
        }
        let handovers = self.handovers();
        for agent in &transition.about.agents {
            let Some(point) = handovers.of(agent, &transition.about.object)? else {
                continue;
            };
            let moved = Handover {
                run: transition.about.run.clone(),
                events: Some(Utc::now()),
                except: transition.exceptions(),
                ..point
            };
            handovers.set(moved, &transition.to())?;
        }
        transition.remove()?;
        Ok(told)
    }

    async fn send_all(
        &self,
        way: &mut Way,
        deletes: bool,
        settings: &EventSettings,
    ) -> Result<(), SyncError> {
        let version: Version = way
            .transition
            .about
            .version
            .parse()
            .unwrap_or(Version::new(2, 0));
        let bundle = match version >= Version::new(2, 6) {
            true => settings.bundle,
            false => 1,
        };
        let (events, made) = mpsc::channel(READY);
        let maker = {
            let (old, new) = (Arc::clone(&way.old), Arc::clone(&way.new));
            let wanted = (Arc::clone(&way.wanted.0), Arc::clone(&way.wanted.1));
            let difference = way.difference.clone();
            tokio::task::spawn_blocking(move || {
                let mut bundles = Bundles {
                    events,
                    size: bundle,
                    next: Vec::new(),
                };
                make(
                    (&old, &wanted.0),
                    (&new, &wanted.1),
                    &difference,
                    deletes,
                    &mut bundles,
                )?;
                bundles.flush();
                Ok::<_, ShelfError>(())
            })
        };
        let about = Arc::new(way.transition.about.clone());
        let messages = Messages::new(version, &self.agent.profile.source_id);
        let label = format!("events {}", about.object);
        self.progress.start(&label, None);
        let incoming = futures::stream::unfold(made, |mut made| async {
            let next = made.recv().await?;
            Some((next, made))
        });
        let mut result = Ok(());
        {
            // What is over already is known before anything is sent.
            let transition = &mut way.transition;
            let over: Arc<dyn Fn(&Changed) -> bool + Send + Sync> = {
                let ids = transition.ids_over();
                let about = Arc::clone(&about);
                Arc::new(move |e| ids.contains(&about.event_id(e.action, &e.ref_id)))
            };
            let sends = incoming.map(|batch: Vec<Changed>| {
                let (messages, about, over) =
                    (messages.clone(), Arc::clone(&about), Arc::clone(&over));
                async move { self.send_batch(&messages, &about, batch, &*over).await }
            });
            let mut done = std::pin::pin!(sends.buffer_unordered(settings.parallel.max(1)));
            while let Some(outcomes) = done.next().await {
                let (mut count, mut errors) = (0, 0);
                for (event, outcome) in outcomes {
                    match outcome {
                        Ok(seen) => {
                            let refused = seen
                                .as_ref()
                                .err()
                                .map(|e| format!("{}/{}", e.category, e.code));
                            let known = transition.is_over(event.action, &event.ref_id);
                            if !known && !event.xml.is_empty() {
                                transition.note(Acked {
                                    action: event.action,
                                    ref_id: event.ref_id.clone(),
                                    refused,
                                })?;
                            }
                            errors += u64::from(seen.is_err());
                            count += 1;
                            enter(
                                &mut way.told,
                                way.shelved.as_deref(),
                                &event,
                                seen.as_ref().err(),
                            );
                        }
                        Err(error) => result = Err(SyncError::Zone(error)),
                    }
                }
                self.progress.advance(&label, count, errors);
                if result.is_err() {
                    break;
                }
            }
        }
        self.progress.finish(&label, "");
        maker.await.map_err(|_| SyncError::Task)??;
        result
    }

    /// Sends some events in one message; when a bundle is refused, each alone.
    async fn send_batch(
        &self,
        messages: &Messages,
        about: &Move,
        batch: Vec<Changed>,
        over: &(dyn Fn(&Changed) -> bool + Send + Sync),
    ) -> Vec<(Changed, Result<Result<(), super::SifError>, ZoneError>)> {
        let (past, due): (Vec<Changed>, Vec<Changed>) =
            batch.into_iter().partition(|e| e.xml.is_empty() || over(e));
        let mut outcomes: Vec<_> = past.into_iter().map(|e| (e, Ok(Ok(())))).collect();
        if due.len() > 1 {
            match self.send_events(messages, about, &due).await {
                Ok(()) => {
                    outcomes.extend(due.into_iter().map(|e| (e, Ok(Ok(())))));
                    return outcomes;
                }
                Err(ZoneError::Refused { .. }) => {}
                Err(error) => {
                    let first = due.into_iter().next();
                    outcomes.extend(first.map(|e| (e, Err(error))));
                    return outcomes;
                }
            }
        }
        for event in due {
            let outcome = match self
                .send_events(messages, about, std::slice::from_ref(&event))
                .await
            {
                Ok(()) => Ok(Ok(())),
                Err(ZoneError::Refused { error, .. }) => Ok(Err(error)),
                Err(error) => Err(error),
            };
            let stop = outcome.is_err();
            outcomes.push((event, outcome));
            if stop {
                break;
            }
        }
        outcomes
    }

    async fn send_events(
        &self,
        messages: &Messages,
        about: &Move,
        events: &[Changed],
    ) -> Result<(), ZoneError> {
        if self.agent.zone.stopped() {
            return Err(ZoneError::Stopped);
        }
        let to = about
            .agents
            .first()
            .filter(|_| about.directed)
            .map(String::as_str);
        let header = |event: &Changed| Header {
            msg_id: format!("{:032X}", about.event_id(event.action, &event.ref_id)),
            ..Header::new(Utc::now(), to)
        };
        let (kind, head, bytes) = match events {
            [event] => {
                let head = header(event);
                let bytes =
                    messages.message("SIF_Event", &head, |out| data(&about.object, event, out));
                ("SIF_Event", head, bytes)
            }
            _ => {
                let head = Header::new(Utc::now(), to);
                let bytes = messages.message("SIF_BundledEvents", &head, |out| {
                    out.extend_from_slice(b"<SIF_Events>");
                    for event in events {
                        out.extend_from_slice(b"<SIF_Event>");
                        messages.header(&header(event), out);
                        data(&about.object, event, out);
                        out.extend_from_slice(b"</SIF_Event>");
                    }
                    out.extend_from_slice(b"</SIF_Events>");
                });
                ("SIF_BundledEvents", head, bytes)
            }
        };
        let message = Outgoing {
            kind,
            msg_id: &head.msg_id,
            bytes: bytes.into(),
            about: Note {
                objects: Some(events.len() as u64),
                ..Note::about(to.unwrap_or_default(), &about.object)
            },
            unsure: false,
        };
        self.agent.zone.send(message).await.map(|_| ())
    }
}

/// SIF_ObjectData of an event.
fn data(object: &str, event: &Changed, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<SIF_ObjectData><SIF_EventObject ObjectName=\"");
    escape_attribute(object, out);
    out.extend_from_slice(b"\" Action=\"");
    out.extend_from_slice(event.action.as_str().as_bytes());
    out.extend_from_slice(b"\">");
    out.extend_from_slice(&event.xml);
    out.extend_from_slice(b"</SIF_EventObject></SIF_ObjectData>");
}

/// Enters what became of an event.
fn enter(
    told: &mut Told,
    shelved: Option<&Shelved>,
    event: &Changed,
    refused: Option<&super::SifError>,
) {
    told.pending = told.pending.saturating_sub(1);
    match refused {
        Some(_) => told.refused += 1,
        None if event.xml.is_empty() => {}
        None => {
            if let Some(count) = told.acked.get_mut(event.action as usize) {
                *count += 1;
            }
        }
    }
    let Some(shelved) = shelved else { return };
    let fate = refused.map(|error| Fate {
        outcome: Outcome::Failed,
        reason: error.reason(),
        detail: error.description.clone(),
    });
    if event.action == Action::Delete {
        let gone = Gone {
            ref_id: event.ref_id.clone(),
            outcome: match refused {
                Some(_) => DeleteOutcome::Failed,
                None => DeleteOutcome::Deleted,
            },
            reason: fate.map(|fate| fate.reason),
        };
        shelved
            .gone
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(gone);
        return;
    }
    let Some(row) = event.row else { return };
    let mut fates = shelved.fates();
    match (fate, event.action) {
        (Some(fate), _) => fates.tell([row], &fate),
        (None, _) if event.xml.is_empty() => fates.same(row),
        (None, Action::Add) => fates.delivered([row]),
        (None, _) => fates.changed(row),
    }
}

/// Makes the events of one half of a difference.
fn make(
    old: (&Shelf, &Wanted),
    new: (&Shelf, &Wanted),
    difference: &Difference,
    deletes: bool,
    bundles: &mut Bundles,
) -> Result<(), ShelfError> {
    if !deletes {
        rows(new.0, new.1, Action::Add, &difference.adds, &mut |e| {
            bundles.push(e)
        })?;
        return changes(old, new, &difference.changes, &mut |e| bundles.push(e));
    }
    rows(
        old.0,
        old.1,
        Action::Delete,
        &difference.deletes,
        &mut |e| bundles.push(e),
    )?;
    for ref_id in &difference.gone {
        let mut xml = format!("<{} RefId=\"", old.0.name).into_bytes();
        escape_attribute(ref_id, &mut xml);
        xml.extend_from_slice(b"\"/>");
        let again = Changed {
            action: Action::Delete,
            ref_id: ref_id.clone(),
            row: None,
            xml,
        };
        if !bundles.push(again) {
            break;
        }
    }
    Ok(())
}

/// Puts events together, as many as one message may have.
struct Bundles {
    events: mpsc::Sender<Vec<Changed>>,
    size: usize,
    next: Vec<Changed>,
}

impl Bundles {
    fn push(&mut self, event: Changed) -> bool {
        self.next.push(event);
        self.next.len() < self.size || self.flush()
    }

    fn flush(&mut self) -> bool {
        let next = std::mem::take(&mut self.next);
        next.is_empty() || self.events.blocking_send(next).is_ok()
    }
}
