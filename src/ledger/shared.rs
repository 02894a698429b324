//! An open file that several readers use at once.
//!
//! Reads: the one file, which may have been unlinked since. Writes: nothing.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::error::LedgerError;

/// A file that stays readable after a compaction has deleted it. Every read seeks first, under a
/// lock, because duplicated handles share one position.
#[derive(Clone, Debug)]
pub(super) struct SharedFile {
    file: Arc<Mutex<File>>,
    len: u64,
}

impl SharedFile {
    /// Opens a file; its length is taken now and does not follow a writer.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(LedgerError::io("open", path))?;
        let len = file
            .metadata()
            .map_err(LedgerError::io("look at", path))?
            .len();
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            len,
        })
    }

    /// Bytes at opening.
    pub(super) fn size(&self) -> u64 {
        self.len
    }

    /// Up to `len` bytes from `start`; fewer where the file ends.
    pub(super) fn read_at(&self, start: u64, len: usize) -> io::Result<Vec<u8>> {
        let wanted = self.len.saturating_sub(start).min(len as u64);
        let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(len));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        Read::take(&mut *file, wanted).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for SharedFile {
    type T = BufReader<SharedRead>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(SharedRead {
            file: self.clone(),
            at: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.read_at(start, length)?;
        if bytes.len() == length {
            Ok(bytes.into())
        } else {
            Err(ParquetError::EOF(format!(
                "{length} bytes wanted, {} found",
                bytes.len()
            )))
        }
    }
}

/// Reads a [`SharedFile`] from a position of its own.
#[derive(Debug)]
pub(super) struct SharedRead {
    file: SharedFile,
    at: u64,
}

impl Read for SharedRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut file = self
            .file
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(buf)?;
        self.at += read as u64;
        Ok(read)
    }
}
