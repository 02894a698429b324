//! Where every verdict arrives: results file, journal, tally, and what waits for another pass.
//!
//! One thread owns all of it, so a row is settled exactly once and a count is never raced for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::Array;
use chrono::Utc;

use super::book::Book;
use super::objects::Scope;
use super::pass::Pass;
use super::withheld::{Withheld, WithheldKeys};
use crate::ledger::{Entry, Event, Journal, LedgerError};
use crate::load::{ResultsError, Shared};
use crate::target::{Operation, Unit, Verdict};

/// What the feeds and the workers report.
#[derive(Debug)]
pub(super) enum Message {
    /// A feed begins a pass.
    Begun {
        /// The resource.
        resource: usize,
        /// Which kind of pass.
        pass: Pass,
    },
    /// Rows that are not sent, and why each is not.
    Held {
        /// The resource.
        resource: usize,
        /// Their rows in the objects file.
        rows: Vec<u64>,
        /// Their scope columns; boxed, because most messages are about one object.
        scope: Box<Scope>,
        /// Per row.
        why: Vec<Held>,
    },
    /// A unit that went out, or was dropped because the run stops.
    Settled(Settled),
    /// A feed has reached the end of its pass, having handed this many objects to the workers.
    Fed {
        /// The resource.
        resource: usize,
        /// Objects handed to the workers.
        sent: u64,
        /// False when the pass was cut short.
        complete: bool,
    },
}

