//! Small words of a book: which pass is under way, what the journal is told, what the book is for.

use crate::ledger::Event;
use crate::object::{Outcome, Reason};

/// Which pass over the objects is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Rows for the first time: what must wait is put aside.
    First,
    /// What was put aside: its verdict is final.
    Last,
}

/// A journal entry that a row which is not sent gives rise to.
pub(super) enum HeldEvent {
    Refused(Reason),
    Cleared,
}

impl HeldEvent {
    pub(super) fn as_event(&self) -> Event<'_> {
        match self {
            Self::Refused(reason) => Event::Refused { reason, status: 0 },
            Self::Cleared => Event::Cleared,
        }
    }
}

/// What a book is kept for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// A plan: what is pending would be sent.
    pub(super) dry: bool,
    /// Other resources of the run refer to its objects.
    pub(super) needed: bool,
    /// What this run was refused is withheld even where the target has it from before.
    pub(super) strict: bool,
    /// Its records are shared with other senders: what is still used by them is kept.
    pub(super) shared: bool,
}

impl Use {
    /// Whether a withheld object is asked for, by what refers to it. Nobody asks for what no
    /// resource depends on, nor after the run was cut short; and what is pending in a plan would
    /// be sent, unless the run is narrowed to other objects.
    pub(super) fn asks_for(self, child: Outcome, reason: Option<&Reason>) -> bool {
        let pending = child == Outcome::Pending;
        let cut_short = pending && reason.is_some_and(|r| r.as_str() == "not_reached");
        let planned = pending && self.dry && reason != Some(&Reason::NOT_SELECTED);
        self.needed && !cut_short && !planned
    }
}

/// Why an object waits whose parent is pending for this reason.
pub(super) fn pending_parent(reason: Option<&Reason>) -> Reason {
    match reason == Some(&Reason::NOT_SELECTED) {
        true => Reason::fixed("parent_not_selected"),
        false => Reason::fixed("parent_pending"),
    }
}
