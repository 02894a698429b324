//! The answer of `due`: one byte per object, and lists of what is out of the ordinary.

use crate::object::{KeyHash, Outcome, Reason};

/// What is to become of one row of an objects file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Disposition {
    /// Send: the target has not acknowledged this key, or has deleted it since.
    Send = 0,
    /// Send: the target has acknowledged other content.
    SendChanged = 1,
    /// Send: the target has acknowledged this content, but a resend is asked for, or a later
    /// attempt with other content ended without a clear answer.
    SendAgain = 2,
    /// The target has acknowledged this very content.
    Unchanged = 3,
    /// Equal to an earlier row of the same key, which stands for both.
    Collapsed = 4,
    /// Rejected by the transform.
    Rejected = 5,
    /// Rejected, because another row of the same key has another body.
    RejectedDuplicate = 6,
    /// Skipped by the transform.
    Skipped = 7,
    /// Due, but the run is narrowed to other objects: not sent, and still due.
    NotSelected = 8,
}

impl Disposition {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Send,
        Self::SendChanged,
        Self::SendAgain,
        Self::Unchanged,
        Self::Collapsed,
        Self::Rejected,
        Self::RejectedDuplicate,
        Self::Skipped,
        Self::NotSelected,
    ];

    /// Whether the row is to be sent.
    pub fn is_send(self) -> bool {
        matches!(self, Self::Send | Self::SendChanged | Self::SendAgain)
    }

    /// The outcome, where it is known before sending.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Send | Self::SendChanged | Self::SendAgain => None,
            Self::Unchanged => Some(Outcome::Unchanged),
            Self::Collapsed => Some(Outcome::Collapsed),
            Self::Rejected | Self::RejectedDuplicate => Some(Outcome::Rejected),
            Self::Skipped => Some(Outcome::Skipped),
            Self::NotSelected => Some(Outcome::Pending),
        }
    }
}

/// The decision on one row: a disposition and what the ledger knows of its key, in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision(u8);

const DELIVERED: u8 = 1 << 4;
const REFUSED: u8 = 1 << 5;
const SAME_REASON: u8 = 1 << 6;

impl Decision {
    pub(super) const UNDECIDED: Self = Self(Disposition::Send as u8);

    pub(super) fn new(disposition: Disposition, delivered: bool, refused: bool) -> Self {
        let delivered = if delivered { DELIVERED } else { 0 };
        let refused = if refused { REFUSED } else { 0 };
        Self(disposition as u8 | delivered | refused)
    }

    pub(super) fn with_same_reason(self, same: bool) -> Self {
        if same {
            Self(self.0 | SAME_REASON)
        } else {
            self
        }
    }

    /// What is to become of the row.
    pub fn disposition(self) -> Disposition {
        let [a, b, c, d, e, f, g, h, i] = Disposition::ALL;
        match self.0 & 15 {
            0 => a,
            1 => b,
            2 => c,
            3 => d,
            4 => e,
            5 => f,
            6 => g,
            7 => h,
            _ => i,
        }
    }

    /// The target has the object, in this or an earlier form: it may be referred to.
    pub fn delivered_before(self) -> bool {
        self.0 & DELIVERED != 0
    }

    /// The object was refused when it was last due: an error now is a standing one, not a new one.
    pub fn refused_before(self) -> bool {
        self.0 & REFUSED != 0
    }

    /// For a rejected or skipped row: it was refused before, with the very reason of now.
    pub fn same_reason(self) -> bool {
        self.0 & SAME_REASON != 0
    }
}

/// What is due of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// One decision per row of the objects file, in its order.
    pub rows: Vec<Decision>,
    /// How many rows have which disposition.
    pub counts: DueCounts,
    /// Rows of one key with different bodies.
    pub duplicates: Duplicates,
    /// Keys that are held back now and that the target does not have.
    pub withheld: Withheld,
    /// Keys that the target has and that are not among the objects, sorted. Empty unless the
    /// objects are the whole resource.
    pub gone: Vec<KeyHash>,
    /// Keys with a standing refusal that no longer stands (unchanged, skipped or gone), sorted.
    pub cleared: Vec<KeyHash>,
    /// Those of them that are gone and were never delivered, sorted.
    pub forgotten: Vec<KeyHash>,
}

