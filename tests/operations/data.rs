//! `fullsync validate --data`: what is wrong with the objects, before any is sent.

use std::sync::Arc;

use fullsync::metadata::Standard;
use serde_json::Value;

use crate::support::{District, Target, json};

fn validate(district: &District, url: &str, args: &[&str], code: i32) -> Value {
    let args = [&["validate", "mini", "--data", "--json"], args].concat();
    let ran = district.fullsync(url, &args).expect(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stdout))
}

/// `(resource, what, objects)` of one kind of problem.
fn problems(report: &Value, check: &str) -> Vec<(String, String, u64)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = report["problems"].as_array().unwrap();
    all.iter()
        .filter(|p| p["check"] == check)
        .map(|p| {
            let objects = p["objects"].as_u64().unwrap_or_default();
            (text(&p["resource"]), text(&p["what"]), objects)
        })
        .collect()
}

#[test]
fn item_5_good_objects_have_no_problems_and_nothing_is_sent() {
    let (district, target) = (District::new(20), Target::new(&[]));
    let report = validate(&district, &target.url(), &[], 0);
    assert_eq!(report["objects"], 41);
    assert_eq!(report["problems"], serde_json::json!([]));
    assert_eq!(report["unchecked"], serde_json::json!([]));
    assert_eq!(target.count("students"), 0);
}

#[test]
fn item_5_schema_uniqueness_and_held_parents_are_reported_at_once() {
    let (district, target) = (District::new(0), Target::new(&[]));
    // Local validation is off for runs; that is no reason not to find it here.
    district.pipeline("local_validation = false");
    let long = "x".repeat(80);
    district.students(
        [
            "1,U1,Ann,Ok,2010-01-02,255901001,2025-08-18,9".to_owned(),
            format!("2,U2,Ann,{long},2010-01-02,255901001,2025-08-18,9"),
            "3,U3,Ann,NoBirth,,255901001,2025-08-18,9".to_owned(),
            "4,U4,Ann,BadGrade,2010-01-02,255901001,2025-08-18,X".to_owned(),
            "5,U5,Ann,One,2010-01-02,255901001,2025-08-18,9".to_owned(),
            "6,U5,Ann,Other,2010-01-02,255901001,2025-08-18,9".to_owned(),
        ]
        .into_iter(),
    );
    let report = validate(&district, &target.url(), &[], 1);
    let of = |resource: &str, what: &str, n: u64| (resource.to_owned(), what.to_owned(), n);
    let mut schema = problems(&report, "schema");
    schema.sort();
    assert_eq!(
        schema,
        [
            of("studentSchoolAssociations", "unmapped_code", 1),
            of("students", "missing_required", 1),
            of("students", "too_long", 1),
        ]
    );
    assert_eq!(
        problems(&report, "uniqueness"),
        [of("students", "duplicate_key: 1 keys", 2)]
    );
    assert_eq!(
        problems(&report, "held_parent"),
        [of(
            "studentSchoolAssociations",
            "studentReference leads to 2 held back",
            2
        )]
    );
    // Examples stand in the owner's file only.
    assert!(!report.to_string().contains("U2"), "{report}");
    let file = district.latest().join("validation.json");
    let kept = json(&file);
    let long = kept["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["what"] == "too_long")
        .unwrap();
    assert_eq!(long["examples"][0]["key"], "studentUniqueId=U2");
    assert_eq!(long["examples"][0]["source"], "Student 2");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = district
        .fullsync(
            &target.url(),
            &["validate", "mini", "--data", "--run", "latest"],
        )
        .expect(1);
    assert!(
        text.stdout.contains("5 kinds of problems"),
        "{}",
        text.stdout
    );
    assert!(!text.stdout.contains("U2"), "{}", text.stdout);
}

#[test]
fn item_5_a_descriptor_that_only_the_target_lacks_is_found() {
    let district = District::new(3);
    let target = Target::with(|options| {
        let mut standard = Standard::clone(&Standard::shipped());
        let levels = standard
            .descriptors
            .get_mut("GradeLevelDescriptor")
            .unwrap();
        for values in levels.values_mut() {
            values.retain(|v| v != "Ninth grade");
        }
        options.standard = Arc::new(standard);
    });
    let report = validate(&district, &target.url(), &[], 1);
    let what = "the target has no uri://ed-fi.org/GradeLevelDescriptor#Ninth grade";
    assert_eq!(
        problems(&report, "descriptor"),
        [
            ("schools".to_owned(), what.to_owned(), 1),
            ("studentSchoolAssociations".to_owned(), what.to_owned(), 3),
        ]
    );
    let offline = validate(&district, &target.url(), &["--offline"], 0);
    assert!(
        offline["unchecked"].to_string().contains("offline"),
        "{offline}"
    );
}

#[test]
fn item_5_references_are_followed_into_staging_ledger_and_target() {
    let (district, target) = (District::new(2), Target::new(&[]));
    // Another writer's school is at the target only.
    let other = District::new(0);
    other.write("sis/School.csv", "schoolID,name\n255901777,Other High\n");
    other.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district.students(
        [
            "1,U1,Ann,A,2010-01-02,255901001,2025-08-18,9",
            "2,U2,Ann,B,2010-01-02,255901777,2025-08-18,9",
            "3,U3,Ann,C,2010-01-02,999,2025-08-18,9",
            "4,U4,Ann,D,2010-01-02,999,2025-08-18,9",
        ]
        .map(str::to_owned)
        .into_iter(),
    );
    let nowhere = |report: &Value| problems(report, "reference");
    let wanted = (
        "studentSchoolAssociations".to_owned(),
        "schoolReference leads nowhere: 1 objects".to_owned(),
        2,
    );
    let report = validate(&district, &target.url(), &[], 1);
    assert_eq!(nowhere(&report), std::slice::from_ref(&wanted));
    let kept = json(&district.latest().join("validation.json"));
    assert!(kept.to_string().contains("schools schoolId=999"), "{kept}");

    // Of a part, the ledger knows the rest.
    let part = ["studentSchoolAssociations"];
    let report = validate(&district, &target.url(), &part, 1);
    assert_eq!(
        nowhere(&report).len(),
        2,
        "nothing is acknowledged yet: {report}"
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    let report = validate(&district, &target.url(), &part, 1);
    assert_eq!(nowhere(&report), [wanted]);
}

#[test]
fn item_5_the_objects_are_those_of_a_run_with_the_same_choice_and_schools() {
    let (district, target) = (District::new(3), Target::new(&[]));
    district.write(
        "sis/School.csv",
        "schoolID,name\n255901001,Grand High\n255901002,Little High\n",
    );
    let schools = std::fs::read_to_string(district.path("sql/schools.sql")).unwrap();
    let schools = schools.replacen("'School' AS", "schoolID AS _school_id, 'School' AS", 1);
    district.write("sql/schools.sql", &schools);
    let objects = |args: &[&str]| validate(&district, &target.url(), args, 0)["objects"].clone();
    assert_eq!(objects(&["--except", "student*"]), 2);
    assert_eq!(objects(&["--except", "student*", "--school", "little"]), 1);
    let refused = district.fullsync(&target.url(), &["validate", "mini", "--school", "little"]);
    assert!(refused.expect(2).stderr.contains("--data"));
}
