//! Merging a generation's rows with journal rows: per key, the newest of each column group.
//!
//! Reads: two streams in the order of key hashes. Writes: nothing.

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::{filter_record_batch, interleave};
use arrow::error::ArrowError;

use super::part::BATCH_ROWS;
use super::row::{
    CONTENT_HASH, DELIVERED_AT, KEY_HASH, REASON, UPDATED_AT, column, hash_at, is_delivery,
};
use super::scatter::{Chunk, Newest};

/// Rows of a generation that are being merged.
#[derive(Debug)]
pub(super) struct Settled {
    rows: RecordBatch,
    at: usize,
}

/// Journal rows that are being merged.
#[derive(Debug)]
pub(super) struct Recent {
    chunk: Chunk,
    at: usize,
}

impl Settled {
    /// A batch of a generation, from its first row.
    pub(super) fn new(rows: RecordBatch) -> Self {
        Self { rows, at: 0 }
    }

    /// Whether all rows are taken.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.rows.num_rows()
    }

    /// Whether all rows that are left come before the next journal row.
    pub(super) fn is_before(&self, recent: &Recent) -> Result<bool, ArrowError> {
        let hashes = column::<FixedSizeBinaryArray>(&self.rows, KEY_HASH)?;
        let last = hash_at(hashes, hashes.len().saturating_sub(1));
        Ok(recent.peek().is_some_and(|newest| last < newest.key))
    }

    /// All rows that are left.
    pub(super) fn rest(self, keep_dead: bool) -> Result<RecordBatch, ArrowError> {
        let rest = self.rows.slice(self.at, self.rows.num_rows() - self.at);
        let contents = column::<FixedSizeBinaryArray>(&rest, CONTENT_HASH)?;
        if keep_dead || contents.null_count() == 0 {
            return Ok(rest);
        }
        let reasons = column::<StringArray>(&rest, REASON)?;
        let alive: BooleanArray = (0..rest.num_rows())
            .map(|i| Some(contents.is_valid(i) || reasons.is_valid(i)))
            .collect();
        filter_record_batch(&rest, &alive)
    }
}

impl Recent {
    /// A chunk, from its first key.
    pub(super) fn new(chunk: Chunk) -> Self {
        Self { chunk, at: 0 }
    }

    /// Whether all keys are taken.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.chunk.keys.len()
    }

    fn peek(&self) -> Option<Newest> {
        self.chunk.keys.get(self.at).copied()
    }

    /// Up to a batch of keys that no generation has.
    pub(super) fn alone(&mut self, keep_dead: bool) -> Result<RecordBatch, ArrowError> {
        let nothing = Settled::new(self.chunk.rows.slice(0, 0));
        let mut picks = Picks::new(&nothing, self, keep_dead)?;
        while picks.latest.len() < BATCH_ROWS {
            let Some(newest) = self.peek() else { break };
            picks.take_recent(newest);
            self.at += 1;
        }
        picks.rows(&nothing.rows, &self.chunk.rows)
    }
}

/// Merges until one side ends or a batch is full. Rows without content and refusal (deleted, or
/// cleared) are left out unless `keep_dead`.
pub(super) fn step(
    settled: &mut Settled,
    recent: &mut Recent,
    keep_dead: bool,
) -> Result<RecordBatch, ArrowError> {
    let mut picks = Picks::new(settled, recent, keep_dead)?;
    while !settled.is_done() && picks.latest.len() < BATCH_ROWS {
        let Some(newest) = recent.peek() else { break };
        let key = picks.settled_key(settled.at);
        if key < newest.key {
            picks.take_settled(settled.at);
            settled.at += 1;
        } else if newest.key < key {
            picks.take_recent(newest);
            recent.at += 1;
        } else {
            picks.take_newer(settled.at, newest);
            settled.at += 1;
            recent.at += 1;
        }
    }
    picks.rows(&settled.rows, &recent.chunk.rows)
}

