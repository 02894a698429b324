//! References followed in batches.

use arrow::array::{Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field as Column, Fields};
use serde_json::json;

use super::*;

#[test]
fn ref_ids_point_where_their_names_say() {
    let object = |key: &str, fields: serde_json::Value| json!({"path": "/x", "key": [{"name": key, "path": key}], "fields": fields});
    let ref_id = json!({"type": "ref_id"});
    let standard = Standard {
        resources: serde_json::from_value(json!({
            "SchoolInfo": object("RefId", json!({"RefId": ref_id})),
            "xSchool": object("refId", json!({"refId": ref_id})),
            "A": object("RefId", json!({
                "RefId": ref_id,
                "SchoolInfoRefId": ref_id,
                "OtherRefId": ref_id,
                "places": {"type": "array", "fields": {"schoolRefId": ref_id}},
            })),
        }))
        .unwrap(),
        ..Standard::default()
    };
    let references = ReferenceColumns::new(&standard, &standard.resources["A"]);
    let place = StructArray::from(vec![(
        Arc::new(Column::new("schoolRefId", DataType::Utf8, true)),
        Arc::new(arrow::array::StringArray::from(vec!["p1", "p2"])) as ArrayRef,
    )]);
    let places = ListArray::new(
        Arc::new(Column::new_list_field(place.data_type().clone(), true)),
        arrow::buffer::OffsetBuffer::from_lengths([0, 2]),
        Arc::new(place),
        None,
    );
    let schools = arrow::array::StringArray::from(vec![Some("s1"), None]);
    let batch = RecordBatch::try_from_iter([
        ("SchoolInfoRefId", Arc::new(schools) as ArrayRef),
        ("places", Arc::new(places) as ArrayRef),
    ])
    .unwrap();
    let mut seen = Vec::new();
    let walked = references.walk(&batch, 0..2, |p| {
        seen.push(format!("{} {} {}", p.row, p.resource, p.key));
    });
    walked.unwrap();
    seen.sort();
    assert_eq!(
        seen,
        [
            "0 SchoolInfo RefId=s1",
            "1 xSchool refId=p1",
            "1 xSchool refId=p2"
        ]
    );
}

/// Schools and districts, and something that belongs to either.
fn standard() -> Standard {
    let owner = |key: &str| {
        json!({
            "path": "/ed-fi/x",
            "key": [{"name": key, "path": key}],
            "fields": {key: {"type": "int64", "required": true}},
        })
    };
    let resources = json!({
        "schools": owner("schoolId"),
        "localEducationAgencies": owner("localEducationAgencyId"),
        "courses": {
            "path": "/ed-fi/courses",
            "key": [
                {"name": "courseCode", "path": "courseCode"},
                {"name": "educationOrganizationId",
                 "path": "educationOrganizationReference.educationOrganizationId"},
            ],
            "fields": {
                "courseCode": {"type": "string", "required": true},
                "educationOrganizationReference": {
                    "type": "reference", "required": true,
                    "targets": ["schools", "localEducationAgencies", "notInTheStandard"],
                    "fields": {"educationOrganizationId": {"type": "int64"}},
                },
            },
        },
    });
    Standard {
        resources: serde_json::from_value(resources).unwrap(),
        ..Standard::default()
    }
}

fn courses() -> RecordBatch {
    let id = Column::new("educationOrganizationId", DataType::Int64, true);
    let ids = Arc::new(Int64Array::from(vec![Some(7), None, Some(9), Some(8)]));
    let nulls = NullBuffer::from(vec![true, true, false, true]);
    let references = StructArray::new(Fields::from(vec![id]), vec![ids], Some(nulls));
    let column: ArrayRef = Arc::new(references);
    let name = "educationOrganizationReference";
    RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap()
}

fn visits(references: &ReferenceColumns, batch: &RecordBatch) -> Vec<(usize, String, KeyHash)> {
    let mut seen = Vec::new();
    let rows = 0..batch.num_rows();
    let visit = |row, to: &str, hash| seen.push((row, to.to_owned(), hash));
    references.parents(batch, rows, visit).unwrap();
    seen
}

#[test]
fn an_abstract_reference_visits_every_kind_by_its_own_name() {
    let standard = standard();
    let references = ReferenceColumns::new(&standard, &standard.resources["courses"]);
    let visit =
        |row: usize, resource: &str, key: &str| (row, resource.to_owned(), KeyHash::of(key));
    // Neither the NULL member nor the NULL reference is followed.
    let wanted = [
        visit(0, "schools", "schoolId=7"),
        visit(3, "schools", "schoolId=8"),
        visit(0, "localEducationAgencies", "localEducationAgencyId=7"),
        visit(3, "localEducationAgencies", "localEducationAgencyId=8"),
    ];
    assert_eq!(visits(&references, &courses()), wanted);
    let slice = courses().slice(3, 1);
    let wanted = [visit(0, "schools", "schoolId=8")];
    let schools = references.only(|resource| resource == "schools");
    assert_eq!(visits(&schools, &slice), wanted);
    assert_eq!(schools.targets().collect::<Vec<_>>(), ["schools"]);
}

#[test]
fn a_batch_without_the_reference_has_no_parents() {
    let standard = standard();
    let references = ReferenceColumns::new(&standard, &standard.resources["courses"]);
    let other: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("courseCode", other)]).unwrap();
    assert_eq!(visits(&references, &batch), []);
}
