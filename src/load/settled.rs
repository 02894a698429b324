//! Which rows of an objects file have an outcome: one bit per row.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which rows have an outcome: one bit per row, set by the sink, read by the feeds.
#[derive(Debug)]
pub(super) struct SettledRows(Box<[AtomicU64]>);

impl SettledRows {
    /// None of `rows` settled.
    pub(super) fn new(rows: u64) -> Self {
        Self((0..rows.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether a row has an outcome.
    pub(super) fn get(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64).ok().and_then(|w| self.0.get(w));
        word.is_some_and(|word| word.load(Ordering::Acquire) & (1 << (row % 64)) != 0)
    }

    /// Sets a row; false when it was set before (or is none of the file's).
    pub(super) fn set(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64).ok().and_then(|w| self.0.get(w));
        let bit = 1 << (row % 64);
        word.is_some_and(|word| word.fetch_or(bit, Ordering::AcqRel) & bit == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_settles_once() {
        let rows = SettledRows::new(130);
        assert!(rows.set(129) && !rows.set(129) && rows.set(64));
        assert!(rows.get(129) && rows.get(64) && !rows.get(65));
        assert!(!rows.set(1000));
    }
}
