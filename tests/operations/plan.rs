//! `fullsync plan`: what a run would do, before it is started.

use serde_json::Value;

use crate::support::{District, Target, json};

fn plan(district: &District, target: &Target, args: &[&str]) -> Value {
    let args = [&["plan", "mini", "--json"], args].concat();
    let ran = district.fullsync(&target.url(), &args).expect(0);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stdout))
}

fn of(plan: &Value, resource: &str, name: &str) -> u64 {
    let resources = plan["resources"].as_array().unwrap();
    let found = resources.iter().find(|r| r["resource"] == resource);
    found.unwrap_or_else(|| panic!("no {resource} in {plan:#}"))[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name} in {plan:#}"))
}

/// Five students: three to be sent, one without an id, one with a code that has no mapping.
fn mixed() -> District {
    let district = District::new(0);
    district.students(
        [
            "1,U1,Ann,A,2010-01-02,255901001,2025-08-18,9",
            "2,U2,Ann,B,2010-01-02,255901001,2025-08-18,9",
            "3,U3,Ann,C,2010-01-02,255901001,2025-08-18,9",
            "4,,Ann,D,2010-01-02,255901001,2025-08-18,9",
            "5,U5,Ann,E,2010-01-02,255901001,2025-08-18,X",
        ]
        .map(str::to_owned)
        .into_iter(),
    );
    district
}

#[test]
fn e33_a_plan_sends_nothing_and_the_start_does_what_it_said() {
    let (district, target) = (mixed(), Target::new(&[]));
    let first = plan(&district, &target, &[]);
    assert_eq!(target.count("schools") + target.count("students"), 0);
    assert_eq!(of(&first, "students", "create"), 4);
    assert_eq!(of(&first, "students", "skip"), 1);
    assert_eq!(of(&first, "studentSchoolAssociations", "create"), 3);
    assert_eq!(of(&first, "studentSchoolAssociations", "reject"), 1);
    assert_eq!(first["total"]["requests"], 8);
    assert_eq!(first["rates_of"], serde_json::json!([]));
    assert_eq!(first["assumed_ms"], 100);
    assert_eq!(json(&district.latest().join("plan.json")), first);
    let text = district
        .fullsync(&target.url(), &["plan", "mini"])
        .expect(0);
    for said in [
        "nothing was sent",
        "8 would be created",
        "start it with: fullsync run mini",
    ] {
        assert!(text.stdout.contains(said), "{said} in {}", text.stdout);
    }

    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    for resource in ["schools", "students", "studentSchoolAssociations"] {
        for (planned, done) in [
            ("create", "created"),
            ("reject", "rejected"),
            ("skip", "skipped"),
        ] {
            let (planned, done) = (
                of(&first, resource, planned),
                district.count(resource, done),
            );
            assert_eq!(planned, done, "{resource}");
        }
    }
}

#[test]
fn item_5_a_plan_tells_updates_from_what_is_left_and_times_it_by_earlier_runs() {
    let district = District::new(60);
    let target = Target::new(&["slow:ms=10,every=1,always"]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let run = district.tallies()["run"].clone();
    target.faults(&[]);
    let mut rows: Vec<String> = (2..=61)
        .map(|i| format!("{i},U{i:06},First{i},Last{i},2010-01-02,255901001,2025-08-18,9"))
        .collect();
    rows[0] = "2,U000002,First2,Married,2010-01-02,255901001,2025-08-18,9".to_owned();
    district.students(rows.into_iter());
    let next = plan(&district, &target, &[]);
    assert_eq!(of(&next, "students", "create"), 1);
    assert_eq!(of(&next, "students", "update"), 1);
    assert_eq!(of(&next, "students", "leave"), 58);
    assert_eq!(of(&next, "studentSchoolAssociations", "create"), 1);
    // The first student has left, with the enrollment.
    assert_eq!(of(&next, "students", "delete"), 1);
    assert_eq!(next["total"]["delete"], 2);
    assert_eq!(next["total"]["requests"], 5);
    assert_eq!(next["rates_of"], Value::Array(vec![run]));
    assert!(next.get("assumed_ms").is_none());
    let again = plan(&district, &target, &["--resend-all"]);
    assert_eq!(of(&again, "students", "again"), 58);
    assert!(
        again["total"]["ms"].as_u64() > next["total"]["ms"].as_u64(),
        "{again:#}"
    );

    // A dry run says the same, of fresh data.
    let dry = district
        .fullsync(&target.url(), &["run", "mini", "--dry-run"])
        .expect(0);
    assert!(
        dry.stdout
            .contains("2 would be created, 1 would be updated, 2 would be deleted"),
        "{}",
        dry.stdout
    );
    assert_eq!(
        json(&district.latest().join("plan.json"))["total"],
        next["total"]
    );
    assert_eq!(target.count("students"), 60);
}

#[test]
fn item_5_a_plan_of_a_part_looks_up_parents_outside_of_it() {
    let (district, target) = (District::new(0), Target::new(&[]));
    district.students(
        [
            "1,U1,Ann,A,2010-01-02,255901001,2025-08-18,9",
            "2,U2,Ann,B,2010-01-02,999,2025-08-18,9",
        ]
        .map(str::to_owned)
        .into_iter(),
    );
    let alone = &["studentSchoolAssociations"];
    let notes = |plan: &Value| plan["notes"].to_string();
    let before = notes(&plan(&district, &target, alone));
    assert!(
        before.contains("2 objects have a studentReference to 2 objects"),
        "{before}"
    );
    assert!(
        before.contains("2 objects have a schoolReference to 2 objects"),
        "{before}"
    );
    assert!(before.contains("a run would stop here"), "{before}");
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    let after = notes(&plan(&district, &target, alone));
    assert!(
        after.contains("1 objects have a schoolReference to 1 objects"),
        "{after}"
    );
    assert!(!after.contains("studentReference"), "{after}");
    assert_eq!(notes(&plan(&district, &target, &[])), "[]");
}

#[test]
fn e33_the_objects_of_two_runs_are_compared_key_by_key() {
    let (district, target) = (District::new(4), Target::new(&[]));
    let extract = |what: &str| {
        district
            .fullsync(&target.url(), &["transform", "mini", what])
            .expect(0);
        let latest = std::fs::canonicalize(district.latest()).unwrap();
        latest.file_name().unwrap().to_string_lossy().into_owned()
    };
    let first = extract("students");
    let row =
        |i: u32, name: &str| format!("{i},U{i},{name},Last{i},2010-01-02,255901001,2025-08-18,9");
    let text = std::fs::read_to_string(district.path("sis/Student.csv")).unwrap();
    let kept: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    let changed = kept[1].replace("First2", "Renamed");
    district.students([kept[0].clone(), changed, kept[2].clone(), row(9, "New")].into_iter());
    extract("students");
    let diff = ["diff", "mini", "students", "--from", &first, "--keys"];
    let said = district.fullsync(&target.url(), &diff).expect(0).stdout;
    assert_eq!(
        said,
        "students: 1 added, 1 changed, 1 gone, 2 equal\n  \
         + studentUniqueId=U9\n  ~ studentUniqueId=U000002\n  - studentUniqueId=U000004\n"
    );
}
