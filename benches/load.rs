//! The load against a sink that answers at once, beside a bare reqwest loop with the same bodies:
//! what the schedule, the ledger, the results and the tally cost per document.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field};
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use fullsync::ledger::{DueOptions, Ledger, due};
use fullsync::load::{Load, LoadResource, Objects};
use fullsync::metadata::{ResourceMeta, Standard};
use fullsync::object::{ContentHash, KeyHash, body_columns, encode};
use fullsync::pipeline::LoadSettings;
use fullsync::progress::Quiet;
use fullsync::target::Operation;
use fullsync::target::edfi::{Edfi, Route};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use url::Url;

use crate::server::{post, serve};

const DOCUMENTS: usize = 20_000;
const CONNECTIONS: usize = 32;

/// Compares both; the difference is what fullsync adds to a document.
pub(crate) fn bench(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let documents = if cfg!(debug_assertions) {
        500
    } else {
        DOCUMENTS
    };
    let address = runtime.block_on(serve(created));
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects.parquet");
    write_objects(&objects, documents);
    let mut group = c.benchmark_group("load");
    group
        .throughput(Throughput::Elements(documents as u64))
        .sample_size(10);
    group.bench_function("bare reqwest loop", |b| {
        let bodies = bodies(&objects).into();
        let url = url(address);
        b.iter(|| {
            runtime.block_on(post(url.as_str(), "application/json", &bodies, CONNECTIONS));
        });
    });
    group.bench_function("fullsync", |b| {
        b.iter(|| {
            let state = tempfile::tempdir().unwrap();
            runtime.block_on(full(address, &objects, state.path()))
        });
    });
    group.finish();
}

pub(crate) fn settings() -> LoadSettings {
    LoadSettings {
        concurrency_start: CONNECTIONS,
        concurrency_max: CONNECTIONS,
        rate: None,
        window: None,
        max_attempts: 3,
        backoff_start: Duration::from_millis(10),
        backoff_max: Duration::from_secs(1),
        retry_after_max: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(30),
        stop_after_same_refusals: 0,
        local_validation: true,
    }
}

/// Reads the body and answers 201.
async fn created(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let _ = request.into_body().collect().await;
    let response = Response::builder()
        .status(201)
        .header("location", "/x/0123456789abcdef");
    response.body(Full::default()).unwrap_or_default()
}

fn url(address: SocketAddr) -> Url {
    Url::parse(&format!(
        "http://{address}/data/v3/ed-fi/studentSchoolAssociations"
    ))
    .unwrap()
}

/// studentSchoolAssociations as the transform stages them.
fn write_objects(path: &Path, rows: usize) {
    let text = |f: &dyn Fn(usize) -> String| StringArray::from_iter_values((0..rows).map(f));
    let field = |name: &str, kind: DataType| Arc::new(Field::new(name, kind, true));
    let student = StructArray::from(vec![(
        field("studentUniqueId", DataType::Utf8),
        Arc::new(text(&|i| format!("{i:010}"))) as ArrayRef,
    )]);
    let school = StructArray::from(vec![(
        field("schoolId", DataType::Int64),
        Arc::new(Int64Array::from_iter_values(
            (0..rows).map(|i| 255_901_000 + i as i64 % 40),
        )) as ArrayRef,
    )]);
    let grade = text(&|_| "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade".to_owned());
    let keys = text(&|i| format!("entryDate=2025-08-18&schoolId=1&studentUniqueId={i:010}"));
    let hash = |of: &dyn Fn(usize) -> [u8; 16]| {
        FixedSizeBinaryArray::try_from_iter((0..rows).map(of)).unwrap()
    };
    let none = || Arc::new(Int64Array::from(vec![None::<i64>; rows])) as ArrayRef;
    let blank = || Arc::new(StringArray::from(vec![None::<&str>; rows])) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "entryDate",
            Arc::new(text(&|_| "2025-08-18".to_owned())) as ArrayRef,
            true,
        ),
        ("entryGradeLevelDescriptor", Arc::new(grade), true),
        ("schoolReference", Arc::new(school), true),
        ("studentReference", Arc::new(student), true),
        ("_key", Arc::new(keys.clone()), false),
        (
            "_key_hash",
            Arc::new(hash(&|i| KeyHash::of(keys.value(i)).to_bytes())),
            false,
        ),
        (
            "_content_hash",
            Arc::new(hash(&|i| ContentHash(i as u128).to_bytes())),
            false,
        ),
        (
            "_source_table",
            Arc::new(text(&|_| "Enrollment".to_owned())),
            false,
        ),
        ("_source_key", Arc::new(text(&|i| i.to_string())), false),
        ("_school_id", none(), true),
        ("_person_id", none(), true),
        ("_course_id", none(), true),
        ("_section_id", none(), true),
        ("_held", blank(), true),
        ("_reason", blank(), true),
        ("_detail", blank(), true),
    ])
    .unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn bodies(objects: &Path) -> Vec<Bytes> {
    let objects = Objects::open(objects).unwrap();
    let mut bodies = Vec::new();
    for group in objects.groups() {
        let read = objects.read(
            group,
            fullsync::load::Columns::All,
            |_| true,
            |_, batch| {
                let encoded =
                    encode(&batch.project(&body_columns(&batch.schema())).unwrap()).unwrap();
                bodies.extend((0..encoded.len()).map(|i| encoded.body(i)));
                Ok::<bool, fullsync::load::ObjectsError>(true)
            },
        );
        read.unwrap();
    }
    bodies
}

async fn full(address: SocketAddr, objects: &Path, state: &Path) {
    let ledger = Ledger::open(&state.join("ledger")).unwrap();
    let options = DueOptions {
        resend: false,
        complete: false,
        select: None,
    };
    let snapshot = ledger.snapshot("studentSchoolAssociations").unwrap();
    let due = due(objects, Some(&snapshot), options).unwrap();
    let load = Load {
        run: "bench".to_owned(),
        resources: vec![LoadResource {
            name: "studentSchoolAssociations".to_owned(),
            objects: objects.to_owned(),
            results: state.join("results.parquet"),
            operation: Operation::Upsert,
            meta: ResourceMeta::default(),
            due,
            prerequisites: Vec::new(),
            authorizers: Vec::new(),
            after: Vec::new(),
            moves: fullsync::load::Moves::new(),
            deleting: None,
        }],
        standard: Arc::new(Standard::default()),
        target: Box::new(Edfi::new(vec![Route {
            url: url(address),
            media: fullsync::target::edfi::Media::default(),
            deferrable: false,
        }])),
        http: fullsync::load::client(&settings(), None).unwrap(),
        token: None,
        settings: settings(),
        parents: fullsync::load::Parents::AtTarget,
        journal: Some(ledger.journal("bench", 1).unwrap()),
        claims: None,
        progress: Arc::new(Quiet),
        cancel: tokio::sync::watch::channel(false).1,
    };
    let loaded = load.run().await.unwrap();
    assert!(!loaded.interrupted);
}
