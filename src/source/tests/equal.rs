//! The same table in CSV, Parquet and SQLite reads to the same batches.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use proptest::prelude::*;

use super::*;

/// One row: id, text, day, bit, hundredths, microseconds, seconds of a day.
type Values = (
    i64,
    Option<String>,
    Option<i32>,
    Option<bool>,
    Option<i64>,
    Option<i64>,
    Option<u32>,
);

fn all_types() -> TableSchema {
    table(
        "Everything",
        &["id"],
        &[
            ("id", ColumnType::Int),
            ("text", ColumnType::Text),
            ("day", ColumnType::Date),
            ("bit", ColumnType::Bit),
            ("amount", ColumnType::Decimal(12, 2)),
            ("at", ColumnType::Timestamp),
            ("time", ColumnType::Time),
        ],
    )
}

/// The values of a row as the texts of an export, None = NULL.
fn texts(row: &Values) -> Vec<Option<String>> {
    let (id, text, day, bit, amount, at, time) = row;
    let instant = |micros: i64| chrono::DateTime::from_timestamp_micros(micros).unwrap();
    vec![
        Some(id.to_string()),
        text.clone(),
        day.map(|d| {
            let day = instant(i64::from(d) * 86_400_000_000);
            // Half of them as SQL Server writes them.
            let form = if d % 2 == 0 {
                "%Y-%m-%d"
            } else {
                "%Y-%m-%d 00:00:00.000"
            };
            day.format(form).to_string()
        }),
        bit.map(|b| String::from(if b { "1" } else { "0" })),
        amount.map(|a| {
            let sign = if a < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", a.abs() / 100, a.abs() % 100)
        }),
        at.map(|a| instant(a).format("%Y-%m-%d %H:%M:%S%.6f").to_string()),
        time.map(|t| format!("{:02}:{:02}:{:02}", t / 3600, t / 60 % 60, t % 60)),
    ]
}

fn write_csv(dir: &Path, table: &TableSchema, rows: &[Values]) {
    let mut writer = ::csv::Writer::from_path(dir.join("Everything.csv")).unwrap();
    writer
        .write_record(table.columns.iter().map(|c| c.name.to_uppercase()))
        .unwrap();
    for row in rows {
        let texts = texts(row);
        writer
            .write_record(texts.iter().map(|t| t.as_deref().unwrap_or("")))
            .unwrap();
    }
    writer.flush().unwrap();
}

fn write_sqlite(dir: &Path, rows: &[Values]) {
    let mut connection = rusqlite::Connection::open(dir.join("sis.sqlite")).unwrap();
    connection
        .execute(
            "CREATE TABLE Everything (ID INTEGER, text TEXT, day TEXT, bit INTEGER, amount REAL, \
             at TEXT, time TEXT)",
            [],
        )
        .unwrap();
    let transaction = connection.transaction().unwrap();
    for row in rows {
        let t = texts(row);
        #[allow(clippy::cast_precision_loss)]
        let amount = row.4.map(|a| a as f64 / 100.0);
        transaction
            .execute(
                "INSERT INTO Everything VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                rusqlite::params![row.0, t[1], t[2], row.3, amount, t[5], t[6]],
            )
            .unwrap();
    }
    transaction.commit().unwrap();
}

