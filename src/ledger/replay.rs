//! Reading journals back: their blocks, up to the first one that is not whole.
//!
//! Reads: `journals/*.journal`, of runs alive and dead. Writes: nothing.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use tracing::debug;

use super::error::LedgerError;
use super::frame::{BlockHead, FORMAT, FileHeader, HEAD_MAX, ReadHeader};
use super::row::{Columns, with_run};
use super::shared::SharedFile;

/// Bytes of a head that are enough for all names in use.
const HEAD_USUAL: usize = 256;

/// The ending of a journal's file name.
const ENDING: &str = "journal";

/// A journal that was opened: its blocks as they stood then.
#[derive(Debug)]
pub(super) struct OpenJournal {
    path: PathBuf,
    file: SharedFile,
    header: FileHeader,
    blocks: Vec<Block>,
    /// Bytes behind the last whole block head and payload.
    torn: u64,
}

/// Where a block's payload is.
#[derive(Debug)]
struct Block {
    head: BlockHead,
    payload_at: u64,
}

/// What opening a journal found.
#[derive(Debug)]
pub(super) enum Opened {
    /// A journal.
    Journal(OpenJournal),
    /// No readable header: made and never written to, or damaged. So many bytes.
    Headless(u64),
}

/// The journals of a ledger, by name.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LedgerError::io("list", folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(LedgerError::io("list", folder))?.path();
        if path.extension().is_some_and(|e| e == ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Opens a journal and finds its blocks. Payloads are looked at when they are read.
pub(super) fn open(path: &Path) -> Result<Opened, LedgerError> {
    let file = SharedFile::open(path)?;
    let read = |at, len| file.read_at(at, len).map_err(LedgerError::io("read", path));
    let (header, mut at) = match FileHeader::decode(&read(0, HEAD_MAX)?) {
        ReadHeader::Whole(header, len) => (header, len as u64),
        ReadHeader::Torn => return Ok(Opened::Headless(file.size())),
        ReadHeader::Other(found) => {
            return Err(LedgerError::Newer {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
    };
    let mut blocks = Vec::new();
    while at < file.size() {
        let decoded = match BlockHead::decode(&read(at, HEAD_USUAL)?) {
            Some(decoded) => Some(decoded),
            None => BlockHead::decode(&read(at, HEAD_MAX)?),
        };
        let Some((head, len)) = decoded else { break };
        let payload_at = at + len as u64;
        let end = payload_at + u64::from(head.payload_len);
        if end > file.size() {
            break;
        }
        blocks.push(Block { head, payload_at });
        at = end;
    }
    let torn = file.size() - at;
    Ok(Opened::Journal(OpenJournal {
        path: path.to_owned(),
        file,
        header,
        blocks,
        torn,
    }))
}

impl OpenJournal {
    /// The id in its header.
    pub(super) fn id(&self) -> u64 {
        self.header.id
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes at its end that are no whole block.
    pub(super) fn torn(&self) -> u64 {
        self.torn
    }

    /// Time of its newest event.
    pub(super) fn newest(&self) -> i64 {
        let newest = self.blocks.iter().map(|b| b.head.newest).max();
        newest.unwrap_or(i64::MIN)
    }

    /// The resources of its blocks, with repetitions.
    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().map(|b| b.head.resource.as_str())
    }

    /// Rows of one resource.
    pub(super) fn rows(&self, resource: &str) -> u64 {
        let blocks = self.blocks.iter().filter(|b| b.head.resource == resource);
        blocks.map(|b| u64::from(b.head.rows)).sum()
    }

    /// The rows of one resource in the order written, up to the first damaged block.
    pub(super) fn read<'a>(
        &'a self,
        resource: &'a str,
        columns: Columns,
    ) -> impl Iterator<Item = Result<RecordBatch, LedgerError>> + 'a {
        self.blocks
            .iter()
            .filter(move |b| b.head.resource == resource)
            .map_while(move |block| self.read_block(block, columns).transpose())
    }

    /// Whether a payload is not what was written; reads the whole file.
    pub(super) fn is_damaged(&self) -> Result<bool, LedgerError> {
        for block in &self.blocks {
            if self.payload(block)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn payload(&self, block: &Block) -> Result<Option<Vec<u8>>, LedgerError> {
        let payload = self
            .file
            .read_at(block.payload_at, block.head.payload_len as usize)
            .map_err(LedgerError::io("read", &self.path))?;
        let whole = block.head.matches(&payload);
        if !whole {
            debug!(journal = %self.path.display(), at = block.payload_at, "damaged block");
        }
        Ok(whole.then_some(payload))
    }

    fn read_block(
        &self,
        block: &Block,
        columns: Columns,
    ) -> Result<Option<RecordBatch>, LedgerError> {
        let Some(payload) = self.payload(block)? else {
            return Ok(None);
        };
        let projection = match columns {
            Columns::Narrow => Some((0..columns.count()).collect()),
            Columns::Wide => None,
        };
        StreamReader::try_new(Cursor::new(payload), projection)
            .and_then(|mut reader| reader.next().transpose())
            .and_then(|batch| match (batch, columns) {
                (Some(batch), Columns::Wide) => with_run(&batch, &self.header.run).map(Some),
                (batch, _) => Ok(batch),
            })
            .map_err(LedgerError::arrow("decode", &self.path))
    }
}
