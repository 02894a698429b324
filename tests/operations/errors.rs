//! Item 10: the error log; and E4: who has no Ed-Fi id yet.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{District, Target};

/// A target that is not asked.
const NOBODY: &str = "http://127.0.0.1:1";

/// Named as in the real SIS, so that a run can be narrowed to persons.
const SIS: &str = r#"
[table.Student]
about = "A student and the enrollment."
key = ["personID"]
columns = [
  "personID int", "uniqueID text", "firstName text", "lastName text", "birthDate date",
  "schoolID int", "entryDate date", "grade text",
]

[table.School]
about = "A school."
key = ["schoolID"]
columns = ["schoolID int", "name text"]
"#;

const STUDENTS: &str = "
SELECT uniqueID AS studentUniqueId, firstName, lastName AS lastSurname, birthDate,
    'Student' AS _source_table, cast(personID AS varchar) AS _source_key,
    schoolID AS _school_id, personID AS _person_id,
    CASE WHEN uniqueID IS NULL THEN 'no_edfi_id' END AS _skip
FROM Student";

const ENROLLMENTS: &str = "
SELECT named_struct('studentUniqueId', uniqueID) AS studentReference,
    named_struct('schoolId', schoolID) AS schoolReference, entryDate,
    g.descriptor AS entryGradeLevelDescriptor,
    'Student' AS _source_table, concat(cast(personID AS varchar), '/T1') AS _source_key,
    schoolID AS _school_id, personID AS _person_id,
    unmapped('grade', s.grade, g.descriptor) AS _unmapped,
    CASE WHEN uniqueID IS NULL THEN 'no_edfi_id' END AS _skip
FROM Student s LEFT JOIN xwalk_grade g ON g.code = s.grade";

fn row(i: u32, id: &str, grade: &str) -> String {
    let school = if i > 4 { 255_901_002 } else { 255_901_001 };
    format!("{i},{id},First{i},Last{i},2010-01-02,{school},2025-08-18,{grade}")
}

fn district(rows: impl Iterator<Item = String>) -> District {
    let district = District::new(0);
    district.write("pipelines/sis.toml", SIS);
    district.write("sql/students.sql", STUDENTS);
    district.write("sql/enrollments.sql", ENROLLMENTS);
    let schools = "schoolID,name\n255901001,Grand High\n255901002,Bend High\n";
    district.write("sis/School.csv", schools);
    // One at a time, so that the faults hit the same students each time.
    district.pipeline("concurrency_start = 1\nconcurrency_max = 1");
    students(&district, rows);
    district
}

/// Replaces the students.
fn students(district: &District, rows: impl Iterator<Item = String>) {
    let head = "personID,uniqueID,firstName,lastName,birthDate,schoolID,entryDate,grade";
    let rows: Vec<String> = std::iter::once(head.to_owned()).chain(rows).collect();
    district.write("sis/Student.csv", &format!("{}\n", rows.join("\n")));
}

