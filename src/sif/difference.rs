//! What has changed between the objects that an agent was given and those that are staged now.
//!
//! Reads: keys and content hashes of two objects files, in as many passes over the hash space as keep
//! one pass small; the rows that differ. Writes: nothing. Never: both files at once in memory.

use std::collections::BTreeSet;

use arrow::array::{AsArray as _, FixedSizeBinaryArray, RecordBatch};

use super::handover::Exceptions;
use super::shelf::{Shelf, ShelfError, ref_ids};
use crate::load::{Columns, ObjectsError};

/// Rows of one file that one pass holds, about (40 bytes each).
const PASS_ROWS: u64 = 4 << 20;

/// What is to be told of one object, by rows of the two files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Rows of the new file.
    pub adds: Vec<u64>,
    /// Rows of the new file with those of the old one; None: the agent may have either, so that
    /// all elements are to be sent.
    pub changes: Vec<(u64, Option<u64>)>,
    /// Rows of the old file.
    pub deletes: Vec<u64>,
    /// RefIds that an earlier Delete did not get through for.
    pub gone: Vec<String>,
    /// RefIds of objects that the agent has and that are rejected now: nothing is told of them,
    /// because they are not gone; what they have become cannot be said.
    pub held: BTreeSet<String>,
}

impl Difference {
    /// How many events it takes.
    pub fn events(&self) -> u64 {
        let counts = [
            self.adds.len(),
            self.changes.len(),
            self.deletes.len(),
            self.gone.len(),
        ];
        counts.iter().map(|n| *n as u64).sum()
    }
}

/// One row, as far as it decides.
#[derive(Clone, Copy)]
struct Row {
    key: u128,
    content: u128,
    row: u64,
    /// Whether it may be sent; else it is rejected.
    fit: bool,
}

/// Compares. `same` is told the rows of the new file that have not changed.
///
/// # Errors
/// [`ShelfError`].
pub fn compare(
    old: &Shelf,
    new: &Shelf,
    exceptions: &Exceptions,
    mut same: impl FnMut(u64),
) -> Result<Difference, ShelfError> {
    let without = rows_of(old, &exceptions.without)?;
    let stale = rows_of(old, &exceptions.stale)?;
    let held = rows_of(old, &exceptions.held)?;
    let mut found = Difference::default();
    let mut still_held = BTreeSet::new();
    let most = old.objects.rows().max(new.objects.rows());
    let passes = most.div_ceil(PASS_ROWS).next_power_of_two().max(1);
    for pass in 0..passes {
        let mut before = rows(old, pass, passes)?;
        before.retain(|row| (row.fit && !without.contains(&row.row)) || held.contains(&row.row));
        // Rejected rows may share a key.
        before.dedup_by_key(|row| row.key);
        let mut before = before.into_iter().peekable();
        for now in rows(new, pass, passes)? {
            while let Some(gone) = before.next_if(|row| row.key < now.key) {
                found.deletes.push(gone.row);
            }
            match (before.next_if(|row| row.key == now.key), now.fit) {
                (None, true) => found.adds.push(now.row),
                (None, false) => {}
                (Some(known), false) => {
                    still_held.insert(known.row);
                }
                (Some(known), true) if !known.fit || stale.contains(&known.row) => {
                    found.changes.push((now.row, None));
                }
                (Some(known), true) if known.content != now.content => {
                    found.changes.push((now.row, Some(known.row)));
                }
                (Some(_), true) => same(now.row),
            }
        }
        found.deletes.extend(before.map(|row| row.row));
    }
    found.held = ids_of(old, &still_held)?;
    // In the order of the files, as they are read.
    found.adds.sort_unstable();
    found.changes.sort_unstable();
    found.deletes.sort_unstable();
    found.gone = still_gone(new, &exceptions.gone)?;
    Ok(found)
}

