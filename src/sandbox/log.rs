//! A log of whole lines on disk, one writer at a time: a line that was cut off by a kill is dropped.
//!
//! Reads and writes: `sandbox.log` and `sandbox.lock` in a state folder. Never: loses a line that
//! was written whole.
//!
//! A line is in the kernel's hands when the answer goes out, so killing the process loses nothing;
//! a power cut may (there is no `fsync`: this is a sandbox).

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::SandboxError;
use crate::files;

pub(super) const LOG: &str = "sandbox.log";
const LOCK: &str = "sandbox.lock";
const HEAD: &str = "fullsync-sandbox 1 ";

/// The open log of a state folder, which is locked as long as this lives.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    pub(super) len: u64,
    /// A write failed and its rest could not be cut off.
    broken: bool,
    instance_id: String,
    _lock: File,
}

impl Log {
    /// Locks the folder, gives every line of its log to `replay`, and cuts off a torn tail.
    ///
    /// # Errors
    /// The folder is in use, belongs to another instance, or holds a line that cannot be read.
    pub(super) fn open(
        dir: &Path,
        instance_id: &str,
        mut replay: impl FnMut(&[u8]) -> Result<(), String>,
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
            replay(line).map_err(|why| SandboxError::Corrupt {
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
                journal.instance_id = new_instance();
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

    /// Replaces the log by other lines; `fill` makes each in the emptied buffer it is given, and
    /// says whether there was one.
    ///
    /// # Errors
    /// As the file system says; the old log stays.
    pub(super) fn rewrite(
        &mut self,
        mut fill: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<(), SandboxError> {
        let partial = files::partial(&self.path);
        let mut write = || -> io::Result<(File, u64)> {
            let mut out = BufWriter::new(files::create(&partial)?);
            let mut line = format!("{HEAD}{}\n", self.instance_id).into_bytes();
            let mut len = 0;
            out.write_all(&line)?;
            len += line.len() as u64;
            line.clear();
            while fill(&mut line) {
                out.write_all(&line)?;
                len += line.len() as u64;
                line.clear();
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

/// The name of an instance that has none.
pub(super) fn new_instance() -> String {
    format!("{:016x}", entropy(0))
}

/// 64 bits that nobody can foresee (the standard library seeds its hashers from the system).
pub(super) fn entropy(salt: u64) -> u64 {
    RandomState::new().hash_one(salt)
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
