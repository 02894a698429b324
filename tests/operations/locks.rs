//! Locks (E34, item 6): two real processes that overlap, wait, take over, or go on side by side.

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{District, Ran, Target};

const STUDENTS: usize = 60;
/// Each request for a student takes this long, so that two runs are at work at the same time.
const SLOW: &str = "slow:resource=students,ms=40";

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn listed(district: &District, target: &Target) -> Vec<Value> {
    let ran = district.fullsync(&target.url(), &["locks", "mini", "--json"]);
    let listing: Value = serde_json::from_str(&ran.expect(0).stdout).unwrap();
    let schema = crate::support::json(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/locks.schema.json"),
    );
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&listing)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{listing:#}");
    listing["locks"].as_array().unwrap().clone()
}

/// Starts a run and waits until it sends.
fn at_work(district: &District, target: &Target, args: &[&str]) -> Child {
    let run = district.start(&target.url(), args);
    wait_until("the run sends", || target.count("students") > 0);
    run
}

#[test]
fn item_6_an_overlapping_run_fails_at_once_and_names_the_holder() {
    let (district, target) = (District::new(STUDENTS), Target::new(&[SLOW]));
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let mut first = at_work(&district, &target, &["run", "mini"]);
    let before = std::fs::read_dir(district.path("state/mini/runs"))
        .unwrap()
        .count();
    let refused = district
        .fullsync(&target.url(), &["run", "mini", "students"])
        .expect(2);
    for said in [
        "locked by another run",
        &format!("pid {}", first.id()),
        "students of every school",
        "--wait-lock",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    let after = std::fs::read_dir(district.path("state/mini/runs"))
        .unwrap()
        .count();
    assert_eq!(before, after, "a refused run leaves no folder");
    assert!(
        first.try_wait().unwrap().is_none(),
        "while the first was at work"
    );
    // Emptying a resource is writing, too; looking is not.
    let truncate = [
        "truncate",
        "mini",
        "students",
        "--yes",
        "--school-year",
        "2026",
    ];
    district.fullsync(&target.url(), &truncate).expect(2);
    let rebuild = district
        .fullsync(&target.url(), &["ledger", "rebuild", "mini", "students"])
        .expect(2);
    assert!(
        rebuild.stderr.contains("locked by another run"),
        "{}",
        rebuild.stderr
    );
    district
        .fullsync(&target.url(), &["plan", "mini", "schools"])
        .expect(0);
    // Not the same resource: side by side.
    district
        .fullsync(&target.url(), &["validate", "mini"])
        .expect(0);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert!(listed(&district, &target).is_empty(), "released at the end");
    district
        .fullsync(&target.url(), &["run", "mini", "students"])
        .expect(0);
}

#[test]
fn e34_resources_are_read_only_for_the_schools_being_resynced() {
    let (district, target) = (District::new(STUDENTS), Target::new(&[SLOW]));
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let check = |resource: &str| {
        let args = [
            "locks",
            "mini",
            "--resource",
            resource,
            "--school",
            "255901001",
            "--check",
        ];
        district.fullsync(&target.url(), &args)
    };
    check("students").expect(0);
    let run = ["run", "mini", "schools", "students", "--allow-partial"];
    let mut first = at_work(&district, &target, &run);
    check("students").expect(1);
    check("studentSchoolAssociations").expect(0);
    check("studnts").expect(2);
    let locks = listed(&district, &target);
    assert_eq!(locks.len(), 1);
    assert_eq!(
        locks[0]["resources"],
        serde_json::json!(["schools", "students"])
    );
    assert_eq!(locks[0]["schools"], Value::Null);
    assert_eq!(locks[0]["pid"], first.id());
    let run = locks[0]["run"].as_str().unwrap();
    assert!(district.path("state/mini/runs").join(run).is_dir());
    // Another resource of the same school goes on beside it.
    let beside = [
        "run",
        "mini",
        "studentSchoolAssociations",
        "--quiet",
        "--allow-partial",
    ];
    let Ran { code, .. } = district.fullsync(&target.url(), &beside);
    assert_ne!(code, Some(2));
    assert_eq!(first.wait().unwrap().code(), Some(0));
    check("students").expect(0);
}

#[test]
fn item_6_a_waiting_run_goes_on_when_the_lock_is_free() {
    let (district, target) = (District::new(STUDENTS), Target::new(&[SLOW]));
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let mut first = at_work(&district, &target, &["run", "mini"]);
    let brief = ["run", "mini", "--wait-lock", "1s"];
    let gave_up = district.fullsync(&target.url(), &brief).expect(2);
    assert!(
        gave_up.stderr.contains("still locked after 1 s"),
        "{}",
        gave_up.stderr
    );
    let second = district
        .fullsync(&target.url(), &["run", "mini", "--wait-lock"])
        .expect(0);
    assert!(
        second.stderr.contains("waiting for run"),
        "{}",
        second.stderr
    );
    assert_eq!(first.wait().unwrap().code(), Some(0));
    // It has read the source after the wait, and the ledger with all that the first delivered.
    assert_eq!(district.count("students", "unchanged"), STUDENTS as u64);
}

#[test]
fn item_6_a_killed_holders_lock_is_taken_over() {
    let (district, target) = (District::new(STUDENTS), Target::new(&[SLOW]));
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let mut first = at_work(&district, &target, &["run", "mini"]);
    first.kill().unwrap();
    first.wait().unwrap();
    let locks = listed(&district, &target);
    assert_eq!(locks[0]["alive"], false, "void at once");
    district
        .fullsync(&target.url(), &["locks", "mini", "--check"])
        .expect(0);
    let second = district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert!(
        second.stderr.contains("is void: its process has ended"),
        "{}",
        second.stderr
    );
    assert_eq!(target.count("students"), STUDENTS as u64);
    // And one that is stopped releases it by itself.
    target.faults(&[SLOW]);
    let resend = ["run", "mini", "--resend-all"];
    let mut third = district.start(&target.url(), &resend);
    wait_until("the third has the lock", || {
        !listed(&district, &target).is_empty()
    });
    std::thread::sleep(Duration::from_millis(300));
    let mut stop = std::process::Command::new("kill");
    let stopped = stop.args(["-TERM", &third.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    assert_eq!(third.wait().unwrap().code(), Some(3));
    assert!(
        listed(&district, &target).is_empty(),
        "released when it was stopped"
    );
}
