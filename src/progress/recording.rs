//! Progress that is only written down, for tests of the rooms that tell it.
//!
//! Reads: nothing. Writes: nothing. Never: outside of tests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Progress;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// [`Progress::start`].
    Start(String, Option<u64>),
    /// [`Progress::advance`].
    Advance(String, u64, u64),
    /// [`Progress::finish`].
    Finish(String, String),
    /// [`Progress::note`].
    Note(String),
}

/// Keeps every call.
#[derive(Debug, Default)]
pub struct Recording(Mutex<Vec<Event>>);

impl Recording {
    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All calls so far.
    pub fn events(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// Sums of all advances of one thing: done, errors.
    pub fn sums(&self, what: &str) -> (u64, u64) {
        self.lock()
            .iter()
            .fold((0, 0), |(done, errors), event| match event {
                Event::Advance(name, d, e) if name == what => (done + d, errors + e),
                _ => (done, errors),
            })
    }
}

impl Progress for Recording {
    fn start(&self, what: &str, total: Option<u64>) {
        self.lock().push(Event::Start(what.to_owned(), total));
    }

    fn advance(&self, what: &str, done: u64, errors: u64) {
        self.lock()
            .push(Event::Advance(what.to_owned(), done, errors));
    }

    fn finish(&self, what: &str, message: &str) {
        self.lock()
            .push(Event::Finish(what.to_owned(), message.to_owned()));
    }

    fn note(&self, line: &str) {
        self.lock().push(Event::Note(line.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_per_thing() {
        let recording = Recording::default();
        recording.start("a", None);
        recording.advance("a", 2, 1);
        recording.advance("b", 9, 9);
        recording.advance("a", 3, 0);
        assert_eq!(recording.sums("a"), (5, 1));
        assert_eq!(recording.events().len(), 4);
    }
}
