//! How long answers took: a histogram of fixed size that merges exactly.
//!
//! Reads: nothing. Writes: nothing. Never: keeps single measurements.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets per doubling: the error of a percentile is at most 1/16.
const STEPS: usize = 16;
/// Microseconds up to 2^36 (19 hours).
const BUCKETS: usize = STEPS * 33;

/// Durations counted in buckets whose width grows with their value.
#[derive(Clone, PartialEq, Eq)]
pub struct Latency {
    counts: Box<[u64; BUCKETS]>,
    max_us: u64,
}

/// What a report shows of a [`Latency`], in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Half of the answers took at most this long.
    pub p50_ms: f64,
    /// 95 of 100 took at most this long.
    pub p95_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            max_us: 0,
        }
    }
}

impl std::fmt::Debug for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary().fmt(f)
    }
}

/// The bucket of a value: the first 16 values have one each, then 16 per doubling.
fn bucket(us: u64) -> usize {
    let top = us.checked_ilog2().unwrap_or(0) as usize;
    if top < 4 {
        return us as usize;
    }
    let within = (us >> (top - 4)) as usize - STEPS;
    (STEPS * (top - 3) + within).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let shift = bucket / STEPS - 1;
    (((bucket % STEPS + STEPS + 1) as u64) << shift) - 1
}

impl Latency {
    /// Counts one answer.
    pub fn record(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(us)] += 1;
        self.max_us = self.max_us.max(us);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine += theirs;
        }
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Answers counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The time that this share (0 to 1) of the answers kept within.
    pub fn percentile(&self, share: f64) -> Duration {
        let rank = (share * self.count() as f64).ceil() as u64;
        let mut seen = 0;
        for (i, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= rank {
                return Duration::from_micros(upper(i).min(self.max_us));
            }
        }
        Duration::from_micros(self.max_us)
    }

    /// The three numbers of a report.
    pub fn summary(&self) -> LatencySummary {
        let ms = |d: Duration| d.as_micros() as f64 / 1000.0;
        LatencySummary {
            p50_ms: ms(self.percentile(0.5)),
            p95_ms: ms(self.percentile(0.95)),
            max_ms: ms(Duration::from_micros(self.max_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_within_a_sixteenth(us in 0u64..(1 << 36)) {
            let top = upper(bucket(us));
            prop_assert!(us <= top && (top - us) as f64 <= us as f64 / 16.0);
        }

        #[test]
        fn percentiles_are_near_the_sorted_ones(
            mut values in proptest::collection::vec(0u64..10_000_000, 1..200),
            share in 0.01f64..1.0,
        ) {
            let mut latency = Latency::default();
            for us in &values {
                latency.record(Duration::from_micros(*us));
            }
            values.sort_unstable();
            let exact = values[((share * values.len() as f64).ceil() as usize).max(1) - 1];
            let got = latency.percentile(share).as_micros() as u64;
            prop_assert!(exact <= got && got - exact <= exact / 16 + 1, "{exact} {got}");
        }
    }

    #[test]
    fn absurd_durations_are_counted_too() {
        let mut latency = Latency::default();
        latency.record(Duration::MAX);
        assert_eq!(latency.count(), 1);
        assert_eq!(Latency::default().summary(), LatencySummary::default());
    }
}