/// Why a row is not sent.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// As `due` decided.
    Decided,
    /// A run beside this one has delivered the object.
    Elsewhere,
    /// Because of an object that it refers to.
    Parent(Arc<Withheld>),
    /// Due, and not reached by this run, for this reason.
    Pending(&'static str),
    /// A delete that a guard holds back, for this reason.
    Guarded(&'static str),
}

/// How a conversation ended.
#[derive(Debug)]
pub(super) struct Settled {
    /// The objects.
    pub(super) unit: Unit,
    /// One per object; none when the run stopped first (they stay due).
    pub(super) verdicts: Vec<Verdict>,
    /// Requests sent.
    pub(super) attempts: u16,
    /// Time in flight, in microseconds.
    pub(super) latency_us: u32,
    /// Bytes of requests' bodies.
    pub(super) sent: u64,
    /// Bytes of answers' bodies.
    pub(super) received: u64,
    /// HTTP status of the last answer; 0 when there was none.
    pub(super) status: u16,
}

impl Settled {
    /// A unit that is dropped because its resource, or the run, is stopped.
    pub(super) fn unsent(unit: Unit) -> Self {
        Self {
            unit,
            verdicts: Vec::new(),
            attempts: 0,
            latency_us: 0,
            sent: 0,
            received: 0,
            status: 0,
        }
    }
}

/// A pass that is over: what it left for another.
#[derive(Debug)]
pub(super) struct PassDone {
    pub(super) resource: usize,
    /// Rows that wait for their resource's end.
    pub(super) parked: Vec<u64>,
    /// Rows that wait for their authorizing resources.
    pub(super) deferred: Vec<u64>,
    /// Whether rows are left that this run has not settled and no pass will.
    pub(super) leftover: bool,
    /// Keys that are not at the target, as far as this pass found.
    pub(super) withheld: WithheldKeys,
}

/// Why the books could not be kept: the run stops.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A results file.
    #[error("results cannot be written; the run stops, what was acknowledged is in the journal")]
    Results(#[from] ResultsError),
    /// The journal.
    #[error("acknowledgements cannot be recorded; the run stops, so that none is lost")]
    Journal(#[from] LedgerError),
}

/// The thread's state.
pub(super) struct Sink {
    pub(super) books: Vec<Book>,
    /// None for a plan.
    pub(super) journal: Option<Journal>,
    pub(super) shared: Arc<Shared>,
    pub(super) done: tokio::sync::mpsc::UnboundedSender<PassDone>,
}

/// Longest time that an acknowledgement waits to be on disk.
const FLUSH: Duration = Duration::from_millis(200);

impl Sink {
    /// Works until all senders are gone; returns the books for the report. When results or journal
    /// cannot be written the run is stopped, and what is not in the books stays due.
    pub(super) fn run(mut self, messages: &async_channel::Receiver<Message>) -> Vec<Book> {
        let drained = self.drain(messages);
        let closed = self
            .flush()
            .and_then(|()| self.journal.map_or(Ok(()), Journal::close));
        if let Err(error) = drained.and(closed.map_err(SinkError::from)) {
            self.shared.abort(&super::token::chain(&error));
            // Whoever still sends must not block on a sink that is gone.
            messages.close();
            self.shared.feed.close();
            self.shared.held.close();
        }
        self.books
    }

    fn drain(&mut self, messages: &async_channel::Receiver<Message>) -> Result<(), SinkError> {
        let mut flushed = Instant::now();
        loop {
            let message = match messages.try_recv() {
                Ok(message) => message,
                Err(async_channel::TryRecvError::Closed) => return Ok(()),
                Err(async_channel::TryRecvError::Empty) => {
                    // Nothing waits: a good moment to put on disk what has come in.
                    self.flush()?;
                    self.show();
                    flushed = Instant::now();
                    match messages.recv_blocking() {
                        Ok(message) => message,
                        Err(_) => return Ok(()),
                    }
                }
            };
            self.take(message)?;
            if flushed.elapsed() >= FLUSH {
                self.flush()?;
                self.show();
                flushed = Instant::now();
            }
        }
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        self.journal.as_mut().map_or(Ok(()), Journal::flush)
    }

    /// Moves the progress bars.
    fn show(&mut self) {
        for (book, label) in self.books.iter_mut().zip(&self.shared.labels) {
            if let Some((rows, errors)) = book.progress() {
                self.shared.progress.advance(label, rows, errors);
            }
        }
    }

    fn take(&mut self, message: Message) -> Result<(), SinkError> {
        let resource = match message {
            Message::Begun { resource, pass } => {
                self.books[resource].begin(pass);
                return Ok(());
            }
            Message::Held {
                resource,
                rows,
                scope,
                why,
            } => {
                self.held(resource, &rows, &scope, &why)?;
                let _ = self.shared.held.take();
                resource
            }
            Message::Settled(settled) => {
                let resource = settled.unit.chunk.resource;
                self.settled(&settled)?;
                resource
            }
            Message::Fed {
                resource,
                sent,
                complete,
            } => {
                self.books[resource].fed(sent, complete);
                resource
            }
        };
        if let Some(done) = self.books[resource].pass_done(resource) {
            self.show();
            if self.shared.claims.is_some() {
                // A run that waits for an object of this pass must find its answer in the ledger.
                self.flush()?;
            }
            // The coordinator outlives the sink, except when the run is torn down.
            let _ = self.done.send(done);
        }
        Ok(())
    }

    fn held(
        &mut self,
        resource: usize,
        rows: &[u64],
        scope: &Scope,
        why: &[Held],
    ) -> Result<(), SinkError> {
        let now = Utc::now().timestamp_micros();
        let Self {
            books,
            journal,
            shared,
            ..
        } = self;
        let book = &mut books[resource];
        for (i, (row, why)) in rows.iter().zip(why).enumerate() {
            let event = book.hold(*row, i, scope, why, now)?;
            let (Some(event), Some(journal)) = (event, journal.as_mut()) else {
                continue;
            };
            let id = |column: usize| {
                let ids = &scope.ids[column];
                ids.is_valid(i).then(|| ids.value(i))
            };
            journal.append(std::iter::once(Entry {
                resource: &shared.names[resource],
                key_hash: super::book::key_hash(scope, i),
                key: scope.key.value(i),
                source_table: scope.source_table.value(i),
                source_key: scope.source_key.value(i),
                school_id: id(0),
                person_id: id(1),
                course_id: id(2),
                section_id: id(3),
                event: event.as_event(),
                at: now,
            }))?;
        }
        Ok(())
    }

    fn settled(&mut self, settled: &Settled) -> Result<(), SinkError> {
        let now = Utc::now().timestamp_micros();
        let chunk = &settled.unit.chunk;
        let Self {
            books,
            journal,
            shared,
            ..
        } = self;
        let book = &mut books[chunk.resource];
        book.returned(settled.unit.len() as u64);
        if settled.verdicts.is_empty() {
            book.dropped();
        }
        for (i, verdict) in settled.unit.range.clone().zip(&settled.verdicts) {
            // The journal first: an acknowledgement counts, whatever becomes of the results file.
            let known = book.was_refused(chunk.rows[i]);
            let verdict = &book.judged(verdict);
            let event = journalled(&settled.unit, i, verdict, book.pass(), known);
            if let (Some(event), Some(journal)) = (event, journal.as_mut()) {
                journal.append(std::iter::once(Entry {
                    resource: &shared.names[chunk.resource],
                    key_hash: chunk.key_hash(i),
                    key: chunk.key(i),
                    source_table: chunk.source_tables.value(i),
                    source_key: chunk.source_keys.value(i),
                    school_id: chunk.scope(0, i),
                    person_id: chunk.scope(1, i),
                    course_id: chunk.scope(2, i),
                    section_id: chunk.scope(3, i),
                    event,
                    at: now,
                }))?;
                // The record has moved to its new key: under the old one there is nothing.
                let moved = book.moved(chunk.rows[i]);
                if let (Some(moved), Event::Delivered { .. }) = (moved, event) {
                    journal.append(std::iter::once(moved.entry(chunk, i, shared, now)))?;
                }
            }
            book.settle(i, settled, verdict, now)?;
        }
        if book.stop_early(shared.settings.stop_after_same_refusals) {
            shared.stop(chunk.resource);
        }
        Ok(())
    }
}

/// What the ledger must know of a verdict; `known` tells whether it knows a refusal already.
fn journalled<'a>(
    unit: &Unit,
    i: usize,
    verdict: &'a Verdict,
    pass: Pass,
    known: bool,
) -> Option<Event<'a>> {
    match verdict {
        Verdict::Created { id } | Verdict::Updated { id } | Verdict::Unchanged { id } => {
            Some(Event::Delivered {
                content_hash: unit.chunk.content_hash(i),
                server_id: id,
            })
        }
        Verdict::Deleted | Verdict::AlreadyGone => Some(Event::Deleted),
        // Looked for, and there: nothing has changed.
        Verdict::Kept(_) if unit.operation == Operation::Check => None,
        Verdict::Failed(refusal) | Verdict::Kept(refusal) | Verdict::Again(_, refusal) => {
            Some(Event::Refused {
                reason: &refusal.reason,
                status: refusal.status,
            })
        }
        Verdict::Park(refusal) | Verdict::Defer(refusal) if pass == Pass::Last => {
            Some(Event::Refused {
                reason: &refusal.reason,
                status: refusal.status,
            })
        }
        // Nothing of ours was delivered; a refusal of an earlier run no longer stands.
        Verdict::Present { .. } => known.then_some(Event::Cleared),
        Verdict::Park(_) | Verdict::Defer(_) => None,
    }
}
