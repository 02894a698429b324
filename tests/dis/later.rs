//! What others have done to the state's records: newer runs, deletions, a store that lost some.

use serde_json::{Value, json};

use super::{DISTRICT, Dis};
use crate::support;

/// One line of a batch: this record with another name.
fn line(record: &Value, key: &str, school: i64, name: &str) -> String {
    let mut record = record.clone();
    record["name"] = name.into();
    let text = record.to_string();
    let hash = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
    format!(
        "{{\"key\":\"{key}\",\"hash\":\"{hash:032x}\",\"school\":{school},\"record\":{text}}}\n"
    )
}

fn record(dis: &Dis, object: &str, id: &str, value: i64) -> Value {
    let records = dis.state().records(DISTRICT, 2024, object);
    let found = records.into_iter().find(|r| r[id] == value);
    found.unwrap_or_else(|| panic!("no {object} {value}"))
}

#[test]
fn what_a_newer_run_has_written_is_not_overwritten() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "SchoolMonth"]).expect(1);
    // This run has asked for its place in the order of runs, and waits for its first answer ...
    dis.state().set_faults(vec![
        "slow:resource=District,ms=2500,limit=1".parse().unwrap(),
    ]);
    let before = dis.state().batches();
    let run = dis
        .command(&["run", "dis", "SchoolMonth", "--quiet"])
        .spawn()
        .unwrap();
    while dis.state().batches() == before {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // ... when another one, begun later, writes two records.
    let later = u64::MAX / 2;
    for (object, id, value) in [
        ("School", "schoolID", 101),
        ("SchoolMonth", "schoolMonthID", 1),
    ] {
        let record = record(&dis, object, id, value);
        let body = line(&record, &format!("{id}={value}"), 101, "Newer");
        let query = format!("operation=put&sequence={later}&records=1");
        let (status, answer) = dis.post(2024, object, &query, body);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["results"][0]["change"], "updated", "{answer}");
    }
    let out = run.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    for (object, id, value) in [
        ("School", "schoolID", 101),
        ("SchoolMonth", "schoolMonthID", 1),
    ] {
        assert_eq!(record(&dis, object, id, value)["name"], "Newer", "{object}");
    }
    // One of three records: its own answer says so.
    let errors = support::json(&dis.path("state/dis/runs/latest/errors.json"));
    let errors = errors["errors"].as_array().unwrap();
    let of = |object: &str| -> Vec<&Value> {
        let own = |e: &&Value| e["resource"] == object && e["reason"] == "older_sequence";
        errors.iter().filter(own).collect()
    };
    let report = dis.fullsync(&["status", "dis", "--run", "latest"]).stdout;
    assert_eq!(of("School").len(), 1, "{report}");
    // What hangs below it is not sent, and told with the same cause.
    let months = of("SchoolMonth");
    assert!(
        months.len() == 1 && months[0]["outcome"] == "blocked",
        "{months:#?}"
    );
    assert_eq!(dis.tally("SchoolMonth", "blocked"), 2);
    // The next run has a later place, and writes what the district has.
    dis.state().set_faults(Vec::new());
    dis.fullsync(&["run", "dis", "SchoolMonth"]).expect(1);
    assert_eq!(record(&dis, "School", "schoolID", 101)["name"], "First");
}

#[test]
fn a_request_of_older_records_only_is_refused_whole() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "District"]).expect(0);
    let district = record(&dis, "District", "districtID", 1);
    dis.state().set_faults(vec![
        "slow:resource=District,ms=2500,limit=1".parse().unwrap(),
    ]);
    let before = dis.state().batches();
    let run = dis
        .command(&["run", "dis", "District", "--quiet"])
        .spawn()
        .unwrap();
    while dis.state().batches() == before {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let body = line(&district, "districtID=1", 0, "Newer").replace(",\"school\":0", "");
    let query = format!("operation=put&sequence={}&records=1", u64::MAX / 2);
    let (status, answer) = dis.post(2024, "District", &query, body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(1));
    let results = support::json(&dis.path("state/dis/runs/latest/errors.json"));
    let error = &results["errors"][0];
    assert_eq!(error["reason"], "older_sequence", "{error:#}");
    assert_eq!(error["examples"][0]["status"], 409, "{error:#}");
    assert_eq!(dis.tally("District", "failed"), 1);
    assert_eq!(record(&dis, "District", "districtID", 1)["name"], "Newer");
}

