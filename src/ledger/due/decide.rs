//! The rules: one key's rows and what the ledger knows of the key, to decisions. No I/O.

use super::decision::{Decision, Disposition, Due, DueCounts, Duplicates, Withheld};
use super::known::Known;
use super::objects::{DUPLICATE_KEY, Held, ObjectRow};
use super::{DueOptions, Select};
use crate::object::{KeyHash, Outcome, Reason};

/// Decisions so far.
#[derive(Debug)]
pub(super) struct Deciding<'a> {
    options: DueOptions<'a>,
    due: Due,
}

impl<'a> Deciding<'a> {
    /// No decisions on so many rows.
    pub(super) fn new(rows: u32, options: DueOptions<'a>) -> Self {
        let due = Due {
            rows: vec![Decision::UNDECIDED; rows as usize],
            counts: DueCounts::default(),
            duplicates: Duplicates::default(),
            withheld: Withheld::default(),
            gone: Vec::new(),
            cleared: Vec::new(),
            forgotten: Vec::new(),
        };
        Self { options, due }
    }

    /// A key that the ledger knows and the objects file lacks. Keys come in ascending order.
    pub(super) fn absent(&mut self, key: u128, known: &Known<'_>) {
        if !self.options.complete {
            return;
        }
        if known.content.is_some() {
            self.due.gone.push(KeyHash(key));
        }
        if known.refusal.is_some() {
            self.due.cleared.push(KeyHash(key));
            if known.content.is_none() {
                self.due.forgotten.push(KeyHash(key));
            }
        }
    }

    /// All rows of one key, in the order of the file; it comes back in another order.
    pub(super) fn group(&mut self, group: &mut [ObjectRow], known: &Known<'_>, reasons: &[Reason]) {
        if let [only] = group {
            let disposition = self.alone(only, known);
            self.set(only, disposition, known, reasons);
            self.settle_key(std::slice::from_ref(only), disposition, known);
            return;
        }
        let firsts = self.collapse(group, known);
        let Some((firsts, _)) = group.split_at_mut_checked(firsts) else {
            return;
        };
        firsts.sort_unstable_by_key(|o| o.row);
        let bodies = firsts.iter().filter(|o| o.held == Held::No).count();
        let mut of_key = Disposition::Skipped;
        for row in firsts.iter() {
            let disposition = match self.alone(row, known) {
                _ if row.held == Held::No && bodies > 1 => Disposition::RejectedDuplicate,
                disposition => disposition,
            };
            self.set(row, disposition, known, reasons);
            of_key = weightier(of_key, disposition);
        }
        if bodies > 1 {
            let different = firsts.iter().filter(|o| o.held == Held::No);
            self.due.duplicates.push(different.map(|o| o.row));
        }
        self.settle_key(firsts, of_key, known);
    }

    /// Moves the first row of each set of equal ones to the front, decides the others, and says
    /// how many are in front.
    fn collapse(&mut self, group: &mut [ObjectRow], known: &Known<'_>) -> usize {
        group.sort_unstable_by_key(|o| (o.content, o.held, o.row));
        let mut firsts = 0;
        for i in 0..group.len() {
            let (Some(row), last) = (group.get(i).copied(), firsts.max(1) - 1) else {
                break;
            };
            let same = |o: &ObjectRow| (o.content, o.held) == (row.content, row.held);
            if firsts > 0 && group.get(last).is_some_and(same) {
                self.set(&row, Disposition::Collapsed, known, &[]);
            } else {
                group.swap(firsts, i);
                firsts += 1;
            }
        }
        firsts
    }

    /// The disposition of a row that is the only one of its key.
    fn alone(&self, row: &ObjectRow, known: &Known<'_>) -> Disposition {
        match (row.held, known.content) {
            (Held::Skipped(_), _) => Disposition::Skipped,
            (Held::Rejected(_), _) => Disposition::Rejected,
            (Held::No, content) => self.unheld(row, content, known),
        }
    }

