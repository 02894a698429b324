//! Standard error, shared by bars, lines and the log, so that none tears another.
//!
//! Reads: nothing. Writes: standard error. Never: standard output.

use std::io::{self, IsTerminal as _, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};

/// A handle on standard error. Clones draw on the same one.
#[derive(Clone, Debug)]
pub struct Screen {
    bars: MultiProgress,
    terminal: bool,
}

impl Screen {
    /// Standard error as it is.
    pub fn stderr() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self {
            bars,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Whether a person sits in front of it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The bars that are drawn here.
    pub(super) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Writes whole lines, with the bars out of the way meanwhile.
    ///
    /// # Errors
    /// As standard error says.
    pub fn print(&self, text: &[u8]) -> io::Result<()> {
        self.bars.suspend(|| io::stderr().lock().write_all(text))
    }
}

impl Write for Screen {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.print(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
