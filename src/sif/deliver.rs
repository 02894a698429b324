//! Sends the answer to one request: packet by packet, each acknowledged before the next goes out,
//! while the following ones are being made.

use std::sync::Arc;

use chrono::Utc;
use tokio::sync::mpsc;

use super::answer::{Packet, Part, make};
use super::code::SifError;
use super::desk::{Answered, Desk, Job, Refusal, Shelved};
use super::fates::{Fate, RowState};
use super::handover::{Exceptions, Handover};
use super::journal::{Asked, Journal, Line};
use super::log::Note;
use super::packet::Packed;
use super::session::SyncError;
use super::shelf::{ShelfError, Wanted};
use super::zone::{Outgoing, Taken, ZoneError};
use crate::object::{Outcome, Reason};
use crate::report::Traffic;

/// Packets that are ready and wait for the one in flight.
const READY: usize = 2;

/// Why an answer goes no further.
enum Stop {
    /// The zone refuses its packets.
    Refused(SifError),
    /// The agent no longer wants it.
    Cancelled { notify: bool },
    /// The zone cannot be reached, or the run is told to stop: it is carried on later.
    Later(ZoneError),
}

impl Desk {
    /// Answers a request. In pull mode it is acknowledged after its last packet.
    ///
    /// # Errors
    /// [`SyncError`]: objects or journals cannot be read or written, or the zone cannot be reached.
    pub async fn answer(self: Arc<Self>, job: Job, acknowledge: bool) -> Result<(), SyncError> {
        let label = format!(
            "answer {} for {}",
            job.journal.asked.request.query.object, job.journal.asked.agent
        );
        self.progress.start(&label, None);
        let answered = Answering {
            desk: &self,
            label: &label,
        };
        let result = answered.run(job, acknowledge).await;
        self.progress.finish(&label, "");
        result
    }

