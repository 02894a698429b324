//! Where messages for our agent come in, by pull or push: requests become jobs, controls are obeyed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use tokio::sync::watch;

use super::ack::Received;
use super::agent::Agent;
use super::code::SifError;
use super::context::of_request;
use super::handover::Handovers;
use super::journal::{Asked, Journal, Progress as Far};
use super::packet::Packer;
use super::request::Request;
use super::session::SyncError;
use super::shelf::{Shelf, Wanted};
use super::shelved::{Answered, End, Shelved};
use crate::progress::Progress;
use crate::xml::Version;

/// What the agent has to give, and to whom it is giving it.
#[derive(Debug)]
pub struct Desk {
    /// Our agent.
    pub agent: Agent,
    /// By ObjectName.
    pub shelves: BTreeMap<String, Arc<Shelved>>,
    /// The folder of the zone.
    pub folder: PathBuf,
    /// The run whose objects are given.
    pub run: String,
    /// Where progress is told.
    pub progress: Arc<dyn Progress>,
    /// Requests that are being answered, each with the way to cancel it.
    open: Mutex<BTreeMap<String, watch::Sender<Option<Cancel>>>>,
    answered: Mutex<Vec<Answered>>,
    handed_out_again: Mutex<BTreeSet<String>>,
    asleep: watch::Sender<bool>,
}

/// A request was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Whether a last packet is to say so.
    pub notify: bool,
}

/// A request to be answered.
#[derive(Debug)]
pub struct Job {
    pub(super) journal: Journal,
    pub(super) far: Far,
    pub(super) shelved: Arc<Shelved>,
    pub(super) wanted: Wanted,
    pub(super) packer: Packer,
    pub(super) cancel: watch::Receiver<Option<Cancel>>,
}

/// A request that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// SIF_MsgId of the request.
    pub msg_id: String,
    /// The agent that asked.
    pub agent: String,
    /// What it asked for.
    pub object: String,
    /// The contexts that it named.
    pub contexts: Vec<String>,
    /// Why not.
    pub error: SifError,
}

/// What is to be done about a message.
#[derive(Debug)]
pub enum Reply {
    /// It is taken: acknowledge it.
    Taken,
    /// It is of no use: acknowledge it with this error.
    Refused(SifError),
    /// A request: answer it.
    Answer(Box<Job>),
    /// A request that cannot be answered: send the error as its answer.
    Decline(Refusal),
    /// It is being answered already.
    Again,
    /// It is over; the zone handed it out before it had our acknowledgement.
    Over,
}

impl Desk {
    /// A desk with these shelves.
    pub fn new(
        agent: Agent,
        shelves: Vec<Shelf>,
        folder: &Path,
        run: &str,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let shelves = shelves
            .into_iter()
            .map(|shelf| (shelf.name.clone(), Arc::new(Shelved::new(shelf))));
        Self {
            agent,
            shelves: shelves.collect(),
            folder: folder.to_owned(),
            run: run.to_owned(),
            progress,
            open: Mutex::default(),
            answered: Mutex::default(),
            handed_out_again: Mutex::default(),
            asleep: watch::Sender::new(false),
        }
    }

    /// What requests are noted in.
    pub fn requests(&self) -> PathBuf {
        self.folder.join("requests")
    }

    /// Where hand-overs are kept.
    pub fn handovers(&self) -> Handovers {
        Handovers::new(&self.folder)
    }

    /// The requests that came to an end, in that order.
    pub fn answered(&self) -> Vec<Answered> {
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn is_over(&self, msg_id: &str) -> bool {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.iter().any(|a| a.msg_id == msg_id)
    }

    pub(super) fn close(&self, answered: Answered) {
        self.open().remove(&answered.msg_id);
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(answered);
    }

    /// Agents and the objects that they have asked for, and that are over.
    pub fn asked(&self) -> BTreeSet<(String, String)> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let over = answered
            .iter()
            .filter(|a| matches!(a.end, End::Complete | End::Refused));
        over.map(|a| (a.agent.clone(), a.object.clone())).collect()
    }

