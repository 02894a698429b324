//! The standards' rules as state machines: what to ask next, and what an answer means.
//!
//! Reads: encoded objects, answers. Writes: requests, verdicts. Never: I/O, clocks, waiting; the
//! loop in `load` owns those, because they are the same for every target.

pub mod dis;
pub mod edfi;
mod retry_after;
pub mod sif3;
mod unit;

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use url::Url;

pub use retry_after::retry_after;
pub use unit::{Chunk, Unit};

use crate::object::{Encoded, KeyHash, Refusal, encode};

/// A standard that objects are delivered to.
pub trait Target: std::fmt::Debug + Send + Sync {
    /// How many objects, and how many bytes of bodies, the next request is to carry.
    fn packing(&self) -> Packing;

    /// The most that may be sent now: a unit that was cut before the target took less goes out in
    /// several requests.
    fn most(&self) -> Packing {
        self.packing()
    }

    /// The bodies of a batch of objects of a resource, by its index in the run: JSON, unless the
    /// standard has another form.
    ///
    /// # Errors
    /// A column of a type that has no such form.
    fn encode(&self, _resource: usize, body: &RecordBatch) -> Result<Encoded, ArrowError> {
        encode(body)
    }

    /// Whether objects that the ledger knows as delivered are sent as [`Operation::Replace`].
    fn updates_known(&self) -> bool {
        false
    }

    /// The first request for a unit.
    fn start(&self, unit: &Unit) -> (Phase, Request);

    /// What follows from an event, given where the conversation stood.
    fn advance(&self, unit: &Unit, phase: &Phase, event: Event<'_>) -> Step;
}

/// Limits of one request.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    /// Most objects.
    pub objects: usize,
    /// Most bytes of bodies (one object may exceed it alone).
    pub bytes: usize,
}

/// What is wanted of a unit's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Create or replace by natural key.
    Upsert,
    /// Replace by the server's id.
    Replace,
    /// Remove.
    Delete,
    /// Remove under the id that the ledger knows, then create again.
    DeleteAndPost,
    /// Look whether the target has it.
    Verify,
    /// Look by the server's id whether the target still has it, so that the ledger can forget what
    /// it has not.
    Check,
}

impl Operation {
    /// The word in results files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::DeleteAndPost => "delete_and_post",
            Self::Verify => "verify",
            Self::Check => "forget",
        }
    }

    /// Whether its objects are records to be gone, counted as deletes.
    pub fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::Check)
    }
}

/// Where a conversation stands; the meaning of `step` is the target's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Which request of the conversation was sent.
    pub step: u8,
    /// The server's id, once known.
    pub id: Option<String>,
}

/// One HTTP request, without its credentials.
#[derive(Clone, Debug)]
pub struct Request {
    /// Verb.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Body, where there is one.
    pub body: Option<Bytes>,
    /// Its content type; without a body, the one that is asked for.
    pub content_type: Option<HeaderValue>,
    /// How it is compressed; None: not at all.
    pub content_encoding: Option<HeaderValue>,
    /// Further headers, where there are any.
    pub headers: Option<Box<HeaderMap>>,
}

/// What happened to a request.
#[derive(Debug)]
pub enum Event<'a> {
    /// The server answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// Response headers.
        headers: &'a HeaderMap,
        /// What arrived of the body.
        body: &'a [u8],
        /// False when the connection ended before the whole body arrived.
        complete: bool,
    },
    /// No answer.
    Fault {
        /// What kind.
        kind: Fault,
        /// The client library's text.
        text: &'a str,
    },
}

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection could be made.
    Connect,
    /// No (whole) answer in time.
    Timeout,
    /// The connection was lost.
    Lost,
}

/// What the loop does next.
#[derive(Debug)]
pub enum Step {
    /// Send this and come back with what happens.
    Send(Phase, Request),
    /// The same request again, after a wait; the refusal stands if the tries run out.
    Again {
        /// What to report if nothing better comes.
        refusal: Refusal,
        /// How long.
        wait: Wait,
    },
    /// The credentials were not accepted: renew them, then the same request once more.
    Renew(Refusal),
    /// Too much for one request: the same objects in two smaller ones, one after the other. A unit
    /// of one object cannot be split; the refusal stands then.
    Split(Refusal),
    /// The conversation is over.
    Settle(Settlement),
}

/// How long to wait before the same request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all, and only once in a conversation (a lost race).
    Once,
    /// Growing, with jitter.
    Backoff,
    /// As the server said (or growing, where it said nothing), and fewer requests in flight.
    SlowDown(Option<Duration>),
}

/// Verdicts on all objects of a unit.
#[derive(Debug)]
pub enum Settlement {
    /// The unit's one object.
    One(Verdict),
    /// One per object, in the order sent; where the answer names the object, its key hash, which
    /// the loop compares with the one at that position.
    Each(Vec<(Option<KeyHash>, Verdict)>),
}

/// What became of one object in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new record.
    Created {
        /// The server's id.
        id: String,
    },
    /// A record that was there was replaced.
    Updated {
        /// The server's id.
        id: String,
    },
    /// It had this very content already, and acknowledges it.
    Unchanged {
        /// The server's id.
        id: String,
    },
    /// The record is there (verify).
    Present {
        /// The server's id.
        id: String,
    },
    /// Removed.
    Deleted,
    /// There was nothing to remove.
    AlreadyGone,
    /// The target keeps it by its own rule.
    Kept(Refusal),
    /// Refused for good.
    Failed(Refusal),
    /// It refers to something that is not there (yet): once more when its resource and all before
    /// it are done.
    Park(Refusal),
    /// The key may not change this record until another resource authorizes it: once more when
    /// that resource is done.
    Defer(Refusal),
    /// At once again, under another operation (a SIF 3 create whose record exists).
    Again(Operation, Refusal),
}
