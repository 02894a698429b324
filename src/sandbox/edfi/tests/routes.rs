//! Discovery, documents, tokens, contexts, quirks.

use super::*;
use crate::sandbox::RetryAfter;
use crate::sandbox::edfi::{ErrorStyle, Quirks};

#[tokio::test]
async fn discovery_names_every_url_and_the_instance() {
    let bench = Bench::start(Options {
        instance_id: "demo".to_owned(),
        ..options()
    })
    .await;
    let base = bench.sandbox.base_url();
    let root = bench.get("/").await.json();
    assert_eq!(root["instanceId"], "demo");
    assert!(
        root["applicationName"]
            .as_str()
            .unwrap()
            .contains("sandbox")
    );
    assert_eq!(root["dataModels"][0]["version"], "5.2.0");
    let urls = &root["urls"];
    assert_eq!(urls["dataManagementApi"], format!("{base}/data/v3/"));
    assert_eq!(urls["oauth"], format!("{base}/oauth/token"));
    for name in ["dependencies", "openApiMetadata"] {
        let path = urls[name].as_str().unwrap().replace(&base, "");
        assert_eq!(bench.get(&path).await.status, 200, "{name}");
    }
    let list = bench.get("/metadata/").await.json();
    for spec in list.as_array().unwrap() {
        let path = spec["endpointUri"].as_str().unwrap().replace(&base, "");
        let spec = bench.get(&path).await.json();
        assert!(!spec["paths"].as_object().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn dependencies_come_as_levels_or_as_a_graph() {
    let bench = Bench::start(options()).await;
    let path = "/metadata/data/v3/dependencies";
    let levels = bench.get(path).await.json();
    let order = |name: &str| {
        let list = levels.as_array().unwrap();
        let found = list
            .iter()
            .find(|e| e["resource"] == format!("/ed-fi/{name}"));
        found.unwrap()["order"].as_u64().unwrap()
    };
    assert!(order("students") < order("studentSchoolAssociations"));
    let headers = [("accept", "application/graphml")];
    let graph = bench
        .try_send(Method::GET, path, None, &headers)
        .await
        .unwrap();
    assert_eq!(graph.header("content-type"), Some("application/graphml"));
    assert!(graph.text.contains("<graphml"));
}

#[tokio::test]
async fn tenants_and_years_stand_in_the_urls() {
    let contextual = |error_style| Options {
        tenant: Some("north".to_owned()),
        school_year_route: Some(2026),
        error_style,
        ..options()
    };
    let sandbox = Sandbox::start(contextual(ErrorStyle::ProblemDetails))
        .await
        .unwrap();
    let base = sandbox.base_url();
    let http = Client::new();
    let discover = async |path: &str| -> String {
        let root: Value = http.get(path).send().await.unwrap().json().await.unwrap();
        root["urls"]["dataManagementApi"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        discover(&base).await,
        format!("{base}/{{tenantIdentifier}}/{{schoolYearFromRoute}}/data/v3/")
    );
    let data = discover(&format!("{base}/north/2026")).await;
    assert_eq!(data, format!("{base}/north/2026/data/v3/"));
    let old = Sandbox::start(contextual(ErrorStyle::MessageModelState))
        .await
        .unwrap();
    let base = old.base_url();
    assert_eq!(
        discover(&format!("{base}/north")).await,
        format!("{base}/north/data/v3/2026")
    );
}

#[tokio::test]
async fn a_year_route_is_the_location_too() {
    let bench = Bench::start(Options {
        school_year_route: Some(2026),
        ..options()
    })
    .await;
    for (root, id) in [("/2026/data/v3", 1), ("/data/v3/2026", 2)] {
        let path = format!("{root}/ed-fi/schools");
        let reply = bench.send(Method::POST, &path, Some(&school(id))).await;
        assert_eq!(reply.status, 201, "{root}");
        let location = reply.header("location").unwrap();
        assert!(
            location.contains(&format!("{root}/ed-fi/schools/")),
            "{location}"
        );
    }
    assert_eq!(bench.get("/data/v3/ed-fi/schools").await.status, 404);
    assert_eq!(bench.get("/2025/data/v3/ed-fi/schools").await.status, 404);
}

#[tokio::test]
async fn tokens_open_the_data_routes() {
    let bench = Bench::start(options()).await;
    let path = "/data/v3/ed-fi/schools";
    for (header, error) in [
        ("", "Authorization header is missing."),
        ("Basic abc", "Unknown Authorization header scheme."),
        ("Bearer", "Missing Authorization header bearer token value."),
        ("Bearer 123", "Invalid Authorization header."),
    ] {
        let headers = [("authorization", header)];
        let reply = bench
            .try_send(Method::GET, path, None, &headers)
            .await
            .unwrap();
        assert_eq!(
            (reply.status, reply.kind().as_str()),
            (401, "security:authentication")
        );
        assert_eq!(reply.json()["errors"][0], error);
    }
    let info = format!("token={}", bench.token);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let reply = bench
        .try_send(Method::POST, "/oauth/token_info", Some(info), &form)
        .await
        .unwrap();
    let resources = reply.json()["resources"].clone();
    let schools = resources
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["resource"] == "/ed-fi/schools");
    assert_eq!(
        schools.unwrap()["operations"],
        json!(["Create", "Read", "Update", "Delete"])
    );
}

#[tokio::test]
async fn the_sixteenth_token_is_refused() {
    let bench = Bench::start(Options {
        quirks: Quirks {
            retry_after: RetryAfter::Seconds(3),
            ..Quirks::default()
        },
        ..options()
    })
    .await;
    for _ in 1..15 {
        bench.new_token().await;
    }
    let body = Some(
        r#"{"grant_type":"client_credentials","client_id":"sandbox",
                        "client_secret":"sandbox"}"#
            .to_owned(),
    );
    let reply = bench
        .try_send(Method::POST, "/oauth/token", body, &[("authorization", "")])
        .await
        .unwrap();
    assert_eq!(reply.status, 429);
    assert_eq!(reply.kind(), "security:authentication:too-many-tokens");
    assert_eq!(reply.header("retry-after"), Some("3"));
    assert_eq!(bench.sandbox.stats().tokens_issued, 15);
    assert_eq!(bench.sandbox.stats().tokens_live, 15);
}

#[tokio::test]
async fn quirks_are_played() {
    let bench = Bench::start(options()).await;
    bench.sandbox.set_quirks(Quirks {
        expires_in_epoch: true,
        relative_location: true,
        no_etag: true,
        missing_token_400: true,
        retry_after: RetryAfter::None,
    });
    let reply = bench.create("schools", &school(1)).await;
    assert!(
        reply
            .header("location")
            .unwrap()
            .starts_with("/data/v3/ed-fi/schools/")
    );
    assert_eq!(reply.header("etag"), None);
    let headers = [("authorization", "")];
    let path = "/data/v3/ed-fi/schools";
    let reply = bench
        .try_send(Method::GET, path, None, &headers)
        .await
        .unwrap();
    assert_eq!((reply.status, reply.kind().as_str()), (400, "bad-request"));
    let body =
        Some("grant_type=client_credentials&client_id=sandbox&client_secret=sandbox".to_owned());
    let headers = [
        ("authorization", ""),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let reply = bench
        .try_send(Method::POST, "/oauth/token", body, &headers)
        .await
        .unwrap();
    assert!(reply.json()["expires_in"].as_i64().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn wrong_methods_are_explained() {
    let bench = Bench::start(options()).await;
    let id = bench.create("schools", &school(1)).await.id();
    let all = "/data/v3/ed-fi/schools".to_owned();
    let one = format!("{all}/{id}");
    for (method, path, error) in [
        (Method::PUT, &all, "collections cannot be replaced"),
        (Method::DELETE, &all, "collections cannot be deleted"),
        (Method::POST, &one, "can only be updated using PUT"),
        (Method::PATCH, &one, "does not support the 'PATCH' method"),
    ] {
        let reply = bench.send(method, path, Some(&school(1))).await;
        assert_eq!(
            (reply.status, reply.kind().as_str()),
            (405, "method-not-allowed")
        );
        assert!(reply.text.contains(error), "{}", reply.text);
    }
}

#[tokio::test]
async fn the_callers_correlation_id_comes_back() {
    let bench = Bench::start(options()).await;
    let headers = [("correlation-id", "run-1/students/7")];
    let body = Some("{}".to_owned());
    let path = "/data/v3/ed-fi/schools";
    let reply = bench
        .try_send(Method::POST, path, body, &headers)
        .await
        .unwrap();
    assert_eq!(reply.json()["correlationId"], "run-1/students/7");
}
