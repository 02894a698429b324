//! Every fault, as a client sees it.

use std::time::{Duration, Instant};

use super::*;
use crate::sandbox::Fault;

const SCHOOLS: &str = "/data/v3/ed-fi/schools";

async fn with_fault(fault: &str) -> Bench {
    let bench = Bench::start(options()).await;
    bench
        .sandbox
        .set_faults(vec![fault.parse::<Fault>().unwrap()]);
    bench
}

#[tokio::test]
async fn too_many_requests_in_every_wording() {
    for (fault, header, value) in [
        ("429", "retry-after", None),
        ("429:retry-after=2s", "retry-after", Some("2")),
        ("429:retry-after=1500ms", "retry-after", Some("1500")),
        (
            "429:retry-after=1500ms-header",
            "retry-after-ms",
            Some("1500"),
        ),
    ] {
        let bench = with_fault(fault).await;
        let reply = bench.post("schools", &school(1)).await;
        assert_eq!(
            (reply.status, reply.header(header)),
            (429, value),
            "{fault}"
        );
        assert_eq!(reply.kind(), "too-many-requests");
        bench.create("schools", &school(1)).await;
    }
    let bench = with_fault("429:retry-after=60s-date").await;
    let reply = bench.post("schools", &school(1)).await;
    let at = httpdate::parse_http_date(reply.header("retry-after").unwrap()).unwrap();
    let wait = at.duration_since(std::time::SystemTime::now()).unwrap();
    assert!((50..=60).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test]
async fn statuses_with_every_kind_of_body() {
    for (fault, status, body) in [
        ("500", 500, "urn:ed-fi:api:system"),
        ("503:retry-after=1s", 503, "service-unavailable"),
        ("502:body=html", 502, "<html>"),
        ("504", 504, "gateway-timeout"),
        ("400", 400, "data-validation-failed"),
        ("403", 403, "security:authorization"),
        ("409", 409, "unresolved-reference"),
    ] {
        let bench = with_fault(fault).await;
        let reply = bench.post("schools", &school(1)).await;
        assert_eq!(reply.status, status, "{fault}");
        assert!(reply.text.contains(body), "{fault}: {}", reply.text);
        assert_eq!(bench.sandbox.count("schools"), 0);
        bench.create("schools", &school(1)).await;
        assert_eq!(bench.sandbox.stats().faults, 1);
    }
    for fault in ["empty-conflict", "500:body=empty"] {
        let bench = with_fault(fault).await;
        let reply = bench.post("schools", &school(1)).await;
        assert!(reply.text.is_empty() && reply.header("content-type").is_none());
    }
}

#[tokio::test]
async fn a_slow_answer_and_none_at_all() {
    let bench = with_fault("slow:ms=120").await;
    let start = Instant::now();
    bench.create("schools", &school(1)).await;
    assert!(start.elapsed() >= Duration::from_millis(120));
    let bench = with_fault("hang").await;
    let body = school(1);
    let post = bench.post("schools", &body);
    assert!(
        tokio::time::timeout(Duration::from_millis(150), post)
            .await
            .is_err()
    );
    bench.create("schools", &school(1)).await;
    assert_eq!(bench.sandbox.stats().answered("POST", "schools", 0), 1);
}

#[tokio::test]
async fn a_reset_before_and_after_the_change() {
    for (fault, stored, then) in [("reset", 0, 201), ("reset-after-commit", 1, 200)] {
        let bench = with_fault(fault).await;
        let body = Some(school(1).to_string());
        let broken = bench.try_send(Method::POST, SCHOOLS, body, &[]).await;
        assert!(broken.is_err(), "{fault}");
        assert_eq!(bench.sandbox.count("schools"), stored, "{fault}");
        assert_eq!(
            bench.post("schools", &school(1)).await.status,
            then,
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_truncated_answer() {
    for (fault, stored) in [("truncated", 1), ("truncated:stored=false", 0)] {
        let bench = with_fault(fault).await;
        let body = Some(school(1).to_string());
        let broken = bench.try_send(Method::POST, SCHOOLS, body, &[]).await;
        assert!(broken.is_err(), "{fault}: {broken:?}");
        assert_eq!(bench.sandbox.count("schools"), stored, "{fault}");
    }
    let bench = with_fault("truncated:method=GET,after=1").await;
    bench.create("schools", &school(1)).await;
    assert_eq!(bench.get(SCHOOLS).await.status, 200);
    let other = format!("{SCHOOLS}?limit=1");
    assert!(
        bench
            .try_send(Method::GET, &other, None, &[])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn expired_tokens_and_a_failing_token_route() {
    let mut bench = with_fault("expire-tokens:every=2").await;
    bench.create("schools", &school(1)).await;
    assert_eq!(bench.post("schools", &school(2)).await.status, 401);
    bench.token = bench.new_token().await;
    bench.create("schools", &school(2)).await;
    bench
        .sandbox
        .set_faults(vec!["503:resource=oauth".parse().unwrap()]);
    let body = Some("grant_type=client_credentials".to_owned());
    let reply = bench
        .try_send(Method::POST, "/oauth/token", body, &[])
        .await
        .unwrap();
    assert_eq!(reply.status, 503);
    bench.new_token().await;
}

#[tokio::test]
async fn exactly_the_planned_objects_are_hit() {
    let bench = with_fault("503:every=10,resource=schools,method=POST").await;
    let mut hit = 0;
    for id in 1..=50 {
        let reply = bench.post("schools", &school(id)).await;
        if reply.status == 503 {
            hit += 1;
            bench.create("schools", &school(id)).await;
        }
    }
    assert_eq!((hit, bench.sandbox.count("schools")), (5, 50));
}

#[tokio::test]
async fn faults_and_counts_over_http() {
    let bench = Bench::start(options()).await;
    let nobody = [("authorization", "")];
    let put = async |body: &str| {
        let body = Some(body.to_owned());
        bench
            .try_send(Method::PUT, "/sandbox/faults", body, &nobody)
            .await
            .unwrap()
    };
    let reply = put(r#"["429:every=2,retry-after=1s", "hang:resource=students"]"#).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!([
            "429:every=2,times=1,retry-after=1s",
            "hang:every=1,times=1,resource=students"
        ])
    );
    assert_eq!(put(r#"["nonsense"]"#).await.status, 400);
    assert_eq!(put("{").await.status, 400);
    bench.create("schools", &school(1)).await;
    assert_eq!(bench.post("schools", &school(2)).await.status, 429);
    assert_eq!(put("[]").await.json(), json!([]));
    bench.create("schools", &school(2)).await;
    let stats = bench
        .try_send(Method::GET, "/sandbox/stats", None, &nobody)
        .await
        .unwrap();
    let stats = stats.json();
    let posts = stats["requests"].as_array().unwrap().iter();
    let created = posts.filter(|r| r["status"] == 201 && r["resource"] == "schools");
    assert_eq!(
        created.map(|r| r["count"].as_u64().unwrap()).sum::<u64>(),
        2
    );
}
