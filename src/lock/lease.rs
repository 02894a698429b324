//! A lease: who holds what, and whether the holder lives.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::pairs::Pairs;
use crate::account::Process;
use crate::files;

/// Version of the lease file's format.
pub(super) const FORMAT: u32 = 1;

/// How often a holder shows that it lives.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 10_000 });

/// A holder on another machine whose heartbeat is older than this is taken for dead.
pub const STALE: Duration = Duration::from_secs(120);

/// Who holds which resources of which schools (public contract: docs/locks.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Version of the format.
    pub format: u32,
    /// Its number: the time of the claim in microseconds since 1970, made unique.
    pub id: u64,
    /// The configuration.
    pub configuration: String,
    /// The verb that holds it.
    pub verb: String,
    /// The run; None until its folder is made.
    pub run: Option<String>,
    /// The operating system's user.
    pub user: String,
    /// The holder's process.
    #[serde(flatten)]
    pub process: Process,
    /// When it was got.
    pub since: DateTime<Utc>,
    /// What is held.
    #[serde(flatten)]
    pub pairs: Pairs,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.run {
            Some(run) => write!(f, "run {run}")?,
            None => write!(f, "{} (starting)", self.verb)?,
        }
        write!(
            f,
            " (user {} on {}, pid {}, since {})",
            self.user,
            self.process.host,
            self.process.pid,
            self.since.format("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

/// The file of a lease.
pub(super) fn lease_file(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// The file that a living holder has locked.
pub(super) fn alive_file(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.alive"))
}

/// Writes a sign of life into the file that the holder has locked.
pub(super) fn beat(file: &mut File) -> io::Result<()> {
    // Written, not touched: the time of change is then the file server's, like everybody's.
    let text = format!("{}\n", Utc::now().timestamp_micros());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

/// All leases of a folder with whether their holders live, oldest first; none without a folder.
/// What cannot be read (being removed this moment, or written by a later version) is left out.
///
/// # Errors
/// The folder cannot be listed.
pub fn leases(folder: &Path) -> io::Result<Vec<(Lease, bool)>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    // The only thing that it may need is the server's time, for holders on other machines.
    let now = || server_time(folder);
    let here = Process::current();
    for lease in read_all(folder)? {
        let lives = is_alive(folder, &lease, &here, &now);
        found.push((lease, lives));
    }
    Ok(found)
}

/// All lease files, oldest first.
pub(super) fn read_all(folder: &Path) -> io::Result<Vec<Lease>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| files::at(folder, &e))? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        if let Ok(bytes) = fs::read(&path)
            && let Ok(lease) = serde_json::from_slice::<Lease>(&bytes)
        {
            found.push(lease);
        }
    }
    found.sort_by_key(|lease| lease.id);
    Ok(found)
}

/// Whether the holder of a lease lives. On the same machine the lock on its file tells at once,
/// also of a process that was stopped or killed; of another machine the heartbeat tells.
pub(super) fn is_alive(
    folder: &Path,
    lease: &Lease,
    here: &Process,
    now: &dyn Fn() -> Option<SystemTime>,
) -> bool {
    let Ok(file) = File::open(alive_file(folder, lease.id)) else {
        return false;
    };
    // A shared lock is refused as long as the holder has its exclusive one.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => return true,
        Err(TryLockError::Error(_)) => {}
        Ok(()) if lease.process.same_machine(here) => return false,
        Ok(()) => {}
    }
    let beat = file.metadata().and_then(|m| m.modified());
    let (Ok(beat), Some(now)) = (beat, now()) else {
        // Nothing can be said: better to wait for a person than to send twice.
        return true;
    };
    now.duration_since(beat).is_ok_and(|age| age < STALE) || beat > now
}

/// What time the file system has, which need not be this machine's clock.
pub(super) fn server_time(folder: &Path) -> Option<SystemTime> {
    let path = folder.join(format!(".time-{}", std::process::id()));
    let mut file = files::create(&path).ok()?;
    let written = file
        .write_all(b".")
        .and_then(|()| file.metadata()?.modified());
    let _ = fs::remove_file(&path);
    written.ok()
}

/// Removes a lease; the holder's file last, so that a lease without one is a dead one's.
pub(super) fn remove(folder: &Path, id: u64) {
    let _ = fs::remove_file(lease_file(folder, id));
    let _ = fs::remove_file(alive_file(folder, id));
}
