//! A server of limited strength: so many requests are worked on at once, each for so long; others
//! wait in a queue, or are refused when that is full. For trying out how a client finds its pace.
//!
//! Reads: nothing. Writes: nothing. Never: counts time that a request was not worked on as work.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The strength of a server: `16x20ms`, or `16x20ms:64` with a queue of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Requests that are worked on at once.
    pub workers: usize,
    /// Time of one request, in milliseconds.
    pub ms: u64,
    /// Requests that may wait; None: any number.
    pub queue: Option<usize>,
}

impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no capacity: write WORKERSxTIMEms, perhaps :QUEUE, as in 16x20ms:64"
            )
        };
        let (strength, queue) = match text.split_once(':') {
            Some((strength, queue)) => (strength, Some(queue.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let parts = strength.strip_suffix("ms").and_then(|s| s.split_once('x'));
        let (workers, ms) = parts.ok_or_else(wrong)?;
        let workers = workers.parse().map_err(|_| wrong())?;
        let ms = ms.parse().map_err(|_| wrong())?;
        match workers > 0 {
            true => Ok(Self { workers, ms, queue }),
            false => Err(wrong()),
        }
    }
}

/// The workers of a running server.
#[derive(Debug)]
pub(super) struct Workers {
    capacity: Capacity,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Workers {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            free: Arc::new(Semaphore::new(capacity.workers)),
            waiting: AtomicUsize::new(0),
            capacity,
        }
    }

    /// Waits for a worker, and for it to do its work, which is over when the guard is dropped; None
    /// when the queue is full.
    pub(super) async fn work(&self) -> Option<OwnedSemaphorePermit> {
        let free = Arc::clone(&self.free);
        let permit = match free.try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let before = self.waiting.fetch_add(1, Ordering::Relaxed);
                let full = self.capacity.queue.is_some_and(|queue| before >= queue);
                let waited = match full {
                    true => None,
                    false => Arc::clone(&self.free).acquire_owned().await.ok(),
                };
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                waited?
            }
        };
        tokio::time::sleep(Duration::from_millis(self.capacity.ms)).await;
        Some(permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_read() {
        let capacity = |workers, ms, queue| Ok(Capacity { workers, ms, queue });
        assert_eq!("16x20ms".parse(), capacity(16, 20, None));
        assert_eq!("4x5ms:0".parse(), capacity(4, 5, Some(0)));
        for text in ["", "16", "16x20", "0x20ms", "16x20ms:", "x20ms"] {
            assert!(text.parse::<Capacity>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn workers_are_shared_and_a_full_queue_refuses() {
        let workers = Workers::new(Capacity {
            workers: 1,
            ms: 20,
            queue: Some(1),
        });
        let began = std::time::Instant::now();
        let (one, two, three) = tokio::join!(
            async { drop(workers.work().await) },
            async { workers.work().await.is_some() },
            async { workers.work().await.is_some() },
        );
        let () = one;
        assert!(two && !three);
        assert!(began.elapsed() >= Duration::from_millis(40));
    }
}
