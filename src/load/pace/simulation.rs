//! A server in virtual time: discrete events, nothing sleeps, every run is the same.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use super::{Pace, Went};

/// Microseconds of virtual time.
pub(super) type Micros = u64;
pub(super) const SECOND: Micros = 1_000_000;

/// A server with `capacity` workers and a queue before them.
#[derive(Clone)]
pub(super) struct Server {
    /// Workers, by time.
    pub(super) capacity: fn(Micros) -> usize,
    /// Time of one request's work, by time and a random number from 0 to 1.
    pub(super) service: fn(Micros, f64) -> Micros,
    /// Requests that may wait; a further one is refused.
    pub(super) queue: usize,
    /// Share of the requests that are refused for no reason.
    pub(super) moody: f64,
}

impl Server {
    /// Fixed capacity and time.
    pub(super) fn plain(capacity: fn(Micros) -> usize) -> Self {
        Self {
            capacity,
            service: |_, _| 50_000,
            queue: usize::MAX,
            moody: 0.0,
        }
    }
}

/// What a stretch of the simulation came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch {
    pub(super) served: u64,
    pub(super) refused: u64,
    /// Sum of the latencies, in microseconds.
    latency: u64,
    /// Length.
    span: Micros,
}

impl Stretch {
    /// Requests served per second.
    pub(super) fn rate(&self) -> f64 {
        self.served as f64 * SECOND as f64 / self.span as f64
    }

    /// Mean latency in milliseconds.
    pub(super) fn latency(&self) -> f64 {
        self.latency as f64 / self.served.max(1) as f64 / 1000.0
    }

    /// Share of all answers that were refusals.
    pub(super) fn refusals(&self) -> f64 {
        self.refused as f64 / (self.served + self.refused).max(1) as f64
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The server has done a client's request.
    Done(usize),
    /// A client whose request was refused comes back.
    Back(usize),
}

/// Clients that always have something to send, as the loop's workers.
pub(super) struct Simulation {
    server: Server,
    random: fastrand::Rng,
    now: Micros,
    events: BinaryHeap<Reverse<(Micros, u64, Event)>>,
    count: u64,
    busy: usize,
    waiting: VecDeque<usize>,
    /// Clients with nothing under way.
    resting: BTreeSet<usize>,
    /// When each of the others sent.
    sent: Vec<Micros>,
}

impl Simulation {
    pub(super) fn new(server: Server, most: usize) -> Self {
        Self {
            server,
            random: fastrand::Rng::with_seed(7),
            now: 0,
            events: BinaryHeap::new(),
            count: 0,
            busy: 0,
            waiting: VecDeque::new(),
            resting: (0..most).collect(),
            sent: vec![0; most],
        }
    }

    /// Runs until `until`; `limit` and `finished` stand for the pace.
    pub(super) fn run(
        &mut self,
        until: Micros,
        limit: &dyn Fn() -> usize,
        finished: &dyn Fn(Micros, Micros, Went),
    ) -> Stretch {
        let mut stretch = Stretch {
            span: until - self.now,
            ..Stretch::default()
        };
        self.admit(limit(), &mut stretch, finished);
        while let Some(Reverse((at, ..))) = self.events.peek() {
            if *at >= until {
                break;
            }
            let Some(Reverse((at, _, event))) = self.events.pop() else {
                break;
            };
            self.now = at;
            let (Event::Done(client) | Event::Back(client)) = event;
            if let Event::Done(client) = event {
                let latency = at - self.sent[client];
                stretch.served += 1;
                stretch.latency += latency;
                self.busy -= 1;
                self.serve();
                finished(at, latency, Went::Served);
            }
            self.resting.insert(client);
            self.admit(limit(), &mut stretch, finished);
        }
        self.now = until;
        stretch
    }

    /// Every client below the limit that rests sends.
    fn admit(
        &mut self,
        limit: usize,
        stretch: &mut Stretch,
        finished: &dyn Fn(Micros, Micros, Went),
    ) {
        while let Some(client) = self.resting.first().copied().filter(|c| *c < limit) {
            self.resting.remove(&client);
            self.sent[client] = self.now;
            let full = self.waiting.len() >= self.server.queue
                && self.busy >= (self.server.capacity)(self.now);
            if full || self.random.f64() < self.server.moody {
                stretch.refused += 1;
                finished(self.now, 1000, Went::Refused);
                let pause = 125_000 + self.random.u64(..125_000);
                self.at(self.now + pause, Event::Back(client));
            } else {
                self.waiting.push_back(client);
                self.serve();
            }
        }
    }

    fn serve(&mut self) {
        while self.busy < (self.server.capacity)(self.now) {
            let Some(client) = self.waiting.pop_front() else {
                return;
            };
            self.busy += 1;
            let work = (self.server.service)(self.now, self.random.f64());
            self.at(self.now + work.max(1), Event::Done(client));
        }
    }

    fn at(&mut self, when: Micros, event: Event) {
        self.count += 1;
        self.events.push(Reverse((when, self.count, event)));
    }
}

/// A pace against a server: the stretch after `settled`, and the limit at its end.
pub(super) fn adaptive(
    server: &Server,
    start: usize,
    settled: Micros,
    until: Micros,
) -> (Stretch, usize) {
    let epoch = Instant::now();
    let pace = Pace::new(start, 1024, epoch);
    let mut simulation = Simulation::new(server.clone(), 1024);
    let limit = || pace.limit();
    let finished = |now: Micros, latency: Micros, went| {
        let now = epoch + Duration::from_micros(now);
        pace.finished(now, Duration::from_micros(latency), went);
    };
    simulation.run(settled, &limit, &finished);
    let stretch = simulation.run(until, &limit, &finished);
    (stretch, pace.limit())
}

/// A fixed number in flight over the same stretch.
pub(super) fn fixed(server: &Server, limit: usize, settled: Micros, until: Micros) -> Stretch {
    let mut simulation = Simulation::new(server.clone(), 1024);
    simulation.run(settled, &|| limit, &|_, _, _| {});
    simulation.run(until, &|| limit, &|_, _, _| {})
}
