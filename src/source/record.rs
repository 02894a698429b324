//! Records of a CSV file: RFC 4180, read strictly where quotes are concerned.
//!
//! Reads: bytes. Writes: nothing. Never: lets a stray quote swallow rows. A lenient reader takes
//! everything up to the next quote, or the rest of the file, for one value. Here a quote that is
//! not closed within [`MAX_RECORD_BYTES`], that is not closed at all, or that is closed in the
//! middle of a value is a fault of its first line only: reading goes on with the next line.

use std::io::{self, Read};

use super::MAX_RECORD_BYTES;

/// First size of the buffer; it grows up to twice the longest record.
const BUFFER_BYTES: usize = 256 << 10;

/// Reads records one after another into a buffer of its own.
#[derive(Debug)]
pub(super) struct Records<R> {
    input: R,
    at_end: bool,
    buffer: Vec<u8>,
    /// What is not consumed yet: `buffer[start..filled]`.
    start: usize,
    filled: usize,
    /// Line number at `start`, 1 = first.
    line: u64,
    /// The record read last.
    values: Values,
    /// Where the record or fault met last began, and its line: to go back to.
    previous: (usize, u64),
    /// Whether the line at `start` is skipped before anything else is read.
    skip: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A record; [`Records::value`] gives its values.
    Record {
        /// The line that it starts on, 1 = first.
        line: u64,
        /// How many lines it has.
        lines: u64,
    },
    /// A line that no record starts on; reading goes on with the next line.
    Fault {
        /// The line.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The end of the file.
    End,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A quote is not closed, or is closed in the middle of a value.
    BadQuote,
    /// The record is longer than [`MAX_RECORD_BYTES`].
    TooLarge,
}

/// Where the values of a record are.
#[derive(Debug, Default)]
struct Values {
    spans: Vec<Span>,
    /// Values that had doubled quotes, with single ones.
    unescaped: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: usize,
    to: usize,
    unescaped: bool,
}

/// What the bytes at hand are.
enum Parsed {
    Record {
        bytes: usize,
        lines: u64,
    },
    /// The end is not in sight; whether a quote is open.
    More {
        quoted: bool,
    },
    BadQuote,
}

impl<R: Read> Records<R> {
    /// Starts at the beginning of a file; a UTF-8 byte order mark is skipped.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn new(input: R) -> io::Result<Self> {
        let mut records = Self {
            input,
            at_end: false,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            filled: 0,
            line: 1,
            values: Values::default(),
            previous: (0, 1),
            skip: false,
        };
        while records.filled < 3 && !records.at_end {
            records.fill()?;
        }
        if records.rest().starts_with(b"\xEF\xBB\xBF") {
            records.start = 3;
        }
        Ok(records)
    }

    /// Whether the file starts with the byte order mark of UTF-16.
    pub(super) fn is_utf16(&self) -> bool {
        matches!(self.rest(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
    }

    /// Number of values of the record read last.
    pub(super) fn len(&self) -> usize {
        self.values.spans.len()
    }

    /// A value of the record read last.
    #[inline]
    pub(super) fn value(&self, at: usize) -> &[u8] {
        let Some(span) = self.values.spans.get(at) else {
            return &[];
        };
        if span.unescaped {
            &self.values.unescaped[span.from..span.to]
        } else {
            &self.buffer[self.previous.0 + span.from..self.previous.0 + span.to]
        }
    }

    /// The first line of the record or fault met last, as far as it is at hand.
    pub(super) fn first_line(&self) -> &[u8] {
        let bytes = &self.buffer[self.previous.0..self.filled];
        let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
        &bytes[..end.unwrap_or(bytes.len())]
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        if std::mem::take(&mut self.skip) {
            self.skip_line()?;
        }
        loop {
            let bytes = &self.buffer[self.start..self.filled];
            if bytes.is_empty() && self.at_end {
                return Ok(Found::End);
            }
            match parse(bytes, self.at_end, &mut self.values) {
                Parsed::Record { bytes, lines } if bytes > MAX_RECORD_BYTES => {
                    return Ok(self.fault(lines > 1));
                }
                Parsed::Record { bytes, lines } => {
                    let line = self.line;
                    self.previous = (self.start, line);
                    self.start += bytes;
                    self.line += lines;
                    let blank = matches!(
                        self.values.spans.as_slice(),
                        [Span {
                            from: 0,
                            to: 0,
                            unescaped: false
                        }]
                    );
                    if !blank {
                        return Ok(Found::Record { line, lines });
                    }
                }
                Parsed::BadQuote => return Ok(self.fault(true)),
                Parsed::More { quoted } => {
                    if bytes.len() > MAX_RECORD_BYTES || self.at_end {
                        return Ok(self.fault(quoted));
                    }
                    self.fill()?;
                }
            }
        }
    }

    /// Takes the record read last back, and skips only its first line: what follows on its other
    /// lines is read as records of their own.
    pub(super) fn back_to_second_line(&mut self) {
        (self.start, self.line) = self.previous;
        self.skip = true;
    }

    fn fault(&mut self, bad_quote: bool) -> Found {
        self.previous = (self.start, self.line);
        self.skip = true;
        Found::Fault {
            line: self.line,
            fault: if bad_quote {
                Fault::BadQuote
            } else {
                Fault::TooLarge
            },
        }
    }

    /// Goes to the line behind the one that the next record would start on.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = self.rest();
            match rest.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                // Whether a line feed follows must be known.
                Some(at) if at + 1 == rest.len() && !self.at_end => self.fill()?,
                Some(at) => {
                    self.start += at + line_end(&rest[at..]);
                    self.line += 1;
                    return Ok(());
                }
                None => {
                    self.start = self.filled;
                    if self.at_end {
                        return Ok(());
                    }
                    self.fill()?;
                }
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.filled]
    }

