//! Starts each resource when its prerequisites are done, and each further pass when it may.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::Shared;
use super::contested::{Answers, Waiting};
use super::feed::{Feed, Pass};
use super::sink::PassDone;
use super::withheld::{Parents, WithheldKeys};

/// Where one resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    First,
    Parked,
    /// Other runs have claimed objects: waiting for their answers, and sending what is left.
    Contested,
    /// Its dependants may start; deferred rows may still wait.
    Done,
    Deferred,
    Leftover,
    Closed,
}

pub(super) struct Station {
    pub(super) feed: Feed,
    pub(super) prerequisites: Vec<usize>,
    pub(super) authorizers: Vec<usize>,
    pub(super) after: Vec<usize>,
    pub(super) state: State,
    pub(super) deferred: Vec<u64>,
    pub(super) withheld: WithheldKeys,
    pub(super) published: Option<Arc<WithheldKeys>>,
}

pub(super) struct Coordinator {
    stations: Vec<Station>,
    shared: Arc<Shared>,
    answers: (
        mpsc::UnboundedSender<Answered>,
        mpsc::UnboundedReceiver<Answered>,
    ),
}

/// A resource, and what the waiting for other runs came to.
type Answered = (usize, Answers);

impl Coordinator {
    pub(super) fn new(stations: Vec<Station>, shared: Arc<Shared>) -> Self {
        Self {
            stations,
            shared,
            answers: mpsc::unbounded_channel(),
        }
    }

    pub(super) async fn run(&mut self, mut done: mpsc::UnboundedReceiver<PassDone>) {
        self.start_ready();
        while self.stations.iter().any(|s| s.state != State::Closed) {
            tokio::select! {
                pass = done.recv() => match pass {
                    Some(pass) => self.pass_done(pass),
                    None => return,
                },
                Some((i, answers)) = self.answers.1.recv() => self.answered(i, answers),
                // So that resources which wait are accounted for when the run is cut short.
                () = self.shared.cancelled(), if self.any_waiting() => {}
            }
            self.start_ready();
        }
    }

    fn any_waiting(&self) -> bool {
        self.stations.iter().any(|s| {
            s.state == State::Waiting || (s.state == State::Done && !s.deferred.is_empty())
        })
    }

    /// Starts what may start now.
    fn start_ready(&mut self) {
        let cancelled = self.shared.is_cancelled();
        let finished: BTreeSet<usize> = (0..self.stations.len())
            .filter(|i| self.stations[*i].published.is_some())
            .collect();
        for i in 0..self.stations.len() {
            let station = &self.stations[i];
            let ready = |on: &[usize]| on.iter().all(|p| finished.contains(p));
            let over = |on: &[usize]| on.iter().all(|p| self.stations[*p].state == State::Closed);
            match station.state {
                State::Waiting if cancelled => {
                    self.feed(i, State::Leftover, Pass::Leftover("not_reached"))
                }
                State::Waiting if ready(&station.prerequisites) => {
                    self.feed(i, State::First, Pass::Whole);
                }
                State::Done if station.deferred.is_empty() => self.close(i),
                State::Done if cancelled => {
                    self.feed(i, State::Leftover, Pass::Leftover("deferred"));
                }
                State::Done if ready(&station.authorizers) && over(&station.after) => {
                    let mut rows = std::mem::take(&mut self.stations[i].deferred);
                    rows.sort_unstable();
                    self.feed(i, State::Deferred, Pass::Rows(rows));
                }
                _ => {}
            }
        }
    }

    fn feed(&mut self, i: usize, state: State, pass: Pass) {
        let mut feed = self.stations[i].feed.clone();
        feed.parents = self.stations[i]
            .prerequisites
            .iter()
            .filter(|_| self.shared.parents != Parents::Unchecked)
            .filter_map(|p| {
                let withheld = self.stations[*p].published.as_ref()?;
                (!withheld.is_empty())
                    .then(|| (Arc::clone(&self.shared.names[*p]), Arc::clone(withheld)))
            })
            .collect();
        let parents: BTreeSet<String> = feed.parents.iter().map(|(n, _)| n.to_string()).collect();
        feed.references = feed.references.only(|target| parents.contains(target));
        tracing::info!(resource = &*self.shared.names[i], pass = ?state, "load");
        self.stations[i].state = state;
        tokio::task::spawn_blocking(move || feed.run(&pass));
    }

