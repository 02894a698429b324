//! Deletes of a plain run: what is gone, what is not, in which order, and what the guard holds.

use crate::support::{District, Ran, Target, json};

const STUDENTS: usize = 40;

/// Enrollments in two schools, with the SIS ids that scopes use.
pub fn district(students: usize) -> District {
    let district = District::new(students);
    let sql = |name: &str| std::fs::read_to_string(district.path(name)).unwrap();
    let people = sql("sql/students.sql").replace(
        "cast(studentID AS varchar) AS _source_key,",
        "cast(studentID AS varchar) AS _source_key, studentID AS _person_id,",
    );
    district.write("sql/students.sql", &people);
    let enrollments = sql("sql/enrollments.sql").replace(
        "cast(studentID AS varchar) AS _source_key,",
        "cast(studentID AS varchar) AS _source_key, studentID AS _person_id, school AS _school_id,",
    );
    district.write("sql/enrollments.sql", &enrollments);
    let schools = sql("sql/schools.sql").replace(
        "cast(schoolID AS varchar) AS _source_key",
        "cast(schoolID AS varchar) AS _source_key, schoolID AS _school_id",
    );
    district.write("sql/schools.sql", &schools);
    district
}

/// The row of a student.
pub fn student(i: usize) -> String {
    format!("{i},U{i:06},First{i},Last{i},2010-01-02,255901001,2025-08-18,9")
}

fn loaded() -> (District, Target) {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    run(&district, &target).expect(0);
    (district, target)
}

fn run(district: &District, target: &Target) -> Ran {
    district.fullsync(&target.url(), &["run", "mini"])
}

/// One number of a resource's deletes in the newest run.
pub fn deletes(district: &District, resource: &str, name: &str) -> u64 {
    let tallies = district.tallies();
    let all = tallies["resources"].as_array().unwrap();
    let found = all.iter().find(|r| r["resource"] == resource).unwrap();
    found["deletes"][name].as_u64().unwrap()
}

fn counts(target: &Target) -> [u64; 2] {
    ["students", "studentSchoolAssociations"].map(|resource| target.count(resource))
}

#[test]
fn item_7_what_is_gone_is_deleted_dependants_first() {
    let (district, target) = loaded();
    district.students((3..=STUDENTS).map(student));
    let ran = run(&district, &target).expect(0);
    assert_eq!(counts(&target), [38, 38], "{}", ran.stdout);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(deletes(&district, resource, "due"), 2);
        assert_eq!(deletes(&district, resource, "deleted"), 2);
    }
    assert!(
        ran.stdout.contains("deletes: 4 due = 4 deleted"),
        "{}",
        ran.stdout
    );
    // And the ledger knows.
    run(&district, &target).expect(0);
    assert_eq!(deletes(&district, "students", "due"), 0);
    district.students((1..=STUDENTS).map(student));
    run(&district, &target).expect(0);
    assert_eq!(district.count("students", "created"), 2);
    assert_eq!(counts(&target), [40, 40]);
}

#[test]
fn item_7_a_rejected_or_skipped_object_keeps_what_was_sent() {
    let (district, target) = loaded();
    district.students((1..=STUDENTS).map(|i| match i {
        // No id any more: skipped. An unmapped grade: rejected, under another key (the date).
        1 => student(1).replace("U000001", ""),
        2 => student(2).replace("2025-08-18,9", "2025-08-19,8"),
        i => student(i),
    }));
    let ran = run(&district, &target).expect(1);
    assert_eq!(counts(&target), [40, 40], "{}", ran.stdout);
    assert_eq!(deletes(&district, "studentSchoolAssociations", "due"), 0);
    assert!(ran.stdout.contains("are gone and stay"), "{}", ran.stdout);
}

#[test]
fn item_7_a_row_that_the_mapping_leaves_out_stays_unless_told() {
    let (district, target) = loaded();
    let sql = std::fs::read_to_string(district.path("sql/enrollments.sql")).unwrap();
    district.write("sql/enrollments.sql", &format!("{sql} WHERE studentID > 2"));
    let ran = run(&district, &target).expect(0);
    assert_eq!(counts(&target), [40, 40]);
    assert!(
        ran.stdout
            .contains("2 of studentSchoolAssociations are gone and stay"),
        "{}",
        ran.stdout
    );
    district.pipeline("[deletes]\nleft_out = \"delete\"");
    run(&district, &target).expect(0);
    assert_eq!(counts(&target), [40, 38]);
}

#[test]
fn item_7_unreadable_rows_stop_the_deletes_they_may_explain() {
    let (district, target) = loaded();
    // Row 1 is gone; of row 2 nothing is known but that it is there.
    let rows = (2..=STUDENTS).map(|i| match i {
        2 => student(2).replacen('2', "", 1),
        i => student(i),
    });
    district.students(rows);
    let ran = run(&district, &target).expect(0);
    assert_eq!(counts(&target), [40, 40], "{}", ran.stdout);
    assert!(ran.stdout.contains("could not be read"), "{}", ran.stdout);
    // With its key it speaks for itself only.
    let rows = (2..=STUDENTS).map(|i| match i {
        2 => student(2).replace("2010-01-02", "second of January"),
        i => student(i),
    });
    district.students(rows);
    run(&district, &target).expect(0);
    assert_eq!(counts(&target), [39, 39]);
    // Mended, it has lost nothing.
    district.students((2..=STUDENTS).map(student));
    run(&district, &target).expect(0);
    assert_eq!(district.count("students", "unchanged"), 39);
}

