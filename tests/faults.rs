//! What loaders get wrong: every fault that made one of our peers lose or repeat records, with
//! exact tallies on both sides.

use crate::support::{District, Target};

const STUDENTS: usize = 400;

/// Runs once under a fault, asserts the tallies, then again without it: nothing may be missing.
struct Case<'a> {
    fault: &'a str,
    created: u64,
    failed: u64,
    reason: &'a str,
    code: i32,
}

#[track_caller]
fn play(case: &Case<'_>) -> (District, Target) {
    let district = District::new(STUDENTS);
    let target = Target::new(&[case.fault]);
    let first = district.fullsync(
        &target.url(),
        &["run", "mini", "schools", "students", "--allow-partial"],
    );
    let first = first.expect(case.code);
    assert_eq!(
        district.count("students", "created"),
        case.created,
        "{}",
        first.stdout
    );
    assert_eq!(
        district.count("students", "failed"),
        case.failed,
        "{}",
        first.stdout
    );
    assert_eq!(target.count("students"), case.created);
    if case.failed > 0 {
        assert!(
            first.stdout.contains(case.reason),
            "{} in {}",
            case.reason,
            first.stdout
        );
    }
    target.faults(&[]);
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "schools", "students", "--allow-partial"],
        )
        .expect(0);
    assert_eq!(district.count("students", "created"), case.failed);
    assert_eq!(district.count("students", "unchanged"), case.created);
    assert_eq!(target.count("students"), STUDENTS as u64);
    (district, target)
}

fn all_arrive(fault: &str) {
    play(&Case {
        fault,
        created: 400,
        failed: 0,
        reason: "",
        code: 0,
    });
}

fn some_fail(fault: &str, failed: u64, reason: &str) {
    play(&Case {
        fault,
        created: 400 - failed,
        failed,
        reason,
        code: 1,
    });
}

#[test]
fn a_429_once_per_tenth_record_is_retried() {
    all_arrive("429:resource=students,every=10,times=1,retry-after=0s");
}

#[test]
fn a_409_once_per_tenth_record_is_parked_and_sent_again() {
    all_arrive("409:resource=students,every=10,times=1");
}

#[test]
fn a_409_for_good_fails_and_stays_due() {
    some_fail(
        "409:resource=students,every=10,always",
        40,
        "unresolved_reference",
    );
}

#[test]
fn a_403_once_per_tenth_record_is_deferred_and_sent_again() {
    all_arrive("403:resource=students,every=10,times=1");
}

#[test]
fn a_403_for_good_fails_and_stays_due() {
    some_fail(
        "403:resource=students,every=10,always",
        40,
        "no_relationship",
    );
}

#[test]
fn a_400_fails_and_stays_due() {
    some_fail(
        "400:resource=students,every=10,always",
        40,
        "validation_failed",
    );
}

#[test]
fn a_503_once_per_tenth_record_is_retried() {
    all_arrive("503:resource=students,every=10,times=1");
}

#[test]
fn a_500_for_ever_on_ten_records_fails_those_ten() {
    some_fail("500:resource=students,every=40,always", 10, "server_error");
}

#[test]
fn a_dropped_connection_is_retried() {
    all_arrive("reset:resource=students,every=10,times=1");
}

#[test]
fn a_connection_dropped_after_the_record_was_stored_repeats_nothing() {
    let district = District::new(STUDENTS);
    let target = Target::new(&["reset-after-commit:resource=students,every=10,times=1"]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let sent = district.count("students", "created") + district.count("students", "updated");
    assert_eq!((sent, target.count("students")), (400, 400));
}

#[test]
fn an_html_error_page_fails_with_its_words() {
    some_fail(
        "502:body=html,resource=students,every=100,always",
        4,
        "unavailable",
    );
}

#[test]
fn an_empty_409_and_an_empty_500_are_retried() {
    all_arrive("empty-conflict:resource=students,every=10,times=1");
}

#[test]
fn a_truncated_answer_counts_by_its_status() {
    all_arrive("truncated:resource=students,every=10,times=1");
}

#[test]
fn tokens_that_die_are_renewed_once_for_all_workers() {
    all_arrive("expire-tokens:every=100");
}

#[test]
fn a_server_that_hangs_ends_in_a_timeout_with_results_and_is_resumed() {
    let district = District::new(40);
    district.pipeline("max_attempts = 2");
    let target = Target::new(&["hang:resource=students,every=10,always"]);
    let ran = district
        .fullsync(
            &target.url(),
            &["run", "mini", "schools", "students", "--allow-partial"],
        )
        .expect(1);
    assert!(ran.stdout.contains("timeout"), "{}", ran.stdout);
    assert_eq!(district.count("students", "failed"), 4);
    assert!(district.latest().join("results/students.parquet").exists());
    target.faults(&[]);
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "schools", "students", "--allow-partial"],
        )
        .expect(0);
    assert_eq!(target.count("students"), 40);
}

