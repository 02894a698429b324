//! The agent at work in pull mode: asks the zone for messages, has requests answered side by side,
//! and knows when it is done.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::desk::{Desk, Job, Reply};
use super::journal::Journal;
use super::shelf::ShelfError;
use super::zone::ZoneError;

/// Why the agent cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// Staged objects.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// An objects file.
    #[error(transparent)]
    Objects(#[from] crate::load::ObjectsError),
    /// Results.
    #[error(transparent)]
    Results(#[from] crate::load::ResultsError),
    /// A journal, or a hand-over point.
    #[error("the agent's own files cannot be read or written")]
    Io(#[from] io::Error),
    /// A fault of this program.
    #[error("a part of the agent ended unexpectedly (a fault of this program, please report it)")]
    Task,
}

/// How long the agent stays.
#[derive(Clone, Debug)]
pub struct Stay {
    /// Time between two polls that bring nothing.
    pub poll_every: Duration,
    /// So many polls in a row that bring nothing end it; None: it stays.
    pub idle_polls: Option<u32>,
    /// It ends at this moment, whatever is left.
    pub until: Option<Instant>,
    /// Requests that are answered at the same time.
    pub parallel: usize,
    /// Agents and the objects that they are expected to ask for.
    pub expected: BTreeSet<(String, String)>,
    /// Those of them that were given them by an earlier run: they need not ask again.
    pub given: BTreeSet<(String, String)>,
    /// Whether a request is acknowledged after its last packet, or as soon as it is noted down.
    pub acknowledge_after: bool,
}

impl Stay {
    /// What is expected and was never asked for, or only in a way that cannot be answered.
    pub fn missing(&self, desk: &Desk) -> Vec<(String, String)> {
        let asked = desk.asked();
        let open = self.expected.difference(&asked);
        open.filter(|pair| !self.given.contains(*pair))
            .cloned()
            .collect()
    }
}

/// Pulls messages until everything expected was asked for and answered, or nothing more comes.
///
/// # Errors
/// [`SyncError`]; what was noted in journals is carried on by the next run.
pub async fn pull(desk: &Arc<Desk>, stay: &Stay) -> Result<(), SyncError> {
    let mut answers = Answers::new(desk, stay.acknowledge_after);
    let result = poll(&mut answers, stay).await;
    answers.finish(result).await
}

async fn poll(answers: &mut Answers<'_>, stay: &Stay) -> Result<(), SyncError> {
    let desk = answers.desk;
    answers.carry_on(stay.parallel).await?;
    let mut idle = 0;
    loop {
        answers.collect()?;
        let busy = !answers.tasks.is_empty();
        let late = stay.until.is_some_and(|until| Instant::now() >= until);
        if desk.agent.zone.stopped() || late {
            return Ok(());
        }
        if answers.tasks.len() >= stay.parallel {
            answers.one().await?;
            continue;
        }
        match desk.agent.next_message().await {
            Ok(Some(received)) => {
                let of = (received.source_id.clone(), received.msg_id.clone());
                let reply = desk.receive(received)?;
                if matches!(reply, Reply::Over) {
                    continue;
                }
                if !matches!(reply, Reply::Again) {
                    idle = 0;
                    answers.reply(reply, (&of.0, &of.1)).await?;
                    continue;
                }
            }
            Ok(None) if busy => {}
            // Whoever was given its objects before may ask again: the queue is looked at first.
            Ok(None) if !stay.expected.is_empty() && stay.missing(desk).is_empty() => return Ok(()),
            Ok(None) => {
                idle += 1;
                if stay.idle_polls.is_some_and(|most| idle >= most) {
                    return Ok(());
                }
            }
            Err(ZoneError::Stopped) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        // The head of the queue is at work, or there is nothing: no need to ask again at once.
        tokio::select! {
            _ = desk.agent.zone.pause(stay.poll_every) => {}
            done = answers.one(), if busy => done?,
        }
    }
}

/// Requests that are being answered.
pub(super) struct Answers<'a> {
    desk: &'a Arc<Desk>,
    acknowledge_after: bool,
    tasks: JoinSet<Result<(), SyncError>>,
}

impl<'a> Answers<'a> {
    /// None yet.
    pub(super) fn new(desk: &'a Arc<Desk>, acknowledge_after: bool) -> Self {
        Self {
            desk,
            acknowledge_after,
            tasks: JoinSet::new(),
        }
    }

    /// How many there are.
    pub(super) fn running(&self) -> usize {
        self.tasks.len()
    }

    /// What is in flight comes to its end, or notices that the run is stopped.
    pub(super) async fn finish(mut self, result: Result<(), SyncError>) -> Result<(), SyncError> {
        let mut result = result;
        while let Some(done) = self.tasks.join_next().await {
            let done = done.map_err(|_| SyncError::Task).and_then(|done| done);
            result = result.and(done);
        }
        result
    }

    /// Takes up what an earlier process has left.
    pub(super) async fn carry_on(&mut self, parallel: usize) -> Result<(), SyncError> {
        for msg_id in Journal::all(&self.desk.requests())? {
            if self.tasks.len() >= parallel {
                self.one().await?;
            }
            if let Some(job) = self.desk.resume(&msg_id)? {
                tracing::info!(
                    request = msg_id,
                    "an answer that was cut short is carried on"
                );
                self.start(job, self.acknowledge_after);
            }
        }
        Ok(())
    }

    pub(super) fn start(&mut self, job: Job, acknowledge: bool) {
        let desk = Arc::clone(self.desk);
        self.tasks.spawn(desk.answer(job, acknowledge));
    }

    async fn reply(&mut self, reply: Reply, of: (&str, &str)) -> Result<(), SyncError> {
        let agent = &self.desk.agent;
        match reply {
            Reply::Taken => self.desk.settle(of.0, of.1).await?,
            Reply::Refused(error) => agent.refuse(of, &error).await?,
            Reply::Decline(refusal) => self.desk.decline(refusal, true).await?,
            Reply::Answer(job) => {
                if !self.acknowledge_after {
                    agent.acknowledge(of).await?;
                }
                self.start(*job, self.acknowledge_after);
            }
            Reply::Again | Reply::Over => {}
        }
        Ok(())
    }

    /// Takes note of answers that are over.
    pub(super) fn collect(&mut self) -> Result<(), SyncError> {
        while let Some(done) = self.tasks.try_join_next() {
            done.map_err(|_| SyncError::Task)??;
        }
        Ok(())
    }

    /// Waits for one answer to be over.
    pub(super) async fn one(&mut self) -> Result<(), SyncError> {
        match self.tasks.join_next().await {
            Some(done) => done.map_err(|_| SyncError::Task)?,
            None => Ok(()),
        }
    }
}
