//! Each kind of row that cannot be read, with its line, column and reason.

use super::*;

/// `line column reason value key` of each reject.
fn told(rejects: &[Reject]) -> Vec<String> {
    rejects
        .iter()
        .map(|r| {
            format!(
                "{} {} {} [{}] {}",
                r.line, r.column, r.reason, r.value, r.key
            )
        })
        .collect()
}

#[test]
fn every_fault_of_a_csv_row_is_a_reject_and_the_rest_is_staged() {
    let mut file = b"\xEF\xBB\xBFenrollmentID,grade,startDate,noShow,percentEnrolled\r\n".to_vec();
    for line in [
        b"1,09,2024-08-15 00:00:00,0,100\r\n".as_slice(),
        b"2,09,08/15/2024,0,100\r\n",
        b"3,09,2024-08-15,0\r\n",
        b"4,09,2024-08-15,maybe,100\r\n",
        b"5,Jos\xE9,2024-08-15,0,100\r\n",
        b"x6,09,2024-08-15,0,100\r\n",
        b",09,2024-08-15,0,100\r\n",
        b"1,10,2024-08-16,0,100\r\n",
        b"9,\"two\r\nlines\",,,\r\n",
        b"10,\"stray,2024-08-15,0,100\r\n",
        b"11,09,2024-08-15 00:00:00.000,TRUE,33.33\r\n",
        b"12,09,2024-08-15,1,33.333\r\n",
        b"13,09,2024-08-15,1,1,1\r\n",
        b"14,\"a \"\"b\"\"\",2024-02-29,false,0.5",
    ] {
        file.extend_from_slice(line);
    }
    let (_dir, folder) = csv_folder(&[("ENROLLMENT.csv", &file)]);
    let (count, batch, rejects) = read(&folder, &enrollment());
    assert_eq!((count.read, count.staged, count.unreadable), (14, 4, 10));
    assert_eq!(
        rows_as_text(&batch),
        [
            "1|09|2024-08-15|false|100.00|1",
            "9|two\r\nlines|-|-|-|9",
            "11|09|2024-08-15|true|33.33|11",
            "14|a \"b\"|2024-02-29|false|0.50|14",
        ]
    );
    assert_eq!(
        told(&rejects),
        [
            "3 startDate bad_date [08/15/2024] enrollmentID=2",
            "4  wrong_column_count [4 values, the header has 5] ",
            "5 noShow bad_boolean [maybe] enrollmentID=4",
            "6 grade invalid_utf8 [Jos\\xE9] enrollmentID=5",
            "7 enrollmentID bad_number [x6] enrollmentID=x6",
            "8 enrollmentID empty_key [] enrollmentID=",
            "9 enrollmentID duplicate_key [1] enrollmentID=1",
            "12  bad_quote [10,\"stray,2024-08-15,0,100] ",
            "14 percentEnrolled bad_number [33.333] enrollmentID=12",
            "15  wrong_column_count [6 values, the header has 5] ",
        ]
    );
    assert!(
        rejects
            .iter()
            .all(|r| r.table == "Enrollment" && r.file == "ENROLLMENT.csv")
    );
}

#[test]
fn a_quote_that_joins_two_rows_to_one_of_the_wrong_width_is_undone() {
    let table = table(
        "T",
        &["a"],
        &[("a", ColumnType::Int), ("b", ColumnType::Text)],
    );
    let text = b"a,b\n1,\"x\n2,y\n3,\"\n4,z\n";
    let (_dir, folder) = csv_folder(&[("T.csv", text)]);
    // Record 1 closes on line 4 and has two values: by RFC 4180 it is a value of three lines.
    let (_, batch, _) = read(&folder, &table);
    assert_eq!(rows_as_text(&batch), ["1|x\n2,y\n3,|1", "4|z|2"]);

    // Here it has three: the lines are read again one by one.
    let text = b"a,b\n1,\"x\n2,y\n3\",w\n4,z\n";
    let (_dir, folder) = csv_folder(&[("T.csv", text)]);
    let (count, batch, rejects) = read(&folder, &table);
    assert_eq!(count.read, 4);
    assert_eq!(rows_as_text(&batch), ["2|y|2", "4|z|4"]);
    assert_eq!(
        told(&rejects),
        [
            "2  wrong_column_count [3 values, the header has 2] ",
            "4 a bad_number [3\"] a=3\"",
        ]
    );
}