    /// Reads more behind what is at hand, which moves to the front of the buffer.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        if self.filled * 2 > self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        while self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(n) => {
                    self.filled += n;
                    break;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Length of the line end at the start of `bytes`: `\n`, `\r\n` or `\r`.
fn line_end(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") { 2 } else { 1 }
}

/// Splits the record that `bytes` starts with.
fn parse(bytes: &[u8], at_end: bool, values: &mut Values) -> Parsed {
    values.spans.clear();
    values.unescaped.clear();
    let (mut at, mut lines) = (0, 1);
    loop {
        if bytes.get(at) == Some(&b'"') {
            match quoted(bytes, at + 1, values) {
                Quoted::Closed { end, lines: more } => (at, lines) = (end, lines + more),
                Quoted::Open => return Parsed::More { quoted: true },
            }
        } else {
            let rest = &bytes[at..];
            let length = rest
                .iter()
                .position(|b| matches!(b, b',' | b'\n' | b'\r'))
                .unwrap_or(rest.len());
            let span = Span {
                from: at,
                to: at + length,
                unescaped: false,
            };
            values.spans.push(span);
            at += length;
        }
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b'\n') => {
                return Parsed::Record {
                    bytes: at + 1,
                    lines,
                };
            }
            // Whether a line feed follows must be known.
            Some(b'\r') if at + 1 == bytes.len() && !at_end => {
                return Parsed::More { quoted: false };
            }
            Some(b'\r') => {
                return Parsed::Record {
                    bytes: at + line_end(&bytes[at..]),
                    lines,
                };
            }
            Some(_) => return Parsed::BadQuote,
            None if at_end => return Parsed::Record { bytes: at, lines },
            None => return Parsed::More { quoted: false },
        }
    }
}

enum Quoted {
    /// Where the byte behind the closing quote stands, and the line ends within the value.
    Closed {
        end: usize,
        lines: u64,
    },
    Open,
}

/// Reads a quoted value from the byte behind its opening quote.
fn quoted(bytes: &[u8], from: usize, values: &mut Values) -> Quoted {
    let unescaped_from = values.unescaped.len();
    let (mut at, mut part, mut lines) = (from, from, 0);
    loop {
        let rest = &bytes[at..];
        let Some(next) = rest.iter().position(|b| matches!(b, b'"' | b'\n' | b'\r')) else {
            return Quoted::Open;
        };
        at += next;
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', Some(b'"')) => {
                values.unescaped.extend_from_slice(&bytes[part..=at]);
                at += 2;
                part = at;
            }
            (b'"', _) => break,
            (b'\r', Some(b'\n')) => at += 1,
            _ => {
                lines += 1;
                at += 1;
            }
        }
    }
    let span = if part == from {
        Span {
            from,
            to: at,
            unescaped: false,
        }
    } else {
        values.unescaped.extend_from_slice(&bytes[part..at]);
        Span {
            from: unescaped_from,
            to: values.unescaped.len(),
            unescaped: true,
        }
    };
    values.spans.push(span);
    Quoted::Closed { end: at + 1, lines }
}

#[cfg(test)]
mod tests;
