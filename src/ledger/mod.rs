//! What each target has acknowledged, refused and deleted, object by object.
//!
//! ```text
//! <state>/<configuration>/ledger/<target>/<school year>/
//!   manifest.json                                 which generation counts, what is merged
//!   target.json                                   which target, what it has had of whole loads
//!   journals/<run>.journal                        one per run, appended as answers come in
//!   resources/<resource>/gen-N/part-PP.parquet    sorted by key hash
//!   compact.lock
//! ```
//! Reads and writes: that folder; `due` reads objects files. Never: HTTP, or anything that knows
//! one target.

mod compact;
mod due;
mod entry;
mod error;
mod frame;
mod journal;
mod manifest;
mod merge;
mod origin;
mod part;
mod replay;
mod row;
mod scatter;
mod shared;
mod snapshot;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::Array as _;
use xxhash_rust::xxh3::xxh3_64;

pub use compact::Compacted;
pub use due::{
    Decision, Disposition, Due, DueCounts, DueOptions, Duplicates, Select, StatusRange, Withheld,
    due, missing_from,
};
pub use entry::{Entry, Event};
pub use error::LedgerError;
pub use journal::{FLUSH_EVERY, Journal};
pub use origin::{Origin, Whole};
pub use row::Columns;
pub use snapshot::{Rows, Snapshot};
pub use view::{Row, RowRef, RowView};

use crate::files;
use crate::object::KeyHash;
use manifest::Manifest;
use part::{SIZES, Sizes};
use snapshot::View;

/// The ledger of one target and school year. Any number of processes may have it open.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
    sizes: Sizes,
}

/// From so many rows on, a ledger is not rewritten for every few events.
const LARGE_ROWS: u64 = 200_000;

/// So many journals are merged, however small they are: each is opened by every reader.
const MOST_JOURNALS: usize = 32;

/// How many objects of a resource the ledger knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Delivered and not deleted since.
    pub delivered: u64,
    /// With a standing refusal, delivered earlier or not.
    pub refused: u64,
}

impl Ledger {
    /// The folder of a target's ledger below `ledgers` (`<state>/<configuration>/ledger`).
    /// `target` is any text that identifies the target; what a file name cannot hold becomes `-`,
    /// and a hash of the whole text keeps two targets apart.
    pub fn folder(ledgers: &Path, target: &str, school_year: i32) -> PathBuf {
        let slug: String = target
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .take(60)
            .collect();
        let slug = slug
            .split('-')
            .filter(|s| !s.is_empty())
            .collect::<Vec<_>>()
            .join("-");
        let hash = xxh3_64(target.as_bytes()) >> 32;
        ledgers
            .join(format!("{slug}-{hash:08x}"))
            .join(school_year.to_string())
    }

    /// Opens the ledger in this folder and makes the folder where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made, or a later version of the program has written it.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        for made in [
            folder.to_owned(),
            folder.join("journals"),
            folder.join("resources"),
        ] {
            files::create_dir(&made).map_err(LedgerError::io("make", &made))?;
        }
        Manifest::read(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            sizes: SIZES,
        })
    }

    /// Starts the journal of a run; `now` in microseconds since 1970. A run that is resumed gets
    /// a second one. No event in it will be dated before one that is in the ledger already, so
    /// that a clock set back does not make old events win.
    ///
    /// # Errors
    /// When the ledger cannot be read or the journal cannot be made.
    pub fn journal(&self, run: &str, now: i64) -> Result<Journal, LedgerError> {
        let floor = View::open(&self.folder)?.newest().saturating_add(1);
        Journal::create(&self.folder.join("journals"), run, now, floor)
    }

    /// What the ledger knows of one resource at this moment: the generation and all journals,
    /// those of runs alive included.
    ///
    /// # Errors
    /// When a part or journal cannot be read.
    pub fn snapshot(&self, resource: &str) -> Result<Snapshot, LedgerError> {
        Snapshot::open(&self.folder, resource, self.sizes)
    }

    /// Merges the journals of ended runs into a new generation. Does nothing while another
    /// process does it. `now` in microseconds since 1970.
    ///
    /// # Errors
    /// When something cannot be read or written; the ledger then reads as before.
    pub fn compact(&self, now: i64) -> Result<Compacted, LedgerError> {
        compact::compact(&self.folder, self.sizes, now, &mut |_| Ok(()))
    }

    /// As [`Self::compact`], unless the journals are few and small against what they would be
    /// merged into: a run of one person leaves a large ledger as it is, and readers merge.
    ///
    /// # Errors
    /// As [`Self::compact`].
    pub fn compact_when_worth(&self, now: i64) -> Result<Compacted, LedgerError> {
        let view = View::open(&self.folder)?;
        let resources: BTreeSet<&str> = view.journals.iter().flat_map(|j| j.resources()).collect();
        let count = |name: &&str| view.journals.iter().map(|j| j.rows(name)).sum::<u64>();
        let recent: u64 = resources.iter().map(count).sum();
        let settled = resources
            .iter()
            .filter_map(|name| view.manifest.resources.get(*name));
        let settled: u64 = settled.map(manifest::ResourceParts::rows).sum();
        let small = settled > LARGE_ROWS
            && recent.saturating_mul(20) < settled
            && view.journals.len() < MOST_JOURNALS;
        match small {
            true => Ok(Compacted {
                generation: view.manifest.generation,
                ..Compacted::default()
            }),
            false => self.compact(now),
        }
    }

    /// The resources that the ledger has rows of, sorted.
    ///
    /// # Errors
    /// When the manifest or a journal cannot be read.
    pub fn resources(&self) -> Result<Vec<String>, LedgerError> {
        let view = View::open(&self.folder)?;
        let mut names: BTreeSet<String> = view.manifest.resources.into_keys().collect();
        names.extend(
            view.journals
                .iter()
                .flat_map(|j| j.resources())
                .map(str::to_owned),
        );
        Ok(names.into_iter().collect())
    }

    /// How many objects of a resource the ledger knows. Reads the rows only when journals are not
    /// compacted.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn counts(&self, resource: &str) -> Result<Counts, LedgerError> {
        let snapshot = self.snapshot(resource)?;
        if let Some((delivered, refused)) = snapshot.known_counts() {
            return Ok(Counts { delivered, refused });
        }
        let mut counts = Counts::default();
        for batch in snapshot.rows(Columns::Narrow)? {
            let batch = batch?;
            let valid = |name| {
                let column = batch.column_by_name(name);
                column.map_or(0, |c| (c.len() - c.null_count()) as u64)
            };
            counts.delivered += valid(row::CONTENT_HASH);
            counts.refused += valid(row::REASON);
        }
        Ok(counts)
    }

    /// What the ledger knows of one object.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn lookup(&self, resource: &str, key: KeyHash) -> Result<Option<Row>, LedgerError> {
        for batch in self.snapshot(resource)?.select(&[key])? {
            let batch = batch?;
            let view = RowView::new(&batch).map_err(LedgerError::arrow("read", &self.folder))?;
            if let Some(row) = view.iter().next() {
                return Ok(Some(row.to_owned()));
            }
        }
        Ok(None)
    }

    /// All rows of a resource with all columns, in the order of key hashes.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn iter(&self, resource: &str) -> Result<Rows, LedgerError> {
        self.snapshot(resource)?.rows(Columns::Wide)
    }
}
