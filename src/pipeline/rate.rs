//! A limit on requests per second, shared by all that ask the target, repeats included.
//!
//! Reads: a clock. Writes: nothing. Never: spawns, or wakes anyone: each request reserves its own
//! moment, in order, and waits for that.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How far a reservation may lie in the past: timers are late by up to a millisecond or two, and
/// what they lose is not lost for the rate.
const CREDIT: Duration = Duration::from_millis(10);

/// The limit; clones share it.
#[derive(Clone, Debug)]
pub struct Rate {
    /// Time between two requests.
    interval: Duration,
    /// The first moment that nobody has reserved.
    free: Arc<Mutex<Option<Instant>>>,
}

impl Rate {
    /// `per_second` is above 0.
    pub fn new(per_second: f64) -> Self {
        Self {
            interval: Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(Duration::MAX),
            free: Arc::default(),
        }
    }

    /// Reserves the next moment.
    fn reserve(&self, now: Instant) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let credit = CREDIT.min(self.interval);
        let earliest = now.checked_sub(credit).unwrap_or(now);
        let moment = free.map_or(now, |free| free.max(earliest));
        *free = Some(moment + self.interval.min(Duration::from_secs(86_400)));
        moment
    }

    /// Waits until this request may go out. Dropping the future gives its moment up.
    pub async fn wait(&self) {
        let now = Instant::now();
        let moment = self.reserve(now);
        if moment > now {
            tokio::time::sleep_until(moment).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests that `workers`, each busy for 5 ms with one, get out within `seconds` of virtual
    /// time. Timers are as coarse as tokio's: whole milliseconds, upwards.
    fn sent(per_second: f64, workers: usize, seconds: u64) -> usize {
        let rate = Rate::new(per_second);
        let began = Instant::now();
        let until = began + Duration::from_secs(seconds);
        let mut ready = vec![began; workers];
        let mut sent = 0;
        while let Some(worker) = ready.iter_mut().min() {
            let moment = rate.reserve(*worker);
            let mut at = moment.max(*worker);
            if at > *worker {
                let millis = (at - began).as_micros().div_ceil(1000) as u64;
                at = began + Duration::from_millis(millis);
            }
            if at >= until {
                break;
            }
            sent += 1;
            *worker = at + Duration::from_millis(5);
        }
        sent
    }

    #[test]
    fn item_11_the_rate_is_kept_high_and_low_whatever_the_workers() {
        for (per_second, seconds) in [(0.5, 60), (1.0, 30), (7.5, 20), (100.0, 10), (5000.0, 4)] {
            for workers in [1, 3, 64] {
                let wanted =
                    (per_second * seconds as f64).min(200.0 * (workers as u64 * seconds) as f64);
                let sent = sent(per_second, workers, seconds) as f64;
                assert!(
                    (sent - wanted).abs() <= (0.02 * wanted).max(1.0),
                    "{sent} for {wanted} at {per_second}/s by {workers}"
                );
            }
        }
    }

    #[test]
    fn a_pause_earns_no_burst() {
        let rate = Rate::new(10.0);
        rate.reserve(Instant::now());
        let later = Instant::now() + Duration::from_secs(60);
        let moments: Vec<_> = (0..11).map(|_| rate.reserve(later)).collect();
        assert!(moments[10] - later >= Duration::from_millis(980));
    }

    #[tokio::test]
    async fn whoever_comes_too_early_waits() {
        let rate = Rate::new(50.0);
        let began = Instant::now();
        for _ in 0..6 {
            rate.wait().await;
        }
        assert!(
            began.elapsed() >= Duration::from_millis(90),
            "{:?}",
            began.elapsed()
        );
    }
}
