//! How fast a target took objects in earlier runs: what the time of the next one is guessed from.
//!
//! Reads: reports of earlier runs. Writes: nothing. Never: claims a rate that was not measured;
//! an assumed one is called so.

use std::collections::BTreeMap;

use super::run::RunReport;

/// Requests that a rate of a resource's own must rest on.
const ENOUGH: u64 = 50;

/// Runs that are looked at, newest first.
pub const RATED_RUNS: usize = 5;

/// Time per answer that is assumed where nothing was measured, in milliseconds.
pub(super) const ASSUMED_MS: u64 = 100;

/// Rates of earlier runs against one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The runs that they are from, newest first.
    pub runs: Vec<String>,
    resources: BTreeMap<String, Rate>,
    all: Rate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rate {
    objects: u64,
    requests: u64,
    ms: u64,
}

impl Rate {
    fn add(&mut self, objects: u64, requests: u64, ms: u64) {
        self.objects += objects;
        self.requests += requests;
        self.ms += ms;
    }
}

impl Rates {
    /// Takes a run into account, if it sent something to this target.
    pub fn learn(&mut self, report: &RunReport, fingerprint: &str) {
        let sent = report.traffic.requests > 0 && report.traffic.span_ms > 0;
        let same = report.target.fingerprint.as_deref() == Some(fingerprint);
        if report.dry_run || !sent || !same || self.runs.len() >= RATED_RUNS {
            return;
        }
        self.runs.push(report.run.clone());
        let traffic = &report.traffic;
        self.all
            .add(report.total.sent, traffic.requests, traffic.span_ms);
        for resource in &report.resources {
            let traffic = &resource.traffic;
            self.resources
                .entry(resource.resource.clone())
                .or_default()
                .add(resource.counts.sent, traffic.requests, traffic.span_ms);
        }
    }

    /// Requests for so many objects: as many per object as it took before, else one each.
    pub fn requests(&self, resource: &str, objects: u64) -> u64 {
        let own = self.resources.get(resource).filter(|r| r.objects > 0);
        match own {
            Some(r) => (objects * r.requests).div_ceil(r.objects),
            None => objects,
        }
    }

    /// Milliseconds for so many requests; `at_once` matters only where nothing was measured.
    pub fn ms(&self, resource: &str, requests: u64, at_once: u64) -> u64 {
        let own = self.resources.get(resource);
        let measured = own.filter(|r| r.requests >= ENOUGH && r.ms > 0);
        let rate = measured.unwrap_or(&self.all);
        match rate.requests {
            0 => requests * ASSUMED_MS / at_once.max(1),
            measured => requests * rate.ms / measured,
        }
    }
}
