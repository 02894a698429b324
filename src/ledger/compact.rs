//! Compaction: the journals of ended runs become part of a new generation.
//!
//! Reads: manifest, parts, journals whose lock can be taken. Writes: parts, then the manifest; then
//! it deletes what the manifest no longer needs. Never: the journal of a run that is alive.
//!
//! A crash at any point leaves a ledger that reads the same: before the swap of the manifest the
//! new parts count for nothing, after it the merged journals do. The next compaction tidies up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use super::error::LedgerError;
use super::manifest::{Manifest, MergedJournal, ResourceParts, generation_folder};
use super::part::{PartWriter, Sizes, sync_folder};
use super::replay::{self, OpenJournal, Opened};
use super::snapshot::Snapshot;
use crate::files;

/// A file without a readable header is taken for an empty journal up to this size in bytes.
const EMPTY_BYTES: u64 = 4096;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Another process was compacting; nothing was done.
    pub busy: bool,
    /// Journals that were merged and deleted.
    pub journals: usize,
    /// Journals left alone, because their runs are alive.
    pub alive: usize,
    /// Events in the merged journals.
    pub events: u64,
    /// The newest generation, 0 = none yet.
    pub generation: u64,
}

/// The points at which a test lets a compaction die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Journals are locked and opened.
    Locked,
    /// The parts of one resource are on disk.
    Written,
    /// The new manifest counts.
    Swapped,
    /// One merged journal is deleted.
    Deleted,
}

/// A journal that is ours to merge; the handle holds its lock.
struct Dead {
    journal: Arc<OpenJournal>,
    damaged: bool,
    _lock: File,
}

/// Compacts the ledger in `folder`; `check` is asked after each step.
pub(super) fn compact(
    folder: &Path,
    sizes: Sizes,
    now: i64,
    check: &mut dyn FnMut(Step) -> Result<(), LedgerError>,
) -> Result<Compacted, LedgerError> {
    let Some(_lock) = lock(folder)? else {
        return Ok(Compacted {
            busy: true,
            ..Compacted::default()
        });
    };
    let manifest = Manifest::read(folder)?;
    tidy(folder, &manifest, &mut |_| Ok(()))?;
    let journals = folder.join("journals");
    let mut dead = Vec::new();
    for path in replay::list(&journals)? {
        dead.extend(take(&path)?);
    }
    // Listed again now: a run that is alive may hold events older than a delete that is merged.
    let alive = replay::list(&journals)?.len().saturating_sub(dead.len());
    check(Step::Locked)?;

    let mut done = Compacted {
        busy: false,
        journals: dead.len(),
        alive,
        events: 0,
        generation: manifest.generation,
    };
    let resources: BTreeSet<String> = dead
        .iter()
        .flat_map(|d| d.journal.resources())
        .map(str::to_owned)
        .collect();
    let mut next = Manifest {
        generation: manifest.generation + 1,
        compacted_at: now,
        previous: BTreeMap::new(),
        merged: Vec::new(),
        ..manifest.clone()
    };
    for resource in &resources {
        let merged: Vec<_> = dead.iter().map(|d| Arc::clone(&d.journal)).collect();
        done.events += merged.iter().map(|j| j.rows(resource)).sum::<u64>();
        let old = Snapshot::of(folder, resource, sizes, &manifest, merged)?;
        let parts = write(folder, sizes, next.generation, &old, alive > 0)?;
        let before = next.resources.insert(resource.clone(), parts);
        next.previous
            .extend(before.map(|b| (resource.clone(), b.generation)));
        check(Step::Written)?;
    }
    if !resources.is_empty() {
        next.newest = dead
            .iter()
            .map(|d| d.journal.newest())
            .fold(next.newest, i64::max);
        next.merged = dead.iter().map(merged_journal).collect();
        sync_folder(&folder.join("resources"))?;
        next.write(folder)?;
        done.generation = next.generation;
        check(Step::Swapped)?;
    }
    for journal in &dead {
        put_away(journal)?;
        check(Step::Deleted)?;
    }
    sync_folder(&journals)?;
    if !resources.is_empty() {
        tidy(folder, &next, check)?;
    }
    Ok(done)
}

