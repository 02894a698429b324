//! How long ten million unchanged objects take, and how much memory: run by hand, optimised.
//!
//! `cargo test --release --lib ledger::tests::measure -- --ignored --nocapture`; another number of
//! rows in `FULLSYNC_MEASURE_ROWS`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::super::due::{Disposition, DueOptions, due};
use super::super::{Ledger, RowView};
use super::{RESOURCE, delivered, entry};
use crate::object::KeyHash;

fn rows() -> u32 {
    let rows = std::env::var("FULLSYNC_MEASURE_ROWS").ok();
    rows.and_then(|r| r.parse().ok()).unwrap_or(10_000_000)
}

fn content(n: u32) -> u128 {
    u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

/// An objects file with a key, its hashes and one body column.
fn write_objects(path: &Path, rows: u32) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(131_072))
        .build();
    let mut writer = None;
    for first in (0..rows).step_by(65_536) {
        let part = first..rows.min(first + 65_536);
        let keys: Vec<String> = part.clone().map(super::key).collect();
        let mut hashes = FixedSizeBinaryBuilder::new(16);
        let mut contents = FixedSizeBinaryBuilder::new(16);
        for (n, key) in part.zip(&keys) {
            hashes.append_value(KeyHash::of(key).to_bytes()).unwrap();
            contents.append_value(content(n).to_be_bytes()).unwrap();
        }
        let key: ArrayRef = Arc::new(StringArray::from(keys));
        let nothing = new_null_array(&DataType::Utf8, key.len());
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("studentUniqueId", Arc::clone(&key), true),
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
        .unwrap();
        writer
            .get_or_insert_with(|| {
                let file = std::fs::File::create(path).unwrap();
                ArrowWriter::try_new(file, batch.schema(), Some(properties.clone())).unwrap()
            })
            .write(&batch)
            .unwrap();
    }
    writer.unwrap().close().unwrap();
}

/// Largest memory of this process so far, in MiB; 0 where the system does not say.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    peak.and_then(|p| p.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!(
        "{what}: {:.2} s, peak {} MiB",
        start.elapsed().as_secs_f64(),
        peak_mib()
    );
    done
}

#[test]
#[ignore = "a measurement"]
fn ten_million_unchanged() {
    let rows = rows();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("objects.parquet");
    let ledger = Ledger::open(&dir.path().join("ledger")).unwrap();
    timed("journal", || {
        let mut journal = ledger.journal("run", 0).unwrap();
        for n in 0..rows {
            let key = super::key(n);
            let entry = entry(RESOURCE, &key, delivered(content(n)), n.into());
            journal.append([entry]).unwrap();
            if n % 1_000 == 999 {
                journal.flush().unwrap();
            }
        }
        journal.close().unwrap();
    });
    timed("write objects", || write_objects(&path, rows));
    let decide = |what| {
        timed(what, || {
            let snapshot = ledger.snapshot(RESOURCE).unwrap();
            let due = due(&path, Some(&snapshot), DueOptions::default()).unwrap();
            assert_eq!(due.counts.of(Disposition::Unchanged), u64::from(rows));
        });
    };
    decide("due from a journal");
    timed("compact", || ledger.compact(1).unwrap());
    decide("due from a generation");
    let keys: Vec<KeyHash> = (0..rows)
        .step_by(997)
        .map(|n| KeyHash::of(&super::key(n)))
        .collect();
    timed("select 0.1 %", || {
        let found = ledger.snapshot(RESOURCE).unwrap().select(&keys).unwrap();
        let found: usize = found
            .map(|b| RowView::new(&b.unwrap()).unwrap().iter().count())
            .sum();
        assert_eq!(found, keys.len());
    });
    timed("all rows", || {
        let found: usize = ledger
            .iter(RESOURCE)
            .unwrap()
            .map(|b| b.unwrap().num_rows())
            .sum();
        assert_eq!(found, rows as usize);
    });
}