    /// Whether the zone has put us to sleep: nothing is sent until it wakes us.
    pub fn asleep(&self) -> watch::Receiver<bool> {
        self.asleep.subscribe()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<Option<Cancel>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message.
    ///
    /// # Errors
    /// A journal that cannot be read or written.
    pub fn receive(&self, received: Received) -> Result<Reply, SyncError> {
        match (&*received.kind, received.command.as_deref()) {
            ("SIF_Request", _) => self.request(received),
            ("SIF_SystemControl", Some("SIF_Sleep")) => {
                self.asleep.send_replace(true);
                Ok(Reply::Taken)
            }
            ("SIF_SystemControl", Some("SIF_Wakeup")) => {
                self.asleep.send_replace(false);
                Ok(Reply::Taken)
            }
            ("SIF_SystemControl", Some("SIF_CancelRequests")) => {
                let open = self.open();
                let notify = received.notify;
                for cancel in received.cancelled.iter().filter_map(|id| open.get(id)) {
                    cancel.send_replace(Some(Cancel { notify }));
                }
                Ok(Reply::Taken)
            }
            ("SIF_SystemControl", Some("SIF_Ping")) => Ok(Reply::Taken),
            // We ask for nothing and subscribe to nothing: what comes all the same is passed over.
            ("SIF_Event" | "SIF_BundledEvents" | "SIF_Response", _) => Ok(Reply::Taken),
            (kind, _) => Ok(Reply::Refused(SifError::new(
                SifError::UNSUPPORTED_MESSAGE,
                format!("{kind} is not supported"),
            ))),
        }
    }

    fn request(&self, received: Received) -> Result<Reply, SyncError> {
        if self.open().contains_key(&received.msg_id) {
            return Ok(Reply::Again);
        }
        // Handed out once more while its acknowledgement was under way.
        if self.is_over(&received.msg_id) {
            let mut seen = self
                .handed_out_again
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            return Ok(match seen.insert(received.msg_id) {
                true => Reply::Over,
                // It did not take the acknowledgement.
                false => Reply::Taken,
            });
        }
        if let Some(job) = self.resume(&received.msg_id)? {
            return Ok(Reply::Answer(Box::new(job)));
        }
        let (agent, msg_id) = (received.source_id, received.msg_id);
        let (mut object, contexts) = (String::new(), received.contexts);
        let accepted = match received.request {
            Some(Ok(request)) => {
                object.clone_from(&request.query.object);
                of_request(&contexts, &self.agent.profile.contexts).and_then(|context| {
                    let accepted = self.accept(&agent, &msg_id, request, &context)?;
                    Ok((context, accepted))
                })
            }
            Some(Err(error)) => Err(error),
            None => Err(SifError::new((1, 6), "the request cannot be read")),
        };
        let (context, (request, version, shelved, wanted, packer)) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                return Ok(Reply::Decline(Refusal {
                    msg_id,
                    agent,
                    object,
                    contexts,
                    error,
                }));
            }
        };
        let asked = Asked {
            msg_id: msg_id.clone(),
            agent,
            request,
            version: version.to_string(),
            context,
            run: self.run.clone(),
            at: Utc::now(),
        };
        let objects = Some(shelved.shelf.path.as_path());
        Ok(Reply::Answer(Box::new(Job {
            journal: Journal::create(&self.requests(), asked, objects)?,
            far: Far::default(),
            shelved,
            wanted,
            packer,
            cancel: self.opened(&msg_id),
        })))
    }

    /// A request that can be answered, with all that it takes.
    fn accept(
        &self,
        agent: &str,
        msg_id: &str,
        request: Request,
        context: &str,
    ) -> Result<(Request, Version, Arc<Shelved>, Wanted, Packer), SifError> {
        let version = request.version(&self.agent.versions())?;
        let object = &request.query.object;
        let shelved = self.shelves.get(object).cloned().ok_or_else(|| {
            let what = format!("{object} is not provided by this agent");
            SifError::new(SifError::INVALID_OBJECT, what)
        })?;
        let wanted = shelved.shelf.wanted(&request.query, version)?;
        let contexts = [context.to_owned()];
        let packer = self.packer(version, &contexts, agent, msg_id, request.max_buffer)?;
        Ok((request, version, shelved, wanted, packer))
    }

    pub(super) fn packer(
        &self,
        version: Version,
        contexts: &[String],
        agent: &str,
        msg_id: &str,
        max_buffer: u64,
    ) -> Result<Packer, SifError> {
        let messages = super::Messages::new(version, &self.agent.profile.source_id);
        Packer::new(messages.within(contexts), agent, msg_id, max_buffer)
    }

    /// The job of a request that an earlier process began; None where there is none.
    ///
    /// # Errors
    /// A journal that cannot be read, or objects that are gone.
    pub fn resume(&self, msg_id: &str) -> Result<Option<Job>, SyncError> {
        let Some((journal, far)) = Journal::open(&self.requests(), msg_id)? else {
            return Ok(None);
        };
        let Asked {
            agent,
            request,
            version,
            context,
            ..
        } = &journal.asked;
        let unusable = |what: String| {
            io::Error::other(format!(
                "request {msg_id} of {agent} cannot be carried on: {what}; remove its folder {} and \
                 have {agent} ask again",
                self.requests().join(msg_id).display()
            ))
        };
        let version: Version = version.parse().map_err(unusable)?;
        let name = &request.query.object;
        let current = self.shelves.get(name);
        let current = current.ok_or_else(|| unusable(format!("this run has no {name}")))?;
        let objects = journal.objects();
        // Objects of another run are answered on as they were: the set stays one and the same.
        let shelved = match same_file(&objects, &current.shelf.path) {
            true => Arc::clone(current),
            false => Arc::new(Shelved::new(Shelf::open(
                name,
                &objects,
                &current.shelf.meta,
                None,
            )?)),
        };
        let refused = |error: SifError| unusable(error.description);
        let wanted = shelved
            .shelf
            .wanted(&request.query, version)
            .map_err(refused)?;
        let contexts = [context.clone()];
        let mut packer = self
            .packer(version, &contexts, agent, msg_id, request.max_buffer)
            .map_err(refused)?;
        packer.resume(far.next(), far.unsure.clone());
        Ok(Some(Job {
            shelved,
            wanted,
            packer,
            cancel: self.opened(msg_id),
            journal,
            far,
        }))
    }

    fn opened(&self, msg_id: &str) -> watch::Receiver<Option<Cancel>> {
        let cancel = watch::Sender::new(None);
        let receiver = cancel.subscribe();
        self.open().insert(msg_id.to_owned(), cancel);
        receiver
    }
}

/// Whether two paths are names of one file.
#[cfg(unix)]
pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    id(a).is_some() && id(a) == id(b)
}

/// Whether two paths are names of one file: not known here, so they count as two.
#[cfg(not(unix))]
pub(super) fn same_file(_: &Path, _: &Path) -> bool {
    false
}
