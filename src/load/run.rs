//! One load: every resource when its prerequisites are done, over one pool of workers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::book::Book;
use super::contested::Claims;
use super::coordinator::{Coordinator, State, Station};
use super::decisions::Decisions;
use super::feed::Feed;
use super::moved::Moves;
use super::objects::{Objects, ObjectsError};
use super::pace::Pace;
use super::pass::Use;
use super::results::SharedResults;
use super::settled::SettledRows;
use super::sink::{Message, Sink};
use super::withheld::{Parents, WithheldKeys};
use super::worker::work;
use super::{ResultsError, Token};
use crate::ledger::{Due, Journal};
use crate::metadata::{ReferenceColumns, ResourceMeta, Standard};
use crate::pipeline::LoadSettings;
use crate::progress::Progress;
use crate::target::{Operation, Target, Unit};

/// One resource of a load.
#[derive(Debug)]
pub struct LoadResource {
    /// Its name at the target.
    pub name: String,
    /// The objects file.
    pub objects: PathBuf,
    /// The results file to write.
    pub results: PathBuf,
    /// What becomes of its objects.
    pub operation: Operation,
    /// Its fields, key and references.
    pub meta: ResourceMeta,
    /// What is due.
    pub due: Due,
    /// Indexes of the resources that must be done before it.
    pub prerequisites: Vec<usize>,
    /// Indexes of the resources that authorize what was deferred: they are done as far as their
    /// dependants are concerned.
    pub authorizers: Vec<usize>,
    /// Indexes of the resources that must be over and done with before what was deferred is sent
    /// again: for deletes, those of the dependants.
    pub after: Vec<usize>,
    /// Objects that take over the record of another key.
    pub moves: Moves,
    /// For deletes (operations `Delete` and `Check`).
    pub deleting: Option<Deleting>,
}

impl LoadResource {
    fn label(&self) -> String {
        match self.operation {
            Operation::Delete => format!("{} (deletes)", self.name),
            Operation::Check => format!("{} (checks)", self.name),
            _ => self.name.clone(),
        }
    }
}

/// How the deletes of a resource are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleting {
    /// A guard holds them back, and why: nothing is sent.
    pub guarded: Option<&'static str>,
    /// The target shares these records with other senders.
    pub shared: bool,
}

/// Everything a load needs.
pub struct Load {
    /// The run's id: the first part of the correlation id.
    pub run: String,
    /// In any order; `prerequisites` has no loop.
    pub resources: Vec<LoadResource>,
    /// The data standard.
    pub standard: Arc<Standard>,
    /// The rules.
    pub target: Box<dyn Target>,
    /// The connection pool.
    pub http: reqwest::Client,
    /// The credentials; None where the target wants none.
    pub token: Option<Arc<Token>>,
    /// Limits.
    pub settings: LoadSettings,
    /// Which objects are held back for the sake of their parents.
    pub parents: Parents,
    /// This run's journal. None: a plan, which sends nothing and reports what is due as pending.
    pub journal: Option<Journal>,
    /// For a run that is limited to schools: what it shares with those beside it.
    pub claims: Option<Claims>,
    /// Where progress is shown.
    pub progress: Arc<dyn Progress>,
    /// True when the run shall end: requests in flight are finished, nothing more is sent.
    pub cancel: watch::Receiver<bool>,
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// What a load came to.
#[derive(Debug)]
pub struct Loaded {
    /// Per resource, as in [`Load::resources`].
    pub books: Vec<Book>,
    /// Why the run was stopped from inside (no token, a full disk); None when it was not.
    pub stopped: Option<String>,
    /// Whether it was cut short, from inside or outside.
    pub interrupted: bool,
}

/// Why a load could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An objects file.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A results file.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A thread could not be started, or died.
    #[error("a worker thread of the load died: {0}; this is a fault of fullsync")]
    Thread(String),
}