impl Due {
    /// What is to become of a row; one beyond the file is collapsed into nothing.
    pub fn disposition(&self, row: u64) -> Disposition {
        let row = usize::try_from(row).ok().and_then(|row| self.rows.get(row));
        row.map_or(Disposition::Collapsed, |row| row.disposition())
    }

    /// Sends a row whose content the target has acknowledged once more.
    pub fn send_again(&mut self, row: u64) {
        let row = usize::try_from(row)
            .ok()
            .and_then(|row| self.rows.get_mut(row));
        if let Some(row) = row.filter(|row| row.disposition() == Disposition::Unchanged) {
            *row = Decision(row.0 - Disposition::Unchanged as u8 + Disposition::SendAgain as u8);
            let [.., again, unchanged, _, _, _, _, _] = &mut self.counts.0;
            *again += 1;
            *unchanged = unchanged.saturating_sub(1);
        }
    }

    /// Every row of a file is to be sent: for files that hold nothing else.
    pub fn everything(rows: u64) -> Self {
        let rows = vec![Decision::UNDECIDED; usize::try_from(rows).unwrap_or(usize::MAX)];
        let mut counts = DueCounts::default();
        rows.iter().for_each(|row| counts.add(row.disposition()));
        Self {
            counts,
            rows,
            duplicates: Duplicates::default(),
            withheld: Withheld::default(),
            gone: Vec::new(),
            cleared: Vec::new(),
            forgotten: Vec::new(),
        }
    }
}

/// Rows by disposition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueCounts([u64; Disposition::ALL.len()]);

impl DueCounts {
    pub(super) fn add(&mut self, disposition: Disposition) {
        if let Some(count) = self.0.get_mut(disposition as usize) {
            *count += 1;
        }
    }

    /// Rows of one disposition.
    pub fn of(&self, disposition: Disposition) -> u64 {
        self.0.get(disposition as usize).copied().unwrap_or(0)
    }

    /// Rows to be sent.
    pub fn send(&self) -> u64 {
        Disposition::ALL
            .iter()
            .filter(|d| d.is_send())
            .map(|d| self.of(*d))
            .sum()
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// Groups of rows that have one key and different bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Duplicates {
    pub(super) fn push(&mut self, rows: impl Iterator<Item = u32>) {
        self.rows.extend(rows);
        self.ends.push(self.rows.len());
    }

    /// The groups: row numbers of the objects file (0 = first), ascending. Collapsed copies are
    /// not among them.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(from, to)| self.rows.get(from..*to).unwrap_or_default())
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// Keys that are rejected or skipped now and were never delivered: what refers to them cannot be
/// sent.
#[derive(Clone, Debug, Default)]
pub struct Withheld {
    /// Sorted by key; the number is the reason's.
    keys: Vec<(KeyHash, Outcome, u16)>,
    reasons: Vec<Reason>,
}

impl PartialEq for Withheld {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Withheld {}

impl Withheld {
    /// Adds a key that is greater than those before.
    pub(super) fn push(&mut self, key: KeyHash, outcome: Outcome, reason: u16) {
        self.keys.push((key, outcome, reason));
    }

    pub(super) fn set_reasons(&mut self, reasons: Vec<Reason>) {
        self.reasons = reasons;
    }

    /// Rejected or skipped, and why; `None` when the key is not withheld.
    pub fn get(&self, key: KeyHash) -> Option<(Outcome, &Reason)> {
        let at = self.keys.binary_search_by_key(&key, |(k, ..)| *k).ok()?;
        let (_, outcome, reason) = self.keys.get(at)?;
        Some((*outcome, self.reasons.get(usize::from(*reason))?))
    }

    /// All withheld keys, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (KeyHash, Outcome, &Reason)> {
        self.keys.iter().filter_map(|(key, outcome, reason)| {
            Some((*key, *outcome, self.reasons.get(usize::from(*reason))?))
        })
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
