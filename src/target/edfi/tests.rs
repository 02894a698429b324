//! Whole conversations, without a network.

use std::sync::Arc;

use arrow::array::{FixedSizeBinaryArray, Int64Array, StringArray};
use bytes::Bytes;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};

use super::*;
use crate::object::{ContentHash, Encoded, KeyHash};
use crate::target::{Chunk, Fault, Wait};

const KEY: &str = "schoolId=255901001&studentUniqueId=60 4%26821";

fn unit(operation: Operation, id: Option<&str>) -> Unit {
    let hash = |bytes: [u8; 16]| {
        FixedSizeBinaryArray::try_from_iter(std::iter::once(bytes)).expect("16 bytes")
    };
    let body = br#"{"a":1}"#;
    let chunk = Chunk {
        resource: 0,
        rows: vec![0],
        keys: StringArray::from(vec![KEY]),
        key_hashes: hash(KeyHash::of(KEY).to_bytes()),
        content_hashes: hash(ContentHash::of(body).to_bytes()),
        source_tables: StringArray::from(vec!["Enrollment"]),
        source_keys: StringArray::from(vec!["7"]),
        scope: std::array::from_fn(|_| Int64Array::from(vec![None::<i64>])),
        bodies: Encoded::from_parts(Bytes::from_static(body), vec![body.len()]),
        ids: id.map(|id| StringArray::from(vec![id])),
        why: None,
    };
    Unit {
        chunk: Arc::new(chunk),
        range: 0..1,
        operation,
    }
}

fn target(deferrable: bool) -> Edfi {
    let url = Url::parse("http://localhost/data/v3/ed-fi/studentSchoolAssociations").unwrap();
    Edfi::new(vec![Route { url, deferrable }])
}

/// Status, headers, body.
type Answer<'a> = (u16, &'a [(&'a str, &'a str)], &'a str);

