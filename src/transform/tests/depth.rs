//! Checks and references inside lists and nested objects.

use std::collections::BTreeSet;

use arrow::array::{AsArray as _, RecordBatch};
use serde_json::json;

use crate::metadata::ReferenceColumns;
use crate::object::KeyHash;

use super::district::{District, ENROLLMENTS, held, numbers, read, table, texts};

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
    let row_of = |key: &str, batch: &RecordBatch| {
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
