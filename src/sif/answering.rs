//! Sends the answer to one request: packet by packet, each acknowledged before the next goes out,
//! while the following ones are being made.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc;

use super::answer::{Packet, Part, make};
use super::code::SifError;
use super::desk::{Desk, Job};
use super::handover::{Exceptions, Handover};
use super::journal::{Asked, Journal, Line};
use super::log::Note;
use super::recall::{adopt, count, recall, too_large_fate};
use super::session::SyncError;
use super::shelved::{Answered, End, Shelved};
use super::zone::ZoneError;
use crate::report::Traffic;

/// Packets that are ready and wait for the one in flight.
const READY: usize = 2;

/// Why an answer goes no further.
pub(super) enum Stop {
    /// The zone refuses its packets.
    Refused(SifError),
    /// The agent no longer wants it.
    Cancelled { notify: bool },
    /// The zone cannot be reached, or the run is told to stop: it is carried on later.
    Later(ZoneError),
}

/// A packet that was acknowledged.
struct Sent {
    number: u64,
    status: u8,
    objects: u64,
    bytes: u64,
}

pub(super) struct Answering<'a> {
    pub(super) desk: &'a Arc<Desk>,
    pub(super) label: &'a str,
}

impl Answering<'_> {
    pub(super) async fn run(&self, job: Job, acknowledge: bool) -> Result<(), SyncError> {
        let Job {
            mut journal,
            far,
            shelved,
            wanted,
            packer,
            mut cancel,
        } = job;
        let wanted = Arc::new(wanted);
        let asked = journal.asked.clone();
        let mut answered = Answered {
            msg_id: asked.msg_id.clone(),
            agent: asked.agent.clone(),
            object: asked.request.query.object.clone(),
            wanted: 0,
            delivered: far.objects,
            too_large: far.too_large.len() as u64,
            packets: far.packets,
            bytes: far.bytes,
            ended: None,
            end: End::Complete,
        };
        let mut too_large = far.too_large.clone();
        let buffer = asked.request.max_buffer;
        recall(&shelved, &wanted, &far.too_large, far.row, buffer).await?;
        let mut stop = far
            .ended
            .as_ref()
            .map(|why| Stop::Refused(SifError::new((0, 0), why.clone())));
        if !far.complete && stop.is_none() {
            let (parts, mut made) = mpsc::channel(READY);
            let (shelf, query, row) = (Arc::clone(&shelved), Arc::clone(&wanted), far.row);
            let maker = tokio::task::spawn_blocking(move || {
                make(&shelf.shelf, &query, packer, row, &mut |part| {
                    parts.blocking_send(part).is_ok()
                })
            });
            let mut unsure = far.unsure.is_some();
            while let Some(part) = made.recv().await {
                let packet = match part {
                    Part::Packet(packet) => packet,
                    Part::TooLarge { row, ref_id, bytes } => {
                        answered.too_large += 1;
                        shelved.fates().tell([row], &too_large_fate(buffer));
                        too_large.push((row, ref_id.clone()));
                        journal.add(&Line::TooLarge { row, ref_id, bytes })?;
                        continue;
                    }
                };
                if let Err(error) = self.awake().await {
                    stop = Some(Stop::Later(error));
                    break;
                }
                if let Some(cancel) = *cancel.borrow_and_update() {
                    stop = Some(Stop::Cancelled {
                        notify: cancel.notify,
                    });
                    break;
                }
                journal.sending(&packet)?;
                let more = packet.packed.more;
                match self
                    .packet(&asked, *packet, std::mem::take(&mut unsure), &shelved)
                    .await
                {
                    Ok(Sent {
                        number,
                        status,
                        objects,
                        bytes,
                    }) => {
                        journal.add(&Line::Acked { number, status })?;
                        answered.delivered += objects;
                        answered.packets += 1;
                        answered.bytes += bytes;
                        self.desk.progress.advance(self.label, objects, 0);
                    }
                    Err(ZoneError::Refused { error, .. }) => {
                        stop = Some(Stop::Refused(error));
                        break;
                    }
                    Err(error) => {
                        stop = Some(Stop::Later(error));
                        break;
                    }
                }
                if !more {
                    break;
                }
            }
            drop(made);
            maker.await.map_err(|_| SyncError::Task)??;
        }
        // Nothing of it is left out of the account: what was not sent is counted, too.
        let reached = answered.delivered + answered.too_large;
        answered.wanted = count(&shelved, &wanted, stop.as_ref()).await?.max(reached);
        match stop {
            None => {
                if acknowledge && !far.closed {
                    self.desk.settle(&asked.agent, &asked.msg_id).await?;
                }
                journal.add(&Line::Closed)?;
                adopt(self.desk, &shelved).await?;
                if asked.request.query.is_whole() {
                    let handover = Handover {
                        agent: asked.agent.clone(),
                        object: answered.object.clone(),
                        request: asked.msg_id.clone(),
                        run: asked.run.clone(),
                        synced: Utc::now(),
                        events: None,
                        version: asked.version.clone(),
                        except: Exceptions {
                            without: too_large.into_iter().map(|(_, ref_id)| ref_id).collect(),
                            ..Exceptions::default()
                        },
                        file: String::new(),
                    };
                    self.desk.handovers().set(handover, &journal.objects())?;
                }
                journal.remove()?;
                self.desk.close(answered);
                Ok(())
            }
            Some(Stop::Later(error)) => {
                answered.end = End::Later;
                answered.ended = Some(match &error {
                    ZoneError::Stopped => "stopped, to be carried on".to_owned(),
                    error => format!("to be carried on: {error}"),
                });
                adopt(self.desk, &shelved).await?;
                self.desk.close(answered);
                match error {
                    ZoneError::Stopped => Ok(()),
                    error => Err(error.into()),
                }
            }
            Some(Stop::Refused(error)) => {
                let word = match &far.ended {
                    Some(before) => before.clone(),
                    None => error.to_string(),
                };
                tracing::error!(request = asked.msg_id, agent = asked.agent, object = answered.object, %error, "the zone refuses the answer");
                journal.add(&Line::Ended(word.clone()))?;
                if !error.ends_response() && far.ended.is_none() {
                    let what = "an earlier packet was refused";
                    self.last_word(&asked, answered.packets + 1, &SifError::new((8, 1), what))
                        .await?;
                }
                (answered.ended, answered.end) = (Some(word), End::Refused);
                self.over(&asked, &shelved, journal, answered, acknowledge)
                    .await
            }
            Some(Stop::Cancelled { notify }) => {
                let error = SifError::new((8, 18), "cancelled on request");
                journal.add(&Line::Ended("cancelled".to_owned()))?;
                if notify {
                    self.last_word(&asked, answered.packets + 1, &error).await?;
                }
                (answered.ended, answered.end) = (Some("cancelled".to_owned()), End::Refused);
                self.over(&asked, &shelved, journal, answered, acknowledge)
                    .await
            }
        }
    }

    /// An answer that ended early, for good.
    async fn over(
        &self,
        asked: &Asked,
        shelved: &Arc<Shelved>,
        journal: Journal,
        answered: Answered,
        acknowledge: bool,
    ) -> Result<(), SyncError> {
        if acknowledge {
            self.desk.settle(&asked.agent, &asked.msg_id).await?;
        }
        adopt(self.desk, shelved).await?;
        journal.remove()?;
        self.desk.close(answered);
        Ok(())
    }

    /// Sends one packet; a zone that says it has that number already has it from an earlier try.
    async fn packet(
        &self,
        asked: &Asked,
        packet: Packet,
        unsure: bool,
        shelved: &Shelved,
    ) -> Result<Sent, ZoneError> {
        let Packet { packed, rows, .. } = packet;
        let (number, objects, bytes) = (packed.number, packed.objects, packed.bytes.len() as u64);
        let about = Note {
            request: Some(asked.msg_id.clone()),
            ..Note::about(&asked.agent, &asked.request.query.object)
        };
        let (tries, took, status) = match self.desk.send(packed, about, unsure).await {
            Ok(taken) => (taken.tries, taken.took, taken.status.code),
            Err(ZoneError::Refused {
                error,
                unsure: true,
                ..
            }) if (error.category, error.code) == (8, 12) => (1, Duration::ZERO, 7),
            Err(error) => return Err(error),
        };
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut traffic = Traffic {
            requests: u64::from(tries),
            retries: u64::from(tries.saturating_sub(1)),
            bytes_sent: bytes,
            ..Traffic::default()
        };
        traffic.latency.record(took);
        traffic.spanned(Utc::now().timestamp_micros(), micros);
        let mut fates = shelved.fates();
        fates.delivered(rows);
        fates.traffic.merge(&traffic);
        Ok(Sent {
            number,
            status,
            objects,
            bytes,
        })
    }

    /// A last packet that says that no more will come.
    async fn last_word(
        &self,
        asked: &Asked,
        number: u64,
        error: &SifError,
    ) -> Result<(), SyncError> {
        let version = asked
            .version
            .parse()
            .unwrap_or(self.desk.agent.profile.version);
        let contexts = [asked.context.clone()];
        let packer = self
            .desk
            .packer(version, &contexts, &asked.agent, &asked.msg_id, 1 << 16);
        if let Ok(mut packer) = packer {
            packer.resume(number, None);
            let about = Note {
                request: Some(asked.msg_id.clone()),
                ..Note::about(&asked.agent, &asked.request.query.object)
            };
            match self
                .desk
                .send(packer.fail(error, Utc::now()), about, false)
                .await
            {
                Ok(_) | Err(ZoneError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits while the zone has put us to sleep.
    async fn awake(&self) -> Result<(), ZoneError> {
        let mut asleep = self.desk.asleep();
        while *asleep.borrow_and_update() {
            if !self.desk.agent.zone.pause(Duration::from_millis(200)).await {
                return Err(ZoneError::Stopped);
            }
        }
        match self.desk.agent.zone.stopped() {
            true => Err(ZoneError::Stopped),
            false => Ok(()),
        }
    }
}
