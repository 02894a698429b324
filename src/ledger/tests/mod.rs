//! The ledger as a whole: against a model, torn at any byte, killed at any point, used by several
//! processes.

mod compaction;
mod measure;
mod model;
mod processes;
mod torn;

use std::collections::BTreeMap;
use std::path::Path;

use super::part::Sizes;
use super::{Columns, Entry, Event, Ledger, RowView};
use crate::object::{ContentHash, KeyHash, Reason};

pub(super) const RESOURCE: &str = "students";

/// What the model knows of one key: content and server id, reason of a refusal.
pub(super) type Facts = (Option<(u128, String)>, Option<String>);

/// A ledger that makes many parts and chunks out of few rows.
pub(super) fn small(folder: &Path) -> Ledger {
    let sizes = Sizes {
        part_rows: 4,
        chunk_rows: 8,
    };
    Ledger {
        sizes,
        ..Ledger::open(folder).unwrap()
    }
}

pub(super) fn key(n: u32) -> String {
    format!("studentUniqueId={n}")
}

/// An entry about `key(n)`'s object.
pub(super) fn entry<'a>(resource: &'a str, key: &'a str, event: Event<'a>, at: i64) -> Entry<'a> {
    Entry {
        resource,
        key_hash: KeyHash::of(key),
        key,
        source_table: "Enrollment",
        source_key: "7",
        school_id: Some(11),
        person_id: None,
        course_id: Some(3),
        section_id: None,
        event,
        at,
    }
}

pub(super) fn delivered(content: u128) -> Event<'static> {
    Event::Delivered {
        content_hash: ContentHash(content),
        server_id: "id",
    }
}

pub(super) const TOO_LONG: Event<'static> = Event::Refused {
    reason: &Reason::TOO_LONG,
    status: 400,
};

/// All that a ledger says of one resource, by key text.
pub(super) fn facts(ledger: &Ledger, resource: &str) -> BTreeMap<String, Facts> {
    let mut facts = BTreeMap::new();
    let mut last = None;
    for batch in ledger
        .snapshot(resource)
        .unwrap()
        .rows(Columns::Wide)
        .unwrap()
    {
        let batch = batch.unwrap();
        for row in RowView::new(&batch).unwrap().iter() {
            assert!(
                last < Some(row.key_hash),
                "in the order of key hashes, each once"
            );
            last = Some(row.key_hash);
            assert_eq!(row.key_hash, KeyHash::of(row.key));
            assert_eq!((row.school_id, row.course_id), (Some(11), Some(3)));
            let content = row.content_hash.map(|c| {
                assert!(row.delivered_at.is_some() && row.delivered_run.is_some());
                (c.0, row.server_id.unwrap_or_default().to_owned())
            });
            let reason = row.refusal.map(|(reason, _)| reason.to_owned());
            assert!(
                facts
                    .insert(row.key.to_owned(), (content, reason))
                    .is_none()
            );
        }
    }
    facts
}

#[test]
fn a_refusal_keeps_what_was_delivered_and_a_delivery_ends_the_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let key = key(1);
    let mut journal = ledger.journal("first", 1_000).unwrap();
    journal
        .append([entry(RESOURCE, &key, delivered(5), 1_001)])
        .unwrap();
    journal
        .append([entry(RESOURCE, &key, TOO_LONG, 1_002)])
        .unwrap();
    journal.close().unwrap();

    for compacted in [false, true] {
        if compacted {
            ledger.compact(1_010).unwrap();
        }
        let row = ledger.lookup(RESOURCE, KeyHash::of(&key)).unwrap().unwrap();
        assert_eq!(row.content_hash, Some(ContentHash(5)));
        assert_eq!(
            (row.delivered_at, row.delivered_run.as_deref()),
            (Some(1_001), Some("first"))
        );
        assert_eq!((row.updated_at, row.updated_run.as_str()), (1_002, "first"));
        assert_eq!(row.refusal, Some((Reason::TOO_LONG, 400)));
        assert_eq!(row.server_id.as_deref(), Some("id"));
        assert_eq!(row.scope, [Some(11), None, Some(3), None]);
        let counts = ledger.counts(RESOURCE).unwrap();
        assert_eq!((counts.delivered, counts.refused), (1, 1));
    }

    let mut journal = ledger.journal("second", 1_020).unwrap();
    journal
        .append([entry(RESOURCE, &key, delivered(6), 1_021)])
        .unwrap();
    journal.close().unwrap();
    let row = ledger.lookup(RESOURCE, KeyHash::of(&key)).unwrap().unwrap();
    assert_eq!(
        (row.content_hash, row.refusal),
        (Some(ContentHash(6)), None)
    );
    assert_eq!(row.delivered_run.as_deref(), Some("second"));
}

