//! What was asked of a sandbox, counted.
//!
//! Reads: nothing. Writes: nothing. Never: holds data of records.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// The counts of a sandbox since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests by method, resource (or `oauth`, `metadata`, `discovery`, `sandbox`, `unknown`)
    /// and status; 0 = no answer was given (hang, reset).
    pub requests: BTreeMap<(String, String, u16), u64>,
    /// Tokens issued.
    pub tokens_issued: u64,
    /// Tokens that are live.
    pub tokens_live: usize,
    /// Most requests at one time.
    pub max_in_flight: usize,
    /// Requests hit by a fault, since the faults were last set.
    pub faults: u64,
    /// Members that the standard does not have, which the server dropped, by resource and name.
    pub ignored_members: BTreeMap<(String, String), u64>,
}

impl Stats {
    /// Requests of a method to a resource that were answered with a status.
    pub fn answered(&self, method: &str, resource: &str, status: u16) -> u64 {
        let key = (method.to_owned(), resource.to_owned(), status);
        self.requests.get(&key).copied().unwrap_or(0)
    }

    /// Requests of a method to a resource.
    pub fn asked(&self, method: &str, resource: &str) -> u64 {
        self.requests
            .iter()
            .filter(|((m, r, _), _)| m == method && r == resource)
            .map(|(_, n)| n)
            .sum()
    }

    /// The JSON of the stats route.
    pub(super) fn to_json(&self) -> Value {
        let requests: Vec<_> = self
            .requests
            .iter()
            .map(|((method, resource, status), count)| {
                json!({"method": method, "resource": resource, "status": status, "count": count})
            })
            .collect();
        let ignored: Vec<_> = self
            .ignored_members
            .iter()
            .map(|((resource, member), count)| {
                json!({"resource": resource, "member": member, "count": count})
            })
            .collect();
        json!({
            "requests": requests,
            "tokensIssued": self.tokens_issued,
            "tokensLive": self.tokens_live,
            "maxInFlight": self.max_in_flight,
            "faults": self.faults,
            "ignoredMembers": ignored,
        })
    }
}

/// The running counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: Mutex<HashMap<(Verb, Topic, u16), u64>>,
    ignored: Mutex<BTreeMap<(u16, String), u64>>,
    in_flight: AtomicUsize,
    max_in_flight: AtomicUsize,
    correlation: AtomicU64,
}

/// A method, small enough for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// Any other.
    Other,
}

/// What a request was about, small enough for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Topic {
    /// A resource by number.
    Resource(u16),
    /// A descriptor type by number.
    Descriptor(u16),
    /// Another route.
    Route(&'static str),
}

impl Verb {
    /// The method's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Other => "OTHER",
        }
    }
}

/// A request being served; counts it as such until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight<'a>(&'a Counters);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    /// Counts a request as being served.
    pub(super) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.max_in_flight.fetch_max(now, Ordering::Relaxed);
        InFlight(self)
    }

    /// Counts an answer; status 0 for none.
    pub(super) fn count(&self, verb: Verb, topic: Topic, status: u16) {
        *lock(&self.requests)
            .entry((verb, topic, status))
            .or_default() += 1;
    }

    /// Counts members that were dropped.
    pub(super) fn ignored(&self, resource: u16, members: Vec<String>) {
        let mut ignored = lock(&self.ignored);
        for member in members {
            *ignored.entry((resource, member)).or_default() += 1;
        }
    }

    /// A number for the next correlation id.
    pub(super) fn correlation(&self) -> u64 {
        self.correlation.fetch_add(1, Ordering::Relaxed)
    }

    /// The counts so far; `name` names the topics.
    pub(super) fn snapshot(&self, name: impl Fn(Topic) -> String) -> Stats {
        let requests = lock(&self.requests)
            .iter()
            .map(|((verb, topic, status), n)| {
                ((verb.as_str().to_owned(), name(*topic), *status), *n)
            })
            .collect();
        let ignored_members = lock(&self.ignored)
            .iter()
            .map(|((resource, member), n)| ((name(Topic::Resource(*resource)), member.clone()), *n))
            .collect();
        Stats {
            requests,
            ignored_members,
            max_in_flight: self.max_in_flight.load(Ordering::Relaxed),
            ..Stats::default()
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