#[test]
fn what_is_gone_is_deleted_at_the_state_children_first() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar/*"]).expect(1);
    assert_eq!((dis.count("PeriodSchedule"), dis.count("Day")), (1, 1));
    // The schedule goes with its day; a row of another school stays.
    dis.table(
        "PeriodSchedule",
        &["periodScheduleID=3 structureID=3 name=A"],
    );
    let day = "calendarID=1031 structureID=3 periodScheduleID=3 date=2023-08-14 instruction=1";
    dis.table("Day", &[&format!("dayID=3 {day}")]);
    dis.fullsync(&["plan", "dis", "Calendar/*"]).expect(0);
    assert_eq!(
        (dis.count("PeriodSchedule"), dis.count("Day")),
        (1, 1),
        "a plan deletes none"
    );
    dis.fullsync(&["run", "dis", "Calendar/*"]).expect(1);
    assert_eq!((dis.count("PeriodSchedule"), dis.count("Day")), (0, 0));
    let tallies = support::json(&dis.path("state/dis/runs/latest/tallies.json"));
    for object in ["PeriodSchedule", "Day"] {
        let of = tallies["resources"].as_array().unwrap().iter();
        let of = of.clone().find(|r| r["resource"] == object).unwrap();
        assert_eq!(of["deletes"]["deleted"], 1, "{of:#}");
    }
    // What the state has deleted itself is gone already, and no error.
    dis.fullsync(&["run", "dis", "ScheduleStructure"]).expect(1);
    let query = format!("operation=delete&sequence={}&records=1", u64::MAX / 2);
    let (status, _) = dis.post(
        2024,
        "ScheduleStructure",
        &query,
        "{\"key\":\"structureID=1\"}\n".to_owned(),
    );
    assert_eq!(status, 200);
    dis.table(
        "ScheduleStructure",
        &["structureID=3 calendarID=1031 name=Main"],
    );
    dis.fullsync(&["run", "dis", "ScheduleStructure"]).expect(1);
    let tallies = support::json(&dis.path("state/dis/runs/latest/tallies.json"));
    let resources = tallies["resources"].as_array().unwrap();
    let of = resources
        .iter()
        .find(|r| r["resource"] == "ScheduleStructure")
        .unwrap();
    assert_eq!(of["deletes"]["already_gone"], 1, "{of:#}");
}

#[test]
fn a_selective_sync_deletes_nothing() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis"]).expect(1);
    assert_eq!(dis.count("EnglishLearner"), 2);
    dis.table("LEP", &["lepID=1 personID=1 programStatus=Exited"]);
    dis.fullsync(&["run", "dis", "--object", "PersonIdentity", "--ids", "1"])
        .expect(0);
    assert_eq!(dis.count("EnglishLearner"), 2);
    assert_eq!(dis.tally("EnglishLearner", "updated"), 1);
}

#[test]
fn records_are_deleted_by_a_file_or_all_at_once() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "PersonIdentity/*"]).expect(1);
    assert_eq!(
        (dis.count("PersonIdentity"), dis.count("EnglishLearner")),
        (2, 2)
    );
    let file = dis.path("gone.ndjson");
    std::fs::write(&file, "{\"lepID\": 2}\n").unwrap();
    let from = file.display().to_string();
    let delete = ["delete", "dis", "EnglishLearner", "--from", &from];
    dis.fullsync(&delete).expect(0);
    assert_eq!(dis.count("EnglishLearner"), 2, "without --yes nothing goes");
    dis.fullsync(&[&delete[..], &["--yes"]].concat()).expect(0);
    assert_eq!(dis.count("EnglishLearner"), 1);
    let ran = dis
        .fullsync(&["truncate", "dis", "PersonIdentity"])
        .expect(0);
    assert!(
        ran.stdout
            .contains("would delete            2  PersonIdentity"),
        "{}",
        ran.stdout
    );
    dis.fullsync(&[
        "truncate",
        "dis",
        "PersonIdentity",
        "EnglishLearner",
        "--yes",
    ])
    .expect(0);
    assert_eq!(
        (dis.count("PersonIdentity"), dis.count("EnglishLearner")),
        (0, 0)
    );
    assert_eq!(dis.count("District"), 1);
}

#[test]
fn a_state_that_lost_records_stops_a_delta_run() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    let counted = |dis: &Dis| -> Value {
        let ran = dis
            .fullsync(&["count", "dis", "School", "Calendar", "--json"])
            .expect(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    assert_eq!(counted(&dis), json!({"School": 2, "Calendar": 2}));
    let ran = dis
        .fullsync(&["count", "dis", "School", "--query", "number=1"])
        .expect(2);
    assert!(
        ran.stderr.contains("--query is for an Ed-Fi API"),
        "{}",
        ran.stderr
    );
    let query = format!("operation=delete&sequence={}&records=1", u64::MAX / 2);
    let body = "{\"key\":\"calendarID=1021\"}\n".to_owned();
    assert_eq!(dis.post(2024, "Calendar", &query, body).0, 200);
    assert_eq!(counted(&dis)["Calendar"], 1);
    let ran = dis
        .fullsync(&["run", "dis", "Calendar", "--delta"])
        .expect(2);
    assert!(
        ran.stderr
            .contains("Calendar: 1 records, the ledger knows of 2"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("ledger rebuild"), "{}", ran.stderr);
    // The plain resync sends it all again, which is what it is for.
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    assert_eq!(dis.count("Calendar"), 2);
    dis.fullsync(&["run", "dis", "Calendar", "--delta"])
        .expect(1);
    // A kind of question that a state edition does not answer.
    let out = dis.path("copies").display().to_string();
    let ran = dis
        .fullsync(&["fetch", "dis", "School", "--out", &out])
        .expect(2);
    assert!(
        ran.stderr.contains("`count` and `verify` tell what it has"),
        "{}",
        ran.stderr
    );
    let ran = dis.fullsync(&["ledger", "rebuild", "dis"]).expect(2);
    assert!(
        ran.stderr.contains("a plain `run` sends everything again"),
        "{}",
        ran.stderr
    );
    let ran = dis.fullsync(&["run", "dis", "--mode", "resync"]).expect(2);
    assert!(ran.stderr.contains("a plain run"), "{}", ran.stderr);
}
