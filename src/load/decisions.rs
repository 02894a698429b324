//! What `due` decided, with the words that the report needs.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::objects::{Columns, Objects, ObjectsError};
use crate::ledger::{Decision, Disposition, Due};

/// Rows of a duplicate key that are named; more are counted.
const NAMED: usize = 5;

/// The decisions on one resource's rows.
#[derive(Debug)]
pub(super) struct Decisions {
    due: Due,
    /// By row: the rows that share its key.
    duplicates: HashMap<u64, String>,
}

impl Decisions {
    /// Looks up the source rows of duplicate keys; reads nothing when there are none.
    ///
    /// # Errors
    /// The objects file cannot be read.
    pub(super) fn new(due: Due, objects: &Objects) -> Result<Self, ObjectsError> {
        let mut sources: HashMap<u64, String> = HashMap::new();
        if !due.duplicates.is_empty() {
            let wanted = |row: u64| {
                decision(&due, row)
                    .is_some_and(|d| d.disposition() == Disposition::RejectedDuplicate)
            };
            for group in objects.groups() {
                objects.read(group, Columns::Scope, wanted, |rows, batch| {
                    let scope = objects.scope(&batch)?;
                    sources.extend(rows.iter().enumerate().map(|(i, row)| {
                        let (table, key) = (scope.source_table.value(i), scope.source_key.value(i));
                        (*row, format!("{table} {key}"))
                    }));
                    Ok::<bool, ObjectsError>(true)
                })?;
            }
        }
        let mut duplicates = HashMap::new();
        for rows in due.duplicates.iter() {
            let rows: Vec<u64> = rows.iter().map(|row| u64::from(*row)).collect();
            let text = name_rows(&rows, &sources);
            duplicates.extend(rows.iter().map(|row| (*row, text.clone())));
        }
        Ok(Self { due, duplicates })
    }

    /// What is to become of a row. A row beyond the file is collapsed into nothing.
    pub(super) fn disposition(&self, row: u64) -> Disposition {
        decision(&self.due, row).map_or(Disposition::Collapsed, Decision::disposition)
    }

    /// Whether the row is to be sent.
    pub(super) fn is_due(&self, row: u64) -> bool {
        self.disposition(row).is_send()
    }

    /// Whether the target has the object, in this or an earlier form.
    pub(super) fn delivered_before(&self, row: u64) -> bool {
        decision(&self.due, row).is_some_and(Decision::delivered_before)
    }

    /// Whether it was refused when it was last due.
    pub(super) fn refused_before(&self, row: u64) -> bool {
        decision(&self.due, row).is_some_and(Decision::refused_before)
    }

    /// Whether a row that is held back was so before, for the same reason.
    pub(super) fn same_reason(&self, row: u64) -> bool {
        decision(&self.due, row).is_some_and(Decision::same_reason)
    }

    /// The rows that share a key, for a row that is rejected for it.
    pub(super) fn duplicate_detail(&self, row: u64) -> &str {
        self.duplicates
            .get(&row)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

fn decision(due: &Due, row: u64) -> Option<Decision> {
    due.rows.get(usize::try_from(row).ok()?).copied()
}

fn name_rows(rows: &[u64], sources: &HashMap<u64, String>) -> String {
    let mut text = "different bodies from rows ".to_owned();
    for (i, row) in rows.iter().take(NAMED).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let source = sources.get(row).map(String::as_str).unwrap_or("?");
        let _ = write!(text, "{comma}{source}");
    }
    if rows.len() > NAMED {
        let _ = write!(text, " and {} more", rows.len() - NAMED);
    }
    text
}
