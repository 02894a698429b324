//! What the transform makes of rows.

use std::collections::BTreeSet;

use arrow::array::AsArray as _;
use arrow::datatypes::DataType;
use serde_json::{Value, json};

use crate::metadata::ReferenceColumns;
use crate::object::{KeyHash, Outcome, Reason, body_columns, encode};

use super::super::*;
use super::district::{District, ENROLLMENTS, numbers, read, table, texts};

fn held(row: &Value) -> (&str, &str, &str) {
    let text = |name: &str| row[name].as_str().unwrap_or("");
    (text("_held"), text("_reason"), text("_detail"))
}

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
    };
    let done = district
        .run_with("studentSchoolAssociations", ENROLLMENTS, &options)
        .await;
    let reasons: Vec<Reason> = done.unwrap().0.held.into_keys().map(|k| k.1).collect();
    assert_eq!(reasons, [Reason::UNMAPPED_CODE]);
}

const SCHOOLS: &str = "\
SELECT s.id AS schoolId, s.name AS nameOfInstitution, s.size AS size, s.share AS share,
       s.opened AS openDate, s.web AS webSite,
       make_array(named_struct('gradeLevelDescriptor', s.grade)) AS gradeLevels,
       CASE WHEN s.city IS NULL THEN NULL ELSE
         make_array(named_struct('schoolReference', named_struct('schoolId', s.id), 'city', 'Here'),
                    named_struct('schoolReference', named_struct('schoolId', s.parent), 'city', s.city))
       END AS addresses,
       'School' AS _source_table, s.id AS _source_key
FROM School s";

fn schools(district: &mut District) {
    let grade = Some("uri://ed-fi.org/GradeLevelDescriptor#First grade");
    district.stage(
        "School",
        &table(vec![
            ("id", numbers((1..=9).map(Some).collect())),
            (
                "name",
                texts(vec![
                    Some("Ok"),
                    Some("Ten charsäö"),
                    Some("Ten chars!"),
                    Some("<b>x"),
                    Some(""),
                    Some("f"),
                    Some("g"),
                    Some("h"),
                    Some("i"),
                ]),
            ),
            (
                "size",
                numbers(vec![
                    None,
                    None,
                    None,
                    None,
                    None,
                    Some(1 << 31),
                    None,
                    None,
                    None,
                ]),
            ),
            ("share", numbers(vec![Some(1); 9])),
            (
                "opened",
                texts(vec![
                    None,
                    None,
                    Some("2024-01-31"),
                    None,
                    None,
                    None,
                    Some("1/2/24"),
                    None,
                    None,
                ]),
            ),
            ("web", texts(vec![None; 9])),
            (
                "grade",
                texts(vec![
                    grade, grade, grade, grade, grade, grade, grade, None, grade,
                ]),
            ),
            (
                "city",
                texts(vec![
                    Some("There"),
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    Some("Too long"),
                ]),
            ),
            (
                "parent",
                numbers(vec![
                    Some(2),
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                ]),
            ),
        ]),
    );
}

#[tokio::test]
async fn faults_are_found_at_every_depth() {
    let mut district = District::new();
    schools(&mut district);
    assert_eq!(district.problems("schools", SCHOOLS).await, [""; 0]);
    let (_, rows) = district.run("schools", SCHOOLS).await.unwrap();
    let found: Vec<_> = rows.iter().map(|r| (held(r).1, held(r).2)).collect();
    assert_eq!(
        found,
        [
            ("", ""),
            ("too_long", "nameOfInstitution: 11 characters, at most 10"),
            ("", ""),
            ("invalid_value", "nameOfInstitution: looks like HTML"),
            ("missing_required", "nameOfInstitution: no value"),
            ("invalid_value", "size: 2147483648 is no 32-bit integer"),
            ("invalid_value", "openDate: not a date (YYYY-MM-DD)"),
            ("missing_required", "gradeLevels: no value"),
            ("too_long", "addresses[1].city: 8 characters, at most 5"),
        ]
    );
    // Nothing empty is sent: the list of one empty object, the NULL texts.
    assert_eq!(rows[7].get("gradeLevels"), None);
    assert_eq!(rows[1].get("addresses"), None);
    assert_eq!(rows[8]["addresses"][1], json!({"city": "Too long"}));
}

#[tokio::test]
async fn a_child_finds_the_key_hashes_of_its_parents() {
    let mut district = District::new();
    schools(&mut district);
    district.run("schools", SCHOOLS).await.unwrap();
    let students = "\
SELECT stateID AS studentUniqueId, firstName, 'Person' AS _source_table, personID AS _source_key
FROM Person";
    district.run("students", students).await.unwrap();
    district
        .run("studentSchoolAssociations", ENROLLMENTS)
        .await
        .unwrap();
    let hashes = |name: &str| -> BTreeSet<KeyHash> {
        let batch = read(&district.path(&format!("{name}.parquet")));
        let column = batch.column_by_name("_key_hash").unwrap();
        let column = column.as_fixed_size_binary();
        column
            .iter()
            .map(|h| KeyHash::from_bytes(h.unwrap()).unwrap())
            .collect()
    };
    let visit = |name: &str, rows: &[usize]| {
        let meta = &district.standard.resources[name];
        let references = ReferenceColumns::new(&district.standard, meta);
        let batch = read(&district.path(&format!("{name}.parquet")));
        let mut seen = Vec::new();
        references
            .parents(&batch, rows.iter().copied(), |row, parent, hash| {
                seen.push((row, parent.to_owned(), hash));
            })
            .unwrap();
        (batch, seen)
    };
    let (batch, seen) = visit("studentSchoolAssociations", &[0, 1, 2, 3, 4]);
    // Five schools and four students: one enrollment has no student id.
    assert_eq!((batch.num_rows(), seen.len()), (5, 9));
    let (schools, students) = (hashes("schools"), hashes("students"));
    for (_, parent, hash) in &seen {
        let known = if parent == "schools" {
            &schools
        } else {
            &students
        };
        assert!(known.contains(hash), "{parent}");
    }
    // Inside lists, with a school that has no such reference left out.
    let keys: Vec<String> = (1..=9).map(|i| format!("schoolId={i}")).collect();
    let row_of = |key: &str, batch: &arrow::array::RecordBatch| {
        let column = batch.column_by_name("_key").unwrap().as_string::<i32>();
        (0..batch.num_rows())
            .find(|i| column.value(*i) == key)
            .unwrap()
    };
    let (batch, _) = visit("schools", &[]);
    let rows = [
        row_of(&keys[0], &batch),
        row_of(&keys[1], &batch),
        row_of(&keys[8], &batch),
    ];
    let (_, seen) = visit("schools", &rows);
    let wanted = [(rows[0], 0), (rows[0], 1), (rows[2], 8)];
    let wanted = wanted.map(|(row, i)| (row, "schools".to_owned(), KeyHash::of(&keys[i])));
    assert_eq!(seen, wanted);
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
    let batch = read(&done.file);
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
        let mode = std::fs::metadata(&done.file).unwrap().permissions().mode();
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
