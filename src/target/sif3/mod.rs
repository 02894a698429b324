//! A SIF 3 provider: objects created, updated and deleted many at a time over REST.
//!
//! Reads: units and answers. Writes: requests and verdicts. Never: I/O, clocks.
//!
//! A request is one unit: objects of one service as one collection. Its answer says of each object
//! what became of it; that the request was answered 200 says nothing. A create that meets an object
//! which is there already (409) is sent again as an update, an update that meets none (404) as a
//! create, each once. What the ledger knows as delivered is updated straight away.
//! Source: SIF infrastructure 3.3; recorded conversations of a provider.

mod answer;
mod batch;
mod body;
mod ids;

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use url::Url;

pub use ids::IdMap;

use super::dis::Encoding;
use super::{
    Event, Fault, Operation, Packing, Phase, Request, Settlement, Step, Target, Unit, Verdict, Wait,
};
use crate::object::{Encoded, Refusal};
use crate::sif3::{Bulk, refusal};
use crate::xml::{XmlBatch, XmlPlan};
use answer::failed_refusal;
use batch::{Batch, Size};

const MUST_USE_ADVISORY: HeaderName = HeaderName::from_static("mustuseadvisory");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("methodoverride");
const XML: HeaderValue = HeaderValue::from_static("application/xml");
const XML_BODY: HeaderValue = HeaderValue::from_static("application/xml;charset=UTF-8");

/// Where the objects of one resource go, and how they are written.
#[derive(Clone, Debug)]
pub struct Route {
    /// `{requestsConnector}/StudentPersonals;zoneId=...;contextId=...`
    pub url: Url,
    /// `StudentPersonals`
    pub service: String,
    /// The form of one object.
    pub plan: XmlPlan,
}

/// What holds for all requests of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Infrastructure version (`3.3`).
    pub infrastructure: String,
    /// Namespace of the data model.
    pub data_model: String,
    /// Whether the provider must keep our RefIds, or fail the object.
    pub must_use_advisory: bool,
    /// Whether bodies are compressed.
    pub gzip: bool,
}

/// The rules of a provider for the objects of one run.
#[derive(Debug)]
pub struct Sif3 {
    routes: Vec<Route>,
    rules: Rules,
    /// None: the provider keeps our RefIds.
    ids: Option<IdMap>,
    /// How much the next requests carry.
    batch: Mutex<Batch>,
}

impl Sif3 {
    /// `routes` by index of the resource in the run; `ids` as the ledger knows them.
    pub fn new(routes: Vec<Route>, rules: Rules, ids: IdMap, packing: Packing) -> Self {
        Self {
            routes,
            ids: (!rules.must_use_advisory).then_some(ids),
            rules,
            batch: Mutex::new(Batch::new(packing)),
        }
    }

    /// What became of a request teaches how much the next ones may carry.
    fn learn<T>(&self, unit: &Unit, tell: impl Fn(&mut Batch, Size) -> T) -> T {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&mut batch, Size::of(unit))
    }

    /// No answer in time, of the provider or of what stands before it: smaller requests from now on.
    /// One that is larger than those is sent in two.
    fn slow(&self, unit: &Unit, refusal: Refusal, wait: Wait) -> Step {
        let most = self.learn(unit, |batch, size| {
            batch.slow(size);
            batch.most().objects
        });
        match unit.len() > most {
            true => Step::Split(refusal),
            false => Step::Again { refusal, wait },
        }
    }

    /// An answer about each object.
    fn answered(&self, unit: &Unit, status: u16, body: &[u8]) -> Step {
        self.learn(unit, Batch::taken);
        match Bulk::read(body) {
            Ok(bulk) => Step::Settle(Settlement::Each(answer::verdicts(
                unit,
                &bulk,
                status,
                &self.rules,
                self.ids.as_ref(),
            ))),
            // Creates that are repeated are found there, and updated.
            Err(message) => Step::Again {
                refusal: failed_refusal("unreadable_answer", status, message),
                wait: Wait::Backoff,
            },
        }
    }

    /// A refusal of the whole request.
    fn refused(&self, unit: &Unit, status: u16, headers: &HeaderMap, body: &[u8]) -> Step {
        let message = refusal(body);
        let again = |reason| Step::Again {
            refusal: failed_refusal(reason, status, message.clone()),
            wait: Wait::SlowDown(super::retry_after(headers)),
        };
        let failed = |reason| {
            Step::Settle(Settlement::One(Verdict::Failed(failed_refusal(
                reason,
                status,
                message.clone(),
            ))))
        };
        match status {
            401 => Step::Renew(failed_refusal("unauthorized", status, message)),
            413 if unit.len() > 1 => {
                self.learn(unit, Batch::refused);
                Step::Split(failed_refusal("too_large", status, message))
            }
            413 => failed("too_large"),
            // One object that cannot be read spoils all beside it: those get another chance.
            400 if unit.len() > 1 => Step::Split(failed_refusal("bad_request", status, message)),
            429 => again("too_many_requests"),
            503 => again("no_provider"),
            504 => {
                let wait = Wait::SlowDown(super::retry_after(headers));
                self.slow(unit, failed_refusal("unavailable", status, message), wait)
            }
            408 | 425 | 502 => again("unavailable"),
            500..=599 => again("server_error"),
            403 => failed("access_denied"),
            404 | 405 => failed("unknown_service"),
            415 => failed("media_type"),
            300..=399 => failed("redirected"),
            _ => failed("bad_request"),
        }
    }
}

