//! Decisions one by one; random ones are in `random`.

mod few;
mod random;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::super::tests::{RESOURCE, delivered, entry, small};
use super::super::{Event, Ledger, LedgerError};
use super::objects::Objects;
use super::{Disposition, Due, DueOptions, Select, StatusRange, decide_in_passes, due};
use crate::object::{KeyHash, Outcome, Reason};

const SKIP: Reason = Reason::fixed("no_edfi_id");

/// One row of an objects file: key, content, what holds it back.
#[derive(Clone, Debug, PartialEq)]
struct Object {
    key: String,
    content: u128,
    held: Option<(&'static str, Reason)>,
}

fn row(key: &str, content: u128) -> Object {
    Object {
        key: key.to_owned(),
        content,
        held: None,
    }
}

fn held(key: &str, content: u128, held: &'static str, reason: Reason) -> Object {
    Object {
        held: Some((held, reason)),
        ..row(key, content)
    }
}

fn write(path: &Path, objects: &[Object]) {
    let mut keys = FixedSizeBinaryBuilder::new(16);
    let mut contents = FixedSizeBinaryBuilder::new(16);
    for object in objects {
        keys.append_value(KeyHash::of(&object.key).to_bytes())
            .unwrap();
        contents.append_value(object.content.to_be_bytes()).unwrap();
    }
    let text = |f: &dyn Fn(&Object) -> Option<String>| -> ArrayRef {
        Arc::new(objects.iter().map(f).collect::<StringArray>())
    };
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", text(&|o| Some(o.key.clone())), true),
        ("_key", text(&|o| Some(o.key.clone())), false),
        ("_key_hash", Arc::new(keys.finish()) as ArrayRef, false),
        (
            "_content_hash",
            Arc::new(contents.finish()) as ArrayRef,
            false,
        ),
        (
            "_held",
            text(&|o| o.held.as_ref().map(|h| h.0.to_owned())),
            true,
        ),
        (
            "_reason",
            text(&|o| o.held.as_ref().map(|h| h.1.as_str().to_owned())),
            true,
        ),
    ])
    .unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

struct Given {
    dir: tempfile::TempDir,
    ledger: Ledger,
}

