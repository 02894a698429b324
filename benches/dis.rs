//! Batches for a state: what a body costs to make, and how large it is, against columnar formats.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use criterion::{BatchSize, Criterion, Throughput};
use fullsync::object::{ContentHash, Encoded, KeyHash, encode};
use fullsync::target::dis::{Dis, Encoding};
use fullsync::target::{Chunk, Operation, Packing, Target as _, Unit};
use url::Url;

/// Records of one request.
const RECORDS: usize = 1000;

fn whole(make: fn(i64) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values((0..RECORDS as i64).map(make)))
}

/// Two per record, of two ids each: placements, staff.
fn pairs(first: &str, second: &str) -> ArrayRef {
    let ids = |from: i64| -> ArrayRef {
        let ids = (0..2 * RECORDS as i64).map(|i| from + i % 97);
        Arc::new(Int64Array::from_iter_values(ids))
    };
    let members = [(first, ids(300)), (second, ids(7000))].map(|(name, array)| {
        let field = Field::new(name, array.data_type().clone(), true);
        (Arc::new(field), array)
    });
    Arc::new(StructArray::from(members.to_vec()))
}

/// Sections with the members and sizes that the mapping gives them.
fn sections() -> RecordBatch {
    let number = |from: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            (0..RECORDS as i64).map(|i| from + i),
        ))
    };
    let text = |make: fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..RECORDS).map(make)))
    };
    let list = |of: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new_list_field(of.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(2, RECORDS));
        Arc::new(ListArray::new(field, offsets, of, None))
    };
    let nested = |members: Vec<(&str, ArrayRef)>| -> ArrayRef {
        let members = members.into_iter().map(|(name, array)| {
            let field = Field::new(name, array.data_type().clone(), true);
            (Arc::new(field), array)
        });
        Arc::new(StructArray::from(members.collect::<Vec<_>>()))
    };
    RecordBatch::try_from_iter(vec![
        ("calendar", nested(vec![("calendarID", number(1000))])),
        (
            "course",
            nested(vec![
                ("courseID", number(50_000)),
                ("name", text(|i| format!("Course {}", i / 6))),
                ("number", text(|i| format!("C{}", i / 6))),
            ]),
        ),
        ("maxStudents", whole(|_| 30)),
        ("number", number(1)),
        ("placements", list(pairs("periodID", "termID"))),
        ("room", text(|i| format!("{}", 100 + i % 40))),
        ("sectionID", number(90_000)),
        ("staff", list(pairs("personID", "staffID"))),
        ("teacherDisplay", text(|i| format!("Teacher {}", i % 70))),
    ])
    .unwrap()
}

fn unit(bodies: Encoded) -> Unit {
    let keys: Vec<String> = (0..RECORDS)
        .map(|i| format!("sectionID={}", 90_000 + i))
        .collect();
    let hashes = |hash: &dyn Fn(usize) -> [u8; 16]| {
        FixedSizeBinaryArray::try_from_iter((0..RECORDS).map(hash)).unwrap()
    };
    let chunk = Chunk {
        resource: 0,
        rows: (0..RECORDS as u64).collect(),
        key_hashes: hashes(&|i| KeyHash::of(&keys[i]).to_bytes()),
        content_hashes: hashes(&|i| ContentHash::of(bodies.bytes(i)).to_bytes()),
        keys: StringArray::from(keys),
        source_tables: StringArray::from(vec!["Section"; RECORDS]),
        source_keys: StringArray::from(vec!["1"; RECORDS]),
        scope: std::array::from_fn(|_| Int64Array::from(vec![Some(101); RECORDS])),
        bodies,
        ids: None,
        why: None,
    };
    Unit {
        chunk: Arc::new(chunk),
        range: 0..RECORDS,
        operation: Operation::Upsert,
    }
}

fn target(encoding: Encoding) -> Dis {
    let url = Url::parse("http://localhost/v1/districts/1/years/2024/CourseSection").unwrap();
    let packing = Packing {
        objects: RECORDS,
        bytes: 1 << 20,
    };
    Dis::new(vec![url], 1, encoding, packing)
}

/// As an Arrow IPC stream, compressed by zstd, with the keys and hashes that the lines carry.
fn ipc(batch: &RecordBatch, unit: &Unit) -> Vec<u8> {
    let options = arrow::ipc::writer::IpcWriteOptions::default()
        .try_with_compression(Some(arrow::ipc::CompressionType::ZSTD))
        .unwrap();
    let batch = with_keys(batch, unit);
    let mut writer = arrow::ipc::writer::StreamWriter::try_new_with_options(
        Vec::new(),
        &batch.schema(),
        options,
    )
    .unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(batch: &RecordBatch, unit: &Unit) -> Vec<u8> {
    use parquet::basic::{Compression, ZstdLevel};
    let batch = with_keys(batch, unit);
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
        .build();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn with_keys(batch: &RecordBatch, unit: &Unit) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("_key".to_owned(), Arc::new(unit.chunk.keys.clone())),
        (
            "_hash".to_owned(),
            Arc::new(unit.chunk.content_hashes.clone()),
        ),
        ("_school".to_owned(), Arc::new(unit.chunk.scope[0].clone())),
    ];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        columns.push((field.name().clone(), Arc::clone(column)));
    }
    assert_eq!(*columns[2].1.data_type(), DataType::Int64);
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(super) fn bench(criterion: &mut Criterion) {
    let batch = sections();
    let unit = unit(encode(&batch).unwrap());
    let mut group = criterion.benchmark_group("dis");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for (name, encoding) in [
        ("plain", Encoding::Identity),
        ("gzip", Encoding::Gzip),
        ("zstd", Encoding::Zstd),
    ] {
        let target = target(encoding);
        let bytes = target.start(&unit).1.body.unwrap().len();
        // Once per run, beside the times: how large a batch is.
        group.bench_function(
            format!("lines {name} ({} bytes a record)", bytes / RECORDS),
            |b| {
                b.iter_batched(
                    || unit.clone(),
                    |unit| black_box(target.start(&unit)),
                    BatchSize::SmallInput,
                );
            },
        );
    }
    let bytes = ipc(&batch, &unit).len();
    group.bench_function(
        format!("arrow ipc zstd ({} bytes a record)", bytes / RECORDS),
        |b| {
            b.iter(|| black_box(ipc(&batch, &unit)));
        },
    );
    let bytes = parquet(&batch, &unit).len();
    group.bench_function(
        format!("parquet zstd ({} bytes a record)", bytes / RECORDS),
        |b| {
            b.iter(|| black_box(parquet(&batch, &unit)));
        },
    );
    group.bench_function("encoding the records as JSON", |b| {
        b.iter(|| black_box(encode(&batch).unwrap()));
    });
    group.finish();
}
