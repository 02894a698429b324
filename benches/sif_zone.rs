//! The agent at work in a zone that takes everything at once: a request answered to its end, and the
//! events after it, over HTTP, with the journal, the history of messages and the hand-over point.
//!
//! Beside the events, in the same run, what a peer does: one message, its acknowledgement, the next.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use fullsync::metadata::Standard;
use fullsync::progress::Quiet;
use fullsync::sif::{
    Agent, Desk, EventSettings, Handovers, Profile, Shelf, Stay, Zone, log::Log, pull,
};
use fullsync::xml::Version;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};

use crate::server::serve;
use crate::sif::{BUFFER, FIRST, OBJECTS, write};

/// Changed objects.
const EVENTS: usize = if cfg!(debug_assertions) { 200 } else { 5_000 };
/// Messages in flight, as `[sif] parallel` has it by default.
const PARALLEL: usize = 4;

/// `answer`: objects a second, and that the first packet is with the zone at once. `events`: changed
/// objects a second, one a message, and in bundles.
pub(crate) fn bench(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let zone = runtime.block_on(NullZone::start());
    let folder = tempfile::tempdir().unwrap();
    let given = folder.path().join("given.parquet");
    let now = folder.path().join("now.parquet");
    write(&given, &|_| "Before".to_owned());
    write(&now, &|i| {
        if i < EVENTS { "Now" } else { "Before" }.to_owned()
    });

    let mut group = c.benchmark_group("sif zone");
    group.sample_size(10);
    group.throughput(Throughput::Elements(OBJECTS as u64));
    group.bench_function("answer, packets of 64 KB", |b| {
        b.iter(|| {
            let state = tempfile::tempdir().unwrap();
            let first = runtime.block_on(zone.answer(state.path(), &given));
            // Without optimization nothing is claimed.
            assert!(
                cfg!(debug_assertions) || first <= FIRST,
                "the first packet took {first:?}"
            );
        });
    });
    group.throughput(Throughput::Elements(EVENTS as u64));
    let state = tempfile::tempdir().unwrap();
    runtime.block_on(zone.answer(state.path(), &given));
    let point = Handovers::new(state.path()).all().unwrap().remove(0);
    for (name, bundle) in [("events, one a message", 1), ("events, 50 a message", 50)] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || {
                    let state = tempfile::tempdir().unwrap();
                    let points = Handovers::new(state.path());
                    points.set(point.clone(), &given).unwrap();
                    state
                },
                |state| runtime.block_on(zone.events(state.path(), &now, bundle)),
                criterion::BatchSize::PerIteration,
            );
        });
    }
    group.bench_function("bare reqwest, one event after the other", |b| {
        b.iter(|| runtime.block_on(zone.bare()));
    });
    group.finish();
}

/// A zone that hands out one request and takes everything.
struct NullZone {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What the zone has seen.
#[derive(Default)]
struct Seen {
    /// The request that waits.
    request: Mutex<Option<String>>,
    /// When it was handed out, and how long the first packet was in coming.
    asked: Mutex<Option<Instant>>,
    first: Mutex<Option<Duration>>,
    messages: AtomicU64,
}

impl NullZone {
    async fn start() -> Self {
        let seen = Arc::new(Seen::default());
        let served = Arc::clone(&seen);
        let address = serve(move |request| answer(Arc::clone(&served), request)).await;
        Self { address, seen }
    }

    fn desk(&self, state: &Path, objects: &Path, run: &str) -> Arc<Desk> {
        let settings = crate::load::settings();
        let url = format!("http://{}/zone", self.address).parse().unwrap();
        let http = fullsync::load::client(&settings, None).unwrap();
        let log = Log::new(state, false);
        let never = tokio::sync::watch::channel(false).1;
        let zone = Zone::new(url, http, None, settings, log, never);
        let profile = Profile {
            source_id: "SIS".to_owned(),
            name: "SIS".to_owned(),
            version: Version::new(2, 7),
            max_buffer: 1 << 20,
            push_url: None,
            contexts: vec!["SIF_Default".to_owned()],
        };
        let standard = Standard::sif_2();
        let meta = standard.resource("StudentPersonal").unwrap();
        let shelf = Shelf::open("StudentPersonal", objects, meta, None).unwrap();
        let agent = Agent::new(Arc::new(zone), profile);
        Arc::new(Desk::new(agent, vec![shelf], state, run, Arc::new(Quiet)))
    }