const SETTLED: usize = 0;
const RECENT: usize = 1;

/// Which source row each column group of each merged row comes from.
struct Picks {
    keep_dead: bool,
    hashes: FixedSizeBinaryArray,
    sides: [Side; 2],
    latest: Vec<(usize, usize)>,
    delivery: Vec<(usize, usize)>,
}

/// The columns of one source that decide.
struct Side {
    contents: FixedSizeBinaryArray,
    reasons: StringArray,
    updated: TimestampMicrosecondArray,
    delivered: TimestampMicrosecondArray,
}

impl Side {
    fn new(rows: &RecordBatch) -> Result<Self, ArrowError> {
        Ok(Self {
            contents: column::<FixedSizeBinaryArray>(rows, CONTENT_HASH)?.clone(),
            reasons: column::<StringArray>(rows, REASON)?.clone(),
            updated: column::<TimestampMicrosecondArray>(rows, UPDATED_AT)?.clone(),
            delivered: column::<TimestampMicrosecondArray>(rows, DELIVERED_AT)?.clone(),
        })
    }

    fn delivered_at(&self, row: usize) -> i64 {
        if self.delivered.is_valid(row) {
            self.delivered.value(row)
        } else {
            i64::MIN
        }
    }
}

impl Picks {
    fn new(settled: &Settled, recent: &Recent, keep_dead: bool) -> Result<Self, ArrowError> {
        Ok(Self {
            keep_dead,
            hashes: column::<FixedSizeBinaryArray>(&settled.rows, KEY_HASH)?.clone(),
            sides: [Side::new(&settled.rows)?, Side::new(&recent.chunk.rows)?],
            latest: Vec::with_capacity(BATCH_ROWS),
            delivery: Vec::with_capacity(BATCH_ROWS),
        })
    }

    fn settled_key(&self, row: usize) -> u128 {
        hash_at(&self.hashes, row)
    }

    fn take_settled(&mut self, row: usize) {
        self.take((SETTLED, row), (SETTLED, row));
    }

    fn take_recent(&mut self, newest: Newest) {
        let latest = (RECENT, newest.latest as usize);
        // Without a delivery, its newest row is no delivery either and has nothing in that group.
        self.take(
            latest,
            newest.delivery.map_or(latest, |row| (RECENT, row as usize)),
        );
    }

    fn take_newer(&mut self, row: usize, newest: Newest) {
        let [settled, recent] = &self.sides;
        let latest = newest.latest as usize;
        let latest = if recent.updated.value(latest) >= settled.updated.value(row) {
            (RECENT, latest)
        } else {
            (SETTLED, row)
        };
        let delivery = newest.delivery.map(|d| d as usize);
        let delivery = delivery
            .filter(|d| recent.delivered_at(*d) >= settled.delivered_at(row))
            .map_or((SETTLED, row), |d| (RECENT, d));
        self.take(latest, delivery);
    }

    fn take(&mut self, latest: (usize, usize), delivery: (usize, usize)) {
        let has = |at: (usize, usize), valid: fn(&Side, usize) -> bool| {
            self.sides.get(at.0).is_some_and(|side| valid(side, at.1))
        };
        if self.keep_dead
            || has(delivery, |side, row| side.contents.is_valid(row))
            || has(latest, |side, row| side.reasons.is_valid(row))
        {
            self.latest.push(latest);
            self.delivery.push(delivery);
        }
    }

    fn rows(&self, settled: &RecordBatch, recent: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let schema = recent.schema();
        let columns = schema
            .fields()
            .iter()
            .zip(settled.columns().iter().zip(recent.columns()))
            .map(|(field, (settled, recent))| {
                let picks = if is_delivery(field.name()) {
                    &self.delivery
                } else {
                    &self.latest
                };
                interleave(&[settled.as_ref(), recent.as_ref()], picks)
            })
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        RecordBatch::try_new(schema, columns)
    }
}