/// What feeds, workers and sink share.
pub(super) struct Shared {
    pub(super) run: String,
    pub(super) names: Vec<Arc<str>>,
    /// What progress calls them: a resource's deletes are shown beside what is sent of it.
    pub(super) labels: Vec<String>,
    pub(super) target: Box<dyn Target>,
    pub(super) http: reqwest::Client,
    pub(super) token: Option<Arc<Token>>,
    pub(super) settings: LoadSettings,
    pub(super) parents: Parents,
    pub(super) pace: Pace,
    pub(super) feed: async_channel::Sender<Unit>,
    pub(super) units: async_channel::Receiver<Unit>,
    pub(super) sink: async_channel::Sender<Message>,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) held: HeldSlots,
    pub(super) claims: Option<Claims>,
    stop: Vec<AtomicBool>,
    cancel: watch::Sender<bool>,
    cause: Mutex<Option<String>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Whether nothing more of a resource is to be sent.
    pub(super) fn stopped(&self, resource: usize) -> bool {
        *self.cancel.borrow() || self.stop[resource].load(Ordering::Relaxed)
    }

    /// Nothing more of this resource is sent.
    pub(super) fn stop(&self, resource: usize) {
        self.stop[resource].store(true, Ordering::Relaxed);
        tracing::warn!(
            resource = &*self.names[resource],
            refusals = self.settings.stop_after_same_refusals,
            "stopped early: every answer is the same refusal"
        );
    }

    /// Ends the run from inside; the first cause is kept.
    pub(super) fn abort(&self, cause: &str) {
        if let Ok(mut kept) = self.cause.lock()
            && kept.is_none()
        {
            tracing::error!(cause, "the load stops");
            *kept = Some(cause.to_owned());
        }
        self.cancel.send_replace(true);
    }

    /// Waits until the run is being stopped.
    pub(super) async fn cancelled(&self) {
        let mut changes = self.cancel.subscribe();
        let _ = changes.wait_for(|cancelled| *cancelled).await;
    }

    pub(super) fn is_cancelled(&self) -> bool {
        *self.cancel.borrow()
    }
}

/// Bounds the batches of rows on their way to the sink that are not sent: one is much larger than
/// the verdict on an object, which the sink's own channel has room for many of.
#[derive(Debug)]
pub(super) struct HeldSlots(async_channel::Sender<()>, async_channel::Receiver<()>);

impl HeldSlots {
    fn new() -> Self {
        let (give, take) = async_channel::bounded(32);
        Self(give, take)
    }

    /// Waits for a place; false when the sink is gone.
    pub(super) fn wait(&self) -> bool {
        self.0.send_blocking(()).is_ok()
    }

    /// Frees a place.
    pub(super) fn take(&self) -> bool {
        self.1.try_recv().is_ok()
    }

