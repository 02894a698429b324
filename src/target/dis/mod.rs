//! A state edition that takes DIS batches: docs/dis-contract.md, version 1.
//!
//! Reads: units and answers. Writes: requests and verdicts. Never: I/O.
//!
//! A request is one unit: records of one object, one district and one school year, one per line.
//! Its answer names every record; an answer that does not is no answer, and the request is sent
//! again (records are known by key and content hash, so repeating one changes nothing).

mod answer;
mod encoding;

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use url::Url;

pub use encoding::Encoding;

use super::{
    Event, Fault, Operation, Packing, Phase, Request, Settlement, Step, Target, Unit, Verdict, Wait,
};
use crate::object::{Reason, Refusal};

/// Bytes of a line beside key and record: names, hash, school.
const ENVELOPE: usize = 128;

/// The rules of a state edition for the objects of one run.
#[derive(Debug)]
pub struct Dis {
    routes: Vec<Url>,
    sequence: u64,
    encoding: Encoding,
    /// Most records and bytes of one request; fewer once the state has called one too large.
    records: AtomicUsize,
    bytes: AtomicUsize,
}

impl Dis {
    /// `routes` by index of the object in the run. `sequence` orders this run among the district's
    /// runs: a record that a later one has written is not overwritten.
    pub fn new(routes: Vec<Url>, sequence: u64, encoding: Encoding, packing: Packing) -> Self {
        Self {
            routes,
            sequence,
            encoding,
            records: AtomicUsize::new(packing.objects.max(1)),
            bytes: AtomicUsize::new(packing.bytes.max(1)),
        }
    }

    fn lines(unit: &Unit) -> Vec<u8> {
        let chunk = &unit.chunk;
        let first = chunk.bodies.range(unit.range.start).start;
        let last = unit.range.clone().next_back().unwrap_or_default();
        let bodies = chunk.bodies.range(last).end - first;
        let mut lines = Vec::with_capacity(bodies + unit.len() * ENVELOPE);
        for i in unit.range.clone() {
            lines.extend_from_slice(br#"{"key":"#);
            text(&mut lines, chunk.key(i));
            if unit.operation != Operation::Delete {
                let hash = format!(r#","hash":"{}""#, chunk.content_hash(i));
                lines.extend_from_slice(hash.as_bytes());
                if let Some(school) = chunk.scope(0, i) {
                    lines.extend_from_slice(format!(r#","school":{school}"#).as_bytes());
                }
                lines.extend_from_slice(br#","record":"#);
                lines.extend_from_slice(chunk.bodies.bytes(i));
            }
            lines.extend_from_slice(b"}\n");
        }
        lines
    }

    /// What a request that carried too much teaches: smaller ones from now on.
    fn shrink(&self, unit: &Unit) {
        let first = unit.chunk.bodies.range(unit.range.start).start;
        let last = unit.range.clone().next_back().unwrap_or_default();
        let bytes = unit.chunk.bodies.range(last).end - first;
        self.records
            .fetch_min((unit.len() / 2).max(1), Ordering::Relaxed);
        self.bytes.fetch_min((bytes / 2).max(1), Ordering::Relaxed);
    }
}

/// A JSON text.
fn text(out: &mut Vec<u8>, text: &str) {
    // Writing JSON into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

impl Target for Dis {
    fn packing(&self) -> Packing {
        Packing {
            objects: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn start(&self, unit: &Unit) -> (Phase, Request) {
        let mut url = self.routes[unit.chunk.resource].clone();
        let operation = match unit.operation {
            Operation::Delete => "delete",
            _ => "put",
        };
        url.query_pairs_mut()
            .append_pair("operation", operation)
            .append_pair("sequence", &self.sequence.to_string())
            .append_pair("records", &unit.len().to_string());
        let (body, encoding) = self.encoding.apply(Self::lines(unit));
        let request = Request {
            method: Method::POST,
            url,
            body: Some(Bytes::from(body)),
            content_type: Some(HeaderValue::from_static("application/x-ndjson")),
            content_encoding: encoding.header(),
            headers: None,
        };
        (Phase::default(), request)
    }

    fn advance(&self, unit: &Unit, _: &Phase, event: Event<'_>) -> Step {
        match event {
            Event::Fault { kind, text } => fault(kind, text),
            Event::Answer {
                complete: false, ..
            } => fault(Fault::Lost, "the answer's body ended early"),
            Event::Answer {
                status: 200, body, ..
            } => match answer::read(body, unit) {
                Ok(each) => Step::Settle(Settlement::Each(each)),
                Err(message) => Step::Again {
                    refusal: refusal("incomplete_answer", 200, message),
                    wait: Wait::Backoff,
                },
            },
            Event::Answer {
                status,
                headers,
                body,
                ..
            } => self.refused(unit, status, headers, body),
        }
    }
}

impl Dis {
    /// A refusal of the whole request.
    fn refused(&self, unit: &Unit, status: u16, headers: &HeaderMap, body: &[u8]) -> Step {
        let message = answer::message(body);
        let again = |reason| Step::Again {
            refusal: refusal(reason, status, message.clone()),
            wait: Wait::SlowDown(super::retry_after(headers)),
        };
        let failed = |reason| {
            Step::Settle(Settlement::One(Verdict::Failed(refusal(
                reason,
                status,
                message.clone(),
            ))))
        };
        match status {
            401 => Step::Renew(refusal("unauthorized", status, message)),
            413 if unit.len() > 1 => {
                self.shrink(unit);
                Step::Split(refusal("too_large", status, message))
            }
            413 => failed("too_large"),
            429 => again("too_many_requests"),
            408 | 425 | 502..=504 => again("unavailable"),
            500..=599 => again("server_error"),
            403 => failed("access_denied"),
            404 => failed("unknown_object"),
            409 => failed("older_sequence"),
            415 => failed("media_type"),
            300..=399 => failed("redirected"),
            201..=299 => failed("unreadable_answer"),
            _ => failed("bad_request"),
        }
    }
}

/// No answer. A batch repeats safely, so it is sent again.
fn fault(kind: Fault, text: &str) -> Step {
    let (reason, wait) = match kind {
        Fault::Connect => ("cannot_connect", Wait::Backoff),
        Fault::Timeout => ("timeout", Wait::SlowDown(None)),
        Fault::Lost => ("connection_lost", Wait::Backoff),
    };
    Step::Again {
        refusal: refusal(reason, 0, text.to_owned()),
        wait,
    }
}

fn refusal(reason: &'static str, status: u16, message: String) -> Refusal {
    Refusal {
        reason: Reason::fixed(reason),
        status,
        message,
    }
}

#[cfg(test)]
mod tests;
