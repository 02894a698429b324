//! The feed's part in claims on district-wide objects: to make them, and to put aside what another
//! run has claimed before.

use std::collections::HashMap;
use std::sync::PoisonError;

use arrow::array::{Array as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::contested::Contested;
use super::feed::{Feed, FeedError};
use super::objects::Columns;
use super::sink::{Held, Message};
use crate::lock::ResourceClaims;
use crate::object::{ContentHash, KeyHash};

impl Feed {
    /// Reports rows that another run has delivered.
    pub(super) fn delivered_elsewhere(
        &self,
        group: (usize, u64, u64),
        here: &[u64],
    ) -> Result<(), FeedError> {
        let wanted = |row: u64| here.binary_search(&row).is_ok();
        self.objects
            .read(group, Columns::Scope, wanted, |rows, batch| {
                let scope = Box::new(self.objects.scope(&batch)?);
                let why = vec![Held::Elsewhere; rows.len()];
                self.to_sink(Message::Held {
                    resource: self.resource,
                    rows,
                    scope,
                    why,
                })?;
                Ok(true)
            })
    }

    /// Claims the district-wide objects among the rows and puts those aside that another run has
    /// claimed before.
    pub(super) fn claimed(
        &self,
        claims: &ResourceClaims,
        over: &HashMap<KeyHash, u64>,
        rows: Vec<u64>,
        batch: RecordBatch,
    ) -> Result<(Vec<u64>, RecordBatch), FeedError> {
        let scope = self.objects.scope(&batch)?;
        let wide: Vec<usize> = (0..rows.len())
            .filter(|i| scope.ids[0].is_null(*i))
            .collect();
        if wide.is_empty() {
            return Ok((rows, batch));
        }
        let key = |i: usize| super::book::key_hash(&scope, i);
        let keys: Vec<KeyHash> = wide.iter().map(|i| key(*i)).collect();
        let holders = claims
            .claim(&keys, over)
            .map_err(|source| FeedError::Claims {
                resource: self.shared.names[self.resource].to_string(),
                source,
            })?;
        let mut ours = vec![true; rows.len()];
        let mut contested = self
            .contested
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (i, holder) in wide.into_iter().zip(holders) {
            if let Some(holder) = holder {
                ours[i] = false;
                let content = ContentHash::from_bytes(scope.content_hash.value(i));
                contested.push(Contested {
                    row: rows[i],
                    key: key(i),
                    content: content.unwrap_or(ContentHash(0)),
                    holder,
                });
            }
        }
        drop(contested);
        if ours.iter().all(|ours| *ours) {
            return Ok((rows, batch));
        }
        let rows = rows.into_iter().zip(&ours);
        let rows = rows.filter_map(|(row, ours)| ours.then_some(row)).collect();
        let batch = filter_record_batch(&batch, &BooleanArray::from(ours));
        Ok((rows, batch.map_err(|e| self.encode_error(e))?))
    }
}
