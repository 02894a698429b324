use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::object::{DeleteOutcome, Outcome, Reason};

const RESOURCES: [&str; 3] = [
    "schools",
    "students",
    "staffEducationOrganizationAssociations",
];
const REASONS: [Reason; 3] = [
    Reason::UNMAPPED_CODE,
    Reason::MISSING_REQUIRED,
    Reason::fixed("no_edfi_id"),
];

/// One object's fate, as the other rooms would tell it.
#[derive(Clone, Debug)]
struct Event {
    resource: usize,
    outcome: Outcome,
    reason: usize,
    new: bool,
    key: u8,
    millis: u64,
}

fn event() -> impl Strategy<Value = Event> {
    let fields = (
        0..3usize,
        0..9usize,
        0..3usize,
        any::<bool>(),
        any::<u8>(),
        0..500u64,
    );
    fields.prop_map(|(resource, outcome, reason, new, key, millis)| Event {
        resource,
        outcome: Outcome::ALL[outcome],
        reason,
        new,
        key,
        millis,
    })
}

fn tally_of(events: &[Event]) -> Tally {
    let mut tally = Tally::default();
    for e in events {
        let resource = tally.resource(RESOURCES[e.resource]);
        resource.transformed += 1;
        resource
            .traffic
            .latency
            .record(Duration::from_millis(e.millis));
        let key = format!("id={}", e.key);
        let example = ExampleRef {
            key: &key,
            message: "m",
            ..ExampleRef::default()
        };
        let age = if e.new { Age::New } else { Age::Standing };
        match e.outcome {
            Outcome::Collapsed | Outcome::Unchanged | Outcome::Created | Outcome::Updated => {
                resource.count(e.outcome, 1);
            }
            outcome => resource.record(outcome, &REASONS[e.reason], age, example),
        }
    }
    tally
}

fn merged(mut a: Tally, b: Tally) -> Tally {
    a.merge(b);
    a
}

proptest! {
    #[test]
    fn merging_is_associative_and_commutative(
        a in proptest::collection::vec(event(), 0..40),
        b in proptest::collection::vec(event(), 0..40),
        c in proptest::collection::vec(event(), 0..40),
    ) {
        let (x, y, z) = (tally_of(&a), tally_of(&b), tally_of(&c));
        let left = merged(merged(x.clone(), y.clone()), z.clone());
        prop_assert_eq!(&left, &merged(x.clone(), merged(y.clone(), z.clone())));
        prop_assert_eq!(&merged(x.clone(), y.clone()), &merged(y, x));
        // And in one go: how the run is cut into parts leaves no trace.
        prop_assert_eq!(left, tally_of(&[a, b, c].concat()));
    }

    #[test]
    fn identities_hold_for_any_stream(events in proptest::collection::vec(event(), 0..120)) {
        let tally = tally_of(&events);
        prop_assert_eq!(tally.check(), Ok(()));
        let c = tally.counts();
        let sum = c.collapsed + c.unchanged + c.rejected + c.skipped + c.blocked + c.pending + c.sent;
        prop_assert_eq!(c.transformed, sum);
        prop_assert_eq!(c.sent, c.created + c.updated + c.failed);
        prop_assert_eq!(c.processed, c.unchanged + c.errors + c.created + c.updated);
        let new = events.iter().filter(|e| e.new && e.outcome.is_error()).count();
        prop_assert_eq!(c.new_errors, new as u64);
        prop_assert_eq!(c.standing_errors(), c.errors - new as u64);
    }

    #[test]
    fn a_lost_or_doubled_object_is_noticed(
        events in proptest::collection::vec(event(), 1..40),
        lost in any::<bool>(),
    ) {
        let mut tally = tally_of(&events);
        let resource = tally.resource(RESOURCES[events[0].resource]);
        resource.transformed = if lost { resource.transformed + 1 } else { resource.transformed - 1 };
        prop_assert!(tally.check().is_err());
    }
}

