//! A worker: takes a unit, drives the target's conversation to its end, reports the verdicts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;

use super::cut::{fitting, halves};
use super::http::{Reply, exchange};
use super::pace::Went;
use super::regroup::{Regrouped, regroup};
use super::retry::next_wait;
use super::sink::{Message, Settled};
use super::{Bearer, Shared, TokenError};
use crate::object::{Reason, Refusal};
use crate::target::{Operation, Phase, Request, Settlement, Step, Unit, Verdict, Wait};

/// An object that is told "too many requests" so often, while others are served, is given up on.
const MOST_CROWDED: u32 = 200;

/// HTTP status "too many requests".
const TOO_MANY: u16 = 429;

/// A server whose tokens die faster than this, for one object, is given up on.
const MOST_EXPIRED: u32 = 50;

/// Takes units until the run has no more. `index` is the worker's number: it rests while the limit
/// on requests in flight is not above it.
pub(super) async fn work(shared: Arc<Shared>, index: usize) {
    loop {
        shared.pace.admit(index).await;
        let Ok(unit) = shared.units.recv().await else {
            return;
        };
        // What one request cannot carry goes out in several.
        let mut units = vec![(unit, Spent::default(), false)];
        while let Some((unit, spent, regrouped)) = units.pop() {
            if let Some((first, second)) = fitting(&unit, shared.target.most()) {
                units.push((second, Spent::default(), regrouped));
                units.push((first, spent, regrouped));
                continue;
            }
            let settled = if shared.stopped(unit.chunk.resource) {
                Settled::unsent(unit)
            } else {
                match Conversation::new(&shared, unit, spent, regrouped)
                    .run()
                    .await
                {
                    Ended::Settled(settled) => settled,
                    Ended::Split(first, second, spent) => {
                        units.push((second, Spent::default(), regrouped));
                        units.push((first, spent, regrouped));
                        continue;
                    }
                    Ended::Regrouped(again, mut spent, settled) => {
                        let again = again.into_iter();
                        units.extend(again.map(|unit| (unit, std::mem::take(&mut spent), true)));
                        match settled {
                            Some(settled) => settled,
                            None => continue,
                        }
                    }
                }
            };
            if shared.sink.send(Message::Settled(settled)).await.is_err() {
                return;
            }
        }
    }
}

/// How a conversation ended.
enum Ended {
    Settled(Settled),
    /// Its objects are to go out in two requests; what was spent counts for the first.
    Split(Unit, Unit, Spent),
    /// Some of its objects are to go out again under another operation; what became of the others.
    Regrouped(Vec<Unit>, Spent, Option<Settled>),
}

/// Requests sent, time in flight, bytes out and in.
#[derive(Clone, Copy, Default)]
struct Spent {
    requests: u16,
    latency: Duration,
    sent: u64,
    received: u64,
}

struct Conversation<'a> {
    shared: &'a Shared,
    unit: Unit,
    correlation: Option<HeaderValue>,
    spent: Spent,
    /// Requests sent for this phase.
    tries: u32,
    /// Those of them that met a crowd: refused as too many, while the server served others.
    crowded: u32,
    /// What the server had served when the last request went out.
    served: u64,
    /// Version of the token that the last request carried.
    bearer: Option<u64>,
    /// A token that was never accepted has been renewed.
    renewed: bool,
    /// Tokens that expired under this conversation.
    expired: u32,
    /// A race was lost once.
    raced: bool,
    /// The operation has changed already.
    regrouped: bool,
    /// HTTP status of the last answer; 0 when there was none.
    status: u16,
}

impl<'a> Conversation<'a> {
    fn new(shared: &'a Shared, unit: Unit, spent: Spent, regrouped: bool) -> Self {
        let row = unit
            .chunk
            .rows
            .get(unit.range.start)
            .copied()
            .unwrap_or_default();
        let name = &shared.names[unit.chunk.resource];
        let correlation = HeaderValue::from_str(&format!("{}/{name}/{row}", shared.run)).ok();
        Self {
            shared,
            unit,
            correlation,
            spent,
            tries: 0,
            crowded: 0,
            served: 0,
            bearer: None,
            renewed: false,
            expired: 0,
            raced: false,
            regrouped,
            status: 0,
        }
    }

