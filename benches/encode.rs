//! Bodies of studentSchoolAssociations: the columnar encoder against serde_json over typed rows.

#![allow(clippy::expect_used)] // A bench that cannot be set up should stop.

use std::hint::black_box;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use criterion::{Criterion, Throughput};
use fullsync::object::{ContentHash, encode};
use serde::Serialize;
use std::sync::Arc;

const ROWS: u32 = 16_384;

/// `encode` and `encode + hash`, each with what serde_json needs for the same bytes.
pub(crate) fn bench(c: &mut Criterion) {
    let batch = batch();
    let rows = rows();
    let encoded = encode(&batch).expect("a batch of plain types");
    for (i, row) in rows.iter().enumerate() {
        let wanted = serde_json::to_vec(row).expect("plain values");
        assert_eq!(encoded.bytes(i), wanted, "both must write the same body");
    }
    let mut group = c.benchmark_group("encode studentSchoolAssociations");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    group.bench_function("columnar", |b| {
        b.iter(|| {
            encode(black_box(&batch))
                .expect("a batch of plain types")
                .len()
        });
    });
    group.bench_function("columnar and hash", |b| {
        b.iter(|| {
            let encoded = encode(black_box(&batch)).expect("a batch of plain types");
            (0..encoded.len()).fold(0, |sum, i| sum ^ ContentHash::of(encoded.bytes(i)).0)
        });
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            let mut buffer = Vec::new();
            for row in black_box(&rows) {
                serde_json::to_writer(&mut buffer, row).expect("plain values");
            }
            buffer.len()
        });
    });
    group.finish();
}

fn grade(i: u32) -> String {
    format!("uri://ed-fi.org/GradeLevelDescriptor#Grade {}", i % 13)
}

fn batch() -> RecordBatch {
    let text = |f: &dyn Fn(u32) -> String| -> ArrayRef {
        Arc::new((0..ROWS).map(|i| Some(f(i))).collect::<StringArray>())
    };
    let integers = |f: &dyn Fn(u32) -> i64| -> ArrayRef {
        Arc::new((0..ROWS).map(|i| Some(f(i))).collect::<Int64Array>())
    };
    let nested = |name: &str, kind: DataType, member: ArrayRef| -> ArrayRef {
        let fields = Fields::from(vec![Field::new(name, kind, true)]);
        Arc::new(StructArray::new(fields, vec![member], None))
    };
    let day = |i: u32| 19_950 + i32::try_from(i % 30).unwrap_or(0);
    let school = integers(&|i| i64::from(i % 40));
    let year = integers(&|_| 2026);
    let student = text(&|i| format!("S{i:08}"));
    RecordBatch::try_from_iter(vec![
        (
            "entryDate",
            Arc::new((0..ROWS).map(|i| Some(day(i))).collect::<Date32Array>()) as ArrayRef,
        ),
        ("entryGradeLevelDescriptor", text(&grade)),
        (
            "schoolReference",
            nested("schoolId", DataType::Int64, school),
        ),
        (
            "schoolYearTypeReference",
            nested("schoolYear", DataType::Int64, year),
        ),
        (
            "studentReference",
            nested("studentUniqueId", DataType::Utf8, student),
        ),
    ])
    .expect("columns of one length")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    entry_date: String,
    entry_grade_level_descriptor: String,
    school_reference: School,
    school_year_type_reference: Year,
    student_reference: Student,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct School {
    school_id: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Year {
    school_year: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Student {
    student_unique_id: String,
}

fn rows() -> Vec<Row> {
    let day = |i: u32| {
        let start = chrono::NaiveDate::from_ymd_opt(2024, 8, 15).expect("a date");
        (start + chrono::Days::new(u64::from(i % 30))).to_string()
    };
    (0..ROWS)
        .map(|i| Row {
            entry_date: day(i),
            entry_grade_level_descriptor: grade(i),
            school_reference: School {
                school_id: i64::from(i % 40),
            },
            school_year_type_reference: Year { school_year: 2026 },
            student_reference: Student {
                student_unique_id: format!("S{i:08}"),
            },
        })
        .collect()
}
