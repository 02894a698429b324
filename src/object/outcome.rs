//! What became of an object, and why.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The final state of one object in one run. Every row of an objects file has exactly one.
///
/// `transformed = collapsed + unchanged + rejected + skipped + blocked + pending + sent`,
/// `sent = created + updated + failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// Equal to another row of the same key, which stands for both.
    Collapsed = 0,
    /// The target has acknowledged this very content before; not sent.
    Unchanged = 1,
    /// Held back before sending, for a fault of its own.
    Rejected = 2,
    /// Left out on purpose (no Ed-Fi id, excluded), or the child of such an object.
    Skipped = 3,
    /// Held back, because an object that it refers to was rejected or failed.
    Blocked = 4,
    /// Due, and not settled by this run: parked, stopped early, or not reached.
    Pending = 5,
    /// Sent; the target made a new record.
    Created = 6,
    /// Sent; the target had a record of this key and replaced it.
    Updated = 7,
    /// Sent and refused, or never answered.
    Failed = 8,
}

impl Outcome {
    /// All outcomes, in the order of the tally's columns.
    pub const ALL: [Self; 9] = [
        Self::Collapsed,
        Self::Unchanged,
        Self::Rejected,
        Self::Skipped,
        Self::Blocked,
        Self::Pending,
        Self::Created,
        Self::Updated,
        Self::Failed,
    ];

    /// The word used in Parquet, JSON and the terminal's table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collapsed => "collapsed",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Failed => "failed",
        }
    }

    /// Whether the outcome counts under Errors (rejected, blocked, failed).
    pub fn is_error(self) -> bool {
        matches!(self, Self::Rejected | Self::Blocked | Self::Failed)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of one delete.
/// `due = deleted + already_gone + refused + held + failed + pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DeleteOutcome {
    /// The target removed it.
    Deleted,
    /// The target did not have it (any more): a success.
    AlreadyGone,
    /// The target keeps it by its own rule (a shared person, dependants of others).
    Refused,
    /// Asked for and not done, or never answered.
    Failed,
    /// Due, and not settled by this run.
    Pending,
    /// Due, and held back by a guard: more than `max_deletes` allows without consent.
    Held,
}

impl DeleteOutcome {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Deleted,
        Self::AlreadyGone,
        Self::Refused,
        Self::Failed,
        Self::Pending,
        Self::Held,
    ];

    /// The word used in Parquet, JSON and the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::AlreadyGone => "already_gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Held => "held",
        }
    }
}

/// A bounded, lower-case code that says why (`missing_required`, `unresolved_reference`, ...).
/// Never holds data; texts of servers and values of rows travel beside it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// A field that the target requires has no value.
    pub const MISSING_REQUIRED: Self = Self(Cow::Borrowed("missing_required"));
    /// A code of the source has no row in its crosswalk.
    pub const UNMAPPED_CODE: Self = Self(Cow::Borrowed("unmapped_code"));
    /// A text is longer than the target allows.
    pub const TOO_LONG: Self = Self(Cow::Borrowed("too_long"));
    /// A value that the target would not take (spaces around a key, markup, out of range).
    pub const INVALID_VALUE: Self = Self(Cow::Borrowed("invalid_value"));
    /// A descriptor that the target does not have.
    pub const UNKNOWN_DESCRIPTOR: Self = Self(Cow::Borrowed("unknown_descriptor"));
    /// Several different bodies under one natural key.
    pub const DUPLICATE_KEY: Self = Self(Cow::Borrowed("duplicate_key"));

    /// Due, but the run was narrowed to other objects by what became of them earlier.
    pub const NOT_SELECTED: Self = Self(Cow::Borrowed("not_selected"));

    /// A reason from outside (a mapping's `_skip` or `_reject`): `None` unless it is a bounded
    /// code, 1 to 40 characters of `a-z`, `0-9` and `_`.
    pub fn parse(code: &str) -> Option<Self> {
        let fits = (1..=40).contains(&code.len())
            && code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        fits.then(|| Self(Cow::Owned(code.to_owned())))
    }

    /// A reason that the program itself states.
    pub const fn fixed(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why an object was refused: the bounded reason, and what was said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The bounded code.
    pub reason: Reason,
    /// HTTP status, 0 where no answer came or the refusal is our own.
    pub status: u16,
    /// The server's or our own text; may echo student data: owner-only files and debug logs only.
    pub message: String,
}