fn write_parquet(dir: &Path, rows: &[Values]) {
    let ids = Int64Array::from_iter_values(rows.iter().map(|r| r.0));
    let text = StringArray::from_iter(rows.iter().map(|r| r.1.clone()));
    let days: ArrayRef = Arc::new(arrow::array::Date32Array::from_iter(
        rows.iter().map(|r| r.2),
    ));
    let bits = BooleanArray::from_iter(rows.iter().map(|r| r.3));
    let amounts = rows.iter().map(|r| r.4.map(i128::from));
    let amounts = arrow::array::Decimal128Array::from_iter(amounts)
        .with_precision_and_scale(20, 2)
        .unwrap();
    let at = arrow::array::TimestampMicrosecondArray::from_iter(rows.iter().map(|r| r.5));
    let times = arrow::array::Time32SecondArray::from_iter(
        rows.iter().map(|r| r.6.map(|t| i32::try_from(t).unwrap())),
    );
    // Other types than the declared ones where Parquet writers use others.
    let text = arrow::compute::cast(&text, &DataType::Utf8View).unwrap();
    let days = arrow::compute::cast(&days, &DataType::Timestamp(TimeUnit::Millisecond, None));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unused", Arc::new(Int64Array::from(vec![1; rows.len()]))),
        ("TIME", Arc::new(times)),
        ("at", Arc::new(at)),
        ("amount", Arc::new(amounts)),
        ("bit", Arc::new(bits)),
        ("Day", days.unwrap()),
        ("text", text),
        ("Id", Arc::new(ids)),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(n, c)| Field::new(*n, c.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        columns.into_iter().map(|c| c.1).collect(),
    );
    let file = std::fs::File::create(dir.join("everything.PARQUET")).unwrap();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch.unwrap()).unwrap();
    writer.close().unwrap();
}

fn values() -> impl Strategy<Value = Values> {
    (
        -40i64..40,
        proptest::option::of("[a-zé,\"\\n \\r]{1,5}"),
        // 1900 to 2100, as days.
        proptest::option::of(-25_567i32..47_482),
        proptest::option::of(any::<bool>()),
        proptest::option::of(-9_999_999_999i64..9_999_999_999),
        // 1900 to 2100, as microseconds.
        proptest::option::of(-2_208_988_800_000_000i64..4_102_444_800_000_000),
        proptest::option::of(0u32..86_400),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_same_rows_read_equal_from_all_three(
        rows in proptest::collection::vec(values(), 0..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let table = all_types();
        write_csv(dir.path(), &table, &rows);
        write_sqlite(dir.path(), &rows);
        write_parquet(dir.path(), &rows);
        let csv = read(&CsvFolder::open(dir.path()).unwrap(), &table);
        let sqlite = read(&SqliteFile::open(&dir.path().join("sis.sqlite")).unwrap(), &table);
        let parquet = read(&ParquetFolder::open(dir.path()).unwrap(), &table);
        // Ids repeat: the first of each is staged.
        let distinct: std::collections::HashSet<i64> = rows.iter().map(|r| r.0).collect();
        prop_assert_eq!(csv.0.staged, distinct.len() as u64);
        prop_assert_eq!(csv.0.read, rows.len() as u64);
        prop_assert_eq!(&csv.0, &sqlite.0);
        prop_assert_eq!(&csv.0, &parquet.0);
        prop_assert_eq!(&csv.1, &sqlite.1);
        prop_assert_eq!(&csv.1, &parquet.1);
        let keys = |rejects: &[Reject]| -> Vec<_> {
            rejects.iter().map(|r| (r.reason, r.column.clone(), r.key.clone())).collect()
        };
        prop_assert_eq!(keys(&csv.2), keys(&sqlite.2));
        prop_assert_eq!(keys(&csv.2), keys(&parquet.2));
    }
}

#[test]
fn nested_parquet_columns_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let list =
        arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(vec![
            Some(vec![Some(1)]),
        ]);
    let schema = Arc::new(Schema::new(vec![Field::new(
        "a",
        list.data_type().clone(),
        true,
    )]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(list)]).unwrap();
    let file = std::fs::File::create(dir.path().join("T.parquet")).unwrap();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let source = ParquetFolder::open(dir.path()).unwrap();
    let table = table("T", &["a"], &[("a", ColumnType::Int)]);
    let error = source
        .read(&table, &mut Kept::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("no plain value"), "{error}");
}

#[test]
fn a_damaged_parquet_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("T.parquet"), b"PAR1 this is not one").unwrap();
    let source = ParquetFolder::open(dir.path()).unwrap();
    let table = table("T", &["a"], &[("a", ColumnType::Int)]);
    let error = check(&source, &[&table]).unwrap_err().to_string();
    assert!(error.contains("table T"), "{error}");
    assert!(source.read(&table, &mut Kept::default()).is_err());
}