    /// Asks for all objects; how long the first packet was in coming.
    async fn answer(&self, state: &Path, objects: &Path) -> Duration {
        let request = format!(
            "<SIF_Message Version=\"2.7\"><SIF_Request><SIF_Header><SIF_MsgId>{:032X}</SIF_MsgId>\
             <SIF_SourceId>LIB</SIF_SourceId></SIF_Header><SIF_Version>2.*</SIF_Version>\
             <SIF_MaxBufferSize>{BUFFER}</SIF_MaxBufferSize><SIF_Query>\
             <SIF_QueryObject ObjectName=\"StudentPersonal\"/></SIF_Query></SIF_Request>\
             </SIF_Message>",
            fastrand::u128(..)
        );
        *self.seen.request.lock().unwrap() = Some(request);
        *self.seen.first.lock().unwrap() = None;
        let desk = self.desk(state, objects, "run-1");
        let stay = Stay {
            poll_every: Duration::from_millis(1),
            idle_polls: Some(1),
            until: None,
            parallel: PARALLEL,
            expected: Default::default(),
            given: Default::default(),
            acknowledge_after: true,
        };
        pull(&desk, &stay).await.unwrap();
        let answered = desk.answered();
        assert_eq!(
            answered.iter().map(|a| a.delivered).sum::<u64>(),
            OBJECTS as u64
        );
        self.seen.first.lock().unwrap().take().unwrap()
    }

    async fn events(&self, state: &Path, objects: &Path, bundle: usize) {
        let desk = self.desk(state, objects, "run-2");
        let settings = EventSettings {
            parallel: PARALLEL,
            bundle,
            may: ["StudentPersonal".to_owned()].into(),
        };
        let (told, result) = desk
            .events(&["StudentPersonal".to_owned()], &settings)
            .await;
        result.unwrap();
        assert_eq!(told[0].acked, [0, EVENTS as u64, 0]);
    }

    /// What a program that does nothing else would do.
    async fn bare(&self) {
        let http = fullsync::load::client(&crate::load::settings(), None).unwrap();
        for i in 0..EVENTS {
            let event = format!(
                "<SIF_Message Version=\"2.7\" xmlns=\"http://www.sifinfo.org/infrastructure/2.x\">\
                 <SIF_Event><SIF_Header><SIF_MsgId>{i:032X}</SIF_MsgId>\
                 <SIF_Timestamp>2026-11-22T03:43:06Z</SIF_Timestamp><SIF_SourceId>SIS</SIF_SourceId>\
                 </SIF_Header><SIF_ObjectData><SIF_EventObject ObjectName=\"StudentPersonal\" \
                 Action=\"Change\"><StudentPersonal RefId=\"{i:032X}\"><Name><LastName>Now</LastName>\
                 </Name></StudentPersonal></SIF_EventObject></SIF_ObjectData></SIF_Event>\
                 </SIF_Message>"
            );
            let request = http
                .post(format!("http://{}/zone", self.address))
                .body(event);
            let reply = request.send().await.unwrap().bytes().await.unwrap();
            assert!(!reply.is_empty());
        }
    }
}

async fn answer(seen: Arc<Seen>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes());
    let body = body.unwrap_or_default();
    seen.messages.fetch_add(1, Ordering::Relaxed);
    let head = String::from_utf8_lossy(body.get(..body.len().min(1024)).unwrap_or_default());
    let id = head
        .split("<SIF_MsgId>")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .unwrap_or_default();
    let status = if head.contains("<SIF_GetMessage") {
        match seen.request.lock().unwrap().as_ref() {
            Some(request) => {
                seen.asked.lock().unwrap().get_or_insert_with(Instant::now);
                format!("<SIF_Code>0</SIF_Code><SIF_Data>{request}</SIF_Data>")
            }
            None => "<SIF_Code>9</SIF_Code>".to_owned(),
        }
    } else {
        if head.contains("<SIF_Response>") {
            if let Some(asked) = seen.asked.lock().unwrap().take() {
                *seen.first.lock().unwrap() = Some(asked.elapsed());
            }
        } else if head.contains("<SIF_Ack>") {
            *seen.request.lock().unwrap() = None;
        }
        "<SIF_Code>0</SIF_Code>".to_owned()
    };
    let ack = format!(
        "<SIF_Message Version=\"2.7\"><SIF_Ack><SIF_Header><SIF_MsgId>Z</SIF_MsgId></SIF_Header>\
         <SIF_OriginalMsgId>{id}</SIF_OriginalMsgId><SIF_Status>{status}</SIF_Status></SIF_Ack>\
         </SIF_Message>"
    );
    Response::new(Full::new(Bytes::from(ack)))
}
