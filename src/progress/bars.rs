//! Progress as bars on a terminal, with rate, time left and errors.
//!
//! Reads: nothing. Writes: the screen, at most ten times a second. Never: a bar for more than what
//! is under way; finished ones shrink to a line.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressState, ProgressStyle};

use super::{Progress, Screen};

/// One bar per thing under way.
pub struct Bars {
    screen: Screen,
    bars: Mutex<HashMap<String, Bar>>,
}

struct Bar {
    bar: ProgressBar,
    errors: u64,
}

const WITH_TOTAL: &str =
    "{prefix:34!} [{bar:16}] {human_pos}/{human_len} {rate:>8} eta {eta:>4} {msg}";
const WITHOUT_TOTAL: &str = "{prefix:34!} {spinner} {human_pos} {rate:>8} {msg}";
const FINISHED: &str = "{prefix:34!} {human_pos} in {elapsed} {msg}";

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars").finish_non_exhaustive()
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, and a test reads them all.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            // Writing into indicatif's own buffer does not fail.
            let _ = write!(out, "{:.0}/s", state.per_sec());
        })
        .progress_chars("=> ")
}

impl Bars {
    /// Bars on `screen`.
    pub fn new(screen: &Screen) -> Self {
        Self {
            screen: screen.clone(),
            bars: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bar>> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, what: &str, total: Option<u64>) -> Bar {
        let bar = match total {
            Some(total) => ProgressBar::new(total).with_style(style(WITH_TOTAL)),
            None => ProgressBar::no_length().with_style(style(WITHOUT_TOTAL)),
        };
        let bar = bar
            .with_prefix(what.to_owned())
            .with_finish(ProgressFinish::AndLeave);
        let bar = self.screen.bars().add(bar);
        // Rates and spinners must move on while nothing else does.
        bar.enable_steady_tick(Duration::from_millis(500));
        Bar { bar, errors: 0 }
    }
}

impl Progress for Bars {
    fn start(&self, what: &str, total: Option<u64>) {
        let bar = self.begin(what, total);
        self.lock().insert(what.to_owned(), bar);
    }

    fn advance(&self, what: &str, done: u64, errors: u64) {
        let mut bars = self.lock();
        if !bars.contains_key(what) {
            bars.insert(what.to_owned(), self.begin(what, None));
        }
        let Some(bar) = bars.get_mut(what) else {
            return;
        };
        bar.bar.inc(done);
        if errors > 0 {
            bar.errors += errors;
            bar.bar.set_message(format!("{} errors", bar.errors));
        }
    }

    fn finish(&self, what: &str, message: &str) {
        let Some(Bar { bar, errors }) = self.lock().remove(what) else {
            return;
        };
        let message = match (errors, message) {
            (_, message) if !message.is_empty() => message.to_owned(),
            (0, _) => String::new(),
            (errors, _) => format!("{errors} errors"),
        };
        bar.disable_steady_tick();
        bar.set_style(style(FINISHED));
        bar.finish_with_message(message);
    }

    fn note(&self, line: &str) {
        // As for a bar: a note that cannot be written is no reason to stop a load.
        let _ = self.screen.print(format!("{line}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_well_formed() {
        for template in [WITH_TOTAL, WITHOUT_TOTAL, FINISHED] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn bars_count_and_go() {
        let bars = Bars::new(&Screen::stderr());
        bars.start("load students", Some(10));
        bars.advance("load students", 4, 1);
        bars.advance("load schools", 2, 0);
        {
            let inner = bars.lock();
            assert_eq!(
                (
                    inner["load students"].bar.position(),
                    inner["load students"].errors
                ),
                (4, 1)
            );
            assert_eq!(inner["load schools"].bar.length(), None);
        }
        bars.finish("load students", "");
        bars.finish("never started", "");
        assert_eq!(bars.lock().len(), 1);
    }
}
