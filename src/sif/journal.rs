//! The journal of one request: what was asked, from which objects it is answered, and every packet
//! before it is sent and once it is acknowledged. A process that was killed goes on from it.
//!
//! Reads and writes: one folder per request, for its owner only:
//! ```text
//! requests/<SIF_MsgId>/request.json      who asked for what, and in which version it is answered
//!                      objects.parquet   the objects that it is answered from (a hard link, so that
//!                                        no later run changes or prunes them)
//!                      packets.jsonl     one line per packet and event
//! ```
//! A line is written before its packet is sent: a packet without its acknowledgement may have
//! arrived or not, and is sent once more under the same SIF_MsgId.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::answer::Packet;
use super::context::DEFAULT_CONTEXT;
use super::request::Request;
use crate::files;

/// Longest time that a line waits to be on disk; a killed process loses none.
const FLUSH: Duration = Duration::from_millis(200);

/// What is known of a request from its first moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// SIF_MsgId of the request.
    pub msg_id: String,
    /// The agent that asked.
    pub agent: String,
    /// What it asked for.
    pub request: Request,
    /// The version that it is answered in.
    pub version: String,
    /// The context that it is about.
    #[serde(default = "default_context")]
    pub context: String,
    /// The run whose objects it is answered from.
    pub run: String,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// What journals of a time before contexts mean.
fn default_context() -> String {
    DEFAULT_CONTEXT.to_owned()
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A packet is about to be sent.
    Packet(PacketLine),
    /// It was acknowledged with this status.
    Acked {
        /// SIF_PacketNumber.
        number: u64,
        /// 0, or 7 where the zone had it already.
        status: u8,
    },
    /// An object that does not fit into the buffer.
    TooLarge {
        /// Its row.
        row: u64,
        /// Its RefId.
        ref_id: String,
        /// Bytes of the message that would hold it alone.
        bytes: u64,
    },
    /// No further packet can be delivered: category and code, or a word.
    Ended(String),
    /// The request itself was acknowledged.
    Closed,
}

/// A packet in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketLine {
    /// SIF_PacketNumber.
    pub number: u64,
    /// SIF_MsgId.
    pub msg_id: String,
    /// RefId of its first object.
    pub first: Option<String>,
    /// RefId of its last object.
    pub last: Option<String>,
    /// Objects.
    pub objects: u64,
    /// Length of the message.
    pub bytes: u64,
    /// Whether more follow.
    pub more: bool,
    /// The row that its making began at.
    pub from: u64,
    /// The row that the next one begins at.
    pub next: u64,
}

/// How far an answer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Packets that were acknowledged.
    pub packets: u64,
    /// Their objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The row to go on from.
    pub row: u64,
    /// SIF_MsgId of the next packet, which may have been sent already.
    pub unsure: Option<String>,
    /// Rows of objects that did not fit, with their RefIds.
    pub too_large: Vec<(u64, String)>,
    /// Whether the last packet was acknowledged.
    pub complete: bool,
    /// Why no further packet can be delivered.
    pub ended: Option<String>,
    /// Whether the request itself was acknowledged.
    pub closed: bool,
}

impl Progress {
    /// The number of the next packet.
    pub fn next(&self) -> u64 {
        self.packets + 1
    }

    fn of(lines: impl Iterator<Item = Line>) -> Self {
        let (mut progress, mut last): (Self, Option<PacketLine>) = (Self::default(), None);
        let mut too_large = Vec::new();
        for line in lines {
            match line {
                Line::Packet(packet) => last = Some(packet),
                Line::Acked { number, .. } => {
                    if let Some(packet) = last.take().filter(|p| p.number == number) {
                        progress.packets = number;
                        progress.objects += packet.objects;
                        progress.bytes += packet.bytes;
                        progress.row = packet.next;
                        progress.complete = !packet.more;
                    }
                }
                Line::TooLarge { row, ref_id, .. } => too_large.push((row, ref_id)),
                Line::Ended(why) => progress.ended = Some(why),
                Line::Closed => progress.closed = true,
            }
        }
        progress.unsure = last.map(|packet| packet.msg_id);
        // What lies behind will be found again.
        too_large.retain(|(row, _)| progress.complete || *row < progress.row);
        too_large.sort();
        too_large.dedup();
        progress.too_large = too_large;
        progress
    }
}

/// The journal of one request.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    /// What was asked.
    pub asked: Asked,
    file: File,
    synced: Instant,
}

