//! The answer to a SIF_Request: from the staged objects to packets of 64 KB, sent nowhere.
//!
//! An agent kit that makes the whole answer before it sends anything does 20,000 objects a second at
//! 64 KB, 31,000 at 1 MB; wanted are 200,000, with the first packet within 50 ms. Events: it does 500 a
//! second; wanted is ten times that.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Fields};
use criterion::{Criterion, Throughput};
use fullsync::metadata::Standard;
use fullsync::object::{ContentHash, KeyHash};
use fullsync::sif::{Messages, Packer, Part, Query, Shelf, delta, make};
use fullsync::stage::{Layout, ParquetFile};
use fullsync::xml::{Version, XmlPlan};

/// Objects of the answer.
pub(crate) const OBJECTS: usize = 50_000;
/// Changed objects.
const EVENTS: usize = 5_000;
/// SIF_MaxBufferSize of the request, and the longest that its first packet may take.
pub(crate) const BUFFER: u64 = 65_536;
pub(crate) const FIRST: Duration = Duration::from_millis(50);

/// `packets`: objects a second; and that the first packet is there at once. `bodies of Change
/// events`: changed objects a second.
pub(crate) fn bench(c: &mut Criterion) {
    events(c);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("StudentPersonal.parquet");
    write(&path, &|i| format!("Last{}", i % 9973));
    let standard = Standard::sif_2();
    let meta = standard.resource("StudentPersonal").unwrap();
    let shelf = Shelf::open("StudentPersonal", &path, meta, None).unwrap();
    let query = Query {
        object: "StudentPersonal".to_owned(),
        elements: Vec::new(),
        group: None,
    };
    let wanted = shelf.wanted(&query, Version::new(2, 7)).unwrap();
    let answer = |out: &mut dyn FnMut(Part) -> bool| {
        let messages = Messages::new(Version::new(2, 7), "SIS");
        let packer = Packer::new(messages, "LIB", &"A".repeat(32), BUFFER).unwrap();
        make(&shelf, &wanted, packer, 0, out).unwrap();
    };
    let began = Instant::now();
    let (mut first, mut objects) = (None, 0);
    answer(&mut |part| {
        first.get_or_insert_with(|| began.elapsed());
        if let Part::Packet(packet) = part {
            assert!(packet.packed.bytes.len() as u64 <= BUFFER);
            objects += packet.packed.objects;
        }
        true
    });
    assert_eq!(objects, OBJECTS as u64);
    // Without optimization nothing is claimed.
    if !cfg!(debug_assertions) {
        let first = first.unwrap();
        assert!(first <= FIRST, "the first packet took {first:?}");
    }
    let mut group = c.benchmark_group("sif StudentPersonal");
    group.sample_size(10);
    group.throughput(Throughput::Elements(OBJECTS as u64));
    group.bench_function("packets of 64 KB", |b| {
        b.iter(|| {
            let mut bytes = 0;
            answer(&mut |part| {
                if let Part::Packet(packet) = part {
                    bytes += black_box(packet.packed.bytes).len();
                }
                true
            });
            bytes
        });
    });
    group.finish();
}

/// Every object has another name than the one that was handed over.
fn events(c: &mut Criterion) {
    let xml = |i: usize, last: &str| {
        format!(
            "<StudentPersonal RefId=\"{i:032X}\"><LocalId>{i}</LocalId><Name Type=\"04\">\
             <LastName>{last}</LastName><FirstName>First</FirstName></Name><PhoneNumberList>\
             <PhoneNumber Type=\"0096\"><Number>(555) 555-0100</Number></PhoneNumber>\
             </PhoneNumberList></StudentPersonal>"
        )
    };
    let pairs: Vec<_> = (0..EVENTS)
        .map(|i| (xml(i, "Before"), xml(i, "Now")))
        .collect();
    let standard = Standard::sif_2();
    let fields = &standard.resource("StudentPersonal").unwrap().fields;
    let plan = XmlPlan::new("StudentPersonal", fields, Version::new(2, 7), &|_| true);
    let mut group = c.benchmark_group("sif StudentPersonal");
    group.sample_size(10);
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("bodies of Change events", |b| {
        b.iter(|| {
            let told = pairs.iter().map(|(old, new)| {
                let told = delta(plan.root(), old, new).unwrap();
                told.expect("a change").len()
            });
            black_box(told.sum::<usize>())
        });
    });
    group.finish();
}

/// Staged objects, as the transform writes them.
pub(crate) fn write(path: &Path, last_name: &dyn Fn(usize) -> String) {
    let texts = |make: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..OBJECTS).map(make).collect::<StringArray>())
    };
    let some = |make: &dyn Fn(usize) -> String| texts(&|i| Some(make(i)));
    let none =
        || -> ArrayRef { Arc::new((0..OBJECTS).map(|_| None::<i64>).collect::<Int64Array>()) };
    let hashes = |make: &dyn Fn(usize) -> [u8; 16]| -> ArrayRef {
        Arc::new(FixedSizeBinaryArray::try_from_iter((0..OBJECTS).map(make)).unwrap())
    };
    let nested = |members: Vec<(&str, ArrayRef)>| -> ArrayRef {
        let names = members
            .iter()
            .map(|(name, _)| Field::new(*name, DataType::Utf8, true));
        let fields: Fields = names.collect();
        let arrays = members.into_iter().map(|(_, array)| array).collect();
        Arc::new(StructArray::new(fields, arrays, None))
    };
    let key = |i: usize| format!("RefId={i:032X}");
    let name = nested(vec![
        ("FirstName", some(&|i| format!("First{}", i % 997))),
        ("LastName", some(last_name)),
        ("Type", some(&|_| "04".to_owned())),
    ]);
    let demographics = nested(vec![
        (
            "BirthDate",
            some(&|i| format!("20{:02}-0{}-1{}", 5 + i % 13, 1 + i % 9, i % 10)),
        ),
        (
            "Gender",
            some(&|i| if i % 2 == 0 { "M" } else { "F" }.to_owned()),
        ),
    ]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("Demographics", demographics, true),
        ("LocalId", some(&|i| (100_000 + i).to_string()), true),
        ("Name", name, true),
        ("RefId", some(&|i| format!("{i:032X}")), true),
        ("StateProvinceId", some(&|i| format!("S{i:09}")), true),
        ("_key", some(&key), false),
        (
            "_key_hash",
            hashes(&|i| KeyHash::of(&key(i)).to_bytes()),
            false,
        ),
        (
            "_content_hash",
            hashes(&|i| ContentHash::of(last_name(i).as_bytes()).to_bytes()),
            false,
        ),
        ("_source_table", some(&|_| "Person".to_owned()), false),
        ("_source_key", some(&|i| i.to_string()), false),
        ("_school_id", none(), true),
        ("_person_id", none(), true),
        ("_course_id", none(), true),
        ("_section_id", none(), true),
        ("_held", texts(&|_| None), true),
        ("_reason", texts(&|_| None), true),
        ("_detail", texts(&|_| None), true),
    ])
    .unwrap();
    let mut file = ParquetFile::create(path, batch.schema(), &Layout::objects()).unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
}
