//! What is wanted of each row: created, or replaced where that is told apart.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::feed::{Feed, FeedError};
use crate::target::Operation;

impl Feed {
    /// What is wanted of a row.
    pub(super) fn operation_of(&self, row: u64) -> Operation {
        let known = self.operation == Operation::Upsert
            && self.shared.target.updates_known()
            && self.due.delivered_before(row);
        match known || self.moves.contains_key(&row) {
            true => Operation::Replace,
            false => self.operation,
        }
    }

    /// Rows of one operation together, where what is known is sent otherwise than what is new, so
    /// that both fill whole requests.
    pub(super) fn alike(
        &self,
        rows: Vec<u64>,
        batch: RecordBatch,
    ) -> Result<Vec<(Vec<u64>, RecordBatch)>, FeedError> {
        let known: Vec<bool> = rows
            .iter()
            .map(|row| self.operation_of(*row) == Operation::Replace)
            .collect();
        let some = known.iter().filter(|known| **known).count();
        if !self.shared.target.updates_known() || some == 0 || some == rows.len() {
            return Ok(match rows.is_empty() {
                true => Vec::new(),
                false => vec![(rows, batch)],
            });
        }
        let part = |wanted: bool| {
            let mask: BooleanArray = known.iter().map(|known| Some(*known == wanted)).collect();
            let batch = filter_record_batch(&batch, &mask).map_err(|e| self.encode_error(e))?;
            let rows = rows
                .iter()
                .zip(&known)
                .filter(|(_, known)| **known == wanted);
            Ok::<_, FeedError>((rows.map(|(row, _)| *row).collect(), batch))
        };
        Ok(vec![part(false)?, part(true)?])
    }
}
