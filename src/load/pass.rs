//! Small words of a book: which pass is under way, what the journal is told, what the book is for.

use crate::ledger::Event;
use crate::object::Reason;

/// Which pass over the objects is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Every row, for the first time: what must wait is put aside.
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
    /// Its records are shared with other senders: what is still used by them is kept.
    pub(super) shared: bool,
}
