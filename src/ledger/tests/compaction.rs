//! Compaction: what it leaves alone, what it leaves for readers, what it deletes.

use std::path::{Path, PathBuf};

use super::super::compact::{Step, compact};
use super::super::{Columns, Ledger, LedgerError, RowView};
use super::{RESOURCE, delivered, entry, facts, key, small};
use crate::object::ContentHash;

fn deliver(ledger: &Ledger, run: &str, keys: std::ops::Range<u32>, content: u128, at: i64) {
    let keys: Vec<String> = keys.map(key).collect();
    let mut journal = ledger.journal(run, at).unwrap();
    journal
        .append(
            keys.iter()
                .map(|k| entry(RESOURCE, k, delivered(content), at)),
        )
        .unwrap();
    journal.close().unwrap();
}

fn generations(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("resources").join(RESOURCE))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_journal_of_a_run_that_is_alive_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    deliver(&ledger, "dead", 0..20, 1, 10);
    let mut alive = ledger.journal("alive", 11).unwrap();
    let text = key(3);
    alive
        .append([entry(RESOURCE, &text, delivered(9), 12)])
        .unwrap();
    alive.flush().unwrap();

    let done = ledger.compact(13).unwrap();
    assert_eq!((done.journals, done.alive, done.events), (1, 1, 20));
    assert!(alive.path().exists());
    assert_eq!(facts(&ledger, RESOURCE)[&text].0.as_ref().unwrap().0, 9);

    alive
        .append([entry(RESOURCE, &text, delivered(10), 14)])
        .unwrap();
    alive.close().unwrap();
    let done = ledger.compact(15).unwrap();
    assert_eq!((done.journals, done.alive, done.events), (1, 0, 2));
    assert_eq!(facts(&ledger, RESOURCE)[&text].0.as_ref().unwrap().0, 10);
}

#[test]
fn a_delete_is_remembered_while_an_older_event_may_still_come() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    let text = key(1);
    let mut slow = ledger.journal("slow", 1).unwrap();
    slow.append([entry(RESOURCE, &text, delivered(1), 2)])
        .unwrap();
    let mut quick = ledger.journal("quick", 3).unwrap();
    quick
        .append([entry(RESOURCE, &text, super::Event::Deleted, 4)])
        .unwrap();
    quick.close().unwrap();
    ledger.compact(5).unwrap();
    slow.close().unwrap();
    assert!(facts(&ledger, RESOURCE).is_empty());
    ledger.compact(6).unwrap();
    assert!(facts(&ledger, RESOURCE).is_empty());
    let known = ledger.counts(RESOURCE).unwrap();
    assert_eq!((known.delivered, known.refused), (0, 0));
}

#[test]
fn an_open_snapshot_outlives_two_compactions() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    deliver(&ledger, "a", 0..30, 1, 10);
    ledger.compact(11).unwrap();
    deliver(&ledger, "b", 10..40, 2, 12);
    let snapshot = ledger.snapshot(RESOURCE).unwrap();
    for (run, at) in [("c", 20), ("d", 30), ("e", 40)] {
        deliver(&ledger, run, 0..50, 3, at);
        ledger.compact(at + 1).unwrap();
    }
    let mut contents = Vec::new();
    for batch in snapshot.rows(Columns::Wide).unwrap() {
        let batch = batch.unwrap();
        contents.extend(
            RowView::new(&batch)
                .unwrap()
                .iter()
                .map(|r| r.content_hash.unwrap()),
        );
    }
    assert_eq!(contents.len(), 40);
    assert_eq!(
        contents.iter().filter(|c| **c == ContentHash(2)).count(),
        30
    );
}

#[test]
fn one_generation_back_stays_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    for (n, run) in (1..=4).zip(["a", "b", "c", "d"]) {
        deliver(&ledger, run, 0..10, n, 10 * n as i64);
        assert_eq!(
            ledger.compact(10 * n as i64 + 1).unwrap().generation,
            n as u64
        );
    }
    assert_eq!(generations(dir.path()), ["gen-3", "gen-4"]);
    assert!(!ledger.compact(99).unwrap().busy);
    assert_eq!(generations(dir.path()), ["gen-3", "gen-4"]);
}

