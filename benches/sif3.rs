//! A bulk create of StudentPersonal into a SIF 3 provider that takes everything at once, beside a bare
//! reqwest loop with the same bodies: what making them, reading a status for each object, the ledger,
//! the results and the tally cost.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use fullsync::ledger::{DueOptions, Ledger, due};
use fullsync::load::{Load, LoadResource, Moves, Parents, client};
use fullsync::metadata::Standard;
use fullsync::object::Outcome;
use fullsync::progress::Quiet;
use fullsync::target::sif3::{IdMap, Route, Rules, Sif3};
use fullsync::target::{Operation, Packing};
use fullsync::xml::{Version, XmlPlan};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};

use crate::load::settings;
use crate::server::{post, serve};
use crate::sif::{OBJECTS, write};

const OBJECT: &str = "StudentPersonal";
/// Requests in flight.
const CONNECTIONS: usize = 4;
/// What stands before the id of each object in a body.
const BEFORE_ID: &str = "<StudentPersonal RefId=\"";

/// Objects a second, of both.
pub(crate) fn bench(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let provider = runtime.block_on(NullProvider::start());
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects.parquet");
    write(&objects, &|i| format!("Last{}", i % 9973));
    let load = || {
        let state = tempfile::tempdir().unwrap();
        runtime.block_on(provider.load(&objects, state.path()));
    };
    // The bodies that the bare loop sends are those of a load.
    *provider.bodies.lock().unwrap() = Some(Vec::new());
    load();
    let bodies: Arc<[Bytes]> = provider.bodies.lock().unwrap().take().unwrap().into();
    let mut group = c.benchmark_group("sif3");
    group
        .throughput(Throughput::Elements(OBJECTS as u64))
        .sample_size(10);
    group.bench_function("bulk create", |b| b.iter(load));
    group.bench_function("bare reqwest loop with the same bodies", |b| {
        let url = provider.url();
        b.iter(|| runtime.block_on(post(&url, "application/xml", &bodies, CONNECTIONS)));
    });
    group.finish();
}

/// A provider that has created everything it is sent.
struct NullProvider {
    address: SocketAddr,
    /// Where they are wanted, the bodies of requests.
    bodies: Arc<Mutex<Option<Vec<Bytes>>>>,
}

impl NullProvider {
    async fn start() -> Self {
        let bodies = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&bodies);
        let address = serve(move |request| answer(Arc::clone(&kept), request)).await;
        Self { address, bodies }
    }

    fn url(&self) -> String {
        let at = self.address;
        format!("http://{at}/requests/{OBJECT}s;zoneId=District;contextId=DEFAULT")
    }

    async fn load(&self, objects: &Path, state: &Path) {
        let standard = Standard::sif_4();
        let meta = standard.resource(OBJECT).unwrap().clone();
        let ledger = Ledger::open(&state.join("ledger")).unwrap();
        let options = DueOptions {
            resend: false,
            complete: false,
            select: None,
        };
        let snapshot = ledger.snapshot(OBJECT).unwrap();
        let route = Route {
            url: self.url().parse().unwrap(),
            service: format!("{OBJECT}s"),
            plan: XmlPlan::new(OBJECT, &meta.fields, Version::new(4, 0), &|_| true),
        };
        let rules = Rules {
            infrastructure: "3.3".to_owned(),
            data_model: "http://www.sifassociation.org/datamodel/na/4.x".to_owned(),
            must_use_advisory: true,
            gzip: false,
        };
        let packing = Packing {
            objects: 500,
            bytes: 1 << 20,
        };
        let mut settings = settings();
        settings.concurrency_start = CONNECTIONS;
        settings.concurrency_max = CONNECTIONS;
        let load = Load {
            run: "bench".to_owned(),
            resources: vec![LoadResource {
                name: OBJECT.to_owned(),
                objects: objects.to_owned(),
                results: state.join("results.parquet"),
                operation: Operation::Upsert,
                meta,
                due: due(objects, Some(&snapshot), options).unwrap(),
                prerequisites: Vec::new(),
                authorizers: Vec::new(),
                after: Vec::new(),
                moves: Moves::new(),
                deleting: None,
            }],
            standard,
            target: Box::new(Sif3::new(
                vec![route],
                rules,
                (IdMap::default(), None),
                packing,
            )),
            http: client(&settings, None).unwrap(),
            token: None,
            settings,
            parents: Parents::AtTarget,
            journal: Some(ledger.journal("bench", 1).unwrap()),
            claims: None,
            progress: Arc::new(Quiet),
            cancel: tokio::sync::watch::channel(false).1,
        };
        let loaded = load.run().await.unwrap();
        let created = loaded.books[0].tally.of(Outcome::Created);
        assert_eq!(created, OBJECTS as u64);
    }
}

async fn answer(
    kept: Arc<Mutex<Option<Vec<Bytes>>>>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let body = request.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let mut told = "<createResponse><creates>".to_owned();
    let text = String::from_utf8_lossy(&body);
    for object in text.split(BEFORE_ID).skip(1) {
        let id = object.split('"').next().unwrap_or_default();
        told += &format!("<create id=\"{id}\" advisoryId=\"{id}\" statusCode=\"201\"/>");
    }
    told += "</creates></createResponse>";
    drop(text);
    if let Some(bodies) = kept.lock().unwrap().as_mut() {
        bodies.push(body);
    }
    Response::new(Full::new(Bytes::from(told)))
}
