//! Errors that stand: refusals in the ledger, whichever run they are from.

use std::path::PathBuf;

use super::archive::Archive;
use super::detail::Details;
use super::filter::Filter;
use super::record::Record;
use super::search::{CHUNK, ErrorsError};
use crate::ledger::{Ledger, LedgerError, RowView};

/// Visits the standing refusals of one resource, in the order of key hashes. False: the visitor
/// has ended the search.
pub(super) fn visit<E: From<ErrorsError>>(
    ledger: &Ledger,
    archive: &Archive,
    details: &Details<'_>,
    filter: &Filter,
    visit: &mut dyn FnMut(Record) -> Result<bool, E>,
) -> Result<bool, E> {
    let resource = details.resource;
    let ours = |e: LedgerError| E::from(ErrorsError::from(e));
    if ledger.counts(resource).map_err(ours)?.refused == 0 {
        return Ok(true);
    }
    let mut chunk: Vec<Record> = Vec::new();
    for batch in ledger.iter(resource).map_err(ours)? {
        let batch = batch.map_err(ours)?;
        let view = RowView::new(&batch).map_err(|source| {
            ours(LedgerError::Arrow {
                doing: "read",
                path: PathBuf::from(resource),
                source,
            })
        })?;
        for row in view.iter().filter(|row| row.refusal.is_some()) {
            let archived = row
                .refusal
                .is_some_and(|(reason, _)| archive.has(resource, row.key_hash, reason));
            let record = Record::of_row(resource, &row.to_owned(), archived);
            chunk.extend(record.filter(|record| filter.admits_early(record)));
        }
        while chunk.len() >= CHUNK {
            let rest = chunk.split_off(CHUNK);
            if !details.tell(std::mem::replace(&mut chunk, rest), filter, visit)? {
                return Ok(false);
            }
        }
    }
    details.tell(chunk, filter, visit)
}