#[test]
fn another_target_gets_everything() {
    let district = District::new(40);
    let (one, two) = (Target::new(&[]), Target::new(&[]));
    for target in [&one, &two] {
        district.fullsync(&target.url(), &["run", "mini"]).expect(0);
        assert_eq!(district.count("students", "created"), 40);
        assert_eq!(target.count("students"), 40);
    }
}

#[test]
fn columns_in_another_order_send_nothing() {
    let district = District::new(40);
    let target = Target::new(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let sql = std::fs::read_to_string(district.path("sql/students.sql")).unwrap();
    let turned = sql.replace(
        "uniqueID AS studentUniqueId, firstName, lastName AS lastSurname, birthDate",
        "birthDate, lastName AS lastSurname, firstName, uniqueID AS studentUniqueId",
    );
    assert_ne!(sql, turned);
    district.write("sql/students.sql", &turned);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "unchanged"), 40);
    assert_eq!(
        district.count("students", "created") + district.count("students", "updated"),
        0
    );
}

#[test]
fn a_bad_descriptor_holds_back_its_own_record_only_and_stays_in_the_report() {
    let district = District::new(3);
    district.write(
        "crosswalk/grade.csv",
        "code,descriptor\n9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n\
         8,uri://ed-fi.org/GradeLevelDescriptor#Eigth grade\n",
    );
    district.students((1..=3).map(|i| {
        let grade = if i == 2 { 8 } else { 9 };
        format!("{i},U{i:06},First,Last,2010-01-02,255901001,2025-08-18,{grade}")
    }));
    let target = Target::new(&[]);
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    assert!(ran.stdout.contains("unknown_descriptor"), "{}", ran.stdout);
    assert_eq!(district.count("studentSchoolAssociations", "rejected"), 1);
    assert_eq!(district.count("studentSchoolAssociations", "created"), 2);
    assert_eq!(target.count("studentSchoolAssociations"), 2);
    let errors = std::fs::read_to_string(district.latest().join("errors.json")).unwrap();
    assert!(errors.contains("unknown_descriptor"), "{errors}");
}

#[test]
fn a_bad_descriptor_after_a_good_one_is_found() {
    let district = District::new(3);
    district.write(
        "sql/schools.sql",
        "SELECT schoolID AS schoolId, name AS nameOfInstitution,
            make_array(
                named_struct('gradeLevelDescriptor', 'uri://ed-fi.org/GradeLevelDescriptor#Ninth grade'),
                named_struct('gradeLevelDescriptor', 'uri://ed-fi.org/GradeLevelDescriptor#Nineth grade')
            ) AS gradeLevels,
            make_array(named_struct('educationOrganizationCategoryDescriptor',
                'uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School'))
                AS educationOrganizationCategories,
            'School' AS _source_table, cast(schoolID AS varchar) AS _source_key
        FROM School",
    );
    let target = Target::new(&[]);
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "schools", "--allow-partial"],
        )
        .expect(1);
    assert_eq!(district.count("schools", "rejected"), 1);
    assert_eq!(target.count("schools"), 0);
}

#[test]
fn keys_made_of_references_give_no_false_duplicates() {
    let district = District::new(300);
    let target = Target::new(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("studentSchoolAssociations", "created"), 300);
}

#[test]
fn a_field_that_the_target_does_not_know_is_found_before_anything_is_sent() {
    let district = District::new(3);
    let sql = std::fs::read_to_string(district.path("sql/students.sql")).unwrap();
    let odd = sql.replace(
        "firstName,",
        "firstName, make_array(firstName) AS nickNames,",
    );
    district.write("sql/students.sql", &odd);
    let target = Target::new(&[]);
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    assert!(
        ran.stderr.contains("nickNames") && ran.stderr.contains("students.sql"),
        "{}",
        ran.stderr
    );
    assert_eq!(target.count("schools"), 0);
}

#[test]
fn a_wrong_secret_ends_at_once() {
    let district = District::new(3);
    let target = Target::with(|options| options.secret = "other".to_owned());
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    assert!(
        ran.stderr.contains("refused the key and secret"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_resource_whose_every_answer_is_the_same_refusal_stops_early() {
    let district = District::new(STUDENTS);
    district.pipeline("stop_after_same_refusals = 20");
    let target = Target::new(&["400:resource=students,every=1,always"]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(3);
    let (failed, pending) = (
        district.count("students", "failed"),
        district.count("students", "pending"),
    );
    assert!((20..400).contains(&failed), "{failed}");
    assert_eq!(failed + pending, 400);
    // Children of a failed student are blocked, those of one that was not reached are pending.
    assert_eq!(
        district.count("studentSchoolAssociations", "blocked"),
        failed
    );
    assert_eq!(
        district.count("studentSchoolAssociations", "pending"),
        pending
    );
    target.faults(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), STUDENTS as u64);
}
