//! The ledger's side: its rows one by one in the order of key hashes.

use arrow::array::{
    Array, FixedSizeBinaryArray, StringArray, TimestampMicrosecondArray, UInt16Array,
};
use arrow::error::ArrowError;

use super::super::error::LedgerError;
use super::super::row::{
    CONTENT_HASH, Columns, DELIVERED_AT, KEY_HASH, REASON, STATUS, column, hash_at,
};
use super::super::snapshot::{Rows, Snapshot};
use crate::object::KeyHash;

/// What the ledger knows of a key, as far as it decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// Content last acknowledged.
    pub(super) content: Option<u128>,
    /// When, in microseconds since 1970.
    pub(super) delivered_at: Option<i64>,
    /// Reason of the standing refusal.
    pub(super) refusal: Option<&'a str>,
    /// Its HTTP status.
    pub(super) status: Option<u16>,
    /// Whether the last attempt ended without a clear answer (none, or a 5xx): the target may have
    /// taken it all the same, and no longer have the content last acknowledged.
    pub(super) unclear: bool,
}

/// A cursor over the ledger's rows.
#[derive(Debug)]
pub(super) struct KnownRows {
    rows: Option<Rows>,
    batch: Option<Batch>,
    at: usize,
}

#[derive(Debug)]
struct Batch {
    keys: FixedSizeBinaryArray,
    contents: FixedSizeBinaryArray,
    delivered: TimestampMicrosecondArray,
    reasons: StringArray,
    status: UInt16Array,
}

impl KnownRows {
    /// The rows of a snapshot; none without one.
    pub(super) fn open(snapshot: Option<&Snapshot>) -> Result<Self, LedgerError> {
        let rows = snapshot.map(|s| s.rows(Columns::Narrow)).transpose()?;
        Self::new(rows)
    }

    /// The rows of these keys only.
    pub(super) fn of(snapshot: &Snapshot, keys: &[KeyHash]) -> Result<Self, LedgerError> {
        Self::new(Some(snapshot.select_narrow(keys)?))
    }

    fn new(rows: Option<Rows>) -> Result<Self, LedgerError> {
        Ok(Self {
            rows,
            batch: None,
            at: 0,
        })
    }

    /// The key at the cursor; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u128>, LedgerError> {
        loop {
            if let Some(batch) = &self.batch
                && self.at < batch.keys.len()
            {
                return Ok(Some(hash_at(&batch.keys, self.at)));
            }
            let Some(rows) = &mut self.rows else {
                return Ok(None);
            };
            let Some(next) = rows.next().transpose()? else {
                self.rows = None;
                self.batch = None;
                return Ok(None);
            };
            let batch = Batch::new(&next).map_err(LedgerError::arrow("read", rows.place()))?;
            self.batch = Some(batch);
            self.at = 0;
        }
    }

    /// What is known of the key that [`Self::peek`] showed.
    pub(super) fn get(&self) -> Known<'_> {
        let (Some(batch), at) = (&self.batch, self.at) else {
            return Known::default();
        };
        let refusal = batch.reasons.is_valid(at).then(|| batch.reasons.value(at));
        Known {
            content: batch
                .contents
                .is_valid(at)
                .then(|| hash_at(&batch.contents, at)),
            delivered_at: (batch.delivered.is_valid(at)).then(|| batch.delivered.value(at)),
            refusal,
            status: refusal.map(|_| batch.status.value(at)),
            unclear: refusal.is_some() && matches!(batch.status.value(at), 0 | 500..),
        }
    }

    /// Goes on to the next key.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }
}

impl Batch {
    fn new(batch: &arrow::array::RecordBatch) -> Result<Self, ArrowError> {
        Ok(Self {
            keys: column::<FixedSizeBinaryArray>(batch, KEY_HASH)?.clone(),
            contents: column::<FixedSizeBinaryArray>(batch, CONTENT_HASH)?.clone(),
            delivered: column::<TimestampMicrosecondArray>(batch, DELIVERED_AT)?.clone(),
            reasons: column::<StringArray>(batch, REASON)?.clone(),
            status: column::<UInt16Array>(batch, STATUS)?.clone(),
        })
    }
}