impl Journal {
    /// Starts the journal of a new request below `requests`, with a link to the objects that it is
    /// answered from (None for a request that is refused).
    ///
    /// # Errors
    /// As the file system says.
    pub fn create(requests: &Path, asked: Asked, objects: Option<&Path>) -> io::Result<Self> {
        let folder = folder(requests, &asked.msg_id);
        files::create_dir(&folder)?;
        if let Some(objects) = objects {
            link(objects, &folder.join("objects.parquet"))?;
        }
        // Last: a folder without it is none of a request.
        files::write(&folder.join("request.json"), &serde_json::to_vec(&asked)?)?;
        Self::append_to(folder, asked)
    }

    /// The journal of a request that an earlier process began; None where there is none.
    ///
    /// # Errors
    /// As the file system says.
    pub fn open(requests: &Path, msg_id: &str) -> io::Result<Option<(Self, Progress)>> {
        let folder = folder(requests, msg_id);
        let file = folder.join("request.json");
        let bytes = match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|e| files::at(&file, &e))?,
        };
        let asked = serde_json::from_slice(&bytes).map_err(|e| files::at(&file, &e.into()))?;
        let mut lines = Vec::new();
        if let Ok(file) = File::open(folder.join("packets.jsonl")) {
            for line in BufReader::new(file).split(b'\n') {
                // A line that was cut off was not followed by a send.
                lines.extend(serde_json::from_slice::<Line>(&line?).ok());
            }
        }
        let progress = Progress::of(lines.into_iter());
        Ok(Some((Self::append_to(folder, asked)?, progress)))
    }

    /// SIF_MsgIds of all requests that have a journal.
    ///
    /// # Errors
    /// As the file system says.
    pub fn all(requests: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(requests) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| files::at(requests, &e))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string();
            all.extend(
                name.ok()
                    .filter(|_| entry.path().join("request.json").exists()),
            );
        }
        all.sort();
        Ok(all)
    }

    fn append_to(folder: PathBuf, asked: Asked) -> io::Result<Self> {
        let path = folder.join("packets.jsonl");
        // A line that was cut off stays one of its own.
        let torn = fs::read(&path).is_ok_and(|bytes| bytes.last().is_some_and(|b| *b != b'\n'));
        let mut options = files::options();
        options.create(true).append(true);
        let mut file = options.open(&path).map_err(|e| files::at(&path, &e))?;
        if torn {
            file.write_all(b"\n").map_err(|e| files::at(&path, &e))?;
        }
        Ok(Self {
            file,
            folder,
            asked,
            synced: Instant::now(),
        })
    }

    /// The objects that it is answered from.
    pub fn objects(&self) -> PathBuf {
        self.folder.join("objects.parquet")
    }

    /// Notes that a packet is about to be sent.
    ///
    /// # Errors
    /// As the file system says; the packet must not be sent then.
    pub fn sending(&mut self, packet: &Packet) -> io::Result<()> {
        let packed = &packet.packed;
        let (first, last) = packed.ref_ids.clone().unzip();
        self.add(&Line::Packet(PacketLine {
            number: packed.number,
            msg_id: packed.msg_id.clone(),
            first,
            last,
            objects: packed.objects,
            bytes: packed.bytes.len() as u64,
            more: packed.more,
            from: packet.from,
            next: packet.next,
        }))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// As the file system says.
    pub fn add(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let written = self.file.write_all(&bytes).and_then(|()| {
            let end = matches!(line, Line::Ended(_) | Line::Closed);
            if end || self.synced.elapsed() >= FLUSH {
                self.synced = Instant::now();
                return self.file.sync_data();
            }
            Ok(())
        });
        written.map_err(|e| files::at(&self.folder, &e))
    }

    /// Removes the journal: the request is over.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder).map_err(|e| files::at(&self.folder, &e))
    }
}

/// The folder of a request. Its id comes from outside: what is no digit or letter is replaced.
fn folder(requests: &Path, msg_id: &str) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = msg_id.chars().take(64).map(safe).collect();
    requests.join(if name.is_empty() { "_" } else { &name })
}

/// A second name for a file, or a copy where the file system has no such thing.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    let _ = fs::remove_file(to);
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let mut source = File::open(from).map_err(|e| files::at(from, &e))?;
    let mut copy = files::create(to)?;
    io::copy(&mut source, &mut copy).map_err(|e| files::at(to, &e))?;
    copy.sync_data().map_err(|e| files::at(to, &e))
}

#[cfg(test)]
mod tests;