#[test]
fn every_identity_is_checked() {
    let mut tally = Tally::default();
    tally.table("Enrollment").read = 10;
    tally.table("Enrollment").staged = 8;
    tally
        .table("Enrollment")
        .unreadable
        .insert("bad_date".to_owned(), 1);
    let students = tally.resource("students");
    students.transformed = 3;
    students.deletes_due = 2;
    students.count_deletes(DeleteOutcome::Deleted, 1);
    // An error counted without its reason.
    students.count(Outcome::Failed, 1);
    let mismatch = tally.check().unwrap_err();
    insta::assert_snapshot!("mismatch", mismatch.to_string().replace("; ", "\n"));
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn head() -> RunHead {
    RunHead {
        run: "2026-11-22T051022Z-7f3a".to_owned(),
        command: "run".to_owned(),
        configuration: "edfi".to_owned(),
        target: TargetReport {
            kind: "edfi".to_owned(),
            name: "embedded sandbox".to_owned(),
            fingerprint: Some("0123abcd".to_owned()),
            school_year: Some(2026),
        },
        sandbox: true,
        dry_run: false,
        started: time("2026-11-22T05:10:22Z"),
        ended: time("2026-11-22T05:11:25.250Z"),
        state: RunState::Finished,
        fail_on: FailOn::Share(0.05),
        scope: None,
        unmatched: Vec::new(),
        order: vec!["schools".to_owned(), "students".to_owned()],
        paths: BTreeMap::from([("report".to_owned(), "runs/latest/report.txt".into())]),
        probe: None,
        zone: None,
        notes: Vec::new(),
    }
}

fn sample() -> Tally {
    let mut tally = Tally::default();
    tally.table("Student").read = 1_234;
    tally.table("Student").staged = 1_230;
    let unreadable = &mut tally.table("Student").unreadable;
    unreadable.extend([("bad_date".to_owned(), 3), ("duplicate_key".to_owned(), 1)]);
    let schools = tally.resource("schools");
    schools.transformed = 3;
    schools.count(Outcome::Created, 3);
    let students = tally.resource("students");
    students.transformed = 1_230;
    students.count(Outcome::Created, 1_200);
    students.count(Outcome::Unchanged, 20);
    for i in 0..7 {
        let key = format!("studentUniqueId={i}");
        let example = ExampleRef {
            key: &key,
            source_table: "Student",
            source_key: "7",
            message: "raceDescriptor: race=XX",
            ..ExampleRef::default()
        };
        let age = if i < 2 { Age::Standing } else { Age::New };
        students.record(Outcome::Rejected, &Reason::UNMAPPED_CODE, age, example);
    }
    let refused = ExampleRef {
        key: "studentUniqueId=99",
        source_table: "Student",
        source_key: "99",
        status: 409,
        message: "Jane Doe\n\u{1b}[31mis in the way",
        root: Some(("schools", "schoolId=1")),
    };
    students.record(
        Outcome::Failed,
        &Reason::fixed("conflict"),
        Age::New,
        refused,
    );
    students.record(
        Outcome::Skipped,
        &Reason::fixed("no_edfi_id"),
        Age::New,
        refused,
    );
    students.record(
        Outcome::Skipped,
        &Reason::fixed("no_edfi_id"),
        Age::New,
        refused,
    );
    students.record_cleared(&Reason::MISSING_REQUIRED, refused);
    students.deletes_due = 2;
    students.count_deletes(DeleteOutcome::Deleted, 1);
    students.record_delete(
        DeleteOutcome::Refused,
        &Reason::fixed("shared_person"),
        refused,
    );
    students.traffic.requests = 1_210;
    students.traffic.retries = 9;
    students.traffic.bytes_sent = 123_456;
    students.traffic.latency.record(Duration::from_millis(12));
    tally
}

#[test]
fn the_text_tells_the_whole_story() {
    let tally = sample();
    assert_eq!(tally.check(), Ok(()));
    let (report, errors) = (
        RunReport::new(head(), &tally),
        ErrorsReport::new(&head(), &tally),
    );
    let mail = text(&report, &errors, TextOptions::default());
    insta::assert_snapshot!("text", mail);
    assert!(!mail.contains("Jane"));
    let own = text(
        &report,
        &errors,
        TextOptions {
            width: Some(80),
            examples: true,
        },
    );
    assert!(own.contains("Jane Doe  [31mis in the way"));
    insta::assert_snapshot!("text_narrow", own);
    let table: Vec<&str> = own
        .lines()
        .skip_while(|l| !l.starts_with("Resource"))
        .take_while(|l| !l.is_empty())
        .collect();
    assert!(table.iter().all(|line| line.len() <= 80), "{table:#?}");
}

#[test]
fn a_dry_run_with_mismatches_says_so() {
    let mut tally = sample();
    tally.resource("students").transformed += 1;
    let head = RunHead {
        dry_run: true,
        sandbox: false,
        ..head()
    };
    let report = RunReport::new(head.clone(), &tally);
    assert_eq!(report.exit_code, 1);
    let text = text(
        &report,
        &ErrorsReport::new(&head, &tally),
        TextOptions::default(),
    );
    assert!(text.contains("dry run: nothing is sent"));
    assert!(text.contains("students: 1231 objects transformed, 1230 have an outcome"));
    assert!(!text.contains("SANDBOX"));
}

#[test]
fn exit_codes() {
    let code = |tally: &Tally, fail_on, state| {
        RunReport::new(
            RunHead {
                fail_on,
                state,
                ..head()
            },
            tally,
        )
        .exit_code
    };
    use RunState::{Finished, Interrupted};
    let mut tally = sample();
    assert_eq!(code(&tally, FailOn::Any, Finished), 1);
    assert_eq!(code(&tally, FailOn::New, Finished), 1);
    assert_eq!(code(&tally, FailOn::Count(8), Finished), 0);
    assert_eq!(code(&tally, FailOn::Count(7), Finished), 1);
    assert_eq!(code(&tally, FailOn::Share(0.05), Finished), 0);
    assert_eq!(code(&tally, FailOn::Share(0.05), Interrupted), 3);
    assert_eq!(code(&Tally::default(), FailOn::Any, Finished), 0);
    let students = tally.resource("students");
    students.transformed += 1;
    let parked = Reason::fixed("stopped_early");
    students.record(Outcome::Pending, &parked, Age::New, ExampleRef::default());
    assert_eq!(code(&tally, FailOn::Any, Finished), 3);
    let dry = RunHead {
        dry_run: true,
        ..head()
    };
    let report = RunReport::new(dry.clone(), &tally);
    assert_eq!(report.exit_code, 0);
    let text = text(
        &report,
        &ErrorsReport::new(&dry, &tally),
        TextOptions::default(),
    );
    assert!(
        text.contains("exit 0: dry run, 1 would be sent, 8 errors"),
        "{text}"
    );
}

#[test]
fn examples_are_the_first_by_key_and_few() {
    let tally = sample();
    let (_, group) = tally.resources["students"]
        .groups(Outcome::Rejected)
        .next()
        .unwrap();
    let keys: Vec<&str> = group.examples.iter().map(|e| e.key.as_str()).collect();
    assert_eq!(
        keys,
        [0, 1, 2, 3, 4].map(|i| format!("studentUniqueId={i}"))
    );
    assert_eq!((group.count, group.new), (7, 5));
}

/// Every violation of a published schema, one a line.
fn violations(schema: &str, value: &serde_json::Value) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

const TALLIES: &str = include_str!("../../docs/schemas/tallies.schema.json");
const ERRORS: &str = include_str!("../../docs/schemas/errors.schema.json");

#[test]
fn what_is_written_meets_the_published_schemas_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let zone = Some(zone::tests::sample());
    let (tally, head) = (sample(), RunHead { zone, ..head() });
    let (report, errors) = (
        RunReport::new(head.clone(), &tally),
        ErrorsReport::new(&head, &tally),
    );
    write(dir.path(), &report, &errors).unwrap();
    for (name, schema) in [("tallies.json", TALLIES), ("errors.json", ERRORS)] {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(violations(schema, &value), Vec::<String>::new(), "{name}");
        // A schema that lets everything through proves nothing.
        value["surprise"] = 1.into();
        assert_eq!(violations(schema, &value).len(), 1, "{name}");
        value.as_object_mut().unwrap().remove("surprise");
        value.as_object_mut().unwrap().remove("run");
        assert_eq!(violations(schema, &value).len(), 1, "{name}");
    }
    assert_eq!(read(dir.path()).unwrap(), (report, errors));
    let text = std::fs::read_to_string(dir.path().join("report.txt")).unwrap();
    assert!(
        text.starts_with("SANDBOX") && text.trim_end().ends_with("(SANDBOX)"),
        "{text}"
    );
}

#[test]
fn a_missing_report_is_named() {
    let error = read(std::path::Path::new("no/such/run")).unwrap_err();
    assert!(
        error.to_string().starts_with("no/such/run/tallies.json: "),
        "{error}"
    );
}
