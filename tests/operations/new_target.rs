//! New, restored and emptied targets: a part is refused before a full load, and what the target
//! has lost stops a delta run.

use std::path::Path;

use crate::support::{District, Target, json};

/// A sandbox whose state is in a folder, so that it can be deleted and restored.
fn kept(folder: &Path) -> Target {
    let folder = folder.to_owned();
    Target::with(|options| {
        options.state_dir = Some(folder);
        options.instance_id = "kept".to_owned();
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn student(i: usize) -> String {
    format!("{i},U{i:06},First{i},Last{i},2010-01-02,255901001,2025-08-18,9")
}

fn embedded(district: &District) {
    let text = std::fs::read_to_string(district.path("pipelines/mini.toml")).unwrap();
    let (head, rest) = text.split_once("url = ").unwrap();
    let (_, load) = rest.split_once("[load]").unwrap();
    let text = format!("{head}sandbox = true\n\n[load]{load}");
    district.write("pipelines/mini.toml", &text);
}

#[test]
fn e08_a_new_ods_must_be_loaded_in_full_first() {
    let (district, target) = (District::new(5), Target::new(&[]));
    let refused = district
        .fullsync(&target.url(), &["run", "mini", "schools"])
        .expect(2);
    let said = &refused.stderr;
    assert!(said.contains("never had a full load"), "{said}");
    assert!(said.contains("1 of 3 resources (schools)"), "{said}");
    assert!(said.contains("fullsync run mini\n"), "{said}");
    assert!(said.contains("--allow-partial"), "{said}");
    assert_eq!(target.count("schools"), 0);
    assert!(
        !district.path("state/mini/runs").exists(),
        "nothing was read"
    );

    let full = district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert!(
        full.stdout.contains("has had no full load yet"),
        "{}",
        full.stdout
    );
    let part = district
        .fullsync(&target.url(), &["run", "mini", "schools"])
        .expect(0);
    assert!(!part.stdout.contains("no full load"), "{}", part.stdout);

    // A second ODS knows nothing of the first one's load.
    let other = Target::new(&[]);
    district
        .fullsync(&other.url(), &["run", "mini", "schools"])
        .expect(2);
    // Nor does another school year at the same ODS.
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "schools", "--school-year", "2027"],
        )
        .expect(2);
}

#[test]
fn item_9_parts_may_be_allowed_and_add_up_to_a_full_load() {
    let (district, target) = (District::new(5), Target::new(&[]));
    let run = |resource: &str, flag: Option<&str>, code: i32| {
        let args: Vec<&str> = ["run", "mini", resource].into_iter().chain(flag).collect();
        district.fullsync(&target.url(), &args).expect(code)
    };
    run("schools", Some("--allow-partial"), 0);
    run("students", None, 2);
    run("students", Some("--allow-partial"), 0);
    run("studentSchoolAssociations", Some("--allow-partial"), 0);
    run("students", None, 0);
    assert_eq!(target.count("studentSchoolAssociations"), 5);
}

#[test]
fn item_9_an_interrupted_load_is_no_full_one() {
    let (district, target) = (District::new(30), Target::new(&["500:resource=students"]));
    district.pipeline("max_attempts = 1\nstop_after_same_refusals = 3\nconcurrency_max = 1");
    district.fullsync(&target.url(), &["run", "mini"]).expect(3);
    target.faults(&[]);
    district
        .fullsync(&target.url(), &["run", "mini", "students"])
        .expect(2);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district
        .fullsync(&target.url(), &["run", "mini", "students"])
        .expect(0);
}

#[test]
fn item_9_a_second_run_asks_a_few_questions_and_counts_them_apart() {
    let (district, target) = (District::new(8), Target::new(&[]));
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert!(
        district.tallies().get("probe").is_none(),
        "nothing to compare"
    );
    let second = district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let tallies = district.tallies();
    assert_eq!(tallies["traffic"]["requests"], 0);
    // Schools and enrollments are counted; students are seen through their enrollments only.
    assert_eq!(tallies["probe"]["counts"], 2);
    // The newest of each of three resources, and one of the largest: the same one now and then.
    let ids = tallies["probe"]["ids"].as_u64().unwrap();
    assert!((3..=4).contains(&ids), "{ids}");
    assert_eq!(tallies["probe"]["requests"], 2 + ids);
    assert!(
        second
            .stdout
            .contains(&format!("{} requests before that", 2 + ids)),
        "{}",
        second.stdout
    );
}

#[test]
fn item_9_deleting_the_state_of_the_target_stops_the_next_run() {
    let district = District::new(12);
    let state = district.path("target");
    let target = kept(&state);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    drop(target);
    std::fs::remove_dir_all(&state).unwrap();
    let target = kept(&state);
    let stopped = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    let said = &stopped.stderr;
    assert!(
        said.contains("studentSchoolAssociations: 0 records, the ledger knows of 12"),
        "{said}"
    );
    assert!(said.contains("fullsync ledger rebuild mini"), "{said}");
    assert!(said.contains("--resend-all"), "{said}");
    assert_eq!(target.count("schools"), 0, "nothing was sent");

    let rebuilt = district
        .fullsync(&target.url(), &["ledger", "rebuild", "mini"])
        .expect(0);
    assert!(
        rebuilt
            .stdout
            .contains("25 that were acknowledged are lost"),
        "{}",
        rebuilt.stdout
    );
    // It is as a new one: a part is refused, and all of it is due.
    district
        .fullsync(&target.url(), &["run", "mini", "schools"])
        .expect(2);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), 12);
    assert_eq!(district.count("students", "created"), 12);
}

