//! Whole batches, without a network.

use std::sync::Arc;

use arrow::array::{FixedSizeBinaryArray, Int64Array, StringArray};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::*;
use crate::object::{ContentHash, Encoded, KeyHash};
use crate::target::Chunk;

const KEYS: [&str; 3] = ["schoolID=1", "schoolID=2", "schoolID=3"];

fn unit(operation: Operation) -> Unit {
    let mut buffer = Vec::new();
    let mut ends = Vec::new();
    for i in 1..=KEYS.len() {
        buffer.extend_from_slice(format!(r#"{{"name":"School {i}"}}"#).as_bytes());
        ends.push(buffer.len());
    }
    let bodies = Encoded::from_parts(buffer.into(), ends);
    let hashes = |hash: &dyn Fn(usize) -> [u8; 16]| {
        FixedSizeBinaryArray::try_from_iter((0..KEYS.len()).map(hash)).unwrap()
    };
    let chunk = Chunk {
        resource: 0,
        rows: vec![0, 1, 2],
        keys: StringArray::from(KEYS.to_vec()),
        key_hashes: hashes(&|i| KeyHash::of(KEYS[i]).to_bytes()),
        content_hashes: hashes(&|i| ContentHash::of(bodies.bytes(i)).to_bytes()),
        source_tables: StringArray::from(vec!["School"; 3]),
        source_keys: StringArray::from(vec!["1", "2", "3"]),
        scope: std::array::from_fn(|_| Int64Array::from(vec![Some(1), Some(2), None])),
        bodies,
        ids: None,
        why: None,
    };
    Unit {
        chunk: Arc::new(chunk),
        range: 0..3,
        operation,
    }
}

fn target() -> Dis {
    let url = Url::parse("http://localhost/v1/districts/7/years/2024/School").unwrap();
    let packing = Packing {
        objects: 500,
        bytes: 1 << 20,
    };
    Dis::new(vec![url], 17, Encoding::Identity, packing)
}

fn answered(unit: &Unit, status: u16, body: &[u8]) -> Step {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("3"))]);
    target().advance(
        unit,
        &Phase::default(),
        Event::Answer {
            status,
            headers: &headers,
            body,
            complete: true,
        },
    )
}

fn results(names: &[&str]) -> Vec<u8> {
    let each: Vec<Value> = names
        .iter()
        .map(|key| json!({"key": key, "result": "accepted", "change": "created"}))
        .collect();
    json!({ "results": each }).to_string().into_bytes()
}

