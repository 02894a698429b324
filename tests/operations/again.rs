//! Item 4 (resync and delta) and the seeds' E1, E2, E3: what is sent once more, and what is not.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{District, Target};

/// A target that is not asked.
const NOBODY: &str = "http://127.0.0.1:1";

/// The keys that the newest run sent of a resource, and what became of each.
fn sent(district: &District, resource: &str) -> BTreeSet<(String, String)> {
    let path = district
        .latest()
        .join(format!("results/{resource}.parquet"));
    let answers = fullsync::load::Answers::open(&path).expect("a results file");
    let mut sent = BTreeSet::new();
    answers
        .read(fullsync::load::Width::Wide, None, |answer| {
            if answer.attempts > 0 {
                sent.insert((answer.key.to_owned(), answer.outcome.to_owned()));
            }
            Ok::<(), fullsync::load::ObjectsError>(())
        })
        .expect("it can be read");
    sent
}

fn outcomes(of: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    of.iter()
        .map(|(id, outcome)| (format!("studentUniqueId={id}"), (*outcome).to_owned()))
        .collect()
}

fn row(i: u32, name: &str) -> String {
    let name = if name == "First" {
        format!("First{i}")
    } else {
        name.to_owned()
    };
    format!("{i},U{i:06},{name},Last{i},2010-01-02,255901001,2025-08-18,9")
}

