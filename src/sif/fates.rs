//! What became of the rows of one objects file, over all requests for it: one byte per row.

use crate::object::{Outcome, Reason};
use crate::report::Traffic;

/// Different fates that are told apart; further ones share the last.
const MOST: usize = 200;

const UNTOUCHED: u8 = 0;
const SAME: u8 = 1;
const CHANGED: u8 = 2;
const DELIVERED: u8 = 3;
/// Fate `n` of the list is this plus `n`.
const TOLD: u8 = 4;

/// Why objects were not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Rejected, failed, pending or skipped.
    pub outcome: Outcome,
    /// The bounded reason.
    pub reason: Reason,
    /// More of it; may hold a server's text.
    pub detail: String,
}

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState<'a> {
    /// No request was about it.
    Untouched,
    /// Nobody asked for it, and those who were given it have it as it is.
    Same,
    /// An event told what has changed.
    Changed,
    /// An agent was given it by this run.
    Delivered,
    /// It was wanted, and nobody has it.
    Told(&'a Fate),
}

/// The rows of one objects file.
#[derive(Debug)]
pub struct Fates {
    states: Vec<u8>,
    list: Vec<Fate>,
    /// What was sent for them.
    pub traffic: Traffic,
}

impl Fates {
    /// No row of the file was asked for yet.
    pub fn new(rows: u64) -> Self {
        Self {
            states: vec![UNTOUCHED; usize::try_from(rows).unwrap_or(0)],
            list: Vec::new(),
            traffic: Traffic::default(),
        }
    }

    /// These rows were delivered.
    pub fn delivered(&mut self, rows: impl IntoIterator<Item = u64>) {
        for row in rows {
            if let Some(state) = self.state(row) {
                *state = DELIVERED;
            }
        }
    }

    /// Who was given these rows has them as they are.
    pub fn same(&mut self, row: u64) {
        if let Some(state) = self.state(row).filter(|state| **state == UNTOUCHED) {
            *state = SAME;
        }
    }

    /// An event told what has changed in this row.
    pub fn changed(&mut self, row: u64) {
        if let Some(state) = self
            .state(row)
            .filter(|state| matches!(**state, UNTOUCHED | SAME))
        {
            *state = CHANGED;
        }
    }

    /// These rows were not, unless another agent has them.
    pub fn tell(&mut self, rows: impl IntoIterator<Item = u64>, fate: &Fate) {
        let number = match self.list.iter().position(|known| known == fate) {
            Some(number) => number,
            None if self.list.len() < MOST => {
                self.list.push(fate.clone());
                self.list.len() - 1
            }
            None => MOST - 1,
        };
        let told = TOLD.saturating_add(u8::try_from(number).unwrap_or(u8::MAX));
        for row in rows {
            if let Some(state) = self.state(row).filter(|state| **state != DELIVERED) {
                *state = told;
            }
        }
    }

    /// How a row stands.
    pub fn of(&self, row: u64) -> RowState<'_> {
        let place = usize::try_from(row).unwrap_or(usize::MAX);
        match self.states.get(place).copied().unwrap_or(UNTOUCHED) {
            UNTOUCHED => RowState::Untouched,
            SAME => RowState::Same,
            CHANGED => RowState::Changed,
            DELIVERED => RowState::Delivered,
            told => match self.list.get(usize::from(told - TOLD)) {
                Some(fate) => RowState::Told(fate),
                None => RowState::Untouched,
            },
        }
    }

    fn state(&mut self, row: u64) -> Option<&mut u8> {
        self.states.get_mut(usize::try_from(row).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_counts_whatever_others_refused() {
        let fate = Fate {
            outcome: Outcome::Failed,
            reason: Reason::fixed("sif_8_11"),
            detail: String::new(),
        };
        let mut fates = Fates::new(4);
        fates.delivered([0]);
        fates.tell([0, 1, 2], &fate);
        fates.delivered([2, 9]);
        assert_eq!(fates.of(0), RowState::Delivered);
        assert_eq!(fates.of(1), RowState::Told(&fate));
        assert_eq!(fates.of(2), RowState::Delivered);
        assert_eq!(fates.of(3), RowState::Untouched);
    }
}