/// Plays answers `(status, headers, body)` and returns the requests made and the last step.
fn play(target: &Edfi, unit: &Unit, answers: &[Answer<'_>]) -> (Vec<String>, Option<Step>) {
    let (mut phase, request) = target.start(unit);
    let show = |r: &Request| {
        let query = r.url.query().map(|q| format!("?{q}")).unwrap_or_default();
        format!(
            "{} {}{}",
            r.method,
            r.url.path().replace("/data/v3/ed-fi/", ""),
            query
        )
    };
    let mut requests = vec![show(&request)];
    let mut last = None;
    for (status, pairs, body) in answers {
        let mut headers = HeaderMap::new();
        for (name, value) in *pairs {
            headers.insert(
                reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let event = Event::Answer {
            status: *status,
            headers: &headers,
            body: body.as_bytes(),
            complete: true,
        };
        match target.advance(unit, &phase, event) {
            Step::Send(next, request) => {
                phase = next;
                requests.push(show(&request));
            }
            step => last = Some(step),
        }
    }
    (requests, last)
}

fn verdict(status: u16, body: &str, deferrable: bool) -> Step {
    let (_, step) = play(
        &target(deferrable),
        &unit(Operation::Upsert, None),
        &[(status, &[], body)],
    );
    step.expect("a last step")
}

fn typed(kind: &str) -> String {
    format!(r#"{{"detail":"x","type":"urn:ed-fi:api:{kind}","status":0}}"#)
}

fn parked(step: &Step) -> Option<&str> {
    match step {
        Step::Settle(Settlement::One(Verdict::Park(r))) => Some(r.reason.as_str()),
        _ => None,
    }
}

fn failed(step: &Step) -> Option<&str> {
    match step {
        Step::Settle(Settlement::One(Verdict::Failed(r))) => Some(r.reason.as_str()),
        _ => None,
    }
}

fn again(step: &Step) -> Option<(&str, Wait)> {
    match step {
        Step::Again { refusal, wait } => Some((refusal.reason.as_str(), *wait)),
        _ => None,
    }
}

#[test]
fn post_takes_the_id_from_an_absolute_or_relative_location() {
    for location in [
        "http://h/data/v3/ed-fi/students/abc123",
        "/students/abc123/",
        "abc123",
    ] {
        let answers: &[Answer<'_>] = &[(201, &[(LOCATION.as_str(), location)], "")];
        let (requests, step) = play(&target(false), &unit(Operation::Upsert, None), answers);
        assert_eq!(requests, ["POST studentSchoolAssociations"]);
        assert!(
            matches!(&step, Some(Step::Settle(Settlement::One(Verdict::Created { id }))) if id == "abc123"),
            "{location}: {step:?}"
        );
    }
}

#[test]
fn a_success_needs_no_location() {
    assert!(matches!(
        verdict(200, "", false),
        Step::Settle(Settlement::One(Verdict::Updated { id })) if id.is_empty()
    ));
}

#[test]
fn verify_and_delete_find_by_natural_key() {
    let found = r#"[{"id":"f00","schoolId":255901001}]"#;
    let query = "?schoolId=255901001&studentUniqueId=60+4%26821";
    let (requests, step) = play(
        &target(false),
        &unit(Operation::Verify, None),
        &[(200, &[], found)],
    );
    assert_eq!(requests, [format!("GET studentSchoolAssociations{query}")]);
    assert!(matches!(
        step,
        Some(Step::Settle(Settlement::One(Verdict::Present { .. })))
    ));

    let (_, step) = play(
        &target(false),
        &unit(Operation::Verify, None),
        &[(200, &[], "[]")],
    );
    assert_eq!(failed(&step.unwrap()), Some("not_at_target"));

    let (requests, step) = play(
        &target(false),
        &unit(Operation::Delete, None),
        &[(200, &[], found), (204, &[], "")],
    );
    assert_eq!(requests[1], "DELETE studentSchoolAssociations/f00");
    assert!(matches!(
        step,
        Some(Step::Settle(Settlement::One(Verdict::Deleted)))
    ));

    let (_, step) = play(
        &target(false),
        &unit(Operation::Delete, None),
        &[(200, &[], "[]")],
    );
    assert!(matches!(
        step,
        Some(Step::Settle(Settlement::One(Verdict::AlreadyGone)))
    ));
    let (_, step) = play(
        &target(false),
        &unit(Operation::Delete, Some("f00")),
        &[(404, &[], "")],
    );
    assert!(matches!(
        step,
        Some(Step::Settle(Settlement::One(Verdict::AlreadyGone)))
    ));
}

#[test]
fn a_shared_person_is_kept() {
    let (_, step) = play(
        &target(true),
        &unit(Operation::Delete, Some("f00")),
        &[(403, &[], "")],
    );
    assert!(matches!(
        step,
        Some(Step::Settle(Settlement::One(Verdict::Kept(_))))
    ));
}

#[test]
fn delete_and_post_and_put() {
    let (requests, step) = play(
        &target(false),
        &unit(Operation::DeleteAndPost, Some("f00")),
        &[(204, &[], ""), (201, &[("location", "/x/f01")], "")],
    );
    assert_eq!(
        requests,
        [
            "DELETE studentSchoolAssociations/f00",
            "POST studentSchoolAssociations"
        ]
    );
    assert!(matches!(
        step,
        Some(Step::Settle(Settlement::One(Verdict::Created { .. })))
    ));

    let (requests, step) = play(
        &target(false),
        &unit(Operation::Replace, Some("f00")),
        &[(204, &[], "")],
    );
    assert_eq!(requests, ["PUT studentSchoolAssociations/f00"]);
    assert!(
        matches!(step, Some(Step::Settle(Settlement::One(Verdict::Updated { id }))) if id == "f00")
    );
    let (requests, _) = play(
        &target(false),
        &unit(Operation::Replace, Some("f00")),
        &[(404, &[], ""), (201, &[], "")],
    );
    assert_eq!(requests[1], "POST studentSchoolAssociations");
}

#[test]
fn an_unresolved_reference_parks_in_both_error_shapes() {
    let unresolved = typed("data-conflict:unresolved-reference");
    assert_eq!(
        parked(&verdict(409, &unresolved, false)),
        Some("unresolved_reference")
    );
    let old = r#"{"message":"Validation of 'X' failed. Student reference could not be resolved."}"#;
    assert_eq!(
        parked(&verdict(400, old, false)),
        Some("unresolved_reference")
    );
    let old =
        r#"{"message":"The value supplied for the related 'student' resource does not exist."}"#;
    assert_eq!(
        parked(&verdict(409, old, false)),
        Some("unresolved_reference")
    );
}

#[test]
fn refusals_for_good() {
    for (status, body, reason) in [
        (
            400,
            typed("bad-request:data-validation-failed"),
            "validation_failed",
        ),
        (
            400,
            r#"{"message":"TermDescriptor value 'x' does not exist."}"#.into(),
            "unknown_descriptor",
        ),
        (
            400,
            typed("bad-request:data-validation-failed:key-change-not-supported"),
            "key_change_not_supported",
        ),
        (
            403,
            typed("security:authorization:access-denied:action"),
            "access_denied",
        ),
        (404, typed("not-found"), "not_found"),
        (413, String::new(), "too_large"),
        (
            500,
            typed("system:configuration:invalid"),
            "server_configuration",
        ),
        (302, String::new(), "redirected"),
        (418, String::new(), "refused"),
    ] {
        assert_eq!(
            failed(&verdict(status, &body, false)),
            Some(reason),
            "{status} {body}"
        );
    }
}

#[test]
fn a_403_on_a_person_is_deferred_and_elsewhere_parked() {
    let body = typed("security:authorization:access-denied:no-relationships");
    assert!(matches!(
        verdict(403, &body, true),
        Step::Settle(Settlement::One(Verdict::Defer(_)))
    ));
    assert_eq!(parked(&verdict(403, &body, false)), Some("no_relationship"));
}

#[test]
fn transient_answers_and_faults() {
    assert_eq!(
        again(&verdict(409, "", false)),
        Some(("conflict_without_cause", Wait::Backoff))
    );
    assert_eq!(
        again(&verdict(500, "", false)),
        Some(("server_error", Wait::Backoff))
    );
    assert_eq!(
        again(&verdict(503, "<html>busy</html>", false)),
        Some(("unavailable", Wait::SlowDown(None)))
    );
    let race = typed("data-conflict:non-unique-identity");
    assert_eq!(
        again(&verdict(409, &race, false)),
        Some(("lost_race", Wait::Once))
    );
    let answers: &[Answer<'_>] = &[(429, &[(RETRY_AFTER.as_str(), "2")], "")];
    let (_, step) = play(&target(false), &unit(Operation::Upsert, None), answers);
    let two = Wait::SlowDown(Some(std::time::Duration::from_secs(2)));
    assert_eq!(again(&step.unwrap()), Some(("too_many_requests", two)));

    let (target, unit) = (target(false), unit(Operation::Upsert, None));
    let (phase, _) = target.start(&unit);
    let step = target.advance(
        &unit,
        &phase,
        Event::Fault {
            kind: Fault::Timeout,
            text: "t",
        },
    );
    assert_eq!(again(&step), Some(("timeout", Wait::SlowDown(None))));
}

#[test]
fn a_refused_token_is_renewed_also_when_it_comes_as_400() {
    assert!(matches!(verdict(401, "", false), Step::Renew(_)));
    assert!(matches!(
        verdict(400, &typed("security:authentication"), false),
        Step::Renew(_)
    ));
    let old = r#"{"message":"The Authorization header is missing."}"#;
    assert!(matches!(verdict(400, old, false), Step::Renew(_)));
}

#[test]
fn an_unreadable_search_answer_settles_nothing_else() {
    let (_, step) = play(
        &target(false),
        &unit(Operation::Delete, None),
        &[(200, &[], "<html>")],
    );
    assert_eq!(failed(&step.unwrap()), Some("unreadable_answer"));
}