fn reason(step: &Step) -> &str {
    match step {
        Step::Again { refusal, .. }
        | Step::Split(refusal)
        | Step::Renew(refusal)
        | Step::Settle(Settlement::One(Verdict::Failed(refusal))) => refusal.reason.as_str(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_put_has_a_line_per_record() {
    let unit = unit(Operation::Upsert);
    let (_, request) = target().start(&unit);
    assert_eq!(
        request.url.query(),
        Some("operation=put&sequence=17&records=3")
    );
    let body = request.body.unwrap();
    let lines: Vec<Value> = body
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let hash = ContentHash::of(br#"{"name":"School 1"}"#).to_string();
    assert_eq!(
        lines[0],
        json!({"key": "schoolID=1", "hash": hash, "school": 1, "record": {"name": "School 1"}})
    );
    assert_eq!(lines[2].get("school"), None);
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_delete_has_keys_only() {
    let (_, request) = target().start(&unit(Operation::Delete));
    assert!(
        request
            .url
            .query()
            .unwrap()
            .starts_with("operation=delete&")
    );
    let body = request.body.unwrap();
    assert!(body.starts_with(b"{\"key\":\"schoolID=1\"}\n"), "{body:?}");
}

#[test]
fn mixed_results_are_verdicts_by_position() {
    let body = json!({"results": [
        {"key": KEYS[0], "result": "accepted", "change": "updated"},
        {"key": KEYS[1], "result": "rejected", "code": "no_state_number", "message": "why"},
        {"key": KEYS[2], "result": "unchanged"},
    ]});
    let unit = unit(Operation::Upsert);
    let Step::Settle(Settlement::Each(each)) = answered(&unit, 200, body.to_string().as_bytes())
    else {
        panic!("not settled");
    };
    let id = String::new;
    let rejected = Refusal {
        reason: Reason::fixed("no_state_number"),
        status: 200,
        message: "why".to_owned(),
    };
    let wanted = [
        Verdict::Updated { id: id() },
        Verdict::Failed(rejected),
        Verdict::Unchanged { id: id() },
    ];
    for ((named, verdict), (key, wanted)) in each.iter().zip(KEYS.iter().zip(wanted)) {
        assert_eq!(*named, Some(KeyHash::of(key)));
        assert_eq!(*verdict, wanted);
    }
}

#[test]
fn deletes_are_done_or_were_done() {
    let body = json!({"results": [
        {"key": KEYS[0], "result": "accepted", "change": "deleted"},
        {"key": KEYS[1], "result": "unchanged", "change": "absent"},
        {"key": KEYS[2], "result": "rejected", "code": "Not A Code!"},
    ]});
    let unit = unit(Operation::Delete);
    let Step::Settle(Settlement::Each(each)) = answered(&unit, 200, body.to_string().as_bytes())
    else {
        panic!("not settled");
    };
    assert_eq!(each[0].1, Verdict::Deleted);
    assert_eq!(each[1].1, Verdict::AlreadyGone);
    assert!(matches!(&each[2].1, Verdict::Failed(r) if r.reason.as_str() == "refused"));
}

#[test]
fn an_answer_that_is_not_complete_is_no_answer() {
    let unit = unit(Operation::Upsert);
    let whole = results(&KEYS);
    for body in [
        results(&KEYS[..2]),
        results(&["schoolID=1", "schoolID=3", "schoolID=2"]),
        results(&["schoolID=1", "schoolID=2", "schoolID=3", "schoolID=4"]),
        whole[..whole.len() - 5].to_vec(),
        b"<html>".to_vec(),
        b"{}".to_vec(),
        br#"{"results":[{"key":"schoolID=1","result":"perhaps"}]}"#.to_vec(),
        Vec::new(),
    ] {
        let step = answered(&unit, 200, &body);
        assert!(matches!(step, Step::Again { .. }), "{step:?}");
        assert_eq!(reason(&step), "incomplete_answer");
    }
    let step = target().advance(
        &unit,
        &Phase::default(),
        Event::Answer {
            status: 200,
            headers: &HeaderMap::new(),
            body: &[],
            complete: false,
        },
    );
    assert_eq!(reason(&step), "connection_lost");
}

#[test]
fn refusals_of_the_whole_request() {
    let unit = unit(Operation::Upsert);
    let told = br#"{"code":"why","message":"because"}"#;
    for (status, wanted) in [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "access_denied"),
        (404, "unknown_object"),
        (409, "older_sequence"),
        (413, "too_large"),
        (415, "media_type"),
        (429, "too_many_requests"),
        (500, "server_error"),
        (503, "unavailable"),
        (302, "redirected"),
        (204, "unreadable_answer"),
    ] {
        assert_eq!(reason(&answered(&unit, status, told)), wanted, "{status}");
    }
    let asked = Some(std::time::Duration::from_secs(3));
    assert!(matches!(
        answered(&unit, 429, told),
        Step::Again { refusal, wait: Wait::SlowDown(after) }
            if after == asked && refusal.message == "why: because"
    ));
}

#[test]
fn what_is_too_large_is_sent_in_smaller_requests_from_then_on() {
    let (target, mut unit) = (target(), unit(Operation::Upsert));
    let refused = |unit: &Unit| {
        target.advance(
            unit,
            &Phase::default(),
            Event::Answer {
                status: 413,
                headers: &HeaderMap::new(),
                body: b"",
                complete: true,
            },
        )
    };
    assert!(matches!(refused(&unit), Step::Split(_)));
    assert_eq!(target.packing().objects, 1);
    assert!(target.packing().bytes < 40);
    unit.range = 1..2;
    assert!(matches!(
        refused(&unit),
        Step::Settle(Settlement::One(Verdict::Failed(_)))
    ));
}