#[test]
fn rows_are_divided_by_key_hash_into_small_parts() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    deliver(&ledger, "a", 0..64, 1, 10);
    ledger.compact(11).unwrap();
    let folder = dir.path().join("resources").join(RESOURCE).join("gen-1");
    let parts: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert!((8..=16).contains(&parts.len()), "{parts:?}");
    assert_eq!(facts(&ledger, RESOURCE).len(), 64);
}

#[test]
fn a_compaction_killed_after_any_step_loses_nothing() {
    for steps in 1..8 {
        let dir = tempfile::tempdir().unwrap();
        let ledger = small(dir.path());
        deliver(&ledger, "a", 0..20, 1, 10);
        ledger.compact(11).unwrap();
        deliver(&ledger, "b", 10..30, 2, 20);
        deliver(&ledger, "c", 20..40, 3, 30);
        let wanted = facts(&ledger, RESOURCE);
        assert_eq!(wanted.len(), 40);
        let mut seen = Vec::new();
        let mut die = |step: Step| {
            seen.push(step);
            let killed = LedgerError::Moving {
                path: "killed".into(),
            };
            if seen.len() == steps {
                Err(killed)
            } else {
                Ok(())
            }
        };
        let died = compact(dir.path(), ledger.sizes, 40, &mut die).is_err();
        assert_eq!(died, seen.len() == steps, "{seen:?}");
        assert_eq!(facts(&ledger, RESOURCE), wanted, "after {seen:?}");
        // A new run may take the name of a journal that is merged and still lies about.
        deliver(&ledger, "b", 39..41, 4, 50);
        assert_eq!(facts(&ledger, RESOURCE).len(), 41, "after {seen:?}");
        ledger.compact(60).unwrap();
        assert_eq!(facts(&ledger, RESOURCE).len(), 41, "after {seen:?}");
        assert_eq!(facts(&ledger, RESOURCE)[&key(39)].0.as_ref().unwrap().0, 4);
        assert!(generations(dir.path()).len() <= 2);
    }
}

#[test]
fn a_merged_journal_that_still_lies_about_is_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    let text = key(1);
    let mut later = ledger.journal("z", 1).unwrap();
    later
        .append([entry(RESOURCE, &text, delivered(1), 2)])
        .unwrap();
    let mut first = ledger.journal("a", 3).unwrap();
    first
        .append([entry(RESOURCE, &text, super::Event::Deleted, 4)])
        .unwrap();
    first.close().unwrap();
    later.close().unwrap();
    let killed = compact(dir.path(), ledger.sizes, 5, &mut |step| match step {
        Step::Deleted => Err(LedgerError::Moving {
            path: "killed".into(),
        }),
        _ => Ok(()),
    });
    assert!(killed.is_err());
    assert!(dir.path().join("journals/z.journal").exists());
    assert!(
        facts(&ledger, RESOURCE).is_empty(),
        "the delivery is older than the delete"
    );
    assert_eq!(ledger.compact(6).unwrap().journals, 0);
    assert!(facts(&ledger, RESOURCE).is_empty());
}

#[test]
fn a_second_compaction_at_the_same_time_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    deliver(&ledger, "a", 0..4, 1, 10);
    let mut inner = None;
    compact(dir.path(), ledger.sizes, 11, &mut |step| {
        if step == Step::Written {
            inner = Some(ledger.compact(12)?);
        }
        Ok(())
    })
    .unwrap();
    assert!(inner.unwrap().busy);
    assert_eq!(facts(&ledger, RESOURCE).len(), 4);
}

#[test]
fn merging_more_than_a_batch_keeps_every_row() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    deliver(&ledger, "a", 0..20_000, 1, 10);
    ledger.compact(11).unwrap();
    deliver(&ledger, "b", 10_000..30_000, 2, 20);
    for _ in 0..2 {
        let facts = facts(&ledger, RESOURCE);
        assert_eq!(facts.len(), 30_000);
        let new = facts
            .values()
            .filter(|f| f.0.as_ref().is_some_and(|c| c.0 == 2))
            .count();
        assert_eq!(new, 20_000);
        ledger.compact(21).unwrap();
    }
}