/// Keys and contents of the fit and the rejected rows of one share of the hash space, sorted by key.
fn rows(shelf: &Shelf, pass: u64, passes: u64) -> Result<Vec<Row>, ShelfError> {
    let places = places(shelf, &["_key_hash", "_content_hash"]);
    let shift = 128 - passes.trailing_zeros();
    let mut all = Vec::new();
    for group in shelf.objects.groups() {
        shelf.objects.read(
            group,
            Columns::Only(&places),
            |row| shelf.is_fit(row) || shelf.is_rejected(row),
            |numbers, batch| {
                let (keys, contents) =
                    (hashes(&batch, "_key_hash"), hashes(&batch, "_content_hash"));
                let (Some(keys), Some(contents)) = (keys, contents) else {
                    return Ok(true);
                };
                for (i, row) in numbers.iter().enumerate() {
                    let key = number(keys.value(i));
                    if passes == 1 || u64::try_from(key >> shift).unwrap_or(0) == pass {
                        let content = number(contents.value(i));
                        all.push(Row {
                            key,
                            content,
                            row: *row,
                            fit: shelf.is_fit(*row),
                        });
                    }
                }
                Ok::<_, ObjectsError>(true)
            },
        )?;
    }
    all.sort_unstable_by_key(|row| row.key);
    Ok(all)
}

/// The RefIds of these rows.
pub(super) fn ids_of(shelf: &Shelf, rows: &BTreeSet<u64>) -> Result<BTreeSet<String>, ShelfError> {
    let mut found = BTreeSet::new();
    if !rows.is_empty() {
        let these = |row| rows.contains(&row);
        visit_ids(shelf, these, |_, id| {
            found.insert(id.to_owned());
        })?;
    }
    Ok(found)
}

/// The rows of these RefIds; the file is read only where there are any.
fn rows_of(shelf: &Shelf, wanted: &BTreeSet<String>) -> Result<BTreeSet<u64>, ShelfError> {
    let mut found = BTreeSet::new();
    if !wanted.is_empty() {
        visit_ids(
            shelf,
            |_| true,
            |row, id| {
                if wanted.contains(id) {
                    found.insert(row);
                }
            },
        )?;
    }
    Ok(found)
}

/// RefIds that are still no object of the new file.
fn still_gone(new: &Shelf, gone: &BTreeSet<String>) -> Result<Vec<String>, ShelfError> {
    let mut left = gone.clone();
    if !left.is_empty() {
        let fit = |row| new.is_fit(row);
        visit_ids(new, fit, |_, id| {
            left.remove(id);
        })?;
    }
    Ok(left.into_iter().collect())
}

/// Visits these rows with their RefIds.
fn visit_ids(
    shelf: &Shelf,
    these: impl Fn(u64) -> bool,
    mut visit: impl FnMut(u64, &str),
) -> Result<(), ShelfError> {
    let places = places(shelf, &["RefId", "_key"]);
    for group in shelf.objects.groups() {
        let columns = Columns::Only(&places);
        shelf
            .objects
            .read(group, columns, &these, |numbers, batch| {
                let ids = ref_ids(&batch);
                for (row, id) in numbers.iter().zip(ids.iter().flatten()) {
                    if let Some(id) = id {
                        visit(*row, id);
                    }
                }
                Ok::<_, ObjectsError>(true)
            })?;
    }
    Ok(())
}

fn places(shelf: &Shelf, names: &[&str]) -> Vec<usize> {
    let fields = shelf.objects.schema().fields().iter().enumerate();
    fields
        .filter(|(_, field)| names.contains(&field.name().as_str()))
        .map(|(place, _)| place)
        .collect()
}

fn hashes<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a FixedSizeBinaryArray> {
    batch.column_by_name(name)?.as_fixed_size_binary_opt()
}

fn number(bytes: &[u8]) -> u128 {
    bytes
        .try_into()
        .map(u128::from_be_bytes)
        .unwrap_or_default()
}
