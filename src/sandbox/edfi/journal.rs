//! The lines of the log: one per accepted change, written before the change is answered.
//!
//! Reads: lines. Writes: lines, through the log. Never: a line for what was refused.

use std::path::Path;

use super::store::Record;
use crate::sandbox::SandboxError;
use crate::sandbox::log::Log;

/// The open log of an Ed-Fi sandbox.
#[derive(Debug)]
pub(super) struct Journal(Log);

/// One line, read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A record was created or replaced.
    Put {
        /// Its resource.
        resource: &'a str,
        /// The server's id.
        id: u128,
        /// The version.
        version: u64,
        /// Milliseconds of the epoch.
        modified_ms: i64,
        /// Canonical JSON.
        body: &'a [u8],
    },
    /// A record was deleted.
    Remove {
        /// Its resource.
        resource: &'a str,
        /// The server's id.
        id: u128,
        /// The version of the deletion.
        version: u64,
    },
}

impl Journal {
    /// Locks the folder, gives every line of its log to `replay`, and cuts off a torn tail.
    ///
    /// # Errors
    /// The folder is in use, belongs to another instance, or holds a line that cannot be read.
    pub(super) fn open(
        dir: &Path,
        instance_id: &str,
        mut replay: impl FnMut(Line<'_>) -> Result<(), String>,
    ) -> Result<Self, SandboxError> {
        let log = Log::open(dir, instance_id, |line| {
            parse(line)
                .ok_or("not a line of a sandbox log".to_owned())
                .and_then(&mut replay)
        })?;
        Ok(Self(log))
    }

    /// The instance that the folder belongs to.
    pub(super) fn instance_id(&self) -> &str {
        self.0.instance_id()
    }

    /// Appends whole lines with one write.
    ///
    /// # Errors
    /// The disk is full or gone. What was written of the lines is cut off again.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), SandboxError> {
        self.0.append(lines)
    }

    /// Replaces the log by one line per living record.
    ///
    /// # Errors
    /// As the file system says; the old log stays.
    pub(super) fn rewrite<'a>(
        &mut self,
        mut records: impl Iterator<Item = (&'a str, &'a Record)>,
    ) -> Result<(), SandboxError> {
        self.0.rewrite(|line| match records.next() {
            Some((resource, record)) => {
                put_line(line, resource, record);
                true
            }
            None => false,
        })
    }
}

/// Appends the line of a record that was created or replaced.
pub(super) fn put_line(out: &mut Vec<u8>, resource: &str, record: &Record) {
    let head = format!(
        "P\t{resource}\t{:032x}\t{}\t{}\t",
        record.id, record.version, record.modified_ms
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&record.body);
    out.push(b'\n');
}

/// Appends the line of a record that was deleted.
pub(super) fn remove_line(out: &mut Vec<u8>, resource: &str, id: u128, version: u64) {
    out.extend_from_slice(format!("D\t{resource}\t{id:032x}\t{version}\n").as_bytes());
}

fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut parts = line.splitn(6, |b| *b == b'\t');
    let kind = parts.next()?;
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    let resource = text()?;
    let id = u128::from_str_radix(text()?, 16).ok()?;
    let version = text()?.parse().ok()?;
    match kind {
        b"P" => Some(Line::Put {
            resource,
            id,
            version,
            modified_ms: text()?.parse().ok()?,
            body: parts.next()?,
        }),
        b"D" => Some(Line::Remove {
            resource,
            id,
            version,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use bytes::Bytes;

    use super::*;
    use crate::files;
    use crate::sandbox::log::LOG;

    fn record(id: u128, body: &'static str) -> Record {
        Record {
            key: id,
            id,
            version: 3,
            modified_ms: 17,
            body: Bytes::from_static(body.as_bytes()),
            references: Box::new([]),
        }
    }

    fn read(dir: &Path) -> (Journal, Vec<String>) {
        let mut seen = Vec::new();
        let journal = Journal::open(dir, "", |line| {
            seen.push(match line {
                Line::Put { id, body, .. } => {
                    format!("put {id} {}", String::from_utf8_lossy(body))
                }
                Line::Remove { id, .. } => format!("remove {id}"),
            });
            Ok(())
        })
        .unwrap();
        (journal, seen)
    }

    #[test]
    fn a_log_cut_at_any_byte_keeps_the_lines_before() {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, _) = read(dir.path());
        let head = journal.0.len;
        let mut lines = Vec::new();
        put_line(&mut lines, "students", &record(1, "{\"a\":1}"));
        let first = lines.len() as u64;
        remove_line(&mut lines, "students", 1, 4);
        journal.append(&lines).unwrap();
        let instance = journal.instance_id().to_owned();
        drop(journal);
        let whole = fs::read(dir.path().join(LOG)).unwrap();
        for cut in (head as usize..=whole.len()).rev() {
            fs::write(dir.path().join(LOG), &whole[..cut]).unwrap();
            let (journal, seen) = read(dir.path());
            let wanted = match cut as u64 {
                n if n == whole.len() as u64 => 2,
                n if n >= head + first => 1,
                _ => 0,
            };
            assert_eq!(seen.len(), wanted, "cut at {cut}");
            assert_eq!(journal.instance_id(), instance);
        }
    }

    #[test]
    fn a_folder_has_one_sandbox_and_one_instance() {
        let dir = tempfile::tempdir().unwrap();
        let first = Journal::open(dir.path(), "one", |_| Ok(())).unwrap();
        let second = Journal::open(dir.path(), "one", |_| Ok(()));
        assert!(matches!(second, Err(SandboxError::InUse(_))));
        drop(first);
        let other = Journal::open(dir.path(), "two", |_| Ok(()));
        assert!(matches!(other, Err(SandboxError::OtherInstance { .. })));
    }

    #[test]
    fn a_rewritten_log_holds_the_living_records() {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, _) = read(dir.path());
        let living = record(9, "{\"b\":2}");
        journal
            .rewrite([("students", &living)].into_iter())
            .unwrap();
        let mut line = Vec::new();
        remove_line(&mut line, "students", 9, 5);
        journal.append(&line).unwrap();
        drop(journal);
        assert_eq!(read(dir.path()).1, ["put 9 {\"b\":2}", "remove 9"]);
    }

    #[test]
    fn a_foreign_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        drop(read(dir.path()));
        let mut file = files::options()
            .append(true)
            .open(dir.path().join(LOG))
            .unwrap();
        file.write_all(b"hello\n").unwrap();
        let error = Journal::open(dir.path(), "", |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