    async fn run(mut self) -> Ended {
        let (mut phase, mut request) = self.shared.target.start(&self.unit);
        let settlement = loop {
            match self.ask(&phase, request.clone()).await {
                Ok(Step::Send(next, following)) => {
                    (phase, request) = (next, following);
                    (self.tries, self.crowded) = (0, 0);
                }
                Ok(Step::Settle(Settlement::One(Verdict::Again(operation, refusal)))) => {
                    match self.regroup(operation, refusal) {
                        Ok(start) => (phase, request) = start,
                        Err(refusal) => break Settlement::One(Verdict::Failed(refusal)),
                    }
                }
                Ok(Step::Split(refusal)) => match halves(&self.unit) {
                    Some((first, second)) => return Ended::Split(first, second, self.spent),
                    None => break Settlement::One(Verdict::Failed(refusal)),
                },
                Ok(Step::Settle(Settlement::Each(each))) => return self.each(each),
                Ok(Step::Settle(settlement)) => break settlement,
                Ok(Step::Again { refusal, wait }) => {
                    let Some(pause) = self.pause(wait) else {
                        break Settlement::One(Verdict::Failed(refusal));
                    };
                    if self.rest(pause).await.is_err() {
                        return Ended::Settled(self.settled(None));
                    }
                }
                Ok(Step::Renew(refusal)) => match self.renew().await {
                    Ok(true) => {}
                    Ok(false) => break Settlement::One(Verdict::Failed(refusal)),
                    Err(Stop::Unanswered) => return Ended::Settled(self.settled(None)),
                },
                Err(Stop::Unanswered) => return Ended::Settled(self.settled(None)),
            }
        };
        Ended::Settled(self.settled(Some(settlement)))
    }

    /// One request and what the target makes of its answer.
    async fn ask(&mut self, phase: &Phase, request: Request) -> Result<Step, Stop> {
        let shared = self.shared;
        let bearer = match &shared.token {
            Some(token) => Some(self.unless_cancelled(token.get()).await?),
            None => None,
        };
        self.bearer = bearer.as_ref().map(|b| b.version);
        if let Some(rate) = &shared.settings.rate {
            self.unless_stopped(rate.wait()).await?;
        }
        let length = request.body.as_ref().map_or(0, |body| body.len() as u64);
        self.served = shared.pace.served();
        let (reply, elapsed) =
            exchange(&shared.http, request, bearer, self.correlation.clone()).await;
        let spent = &mut self.spent;
        spent.requests = spent.requests.saturating_add(1);
        spent.latency += elapsed;
        spent.sent += length;
        spent.received += reply.received();
        self.tries += 1;
        self.status = reply.status();
        let step = shared.target.advance(&self.unit, phase, reply.event());
        shared.pace.finished(Instant::now(), elapsed, went(&step));
        if let (Some(token), Some(version)) = (&shared.token, self.bearer)
            && !matches!(step, Step::Renew(_))
            && matches!(reply, Reply::Answer { .. })
        {
            token.accepted(version);
        }
        Ok(step)
    }

    /// A token after one that was refused. False when there is no use in another: one that was
    /// never accepted was refused for a second time.
    async fn renew(&mut self) -> Result<bool, Stop> {
        let (Some(token), Some(version)) = (&self.shared.token, self.bearer) else {
            return Ok(false);
        };
        let expired = token.was_accepted(version) && self.expired < MOST_EXPIRED;
        if self.renewed && !expired {
            return Ok(false);
        }
        if expired {
            // No fault of this object: the try does not count.
            self.expired += 1;
            self.tries -= 1;
        } else {
            self.renewed = true;
        }
        self.unless_cancelled(token.renew(version)).await?;
        Ok(true)
    }

    /// A token, unless the run is being stopped before there is one.
    async fn unless_cancelled(
        &self,
        token: impl Future<Output = Result<Bearer, TokenError>>,
    ) -> Result<Bearer, Stop> {
        tokio::select! {
            token = token => token.map_err(|e| self.shared.lose_token(&e)),
            () = self.shared.cancelled() => Err(Stop::Unanswered),
        }
    }

    /// Something to wait for, unless the run is being stopped before.
    async fn unless_stopped(&self, wait: impl Future<Output = ()>) -> Result<(), Stop> {
        tokio::select! {
            () = wait => Ok(()),
            () = self.shared.cancelled() => Err(Stop::Unanswered),
        }
    }