/// Takes the lock that only one compaction has; `None` when another has it.
fn lock(folder: &Path) -> Result<Option<File>, LedgerError> {
    let path = folder.join("compact.lock");
    let file = files::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(LedgerError::io("open", &path))?;
    Ok(try_lock(&file, &path)?.then_some(file))
}

fn try_lock(file: &File, path: &Path) -> Result<bool, LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(LedgerError::io("lock", path)(error)),
    }
}

/// Locks and opens a journal; `None` when its run is alive, or when there is nothing in it.
fn take(path: &Path) -> Result<Option<Dead>, LedgerError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::io("open", path)(error)),
    };
    if !try_lock(&file, path)? {
        return Ok(None);
    }
    match replay::open(path)? {
        Opened::Journal(journal) => {
            let damaged = journal.is_damaged()?;
            if journal.torn() > 0 {
                let (path, bytes) = (path.display(), journal.torn());
                info!(journal = %path, bytes, "cut off what a killed run was writing");
            }
            Ok(Some(Dead {
                journal: Arc::new(journal),
                damaged,
                _lock: file,
            }))
        }
        Opened::Headless(bytes) if bytes > EMPTY_BYTES => set_aside(path).map(|()| None),
        Opened::Headless(_) => {
            fs::remove_file(path).map_err(LedgerError::io("delete", path))?;
            Ok(None)
        }
    }
}

fn merged_journal(dead: &Dead) -> MergedJournal {
    let name = dead.journal.path().file_name().unwrap_or_default();
    MergedJournal {
        file: name.to_string_lossy().into_owned(),
        id: format!("{:016x}", dead.journal.id()),
    }
}

/// Writes one resource's new parts.
fn write(
    folder: &Path,
    sizes: Sizes,
    generation: u64,
    old: &Snapshot,
    keep_dead: bool,
) -> Result<ResourceParts, LedgerError> {
    let to = generation_folder(folder, old.resource(), generation);
    let mut writer = PartWriter::new(&to, sizes.parts_for(old.rows_at_most()))?;
    let rows = if keep_dead {
        old.rows_and_dead()?
    } else {
        old.rows(super::Columns::Wide)?
    };
    for batch in rows {
        writer.write(&batch?)?;
    }
    let written = writer.finish()?;
    if let Some(resource) = to.parent() {
        sync_folder(resource)?;
    }
    Ok(ResourceParts::new(generation, written))
}

/// Deletes a merged journal; a damaged one is kept under another name.
fn put_away(dead: &Dead) -> Result<(), LedgerError> {
    let path = dead.journal.path();
    if dead.damaged {
        return set_aside(path);
    }
    fs::remove_file(path).map_err(LedgerError::io("delete", path))
}

fn set_aside(path: &Path) -> Result<(), LedgerError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    let name = PathBuf::from(name);
    warn!(
        journal = %path.display(),
        kept_as = %name.display(),
        "damaged journal: what was acknowledged behind the damage will be sent again"
    );
    fs::rename(path, &name).map_err(LedgerError::io("rename", path))
}

/// Deletes journals that are in the generations, and generations that nobody reads any more.
fn tidy(
    folder: &Path,
    manifest: &Manifest,
    check: &mut dyn FnMut(Step) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    for path in replay::list(&folder.join("journals"))? {
        if let Opened::Journal(journal) = replay::open(&path)?
            && manifest.has_merged(journal.id())
        {
            fs::remove_file(&path).map_err(LedgerError::io("delete", &path))?;
            check(Step::Deleted)?;
        }
    }
    let current = manifest
        .resources
        .iter()
        .map(|(name, parts)| (name, parts.generation));
    let before = manifest
        .previous
        .iter()
        .map(|(name, generation)| (name, *generation));
    let kept: BTreeSet<PathBuf> = current
        .chain(before)
        .map(|(name, generation)| generation_folder(folder, name, generation))
        .collect();
    for resource in folders(&folder.join("resources"))? {
        for generation in folders(&resource)? {
            if !kept.contains(&generation) {
                fs::remove_dir_all(&generation).map_err(LedgerError::io("delete", &generation))?;
            }
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LedgerError::io("list", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(LedgerError::io("list", folder))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}
