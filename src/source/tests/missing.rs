//! What a source lacks is listed at once.

use super::*;

#[test]
fn all_missing_tables_and_columns_are_listed_at_once_with_suggestions() {
    let (_dir, folder) = csv_folder(&[
        ("enrolment.csv", b"enrollmentID\n"),
        ("SCHOOL.CSV", b"schoolId,Nmae\n1,x\n"),
        ("Course.csv", b""),
        ("Term.csv", b"termID,termid\n"),
    ]);
    let text = ColumnType::Text;
    let tables = [
        enrollment(),
        table(
            "School",
            &["schoolID"],
            &[("schoolID", ColumnType::Int), ("name", text)],
        ),
        table("Course", &["courseID"], &[("courseID", ColumnType::Int)]),
        table("Term", &["termID"], &[("termID", ColumnType::Int)]),
        table("Zebra", &["x"], &[("x", text)]),
    ];
    let tables: Vec<&TableSchema> = tables.iter().collect();
    let error = check(&folder, &tables).unwrap_err();
    let SourceError::Missing { missing, .. } = &error else {
        panic!("{error:?}");
    };
    let lines: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "table Enrollment is missing, did you mean enrolment?",
            "table School: column name is missing, did you mean Nmae?",
            "table Course: the file is empty; a header is expected",
            "table Term: column termID stands there 2 times",
            "table Zebra is missing",
        ]
    );
    let told = error.to_string();
    assert!(lines.iter().all(|line| told.contains(line)), "{told}");
}

#[test]
fn an_optional_column_may_be_missing_and_is_null() {
    let mut table = enrollment();
    table.columns[3].optional = true;
    let (_dir, folder) = csv_folder(&[(
        "enrollment.CSV",
        b"PERCENTENROLLED,startdate,more,GRADE,EnrollmentId\n50,2024-08-15,zzz,09,7\n",
    )]);
    check(&folder, &[&table]).unwrap();
    let (_, batch, _) = read(&folder, &table);
    assert_eq!(rows_as_text(&batch), ["7|09|2024-08-15|-|50.00|1"]);
}

#[test]
fn a_table_that_is_there_twice_is_told() {
    let (_dir, folder) = csv_folder(&[("T.csv", b"a\n"), ("t.csv", b"a\n")]);
    // A file system without regard to case has one of them only.
    if folder.tables().unwrap().len() == 2 {
        let table = table("T", &["a"], &[("a", ColumnType::Int)]);
        let error = check(&folder, &[&table]).unwrap_err().to_string();
        assert!(error.contains("there twice, as T and t"), "{error}");
        assert!(folder.read(&table, &mut Kept::default()).is_err());
    }
}

#[test]
fn utf_16_is_told_with_the_remedy() {
    let (_dir, folder) = csv_folder(&[("T.csv", b"\xFF\xFEa\0")]);
    let table = table("T", &["a"], &[("a", ColumnType::Int)]);
    let error = check(&folder, &[&table]).unwrap_err().to_string();
    assert!(error.contains("export it as UTF-8"), "{error}");
}

#[test]
fn a_sink_that_takes_no_more_stops_the_reading() {
    struct Full;
    impl Sink for Full {
        fn batch(&mut self, _: RecordBatch) -> Result<(), SinkError> {
            Err("disk full".into())
        }
        fn reject(&mut self, _: Reject) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let (_dir, folder) = csv_folder(&[("T.csv", b"a\n1\n")]);
    let table = table("T", &["a"], &[("a", ColumnType::Int)]);
    let error = folder.read(&table, &mut Full).unwrap_err();
    assert!(matches!(error, SourceError::Stopped { .. }), "{error:?}");
}
