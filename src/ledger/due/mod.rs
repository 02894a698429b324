//! What is due: an objects file against the ledger.
//!
//! Reads: the narrow columns of one objects file, and of the ledger's rows of that resource.
//! Writes: nothing. Never: wide columns; whoever wants them asks `Snapshot::select`.
//!
//! Both sides are walked in the order of key hashes. The ledger is stored in it; the objects file
//! is not, so it is read in as many passes over the hash space as keep one pass small. Memory is
//! one pass and one byte per object, plus what is found out of the ordinary.

mod decide;
mod decision;
mod known;
mod missing;
mod objects;
mod select;

use std::path::Path;

pub use decision::{Decision, Disposition, Due, DueCounts, Duplicates, Withheld};
pub use missing::missing_from;
pub use select::{Select, StatusRange};

use super::error::LedgerError;
use super::snapshot::Snapshot;
use decide::Deciding;
use known::KnownRows;
use objects::Objects;

use crate::object::KeyHash;

/// Of so many ledger rows per object, the ledger is looked up by key.
const FEW_OF: u64 = 20;

/// How the ledger is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueOptions<'a> {
    /// Send objects that the target has acknowledged, too.
    pub resend: bool,
    /// The objects file is the whole resource (no filter): keys that it lacks are gone.
    pub complete: bool,
    /// The run is narrowed to these objects; what else is due is not sent and stays due.
    pub select: Option<&'a Select>,
}

impl Default for DueOptions<'_> {
    fn default() -> Self {
        Self {
            resend: false,
            complete: true,
            select: None,
        }
    }
}

/// Decides every row of an objects file. Without a snapshot nothing counts as delivered.
///
/// # Errors
/// When the objects file lacks a column of the contract or has a value outside it, and when the
/// ledger cannot be read.
pub fn due(
    objects: &Path,
    snapshot: Option<&Snapshot>,
    options: DueOptions<'_>,
) -> Result<Due, LedgerError> {
    decide_in_passes(Objects::open(objects)?, snapshot, options)
}

fn decide_in_passes(
    mut objects: Objects,
    snapshot: Option<&Snapshot>,
    options: DueOptions<'_>,
) -> Result<Due, LedgerError> {
    let mut deciding = Deciding::new(objects.rows(), options);
    let mut rows = Vec::new();
    // A few objects of a large resource: the ledger is looked up, not walked. Keys that are absent
    // from the objects do not matter then.
    let few = snapshot.filter(|s| {
        let rows = u64::from(objects.rows());
        !options.complete && objects.passes() == 1 && rows * FEW_OF < s.rows_at_most()
    });
    let mut known = match few {
        Some(snapshot) => {
            objects.read_pass(0, &mut rows)?;
            let keys: Vec<KeyHash> = rows.iter().map(|o| KeyHash(o.key)).collect();
            KnownRows::of(snapshot, &keys)?
        }
        None => KnownRows::open(snapshot)?,
    };
    for pass in 0..objects.passes() {
        if few.is_none() {
            objects.read_pass(pass, &mut rows)?;
        }
        for group in rows.chunk_by_mut(|a, b| a.key == b.key) {
            let Some(key) = group.first().map(|o| o.key) else {
                continue;
            };
            while let Some(before) = known.peek()?.filter(|k| *k < key) {
                deciding.absent(before, &known.get());
                known.advance();
            }
            if known.peek()? == Some(key) {
                deciding.group(group, &known.get(), objects.reasons());
                known.advance();
            } else {
                deciding.group(group, &known::Known::default(), objects.reasons());
            }
        }
    }
    while let Some(key) = known.peek()? {
        deciding.absent(key, &known.get());
        known.advance();
    }
    Ok(deciding.finish(objects.into_reasons()))
}

#[cfg(test)]
mod tests;
