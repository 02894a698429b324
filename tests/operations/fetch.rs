//! Count and fetch: query, keep and drop, Parquet, paging.

use fullsync::sandbox::edfi::ErrorStyle;
use serde_json::Value;

use crate::support::{District, Target};

/// The lines of a file of `fetch`.
fn lines(district: &District, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(district.path(file)).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn item_13_count_and_fetch_with_query_keep_and_drop() {
    let (district, target) = (District::new(30), Target::new(&[]));
    let url = target.url();
    district.fullsync(&url, &["run", "mini"]).expect(0);
    let ran = district
        .fullsync(
            &url,
            &[
                "count",
                "mini",
                "--query",
                "studentUniqueId=U000007",
                "students",
                "studentSchool*",
                "--json",
            ],
        )
        .expect(0);
    let counts: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        counts,
        serde_json::json!({"students": 1, "studentSchoolAssociations": 1})
    );
    // A page of 7: cursors, five pages.
    let args = [
        "fetch",
        "mini",
        "students",
        "--out",
        "all",
        "--page-size",
        "7",
    ];
    district.fullsync(&url, &args).expect(0);
    let records = lines(&district, "all/students.jsonl");
    assert_eq!(records.len(), 30);
    assert!(records[0]["id"].is_string() && records[0]["birthDate"] == "2010-01-02");
    let args = [
        "fetch",
        "mini",
        "studentSchoolAssociations",
        "--out",
        "some",
        "--query",
        "studentUniqueId=U000007",
        "--keep",
        "studentReference.studentUniqueId,entryDate",
        "--drop",
        "entryDate",
    ];
    district.fullsync(&url, &args).expect(0);
    assert_eq!(
        lines(&district, "some/studentSchoolAssociations.jsonl"),
        [serde_json::json!({"studentReference": {"studentUniqueId": "U000007"}})]
    );
    let ran = district.fullsync(&url, &["fetch", "mini", "--out", "x", "--query", "limit=1"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    // A filter that the target does not have is its refusal, told.
    let args = ["count", "mini", "students", "--query", "shoeSize=42"];
    let ran = district.fullsync(&url, &args).expect(2);
    assert!(ran.stderr.contains("shoeSize"), "{}", ran.stderr);
}

#[test]
fn item_13_fetch_writes_parquet_with_the_metadatas_columns() {
    use arrow::array::{Array as _, AsArray as _};
    let (district, target) = (District::new(9), Target::new(&[]));
    let url = target.url();
    district.fullsync(&url, &["run", "mini"]).expect(0);
    let args = [
        "fetch",
        "mini",
        "--out",
        "q",
        "--format",
        "parquet",
        "--page-size",
        "4",
        "--drop",
        "_etag",
    ];
    district.fullsync(&url, &args).expect(0);
    let file = std::fs::File::open(district.path("q/studentSchoolAssociations.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    let mut ids = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        assert!(batch.column_by_name("_etag").is_none());
        assert_eq!(
            batch.column_by_name("_other").unwrap().null_count(),
            batch.num_rows()
        );
        let student = batch
            .column_by_name("studentReference")
            .unwrap()
            .as_struct();
        let unique = student.column_by_name("studentUniqueId").unwrap();
        ids.extend(
            unique
                .as_string::<i32>()
                .iter()
                .map(|v| v.unwrap().to_owned()),
        );
        let school = batch.column_by_name("schoolReference").unwrap().as_struct();
        let school = school.column_by_name("schoolId").unwrap();
        assert_eq!(
            school
                .as_primitive::<arrow::datatypes::Int64Type>()
                .value(0),
            255_901_001
        );
    }
    ids.sort();
    let wanted: Vec<String> = (1..=9).map(|i| format!("U{i:06}")).collect();
    assert_eq!(ids, wanted);
}

#[test]
fn item_13_without_cursors_fetch_pages_by_offset() {
    let district = District::new(12);
    // Before 7.3 nobody knew `pageSize`: a filter that is no member.
    let target = Target::with(|options| options.error_style = ErrorStyle::MessageModelState);
    let url = target.url();
    district.fullsync(&url, &["run", "mini"]).expect(0);
    let args = [
        "fetch",
        "mini",
        "students",
        "--out",
        "all",
        "--page-size",
        "5",
    ];
    district.fullsync(&url, &args).expect(0);
    assert_eq!(lines(&district, "all/students.jsonl").len(), 12);
}