/// Six students; U000002 gets a 400, U000003 a 409, U000004 a 503 for good.
fn refused() -> (District, Target) {
    let district = District::new(6);
    // One at a time, so that the faults hit the same students each time.
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let target = Target::new(&[
        "400:resource=students,method=POST,after=1,limit=1,always",
        "409:resource=students,method=POST,after=1,limit=1,always",
        "503:resource=students,method=POST,after=1,limit=1,always",
    ]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    assert_eq!(district.count("students", "created"), 3);
    assert_eq!(district.count("students", "failed"), 3);
    (district, target)
}

#[test]
fn item_4_a_run_sends_what_is_due_and_resend_all_everything() {
    let district = District::new(5);
    let target = Target::new(&[]);
    let run = |args: &[&str]| {
        let all = [&["run", "mini"], args].concat();
        district.fullsync(&target.url(), &all).expect(0)
    };
    run(&[]);
    run(&[]);
    assert!(sent(&district, "students").is_empty());
    run(&["--resend-all"]);
    assert_eq!(district.count("students", "updated"), 5);
    assert_eq!(district.count("students", "unchanged"), 0);
    // The ledger is renewed: every acknowledgement is of this run.
    let renewed = district.latest().canonicalize().expect("a run");
    let renewed = renewed.file_name().expect("a name").to_string_lossy();
    run(&[]);
    let text = run_explain(&district, &target, "U000004");
    assert!(text.contains(&format!("in run {renewed}")), "{text}");
}

fn run_explain(district: &District, target: &Target, key: &str) -> String {
    let args = ["explain", "mini", "students", key];
    district.fullsync(&target.url(), &args).expect(0).stdout
}

#[test]
fn item_4_resend_all_looks_up_again_what_the_target_owns() {
    let district = District::new(2);
    let pipeline = district.path("pipelines/mini.toml");
    let text = std::fs::read_to_string(&pipeline).expect("the pipeline");
    let text = text.replace(
        "sql = \"schools.sql\"",
        "sql = \"schools.sql\"\nmode = \"verify\"",
    );
    std::fs::write(&pipeline, text).expect("written");
    let target = Target::new(&[]);
    let run = |args: &[&str], code| {
        let all = [&["run", "mini"], args].concat();
        district.fullsync(&target.url(), &all).expect(code)
    };
    // The school is the target's own, and not there.
    run(&["schools", "--allow-partial"], 1);
    assert_eq!(district.count("schools", "failed"), 1);
    for flag in ["--resend-all", "--only-failed"] {
        let args = &["schools", "--allow-partial", flag];
        run(args, 1);
        assert_eq!(sent(&district, "schools").len(), 1, "{args:?}");
        assert_eq!(target.count("schools"), 0, "{args:?}");
    }
}

#[test]
fn item_4_only_failed_sends_what_has_a_standing_refusal() {
    let (district, target) = refused();
    target.faults(&[]);
    // One is new, one has changed: both are due, and neither has failed.
    let rows = (1..=7).map(|i| row(i, if i == 1 { "Changed" } else { "First" }));
    district.students(rows);
    let args = ["run", "mini", "students", "--only-failed"];
    let ran = district.fullsync(&target.url(), &args).expect(0);
    let failed = ["U000002", "U000003", "U000004"];
    let wanted = failed.map(|id| (id, "created"));
    assert_eq!(sent(&district, "students"), outcomes(&wanted));
    assert_eq!(district.count("students", "pending"), 2, "{}", ran.stdout);
    assert!(ran.stdout.contains("not_selected"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("2 not selected and still due"),
        "{}",
        ran.stdout
    );
    // What was left out is sent by the next plain run, and only that.
    district
        .fullsync(&target.url(), &["run", "mini", "students"])
        .expect(0);
    assert_eq!(district.count("students", "unchanged"), 5);
    assert_eq!(sent(&district, "students").len(), 2);
}

#[test]
fn item_4_only_failed_of_a_run_goes_by_its_results() {
    let (district, target) = refused();
    let first = district.latest().canonicalize().expect("a run");
    let first = first
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    target.faults(&["400:method=POST,resource=students,limit=1,always"]);
    let run = |args: &[&str], code| {
        let all = [&["run", "mini", "students"], args].concat();
        district.fullsync(&target.url(), &all).expect(code)
    };
    run(&["--only-failed", &first], 1);
    let wanted = [
        ("U000002", "failed"),
        ("U000003", "created"),
        ("U000004", "created"),
    ];
    assert_eq!(sent(&district, "students"), outcomes(&wanted));
    run(&["--only-failed", "latest"], 1);
    assert_eq!(sent(&district, "students"), outcomes(&wanted[..1]));
    // Of the first run two have been delivered since.
    target.faults(&[]);
    run(&["--only-failed", &first], 0);
    assert_eq!(
        sent(&district, "students"),
        outcomes(&[("U000002", "created")])
    );

    district
        .fullsync(&target.url(), &["plan", "mini", "students"])
        .expect(0);
    let planned = run(&["--only-failed", "latest"], 2);
    assert!(
        planned.stderr.contains("has sent nothing"),
        "{}",
        planned.stderr
    );
    let args = ["run", "mini", "--only-failed", "students"];
    let wrong = district.fullsync(&target.url(), &args).expect(2);
    assert!(wrong.stderr.contains("this is no run"), "{}", wrong.stderr);
}

#[test]
fn item_4_status_codes_choose_among_the_refused() {
    let (district, target) = refused();
    let run = |codes: &str, code| {
        let args = ["run", "mini", "students", "--status-code", codes];
        district.fullsync(&target.url(), &args).expect(code);
        sent(&district, "students")
    };
    assert_eq!(run("409", 1), outcomes(&[("U000003", "failed")]));
    target.faults(&[]);
    assert_eq!(run("404,410-499", 0), outcomes(&[]));
    assert_eq!(
        run("409, 5xx", 0),
        outcomes(&[("U000003", "created"), ("U000004", "created")])
    );
    assert_eq!(run("4xx", 0), outcomes(&[("U000002", "created")]));
    let bad = ["run", "mini", "--status-code", "9xx"];
    let ran = district.fullsync(&target.url(), &bad).expect(2);
    assert!(ran.stderr.contains("no HTTP status"), "{}", ran.stderr);
}

#[test]
fn item_4_older_than_sends_again_what_was_acknowledged_long_ago() {
    let district = District::new(3);
    let target = Target::new(&[]);
    let run = |args: &[&str]| {
        let all = [&["run", "mini"], args].concat();
        district.fullsync(&target.url(), &all).expect(0)
    };
    run(&[]);
    // Acknowledged a moment ago: not older than an hour.
    run(&["--older-than", "1h"]);
    assert_eq!(district.count("students", "unchanged"), 3);
    // But older than tomorrow.
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let tomorrow = tomorrow.format("%Y-%m-%d").to_string();
    district.students((2..=4).map(|i| row(i, if i == 2 { "Changed" } else { "First" })));
    run(&["--older-than", "1h"]);
    // A new one is older than any age; a changed one that was acknowledged lately waits.
    assert_eq!(
        sent(&district, "students"),
        outcomes(&[("U000004", "created")])
    );
    assert_eq!(district.count("students", "pending"), 1);
    run(&["--older-than", &tomorrow]);
    assert_eq!(district.count("students", "updated"), 3);
    // Together: what failed, among the old ones; nothing has.
    run(&["--older-than", &tomorrow, "--only-failed"]);
    assert_eq!(district.count("students", "unchanged"), 3);
}

#[test]
fn item_4_a_child_whose_parent_is_not_selected_says_so() {
    let district = District::new(0);
    district.students(std::iter::once(row(1, "First").replace(",9", ",8")));
    let target = Target::new(&[]);
    // The grade has no mapping: the enrollment is rejected, and so is the student's never sent.
    district
        .fullsync(
            &target.url(),
            &[
                "run",
                "mini",
                "studentSchoolAssociations",
                "--allow-partial",
            ],
        )
        .expect(1);
    assert_eq!(district.count("studentSchoolAssociations", "rejected"), 1);
    district.students(std::iter::once(row(1, "First")));
    let args = ["run", "mini", "--only-failed", "--allow-partial"];
    let ran = district.fullsync(&target.url(), &args).expect(3);
    assert!(ran.stdout.contains("parent_not_selected"), "{}", ran.stdout);
    assert_eq!(district.count("students", "pending"), 1);
    assert_eq!(district.count("studentSchoolAssociations", "pending"), 1);
    // A plan says the same before it happens.
    let plan = ["plan", "mini", "--only-failed"];
    let plan = district.fullsync(&target.url(), &plan).expect(0);
    assert!(
        plan.stdout.contains("parent_not_selected"),
        "{}",
        plan.stdout
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), 1);
}

#[test]
fn item_4_there_is_no_force() {
    let district = District::new(0);
    for verb in ["run", "load", "plan", "truncate"] {
        let ran = district
            .fullsync(NOBODY, &[verb, "mini", "--force"])
            .expect(2);
        assert!(ran.stderr.contains("unexpected argument"), "{}", ran.stderr);
    }
}

#[test]
fn e01_a_run_on_demand_is_one_command_and_its_exit_code_tells() {
    let district = District::new(3);
    let target = Target::new(&[]);
    let run = |args: &[&str]| {
        let all = [&["run", "mini"], args].concat();
        district.fullsync(&target.url(), &all).code
    };
    assert_eq!(run(&[]), Some(0));
    assert_eq!(target.count("students"), 3);
    // What the SIS says now is what is sent now.
    district.students((1..=4).map(|i| row(i, "Changed")));
    assert_eq!(run(&["students"]), Some(0));
    assert!(
        target
            .bodies("students")
            .iter()
            .all(|b| b["firstName"] == "Changed")
    );
    assert_eq!(target.count("students"), 4);
    target.faults(&["400:resource=students,method=POST,always"]);
    assert_eq!(run(&["students", "--resend-all"]), Some(1));
    assert_eq!(run(&["noSuchResource"]), Some(2));
    assert_eq!(run(&["--no-such-flag"]), Some(2));
}

#[test]
fn e02_a_run_lives_beside_another_writer() {
    let district = District::new(4);
    let target = Target::new(&[]);
    let other = District::new(0);
    let sends = |who: &District, args: &[&str]| {
        let all = [&["run", "mini"], args].concat();
        who.fullsync(&target.url(), &all).expect(0);
    };
    // The event stream has made two of the objects before, one of them in another form.
    other.students([row(1, "First1"), row(2, "Other")].into_iter());
    sends(&other, &[]);
    sends(&district, &[]);
    assert_eq!(district.count("students", "updated"), 2);
    assert_eq!(district.count("students", "created"), 2);
    assert_eq!(target.count("students"), 4);
    // In between it changes one and makes one that is not ours: neither is touched, and a second
    // run of the unchanged source changes nothing.
    other.students([row(2, "Other"), row(9, "Theirs")].into_iter());
    sends(&other, &["--resend-all"]);
    let before = names(&target);
    sends(&district, &[]);
    assert_eq!(district.count("students", "unchanged"), 4);
    assert_eq!(names(&target), before);
    // A full resync makes ours stand again, and leaves theirs alone.
    sends(&district, &["--resend-all"]);
    assert_eq!(target.count("students"), 5);
    let after = names(&target);
    assert!(
        after.contains("U000002 First2") && after.contains("U000009 Theirs"),
        "{after:?}"
    );
    sends(&district, &["--resend-all"]);
    assert_eq!(names(&target), after);
}

fn names(target: &Target) -> BTreeSet<String> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let students = target.bodies("students");
    let name = |b: &Value| format!("{} {}", text(&b["studentUniqueId"]), text(&b["firstName"]));
    students.iter().map(name).collect()
}

#[test]
fn e03_after_a_lost_connection_only_what_failed_is_sent_again() {
    let district = District::new(40);
    // The line drops for every fourth student until all tries are used up: half of these drops
    // after the target has taken the record.
    let target = Target::new(&[
        "reset:resource=students,every=8,always",
        "reset-after-commit:resource=students,every=8,always",
    ]);
    let first = district.fullsync(&target.url(), &["run", "mini"]);
    let first = first.expect(1);
    let failed = district.count("students", "failed");
    assert!((5..=10).contains(&failed), "{}", first.stdout);
    let lost: BTreeSet<String> = sent(&district, "students")
        .into_iter()
        .filter(|(_, outcome)| outcome == "failed")
        .map(|(key, _)| key)
        .collect();
    target.faults(&[]);
    district
        .fullsync(&target.url(), &["run", "mini", "--only-failed"])
        .expect(0);
    let again: BTreeSet<String> = sent(&district, "students")
        .into_iter()
        .map(|s| s.0)
        .collect();
    assert_eq!(again, lost);
    assert_eq!(target.count("students"), 40, "each of them once");
}
