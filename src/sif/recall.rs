//! What an answer comes to for the rows that it is about, whether this process sent them, an earlier
//! one, or nobody.

use std::sync::Arc;

use super::answering::Stop;
use super::desk::Desk;
use super::fates::{Fate, RowState};
use super::session::SyncError;
use super::shelf::{ShelfError, Wanted};
use super::shelved::Shelved;
use super::zone::ZoneError;
use crate::object::{Outcome, Reason};

/// Marks what an earlier process has delivered of the same request.
pub(super) async fn recall(
    shelved: &Arc<Shelved>,
    wanted: &Arc<Wanted>,
    too_large: &[(u64, String)],
    until: u64,
    buffer: u64,
) -> Result<(), SyncError> {
    if until == 0 {
        return Ok(());
    }
    let left_out: std::collections::BTreeSet<u64> = too_large.iter().map(|(row, _)| *row).collect();
    let (shelved, wanted) = (Arc::clone(shelved), Arc::clone(wanted));
    blocking(move || {
        let mut fates = shelved.fates();
        fates.tell(left_out.iter().copied(), &too_large_fate(buffer));
        shelved.shelf.rows(&wanted, 0, |row| {
            if row < until && !left_out.contains(&row) {
                fates.delivered([row]);
            }
        })
    })
    .await
}

/// How many objects the request is about; those that were not delivered are told why.
pub(super) async fn count(
    shelved: &Arc<Shelved>,
    wanted: &Arc<Wanted>,
    stop: Option<&Stop>,
) -> Result<u64, SyncError> {
    let fate = stop.map(Stop::fate);
    let (shelved, wanted) = (Arc::clone(shelved), Arc::clone(wanted));
    blocking(move || {
        let (mut count, mut fates) = (0, shelved.fates());
        shelved.shelf.rows(&wanted, 0, |row| {
            count += 1;
            if let (Some(fate), RowState::Untouched | RowState::Same) = (&fate, fates.of(row)) {
                fates.tell([row], fate);
            }
        })?;
        Ok(count)
    })
    .await
}

/// What was delivered from the objects of an earlier run counts for those of this one, too.
pub(super) async fn adopt(desk: &Desk, shelved: &Arc<Shelved>) -> Result<(), SyncError> {
    let Some(current) = desk.shelves.get(&shelved.shelf.name) else {
        return Ok(());
    };
    if Arc::ptr_eq(current, shelved) {
        return Ok(());
    }
    let (from, to) = (Arc::clone(shelved), Arc::clone(current));
    blocking(move || from.give(&to)).await
}

impl Stop {
    fn fate(&self) -> Fate {
        match self {
            Self::Refused(error) => Fate {
                outcome: Outcome::Failed,
                reason: error.reason(),
                detail: error.description.clone(),
            },
            Self::Cancelled { .. } => Fate {
                outcome: Outcome::Skipped,
                reason: Reason::fixed("cancelled"),
                detail: String::new(),
            },
            Self::Later(ZoneError::Stopped) => Fate {
                outcome: Outcome::Pending,
                reason: Reason::fixed("interrupted"),
                detail: String::new(),
            },
            Self::Later(error) => Fate {
                outcome: Outcome::Pending,
                reason: Reason::fixed("zone_unreachable"),
                detail: error.to_string(),
            },
        }
    }
}

pub(super) fn too_large_fate(buffer: u64) -> Fate {
    Fate {
        outcome: Outcome::Rejected,
        reason: Reason::fixed("too_large_for_buffer"),
        detail: format!("SIF_MaxBufferSize of the request: {buffer}"),
    }
}

/// Reads files without holding up the others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, SyncError> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SyncError::Task)??)
}
