//! Journals cut off or damaged at any byte give back what was whole before.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Ledger, LedgerError};
use super::{Facts, RESOURCE, TOO_LONG, delivered, entry, facts, key, small};

/// A file length, and what counts from there on.
type State = (usize, BTreeMap<String, Facts>);

/// Writes blocks of these sizes; returns the journal's bytes and what counts after each block,
/// with the file length at which it does.
fn written(sizes: &[u32]) -> (Vec<u8>, Vec<State>) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    let mut journal = ledger.journal("run", 0).unwrap();
    let path = journal.path().to_owned();
    let mut states = vec![(std::fs::read(&path).unwrap().len(), BTreeMap::new())];
    let mut n = 0;
    for size in sizes {
        for _ in 0..*size {
            n += 1;
            let event = if n % 3 == 0 {
                TOO_LONG
            } else {
                delivered(n.into())
            };
            journal
                .append([entry(RESOURCE, &key(n % 17), event, n.into())])
                .unwrap();
        }
        journal.flush().unwrap();
        states.push((
            std::fs::read(&path).unwrap().len(),
            facts(&ledger, RESOURCE),
        ));
    }
    (std::fs::read(&path).unwrap(), states)
}

/// What a ledger says that has only this journal, before and after compaction.
fn read_back(bytes: &[u8]) -> (BTreeMap<String, Facts>, BTreeMap<String, Facts>) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    std::fs::write(dir.path().join("journals/run.journal"), bytes).unwrap();
    let before = facts(&ledger, RESOURCE);
    ledger.compact(1).unwrap();
    (before, facts(&ledger, RESOURCE))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_journal_cut_at_any_byte_keeps_its_whole_blocks(
        sizes in proptest::collection::vec(1u32..12, 1..5),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (bytes, states) = written(&sizes);
        let cut = cut.index(bytes.len() + 1);
        let (_, wanted) = states.iter().rfind(|(len, _)| *len <= cut).unwrap_or(&states[0]);
        let (before, after) = read_back(&bytes[..cut]);
        prop_assert_eq!(&before, wanted);
        prop_assert_eq!(&after, wanted);
    }

    #[test]
    fn a_flipped_bit_costs_nothing_before_it(
        sizes in proptest::collection::vec(1u32..12, 1..5),
        at in any::<proptest::sample::Index>(),
        bit in 0u8..8,
    ) {
        let (mut bytes, states) = written(&sizes);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // Bytes 4 to 7 are the format's number: another one is refused, not read as empty.
        prop_assume!(!(4..8).contains(&at));
        let (_, wanted) = states.iter().rfind(|(len, _)| *len <= at).unwrap_or(&states[0]);
        let (before, after) = read_back(&bytes);
        prop_assert_eq!(&before, wanted);
        prop_assert_eq!(&after, wanted);
    }
}

#[test]
fn a_journal_of_a_later_format_is_refused() {
    let (mut bytes, _) = written(&[1]);
    bytes[4] = 2;
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let path = dir.path().join("journals/run.journal");
    std::fs::write(&path, bytes).unwrap();
    let found = ledger.snapshot(RESOURCE).map(|_| ());
    assert!(
        matches!(found, Err(LedgerError::Newer { found: 2, .. })),
        "{found:?}"
    );
    let found = ledger.compact(1);
    assert!(matches!(found, Err(LedgerError::Newer { .. })), "{found:?}");
    assert!(path.exists());
}

#[test]
fn a_damaged_journal_is_kept_aside() {
    let (mut bytes, _) = written(&[3, 3]);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("journals/run.journal"), &bytes).unwrap();
    ledger.compact(1).unwrap();
    let kept = dir.path().join("journals/run.journal.damaged");
    assert_eq!(std::fs::read(kept).unwrap(), bytes);
    assert_eq!(facts(&ledger, RESOURCE).len(), 3);
}