#[test]
fn a_clock_set_back_does_not_let_old_events_win() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let key = key(1);
    for (run, content, at) in [("a", 1, 9_000_000), ("b", 2, 50), ("c", 3, 20)] {
        let mut journal = ledger.journal(run, at).unwrap();
        journal
            .append([entry(RESOURCE, &key, delivered(content), at)])
            .unwrap();
        journal.close().unwrap();
        let row = ledger.lookup(RESOURCE, KeyHash::of(&key)).unwrap().unwrap();
        assert_eq!(row.content_hash, Some(ContentHash(content)));
        if run == "b" {
            ledger.compact(0).unwrap();
        }
    }
}

#[test]
fn a_resumed_run_gets_a_journal_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let first = ledger.journal("run", 1).unwrap();
    let second = ledger.journal("run", 2).unwrap();
    assert_ne!(first.path(), second.path());
}

#[test]
fn targets_and_years_have_folders_of_their_own() {
    let at = |target, year| Ledger::folder(Path::new("ledger"), target, year);
    assert_eq!(
        at("https://a.example/v7/", 2026),
        at("https://a.example/v7/", 2026)
    );
    assert_ne!(
        at("https://a.example/v7/", 2026),
        at("https://a.example/v7/", 2027)
    );
    assert_ne!(
        at("https://a.example/v7", 2026),
        at("https://a.example/v7/", 2026)
    );
    let folder = at("https://a.example/../..", 2026);
    assert!(
        folder
            .to_string_lossy()
            .starts_with("ledger/https-a-example-"),
        "{folder:?}"
    );
}

#[test]
fn selecting_keys_reads_only_those() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(dir.path());
    let keys: Vec<String> = (0..100).map(key).collect();
    let mut journal = ledger.journal("a", 0).unwrap();
    journal
        .append(
            keys.iter()
                .take(70)
                .map(|k| entry(RESOURCE, k, delivered(1), 1)),
        )
        .unwrap();
    journal.close().unwrap();
    ledger.compact(2).unwrap();
    let mut journal = ledger.journal("b", 3).unwrap();
    journal
        .append(
            keys.iter()
                .skip(60)
                .map(|k| entry(RESOURCE, k, delivered(2), 4)),
        )
        .unwrap();
    journal.flush().unwrap();

    let wanted: Vec<&String> = keys.iter().step_by(7).collect();
    let mut hashes: Vec<KeyHash> = wanted.iter().map(|k| KeyHash::of(k)).collect();
    hashes.push(KeyHash(3));
    let mut found = Vec::new();
    for batch in ledger.snapshot(RESOURCE).unwrap().select(&hashes).unwrap() {
        let batch = batch.unwrap();
        found.extend(
            RowView::new(&batch)
                .unwrap()
                .iter()
                .map(|r| r.key.to_owned()),
        );
    }
    found.sort();
    let mut wanted: Vec<String> = wanted.into_iter().cloned().collect();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[cfg(unix)]
#[test]
fn everything_is_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    fn check(folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{path:?}");
            if path.is_dir() {
                check(&path);
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let ledger = small(&dir.path().join("ledger"));
    for run in ["a", "b"] {
        let mut journal = ledger.journal(run, 0).unwrap();
        journal
            .append([entry(RESOURCE, "k", delivered(1), 1)])
            .unwrap();
        journal.close().unwrap();
        if run == "a" {
            ledger.compact(2).unwrap();
        }
    }
    check(dir.path());
}
