//! How many requests are in flight: as many as the server turns into throughput, and no more.
//!
//! Reads: how each request went. Writes: the limit that workers wait for. Never: a clock, a timer;
//! [`control`] decides, this measures and shares.

mod control;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use control::{Control, Measure};
use tokio::sync::watch;

/// Below this share of the limit in flight, the feed is what limits: nothing is learned then.
const STARVED: f64 = 0.5;

/// How a request went, as far as the pace minds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// The server did its work.
    Served,
    /// It asks for less: 429, 503, or no answer in time.
    Refused,
    /// Neither: a lost connection, a fault of the server that comes fast and tells nothing.
    Unknown,
}

/// The limit on requests in flight, shared by all workers.
#[derive(Debug)]
pub(super) struct Pace {
    limit: watch::Sender<usize>,
    served: AtomicU64,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    control: Control,
    meter: Meter,
}

/// One window of measurement: it begins once what was in flight under the last limit is done.
#[derive(Debug)]
struct Meter {
    /// Completions still to be passed over.
    settle: usize,
    /// When the window began.
    began: Instant,
    /// Completions that make it whole.
    wanted: usize,
    /// Refusals that end it at once.
    storm: usize,
    served: usize,
    refused: usize,
    latency: Duration,
}

impl Meter {
    fn new(settle: usize, control: &Control, now: Instant) -> Self {
        Self {
            settle,
            began: now,
            wanted: control.wanted(),
            storm: control.storm(),
            served: 0,
            refused: 0,
            latency: Duration::ZERO,
        }
    }

    /// Takes one completion in; the measure, if the window is whole now.
    fn take(
        &mut self,
        limit: usize,
        now: Instant,
        latency: Duration,
        went: Went,
    ) -> Option<Measure> {
        if self.settle > 0 {
            self.settle -= 1;
            self.began = now;
            return None;
        }
        match went {
            Went::Served => {
                self.served += 1;
                self.latency += latency;
            }
            Went::Refused => self.refused += 1,
            Went::Unknown => return None,
        }
        // A storm of refusals is not waited out.
        if self.refused < self.storm && self.served + self.refused < self.wanted {
            return None;
        }
        let elapsed = now.saturating_duration_since(self.began).as_secs_f64();
        let latency = self.latency.as_secs_f64();
        Some(Measure {
            limit: limit as f64,
            latency: latency / self.served.max(1) as f64,
            refused: self.refused as f64 / (self.served + self.refused) as f64,
            starved: latency < STARVED * limit as f64 * elapsed,
        })
    }
}

impl Pace {
    /// A limit of `start`, never above `most`.
    pub(super) fn new(start: usize, most: usize, now: Instant) -> Self {
        let control = Control::new(start, most);
        Self {
            limit: watch::Sender::new(control.limit()),
            served: AtomicU64::new(0),
            inside: Mutex::new(Inside {
                meter: Meter::new(0, &control, now),
                control,
            }),
        }
    }

    /// The limit now.
    pub(super) fn limit(&self) -> usize {
        *self.limit.borrow()
    }

    /// Waits until worker number `index` may work.
    pub(super) async fn admit(&self, index: usize) {
        if index < self.limit() {
            return;
        }
        let mut changes = self.limit.subscribe();
        // The sender lives as long as self: no error.
        let _ = changes.wait_for(|limit| index < *limit).await;
    }

    /// Requests that the server has worked on so far.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// A request is over; at the end of a window that moves the limit.
    pub(super) fn finished(&self, now: Instant, latency: Duration, went: Went) {
        if went == Went::Served {
            self.served.fetch_add(1, Ordering::Relaxed);
        }
        let mut inside = self.lock();
        let before = inside.control.limit();
        let Some(measure) = inside.meter.take(before, now, latency, went) else {
            return;
        };
        inside.control.judge(measure);
        let after = inside.control.limit();
        // What is in flight was sent under the old limit, and what follows waits behind it.
        let settle = match after == before {
            true => 0,
            false => inside.control.settle() * before.max(after),
        };
        inside.meter = Meter::new(settle, &inside.control, now);
        if after != before {
            tracing::debug!(from = before, to = after, "requests in flight");
            self.limit.send_if_modified(|limit| {
                // Once released it stays so.
                let moves = *limit != usize::MAX;
                if moves {
                    *limit = after;
                }
                moves
            });
        }
    }

    /// Lets every worker go on, so that all of them see that the run is over.
    pub(super) fn release(&self) {
        self.limit.send_replace(usize::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
