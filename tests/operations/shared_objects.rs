//! District-wide objects of two runs over disjoint schools (item 6): sent once, by whoever claims
//! them first; the other waits for the answer. Two real processes.

use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{District, Target, json};

const STUDENTS: u64 = 60;
/// So slow that the second run starts while the first is sending; then it is taken away.
const SLOW: &str = "slow:resource=students,ms=700";

/// Two schools with 30 students each; students belong to no school.
fn district() -> District {
    let district = District::new(0);
    let school = |i: u64| 255_901_001 + i % 2;
    district.students((1..=STUDENTS).map(|i| {
        let school = school(i);
        format!("{i},U{i:06},First{i},Last{i},2010-01-02,{school},2025-08-18,9")
    }));
    district.write(
        "sis/School.csv",
        "schoolID,name\n255901001,Grand High\n255901002,Little High\n",
    );
    for (file, school) in [("schools", "schoolID"), ("enrollments", "school")] {
        let path = format!("sql/{file}.sql");
        let sql = std::fs::read_to_string(district.path(&path)).unwrap();
        let sql = sql.replacen(
            "AS _source_table",
            &format!("AS _source_table, {school} AS _school_id"),
            1,
        );
        district.write(&path, &sql);
    }
    district.pipeline("concurrency_start = 2\nconcurrency_max = 2");
    // A request that a busy machine answers too late is sent again, and then updates what it has
    // created: right, but not what is counted here.
    let path = district.path("pipelines/mini.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("request_timeout_secs = 2", "request_timeout_secs = 20");
    district.write("pipelines/mini.toml", &text);
    district
}

fn run(school: &str) -> [&str; 6] {
    [
        "run",
        "mini",
        "--allow-partial",
        "--yes",
        "--school",
        school,
    ]
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Run folders, oldest first.
fn runs(district: &District) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(district.path("state/mini/runs")).unwrap();
    let mut runs: Vec<(std::time::SystemTime, PathBuf)> = entries
        .map(|e| e.unwrap().path())
        .filter(|path| path.is_dir() && !path.is_symlink())
        .filter_map(|path| {
            // It may be just being made.
            let text = std::fs::read(path.join("manifest.json")).ok()?;
            let manifest: Value = serde_json::from_slice(&text).ok()?;
            let at: chrono::DateTime<chrono::Utc> = manifest["started"].as_str()?.parse().ok()?;
            Some((at.into(), path))
        })
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, path)| path).collect()
}

fn count(run: &std::path::Path, resource: &str, name: &str) -> u64 {
    let tallies = json(&run.join("tallies.json"));
    let all = tallies["resources"].as_array().unwrap();
    let found = all.iter().find(|r| r["resource"] == resource).unwrap();
    found[name].as_u64().unwrap()
}

/// Starts a run over the first school, and one over the second when the first is sending; returns
/// when the second waits for the first.
fn both(district: &District, target: &Target, between: impl FnOnce()) -> [Child; 2] {
    let first = district.start(&target.url(), &run("255901001"));
    wait_until("the first sends", || target.count("students") > 0);
    between();
    let second = district.start(&target.url(), &run("255901002"));
    wait_until("the second waits for the first", || {
        let runs = runs(district);
        runs.get(1).is_some_and(|run| {
            let log = std::fs::read_to_string(run.join("run.log")).unwrap_or_default();
            log.contains("claimed by another run")
        })
    });
    [first, second]
}

/// Lets the target answer at once, but for these faults, and waits for both.
fn ended(target: &Target, faults: &[&str], runs: [Child; 2]) -> [Option<i32>; 2] {
    target.faults(faults);
    runs.map(|mut run| run.wait().unwrap().code())
}

#[test]
fn item_6_a_district_wide_object_is_sent_by_the_first_and_unchanged_to_the_other() {
    let (district, target) = (district(), Target::new(&[SLOW]));
    let codes = ended(&target, &[], both(&district, &target, || {}));
    assert_eq!(codes, [Some(0), Some(0)]);
    let [first, second]: [PathBuf; 2] = runs(&district).try_into().unwrap();
    assert_eq!(target.count("students"), STUDENTS);
    // Each object has one outcome in each run, and was sent once in all.
    assert_eq!(count(&first, "students", "created"), STUDENTS);
    assert_eq!(count(&second, "students", "unchanged"), STUDENTS);
    assert_eq!(count(&second, "students", "sent"), 0);
    // What refers to them waited: each school's enrollments by the run of that school.
    for run in [&first, &second] {
        assert_eq!(
            count(run, "studentSchoolAssociations", "created"),
            STUDENTS / 2
        );
    }
    assert!(
        !district.path("state/mini/locks/objects").exists(),
        "the last run sweeps"
    );
}

#[test]
fn item_6_a_killed_run_holds_nobody_up() {
    let (district, target) = (district(), Target::new(&[SLOW]));
    let [mut first, mut second] = both(&district, &target, || {});
    target.faults(&[]);
    first.kill().unwrap();
    first.wait().unwrap();
    let killed = Instant::now();
    assert_eq!(second.wait().unwrap().code(), Some(0));
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(target.count("students"), STUDENTS);
    let second = runs(&district).pop().unwrap();
    let log = std::fs::read_to_string(second.join("run.log")).unwrap();
    assert!(
        !log.contains("not sent them"),
        "at once, not when patience ended: {log}"
    );
    let sum: u64 = ["created", "updated", "unchanged"]
        .map(|name| count(&second, "students", name))
        .iter()
        .sum();
    assert_eq!(sum, STUDENTS);
    assert!(count(&second, "students", "sent") > 0);
    assert_eq!(
        count(&second, "studentSchoolAssociations", "created"),
        STUDENTS / 2
    );
}

#[test]
fn item_6_what_was_refused_to_one_run_is_sent_by_the_other() {
    let (district, target) = (district(), Target::new(&[SLOW]));
    let fault = "400:resource=students,every=5,seed=1,always";
    let codes = ended(&target, &[fault], both(&district, &target, || {}));
    assert_eq!(codes, [Some(1), Some(1)]);
    let [first, second]: [PathBuf; 2] = runs(&district).try_into().unwrap();
    let failed = count(&first, "students", "failed");
    assert!(failed > 0);
    assert_eq!(
        count(&second, "students", "sent"),
        failed,
        "and nothing else"
    );
    assert_eq!(count(&second, "students", "failed"), failed);
    assert_eq!(count(&second, "students", "unchanged"), STUDENTS - failed);
}

#[test]
fn item_6_a_newer_content_is_sent_after_the_older_one() {
    let (district, target) = (district(), Target::new(&[SLOW]));
    let changed = || {
        let text = std::fs::read_to_string(district.path("sis/Student.csv")).unwrap();
        district.write("sis/Student.csv", &text.replace("First60,", "Renamed,"));
    };
    let codes = ended(&target, &[], both(&district, &target, changed));
    assert_eq!(codes, [Some(0), Some(0)]);
    let second = runs(&district).pop().unwrap();
    assert_eq!(count(&second, "students", "updated"), 1);
    assert_eq!(count(&second, "students", "unchanged"), STUDENTS - 1);
    let bodies = target.bodies("students");
    let renamed = bodies.iter().filter(|b| b["firstName"] == "Renamed");
    assert_eq!(renamed.count(), 1);
}
