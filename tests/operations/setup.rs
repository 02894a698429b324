//! `fullsync check`: connection, ids, mappings.

use fullsync::sandbox::edfi::Operation;
use serde_json::Value;

use crate::support::{District, Target};

/// An address where nobody answers: ids and mappings do not ask the target.
const NOBODY: &str = "http://127.0.0.1:9/";

fn report(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Students, staff and contacts of one table; persons 2 and 4 have no id.
fn people() -> District {
    let district = District::new(0);
    district.students(
        [
            "1,U1,Ann,Zebra,2010-01-02,255901001,2025-08-18,9",
            "2,,Bob,Yak,2010-01-02,255901001,2025-08-18,9",
            "3,U3,Cyd,Xerus,2010-01-02,255901001,2025-08-18,9",
            "4,,Dee,Wolf,2010-01-02,255901001,2025-08-18,9",
        ]
        .map(str::to_owned)
        .into_iter(),
    );
    for (resource, prefix, wanted) in [
        ("students", "student", "studentID > 0"),
        ("staffs", "staff", "studentID > 2"),
        ("contacts", "contact", "studentID < 3"),
    ] {
        let birth = if resource == "contacts" {
            ""
        } else {
            "birthDate,"
        };
        district.write(
            &format!("sql/{resource}.sql"),
            &format!(
                "SELECT uniqueID AS {prefix}UniqueId, firstName, lastName AS lastSurname, {birth}
                'Student' AS _source_table, cast(studentID AS varchar) AS _source_key,
                studentID AS _person_id,
                CASE WHEN uniqueID IS NULL THEN 'no_edfi_id' END AS _skip
                FROM Student WHERE {wanted}"
            ),
        );
    }
    let pipeline = std::fs::read_to_string(district.path("pipelines/mini.toml")).unwrap();
    district.write(
        "pipelines/mini.toml",
        &format!(
            "{pipeline}\n[resources.staffs]\nsql = \"staffs.sql\"\n\n[resources.contacts]\n\
             sql = \"contacts.sql\"\n\n[settings]\nstudent_unique_id = \"edfi_id\"\n"
        ),
    );
    district
}

#[test]
fn e11_the_connection_is_tested_and_the_rights_of_the_key_are_known_before_a_load() {
    let district = District::new(1);
    let good = Target::new(&[]);
    let checked = district
        .fullsync(&good.url(), &["check", "connection", "mini"])
        .expect(0);
    assert!(
        checked.stdout.contains("data models Ed-Fi 5.2.0"),
        "{}",
        checked.stdout
    );
    assert!(
        checked
            .stdout
            .contains("GET /ed-fi/schools was answered: 0 records")
    );
    assert!(
        checked.stdout.trim_end().ends_with("\nin order"),
        "{}",
        checked.stdout
    );
    assert!(
        !district.path("state/mini/runs").exists(),
        "nothing is read for it"
    );

    let poor = Target::with(|options| {
        options.denied = vec![
            ("students".to_owned(), Operation::Create),
            ("schools".to_owned(), Operation::Delete),
        ];
    });
    let checked = district
        .fullsync(&poor.url(), &["check", "connection", "mini", "--json"])
        .expect(1);
    let found = report(&checked.stdout);
    assert_eq!(found["ok"], false);
    assert_eq!(
        found["connection"]["rights"],
        serde_json::json!([
            {"resource": "schools", "missing": ["delete"], "blocks": false},
            {"resource": "students", "missing": ["create"], "blocks": true},
        ])
    );
    let text = district
        .fullsync(&poor.url(), &["check", "all", "mini"])
        .expect(1);
    assert!(
        text.stdout
            .contains("students: the key lacks create; a load will be refused (403)"),
        "{}",
        text.stdout
    );

    let wrong = Target::with(|options| options.secret = "other".to_owned());
    let checked = district
        .fullsync(&wrong.url(), &["check", "connection", "mini"])
        .expect(1);
    assert!(checked.stdout.contains("PROBLEM"), "{}", checked.stdout);
    let nobody = district
        .fullsync(NOBODY, &["check", "connection", "mini", "--json"])
        .expect(1);
    let problem = report(&nobody.stdout)["connection"]["problems"][0].to_string();
    assert!(problem.contains("cannot reach"), "{problem}");
}

#[test]
fn e12_e13_what_is_checked_is_what_a_run_would_see() {
    let district = people();
    for (file, from, to) in [
        ("pipelines/sis.toml", "school int", "schoolID int"),
        ("sis/Student.csv", ",school,", ",schoolID,"),
        (
            "sis/Student.csv",
            "Wolf,2010-01-02,255901001",
            "Wolf,2010-01-02,255901002",
        ),
        (
            "sis/School.csv",
            "Grand High\n",
            "Grand High\n255901002,Little High\n",
        ),
        (
            "sql/enrollments.sql",
            "'schoolId', school)",
            "'schoolId', schoolID)",
        ),
    ] {
        let text = std::fs::read_to_string(district.path(file)).unwrap();
        assert!(text.contains(from), "{file}: {text}");
        district.write(file, &text.replace(from, to));
    }
    let without = |args: &[&str]| {
        let args = [&["check", "ids", "mini", "--list"], args].concat();
        district.fullsync(NOBODY, &args).stdout
    };
    assert_eq!(without(&[]), "2\n4\n");
    assert_eq!(without(&["--school", "little"]), "4\n");
    assert_eq!(without(&["--school", "grand"]), "2\n");
    assert_eq!(without(&["--except", "students,contacts"]), "4\n");
}

#[test]
fn e12_persons_without_an_id_are_counted_by_kind_and_listed_on_demand() {
    let district = people();
    let checked = district
        .fullsync(NOBODY, &["check", "ids", "mini"])
        .expect(1);
    let said = &checked.stdout;
    for line in [
        "ids: 2 persons without an id",
        "student_unique_id = edfi_id",
        "student  students",
        "staff    staffs",
        "contact  contacts",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    for name in ["Bob", "Yak", "Dee", "Wolf"] {
        assert!(!said.contains(name), "{said}");
    }
    let found = district
        .fullsync(NOBODY, &["check", "ids", "mini", "--json"])
        .expect(1);
    let found = report(&found.stdout);
    let persons: Vec<(&Value, &Value)> = found["ids"]["without"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|w| w["kind"] != "other")
        .map(|w| (&w["kind"], &w["persons"]))
        .collect();
    let (student, staff, contact) = ("student".into(), "staff".into(), "contact".into());
    let (one, two) = (1.into(), 2.into());
    assert_eq!(persons.len(), 3);
    for wanted in [(&student, &two), (&staff, &one), (&contact, &one)] {
        assert!(persons.contains(&wanted), "{persons:?}");
    }
    assert!(found.to_string().len() < 2000 && !found.to_string().contains("list"));

    let list = district
        .fullsync(NOBODY, &["check", "ids", "mini", "--list"])
        .expect(1);
    assert_eq!(list.stdout, "2\n4\n");
    district
        .fullsync(
            NOBODY,
            &["check", "ids", "mini", "staffs", "--list=no-id.txt"],
        )
        .expect(1);
    let file = std::fs::read_to_string(district.path("no-id.txt")).unwrap();
    assert_eq!(file, "4\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(district.path("no-id.txt"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // With ids for all of them it is in order.
    district.students(["1,U1,Ann,Zebra,2010-01-02,255901001,2025-08-18,9".to_owned()].into_iter());
    district
        .fullsync(NOBODY, &["check", "ids", "mini"])
        .expect(0);
}

#[test]
fn e13_codes_in_use_without_a_mapping_are_listed_crosswalk_by_crosswalk() {
    let district = District::new(0);
    district.students(
        [
            "1,U1,Ann,A,2010-01-02,255901001,2025-08-18,9",
            "2,U2,Ann,B,2010-01-02,255901001,2025-08-18,8",
            "3,U3,Ann,C,2010-01-02,255901001,2025-08-18,8",
            "4,,Ann,D,2010-01-02,255901001,2025-08-18,8",
            "5,U5,Ann,E,2010-01-02,255901001,2025-08-18,7",
        ]
        .map(str::to_owned)
        .into_iter(),
    );
    // An optional one: the mapping goes on without it.
    district.write("crosswalk/level.csv", "code,name\n9,Senior\n");
    district.write(
        "sql/schools.sql",
        "SELECT schoolID AS schoolId, name AS nameOfInstitution,
            make_array(named_struct('gradeLevelDescriptor',
                'uri://ed-fi.org/GradeLevelDescriptor#Ninth grade')) AS gradeLevels,
            make_array(named_struct('educationOrganizationCategoryDescriptor',
                'uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School'))
                AS educationOrganizationCategories,
            'School' AS _source_table, cast(schoolID AS varchar) AS _source_key
        FROM School
        WHERE schoolID IN (SELECT st.school FROM Student st JOIN xwalk_level l
            ON l.code = trim(st.grade))",
    );
    let checked = district
        .fullsync(NOBODY, &["check", "mappings", "mini", "--json"])
        .expect(1);
    let found = report(&checked.stdout);
    let codes = found["mappings"]["codes"].as_array().unwrap();
    let one = |crosswalk: &str, code: &str| {
        codes
            .iter()
            .find(|c| c["crosswalk"] == crosswalk && c["code"] == code)
            .unwrap_or_else(|| panic!("{crosswalk} {code} in {codes:?}"))
    };
    let eight = one("grade", "8");
    assert_eq!(
        (&eight["effect"], &eight["rows"], &eight["left_out"]),
        (&"rejects".into(), &3.into(), &1.into())
    );
    assert_eq!(eight["resources"]["studentSchoolAssociations"], 3);
    assert_eq!(one("grade", "7")["rows"], 1);
    let text = district
        .fullsync(NOBODY, &["check", "mappings", "mini"])
        .expect(1);
    assert!(
        text.stdout
            .contains("grade: \"8\" rejects 3 rows (studentSchoolAssociations 3)"),
        "{}",
        text.stdout
    );

    // Only optional ones are left: in order.
    district.write(
        "crosswalk/grade.csv",
        "code,descriptor\n9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n\
         8,uri://ed-fi.org/GradeLevelDescriptor#Eighth grade\n\
         7,uri://ed-fi.org/GradeLevelDescriptor#Seventh grade\n",
    );
    district.write(
        "sql/schools.sql",
        &std::fs::read_to_string(district.path("sql/schools.sql"))
            .unwrap()
            .replace(
                "FROM School\n        WHERE schoolID IN (SELECT st.school FROM Student st JOIN xwalk_level l\n            ON l.code = trim(st.grade))",
                "FROM School JOIN (SELECT DISTINCT st.school FROM Student st JOIN xwalk_level l\n            ON l.code = trim(st.grade)) g ON g.school = schoolID",
            ),
    );
    let optional = district
        .fullsync(NOBODY, &["check", "mappings", "mini", "--json"])
        .expect(0);
    let found = report(&optional.stdout);
    let codes = found["mappings"]["codes"].as_array().unwrap();
    assert_eq!(codes.len(), 2, "{codes:?}");
    assert!(
        codes
            .iter()
            .all(|c| c["effect"] == "optional" && c["crosswalk"] == "level")
    );
    assert!(codes.iter().any(|c| c["code"] == "8" && c["rows"] == 3));
}

#[test]
fn item_5_checks_use_the_tables_of_an_earlier_run_where_asked() {
    let (district, target) = (District::new(2), Target::new(&[]));
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let record = district.tallies();
    std::fs::remove_file(district.path("sis/Student.csv")).unwrap();
    district
        .fullsync(NOBODY, &["check", "mappings", "mini", "--run", "latest"])
        .expect(0);
    let args = ["validate", "mini", "--data", "--run", "latest"];
    district.fullsync(&target.url(), &args).expect(0);
    assert_eq!(district.tallies(), record, "the record of the run stays");
    district
        .fullsync(NOBODY, &["check", "mappings", "mini"])
        .expect(2);
}