#[test]
fn item_7_the_guard_holds_many_deletes_back_until_consent() {
    let (district, target) = loaded();
    district.students((21..=STUDENTS).map(student));
    let ran = run(&district, &target).expect(1);
    assert_eq!(counts(&target), [40, 40]);
    assert_eq!(deletes(&district, "studentSchoolAssociations", "held"), 20);
    assert!(ran.stdout.contains("more than 10%"), "{}", ran.stdout);
    // A plan lists them, and sends nothing.
    let plan = district.fullsync(
        &target.url(),
        &["run", "mini", "--dry-run", "--max-deletes", "20"],
    );
    let plan = plan.expect(0);
    assert!(
        plan.stdout.contains("40 would be deleted"),
        "{}",
        plan.stdout
    );
    assert!(district.latest().join("deletes/students.parquet").exists());
    assert_eq!(counts(&target), [40, 40]);
    let too_few = ["run", "mini", "--max-deletes", "19"];
    district.fullsync(&target.url(), &too_few).expect(1);
    assert_eq!(counts(&target), [40, 40]);
    let share = ["run", "mini", "--max-deletes", "50%"];
    district.fullsync(&target.url(), &share).expect(0);
    assert_eq!(counts(&target), [20, 20]);
    district.students((33..=STUDENTS).map(student));
    district
        .fullsync(&target.url(), &["run", "mini", "--yes"])
        .expect(0);
    assert_eq!(counts(&target), [8, 8]);
}

#[test]
fn item_7_deletes_can_be_switched_off() {
    let (district, target) = loaded();
    district.pipeline("[deletes]\nenabled = false");
    district.students((3..=STUDENTS).map(student));
    let ran = run(&district, &target).expect(0);
    assert_eq!(counts(&target), [40, 40]);
    assert!(ran.stdout.contains("nothing is deleted"), "{}", ran.stdout);
}

#[test]
fn item_7_404_is_a_success_and_403_on_a_shared_person_is_kept() {
    let (district, target) = loaded();
    district.students((3..=STUDENTS).map(student));
    target.faults(&[
        "404:method=DELETE,resource=studentSchoolAssociations,always,limit=1",
        "403:method=DELETE,resource=students,always",
    ]);
    let ran = run(&district, &target).expect(0);
    assert_eq!(
        deletes(&district, "students", "refused"),
        2,
        "{}",
        ran.stdout
    );
    assert_eq!(
        deletes(&district, "studentSchoolAssociations", "already_gone"),
        1
    );
    assert_eq!(
        deletes(&district, "studentSchoolAssociations", "deleted"),
        1
    );
    assert!(ran.stdout.contains("kept_shared"), "{}", ran.stdout);
    // It is not asked for again every night.
    target.faults(&[]);
    run(&district, &target).expect(0);
    assert_eq!(deletes(&district, "students", "due"), 0);
    // Whoever comes back is known.
    district.students((2..=STUDENTS).map(student));
    run(&district, &target).expect(0);
    assert_eq!(district.count("students", "unchanged"), 39);
}

#[test]
fn item_7_a_failed_delete_is_an_error_and_stays_due() {
    let (district, target) = loaded();
    district.students((3..=STUDENTS).map(student));
    target.faults(&["400:method=DELETE,resource=studentSchoolAssociations,every=2,always"]);
    run(&district, &target).expect(1);
    assert_eq!(deletes(&district, "studentSchoolAssociations", "failed"), 1);
    assert_eq!(
        deletes(&district, "studentSchoolAssociations", "deleted"),
        1
    );
    // Its student is still needed there: no failure of its own.
    assert_eq!(deletes(&district, "students", "refused"), 1);
    target.faults(&[
        "503:method=DELETE,times=1,retry-after=0s",
        "reset-after-commit:method=DELETE,after=1,times=1",
    ]);
    run(&district, &target).expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), 38);
}

#[test]
fn item_7_a_district_wide_object_stays_when_a_school_is_named() {
    let (district, target) = loaded();
    district.students((3..=STUDENTS).map(student));
    let only = ["run", "mini", "--school", "255901001"];
    district.fullsync(&target.url(), &only).expect(0);
    assert_eq!(counts(&target), [40, 38]);
}

#[test]
fn item_7_results_hold_every_delete_once() {
    let (district, target) = loaded();
    district.students((3..=STUDENTS).map(student));
    run(&district, &target).expect(0);
    let tallies = json(&district.latest().join("tallies.json"));
    assert_eq!(tallies["mismatches"].as_array().map(Vec::len), Some(0));
    let deleted: Vec<_> = results(&district, "students")
        .into_iter()
        .filter(|(_, operation, _)| operation == "delete")
        .map(|(key, _, outcome)| (key, outcome))
        .collect();
    let wanted =
        ["U000001", "U000002"].map(|id| (format!("studentUniqueId={id}"), "deleted".to_owned()));
    assert_eq!(deleted, wanted);
    assert_eq!(results(&district, "students").len(), STUDENTS);
}

/// Key, operation and outcome of each row of a results file of the newest run, sorted.
pub fn results(district: &District, resource: &str) -> Vec<(String, String, String)> {
    use arrow::array::AsArray as _;
    let path = district
        .latest()
        .join(format!("results/{resource}.parquet"));
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let mut rows = Vec::new();
    for batch in reader.unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let texts = ["_key", "operation", "outcome"].map(|name| {
            let column = batch.column_by_name(name).unwrap();
            arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap()
        });
        let [key, operation, outcome] = texts.each_ref().map(|text| text.as_string::<i32>());
        rows.extend((0..batch.num_rows()).map(|i| {
            let text = |column: &arrow::array::StringArray| column.value(i).to_owned();
            (text(key), text(operation), text(outcome))
        }));
    }
    rows.sort();
    rows
}
