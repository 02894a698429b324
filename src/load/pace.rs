//! How many requests are in flight: as many as the server turns into throughput.
//!
//! The limit starts low and doubles as long as more requests in flight finish more objects per
//! second; it is halved when the server asks for less (429, 503, timeouts).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Shortest time over which throughput is judged.
const WINDOW: Duration = Duration::from_millis(250);
/// A larger limit must win at least this much to be kept.
const WORTH: f64 = 1.05;
/// Windows after which a limit that was found best is tried to be raised again.
const LOOK_AGAIN: u32 = 40;

/// The limit on requests in flight, shared by all workers.
#[derive(Debug)]
pub(super) struct Pace {
    limit: watch::Sender<usize>,
    most: usize,
    finished: AtomicUsize,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    /// Finished per second and the limit at which that was seen.
    best: (f64, usize),
    rising: bool,
    since_best: u32,
    halved: Instant,
}

impl Pace {
    /// A limit of `start`, never above `most`.
    pub(super) fn new(start: usize, most: usize, now: Instant) -> Self {
        let most = most.max(1);
        let start = start.clamp(1, most);
        Self {
            limit: watch::Sender::new(start),
            most,
            finished: AtomicUsize::new(0),
            window: Mutex::new(Window {
                began: now,
                best: (0.0, start),
                rising: true,
                since_best: 0,
                halved: now,
            }),
        }
    }

    /// The limit now.
    pub(super) fn limit(&self) -> usize {
        *self.limit.borrow()
    }

    /// Waits until worker number `index` may work.
    pub(super) async fn admit(&self, index: usize) {
        if index < self.limit() {
            return;
        }
        let mut changes = self.limit.subscribe();
        // The sender lives as long as self: no error.
        let _ = changes.wait_for(|limit| index < *limit).await;
    }

    /// A request finished; every so often that moves the limit.
    pub(super) fn finished(&self, now: Instant) {
        let done = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        // Looking at the clock's window for one request in 16 is often enough.
        if done.is_multiple_of(16)
            && let Ok(mut window) = self.window.try_lock()
        {
            self.judge(&mut window, now);
        }
    }

    fn judge(&self, window: &mut Window, now: Instant) {
        let limit = self.limit();
        let elapsed = now.saturating_duration_since(window.began);
        let done = self.finished.load(Ordering::Relaxed);
        if elapsed < WINDOW || done < 2 * limit {
            return;
        }
        self.finished.store(0, Ordering::Relaxed);
        window.began = now;
        let rate = done as f64 / elapsed.as_secs_f64();
        if rate > window.best.0 * WORTH {
            window.best = (rate, limit);
            window.since_best = 0;
            if window.rising {
                self.set(limit.saturating_mul(2));
            }
            return;
        }
        if window.rising && limit > window.best.1 {
            // The last step won nothing: back to what was best, and stay.
            window.rising = false;
            self.set(window.best.1);
        }
        window.since_best += 1;
        if window.since_best >= LOOK_AGAIN {
            window.since_best = 0;
            window.rising = true;
            window.best = (rate, limit);
            self.set(limit.saturating_mul(2));
        }
    }

    /// The server asks for less: half as many in flight, at most once a window.
    pub(super) fn slow_down(&self, now: Instant) {
        if let Ok(mut window) = self.window.lock()
            && now.saturating_duration_since(window.halved) >= WINDOW
        {
            let limit = (self.limit() / 2).max(1);
            *window = Window {
                began: now,
                best: (0.0, limit),
                // From there it may rise again, from the next window on.
                rising: true,
                since_best: 0,
                halved: now,
            };
            self.finished.store(0, Ordering::Relaxed);
            self.set(limit);
        }
    }

    /// Lets every worker go on, so that all of them see that the run is over.
    pub(super) fn release(&self) {
        self.limit.send_replace(usize::MAX);
    }

    fn set(&self, limit: usize) {
        self.limit.send_replace(limit.clamp(1, self.most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that finishes at most `cap` requests per second at 10 ms each.
    fn run(pace: &Pace, cap: f64, windows: u32, start: Instant) -> Instant {
        let mut now = start;
        let until = now + WINDOW * windows;
        while now < until {
            let rate = (pace.limit() as f64 / 0.010).min(cap);
            now += Duration::from_secs_f64(1.0 / rate);
            pace.finished(now);
        }
        now
    }

    #[test]
    fn rises_to_what_the_server_can_use_and_no_further() {
        let start = Instant::now();
        let pace = Pace::new(4, 1024, start);
        run(&pace, 6_400.0, 12, start);
        let limit = pace.limit();
        assert!((64..=128).contains(&limit), "{limit}");
    }

    #[test]
    fn halves_once_a_window_and_never_below_one() {
        let start = Instant::now();
        let pace = Pace::new(8, 8, start);
        let later = start + WINDOW;
        pace.slow_down(later);
        pace.slow_down(later);
        assert_eq!(pace.limit(), 4);
        for i in 1..9 {
            pace.slow_down(later + i * WINDOW);
        }
        assert_eq!(pace.limit(), 1);
    }

    #[tokio::test]
    async fn a_worker_above_the_limit_waits() {
        let pace = Pace::new(1, 8, Instant::now());
        pace.admit(0).await;
        let waiting = tokio::time::timeout(Duration::from_millis(20), pace.admit(5)).await;
        assert!(waiting.is_err());
        pace.set(8);
        pace.admit(5).await;
    }
}
