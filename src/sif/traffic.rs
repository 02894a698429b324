//! What went over the wire, counted where it goes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;

use crate::report::Traffic;

/// Counts requests; shared by all that send.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Traffic>);

impl Meter {
    /// One request and its answer.
    pub fn add(&self, sent: u64, received: u64, took: Duration, repeat: bool) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut traffic = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traffic.requests += 1;
        traffic.retries += u64::from(repeat);
        traffic.bytes_sent += sent;
        traffic.bytes_received += received;
        traffic.latency.record(took);
        traffic.spanned(Utc::now().timestamp_micros(), micros);
    }

    /// The sums so far.
    pub fn sums(&self) -> Traffic {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
