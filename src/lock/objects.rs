//! Claims on district-wide objects, among runs over disjoint schools: the first to claim a key
//! sends the object, the others wait for what becomes of it.
//!
//! One append-only file per resource, of records of [`RECORD`] bytes: key hash, holder's lease,
//! checksum. The last record of a key counts. It is read and appended to under a lock, for a whole
//! batch of keys at once, and nothing of it is kept in memory.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::Lease;
use super::lease::{is_alive, lease_file, server_time};
use crate::account::Process;
use crate::files;
use crate::object::KeyHash;

/// Bytes of a record.
const RECORD: usize = 32;

/// The key of the record by which a run says that it has no more to do with a resource.
const ENDED: KeyHash = KeyHash(0);

/// The claims of one run.
#[derive(Clone, Debug)]
pub struct ObjectClaims {
    locks: PathBuf,
    holder: u64,
}

/// The claims of one run on objects of one resource.
#[derive(Debug)]
pub struct ResourceClaims {
    locks: PathBuf,
    path: PathBuf,
    holder: u64,
    seen: Mutex<Seen>,
}

/// How far the file has been read, and whether a record of another run was met: as long as there
/// is none, nothing needs to be read again.
#[derive(Debug, Default)]
struct Seen {
    to: u64,
    others: bool,
    /// Leases that have said they have no more to do with the resource, up to a place.
    ended: HashSet<u64>,
    ended_to: u64,
}

impl ObjectClaims {
    pub(super) fn new(locks: &Path, holder: u64) -> Self {
        Self {
            locks: locks.to_owned(),
            holder,
        }
    }

    /// The claims on one resource.
    pub fn resource(&self, name: &str) -> Arc<ResourceClaims> {
        Arc::new(ResourceClaims {
            locks: self.locks.clone(),
            path: folder(&self.locks).join(format!("{}.claims", name.replace('/', "."))),
            holder: self.holder,
            seen: Mutex::default(),
        })
    }

    /// Removes all claims: nobody is there whom they could concern.
    pub(super) fn sweep(locks: &Path) -> io::Result<()> {
        match fs::remove_dir_all(folder(locks)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn folder(locks: &Path) -> PathBuf {
    locks.join("objects")
}

impl ResourceClaims {
    /// Claims these keys. Per key: None, it is ours; or the lease that has claimed it before us,
    /// whether its run still lives or not. `over` names leases whose claim on a key no longer
    /// counts.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn claim(
        &self,
        keys: &[KeyHash],
        over: &HashMap<KeyHash, u64>,
    ) -> io::Result<Vec<Option<u64>>> {
        let mut holders: HashMap<KeyHash, u64> = HashMap::with_capacity(keys.len());
        let wanted: HashMap<KeyHash, ()> = keys.iter().map(|key| (*key, ())).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.open()?;
        let len = whole_records(&file)?;
        if !seen.others {
            scan(&mut file, seen.to, len, |_, holder| {
                seen.others |= holder != self.holder;
            })?;
        }
        if seen.others {
            scan(&mut file, 0, len, |key, holder| {
                if wanted.contains_key(&key) {
                    holders.insert(key, holder);
                }
            })?;
        }
        let mut answer = Vec::with_capacity(keys.len());
        let mut records = Vec::new();
        for key in keys {
            let holder = holders.get(key).copied();
            let other = holder.filter(|h| *h != self.holder && over.get(key) != Some(h));
            answer.push(other);
            if other.is_none() && holder != Some(self.holder) {
                records.extend(record(*key, self.holder));
            }
        }
        append(&mut file, len, &records).map_err(|e| files::at(&self.path, &e))?;
        seen.to = len + records.len() as u64;
        Ok(answer)
    }

    /// Says that this run has no more to do with the resource: whoever waits for one of its objects
    /// need not wait longer. To be called when all answers are in the ledger.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end(&self) -> io::Result<()> {
        let mut file = self.open()?;
        let len = whole_records(&file)?;
        append(&mut file, len, &record(ENDED, self.holder)).map_err(|e| files::at(&self.path, &e))
    }

    /// Of these leases, those whose runs will settle no more objects of the resource: they have
    /// said so, or have ended. Cheap: only what was added to the file since the last time is read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn ended(&self, holders: &[u64]) -> io::Result<Vec<u64>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.open()?;
        let len = whole_records(&file)?;
        let mut said = Vec::new();
        scan(&mut file, seen.ended_to, len, |key, holder| {
            if key == ENDED {
                said.push(holder);
            }
        })?;
        drop(file);
        seen.ended.extend(said);
        seen.ended_to = len;
        let ended = holders.iter().filter(|h| seen.ended.contains(h));
        let mut ended: Vec<u64> = ended.copied().collect();
        drop(seen);
        let here = Process::current();
        for holder in holders {
            if !ended.contains(holder) && !self.lives(*holder, &here) {
                ended.push(*holder);
            }
        }
        Ok(ended)
    }

    fn lives(&self, holder: u64, here: &Process) -> bool {
        let bytes = fs::read(lease_file(&self.locks, holder));
        let Ok(lease) = bytes
            .map_err(drop)
            .and_then(|b| serde_json::from_slice::<Lease>(&b).map_err(drop))
        else {
            return false;
        };
        is_alive(&self.locks, &lease, here, &|| server_time(&self.locks))
    }

    /// The file, locked as long as it is open.
    fn open(&self) -> io::Result<File> {
        let fail = |e| files::at(&self.path, &e);
        files::create_dir(&folder(&self.locks))?;
        let options = files::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&self.path);
        let file = options.map_err(fail)?;
        file.lock().map_err(fail)?;
        Ok(file)
    }
}

fn record(key: KeyHash, holder: u64) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    let (fields, check) = bytes.split_at_mut(RECORD - 8);
    let (first, last) = fields.split_at_mut(16);
    first.copy_from_slice(&key.0.to_be_bytes());
    last.copy_from_slice(&holder.to_be_bytes());
    check.copy_from_slice(&xxh3_64(fields).to_be_bytes());
    bytes
}

fn decode(bytes: &[u8; RECORD]) -> Option<(KeyHash, u64)> {
    let (fields, check) = bytes.split_last_chunk::<8>()?;
    if xxh3_64(fields) != u64::from_be_bytes(*check) {
        return None;
    }
    let (key, holder) = fields.split_first_chunk::<16>()?;
    let holder = holder.first_chunk::<8>()?;
    Some((
        KeyHash(u128::from_be_bytes(*key)),
        u64::from_be_bytes(*holder),
    ))
}

/// Bytes of the file up to the last whole record; a writer that was killed may have left a torn
/// one, which the next one overwrites.
fn whole_records(file: &File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    Ok(len - len % RECORD as u64)
}

/// Visits the records between two places. What a crash of the machine has damaged is passed over.
fn scan(
    file: &mut File,
    from: u64,
    to: u64,
    mut visit: impl FnMut(KeyHash, u64),
) -> io::Result<()> {
    if from >= to {
        return Ok(());
    }
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(1 << 16, file).take(to - from);
    let mut bytes = [0; RECORD];
    for _ in 0..(to - from) / RECORD as u64 {
        reader.read_exact(&mut bytes)?;
        if let Some((key, holder)) = decode(&bytes) {
            visit(key, holder);
        }
    }
    Ok(())
}

fn append(file: &mut File, at: u64, records: &[u8]) -> io::Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    file.seek(SeekFrom::Start(at))?;
    file.write_all(records)
}
