//! How far a run is: bars on a terminal, periodic lines for a scheduler, nothing when quiet.
//!
//! Reads: nothing. Writes: standard error, `progress.json` of a run. Never: anything per object; rooms tell of batches.

mod bars;
mod kept;
mod lines;
mod pace;
mod recording;
mod screen;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use bars::Bars;
pub use kept::{Far, Kept};
pub use lines::{LineFormat, Lines};
pub use recording::{Event, Recording};
pub use screen::Screen;

/// Where the rooms tell how far they are. Calls are cheap, but meant per batch, not per object.
///
/// `what` is a short name like `load students`; several may be under way at once. Counts only: a
/// text must hold no student data.
pub trait Progress: Send + Sync + fmt::Debug {
    /// Something begins, with this many objects (or rows) ahead, if that is known.
    fn start(&self, what: &str, total: Option<u64>);

    /// `done` more are done, `errors` of them not well. Unknown names are started.
    fn advance(&self, what: &str, done: u64, errors: u64);

    /// It is over; `message` says how, or is empty.
    fn finish(&self, what: &str, message: &str);

    /// A line for the person, not for the log: between the bars, never through them.
    fn note(&self, line: &str);
}

/// Tells nobody: `--quiet`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn finish(&self, _: &str, _: &str) {}
    fn note(&self, _: &str) {}
}

/// Time between two periodic lines.
pub const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// The progress that fits: none when quiet; bars when standard error is a terminal and the log is
/// text; else lines, as log events when the log is JSON.
pub fn choose(screen: &Screen, quiet: bool, json: bool) -> Arc<dyn Progress> {
    if quiet {
        Arc::new(Quiet)
    } else if json {
        Arc::new(Lines::new(screen.clone(), LineFormat::Log, LINE_INTERVAL))
    } else if screen.is_terminal() {
        Arc::new(Bars::new(screen))
    } else {
        Arc::new(Lines::new(screen.clone(), LineFormat::Text, LINE_INTERVAL))
    }
}
