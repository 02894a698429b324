//! Builds `_key` and the hashes of a batch of objects.
//!
//! Reads: shaped bodies. Writes: nothing. Never: fails on a missing part; such a key is that of
//! the source row.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, FixedSizeBinaryBuilder, RecordBatch, StringArray,
    StringBuilder,
};
use arrow::error::ArrowError;

use crate::metadata::KeyPart;
use crate::object::{ContentHash, Encoded, Key, KeyColumn, KeyHash, column_at};

/// The keys of a batch.
#[derive(Debug)]
pub(super) struct Keys {
    /// `_key`.
    pub(super) text: ArrayRef,
    /// `_key_hash`.
    pub(super) hash: ArrayRef,
    /// Rows whose key lacks a part, and the path of the first such part.
    pub(super) incomplete: Vec<(usize, String)>,
}

/// Builds the keys of a batch of bodies.
///
/// # Errors
/// A key part that is a struct or a list.
pub(super) fn keys(
    body: &RecordBatch,
    parts: &[KeyPart],
    table: &StringArray,
    source: &StringArray,
) -> Result<Keys, ArrowError> {
    let mut columns = Vec::with_capacity(parts.len());
    for part in parts {
        let column = column_at(body, &part.path);
        columns.push((part, column.map(|c| KeyColumn::new(&c)).transpose()?));
    }
    let rows = body.num_rows();
    let mut text = StringBuilder::with_capacity(rows, rows * 64);
    let mut hash = FixedSizeBinaryBuilder::with_capacity(rows, 16);
    let mut incomplete = Vec::new();
    let (mut key, mut scratch) = (Key::new(), String::new());
    for row in 0..rows {
        let missing =
            |column: &Option<KeyColumn>| column.as_ref().is_none_or(|c| c.is_missing(row));
        let first = columns.iter().find(|(_, column)| missing(column));
        if first.is_some() || columns.is_empty() {
            let path = first.map_or(String::new(), |(part, _)| part.path.clone());
            incomplete.push((row, path));
            let own = Key::of_source_row(value(table, row), value(source, row));
            hash.append_value(KeyHash::of(&own).to_bytes())?;
            text.append_value(&own);
            continue;
        }
        key.clear();
        for (part, column) in &columns {
            if let Some(column) = column {
                column.push(row, &part.name, &mut key, &mut scratch);
            }
        }
        hash.append_value(KeyHash::of(key.as_str()).to_bytes())?;
        text.append_value(key.as_str());
    }
    Ok(Keys {
        text: Arc::new(text.finish()),
        hash: Arc::new(hash.finish()),
        incomplete,
    })
}

/// Which rows have one of these key hashes.
pub(super) fn are_any_of(keys: &Keys, wanted: &HashSet<u128>) -> BooleanArray {
    let hashes = keys.hash.as_fixed_size_binary();
    (0..hashes.len())
        .map(|row| {
            let hash = KeyHash::from_bytes(hashes.value(row));
            Some(hash.is_some_and(|h| wanted.contains(&h.0)))
        })
        .collect()
}

/// `_content_hash` of encoded bodies.
///
/// # Errors
/// None in practice: every hash has 16 bytes.
pub(super) fn content_hashes(bodies: &Encoded) -> Result<ArrayRef, ArrowError> {
    let mut hash = FixedSizeBinaryBuilder::with_capacity(bodies.len(), 16);
    for row in 0..bodies.len() {
        hash.append_value(ContentHash::of(bodies.bytes(row)).to_bytes())?;
    }
    Ok(Arc::new(hash.finish()))
}

fn value(array: &StringArray, row: usize) -> &str {
    if array.is_null(row) {
        ""
    } else {
        array.value(row)
    }
}