    /// Answers a request with an error, and nothing else.
    ///
    /// # Errors
    /// The zone cannot be reached.
    pub async fn decline(&self, refusal: Refusal, acknowledge: bool) -> Result<(), SyncError> {
        let Refusal {
            msg_id,
            agent,
            object,
            error,
        } = refusal;
        tracing::warn!(request = msg_id, agent, object, %error, why = error.description, "refused");
        // An error must get through whatever the buffer of the request is.
        let version = self.agent.profile.version;
        if let Ok(packer) = self.packer(version, &agent, &msg_id, 1 << 16) {
            let packed = packer.fail(&error, Utc::now());
            let about = Note::about(&agent, &object);
            match self.send(packed, about, false).await {
                Ok(_) | Err(ZoneError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if acknowledge {
            self.settle(&agent, &msg_id).await?;
        }
        self.close(Answered {
            msg_id,
            agent,
            object,
            wanted: 0,
            delivered: 0,
            too_large: 0,
            packets: 0,
            bytes: 0,
            ended: Some(format!(
                "refused: {}/{} {}",
                error.category, error.code, error.description
            )),
        });
        Ok(())
    }

    async fn send(&self, packed: Packed, about: Note, unsure: bool) -> Result<Taken, ZoneError> {
        let about = Note {
            packet: Some(packed.number),
            objects: Some(packed.objects),
            ..about
        };
        let message = Outgoing {
            kind: "SIF_Response",
            msg_id: &packed.msg_id,
            bytes: packed.bytes.into(),
            about,
            unsure,
        };
        self.agent.zone.send(message).await
    }

    /// Acknowledges a request; one that the zone no longer has is over all the same.
    pub(super) async fn settle(&self, agent: &str, msg_id: &str) -> Result<(), ZoneError> {
        match self.agent.acknowledge((agent, msg_id)).await {
            Err(ZoneError::Refused { error, .. }) => {
                tracing::warn!(request = msg_id, %error, "the zone did not take its acknowledgement");
                Ok(())
            }
            other => other,
        }
    }
}

struct Answering<'a> {
    desk: &'a Arc<Desk>,
    label: &'a str,
}

impl Answering<'_> {
    async fn run(&self, job: Job, acknowledge: bool) -> Result<(), SyncError> {
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
        };
        let mut too_large = far.too_large.clone();
        let buffer = asked.request.max_buffer;
        self.recall(&shelved, &wanted, &far.too_large, far.row, buffer)
            .await?;
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
        answered.wanted = self
            .count(&shelved, &wanted, stop.as_ref())
            .await?
            .max(reached);
        match stop {
            None => {
                if acknowledge && !far.closed {
                    self.desk.settle(&asked.agent, &asked.msg_id).await?;
                }
                journal.add(&Line::Closed)?;
                self.adopt(&shelved).await?;
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
                answered.ended = Some(match &error {
                    ZoneError::Stopped => "stopped, to be carried on".to_owned(),
                    error => format!("to be carried on: {error}"),
                });
                self.adopt(&shelved).await?;
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
                answered.ended = Some(word);
                self.over(&asked, &shelved, journal, answered, acknowledge)
                    .await
            }
            Some(Stop::Cancelled { notify }) => {
                let error = SifError::new((8, 18), "cancelled on request");
                journal.add(&Line::Ended("cancelled".to_owned()))?;
                if notify {
                    self.last_word(&asked, answered.packets + 1, &error).await?;
                }
                answered.ended = Some("cancelled".to_owned());
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
        self.adopt(shelved).await?;
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
            }) if (error.category, error.code) == (8, 12) => (1, std::time::Duration::ZERO, 7),
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
        let packer = self
            .desk
            .packer(version, &asked.agent, &asked.msg_id, 1 << 16);
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
            if !self
                .desk
                .agent
                .zone
                .pause(std::time::Duration::from_millis(200))
                .await
            {
                return Err(ZoneError::Stopped);
            }
        }
        match self.desk.agent.zone.stopped() {
            true => Err(ZoneError::Stopped),
            false => Ok(()),
        }
    }

    /// Marks what an earlier process has delivered of the same request.
    async fn recall(
        &self,
        shelved: &Arc<Shelved>,
        wanted: &Arc<Wanted>,
        too_large: &[(u64, String)],
        until: u64,
        buffer: u64,
    ) -> Result<(), SyncError> {
        if until == 0 {
            return Ok(());
        }
        let left_out: std::collections::BTreeSet<u64> =
            too_large.iter().map(|(row, _)| *row).collect();
        let (shelved, wanted) = (Arc::clone(shelved), Arc::clone(wanted));
        blocking(move || {
            let mut fates = shelved.fates();
            fates.tell(left_out.iter().copied(), &too_large_fate(buffer));
            shelved.shelf.rows(&wanted, 0, |row| {
                if row < until && !left_out.contains(&row) {
                    fates.delivered([row]);
                }
            })
        })
        .await
    }

    /// How many objects the request is about; those that were not delivered are told why.
    async fn count(
        &self,
        shelved: &Arc<Shelved>,
        wanted: &Arc<Wanted>,
        stop: Option<&Stop>,
    ) -> Result<u64, SyncError> {
        let fate = stop.map(Stop::fate);
        let (shelved, wanted) = (Arc::clone(shelved), Arc::clone(wanted));
        blocking(move || {
            let (mut count, mut fates) = (0, shelved.fates());
            shelved.shelf.rows(&wanted, 0, |row| {
                count += 1;
                if let (Some(fate), RowState::Untouched | RowState::Same) = (&fate, fates.of(row)) {
                    fates.tell([row], fate);
                }
            })?;
            Ok(count)
        })
        .await
    }

    /// What was delivered from the objects of an earlier run counts for those of this one, too.
    async fn adopt(&self, shelved: &Arc<Shelved>) -> Result<(), SyncError> {
        let Some(current) = self.desk.shelves.get(&shelved.shelf.name) else {
            return Ok(());
        };
        if Arc::ptr_eq(current, shelved) {
            return Ok(());
        }
        let (from, to) = (Arc::clone(shelved), Arc::clone(current));
        blocking(move || from.give(&to)).await
    }
}

/// A packet that was acknowledged.
struct Sent {
    number: u64,
    status: u8,
    objects: u64,
    bytes: u64,
}

impl Stop {
    fn fate(&self) -> Fate {
        match self {
            Self::Refused(error) => Fate {
                outcome: Outcome::Failed,
                reason: error.reason(),
                detail: error.description.clone(),
            },
            Self::Cancelled { .. } => Fate {
                outcome: Outcome::Skipped,
                reason: Reason::fixed("cancelled"),
                detail: String::new(),
            },
            Self::Later(ZoneError::Stopped) => Fate {
                outcome: Outcome::Pending,
                reason: Reason::fixed("interrupted"),
                detail: String::new(),
            },
            Self::Later(error) => Fate {
                outcome: Outcome::Pending,
                reason: Reason::fixed("zone_unreachable"),
                detail: error.to_string(),
            },
        }
    }
}

fn too_large_fate(buffer: u64) -> Fate {
    Fate {
        outcome: Outcome::Rejected,
        reason: Reason::fixed("larger_than_buffer"),
        detail: format!("SIF_MaxBufferSize of the request: {buffer}"),
    }
}

/// Reads files without holding up the others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, SyncError> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SyncError::Task)??)
}