/// Of six students the target refuses U2 and U5, the grade of U3's and U6's enrollment has no
/// mapping. The enrollments of U2 and U5 are blocked.
fn faulty() -> (District, Target) {
    let grade = |i| if i % 3 == 0 { "XX" } else { "9" };
    let district = district((1..=6).map(|i| row(i, &format!("U{i}"), grade(i))));
    let target = Target::new(&[
        "400:resource=students,method=POST,after=1,limit=1,always",
        "409:resource=students,method=POST,after=3,limit=1,always",
    ]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    (district, target)
}

/// What `errors` lists one by one, in full, through a file.
fn listed(district: &District, args: &[&str]) -> Vec<Value> {
    let out = district.path("listed.json");
    let fixed = ["errors", "mini", "--each", "--format", "json", "--out"];
    let all = [&fixed[..], &[out.to_str().expect("a path")], args].concat();
    district.fullsync(NOBODY, &all).expect(0);
    crate::support::json(&out)
        .as_array()
        .expect("a list")
        .clone()
}

fn keys(records: &[Value]) -> Vec<String> {
    let part = |text: &str| {
        text.split(['=', '&'])
            .find(|p| p.starts_with('U'))
            .map(str::to_owned)
    };
    let mut keys: Vec<String> = records
        .iter()
        .map(|r| {
            let short = if r["resource"] == "students" { "" } else { "e" };
            format!(
                "{short}{}",
                part(r["key"].as_str().unwrap()).unwrap_or_default()
            )
        })
        .collect();
    keys.sort();
    keys
}

#[test]
fn item_10_errors_stand_over_all_runs_with_row_request_and_answer() {
    let (district, target) = faulty();
    // A later run that does not touch the students takes nothing away.
    district
        .fullsync(&target.url(), &["run", "mini", "schools"])
        .expect(0);
    let all = listed(&district, &[]);
    assert_eq!(keys(&all), ["U2", "U5", "eU2", "eU3", "eU5", "eU6"]);
    let of = |key: &str, resource: &str| {
        let found = all.iter().find(|r| {
            r["resource"] == resource && r["key"].as_str().is_some_and(|k| k.contains(key))
        });
        found.unwrap_or_else(|| panic!("{resource} {key}")).clone()
    };
    let refused = of("U2", "students");
    assert_eq!(
        (&refused["outcome"], &refused["status"]),
        (&"failed".into(), &400.into())
    );
    assert_eq!(refused["side"], "target");
    assert_eq!(refused["request"]["method"], "POST");
    assert_eq!(refused["request"]["path"], "/ed-fi/students");
    assert_eq!(refused["request"]["body"]["firstName"], "First2");
    assert!(
        refused["message"].as_str().is_some_and(|m| !m.is_empty()),
        "{refused}"
    );
    assert_eq!(refused["source_row"]["personID"], 2);
    assert_eq!(refused["source_row"]["lastName"], "Last2");
    let rejected = of("U3", "studentSchoolAssociations");
    assert_eq!(
        (&rejected["outcome"], &rejected["side"]),
        (&"rejected".into(), &"ours".into())
    );
    assert!(
        rejected["message"]
            .as_str()
            .is_some_and(|m| m.contains("grade=XX")),
        "{rejected}"
    );
    // The source key has a term behind it: `3/T1` is row 3.
    assert_eq!(rejected["source_row"]["grade"], "XX");
    let blocked = of("U5", "studentSchoolAssociations");
    assert_eq!(blocked["root"], "students studentUniqueId=U5");
    assert!(
        blocked["request"]["body"]["entryDate"].is_string(),
        "{blocked}"
    );

    let mode = std::fs::metadata(district.path("listed.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // Piped, nothing of a person is shown.
    for format in ["table", "csv", "json"] {
        for each in [&["--each"][..], &[]] {
            let args = [&["errors", "mini", "--format", format], each].concat();
            let ran = district.fullsync(NOBODY, &args).expect(0);
            assert!(ran.stdout.contains("unmapped_code"), "{}", ran.stdout);
            for secret in ["U2", "U3", "First", "Last", "grade=XX"] {
                assert!(
                    !ran.stdout.contains(secret),
                    "{format} {secret}: {}",
                    ran.stdout
                );
            }
            assert!(ran.stderr.contains("--out FILE"), "{}", ran.stderr);
        }
    }
    // Delivered at last: it stands no more.
    target.faults(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    assert_eq!(keys(&listed(&district, &[])), ["eU3", "eU6"]);
}

#[test]
fn item_10_errors_are_filtered_by_what_is_known_of_them() {
    let (district, target) = faulty();
    let first = listed(&district, &[])[0]["run"]
        .as_str()
        .expect("a run")
        .to_owned();
    for (args, wanted) in [
        (&["students"][..], &["U2", "U5"][..]),
        (&["--reason", "unmapped_code"], &["eU3", "eU6"]),
        (&["--side", "target"], &["U2", "U5"]),
        (&["--side", "ours"], &["eU2", "eU3", "eU5", "eU6"]),
        (&["--outcome", "blocked"], &["eU2", "eU5"]),
        (&["--status-code", "409"], &["U5"]),
        (&["--status-code", "4xx", "--school", "255901001"], &["U2"]),
        (&["--school", "255901002"], &["U5", "eU5", "eU6"]),
        (&["--school", "bend"], &["U5", "eU5", "eU6"]),
        (&["--school", "255901999"], &[]),
        (&["--person", "2,3"], &["U2", "eU2", "eU3"]),
        (&["--person", "7"], &[]),
        (&["--limit", "1", "students", "--person", "5"], &["U5"]),
    ] {
        assert_eq!(keys(&listed(&district, args)), wanted, "{args:?}");
    }
    // A run's own: what it left, not what stands now.
    target.faults(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    let of_first = listed(&district, &["--run", &first]);
    assert_eq!(keys(&of_first), ["U2", "U5", "eU2", "eU3", "eU5", "eU6"]);
    assert_eq!(
        of_first[0]["person_id"].as_i64().map(|id| id > 0),
        Some(true)
    );
    assert_eq!(
        keys(&listed(&district, &["--run", "latest"])),
        ["eU3", "eU6"]
    );
    // As CSV, in full.
    let out = district.path("errors.csv");
    let args = [
        "errors",
        "mini",
        "--each",
        "--format",
        "csv",
        "--out",
        out.to_str().unwrap(),
    ];
    district.fullsync(NOBODY, &args).expect(0);
    let text = std::fs::read_to_string(&out).expect("the file");
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.starts_with("resource,outcome,reason,side,status,archived"),
        "{text}"
    );
    let ids = ["errors", "mini", "--ids", "person"];
    assert_eq!(district.fullsync(NOBODY, &ids).expect(0).stdout, "3\n6\n");
}

#[test]
fn item_10_errors_retry_sends_what_the_filter_chooses() {
    let (district, target) = faulty();
    target.faults(&[]);
    let retry = |args: &[&str], code| {
        let all = [&["errors", "retry", "mini"], args].concat();
        district.fullsync(&target.url(), &all).expect(code)
    };
    let nothing = retry(&["--status-code", "500"], 0);
    assert!(
        nothing.stdout.contains("nothing to send"),
        "{}",
        nothing.stdout
    );
    retry(&["--status-code", "409"], 0);
    assert_eq!(district.count("students", "created"), 1);
    assert_eq!(keys(&listed(&district, &["students"])), ["U2"]);
    // Both kinds at once: the student first, then the enrollment that it had blocked.
    retry(&["--person", "2"], 1);
    assert_eq!(district.count("students", "created"), 1);
    assert_eq!(district.count("studentSchoolAssociations", "created"), 1);
    assert_eq!(keys(&listed(&district, &[])), ["eU3", "eU5", "eU6"]);
    // A mended mapping takes effect on staged tables.
    district.write(
        "crosswalk/grade.csv",
        "code,descriptor\n9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n\
         XX,uri://ed-fi.org/GradeLevelDescriptor#Tenth grade\n",
    );
    retry(&["--reason", "unmapped_code"], 0);
    assert_eq!(district.count("studentSchoolAssociations", "created"), 2);
    retry(&[], 0);
    assert!(listed(&district, &[]).is_empty());
    assert_eq!(target.count("studentSchoolAssociations"), 6);
}

#[test]
fn item_10_archived_errors_are_out_of_sight_and_stay_due() {
    let (district, target) = faulty();
    let archive = |args: &[&str]| {
        let all = [&["errors", "archive", "mini"], args].concat();
        district.fullsync(NOBODY, &all).expect(0).stdout
    };
    assert!(archive(&["students"]).contains("2 errors archived; they stay due"));
    assert_eq!(keys(&listed(&district, &[])), ["eU2", "eU3", "eU5", "eU6"]);
    assert_eq!(keys(&listed(&district, &["--archived"])), ["U2", "U5"]);
    // They are sent with every run, and are no news when they fail again.
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    assert_eq!(district.count("students", "failed"), 2);
    assert_eq!(district.count("students", "new_errors"), 0);
    assert_eq!(keys(&listed(&district, &["--archived"])), ["U2", "U5"]);
    assert!(archive(&["--undo", "--person", "2"]).contains("1 errors are back"));
    assert_eq!(keys(&listed(&district, &["--archived"])), ["U5"]);
    // Delivered, and refused again later: that is another error.
    target.faults(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    target.faults(&["409:resource=students,method=POST,always"]);
    let again = ["run", "mini", "students", "--resend-all"];
    district.fullsync(&target.url(), &again).expect(1);
    assert!(listed(&district, &["--archived"]).is_empty());
    assert!(keys(&listed(&district, &["students"])).contains(&"U5".to_owned()));
}

#[test]
fn e04_a_person_without_an_id_is_skipped_listed_and_sent_once_the_id_is_there() {
    let ids = ["U1", "", "U3", ""];
    let rows = |ids: [&'static str; 4]| {
        (1..=4)
            .zip(ids)
            .map(|(i, id)| row(i, id, "9"))
            .collect::<Vec<_>>()
    };
    let district = district(rows(ids).into_iter());
    let target = Target::new(&[]);
    // Skipped is no error.
    let first = district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "skipped"), 2, "{}", first.stdout);
    assert_eq!(district.count("students", "errors"), 0);
    assert!(first.stdout.contains("no_edfi_id"), "{}", first.stdout);
    let persons = [
        "errors",
        "mini",
        "--outcome",
        "skipped",
        "--reason",
        "no_edfi_id",
        "--ids",
        "person",
    ];
    assert_eq!(
        district.fullsync(NOBODY, &persons).expect(0).stdout,
        "2\n4\n"
    );
    let file = district.path("persons.txt");
    let to_file = [&persons[..], &["--out", file.to_str().unwrap()]].concat();
    district.fullsync(NOBODY, &to_file).expect(0);
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "2\n4\n");
    // One gets an id: everything of that person is sent, and nothing else.
    students(&district, rows(["U1", "U2", "U3", ""]).into_iter());
    let of_these = ["run", "mini", "--person", "@persons.txt"];
    let ran = district.fullsync(&target.url(), &of_these).expect(0);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(district.count(resource, "created"), 1, "{}", ran.stdout);
        assert_eq!(district.count(resource, "skipped"), 1, "{resource}");
        assert_eq!(target.count(resource), 3, "{resource}");
    }
    // A plain run finds nothing more to send.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "unchanged"), 3);
    assert_eq!(district.fullsync(NOBODY, &persons).expect(0).stdout, "4\n");
}
