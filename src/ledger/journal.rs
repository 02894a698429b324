//! Writing a run's journal: events gathered in memory, appended as blocks, synced.
//!
//! Writes: `journals/<run>.journal`, which it holds locked for life. Never: another run's journal.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::ipc::writer::StreamWriter;
use tracing::warn;

use super::entry::Entry;
use super::error::LedgerError;
use super::frame::{BlockHead, FileHeader, ReadHeader};
use super::part::sync_folder;
use super::row::{EVENT_SCHEMA, EventRows};
use crate::files;

/// Events are on disk at most this much later, if the owner asks [`Journal::flush_due`] that often.
pub const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// Events that are due to be flushed whatever the time.
const FLUSH_ROWS: usize = 8 * 1024;

/// Events that `append` flushes by itself, to bound memory and block size.
const MOST_ROWS: usize = 4 * FLUSH_ROWS;

/// A run's own journal. Dropped unclosed, it flushes as well as it can.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of the file that are whole blocks; anything behind is a failed write.
    len: u64,
    failed: bool,
    /// Blocks that a failed write has left to be written.
    unwritten: Vec<u8>,
    pending: Vec<Pending>,
    index: HashMap<String, usize>,
    last: usize,
    rows: usize,
    newest: i64,
    flushed: Instant,
}

#[derive(Debug)]
struct Pending {
    resource: String,
    rows: EventRows,
    newest: i64,
}

impl Journal {
    /// Makes the journal of a run, under the run's name or, where that is taken, `<run>.2` and so
    /// on. No event in it will be dated before `floor`.
    pub(super) fn create(
        folder: &Path,
        run: &str,
        now: i64,
        floor: i64,
    ) -> Result<Self, LedgerError> {
        let mut number = 1u32;
        loop {
            let name = match number {
                1 => format!("{run}.journal"),
                n => format!("{run}.{n}.journal"),
            };
            let path = folder.join(name);
            let options = files::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path);
            let file = match options {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number += 1;
                    continue;
                }
                Err(error) => return Err(LedgerError::io("create", &path)(error)),
            };
            let header = FileHeader {
                id: fastrand::u64(..),
                started_at: now,
                run: run.to_owned(),
            };
            if let Some(len) = claim(&file, &path, &header)? {
                sync_folder(folder)?;
                return Ok(Self {
                    path,
                    file,
                    len,
                    failed: false,
                    unwritten: Vec::new(),
                    pending: Vec::new(),
                    index: HashMap::new(),
                    last: 0,
                    rows: 0,
                    newest: floor,
                    flushed: Instant::now(),
                });
            }
        }
    }

    /// Takes events in the order in which they happened. They are in memory until a flush; a long
    /// iterator is flushed in between.
    ///
    /// # Errors
    /// As [`Self::flush`], which loses nothing: the events stay pending.
    pub fn append<'a>(
        &mut self,
        entries: impl IntoIterator<Item = Entry<'a>>,
    ) -> Result<(), LedgerError> {
        for entry in entries {
            // Within a journal time never runs backwards, so that the order of one run's events
            // survives a clock that is set back.
            self.newest = self.newest.max(entry.at);
            let at = self.newest;
            let path = &self.path;
            let slot = match self.pending.get(self.last) {
                Some(p) if p.resource == entry.resource => self.last,
                _ => match self.index.get(entry.resource) {
                    Some(slot) => *slot,
                    None => {
                        let resource = entry.resource.to_owned();
                        let slot = self.pending.len();
                        self.index.insert(resource.clone(), slot);
                        self.pending.push(Pending {
                            resource,
                            rows: EventRows::new(),
                            newest: at,
                        });
                        slot
                    }
                },
            };
            self.last = slot;
            if let Some(pending) = self.pending.get_mut(slot) {
                pending.newest = at;
                pending
                    .rows
                    .push(&entry, at)
                    .map_err(LedgerError::arrow("build", path))?;
            }
            self.rows += 1;
            if self.rows >= MOST_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Whether pending events should be flushed now: the last flush is [`FLUSH_EVERY`] ago, or
    /// there are many.
    pub fn flush_due(&self, now: Instant) -> bool {
        let waiting = self.rows > 0 || !self.unwritten.is_empty();
        self.rows >= FLUSH_ROWS
            || (waiting && now.saturating_duration_since(self.flushed) >= FLUSH_EVERY)
    }

    /// Writes the pending events and waits until they are on disk (`fdatasync`).
    ///
    /// # Errors
    /// When the disk does not take them. They are kept, and the next flush tries again, over what
    /// was written in part.
    pub fn flush(&mut self) -> Result<(), LedgerError> {
        self.flushed = Instant::now();
        self.encode_pending()?;
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let written = self.write();
        self.failed = written.is_err();
        written.map_err(LedgerError::io("append to", &self.path))?;
        self.len += self.unwritten.len() as u64;
        self.unwritten.clear();
        Ok(())
    }

    /// Flushes and lets go of the lock: the journal can be compacted.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn close(mut self) -> Result<(), LedgerError> {
        self.flush()
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the pending events into `unwritten`, one block per resource.
    fn encode_pending(&mut self) -> Result<(), LedgerError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let mut payload = Vec::new();
        for pending in &mut self.pending {
            let rows = pending.rows.len();
            if rows == 0 {
                continue;
            }
            payload.clear();
            pending
                .rows
                .finish()
                .and_then(|batch| {
                    let mut writer = StreamWriter::try_new(&mut payload, &EVENT_SCHEMA)?;
                    writer.write(&batch)?;
                    writer.finish()
                })
                .map_err(LedgerError::arrow("encode", &self.path))?;
            let (resource, newest) = (&pending.resource, pending.newest);
            BlockHead::encode(resource, rows, newest, &payload, &mut self.unwritten)
                .ok_or_else(|| io::Error::other("a block of 4 GiB or more"))
                .map_err(LedgerError::io("append to", &self.path))?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        if self.failed {
            self.file.set_len(self.len)?;
        }
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.write_all(&self.unwritten)?;
        self.file.sync_data()
    }

    /// What `kill -9` does: nothing more is written, the lock goes.
    #[cfg(test)]
    pub(super) fn crash(mut self) {
        self.pending.clear();
        self.unwritten.clear();
        self.rows = 0;
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            warn!(
                journal = %self.path.display(),
                error = %error,
                "acknowledgements were not recorded; the objects will be sent again"
            );
        }
    }
}

/// Locks a journal that was just made and writes its header; `None` when a compaction has taken
/// it for an empty dead one and deleted it in between.
fn claim(file: &File, path: &Path, header: &FileHeader) -> Result<Option<u64>, LedgerError> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(LedgerError::io("lock", path)(error)),
    }
    let bytes = header.encode();
    let mut writer = file;
    writer
        .write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(LedgerError::io("write", path))?;
    let found = match std::fs::read(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::io("read", path)(error)),
    };
    let ours = matches!(FileHeader::decode(&found), ReadHeader::Whole(h, _) if h == *header);
    Ok(ours.then_some(bytes.len() as u64))
}
