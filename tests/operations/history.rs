//! Item 10: the history of runs, and how each object stands over all of them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{District, Target};

/// A target that is not asked.
const NOBODY: &str = "http://127.0.0.1:1";

fn read(district: &District, args: &[&str]) -> Value {
    let ran = district.fullsync(NOBODY, args).expect(0);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stdout))
}

fn status(district: &District, object: &str) -> Value {
    let overview = read(district, &["status", "mini", "--json"]);
    let objects = overview["objects"].as_array().expect("objects").clone();
    let found = objects.into_iter().find(|o| o["object"] == object);
    found.unwrap_or_else(|| panic!("no {object} in {overview:#}"))
}

fn history(district: &District) -> Vec<Value> {
    let list = read(district, &["history", "list", "mini", "--json"]);
    list.as_array().expect("a list").clone()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status();
    assert!(sent.expect("kill runs").success());
}

/// Waits until a run at work has settled some students.
fn until_at_work(district: &District) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        let students = status(district, "students");
        if students["status"] == "running" && students["processed"].as_u64() > Some(0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the run never came to its students");
}

#[test]
fn item_10_status_shows_each_object_and_keeps_it_between_runs() {
    let district = District::new(3);
    let before = district
        .fullsync(NOBODY, &["status", "mini"])
        .expect(0)
        .stdout;
    assert!(before.contains("students"), "{before}");
    assert!(before.contains("- never"), "{before}");
    assert!(!before.contains("Processed"), "{before}");

    let target = Target::new(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let first = status(&district, "schools");
    target.faults(&["400:resource=students,method=POST,limit=1,always"]);
    let again = ["run", "mini", "students", "--resend-all"];
    district.fullsync(&target.url(), &again).expect(1);

    assert_eq!(
        status(&district, "schools"),
        first,
        "not touched by the second run"
    );
    assert_eq!(first["status"], "done");
    let students = status(&district, "students");
    assert_eq!(students["status"], "done_with_errors");
    assert_eq!(
        (&students["processed"], &students["errors"]),
        (&3.into(), &1.into())
    );
    assert_ne!(students["run"], first["run"]);

    let table = district
        .fullsync(NOBODY, &["status", "mini"])
        .expect(0)
        .stdout;
    let line = table
        .lines()
        .find(|l| l.starts_with("students"))
        .expect("students");
    assert!(line.contains("Processed: 3 Errors: 1"), "{table}");
    assert!(line.contains("! done_with_errors"), "{table}");
    // MM/DD/YYYY HH:MM:SS, as on the seed's screen.
    let words: Vec<&str> = line.split_whitespace().collect();
    let time = format!("{} {}", words[1], words[2]);
    let read = chrono::NaiveDateTime::parse_from_str(&time, "%m/%d/%Y %H:%M:%S");
    assert!(read.is_ok() && time.len() == 19, "{line}");
    for mark in [
        "- never",
        ". queued",
        "> running",
        "+ done",
        "X failed",
        "/ cancelled",
    ] {
        let legend = table
            .lines()
            .find(|l| l.starts_with("Status:"))
            .expect("the legend");
        assert!(legend.contains(mark), "{legend}");
    }
    // The report of one run, as it was.
    let report = ["status", "mini", "--run", "latest"];
    let report = district.fullsync(NOBODY, &report).expect(1).stdout;
    assert!(report.contains("exit 1"), "{report}");
    // A dry run and a plan are no resync.
    let dry = ["run", "mini", "--dry-run"];
    district.fullsync(&target.url(), &dry).expect(0);
    assert_eq!(status(&district, "students"), students);
}

#[test]
fn item_10_history_lists_and_shows_all_runs_even_pruned_ones() {
    let district = District::new(2);
    let pipeline = district.path("pipelines/mini.toml");
    let text = std::fs::read_to_string(&pipeline).expect("the pipeline");
    std::fs::write(&pipeline, format!("{text}\n[keep]\nruns = 1\n")).expect("written");
    let target = Target::new(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district
        .fullsync(&target.url(), &["plan", "mini", "students"])
        .expect(0);
    target.faults(&["400:resource=students,method=POST,always"]);
    let args = ["run", "mini", "students", "--resend-all"];
    district.fullsync(&target.url(), &args).expect(1);
    // A run that cannot do its work after it has its folder: the SQL fails on the data.
    district.write(
        "sql/students.sql",
        "SELECT uniqueID AS studentUniqueId, cast(cast(firstName AS int) AS varchar) AS firstName,
            lastName AS lastSurname, birthDate,
            'Student' AS _source_table, cast(studentID AS varchar) AS _source_key FROM Student",
    );
    let failed = district.fullsync(&target.url(), &["run", "mini", "students"]);
    assert_eq!(failed.code, Some(2), "{}", failed.stderr);

    let all = history(&district);
    let commands: Vec<&str> = all.iter().map(|e| e["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["run", "plan", "run", "run"]);
    let states: Vec<&str> = all.iter().map(|e| e["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "done", "done_with_errors", "failed"]);
    let codes: Vec<u64> = all
        .iter()
        .map(|e| e["exit_code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [0, 0, 1, 2]);
    let user = Command::new("id")
        .arg("-un")
        .output()
        .expect("id runs")
        .stdout;
    assert_eq!(all[0]["user"], String::from_utf8_lossy(&user).trim());
    assert_eq!(all[2]["options"], serde_json::json!(["resend all"]));
    assert_eq!(all[2]["objects"][0]["errors"], 2);
    assert!(all[3]["cause"].as_str().is_some_and(|c| !c.is_empty()));
    assert_eq!(status(&district, "students")["status"], "failed");

    let first = all[0]["run"].as_str().expect("a run");
    assert!(
        !district.path(&format!("state/mini/runs/{first}")).exists(),
        "pruned"
    );
    let shown = district
        .fullsync(NOBODY, &["history", "show", "mini", first])
        .expect(0);
    assert!(shown.stdout.contains("schools"), "{}", shown.stdout);
    let list = district.fullsync(NOBODY, &["history", "list", "mini", "--last", "2"]);
    let list = list.expect(0).stdout;
    assert!(
        list.contains("done_with_errors (1)") && !list.contains(first),
        "{list}"
    );
    let none = ["history", "show", "mini", "2020-01-01T000000Z-0000"];
    let none = district.fullsync(NOBODY, &none).expect(2).stderr;
    assert!(none.contains("no run 2020-01-01T000000Z-0000"), "{none}");

    let file = district.path("state/mini/history.jsonl");
    let mode = std::fs::metadata(&file)
        .expect("the history")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // A line torn by a power cut is passed over, a damaged one is named.
    let whole = std::fs::read_to_string(&file).expect("the history");
    std::fs::write(&file, format!("{whole}{{\"run\": ")).expect("written");
    assert_eq!(history(&district).len(), 4);
    std::fs::write(&file, format!("x\n{whole}")).expect("written");
    let damaged = district
        .fullsync(NOBODY, &["history", "list", "mini"])
        .expect(2);
    assert!(
        damaged.stderr.contains("history.jsonl:1"),
        "{}",
        damaged.stderr
    );
}

#[test]
fn item_10_a_run_at_work_is_seen_and_a_killed_one_has_died() {
    let district = District::new(400);
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let target = Target::new(&["slow:resource=students,ms=20"]);
    let mut run = district.start(&target.url(), &["run", "mini", "--quiet"]);
    until_at_work(&district);
    assert_eq!(status(&district, "schools")["status"], "done");
    assert_eq!(
        status(&district, "studentSchoolAssociations")["status"],
        "queued"
    );
    let at_work = district
        .fullsync(NOBODY, &["status", "mini"])
        .expect(0)
        .stdout;
    assert!(
        at_work.contains("is at work since") && at_work.contains("1 of 3 done"),
        "{at_work}"
    );
    let all = history(&district);
    assert_eq!(all[0]["state"], "running");
    let id = all[0]["run"].as_str().expect("a run").to_owned();
    let delete = ["history", "delete", "mini", &id, "--yes"];
    let refused = district.fullsync(NOBODY, &delete).expect(2).stderr;
    assert!(refused.contains("is at work"), "{refused}");

    signal(&run, "-KILL");
    run.wait().expect("it ends");
    assert_eq!(history(&district)[0]["state"], "died");
    let students = status(&district, "students");
    assert_eq!(students["status"], "failed");
    assert!(students["processed"].as_u64() > Some(0), "{students}");
    // The next run writes it down, so that it is known when the folder is gone.
    target.faults(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    std::fs::remove_dir_all(district.path(&format!("state/mini/runs/{id}"))).expect("removed");
    let all = history(&district);
    let states: Vec<&str> = all.iter().map(|e| e["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["died", "done"]);
    assert_eq!(status(&district, "students")["status"], "done");
}

#[test]
fn item_10_a_stopped_run_is_cancelled_where_records_are_pending() {
    let district = District::new(400);
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    let target = Target::new(&["slow:resource=students,ms=20"]);
    let mut run = district.start(&target.url(), &["run", "mini", "--quiet"]);
    until_at_work(&district);
    signal(&run, "-TERM");
    assert_eq!(run.wait().expect("it ends").code(), Some(3));
    let all = history(&district);
    assert_eq!(
        (&all[0]["state"], &all[0]["exit_code"]),
        (&"interrupted".into(), &3.into())
    );
    assert_eq!(status(&district, "schools")["status"], "done");
    assert_eq!(status(&district, "students")["status"], "cancelled");
    target.faults(&[]);
    let args = ["run", "mini", "--resume", "latest"];
    district.fullsync(&target.url(), &args).expect(0);
    // Gone on with: one run, two lines.
    let all = history(&district);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["run"], all[1]["run"]);
    assert_eq!(status(&district, "students")["status"], "done");
}

#[test]
fn item_10_history_deletes_runs_and_keeps_the_ledger() {
    let district = District::new(2);
    let target = Target::new(&[]);
    for _ in 0..3 {
        district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    }
    let ids: Vec<String> = history(&district)
        .iter()
        .map(|e| e["run"].as_str().expect("a run").to_owned())
        .collect();
    let folder = |id: &str| district.path(&format!("state/mini/runs/{id}"));
    let asked = ["history", "delete", "mini", &ids[2]];
    let asked = district.fullsync(NOBODY, &asked).expect(2).stderr;
    assert!(asked.contains("give --yes"), "{asked}");
    assert!(folder(&ids[2]).exists());
    let args = ["history", "delete", "mini", &ids[2], "--yes"];
    district.fullsync(NOBODY, &args).expect(0);
    assert!(!folder(&ids[2]).exists());
    assert_eq!(history(&district).len(), 2);
    // `latest` is the newest that is left.
    assert_eq!(
        district.latest().canonicalize().expect("latest"),
        folder(&ids[1]).canonicalize().unwrap()
    );
    let old = [
        "history",
        "delete",
        "mini",
        "--before",
        "2020-01-01",
        "--yes",
    ];
    let old = district.fullsync(NOBODY, &old).expect(0).stdout;
    assert!(old.contains("nothing was deleted"), "{old}");
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let tomorrow = tomorrow.format("%Y-%m-%d").to_string();
    let all = ["history", "delete", "mini", "--before", &tomorrow, "--yes"];
    district.fullsync(NOBODY, &all).expect(0);
    assert!(history(&district).is_empty());
    assert_eq!(status(&district, "students")["status"], "never");
    // What was acknowledged is in the ledger: nothing is sent again.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "unchanged"), 2);
}