impl Target for Sif3 {
    fn packing(&self) -> Packing {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        batch.next()
    }

    fn most(&self) -> Packing {
        let batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        batch.most()
    }

    fn encode(&self, resource: usize, body: &RecordBatch) -> Result<Encoded, ArrowError> {
        match self.routes.get(resource) {
            Some(route) => XmlBatch::new(&route.plan, body).encode(),
            None => Ok(Encoded::default()),
        }
    }

    fn updates_known(&self) -> bool {
        true
    }

    fn start(&self, unit: &Unit) -> (Phase, Request) {
        let route = &self.routes[unit.chunk.resource];
        let ids = self.ids.as_ref();
        let mut headers = HeaderMap::from_iter([(ACCEPT, XML)]);
        let collection = || body::collection(unit, route, &self.rules.data_model, ids);
        let (method, body) = match unit.operation {
            Operation::Delete => {
                headers.insert(METHOD_OVERRIDE, HeaderValue::from_static("DELETE"));
                let body = body::deletes(unit, &self.rules.infrastructure, ids);
                (Method::PUT, body)
            }
            Operation::Replace => (Method::PUT, collection()),
            _ => {
                let keep = match self.rules.must_use_advisory {
                    true => "true",
                    false => "false",
                };
                headers.insert(MUST_USE_ADVISORY, HeaderValue::from_static(keep));
                (Method::POST, collection())
            }
        };
        let encoding = match self.rules.gzip {
            true => Encoding::Gzip,
            false => Encoding::Identity,
        };
        let (body, encoding) = encoding.apply(body);
        let request = Request {
            method,
            url: route.url.clone(),
            body: Some(Bytes::from(body)),
            content_type: Some(XML_BODY),
            content_encoding: encoding.header(),
            headers: Some(Box::new(headers)),
        };
        (Phase::default(), request)
    }

    fn advance(&self, unit: &Unit, _: &Phase, event: Event<'_>) -> Step {
        match event {
            Event::Fault { kind, text } => match kind {
                Fault::Connect => unanswered("cannot_connect", text),
                Fault::Lost => unanswered("connection_lost", text),
                Fault::Timeout => {
                    let refusal = failed_refusal("timeout", 0, text.to_owned());
                    self.slow(unit, refusal, Wait::SlowDown(None))
                }
            },
            Event::Answer {
                complete: false, ..
            } => unanswered("connection_lost", "the answer's body ended early"),
            Event::Answer {
                status: status @ 200..=299,
                body,
                ..
            } => self.answered(unit, status, body),
            Event::Answer {
                status,
                headers,
                body,
                ..
            } => self.refused(unit, status, headers, body),
        }
    }
}

/// No answer. What is created twice is found there the second time.
fn unanswered(reason: &'static str, text: &str) -> Step {
    Step::Again {
        refusal: failed_refusal(reason, 0, text.to_owned()),
        wait: Wait::Backoff,
    }
}

#[cfg(test)]
mod tests;
