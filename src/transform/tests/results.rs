//! What the transform makes of rows.

use arrow::datatypes::DataType;
use serde_json::json;

use crate::object::{KeyHash, Outcome, Reason, body_columns, encode};

use super::super::*;
use super::district::{District, ENROLLMENTS, held, read};

#[tokio::test]
async fn rows_become_objects_and_bad_ones_are_held_back() {
    let district = District::new();
    let (done, rows) = district
        .run("studentSchoolAssociations", ENROLLMENTS)
        .await
        .unwrap();
    assert_eq!(done.rows, 5);
    assert_eq!(
        rows[0],
        json!({
            "entryDate": "2024-08-15",
            "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#First grade",
            "schoolReference": {"schoolId": 7},
            "studentReference": {"studentUniqueId": "S1"},
            "_key": "entryDate=2024-08-15&schoolId=7&studentUniqueId=S1",
            "_key_hash": KeyHash::of("entryDate=2024-08-15&schoolId=7&studentUniqueId=S1").to_string(),
            "_content_hash": rows[0]["_content_hash"],
            "_source_table": "Enrollment",
            "_source_key": "10",
            "_school_id": 7,
            "_person_id": 1,
        })
    );
    let rejected = "rejected";
    let field = "entryGradeLevelDescriptor";
    let nope = format!("{field}: uri://ed-fi.org/GradeLevelDescriptor#Nope");
    let unmapped = format!("{field}: grade_level=XX");
    assert_eq!(
        held(&rows[1]),
        (rejected, "unmapped_code", unmapped.as_str())
    );
    let missing = "studentReference.studentUniqueId: no value";
    assert_eq!(held(&rows[2]), (rejected, "missing_required", missing));
    assert_eq!(rows[2]["_key"], "!Enrollment:12");
    assert_eq!(
        held(&rows[3]),
        (rejected, "unknown_descriptor", nope.as_str())
    );
    assert_eq!(held(&rows[4]), ("", "", ""));
    let counted: Vec<_> = done
        .held
        .iter()
        .map(|((o, r), n)| (*o, r.as_str(), *n))
        .collect();
    assert_eq!(
        counted,
        [
            (Outcome::Rejected, "missing_required", 1),
            (Outcome::Rejected, "unknown_descriptor", 1),
            (Outcome::Rejected, "unmapped_code", 1),
        ]
    );
}

#[tokio::test]
async fn without_local_validation_only_the_mapping_holds_back() {
    let district = District::new();
    let options = Options {
        local_validation: false,
        ..Options::default()
    };
    let done = district
        .run_with("studentSchoolAssociations", ENROLLMENTS, &options)
        .await;
    let reasons: Vec<Reason> = done.unwrap().0.held.into_keys().map(|k| k.1).collect();
    assert_eq!(reasons, [Reason::UNMAPPED_CODE]);
}

#[tokio::test]
async fn the_order_of_columns_changes_no_hash() {
    let district = District::new();
    let (_, first) = district
        .run("studentSchoolAssociations", ENROLLMENTS)
        .await
        .unwrap();
    let lines: Vec<&str> = ENROLLMENTS.lines().collect();
    let (head, tail) = lines.split_at(9);
    let mut columns: Vec<String> = head.iter().map(|l| l.replace("SELECT", "")).collect();
    columns.reverse();
    columns[0].push(',');
    let last = columns.last_mut().unwrap();
    *last = last.trim_end_matches(',').to_owned();
    let sql = format!("SELECT {}\n{}", columns.join("\n"), tail.join("\n"));
    assert_eq!(
        district.problems("studentSchoolAssociations", &sql).await,
        [""; 0]
    );
    let (_, second) = district
        .run("studentSchoolAssociations", &sql)
        .await
        .unwrap();
    assert_eq!(first, second);
    assert!(first[0]["_content_hash"].is_string());
}

#[tokio::test]
async fn the_file_follows_the_contract_and_is_there_even_without_rows() {
    let district = District::new();
    let sql = format!("{ENROLLMENTS} WHERE false");
    let (done, rows) = district
        .run("studentSchoolAssociations", &sql)
        .await
        .unwrap();
    assert_eq!((done.rows, rows.len()), (0, 0));
    let batch = read(&done.file.path);
    let names: Vec<String> = batch
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    assert_eq!(
        names,
        [
            "entryDate",
            "entryGradeLevelDescriptor",
            "schoolReference",
            "studentReference",
            "_key",
            "_key_hash",
            "_content_hash",
            "_source_table",
            "_source_key",
            "_school_id",
            "_person_id",
            "_course_id",
            "_section_id",
            "_held",
            "_reason",
            "_detail",
        ]
    );
    let hash = batch
        .schema()
        .field_with_name("_content_hash")
        .unwrap()
        .data_type()
        .clone();
    assert_eq!(hash, DataType::FixedSizeBinary(16));
    let body = batch.project(&body_columns(&batch.schema())).unwrap();
    assert!(encode(&body).unwrap().is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&done.file.path)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_failing_query_stops_its_resource_and_leaves_no_file() {
    let district = District::new();
    let sql = ENROLLMENTS.replace(
        "e.schoolID AS _school_id",
        "CAST(e.grade AS BIGINT) AS _school_id",
    );
    let error = district
        .run("studentSchoolAssociations", &sql)
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("studentSchoolAssociations.sql failed"),
        "{said}"
    );
    assert!(said.contains("XX") && said.contains("try_cast"), "{said}");
    let sql = ENROLLMENTS.replace(
        "e.schoolID AS _school_id",
        "7 / (e.schoolID - 7) AS _school_id",
    );
    let error = district
        .run("studentSchoolAssociations", &sql)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nullif"), "{error}");
    let left = std::fs::read_dir(district.path(".")).unwrap();
    let left: Vec<String> = left
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.contains("Associations.parquet"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn the_mapping_skips_and_rejects_in_its_own_words() {
    let district = District::new();
    let sql = "\
SELECT stateID AS studentUniqueId, firstName, 'Person' AS _source_table, personID AS _source_key,
       CASE WHEN stateID IS NULL THEN 'no_edfi_id' END AS _skip,
       CASE WHEN firstName = 'Bo' THEN 'odd_name: settings say ' || school_year END AS _reject
FROM Person, settings";
    let (_, rows) = district.run("students", sql).await.unwrap();
    assert_eq!(held(&rows[0]), ("", "", ""));
    assert_eq!(
        held(&rows[1]),
        ("rejected", "odd_name", "settings say 2026")
    );
    assert_eq!(held(&rows[2]), ("skipped", "no_edfi_id", ""));
}
