//! The history of messages: one line per message, in a file for its owner only.
//!
//! Reads and writes: `messages.jsonl` of the zone. Never: fails a message; what cannot be written
//! down is warned of, once. The text of packets and events is left out unless the pipeline asks for
//! it: the staged objects have the same, and thousands of messages would double them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::files;

/// Messages longer than this are kept without their text.
const LONGEST_TEXT: usize = 64 << 10;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When its acknowledgement came, or when it was received.
    pub at: DateTime<Utc>,
    /// Whether it was sent, or received.
    pub sent: bool,
    /// `SIF_Response`, ...; of a SIF_SystemControl its command.
    pub kind: String,
    /// SIF_MsgId.
    pub msg_id: String,
    /// The other agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// ObjectName.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// SIF_RequestMsgId.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// SIF_PacketNumber.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
    /// Objects in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
    /// Length of the message.
    pub bytes: u64,
    /// Requests sent for it; 0 for one that was received.
    #[serde(default)]
    pub tries: u32,
    /// Milliseconds until it was acknowledged.
    #[serde(default)]
    pub ms: u64,
    /// Status (`0`), category and code (`8/12`), `HTTP 401`, `unanswered`, or what we answered.
    pub outcome: String,
    /// The run that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The message itself, where it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Note {
    /// Of a message between us and this agent about this object.
    pub fn about(agent: &str, object: &str) -> Self {
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Self {
            agent: some(agent),
            object: some(object),
            ..Self::default()
        }
    }
}

/// The file, as it is written to.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    run: OnceLock<String>,
    /// Opened with the first line: thousands of messages must not open it thousands of times.
    file: Mutex<Option<File>>,
    /// Whether texts of packets and events are kept as well.
    whole: bool,
    warned: AtomicBool,
}

impl Log {
    /// The history in a zone's folder.
    pub fn new(folder: &Path, whole: bool) -> Self {
        Self {
            path: path(folder),
            run: OnceLock::new(),
            file: Mutex::default(),
            whole,
            warned: AtomicBool::new(false),
        }
    }

    /// From now on messages are those of this run.
    pub fn of_run(&self, run: &str) {
        // Only the first one counts: a process does one run.
        let _ = self.run.set(run.to_owned());
    }

    /// Adds a line.
    pub fn add(&self, note: Note, message: &[u8]) {
        let data = matches!(
            &*note.kind,
            "SIF_Response" | "SIF_Event" | "SIF_BundledEvents"
        );
        let keep = self.whole || (!data && message.len() <= LONGEST_TEXT);
        let note = Note {
            run: self.run.get().cloned(),
            text: keep.then(|| String::from_utf8_lossy(message).into_owned()),
            ..note
        };
        if let Err(error) = self.append(&note)
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "the history of messages cannot be written");
        }
    }

    fn append(&self, note: &Note) -> io::Result<()> {
        let mut line = serde_json::to_vec(note)?;
        line.push(b'\n');
        let mut open_file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *open_file {
            Some(file) => file,
            none => {
                if let Some(folder) = self.path.parent() {
                    files::create_dir(folder)?;
                }
                none.insert(open(&self.path)?)
            }
        };
        // Whoever deletes lines meanwhile holds the lock.
        file.lock()?;
        let written = file.write_all(&line);
        let unlocked = file.unlock();
        written.and(unlocked).map_err(|e| files::at(&self.path, &e))
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("messages.jsonl")
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = files::options();
    options.create(true).read(true).append(true);
    options.open(path).map_err(|e| files::at(path, &e))
}

/// Visits all messages, oldest first; none where there is no file. A line that was cut off is
/// passed over.
///
/// # Errors
/// As the file system says, or the visitor.
pub fn read(folder: &Path, mut visit: impl FnMut(Note) -> io::Result<()>) -> io::Result<()> {
    let path = path(folder);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(|e| files::at(&path, &e))?,
    };
    for line in BufReader::new(file).split(b'\n') {
        if let Ok(note) = serde_json::from_slice(&line.map_err(|e| files::at(&path, &e))?) {
            visit(note)?;
        }
    }
    Ok(())
}

/// Removes the messages for which `gone` holds; how many there were.
///
/// # Errors
/// As the file system says.
pub fn delete(folder: &Path, mut gone: impl FnMut(&Note) -> bool) -> io::Result<u64> {
    let path = path(folder);
    if !path.exists() {
        return Ok(0);
    }
    // Whoever adds a line meanwhile waits for the lock; the file stays the same one.
    let mut file = open(&path)?;
    file.lock()?;
    let (mut kept, mut deleted) = (Vec::new(), 0);
    for line in BufReader::new(&file).split(b'\n') {
        let line = line?;
        match serde_json::from_slice::<Note>(&line) {
            Ok(note) if gone(&note) => deleted += 1,
            _ if line.is_empty() => {}
            _ => {
                kept.extend_from_slice(&line);
                kept.push(b'\n');
            }
        }
    }
    if deleted > 0 {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&kept)
            .and_then(|()| file.sync_data())
            .map_err(|e| files::at(&path, &e))?;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_kept_read_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path(), false);
        log.of_run("run-1");
        let note = |kind: &str, id: &str| Note {
            kind: kind.to_owned(),
            msg_id: id.to_owned(),
            sent: true,
            ..Note::about("LIB", "StudentPersonal")
        };
        for (kind, id) in [
            ("SIF_Response", "A"),
            ("SIF_Register", "B"),
            ("SIF_Ack", "C"),
        ] {
            log.add(note(kind, id), b"<x/>");
        }
        let all = || {
            let mut all = Vec::new();
            read(folder.path(), |note| {
                all.push(note);
                Ok(())
            })
            .unwrap();
            all
        };
        let notes = all();
        assert_eq!(notes.len(), 3);
        assert_eq!(notes[0].text, None, "the text of a packet is student data");
        assert_eq!(notes[1].text.as_deref(), Some("<x/>"));
        assert_eq!(notes[2].run.as_deref(), Some("run-1"));
        assert_eq!(delete(folder.path(), |note| note.msg_id == "B").unwrap(), 1);
        let left: Vec<String> = all().into_iter().map(|n| n.msg_id).collect();
        assert_eq!(left, ["A", "C"]);
        log.add(note("SIF_Ping", "D"), b"<x/>");
        let left: Vec<String> = all().into_iter().map(|n| n.msg_id).collect();
        assert_eq!(left, ["A", "C", "D"], "after lines were deleted");
    }
}
