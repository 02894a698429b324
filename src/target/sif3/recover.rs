//! The way out of a lost answer to creates: each object is looked up, what is found is updated, the
//! others are created.
//!
//! Reads: units and answers. Writes: requests and verdicts. Never: I/O, clocks.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

use super::answer::failed_refusal;
use super::doubt::{Doubts, Mark, ROUNDS};
use super::lookup::{Example, Seen};
use super::{METHOD_OVERRIDE, Sif3, XML, XML_BODY, body};
use crate::object::Refusal;
use crate::sif3::refusal as sif3_refusal;
use crate::target::{Event, Operation, Phase, Request, Settlement, Step, Unit, Verdict, Wait};

const NAVIGATION_PAGE: HeaderName = HeaderName::from_static("navigationpage");
const NAVIGATION_PAGE_SIZE: HeaderName = HeaderName::from_static("navigationpagesize");

impl Sif3 {
    /// What is in doubt of a unit: creates only.
    pub(super) fn doubts(&self, unit: &Unit) -> Option<&Doubts> {
        let doubts = self.doubts.as_ref();
        doubts.filter(|_| unit.operation == Operation::Upsert)
    }

    /// The answer was lost, and the provider may have done what was asked. Where that matters it is
    /// found out; otherwise `again`: what is created twice is found there the second time.
    pub(super) fn lost(
        &self,
        unit: &Unit,
        phase: &Phase,
        refusal: Refusal,
        again: impl Fn(Refusal) -> Step,
    ) -> Step {
        let Some(doubts) = self.doubts(unit) else {
            return again(refusal);
        };
        doubts.lost(unit);
        match phase.step < 2 * ROUNDS {
            true => self.proceed(unit, doubts, phase.step, &refusal),
            false => {
                let failed = |_| Verdict::Failed(refusal.clone());
                Step::Settle(Settlement::Each(doubts.verdicts(unit, failed)))
            }
        }
    }

    /// The next lookup; after the last one the creates that are left, if there are any. Steps of a
    /// conversation are even for creates, odd for lookups.
    fn proceed(&self, unit: &Unit, doubts: &Doubts, step: u8, refusal: &Refusal) -> Step {
        let at = |step| Phase {
            step,
            ..Phase::default()
        };
        if let Some(request) = self.look(unit, doubts) {
            return Step::Send(at(step | 1), request);
        }
        if doubts.creates(unit) {
            return Step::Send(at((step | 1) + 1), self.send(unit));
        }
        let failed = |_| Verdict::Failed(refusal.clone());
        Step::Settle(Settlement::Each(doubts.verdicts(unit, failed)))
    }

    /// The question for the next object that is in doubt.
    pub(super) fn look(&self, unit: &Unit, doubts: &Doubts) -> Option<Request> {
        let route = &self.routes[unit.chunk.resource];
        while let Some(i) = doubts.open(unit) {
            let Some(example) = self.example(unit, i) else {
                doubts.set(unit, i, Mark::Unclear);
                continue;
            };
            let headers = [
                (ACCEPT, XML),
                (METHOD_OVERRIDE, HeaderValue::from_static("GET")),
                (NAVIGATION_PAGE, HeaderValue::from_static("1")),
                (NAVIGATION_PAGE_SIZE, HeaderValue::from_static("10")),
            ];
            return Some(Request {
                method: Method::POST,
                url: route.url.clone(),
                body: Some(Bytes::from(example.to_xml(&self.rules.data_model))),
                content_type: Some(XML_BODY),
                content_encoding: None,
                headers: Some(Box::new(HeaderMap::from_iter(headers))),
            });
        }
        None
    }

    fn example(&self, unit: &Unit, i: usize) -> Option<Example> {
        let mut body = Vec::new();
        let own = Some(body::ref_id(unit, i));
        self.ids
            .as_ref()?
            .rewrite(unit.chunk.bodies.bytes(i), own, &mut body);
        Example::of(&body)
    }

    /// What a lookup was answered.
    pub(super) fn looked(&self, unit: &Unit, phase: &Phase, event: Event<'_>) -> Step {
        let refusal = |status, text: &str| {
            let message = format!(
                "the answer to its create was lost, and whether the provider has it cannot be \
                 found out: {text}"
            );
            failed_refusal("in_doubt", status, message)
        };
        let (status, headers, body) = match event {
            Event::Fault { text, .. } => {
                return Step::Again {
                    refusal: refusal(0, text),
                    wait: Wait::Backoff,
                };
            }
            Event::Answer {
                complete: false, ..
            } => {
                return Step::Again {
                    refusal: refusal(0, "the answer's body ended early"),
                    wait: Wait::Backoff,
                };
            }
            Event::Answer {
                status,
                headers,
                body,
                ..
            } => (status, headers, body),
        };
        let (Some(doubts), Some(ids)) = (self.doubts(unit), &self.ids) else {
            return Step::Settle(Settlement::One(Verdict::Failed(refusal(status, ""))));
        };
        match status {
            200..=299 => {
                if let Some(i) = doubts.open(unit)
                    && let Some(example) = self.example(unit, i)
                {
                    doubts.set(
                        unit,
                        i,
                        match example.find(body) {
                            Seen::Nothing => Mark::Absent,
                            Seen::Unclear => Mark::Unclear,
                            Seen::One(id) => {
                                ids.learn(body::ref_id(unit, i), &id);
                                Mark::Found
                            }
                        },
                    );
                }
            }
            401 => return Step::Renew(failed_refusal("unauthorized", status, sif3_refusal(body))),
            408 | 425 | 429 | 500 | 502..=599 => {
                return Step::Again {
                    refusal: refusal(status, &sif3_refusal(body)),
                    wait: Wait::SlowDown(crate::target::retry_after(headers)),
                };
            }
            // It has no such question, or not for us.
            _ => doubts.unclear(unit),
        }
        self.proceed(unit, doubts, phase.step, &refusal(status, ""))
    }
}
