//! How fast something goes and when it will be done.
//!
//! Reads: instants that it is given. Writes: nothing. Never: the clock.

use std::fmt;
use std::time::{Duration, Instant};

/// Counts of one thing under way.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) total: Option<u64>,
    pub(super) done: u64,
    pub(super) errors: u64,
    pub(super) started: Instant,
}

/// A [`Pace`] at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glance {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) errors: u64,
    /// Per second, since the start.
    pub(super) rate: f64,
    /// Time left at that rate.
    pub(super) left: Option<Duration>,
    /// Time since the start.
    pub(super) elapsed: Duration,
}

impl Pace {
    pub(super) fn new(total: Option<u64>, started: Instant) -> Self {
        Self {
            total,
            done: 0,
            errors: 0,
            started,
        }
    }

    pub(super) fn glance(&self, now: Instant) -> Glance {
        let elapsed = now.saturating_duration_since(self.started);
        let rate = self.done as f64 / elapsed.as_secs_f64().max(0.001);
        let left = self
            .total
            .and_then(|total| total.checked_sub(self.done))
            .filter(|_| self.done > 0)
            .and_then(|left| Duration::try_from_secs_f64(left as f64 / rate).ok());
        Glance {
            done: self.done,
            total: self.total,
            errors: self.errors,
            rate,
            left,
            elapsed,
        }
    }
}

impl fmt::Display for Glance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.total {
            Some(total) => {
                // An empty thing is done.
                let percent = (self.done * 100).checked_div(total).unwrap_or(100);
                write!(f, "{}/{total} ({percent}%)", self.done)?;
            }
            None => write!(f, "{}", self.done)?,
        }
        write!(f, ", {:.0}/s", self.rate)?;
        if self.errors > 0 {
            write!(f, ", {} errors", self.errors)?;
        }
        Ok(())
    }
}

/// `7s`, `3m 04s`, `2h 05m`.
pub(super) fn short(time: Duration) -> String {
    let secs = time.as_secs();
    match secs {
        0..60 => format!("{secs}s"),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m", secs / 3600, secs / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left() {
        let started = Instant::now();
        let pace = Pace {
            total: Some(100),
            done: 25,
            errors: 2,
            started,
        };
        let glance = pace.glance(started + Duration::from_secs(5));
        assert_eq!(glance.to_string(), "25/100 (25%), 5/s, 2 errors");
        assert_eq!(glance.left, Some(Duration::from_secs(15)));
        let idle = Pace::new(Some(0), started).glance(started);
        assert_eq!(
            (idle.to_string(), idle.left),
            ("0/0 (100%), 0/s".to_owned(), None)
        );
        let over = Pace { done: 120, ..pace }.glance(started + Duration::from_secs(5));
        assert_eq!(over.left, None);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(short(Duration::from_secs(59)), "59s");
        assert_eq!(short(Duration::from_secs(184)), "3m 04s");
        assert_eq!(short(Duration::from_secs(7_500)), "2h 05m");
    }
}