    /// The disposition of a row that nothing holds back.
    fn unheld(&self, row: &ObjectRow, content: Option<u128>, known: &Known<'_>) -> Disposition {
        let aged = |select: &Select| select.older_than.is_some() && select.admits(row.key, known);
        let again = self.options.resend || known.unclear || self.options.select.is_some_and(aged);
        let disposition = match content {
            None => Disposition::Send,
            Some(content) if content != row.content => Disposition::SendChanged,
            Some(_) if again => Disposition::SendAgain,
            Some(_) => Disposition::Unchanged,
        };
        let left_out = |select: &Select| !select.admits(row.key, known);
        match self.options.select.is_some_and(left_out) && disposition.is_send() {
            // A resend that was not asked for of this object: it is as the target has it.
            true if disposition == Disposition::SendAgain && !known.unclear => {
                Disposition::Unchanged
            }
            true => Disposition::NotSelected,
            false => disposition,
        }
    }

    fn set(
        &mut self,
        row: &ObjectRow,
        disposition: Disposition,
        known: &Known<'_>,
        reasons: &[Reason],
    ) {
        let reason = match (disposition, row.held) {
            (Disposition::RejectedDuplicate, _) => Some(DUPLICATE_KEY),
            (_, Held::Skipped(reason) | Held::Rejected(reason)) => Some(reason),
            (_, Held::No) => None,
        };
        let reason = reason
            .and_then(|r| reasons.get(usize::from(r)))
            .map(Reason::as_str);
        let same = reason.is_some() && reason == known.refusal;
        let decision = Decision::new(
            disposition,
            known.content.is_some(),
            known.refusal.is_some(),
        );
        self.due.counts.add(disposition);
        if let Some(slot) = self.due.rows.get_mut(row.row as usize) {
            *slot = decision.with_same_reason(same);
        }
    }

    /// What the key as a whole has come to: withheld, or free of its refusal.
    fn settle_key(&mut self, rows: &[ObjectRow], of_key: Disposition, known: &Known<'_>) {
        let Some(key) = rows.first().map(|o| KeyHash(o.key)) else {
            return;
        };
        let settled = matches!(of_key, Disposition::Unchanged | Disposition::Skipped);
        let rejected = rows.iter().any(|o| matches!(o.held, Held::Rejected(_)));
        if known.refusal.is_some() && settled && !rejected {
            self.due.cleared.push(key);
        }
        if known.content.is_some() {
            return;
        }
        let rejection = rows.iter().find_map(|o| match o.held {
            Held::Rejected(reason) => Some((Outcome::Rejected, reason)),
            _ => None,
        });
        let skip = rows.iter().find_map(|o| match o.held {
            Held::Skipped(reason) => Some((Outcome::Skipped, reason)),
            _ => None,
        });
        let why = match of_key {
            Disposition::RejectedDuplicate => Some((Outcome::Rejected, DUPLICATE_KEY)),
            Disposition::Rejected => rejection,
            Disposition::Skipped => skip,
            _ => None,
        };
        if let Some((outcome, reason)) = why {
            self.due.withheld.push(key, outcome, reason);
        }
    }

    /// All decisions.
    pub(super) fn finish(mut self, reasons: Vec<Reason>) -> Due {
        self.due.withheld.set_reasons(reasons);
        self.due
    }
}

/// Of the dispositions of one key's rows, the one that stands for the key: what is sent or
/// delivered, before what is rejected, before what is skipped.
fn weightier(a: Disposition, b: Disposition) -> Disposition {
    let weight = |d: Disposition| match d {
        Disposition::Skipped | Disposition::Collapsed => 0,
        Disposition::Rejected => 1,
        Disposition::RejectedDuplicate => 2,
        Disposition::Unchanged | Disposition::NotSelected => 3,
        Disposition::Send | Disposition::SendChanged | Disposition::SendAgain => 4,
    };
    if weight(b) > weight(a) { b } else { a }
}