impl Given {
    /// A ledger that has been told these events.
    fn events(events: &[(&str, Event<'_>)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = small(&dir.path().join("ledger"));
        let mut journal = ledger.journal("run", 0).unwrap();
        journal
            .append(
                events
                    .iter()
                    .zip(1..)
                    .map(|((k, e), at)| entry(RESOURCE, k, *e, at)),
            )
            .unwrap();
        journal.close().unwrap();
        Self { dir, ledger }
    }

    fn due(&self, objects: &[Object], options: DueOptions<'_>) -> Due {
        let path = self.dir.path().join("objects.parquet");
        write(&path, objects);
        let snapshot = self.ledger.snapshot(RESOURCE).unwrap();
        let decided = due(&path, Some(&snapshot), options).unwrap();
        let in_passes = Objects::open_by(&path, 3).unwrap();
        assert_eq!(
            decide_in_passes(in_passes, Some(&snapshot), options).unwrap(),
            decided
        );
        decided
    }
}

fn refused(reason: &Reason, status: u16) -> Event<'_> {
    Event::Refused { reason, status }
}

fn dispositions(due: &Due) -> Vec<Disposition> {
    due.rows.iter().map(|d| d.disposition()).collect()
}

use Disposition::{
    Collapsed, NotSelected, Rejected, RejectedDuplicate, Send, SendAgain, SendChanged, Skipped,
    Unchanged,
};

#[test]
fn the_ledger_decides_what_is_sent() {
    let given = Given::events(&[
        ("same", delivered(1)),
        ("changed", delivered(1)),
        ("deleted", delivered(1)),
        ("deleted", Event::Deleted),
        ("failed", refused(&Reason::TOO_LONG, 400)),
        ("reverted", delivered(1)),
        ("reverted", refused(&Reason::TOO_LONG, 400)),
        ("unclear", delivered(1)),
        ("unclear", refused(&Reason::fixed("server_error"), 503)),
    ]);
    let keys = [
        "new", "same", "changed", "deleted", "failed", "reverted", "unclear",
    ];
    let mut objects: Vec<Object> = keys.iter().map(|k| row(k, 1)).collect();
    objects[2].content = 2;
    let found = given.due(&objects, DueOptions::default());
    assert_eq!(
        dispositions(&found),
        [
            Send,
            Unchanged,
            SendChanged,
            Send,
            Send,
            Unchanged,
            SendAgain
        ]
    );
    let delivered: Vec<bool> = found.rows.iter().map(|d| d.delivered_before()).collect();
    assert_eq!(delivered, [false, true, true, false, false, true, true]);
    let refused: Vec<bool> = found.rows.iter().map(|d| d.refused_before()).collect();
    assert_eq!(refused, [false, false, false, false, true, true, true]);
    assert_eq!(found.cleared, [KeyHash::of("reverted")]);
    assert_eq!((found.counts.send(), found.counts.total()), (5, 7));
    assert!(found.gone.is_empty() && found.withheld.is_empty());

    let again = given.due(
        &objects,
        DueOptions {
            resend: true,
            ..DueOptions::default()
        },
    );
    assert_eq!(dispositions(&again)[1], SendAgain);
}

#[test]
fn a_selection_sends_only_what_it_names() {
    let given = Given::events(&[
        ("same", delivered(1)),
        ("changed", delivered(1)),
        ("refused", refused(&Reason::TOO_LONG, 400)),
        ("server", refused(&Reason::fixed("server_error"), 503)),
        ("mended", delivered(1)),
        ("mended", refused(&Reason::TOO_LONG, 409)),
    ]);
    let objects = [
        row("new", 1),
        row("same", 1),
        row("changed", 2),
        row("refused", 1),
        row("server", 1),
        row("mended", 2),
        held("held", 1, "rejected", Reason::TOO_LONG),
    ];
    let with = |select: &Select| {
        let options = DueOptions {
            select: Some(select),
            ..DueOptions::default()
        };
        dispositions(&given.due(&objects, options))
    };
    let failed = Select {
        refused: true,
        ..Select::default()
    };
    let rest = [NotSelected, Unchanged, NotSelected];
    assert_eq!(with(&failed)[..3], rest);
    assert_eq!(with(&failed)[3..], [Send, Send, SendChanged, Rejected]);
    let conflict = Select {
        status: vec![StatusRange::parse("409").unwrap()],
        ..Select::default()
    };
    let others = [NotSelected, NotSelected, SendChanged, Rejected];
    assert_eq!(with(&conflict)[3..], others);
    // Deliveries of the ledger above are of the times 1, 2 and 5.
    let old = Select {
        older_than: Some(2),
        ..Select::default()
    };
    assert_eq!(with(&old)[..4], [Send, SendAgain, NotSelected, Send]);
    assert_eq!(with(&old)[5], NotSelected);
    let named = Select {
        keys: Some(vec![KeyHash::of("server")]),
        ..Select::default()
    };
    assert_eq!(with(&named)[3..6], [NotSelected, Send, NotSelected]);
    // A resend is of what is selected.
    let options = DueOptions {
        resend: true,
        select: Some(&failed),
        ..DueOptions::default()
    };
    let again = given.due(&objects, options);
    assert_eq!(dispositions(&again)[..3], rest);
    assert_eq!(again.counts.of(NotSelected), 2);
}

#[test]
fn without_a_ledger_everything_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.parquet");
    write(&path, &[row("a", 1), row("b", 2)]);
    assert_eq!(
        dispositions(&due(&path, None, DueOptions::default()).unwrap()),
        [Send, Send]
    );
    write(&path, &[]);
    assert!(
        due(&path, None, DueOptions::default())
            .unwrap()
            .rows
            .is_empty()
    );
}

