//! The ledger at a million objects: deciding what is due when nothing has changed, and when one
//! in a hundred has; appending acknowledgements.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::DataType;
use criterion::{BatchSize, Criterion, Throughput};
use fullsync::ledger::{Disposition, DueOptions, Entry, Event, Ledger, due};
use fullsync::object::{ContentHash, KeyHash};
use parquet::arrow::ArrowWriter;

const ROWS: u32 = 1_000_000;
const RESOURCE: &str = "studentSchoolAssociations";

/// What is due of a million objects, and a thousand acknowledgements made durable.
pub(crate) fn bench(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let ledger = Ledger::open(&dir.path().join("ledger")).expect("an empty ledger");
    let mut journal = ledger.journal("bench", 0).expect("a journal");
    for n in 0..ROWS {
        let key = key(n);
        journal.append([entry(&key, n)]).expect("room on the disk");
    }
    journal.close().expect("room on the disk");
    ledger.compact(0).expect("a generation");
    let same = dir.path().join("same.parquet");
    let changed = dir.path().join("changed.parquet");
    write_objects(&same, None);
    write_objects(&changed, Some(100));

    let mut group = c.benchmark_group("ledger");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS.into()));
    for (name, objects, wanted) in [
        ("due, unchanged", &same, ROWS),
        ("due, 1 % changed", &changed, ROWS - ROWS / 100),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let snapshot = ledger.snapshot(RESOURCE).expect("a snapshot");
                let due = due(black_box(objects), Some(&snapshot), DueOptions::default())
                    .expect("decisions");
                assert_eq!(due.counts.of(Disposition::Unchanged), u64::from(wanted));
            });
        });
    }
    group.throughput(Throughput::Elements(1_000));
    let keys: Vec<String> = (0..1_000).map(key).collect();
    let mut runs = 0;
    group.bench_function("append 1,000 and sync", |b| {
        b.iter_batched_ref(
            || {
                runs += 1;
                ledger
                    .journal(&format!("bench-{runs}"), 0)
                    .expect("a journal")
            },
            |journal| {
                let entries = keys.iter().zip(0..).map(|(key, n)| entry(key, n));
                journal.append(entries).expect("room on the disk");
                journal.flush().expect("room on the disk");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn key(n: u32) -> String {
    format!("entryDate=2025-08-14&schoolId=255901001&studentUniqueId={n}")
}

fn content(n: u32) -> u128 {
    u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

fn entry(key: &str, n: u32) -> Entry<'_> {
    Entry {
        resource: RESOURCE,
        key_hash: KeyHash::of(key),
        key,
        source_table: "Enrollment",
        source_key: "1234567",
        school_id: Some(11),
        person_id: Some(n.into()),
        course_id: None,
        section_id: None,
        event: Event::Delivered {
            content_hash: ContentHash(content(n)),
            server_id: "0123456789abcdef0123456789abcdef",
        },
        at: n.into(),
    }
}

/// A million objects, of which every `every`th (if any) has another body than was acknowledged.
fn write_objects(path: &Path, every: Option<u32>) {
    let mut hashes = FixedSizeBinaryBuilder::new(16);
    let mut contents = FixedSizeBinaryBuilder::new(16);
    let keys: Vec<String> = (0..ROWS).map(key).collect();
    for (n, key) in (0..ROWS).zip(&keys) {
        let changed = every.is_some_and(|every| n % every == 0);
        hashes
            .append_value(KeyHash::of(key).to_bytes())
            .expect("16 bytes");
        let content = content(n) ^ u128::from(changed);
        contents
            .append_value(content.to_be_bytes())
            .expect("16 bytes");
    }
    let key: ArrayRef = Arc::new(StringArray::from(keys));
    let nothing = new_null_array(&DataType::Utf8, key.len());
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("_key", key, false),
        ("_key_hash", Arc::new(hashes.finish()) as ArrayRef, false),
        (
            "_content_hash",
            Arc::new(contents.finish()) as ArrayRef,
            false,
        ),
        ("_held", Arc::clone(&nothing), true),
        ("_reason", nothing, true),
    ])
    .expect("columns of one length");
    let file = std::fs::File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a Parquet writer");
    writer.write(&batch).expect("room on the disk");
    writer.close().expect("room on the disk");
}