    /// Nobody waits any more.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

impl Load {
    /// Loads everything. Objects that cannot be delivered are outcomes, not errors.
    ///
    /// # Errors
    /// [`LoadError`]: files that cannot be read or written.
    pub async fn run(self) -> Result<Loaded, LoadError> {
        let dry = self.journal.is_none();
        let workers = self.settings.concurrency_max.max(1);
        let (feed, units) = async_channel::bounded(2 * workers);
        let (sink_in, sink_out) = async_channel::bounded(16 * workers);
        let (done_in, done_out) = mpsc::unbounded_channel();
        let cancel = watch::Sender::new(*self.cancel.borrow());
        let names: Vec<Arc<str>> = self.resources.iter().map(|r| Arc::from(&*r.name)).collect();
        let shared = Arc::new(Shared {
            run: self.run,
            labels: self.resources.iter().map(LoadResource::label).collect(),
            stop: names.iter().map(|_| AtomicBool::new(false)).collect(),
            names,
            target: self.target,
            http: self.http,
            token: self.token,
            pace: Pace::new(self.settings.concurrency_start, workers, Instant::now()),
            settings: self.settings,
            parents: self.parents,
            feed,
            units,
            sink: sink_in,
            progress: self.progress,
            cancel,
            cause: Mutex::new(None),
            held: HeldSlots::new(),
            claims: self.claims,
        });
        let (stations, books) = prepare(self.resources, &self.standard, &shared, dry)?;
        let sink = Sink {
            books,
            journal: self.journal,
            shared: Arc::clone(&shared),
            done: done_in,
        };
        let sink = tokio::task::spawn_blocking(move || sink.run(&sink_out));
        let pool: Vec<_> = (0..workers)
            .map(|i| tokio::spawn(work(Arc::clone(&shared), i)))
            .collect();
        let watcher = tokio::spawn(forward(self.cancel, Arc::clone(&shared)));
        let mut coordinator = Coordinator::new(stations, Arc::clone(&shared));
        coordinator.run(done_out).await;
        shared.feed.close();
        shared.pace.release();
        for worker in pool {
            worker.await.map_err(|e| LoadError::Thread(e.to_string()))?;
        }
        watcher.abort();
        shared.sink.close();
        let mut books = sink.await.map_err(|e| LoadError::Thread(e.to_string()))?;
        for book in &mut books {
            if let Err(error) = book.close() {
                shared.abort(&super::token::chain(&error));
            }
        }
        let stopped = shared.cause.lock().ok().and_then(|mut cause| cause.take());
        Ok(Loaded {
            books,
            stopped,
            interrupted: shared.is_cancelled(),
        })
    }
}

/// Passes a wish from outside to end the run on to everybody inside.
async fn forward(mut outside: watch::Receiver<bool>, shared: Arc<Shared>) {
    if outside.wait_for(|cancelled| *cancelled).await.is_ok() {
        shared.cancel.send_replace(true);
    }
}

fn prepare(
    resources: Vec<LoadResource>,
    standard: &Arc<Standard>,
    shared: &Arc<Shared>,
    dry: bool,
) -> Result<(Vec<Station>, Vec<Book>), LoadError> {
    let mut stations = Vec::new();
    let mut results: BTreeMap<PathBuf, SharedResults> = BTreeMap::new();
    let mut books = Vec::new();
    let needed: BTreeSet<usize> = resources
        .iter()
        .flat_map(|r| r.prerequisites.iter().copied())
        .collect();
    for (resource, r) in resources.into_iter().enumerate() {
        let objects = Arc::new(Objects::open(&r.objects)?);
        let settled = Arc::new(SettledRows::new(objects.rows()));
        let due = Arc::new(Decisions::new(r.due, &objects)?);
        let deleting = r.deleting.unwrap_or_default();
        let moves = Arc::new(r.moves);
        shared
            .progress
            .start(&shared.labels[resource], Some(objects.rows()));
        let file = match results.get(&r.results) {
            Some(file) => file.clone(),
            None => {
                let file = SharedResults::create(&r.results)?;
                results.insert(r.results.clone(), file.clone());
                file
            }
        };
        let mut book = Book::open(
            Arc::clone(&shared.names[resource]),
            r.operation,
            Arc::clone(&due),
            Arc::clone(&settled),
            file,
            Use {
                dry,
                needed: needed.contains(&resource),
                strict: shared.parents == Parents::Accepted,
                shared: deleting.shared,
            },
            Arc::clone(&moves),
        );
        if r.operation.is_delete() {
            book.tally.deletes_due = objects.rows();
        }
        books.push(book);
        stations.push(Station {
            feed: Feed {
                resource,
                objects,
                operation: r.operation,
                due,
                settled,
                references: ReferenceColumns::new(standard, &r.meta),
                parents: Vec::new(),
                shared: Arc::clone(shared),
                dry,
                moves,
                guarded: deleting.guarded,
                claims: shared
                    .claims
                    .as_ref()
                    .filter(|_| !dry && r.operation == Operation::Upsert)
                    .map(|claims| claims.objects.resource(&r.name)),
                contested: Arc::default(),
            },
            prerequisites: r.prerequisites,
            authorizers: r.authorizers,
            after: r.after,
            state: State::Waiting,
            deferred: Vec::new(),
            withheld: WithheldKeys::new(),
            published: None,
        });
    }
    Ok((stations, books))
}
