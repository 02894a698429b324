//! CSV to staged Parquet: one table of twelve columns, 100,000 rows.

use std::ops::ControlFlow;
use std::path::Path;

use chrono::DateTime;
use criterion::{Criterion, Throughput};
use fullsync::source::{Column, ColumnType, Format, SisSchema, TableSchema, open};
use fullsync::stage::{RunAbout, StateDir, extract};

const ROWS: u64 = 100_000;

const COLUMNS: [(&str, ColumnType); 12] = [
    ("enrollmentID", ColumnType::Int),
    ("personID", ColumnType::Int),
    ("calendarID", ColumnType::Int),
    ("startDate", ColumnType::Date),
    ("endDate", ColumnType::Date),
    ("grade", ColumnType::Text),
    ("serviceType", ColumnType::Text),
    ("startStatus", ColumnType::Text),
    ("comments", ColumnType::Text),
    ("endYear", ColumnType::Int),
    ("noShow", ColumnType::Bit),
    ("percentEnrolled", ColumnType::Decimal(5, 4)),
];

fn schema() -> SisSchema {
    let columns = COLUMNS.map(|(name, kind)| Column {
        name: name.to_owned(),
        kind,
        optional: false,
    });
    SisSchema {
        tables: vec![TableSchema {
            name: String::from("Enrollment"),
            about: String::from("A student's enrollment."),
            key: vec![String::from("enrollmentID")],
            columns: columns.into(),
        }],
    }
}

fn write_source(folder: &Path) -> std::io::Result<u64> {
    let mut text = COLUMNS.map(|(name, _)| name).join(",");
    text.push('\n');
    for id in 0..ROWS {
        let line = format!(
            "{},{},{},2025-08-{:02} 00:00:00,,{:02},P,E1,\"Transferred, see file {id}\",2026,{},\
             0.{:04}\n",
            7_000_000 + id,
            1_000_000 + id * 7 % 90_000,
            100 + id % 230,
            1 + id % 28,
            id % 13,
            u8::from(id % 50 == 0),
            id % 10_000,
        );
        text.push_str(&line);
    }
    std::fs::write(folder.join("Enrollment.csv"), &text)?;
    Ok(text.len() as u64)
}

/// Rows a second from CSV to a staged file, the key check, zstd and fsync included.
///
/// # Panics
/// When the temporary folder cannot be written.
#[allow(clippy::expect_used)]
pub(crate) fn bench(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bytes = write_source(dir.path()).expect("a source");
    let source = open(dir.path(), Format::Csv).expect("a source");
    let schema = schema();
    let now = DateTime::UNIX_EPOCH;
    let state = StateDir::new(dir.path(), "bench");
    let run = state
        .create(RunAbout::default(), now)
        .expect("a run folder");
    let mut group = c.benchmark_group("stage");
    group.sample_size(10);
    for (name, throughput) in [
        ("csv_rows", Throughput::Elements(ROWS)),
        ("csv_bytes", Throughput::Bytes(bytes)),
    ] {
        group.throughput(throughput);
        group.bench_function(name, |b| {
            b.iter(|| {
                let go = |_: fullsync::stage::Extracting<'_>| ControlFlow::Continue(());
                let notes = extract(source.as_ref(), &schema, &[], &run, &go);
                assert_eq!(notes.expect("staged rows")[0].staged, ROWS);
            });
        });
    }
    group.finish();
}
