//! The chain of hashes: whether lines were changed, removed or put in.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Entry;
use super::log::read;

/// What a check of the chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Lines.
    pub lines: usize,
    /// Hash of the last line: whoever has noted it elsewhere can tell later whether the end was
    /// cut off.
    pub head: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Whether the hash that was asked for is a line's.
    pub has_expected: bool,
}

/// Something wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The line before this one is not the one that was there when this one was written.
    Broken(usize),
    /// The line is no entry: a write that was cut off, or something else.
    Unreadable(usize),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(line) => write!(
                f,
                "line {line}: what stands before it was changed or removed since it was written"
            ),
            Self::Unreadable(line) => {
                write!(f, "line {line}: no entry (a write that was cut off?)")
            }
        }
    }
}

/// SHA-256 of a line, in hexadecimal.
pub(super) fn hash(line: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(line) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Checks every line against the one before it; `expected` is a hash noted earlier.
///
/// # Errors
/// The file cannot be read.
pub fn verify(path: &Path, expected: Option<&str>) -> io::Result<Chain> {
    let mut chain = Chain::default();
    read(path, |number, line| {
        match serde_json::from_slice::<Entry>(line) {
            Ok(entry) if entry.prev != chain.head => chain.problems.push(Problem::Broken(number)),
            Ok(_) => {}
            Err(_) => chain.problems.push(Problem::Unreadable(number)),
        }
        chain.lines = number;
        chain.head = hash(line);
        chain.has_expected |= expected == Some(chain.head.as_str());
    })?;
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::super::{Event, append};
    use super::*;

    fn entry(id: &str) -> Entry {
        Entry {
            prev: String::new(),
            at: chrono::Utc::now(),
            event: Event::Viewed,
            id: id.into(),
            user: "anna".into(),
            uid: 1000,
            through: None,
            host: "etl1".into(),
            pid: 1,
            command: "x".repeat(3000),
            configuration: "mini".into(),
            pipeline: String::new(),
            mapping: String::new(),
            run: None,
            counts: std::collections::BTreeMap::new(),
            exit: Some(0),
            refusal: None,
        }
    }

    #[test]
    fn concurrent_appends_are_whole_lines_of_one_chain() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for i in 0..10 {
                        append(path, &entry(&format!("{writer}-{i}"))).unwrap();
                    }
                });
            }
        });
        let chain = verify(&path, None).unwrap();
        assert_eq!((chain.lines, chain.problems), (40, Vec::new()));
    }

    #[test]
    fn a_changed_or_removed_line_is_noticed_and_a_torn_one_breaks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        for id in ["1", "2", "3"] {
            append(&path, &entry(id)).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let head = verify(&path, None).unwrap().head;
        std::fs::write(&path, text.replace("\"id\":\"2\"", "\"id\":\"9\"")).unwrap();
        assert_eq!(verify(&path, None).unwrap().problems, [Problem::Broken(3)]);
        let lines: Vec<&str> = text.lines().collect();
        std::fs::write(&path, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
        assert_eq!(verify(&path, None).unwrap().problems, [Problem::Broken(2)]);
        // The end cut off: only a hash that was noted tells.
        std::fs::write(&path, format!("{}\n{}\n", lines[0], lines[1])).unwrap();
        let cut = verify(&path, Some(&head)).unwrap();
        assert!(cut.problems.is_empty() && !cut.has_expected);
        std::fs::write(&path, format!("{text}{{\"prev\"")).unwrap();
        append(&path, &entry("4")).unwrap();
        let torn = verify(&path, Some(&head)).unwrap();
        assert_eq!(torn.problems, [Problem::Unreadable(4)]);
        assert!(torn.has_expected);
    }
}
