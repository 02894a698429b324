//! Ed-Fi ODS / API: one JSON object per request, upsert by natural key.
//!
//! Reads: units and answers. Writes: requests and verdicts. Never: I/O.
//! Sources: the API's own conventions (POST is an upsert, 201 / 200, `Location`), its problem
//! details (`urn:ed-fi:api:...`) and the older `message` / `modelState` bodies.

mod media;
mod owner;
mod problem;
mod reply;

use reqwest::Method;
use url::Url;

pub use media::Media;
pub use owner::Owner;
pub use problem::Problem;

use super::{Event, Operation, Packing, Phase, Request, Settlement, Step, Target, Unit, Verdict};
use crate::object::{Key, Reason, Refusal};

/// The one request of an upsert, a verify, or a delete by a known id.
const ONLY: u8 = 0;
/// GET by natural key, to learn the id.
const FIND: u8 = 1;
/// DELETE by id.
const DELETE: u8 = 2;
/// POST after a DELETE.
const REPOST: u8 = 3;
/// GET by id.
const CHECK: u8 = 4;

/// One resource at an Ed-Fi API.
#[derive(Clone, Debug)]
pub struct Route {
    /// The collection's URL.
    pub url: Url,
    /// What its bodies are called.
    pub media: Media,
    /// Whether a 403 on it is deferred: a person that other resources authorize.
    pub deferrable: bool,
}

/// The rules of an Ed-Fi API for the resources of one run.
#[derive(Debug)]
pub struct Edfi {
    routes: Vec<Route>,
}

impl Edfi {
    /// `routes` by index of the resource in the run.
    pub fn new(routes: Vec<Route>) -> Self {
        Self { routes }
    }

    fn post(&self, unit: &Unit) -> Request {
        Request {
            method: Method::POST,
            url: self.routes[unit.chunk.resource].url.clone(),
            body: Some(unit.chunk.body(unit.range.start)),
            content_type: Some(self.routes[unit.chunk.resource].media.writable.clone()),
            content_encoding: None,
            headers: None,
        }
    }

    fn find(&self, unit: &Unit) -> Option<Request> {
        let mut url = self.routes[unit.chunk.resource].url.clone();
        let parts = Key::parts(unit.chunk.key(unit.range.start))?;
        url.query_pairs_mut().extend_pairs(parts);
        Some(Request {
            method: Method::GET,
            url,
            body: None,
            content_type: self.routes[unit.chunk.resource].media.readable.clone(),
            content_encoding: None,
            headers: None,
        })
    }

