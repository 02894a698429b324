//! The objects of events: whole for Add, what has changed for Change, the key for Delete.
//!
//! Reads: the rows of two objects files. Writes: nothing. Never: more than a chunk of rows in memory.
//! Source: SIF_Event; what a Change tells is in `delta`.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;

use super::delta::delta;
use super::shelf::{Shelf, ShelfError, Wanted, ref_ids};
use crate::load::{Columns, ObjectsError};
use crate::xml::XmlBatch;

/// Changed objects whose earlier form is in memory at once.
const CHUNK: usize = 2048;

/// What an event does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Action {
    /// A new object.
    Add,
    /// Other content.
    Change,
    /// It is gone.
    Delete,
}

impl Action {
    /// As the Action attribute says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Change => "Change",
            Self::Delete => "Delete",
        }
    }
}

/// The object of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What has happened to it.
    pub action: Action,
    /// Its RefId.
    pub ref_id: String,
    /// Its row: of the new file, for a Delete of the old one; None: in neither.
    pub row: Option<u64>,
    /// The object as XML; empty: nothing that the version has is different.
    pub xml: Vec<u8>,
}

/// The rows of a shelf, each whole or with its attributes only, as events of one action.
pub(super) fn rows(
    shelf: &Shelf,
    wanted: &Wanted,
    action: Action,
    rows: &[u64],
    out: &mut dyn FnMut(Changed) -> bool,
) -> Result<(), ShelfError> {
    let whole = action != Action::Delete;
    read(shelf, wanted, rows, |numbers, batch| {
        let encoder = XmlBatch::new(&wanted.plan, batch);
        let ids = ref_ids(batch);
        for (i, row) in numbers.iter().enumerate() {
            let mut xml = Vec::with_capacity(1024);
            encoder.write_only(i, &|_| whole, &mut xml)?;
            let on = out(Changed {
                action,
                ref_id: ids.as_ref().map_or("", |ids| ids.value(i)).to_owned(),
                row: Some(*row),
                xml,
            });
            if !on {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Objects that have changed: pairs of rows of the new and the old shelf, sorted by the new.
pub(super) fn changes(
    old: (&Shelf, &Wanted),
    new: (&Shelf, &Wanted),
    pairs: &[(u64, Option<u64>)],
    out: &mut dyn FnMut(Changed) -> bool,
) -> Result<(), ShelfError> {
    for chunk in pairs.chunks(CHUNK) {
        let mut before: Vec<u64> = chunk.iter().filter_map(|(_, old)| *old).collect();
        before.sort_unstable();
        let mut forms = BTreeMap::new();
        read(old.0, old.1, &before, |numbers, batch| {
            let encoder = XmlBatch::new(&old.1.plan, batch);
            for (i, row) in numbers.iter().enumerate() {
                forms.insert(*row, whole(&encoder, i)?);
            }
            Ok(true)
        })?;
        let rows: Vec<u64> = chunk.iter().map(|(new, _)| *new).collect();
        let mut on = true;
        read(new.0, new.1, &rows, |numbers, batch| {
            let encoder = XmlBatch::new(&new.1.plan, batch);
            let ids = ref_ids(batch);
            for (i, row) in numbers.iter().enumerate() {
                let pair = chunk.binary_search_by_key(row, |(new, _)| *new).ok();
                let known = pair.and_then(|at| chunk.get(at)).and_then(|(_, old)| *old);
                let now = whole(&encoder, i)?;
                // Everything is told where the agent may have another form than we know.
                let xml = match known.and_then(|row| forms.get(&row)) {
                    None => now,
                    Some(before) => delta(new.1.plan.root(), before, &now)
                        .unwrap_or(Some(now))
                        .unwrap_or_default(),
                };
                on = out(Changed {
                    action: Action::Change,
                    ref_id: ids.as_ref().map_or("", |ids| ids.value(i)).to_owned(),
                    row: Some(*row),
                    xml: xml.into_bytes(),
                });
                if !on {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        if !on {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads these rows (sorted) of a shelf.
fn read(
    shelf: &Shelf,
    wanted: &Wanted,
    rows: &[u64],
    mut visit: impl FnMut(&[u64], &RecordBatch) -> Result<bool, ShelfError>,
) -> Result<(), ShelfError> {
    if rows.is_empty() {
        return Ok(());
    }
    for group in shelf.objects.groups() {
        let hit = |row: u64| rows.binary_search(&row).is_ok();
        let mut failed = None;
        let columns = Columns::Only(wanted.columns());
        let mut on = true;
        shelf.objects.read(group, columns, hit, |numbers, batch| {
            match visit(&numbers, &batch) {
                Ok(more) => on = more,
                Err(error) => {
                    failed = Some(error);
                    on = false;
                }
            }
            Ok::<_, ObjectsError>(on)
        })?;
        match failed {
            Some(error) => return Err(error),
            None if !on => return Ok(()),
            None => {}
        }
    }
    Ok(())
}

/// An object as it is written.
fn whole(encoder: &XmlBatch<'_>, row: usize) -> Result<String, ShelfError> {
    let mut xml = Vec::with_capacity(1024);
    encoder.write(row, &mut xml)?;
    Ok(String::from_utf8_lossy(&xml).into_owned())
}