    /// The same objects under another operation, once.
    fn regroup(
        &mut self,
        operation: Operation,
        refusal: Refusal,
    ) -> Result<(Phase, Request), Refusal> {
        if self.regrouped || self.unit.operation == operation {
            return Err(refusal);
        }
        self.regrouped = true;
        self.unit.operation = operation;
        (self.tries, self.crowded) = (0, 0);
        Ok(self.shared.target.start(&self.unit))
    }

    fn pause(&mut self, wait: Wait) -> Option<Duration> {
        if wait == Wait::Once {
            return (!std::mem::replace(&mut self.raced, true)).then_some(Duration::ZERO);
        }
        // Too many at once is for the pace to mend, and no fault of this object's.
        if self.status == TOO_MANY
            && self.crowded < MOST_CROWDED
            && self.shared.pace.served() > self.served
        {
            self.crowded += 1;
        }
        next_wait(
            &self.shared.settings,
            wait,
            self.tries,
            self.crowded,
            fastrand::f64(),
        )
    }

    /// Waits, unless the run is being stopped.
    async fn rest(&self, pause: Duration) -> Result<(), Stop> {
        if pause.is_zero() {
            return Ok(());
        }
        self.unless_stopped(tokio::time::sleep(pause)).await
    }

    fn settled(self, settlement: Option<Settlement>) -> Settled {
        let verdicts = match settlement {
            None => Vec::new(),
            // A refusal of the whole request stands for each of its objects.
            Some(Settlement::One(verdict)) => vec![verdict; self.unit.len()],
            Some(Settlement::Each(each)) => self.positional(each),
        };
        let unit = self.unit.clone();
        self.closed(unit, verdicts)
    }

    /// The end of the conversation for these objects.
    fn closed(&self, unit: Unit, verdicts: Vec<Verdict>) -> Settled {
        Settled {
            unit,
            verdicts,
            attempts: self.spent.requests,
            latency_us: u32::try_from(self.spent.latency.as_micros()).unwrap_or(u32::MAX),
            sent: self.spent.sent,
            received: self.spent.received,
            status: self.status,
        }
    }

    /// Verdicts on each object: some may be to go out again, once.
    fn each(self, each: Vec<(Option<crate::object::KeyHash>, Verdict)>) -> Ended {
        let verdicts = self.positional(each);
        let first = (!self.regrouped).then(|| regroup(&self.unit, &verdicts));
        match first.flatten() {
            None => {
                let unit = self.unit.clone();
                Ended::Settled(self.closed(unit, verdicts))
            }
            Some(Regrouped { again, rest }) => {
                // What was spent is told once.
                let spent = match rest {
                    Some(_) => Spent::default(),
                    None => self.spent,
                };
                let settled = rest.map(|(unit, verdicts)| self.closed(unit, verdicts));
                Ended::Regrouped(again, spent, settled)
            }
        }
    }

    /// Verdicts by position; one that names another object, or is missing, settles nothing.
    fn positional(&self, each: Vec<(Option<crate::object::KeyHash>, Verdict)>) -> Vec<Verdict> {
        let mut each = each.into_iter();
        self.unit
            .range
            .clone()
            .map(|i| match each.next() {
                Some((named, verdict))
                    if named.is_none_or(|key| key == self.unit.chunk.key_hash(i)) =>
                {
                    verdict
                }
                Some(_) => Verdict::Failed(unusable("the answer names another object here")),
                None => Verdict::Failed(unusable("the answer has no verdict on this object")),
            })
            .collect()
    }
}

/// What a step tells of the server's load.
fn went(step: &Step) -> Went {
    match step {
        Step::Again {
            wait: Wait::SlowDown(_),
            ..
        } => Went::Refused,
        Step::Again { .. } | Step::Renew(_) | Step::Split(_) => Went::Unknown,
        Step::Send(..) | Step::Settle(_) => Went::Served,
    }
}

fn unusable(message: &str) -> Refusal {
    Refusal {
        reason: Reason::fixed("incomplete_answer"),
        status: 0,
        message: message.to_owned(),
    }
}

/// Why a conversation ended without a verdict.
pub(super) enum Stop {
    /// The run is being stopped: the objects stay due.
    Unanswered,
}

impl Shared {
    /// No token can be had: the run stops, and what is not settled stays due.
    fn lose_token(&self, error: &TokenError) -> Stop {
        self.abort(&error.to_string());
        Stop::Unanswered
    }
}