    fn by_id(&self, unit: &Unit, method: Method, id: &str) -> Request {
        let mut url = self.routes[unit.chunk.resource].url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(id);
        }
        let put = method == Method::PUT;
        Request {
            method,
            url,
            body: put.then(|| unit.chunk.body(unit.range.start)),
            content_type: put.then(|| self.routes[unit.chunk.resource].media.writable.clone()),
            content_encoding: None,
            headers: None,
        }
    }

    fn upserted(&self, unit: &Unit, phase: &Phase, event: Event<'_>) -> Step {
        let Event::Answer {
            status,
            headers,
            body,
            complete,
        } = event
        else {
            return reply::fault(&event);
        };
        match status {
            201 => settle(Verdict::Created {
                id: reply::location_id(headers),
            }),
            200..=299 => {
                let id = phase
                    .id
                    .clone()
                    .unwrap_or_else(|| reply::location_id(headers));
                settle(Verdict::Updated { id })
            }
            404 if unit.operation == Operation::Replace => Step::Send(
                Phase {
                    step: REPOST,
                    id: None,
                },
                self.post(unit),
            ),
            // The body would tell what kind of refusal it is.
            _ if !complete => reply::cut_short(),
            _ => {
                let deferrable = self.routes[unit.chunk.resource].deferrable;
                reply::refused(status, headers, body, deferrable)
            }
        }
    }

    fn found(&self, unit: &Unit, event: Event<'_>) -> Step {
        let Event::Answer {
            status,
            headers,
            body,
            complete,
        } = event
        else {
            return reply::fault(&event);
        };
        if status != 200 {
            return match (status, unit.operation) {
                (404, Operation::Delete | Operation::Check) => settle(Verdict::AlreadyGone),
                _ if !complete => reply::cut_short(),
                _ => reply::refused(status, headers, body, false),
            };
        }
        if !complete {
            return reply::cut_short();
        }
        match (reply::found_id(body), unit.operation) {
            (Err(refusal), _) => settle(Verdict::Failed(refusal)),
            (Ok(Some(_)), Operation::Check) => settle(Verdict::Kept(still_there())),
            (Ok(Some(id)), Operation::Verify) => settle(Verdict::Present { id }),
            (Ok(None), Operation::Verify) => settle(Verdict::Failed(Refusal {
                reason: Reason::fixed("not_at_target"),
                status: 200,
                message: "the target has no record of this key".to_owned(),
            })),
            (Ok(Some(id)), _) => {
                let request = self.by_id(unit, Method::DELETE, &id);
                Step::Send(
                    Phase {
                        step: DELETE,
                        id: Some(id),
                    },
                    request,
                )
            }
            (Ok(None), Operation::DeleteAndPost) => Step::Send(
                Phase {
                    step: REPOST,
                    id: None,
                },
                self.post(unit),
            ),
            (Ok(None), _) => settle(Verdict::AlreadyGone),
        }
    }

    /// A record that the target does not list may be there all the same: a person whom no
    /// association makes visible (403).
    fn checked(event: Event<'_>) -> Step {
        let Event::Answer {
            status,
            headers,
            body,
            complete,
        } = event
        else {
            return reply::fault(&event);
        };
        match status {
            200 => settle(Verdict::Kept(still_there())),
            404 => settle(Verdict::AlreadyGone),
            _ if !complete => reply::cut_short(),
            403 => {
                let mut refusal = reply::refusal(status, body);
                refusal.reason = Reason::fixed("not_visible");
                settle(Verdict::Kept(refusal))
            }
            _ => reply::refused(status, headers, body, false),
        }
    }

    fn deleted(&self, unit: &Unit, event: Event<'_>) -> Step {
        let Event::Answer {
            status,
            headers,
            body,
            complete,
        } = event
        else {
            return reply::fault(&event);
        };
        let then_post = unit.operation == Operation::DeleteAndPost;
        match status {
            200..=299 | 404 if then_post => Step::Send(
                Phase {
                    step: REPOST,
                    id: None,
                },
                self.post(unit),
            ),
            200..=299 => settle(Verdict::Deleted),
            404 => settle(Verdict::AlreadyGone),
            403 if self.routes[unit.chunk.resource].deferrable => {
                let mut refusal = reply::refusal(status, body);
                refusal.reason = Reason::fixed("kept_shared");
                settle(Verdict::Kept(refusal))
            }
            _ if !complete => reply::cut_short(),
            _ => reply::refused(status, headers, body, false),
        }
    }
}

impl Target for Edfi {
    fn packing(&self) -> Packing {
        // No shipped server has a batch endpoint: one object per request.
        Packing {
            objects: 1,
            bytes: usize::MAX,
        }
    }

    fn start(&self, unit: &Unit) -> (Phase, Request) {
        let known = unit.chunk.id(unit.range.start);
        let only = |id: Option<&str>| Phase {
            step: ONLY,
            id: id.map(str::to_owned),
        };
        match (unit.operation, known) {
            (Operation::Replace, Some(id)) => (only(Some(id)), self.by_id(unit, Method::PUT, id)),
            (Operation::Delete | Operation::DeleteAndPost, Some(id)) => (
                Phase {
                    step: DELETE,
                    id: Some(id.to_owned()),
                },
                self.by_id(unit, Method::DELETE, id),
            ),
            (Operation::Check, Some(id)) => (
                Phase {
                    step: CHECK,
                    id: Some(id.to_owned()),
                },
                self.by_id(unit, Method::GET, id),
            ),
            (
                Operation::Delete | Operation::DeleteAndPost | Operation::Verify | Operation::Check,
                _,
            ) => {
                match self.find(unit) {
                    Some(request) => (
                        Phase {
                            step: FIND,
                            id: None,
                        },
                        request,
                    ),
                    // A source-row key is never sent; a POST states why it is wrong.
                    None => (only(None), self.post(unit)),
                }
            }
            (Operation::Upsert | Operation::Replace, _) => (only(None), self.post(unit)),
        }
    }

    fn advance(&self, unit: &Unit, phase: &Phase, event: Event<'_>) -> Step {
        match phase.step {
            FIND => self.found(unit, event),
            DELETE => self.deleted(unit, event),
            CHECK => Self::checked(event),
            _ => self.upserted(unit, phase, event),
        }
    }
}

fn still_there() -> Refusal {
    Refusal {
        reason: Reason::fixed("still_there"),
        status: 200,
        message: "the target has the record, though it did not list it".to_owned(),
    }
}

fn settle(verdict: Verdict) -> Step {
    Step::Settle(Settlement::One(verdict))
}

#[cfg(test)]
mod tests;
