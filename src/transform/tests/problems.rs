//! Mistakes in mappings are all found, with their places.

use super::super::*;
use super::district::{District, ENROLLMENTS};
use crate::pipeline::Additions;

#[tokio::test]
async fn a_good_mapping_has_no_problems() {
    let district = District::new();
    assert_eq!(
        district
            .problems("studentSchoolAssociations", ENROLLMENTS)
            .await,
        [""; 0]
    );
}

#[tokio::test]
async fn every_unknown_column_is_found_with_a_suggestion() {
    let district = District::new();
    let sql = ENROLLMENTS
        .replace("s.stateID", "s.stateId")
        .replace("e.startDate", "e.startdat")
        .replace("x.code = e.grade", "x.cod = e.grade");
    assert_eq!(
        district.problems("studentSchoolAssociations", &sql).await,
        [
            "checked.sql:1:40: no column `stateId` in `s`; did you mean `stateID`?",
            "checked.sql:3:8: no column `startdat` in `e`; did you mean `startDate`?",
            "checked.sql:12:34: no column `cod` in `x`; did you mean `code`?",
        ]
    );
}

#[tokio::test]
async fn unknown_tables_functions_and_aliases_are_named() {
    let district = District::new();
    let problems = async |sql: &str| district.problems("students", sql).await;
    assert_eq!(
        problems("SELECT 1 AS a\nFROM Persom p JOIN enrollment e ON true").await,
        [
            "checked.sql:2:6: no table `Persom`; did you mean `Person`?",
            "checked.sql:2:20: no table `enrollment`; did you mean `Enrollment`?",
        ]
    );
    assert_eq!(
        problems("SELECT uper(p.firstName) AS firstName FROM Person p").await,
        ["checked.sql:1:8: Invalid function 'uper'; did you mean `upper`?"]
    );
    assert_eq!(
        problems("SELECT q.firstName FROM Person p").await,
        ["checked.sql:1:8: no table or alias `q` here, for `firstName`"]
    );
    assert_eq!(
        problems("SELECT firstName, FROM Person\nWHERE (a = 1")
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn statements_other_than_one_query_are_refused() {
    let district = District::new();
    for (sql, wanted) in [
        ("", "is not a query"),
        ("DROP TABLE Person", "is not a query"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1 FROM (SELECT", "Expected"),
        ("SELECT 'a", "Unterminated string"),
    ] {
        let problems = district.problems("students", sql).await;
        assert!(
            problems.len() == 1 && problems[0].contains(wanted),
            "{problems:?}"
        );
    }
    let problems = district
        .problems("students", "SELECT 1 AS a\nFROM Person WHERE )")
        .await;
    assert!(
        problems[0].starts_with("checked.sql:2:19: "),
        "{problems:?}"
    );
}

#[tokio::test]
async fn what_the_sql_yields_is_held_against_the_resource() {
    let district = District::new();
    let sql = "\
SELECT named_struct('schoolID', e.schoolID) AS schoolReference,
       named_struct('studentUniqueId', e.grade) AS studentReference,
       e.grade = 'x' AS entryGradeLevelDescriptor,
       e.enrollmentID AS entryDate,
       e.grade AS primarySchol,
       'x' AS _school_id,
       'y' AS _sourcekey
FROM Enrollment e";
    let problems = district.problems("studentSchoolAssociations", sql).await;
    assert_eq!(
        problems,
        [
            "checked.sql: scope column `_source_key` is missing; \
             add the row's SIS key: e.enrollmentID AS _source_key",
            "checked.sql: scope column `_source_table` is missing; \
             add the SIS table: 'Enrollment' AS _source_table",
            "checked.sql:1:21: studentSchoolAssociations has no field `schoolReference.schoolID`; \
             did you mean `schoolId`?",
            "checked.sql:1:48: required field `schoolReference.schoolId` is never produced",
            "checked.sql:3:25: `entryGradeLevelDescriptor` is a boolean, \
             not a descriptor URI (text); write join its crosswalk",
            "checked.sql:4:26: `entryDate` is an integer, not a date; write CAST(... AS DATE)",
            "checked.sql:5:19: studentSchoolAssociations has no field `primarySchol`; \
             did you mean `primarySchool`?",
            "checked.sql:6:15: `_school_id` is text, not an integer",
            "checked.sql:7:15: no scope column is called `_sourcekey`; did you mean `_source_key`?",
        ]
    );
}

#[tokio::test]
async fn missing_fields_and_lists_of_the_wrong_kind_are_found() {
    let district = District::new();
    let sql = "\
SELECT e.schoolID AS size,
       make_array(e.grade) AS gradeLevels,
       make_array(named_struct('town', e.grade)) AS addresses,
       'Enrollment' AS _source_table, e.enrollmentID AS _source_key
FROM Enrollment e";
    let problems = district.problems("schools", sql).await.join("\n");
    for wanted in [
        "required field `schoolId` is never produced",
        "required field `nameOfInstitution` is never produced",
        ":2:31: `gradeLevels` is a list, not a list of objects",
        ":3:32: schools has no field `addresses.town`",
        "required field `addresses.city` is never produced",
        "required field `addresses.schoolReference` is never produced",
    ] {
        assert!(problems.contains(wanted), "{wanted} not in\n{problems}");
    }
    assert!(!problems.contains("natural key"), "{problems}");
}

#[tokio::test]
async fn views_and_crosswalks_report_their_own_mistakes_once() {
    let mut district = District::new();
    district.view("active", "SELECT *\nFROM Enrolment");
    district.view("fine", "SELECT personID FROM Person");
    let crosswalk = district.write("sex.csv", "code,descriptor\nF,a\nM\nF,a\n");
    district
        .inputs
        .crosswalks
        .push(("xwalk_sex".to_owned(), vec![crosswalk]));
    let missing = district.path("none.csv");
    district
        .inputs
        .crosswalks
        .push(("xwalk_none".to_owned(), vec![missing]));
    let sql = "SELECT * FROM active JOIN fine ON true JOIN xwalk_none ON true";
    let problems = district.problems("students", sql).await;
    assert_eq!(problems.len(), 4, "{problems:#?}");
    assert!(problems[0].starts_with("none.csv: cannot be read"));
    assert_eq!(problems[1], "sex.csv:3:1: 1 columns, the header has 2");
    assert!(problems[2].starts_with("sex.csv:4:1: the same as line 2"));
    assert_eq!(
        problems[3],
        "view_active.sql:2:6: no table `Enrolment`; did you mean `Enrollment`?"
    );
}

#[tokio::test]
async fn a_stanza_may_not_name_fields_that_are_not_there() {
    let district = District::new();
    let session = Session::new(&district.inputs).await.unwrap();
    let required = ["primarySchool".to_owned(), "schoolReference.id".to_owned()];
    let key = ["schoolId".to_owned(), "day=entryDat".to_owned()];
    let file = district.write("ssa.sql", ENROLLMENTS);
    let spec = ResourceSpec {
        required: &required,
        key: Some(&key),
        ..district.spec("studentSchoolAssociations", file)
    };
    let problems: Vec<String> = validate(&session, &spec)
        .await
        .iter()
        .map(|p| p.message.clone())
        .collect();
    assert_eq!(
        problems,
        [
            "resource `studentSchoolAssociations` has no field for the key part `day=entryDat`",
            "resource `studentSchoolAssociations` has no field for the required field \
             `schoolReference.id`",
        ]
    );
    let spec = ResourceSpec {
        required: &required[..1],
        key: Some(&key[..1]),
        ..spec
    };
    let meta = effective_meta(&spec).unwrap();
    assert_eq!(meta.key[0].path, "schoolReference.schoolId");
    assert!(meta.fields["primarySchool"].required);
    let problems = validate(&session, &spec).await;
    assert_eq!(
        problems[0].message,
        "required field `primarySchool` is never produced"
    );
}

#[tokio::test]
async fn tables_are_found_through_views() {
    let mut district = District::new();
    district.view("active", "SELECT * FROM Enrollment, settings");
    district.view("more", "WITH p AS (SELECT 1) SELECT * FROM active, p");
    let sql = district.write(
        "used.sql",
        "SELECT * FROM more WHERE x IN (SELECT code FROM xwalk_a)",
    );
    let used = tables_used(&sql, Additions::NONE, &district.inputs.views).unwrap();
    assert_eq!(Vec::from_iter(used), ["Enrollment", "settings", "xwalk_a"]);
}

#[tokio::test]
async fn a_query_that_cannot_run_is_found_before_it_runs() {
    let district = District::new();
    let session = Session::new(&district.inputs).await.unwrap();
    let sql = "\
SELECT stateID AS studentUniqueId,
       (SELECT e.grade FROM Enrollment e WHERE e.personID > p.personID LIMIT 1) AS firstName,
       'Person' AS _source_table, personID AS _source_key
FROM Person p";
    let specs = [district.spec("students", district.write("students.sql", sql))];
    let problems = validate_fully(&session, &specs).await.problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let fine =
        "SELECT stateID AS studentUniqueId, firstName, 'P' AS _source_table, 1 AS _source_key
FROM Person";
    let specs = [district.spec("students", district.write("students.sql", fine))];
    assert_eq!(validate_fully(&session, &specs).await.problems, []);
}