#[test]
fn equal_rows_collapse_into_the_first_and_different_ones_are_all_rejected() {
    let given = Given::events(&[("known", delivered(1))]);
    let found = given.due(
        &[
            row("equal", 1),
            row("different", 1),
            row("known", 1),
            row("equal", 1),
            row("different", 2),
            row("known", 2),
            row("different", 1),
            held("equal", 1, "skipped", SKIP),
            held("!Enrollment:7", 1, "rejected", Reason::MISSING_REQUIRED),
            held("!Enrollment:7", 1, "rejected", Reason::MISSING_REQUIRED),
            held("!Enrollment:7", 1, "rejected", Reason::TOO_LONG),
        ],
        DueOptions::default(),
    );
    let wanted = [
        Send,
        RejectedDuplicate,
        RejectedDuplicate,
        Collapsed,
        RejectedDuplicate,
        RejectedDuplicate,
        Collapsed,
        Skipped,
        Rejected,
        Collapsed,
        Rejected,
    ];
    assert_eq!(dispositions(&found), wanted);
    let mut groups: Vec<Vec<u32>> = found.duplicates.iter().map(<[u32]>::to_vec).collect();
    groups.sort();
    assert_eq!(groups, [vec![1, 4], vec![2, 5]]);
    assert_eq!(found.withheld.len(), 2);
    let why = found.withheld.get(KeyHash::of("different"));
    assert_eq!(why, Some((Outcome::Rejected, &Reason::DUPLICATE_KEY)));
    let why = found.withheld.get(KeyHash::of("!Enrollment:7"));
    assert_eq!(why, Some((Outcome::Rejected, &Reason::MISSING_REQUIRED)));
    assert_eq!(
        found.withheld.get(KeyHash::of("known")),
        None,
        "delivered earlier"
    );
    assert_eq!(
        found.withheld.get(KeyHash::of("equal")),
        None,
        "another row of it is sent"
    );
}

#[test]
fn standing_new_and_cleared_refusals_are_told_apart() {
    let given = Given::events(&[
        ("same", refused(&Reason::TOO_LONG, 0)),
        ("other", refused(&Reason::TOO_LONG, 0)),
        ("skip", refused(&Reason::TOO_LONG, 0)),
        ("twice", refused(&Reason::DUPLICATE_KEY, 0)),
        ("gone", refused(&Reason::TOO_LONG, 400)),
        ("left", delivered(1)),
        ("left", refused(&Reason::TOO_LONG, 400)),
        ("over", delivered(1)),
    ]);
    let objects = [
        held("same", 1, "rejected", Reason::TOO_LONG),
        held("other", 1, "rejected", Reason::MISSING_REQUIRED),
        held("skip", 1, "skipped", SKIP),
        row("twice", 1),
        row("twice", 2),
        held("fresh", 1, "rejected", Reason::TOO_LONG),
    ];
    let found = given.due(&objects, DueOptions::default());
    let bits: Vec<(bool, bool)> = found
        .rows
        .iter()
        .map(|d| (d.refused_before(), d.same_reason()))
        .collect();
    let (standing, other, new) = ((true, true), (true, false), (false, false));
    assert_eq!(bits, [standing, other, other, standing, standing, new]);
    let sorted = |keys: &[&str]| {
        let mut keys: Vec<KeyHash> = keys.iter().map(|k| KeyHash::of(k)).collect();
        keys.sort();
        keys
    };
    assert_eq!(found.cleared, sorted(&["skip", "gone", "left"]));
    assert_eq!(found.gone, sorted(&["left", "over"]));
    let why = found.withheld.get(KeyHash::of("skip"));
    assert_eq!(why, Some((Outcome::Skipped, &SKIP)));

    let filtered = given.due(
        &objects,
        DueOptions {
            complete: false,
            ..DueOptions::default()
        },
    );
    assert_eq!(filtered.cleared, sorted(&["skip"]));
    assert!(filtered.gone.is_empty());
}

#[test]
fn what_the_contract_forbids_is_named_with_its_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.parquet");
    write(
        &path,
        &[row("a", 1), held("b", 1, "lost", Reason::TOO_LONG)],
    );
    let found = due(&path, None, DueOptions::default());
    let wanted = "row 1: `_held` may not be `lost`";
    assert!(found.unwrap_err().to_string().contains(wanted));

    let ledger = Ledger::open(&dir.path().join("l")).unwrap();
    let mut journal = ledger.journal("r", 0).unwrap();
    journal
        .append([entry(RESOURCE, "a", delivered(1), 1)])
        .unwrap();
    journal.close().unwrap();
    ledger.compact(2).unwrap();
    let part = dir
        .path()
        .join("l/resources/students/gen-1/part-00.parquet");
    let found = due(&part, None, DueOptions::default());
    assert!(
        matches!(
            found,
            Err(LedgerError::Column {
                column: "_key_hash",
                ..
            })
        ),
        "{found:?}"
    );
}