#[test]
fn keys_of_several_columns_are_compared_as_values() {
    let table = table(
        "GradeLevel",
        &["calendarID", "name"],
        &[("calendarID", ColumnType::Int), ("name", ColumnType::Text)],
    );
    let text = b"calendarID,name\n1,09\n01,09\n1,9\n1,\" \"\n11,\n1,KG\n";
    let (_dir, folder) = csv_folder(&[("GradeLevel.csv", text)]);
    let (_, batch, rejects) = read(&folder, &table);
    assert_eq!(rows_as_text(&batch), ["1|09|1", "1|9|3", "1|KG|6"]);
    assert_eq!(
        told(&rejects),
        [
            "3 calendarID duplicate_key [01] calendarID=01&name=09",
            "5 name empty_key [ ] calendarID=1&name= ",
            "6 name empty_key [] calendarID=11&name=",
        ]
    );
}

#[test]
fn a_bad_row_does_not_use_up_its_key() {
    let text = b"enrollmentID,grade,startDate,noShow,percentEnrolled\n1,a,bad,,\n1,b,,,\n";
    let (_dir, folder) = csv_folder(&[("Enrollment.csv", text)]);
    let (_, batch, rejects) = read(&folder, &enrollment());
    assert_eq!(rows_as_text(&batch), ["1|b|-|-|-|2"]);
    assert_eq!(rejects.len(), 1);
}

#[test]
fn large_values_are_rejects_and_batches_stay_small() {
    let table = table(
        "T",
        &["a"],
        &[("a", ColumnType::Int), ("b", ColumnType::Text)],
    );
    let mut text = String::from("a,b\n");
    let wide = "x".repeat(900 << 10);
    for id in 0..20 {
        text.push_str(&format!("{id},{wide}\n"));
    }
    text.push_str(&format!("99,{wide}{wide}\n100,ok\n"));
    let (_dir, folder) = csv_folder(&[("T.csv", text.as_bytes())]);
    let mut kept = Kept::default();
    let count = folder.read(&table, &mut kept).unwrap();
    assert_eq!((count.staged, count.unreadable), (21, 1));
    assert!(kept.batches.len() >= 3, "{}", kept.batches.len());
    assert_eq!(kept.rejects[0].reason, RejectReason::TooLarge);
    assert_eq!(kept.rejects[0].value.len(), 100);
}

#[test]
fn sqlite_values_outside_the_declared_type_are_rejects() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sis.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE \"enrollment\" (enrollmentID, grade, startDate, noShow, percentEnrolled);
             INSERT INTO enrollment VALUES
                (5000000000, 9, '2024-08-15 00:00:00', 1, 33.33),
                (1.0, 'x', NULL, 0, 0.1),
                (2.5, 'x', NULL, 0, 0),
                (3, 'x', 45000, 0, 0),
                (4, 'x', NULL, 2, 0),
                (5, 'x', NULL, 0, 0.125),
                (6, CAST(x'4aff' AS TEXT), NULL, 0, 0),
                (NULL, 'x', NULL, 0, 0),
                (1, 'again', NULL, 0, 0),
                ('12', '', '2024-08-15', 'true', '7');",
        )
        .unwrap();
    let source = SqliteFile::open(&path).unwrap();
    check(&source, &[&enrollment()]).unwrap();
    let (_, batch, rejects) = read(&source, &enrollment());
    assert_eq!(
        rows_as_text(&batch),
        [
            "5000000000|9|2024-08-15|true|33.33|1",
            "1|x|-|false|0.10|2",
            "12|-|2024-08-15|true|7.00|10",
        ]
    );
    assert_eq!(
        told(&rejects),
        [
            "3 enrollmentID bad_number [2.5] enrollmentID=2.5",
            "4 startDate bad_date [45000] enrollmentID=3",
            "5 noShow bad_boolean [2] enrollmentID=4",
            "6 percentEnrolled bad_number [0.125] enrollmentID=5",
            "7 grade invalid_utf8 [J\\xFF] enrollmentID=6",
            "8 enrollmentID empty_key [] enrollmentID=",
            "9 enrollmentID duplicate_key [1] enrollmentID=1",
        ]
    );
    assert_eq!(rejects[0].file, "sis.sqlite");
}
