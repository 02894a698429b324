//! Which objects of a batch are held back, and why: `_held`, `_reason`, `_detail`.
//!
//! Reads: what the mapping and the checks say. Writes: nothing. Never: overwrites an earlier
//! verdict; the first one stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StringArray, StringBuilder};

use crate::object::{Outcome, Reason};

/// One object held back.
#[derive(Clone, Debug)]
struct Hold {
    outcome: Outcome,
    reason: Reason,
    detail: Option<String>,
}

/// The verdicts of a batch, one place per row.
#[derive(Debug)]
pub(super) struct Holds {
    rows: Vec<Option<Box<Hold>>>,
}

impl Holds {
    /// No row is held back yet.
    pub(super) fn new(rows: usize) -> Self {
        let mut holds = Vec::new();
        holds.resize_with(rows, || None);
        Self { rows: holds }
    }

    /// Holds a row back as rejected, unless it is held back already.
    pub(super) fn reject(&mut self, row: usize, reason: Reason, detail: impl FnOnce() -> String) {
        self.hold(row, Outcome::Rejected, reason, || Some(detail()));
    }

    fn hold(
        &mut self,
        row: usize,
        outcome: Outcome,
        reason: Reason,
        detail: impl FnOnce() -> Option<String>,
    ) {
        if let Some(place @ None) = self.rows.get_mut(row) {
            *place = Some(Box::new(Hold {
                outcome,
                reason,
                detail: detail(),
            }));
        }
    }

    /// What the mapping says: `_skip` (`code`), `_reject` (`code` or `code: detail`), `_unmapped`
    /// (what [`unmapped`](super::unmapped) wrote), in this order. `fields` gives the body field
    /// that a crosswalk feeds.
    pub(super) fn mapping(
        &mut self,
        skip: Option<&StringArray>,
        reject: Option<&StringArray>,
        unmapped: Option<&StringArray>,
        fields: &BTreeMap<String, String>,
    ) {
        const SKIPPED: Reason = Reason::fixed("skipped_by_mapping");
        const REJECTED: Reason = Reason::fixed("rejected_by_mapping");
        for (row, text) in said(skip) {
            let (reason, detail) = coded(text, &SKIPPED);
            self.hold(row, Outcome::Skipped, reason, || detail);
        }
        for (row, text) in said(reject) {
            let (reason, detail) = coded(text, &REJECTED);
            self.hold(row, Outcome::Rejected, reason, || detail);
        }
        for (row, text) in said(unmapped) {
            self.reject(row, Reason::UNMAPPED_CODE, || with_fields(text, fields));
        }
    }

    /// Forgets the rows that are not chosen: they become no objects.
    pub(super) fn forget(&mut self, chosen: &BooleanArray) {
        for (row, chosen) in self.rows.iter_mut().zip(chosen) {
            if chosen != Some(true) {
                *row = None;
            }
        }
    }

    /// Adds the counts of this batch.
    pub(super) fn count(&self, counts: &mut BTreeMap<(Outcome, Reason), u64>) {
        for hold in self.rows.iter().flatten() {
            *counts
                .entry((hold.outcome, hold.reason.clone()))
                .or_default() += 1;
        }
    }

    /// The columns `_held`, `_reason`, `_detail`.
    pub(super) fn columns(&self) -> [ArrayRef; 3] {
        let mut columns = [
            StringBuilder::new(),
            StringBuilder::new(),
            StringBuilder::new(),
        ];
        let [held, reason, detail] = &mut columns;
        for row in &self.rows {
            let row = row.as_deref();
            held.append_option(row.map(|h| h.outcome.as_str()));
            reason.append_option(row.map(|h| h.reason.as_str()));
            detail.append_option(row.and_then(|h| h.detail.as_deref()));
        }
        columns.map(|mut c| Arc::new(c.finish()) as ArrayRef)
    }
}

/// The rows with a text.
fn said(column: Option<&StringArray>) -> impl Iterator<Item = (usize, &str)> {
    let column = column.filter(|c| c.null_count() < c.len());
    let rows = column.into_iter().flat_map(|c| c.iter().enumerate());
    rows.filter_map(|(row, text)| Some((row, text.filter(|t| !t.is_empty())?)))
}

/// `code` or `code: detail`; what is no bounded code becomes the detail.
fn coded(text: &str, otherwise: &Reason) -> (Reason, Option<String>) {
    let (code, detail) = match text.split_once(':') {
        Some((code, detail)) => (code.trim(), Some(detail.trim().to_owned())),
        None => (text.trim(), None),
    };
    match Reason::parse(code) {
        Some(reason) => (reason, detail.filter(|d| !d.is_empty())),
        None => (otherwise.clone(), Some(text.to_owned())),
    }
}

/// Puts the field before each `crosswalk=code`.
fn with_fields(text: &str, fields: &BTreeMap<String, String>) -> String {
    let one = |said: &str| {
        let field = said.split_once('=').and_then(|(name, _)| fields.get(name));
        match field {
            Some(field) => format!("{field}: {said}"),
            None => said.to_owned(),
        }
    };
    let parts: Vec<String> = text
        .split("; ")
        .filter(|s| !s.is_empty())
        .map(one)
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;

    use super::*;

    #[test]
    fn the_first_word_of_the_mapping_stands() {
        let skip = StringArray::from(vec![Some("no_id"), None, None, None, Some("")]);
        let reject = StringArray::from(vec![
            Some("bad: x"),
            Some("bad: x: y"),
            Some("Not A Code"),
            None,
            None,
        ]);
        let unmapped = StringArray::from(vec![
            Some("grade=XX"),
            Some("grade=XX"),
            None,
            Some("; grade=XX; sex=Q"),
            None,
        ]);
        let fields = BTreeMap::from([("grade".to_owned(), "entryGrade".to_owned())]);
        let mut holds = Holds::new(5);
        holds.mapping(Some(&skip), Some(&reject), Some(&unmapped), &fields);
        holds.reject(1, Reason::TOO_LONG, || unreachable!());
        let [held, reason, detail] = holds.columns();
        let row = |i: usize| {
            let text = |a: &ArrayRef| {
                a.as_string::<i32>()
                    .iter()
                    .nth(i)
                    .flatten()
                    .map(str::to_owned)
            };
            (text(&held), text(&reason), text(&detail))
        };
        let some = |a: &str, b: &str, c: Option<&str>| {
            (Some(a.to_owned()), Some(b.to_owned()), c.map(str::to_owned))
        };
        assert_eq!(row(0), some("skipped", "no_id", None));
        assert_eq!(row(1), some("rejected", "bad", Some("x: y")));
        assert_eq!(
            row(2),
            some("rejected", "rejected_by_mapping", Some("Not A Code"))
        );
        let detail = "entryGrade: grade=XX; sex=Q";
        assert_eq!(row(3), some("rejected", "unmapped_code", Some(detail)));
        assert_eq!(row(4), (None, None, None));
        let mut counts = BTreeMap::new();
        holds.count(&mut counts);
        assert_eq!(counts.values().sum::<u64>(), 4);
    }
}
