//! Progress as plain lines: at the start and the end of each thing, and every few seconds between.
//!
//! Reads: the clock. Writes: standard error, or log events. Never: control characters.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::pace::{Glance, Pace, short};
use super::{Progress, Screen};

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// `05:10:22 load students: 5000/10000 (50%), 900/s, 7 errors, 6s left`
    Text,
    /// A log event with the numbers as fields, for `--log-format json`.
    Log,
}

/// Lines for schedulers: also while nothing moves, so that a stall can be seen in the log.
#[derive(Debug)]
pub struct Lines {
    inner: Arc<Inner>,
    ticker: Option<JoinHandle<()>>,
}

struct Inner {
    write: Box<dyn Fn(Line<'_>) + Send + Sync>,
    state: Mutex<State>,
    /// Woken when the ticker is to end.
    ended: Condvar,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    under_way: BTreeMap<String, Pace>,
    ended: bool,
}

/// One line to be written.
enum Line<'a> {
    Note(&'a str),
    Start(&'a str, Option<u64>),
    Progress(&'a str, Glance),
    Finish(&'a str, Glance, &'a str),
}

impl Lines {
    /// Lines on `screen`, for each thing one every `interval` while it is under way.
    pub fn new(screen: Screen, format: LineFormat, interval: Duration) -> Self {
        let write: Box<dyn Fn(Line<'_>) + Send + Sync> = match format {
            LineFormat::Text => Box::new(move |line| {
                let now = chrono::Local::now().format("%H:%M:%S");
                // A progress line that cannot be written is no reason to stop a load.
                let _ = screen.print(format!("{now} {}\n", line.text()).as_bytes());
            }),
            LineFormat::Log => Box::new(|line| line.log()),
        };
        Self::with(write, interval)
    }

    fn with(write: Box<dyn Fn(Line<'_>) + Send + Sync>, interval: Duration) -> Self {
        let state = Mutex::default();
        let inner = Arc::new(Inner {
            write,
            state,
            ended: Condvar::new(),
        });
        let ticking = Arc::clone(&inner);
        // Without the thread (it cannot be started) there are still the first and last lines.
        let ticker = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || ticking.tick(interval))
            .ok();
        Self { inner, ticker }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.inner.lock().ended = true;
        self.inner.ended.notify_all();
        if let Some(ticker) = self.ticker.take() {
            // It only fails if it panicked, and then there is nothing left to end.
            let _ = ticker.join();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The counts stay right whatever another thread was doing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self, interval: Duration) {
        let mut state = self.lock();
        loop {
            let waited = self.ended.wait_timeout_while(state, interval, |s| !s.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.ended {
                return;
            }
            let now = Instant::now();
            let glances: Vec<(String, Glance)> = state
                .under_way
                .iter()
                .map(|(what, p)| (what.clone(), p.glance(now)))
                .collect();
            // Written without the lock: a slow pipe must not hold up the workers.
            drop(state);
            for (what, glance) in glances {
                (self.write)(Line::Progress(&what, glance));
            }
            state = self.lock();
        }
    }
}

impl Progress for Lines {
    fn start(&self, what: &str, total: Option<u64>) {
        let pace = Pace::new(total, Instant::now());
        self.inner.lock().under_way.insert(what.to_owned(), pace);
        (self.inner.write)(Line::Start(what, total));
    }

    fn advance(&self, what: &str, done: u64, errors: u64) {
        let mut state = self.inner.lock();
        if !state.under_way.contains_key(what) {
            state
                .under_way
                .insert(what.to_owned(), Pace::new(None, Instant::now()));
        }
        if let Some(pace) = state.under_way.get_mut(what) {
            pace.done += done;
            pace.errors += errors;
        }
    }

    fn finish(&self, what: &str, message: &str) {
        let pace = self.inner.lock().under_way.remove(what);
        let now = Instant::now();
        let glance = pace.unwrap_or_else(|| Pace::new(None, now)).glance(now);
        (self.inner.write)(Line::Finish(what, glance, message));
    }

    fn note(&self, line: &str) {
        (self.inner.write)(Line::Note(line));
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        match self {
            Self::Note(line) => (*line).to_owned(),
            Self::Start(what, Some(total)) => format!("{what}: {total} ahead"),
            Self::Start(what, None) => format!("{what}: begins"),
            Self::Progress(what, glance) => match glance.left {
                Some(left) => format!("{what}: {glance}, {} left", short(left)),
                None => format!("{what}: {glance}"),
            },
            Self::Finish(what, glance, message) => {
                let took = short(glance.elapsed);
                let message = if message.is_empty() {
                    String::new()
                } else {
                    format!(": {message}")
                };
                format!("{what}: done, {glance}, took {took}{message}")
            }
        }
    }

    fn log(&self) {
        const TARGET: &str = "fullsync::progress";
        match self {
            Self::Note(line) => tracing::info!(target: TARGET, "{line}"),
            Self::Start(what, total) => tracing::info!(target: TARGET, what, total, "start"),
            Self::Progress(what, g) => {
                let left_secs = g.left.map(|left| left.as_secs());
                tracing::info!(
                    target: TARGET, what, done = g.done, total = g.total, errors = g.errors,
                    per_second = g.rate.round(), left_secs, "progress"
                );
            }
            Self::Finish(what, g, message) => tracing::info!(
                target: TARGET, what, done = g.done, total = g.total, errors = g.errors,
                per_second = g.rate.round(), took_ms = g.elapsed.as_millis() as u64, message,
                "finish"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Written = Arc<Mutex<Vec<String>>>;

    fn lines(interval: Duration) -> (Lines, Written) {
        let written = Written::default();
        let sink = Arc::clone(&written);
        let write = move |line: Line<'_>| sink.lock().unwrap().push(line.text());
        (Lines::with(Box::new(write), interval), written)
    }

    #[test]
    fn first_and_last_lines_always_come() {
        let (lines, written) = lines(Duration::from_secs(3600));
        lines.start("load students", Some(10));
        lines.advance("load students", 4, 1);
        lines.advance("load students", 6, 0);
        lines.note("a note");
        lines.finish("load students", "9 accepted");
        drop(lines);
        let written = written.lock().unwrap();
        assert_eq!(written[0], "load students: 10 ahead");
        assert_eq!(written[1], "a note");
        assert!(
            written[2].starts_with("load students: done, 10/10 (100%), "),
            "{written:?}"
        );
        assert!(
            written[2].ends_with(", 1 errors, took 0s: 9 accepted"),
            "{written:?}"
        );
        assert_eq!(written.len(), 3);
    }

    #[test]
    fn lines_come_while_nothing_moves() {
        let (lines, written) = lines(Duration::from_millis(2));
        lines.advance("stage Enrollment", 5, 0);
        let deadline = Instant::now() + Duration::from_secs(20);
        while written.lock().unwrap().len() < 3 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(lines);
        let written = written.lock().unwrap();
        assert!(written.len() >= 3);
        assert!(
            written
                .iter()
                .all(|l| l.starts_with("stage Enrollment: 5, ")),
            "{written:?}"
        );
    }
}
