//! The state on disk: one line per accepted change, written before the change is answered.
//!
//! Reads and writes: `sandbox.log` and `sandbox.lock` in the state folder. Never: loses a line that
//! was written whole; a line cut off by a kill is dropped.
//!
//! A line is in the kernel's hands when the answer goes out, so killing the process loses nothing;
//! a power cut may (there is no `fsync`: this is a sandbox).

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::SandboxError;
use super::store::Record;
use crate::files;

const LOG: &str = "sandbox.log";
const LOCK: &str = "sandbox.lock";
const HEAD: &str = "fullsync-sandbox 1 ";

/// The open log of a state folder, which is locked as long as this lives.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    len: u64,
    /// A write failed and its rest could not be cut off.
    broken: bool,
    instance_id: String,
    _lock: File,
}

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
        files::create_dir(dir).map_err(SandboxError::State)?;
        let lock = lock(dir)?;
        let path = dir.join(LOG);
        let mut read = files::options()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(|e| SandboxError::State(files::at(&path, &e)))?;
        let mut lines = Lines::new(&mut read);
        let found = match lines.next(&path)? {
            Some(head) => Some(read_head(head).ok_or_else(|| SandboxError::Corrupt {
                path: path.clone(),
                line: 1,
                why: "not the head of a sandbox log".to_owned(),
            })?),
            None => None,
        };
        if let Some(found) = &found
            && !instance_id.is_empty()
            && found != instance_id
        {
            return Err(SandboxError::OtherInstance {
                path: dir.to_owned(),
                found: found.clone(),
                wanted: instance_id.to_owned(),
            });
        }
        while let Some(line) = lines.next(&path)? {
            let applied = parse(line).ok_or("not a line of a sandbox log".to_owned());
            applied
                .and_then(&mut replay)
                .map_err(|why| SandboxError::Corrupt {
                    path: path.clone(),
                    line: lines.number,
                    why,
                })?;
        }
        let len = lines.whole;
        read.set_len(len)
            .map_err(|e| SandboxError::State(files::at(&path, &e)))?;
        let mut journal = Self {
            path,
            file: read,
            len,
            broken: false,
            instance_id: found.clone().unwrap_or_else(|| instance_id.to_owned()),
            _lock: lock,
        };
        if found.is_none() {
            if journal.instance_id.is_empty() {
                journal.instance_id = format!("{:016x}", super::oauth::entropy(0));
            }
            let head = format!("{HEAD}{}\n", journal.instance_id);
            journal.append(head.as_bytes())?;
        }
        Ok(journal)
    }

    /// The instance that the folder belongs to.
    pub(super) fn instance_id(&self) -> &str {
        &self.instance_id
    }

    /// Appends whole lines with one write.
    ///
    /// # Errors
    /// The disk is full or gone. What was written of the lines is cut off again.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), SandboxError> {
        if self.broken {
            return Err(SandboxError::State(io::Error::other(format!(
                "{}: an earlier write failed; restart the sandbox",
                self.path.display()
            ))));
        }
        if let Err(error) = self.file.write_all(lines) {
            self.broken = self.file.set_len(self.len).is_err();
            return Err(SandboxError::State(files::at(&self.path, &error)));
        }
        self.len += lines.len() as u64;
        Ok(())
    }

    /// Replaces the log by one line per living record.
    ///
    /// # Errors
    /// As the file system says; the old log stays.
    pub(super) fn rewrite<'a>(
        &mut self,
        records: impl Iterator<Item = (&'a str, &'a Record)>,
    ) -> Result<(), SandboxError> {
        let partial = files::partial(&self.path);
        let write = || -> io::Result<(File, u64)> {
            let mut out = BufWriter::new(files::create(&partial)?);
            let mut line = format!("{HEAD}{}\n", self.instance_id).into_bytes();
            let mut len = 0;
            out.write_all(&line)?;
            len += line.len() as u64;
            for (resource, record) in records {
                line.clear();
                put_line(&mut line, resource, record);
                out.write_all(&line)?;
                len += line.len() as u64;
            }
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_data()?;
            fs::rename(&partial, &self.path)?;
            let file = files::options().append(true).open(&self.path)?;
            Ok((file, len))
        };
        let (file, len) = write().map_err(|e| SandboxError::State(files::at(&self.path, &e)))?;
        self.file = file;
        self.len = len;
        Ok(())
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

fn lock(dir: &Path) -> Result<File, SandboxError> {
    let path = dir.join(LOCK);
    let file = files::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| SandboxError::State(files::at(&path, &e)))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SandboxError::InUse(dir.to_owned())),
        Err(TryLockError::Error(e)) => Err(SandboxError::State(files::at(&path, &e))),
    }
}

fn read_head(line: &[u8]) -> Option<String> {
    let instance = std::str::from_utf8(line).ok()?.strip_prefix(HEAD)?;
    Some(instance.to_owned())
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

/// Whole lines of a log; what follows the last line break is torn.
struct Lines<'a> {
    read: BufReader<&'a mut File>,
    line: Vec<u8>,
    number: u64,
    whole: u64,
}

impl<'a> Lines<'a> {
    fn new(file: &'a mut File) -> Self {
        Self {
            read: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            number: 0,
            whole: 0,
        }
    }

    fn next(&mut self, path: &Path) -> Result<Option<&[u8]>, SandboxError> {
        self.line.clear();
        let read = self
            .read
            .read_until(b'\n', &mut self.line)
            .map_err(|e| SandboxError::State(files::at(path, &e)))?;
        if self.line.pop() != Some(b'\n') {
            return Ok(None);
        }
        self.number += 1;
        self.whole += read as u64;
        Ok(Some(&self.line))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

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
        let head = journal.len;
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
