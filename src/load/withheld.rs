//! Objects that the target does not have: what refers to them is not sent.

use std::collections::HashMap;
use std::sync::Arc;

use crate::object::{KeyHash, Outcome, Reason};

/// When an object whose parent is in the run is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parents {
    /// Always: the target finds out.
    Unchecked,
    /// When the target has the parent, from this run or from before.
    AtTarget,
    /// As that, and not when this run's own parent was refused, whatever the target has of it from
    /// before (D10: a child whose parent failed is not sent).
    Accepted,
}

/// What became of an object that is not at the target, and what was the cause of it.
#[derive(Debug)]
pub struct Withheld {
    /// What becomes of an object that refers to it: skipped, blocked or pending.
    pub child: Outcome,
    /// The reason that stands at the root.
    pub reason: Reason,
    /// Resource of the root cause.
    pub resource: Arc<str>,
    /// Key of the root cause.
    pub key: String,
}

/// The withheld objects of one resource, by key.
pub type WithheldKeys = HashMap<KeyHash, Arc<Withheld>>;

impl Withheld {
    /// What an outcome means for the objects that refer to it; `None` when it is at the target or
    /// another row stands for it.
    pub fn child_of(outcome: Outcome) -> Option<Outcome> {
        match outcome {
            Outcome::Skipped => Some(Outcome::Skipped),
            Outcome::Rejected | Outcome::Blocked | Outcome::Failed => Some(Outcome::Blocked),
            Outcome::Pending => Some(Outcome::Pending),
            Outcome::Collapsed | Outcome::Unchanged | Outcome::Created | Outcome::Updated => None,
        }
    }

    /// Which of two causes counts for an object that has several: blocked before skipped before
    /// pending, and the first of equals.
    pub fn graver<'a>(a: Option<&'a Arc<Self>>, b: &'a Arc<Self>) -> &'a Arc<Self> {
        let weight = |w: &Self| match w.child {
            Outcome::Blocked => 0,
            Outcome::Skipped => 1,
            _ => 2,
        };
        match a {
            Some(a) if weight(a) <= weight(b) => a,
            _ => b,
        }
    }
}