#[test]
fn item_9_resend_all_fills_an_emptied_target_too() {
    let district = District::new(4);
    let state = district.path("target");
    let target = kept(&state);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    drop(target);
    std::fs::remove_dir_all(&state).unwrap();
    let target = kept(&state);
    district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    district
        .fullsync(&target.url(), &["run", "mini", "--resend-all"])
        .expect(0);
    assert_eq!(target.count("students"), 4);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
}

#[test]
fn item_9_an_older_state_restored_is_noticed_and_read_back() {
    let district = District::new(10);
    let (state, older) = (district.path("target"), district.path("older"));
    let target = kept(&state);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    drop(target);
    copy(&state, &older);
    let target = kept(&state);
    district.students((1..=13).map(student));
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("students"), 13);
    drop(target);
    std::fs::remove_dir_all(&state).unwrap();
    copy(&older, &state);

    let target = kept(&state);
    let stopped = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    let said = &stopped.stderr;
    assert!(
        said.contains("10 records, the ledger knows of 13"),
        "{said}"
    );
    assert!(
        said.contains("a record that was acknowledged is not there"),
        "{said}"
    );
    // A plan is told, and goes on.
    let plan = district
        .fullsync(&target.url(), &["plan", "mini"])
        .expect(0);
    assert!(
        plan.stdout.contains("a run would stop here"),
        "{}",
        plan.stdout
    );

    let rebuilt = district
        .fullsync(&target.url(), &["ledger", "rebuild", "mini", "--json"])
        .expect(0);
    let rebuilt: serde_json::Value = serde_json::from_str(&rebuilt.stdout).unwrap();
    let students = rebuilt
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["resource"] == "students")
        .unwrap();
    assert_eq!(
        (&students["same"], &students["differ"], &students["lost"]),
        (&10.into(), &0.into(), &3.into())
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "created"), 3);
    assert_eq!(district.count("students", "unchanged"), 10);
    assert_eq!(target.count("studentSchoolAssociations"), 13);
}

#[test]
fn item_9_a_lost_ledger_is_read_back_without_the_records_of_others() {
    let (district, target) = (District::new(6), Target::new(&[]));
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    // Two of them become another writer's: not staged, and the ledger is lost.
    district.students((1..=4).map(student));
    std::fs::remove_dir_all(district.path("state/mini/ledger")).unwrap();
    let rebuilt = district
        .fullsync(&target.url(), &["ledger", "rebuild", "mini"])
        .expect(0);
    assert!(
        rebuilt.stdout.contains("4 records of other writers"),
        "{}",
        rebuilt.stdout
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "unchanged"), 4);
    assert_eq!(district.count("students", "sent"), 0);
    assert_eq!(target.count("students"), 6);
}

#[test]
fn item_9_what_the_key_may_not_read_is_said_and_the_run_goes_on() {
    use fullsync::sandbox::edfi::Operation;
    let district = District::new(3);
    let target = Target::with(|options| {
        for name in ["schools", "students", "studentSchoolAssociations"] {
            options.denied.push((name.to_owned(), Operation::Read));
        }
    });
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district.students((1..=4).map(student));
    let second = district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert!(
        second
            .stdout
            .contains("could not be checked for schools (the key may not read it)"),
        "{}",
        second.stdout
    );
    assert_eq!(target.count("students"), 4);
}

#[test]
fn item_9_more_records_than_the_ledger_are_no_alarm() {
    let (district, target) = (District::new(6), Target::new(&[]));
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    // Another writer: the same target, another configuration's ledger.
    let other = District::new(0);
    other.students((101..=103).map(student));
    other.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("students"), 9);
}

#[test]
fn item_9_the_embedded_sandbox_emptied_is_another_target() {
    let district = District::new(5);
    embedded(&district);
    let run = |args: &[&str], code: i32| district.fullsync("", args).expect(code);
    run(&["run", "mini", "--demo"], 0);
    run(&["run", "mini", "schools", "--demo"], 0);
    std::fs::remove_dir_all(district.path("state/sandbox")).unwrap();
    let refused = run(&["run", "mini", "schools", "--demo"], 2);
    assert!(
        refused
            .stderr
            .contains("another target than before: instance"),
        "{}",
        refused.stderr
    );
    run(&["run", "mini", "--demo"], 0);
    assert_eq!(district.count("students", "created"), 5);
    let ledgers = std::fs::read_dir(district.path("state/mini/ledger")).unwrap();
    let origins: Vec<_> = ledgers
        .map(|l| json(&l.unwrap().path().join("2026/target.json")))
        .collect();
    assert_eq!(origins.len(), 2);
    for origin in origins {
        assert_eq!(origin["school_year"], 2026);
        assert_eq!(origin["data_model"], "Ed-Fi 5.2");
        assert!(origin["instance"].is_string() && origin["full"].is_object());
    }
}
