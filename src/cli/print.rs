//! Results on standard output.
//!
//! Reads: nothing. Writes: standard output. Never: the log, or progress.

use std::io::{self, Write as _};

/// Prints a text as it is. A reader that went away (`| head`) is no error: there is nobody left to
/// tell.
///
/// # Errors
/// As standard output says.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints one line.
///
/// # Errors
/// As standard output says.
pub fn print_line(line: &str) -> io::Result<()> {
    print(&format!("{line}\n"))
}