    fn pass_done(&mut self, pass: PassDone) {
        let cut_short = self.shared.stopped(pass.resource);
        let station = &mut self.stations[pass.resource];
        station.withheld.extend(pass.withheld);
        station.deferred.extend(pass.deferred);
        let mut parked = pass.parked;
        let left = pass.leftover || !parked.is_empty();
        let first = matches!(station.state, State::First | State::Contested);
        let contested = !locked(&station.feed.contested).is_empty();
        match station.state {
            _ if first && cut_short && (left || contested || !station.deferred.is_empty()) => {
                station.deferred.clear();
                self.leftover(pass.resource);
            }
            _ if first && !parked.is_empty() => {
                parked.sort_unstable();
                self.feed(pass.resource, State::Parked, Pass::Rows(parked));
            }
            State::First | State::Parked | State::Contested if left => self.leftover(pass.resource),
            // Last of all, so that whoever waits for one of ours need not wait for us to wait.
            State::First | State::Parked | State::Contested if contested => {
                self.contest(pass.resource);
            }
            State::First | State::Parked | State::Contested => self.publish(pass.resource),
            State::Deferred if left => self.leftover(pass.resource),
            State::Deferred => self.close(pass.resource),
            State::Leftover => {
                station.deferred.clear();
                self.publish(pass.resource);
                self.close(pass.resource);
            }
            State::Waiting | State::Done | State::Closed => {}
        }
    }

    /// Waits for what other runs have claimed.
    fn contest(&mut self, i: usize) {
        let station = &mut self.stations[i];
        let contested = std::mem::take(&mut *locked(&station.feed.contested));
        let (Some(claims), Some(shared)) = (&station.feed.claims, &self.shared.claims) else {
            return self.leftover(i);
        };
        let waiting = Waiting {
            resource: i,
            claims: Arc::clone(claims),
            ledger: shared.ledger.clone(),
            shared: Arc::clone(&self.shared),
        };
        station.state = State::Contested;
        let answers = self.answers.0.clone();
        tokio::task::spawn_blocking(move || {
            // The coordinator outlives the waiting, except when the run is torn down.
            let _ = answers.send((i, waiting.run(contested)));
        });
    }

    /// What other runs have claimed is known.
    fn answered(&mut self, i: usize, answers: Answers) {
        if answers.cut_short {
            self.stations[i].deferred.clear();
            self.leftover(i);
        } else {
            self.feed(i, State::Contested, Pass::Contested(answers));
        }
    }

    fn leftover(&mut self, i: usize) {
        let reason = if self.shared.is_cancelled() {
            "not_reached"
        } else {
            "stopped_early"
        };
        self.feed(i, State::Leftover, Pass::Leftover(reason));
    }

    /// The resource is done: those that depend on it may start.
    fn publish(&mut self, i: usize) {
        let station = &mut self.stations[i];
        if station.published.is_none() {
            station.published = Some(Arc::new(std::mem::take(&mut station.withheld)));
        }
        station.state = State::Done;
    }

    fn close(&mut self, i: usize) {
        let how = if self.shared.is_cancelled() {
            "cut short"
        } else if self.shared.stopped(i) {
            "stopped early"
        } else {
            "done"
        };
        self.stations[i].state = State::Closed;
        if let Some(claims) = &self.stations[i].feed.claims
            && let Err(error) = claims.end()
        {
            tracing::warn!(%error, "runs beside this one cannot be told that a resource is done");
        }
        tracing::info!(resource = &*self.shared.names[i], how, "load ended");
        self.shared.progress.finish(&self.shared.labels[i], how);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
