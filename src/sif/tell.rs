//! Events on their way: made from a difference, put into messages, several in flight.

use std::sync::{Arc, PoisonError};

use chrono::Utc;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::changes::{Action, Changed, changes, rows};
use super::code::SifError;
use super::desk::Desk;
use super::difference::Difference;
use super::events::{EventSettings, Told, Way};
use super::fates::Fate;
use super::log::Note;
use super::message::{Header, Messages};
use super::session::SyncError;
use super::shelf::{Shelf, ShelfError, Wanted};
use super::shelved::{Gone, Shelved};
use super::transition::{Acked, Move};
use super::zone::{Outgoing, ZoneError};
use crate::object::{DeleteOutcome, Outcome};
use crate::xml::{Version, escape_attribute};

/// Bundles that are ready and wait.
const READY: usize = 16;

impl Desk {
    pub(super) async fn send_all(
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
        let messages = Messages::new(version, &self.agent.profile.source_id)
            .within(&self.agent.profile.contexts);
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
    ) -> Vec<(Changed, Result<Result<(), SifError>, ZoneError>)> {
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
fn enter(told: &mut Told, shelved: Option<&Shelved>, event: &Changed, refused: Option<&SifError>) {
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
