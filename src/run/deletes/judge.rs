//! The rules: whether an object that the target has, and that the SIS rows of this run do not yield,
//! is gone. No I/O.
//!
//! Sources: "an object is gone only if no source row of its key was read in scope; a rejected,
//! skipped or blocked object keeps what was sent before; unreadable rows whose key is unknown stop
//! the deletes of the resources fed by that table".

/// What is known of the SIS row that an object came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Objects of this very row, fit to be sent, whose keys the ledger does not know.
    pub(super) fresh: u32,
    /// One of those refers to what is held back, so that it will be blocked.
    pub(super) blocked: bool,
    /// The row yields an object that is held back.
    pub(super) held: bool,
    /// The row yields other objects fit to be sent.
    pub(super) yields: bool,
    /// The row is among the unreadable ones.
    pub(super) unreadable: bool,
    /// Whether the row was read.
    pub(super) staged: Staged,
}

/// Whether the SIS row of an object is in the staged table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Staged {
    /// It was read.
    Yes,
    /// The table was read, and the row is not in it.
    No,
    /// Nobody can tell: the mapping names no staged table and key.
    #[default]
    Unknown,
}

/// The tables that feed a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Feeding {
    /// A row could not be read, and any object of the resource may be its.
    pub(super) hidden: bool,
    /// Some row could not be read.
    pub(super) unreadable: bool,
    /// What the mapping leaves out is to be deleted.
    pub(super) delete_left_out: bool,
}

/// What becomes of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is gone from the SIS.
    Gone,
    /// Its row yields it under another key.
    Replaced,
    /// It stays as it was sent, for this reason.
    Stays(&'static str),
}

/// Stays: rows that could not be read stop the deletes.
pub(super) const UNREADABLE_ROWS: &str = "unreadable_rows";
/// Stays: the row is there, the mapping leaves it out.
pub(super) const LEFT_OUT: &str = "left_out";
/// Stays: the row is held back, or unreadable.
pub(super) const HELD_BACK: &str = "held_back";
/// Stays: nobody can tell which row it came from.
pub(super) const UNKNOWN_SOURCE: &str = "unknown_source";

/// Judges one object of the ledger that is not among the objects.
pub(super) fn judge(row: Evidence, feeding: Feeding) -> Judgement {
    use Judgement::{Gone, Replaced, Stays};
    if row.unreadable {
        return Stays(HELD_BACK);
    }
    if row.fresh > 0 {
        return match row.blocked {
            true => Stays(HELD_BACK),
            false => Replaced,
        };
    }
    if row.held {
        return Stays(HELD_BACK);
    }
    if feeding.hidden {
        return Stays(UNREADABLE_ROWS);
    }
    match (row.yields, row.staged) {
        // The mapping has seen the row whole only if all that it joins could be read.
        (true, _) | (false, Staged::Yes) if feeding.unreadable => Stays(UNREADABLE_ROWS),
        (true, _) => Gone,
        (false, Staged::Yes) if feeding.delete_left_out => Gone,
        (false, Staged::Yes) => Stays(LEFT_OUT),
        (false, Staged::Unknown) => Stays(UNKNOWN_SOURCE),
        (false, Staged::No) => Gone,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence() -> impl Strategy<Value = Evidence> {
        let staged = prop_oneof![Just(Staged::Yes), Just(Staged::No), Just(Staged::Unknown)];
        (0u32..3, any::<[bool; 4]>(), staged).prop_map(
            |(fresh, [blocked, held, yields, unreadable], staged)| Evidence {
                fresh,
                blocked,
                held,
                yields,
                unreadable,
                staged,
            },
        )
    }

    fn feeding() -> impl Strategy<Value = Feeding> {
        any::<[bool; 3]>().prop_map(|[hidden, unreadable, delete_left_out]| Feeding {
            hidden,
            unreadable: unreadable || hidden,
            delete_left_out,
        })
    }

    proptest! {
        #[test]
        fn what_may_not_go_stays(row in evidence(), feeding in feeding()) {
            let judgement = judge(row, feeding);
            let goes = matches!(judgement, Judgement::Gone | Judgement::Replaced);
            // A held, unreadable or blocked row keeps what was sent before.
            if row.unreadable || (row.fresh > 0 && row.blocked) || (row.held && row.fresh == 0) {
                prop_assert!(!goes);
            }
            if judgement == Judgement::Gone {
                prop_assert!(!feeding.hidden);
                prop_assert_eq!(row.fresh, 0);
                // A row that was read is gone only when the mapping has decided so, with all rows.
                prop_assert!(row.staged == Staged::No || row.yields || feeding.delete_left_out);
                prop_assert!(!(feeding.unreadable && (row.yields || row.staged == Staged::Yes)));
                prop_assert!(row.yields || row.staged != Staged::Unknown);
            }
            if judgement == Judgement::Replaced {
                prop_assert!(row.fresh > 0);
            }
        }

        #[test]
        fn a_row_that_is_not_there_is_gone_when_all_could_be_read(staged_elsewhere in any::<bool>()) {
            let row = Evidence { staged: Staged::No, ..Evidence::default() };
            let feeding = Feeding { delete_left_out: staged_elsewhere, ..Feeding::default() };
            prop_assert_eq!(judge(row, feeding), Judgement::Gone);
        }
    }
}
