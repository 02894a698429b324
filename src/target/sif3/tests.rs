//! Whole conversations, without a network.

mod compressed;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{FixedSizeBinaryArray, Int64Array, StringArray};
use reqwest::header::RETRY_AFTER;

use super::*;
use crate::object::{ContentHash, Encoded, KeyHash};
use crate::target::Chunk;
use crate::xml::Version;

const IDS: [&str; 3] = [
    "6cf96eb0-d436-58d8-a8d8-e9142c5d348f",
    "cac67e42-720f-5729-ab9a-9b1be0770531",
    "9c7de164-95e5-520e-9aba-c9fc214497f1",
];

fn unit(operation: Operation) -> Unit {
    unit_of(operation, &IDS)
}

fn unit_of(operation: Operation, ids: &[&str]) -> Unit {
    let (mut buffer, mut ends) = (Vec::new(), Vec::new());
    for id in ids {
        buffer.extend_from_slice(format!("<A RefId=\"{id}\"/>").as_bytes());
        ends.push(buffer.len());
    }
    let bodies = Encoded::from_parts(buffer.into(), ends);
    let keys: Vec<String> = ids.iter().map(|id| format!("RefId={id}")).collect();
    let hashes = |hash: &dyn Fn(usize) -> [u8; 16]| {
        FixedSizeBinaryArray::try_from_iter((0..ids.len()).map(hash)).unwrap()
    };
    let chunk = Chunk {
        resource: 0,
        rows: (0..ids.len() as u64).collect(),
        key_hashes: hashes(&|i| KeyHash::of(&keys[i]).to_bytes()),
        content_hashes: hashes(&|i| ContentHash::of(bodies.bytes(i)).to_bytes()),
        keys: StringArray::from(keys),
        source_tables: StringArray::from(vec!["Person"; ids.len()]),
        source_keys: StringArray::from(vec!["1"; ids.len()]),
        scope: std::array::from_fn(|_| Int64Array::from(vec![None; ids.len()])),
        bodies,
        ids: None,
        why: None,
    };
    Unit {
        chunk: Arc::new(chunk),
        range: 0..ids.len(),
        operation,
    }
}

fn provider(must_use_advisory: bool) -> Sif3 {
    let route = Route {
        url: Url::parse("http://localhost/requests/As;zoneId=District").unwrap(),
        service: "As".to_owned(),
        plan: XmlPlan::new("A", &BTreeMap::new(), Version::new(4, 0), &|_| true),
    };
    let rules = Rules {
        infrastructure: "3.3".to_owned(),
        data_model: "urn:data".to_owned(),
        must_use_advisory,
        gzip: false,
    };
    let packing = Packing {
        objects: 500,
        bytes: 1 << 20,
    };
    let doubts = Some(Doubts::default());
    Sif3::new(vec![route], rules, (IdMap::default(), doubts), packing)
}

fn answered(target: &Sif3, unit: &Unit, status: u16, body: &str) -> Step {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("3"))]);
    target.advance(
        unit,
        &Phase::default(),
        Event::Answer {
            status,
            headers: &headers,
            body: body.as_bytes(),
            complete: true,
        },
    )
}

fn each(step: Step) -> Vec<Verdict> {
    match step {
        Step::Settle(Settlement::Each(each)) => each.into_iter().map(|(_, v)| v).collect(),
        other => panic!("{other:?}"),
    }
}

fn creates(lines: &str) -> String {
    format!("<createResponse><creates>{lines}</creates></createResponse>")
}

fn reason(verdict: &Verdict) -> (&str, u16) {
    match verdict {
        Verdict::Failed(r) | Verdict::Park(r) | Verdict::Again(_, r) => {
            (r.reason.as_str(), r.status)
        }
        other => panic!("{other:?}"),
    }
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let found = request.headers.as_ref().and_then(|all| all.get(name));
    found.map_or("", |value| value.to_str().unwrap())
}

fn text(request: &Request) -> String {
    String::from_utf8(request.body.clone().unwrap().to_vec()).unwrap()
}

#[test]
fn creates_updates_and_deletes_are_collections() {
    let target = provider(true);
    let (_, request) = target.start(&unit(Operation::Upsert));
    assert_eq!(request.method, Method::POST);
    assert_eq!(
        request.url.as_str(),
        "http://localhost/requests/As;zoneId=District"
    );
    assert_eq!(header(&request, "mustuseadvisory"), "true");
    let bodies: String = IDS.map(|id| format!("<A RefId=\"{id}\"/>")).concat();
    assert_eq!(
        text(&request),
        format!("<As xmlns=\"urn:data\">{bodies}</As>")
    );

    let (_, request) = target.start(&unit(Operation::Replace));
    assert_eq!(request.method, Method::PUT);
    assert_eq!(header(&request, "methodoverride"), "");
    assert_eq!(
        text(&request),
        format!("<As xmlns=\"urn:data\">{bodies}</As>")
    );

    let mut some = unit(Operation::Delete);
    some.range = 1..3;
    let (_, request) = target.start(&some);
    assert_eq!(request.method, Method::PUT);
    assert_eq!(header(&request, "methodoverride"), "DELETE");
    assert_eq!(
        text(&request),
        format!(
            "<deleteRequest xmlns=\"http://www.sifassociation.org/infrastructure/3.3\"><deletes>\
             <delete id=\"{}\"/><delete id=\"{}\"/></deletes></deleteRequest>",
            IDS[1], IDS[2]
        )
    );
}

#[test]
fn each_object_has_the_verdict_of_its_own_status() {
    // In another order, and with ids as another provider writes them.
    let [a, b, c] = IDS;
    let upper = b.replace('-', "").to_uppercase();
    let body = creates(&format!(
        "<create id=\"{c}\" advisoryId=\"{c}\" statusCode=\"400\">\
         <error><code>400</code><message>Invalid</message></error></create>\
         <create id=\"{upper}\" advisoryId=\"{upper}\" statusCode=\"409\"/>\
         <create id=\"{a}\" advisoryId=\"{a}\" statusCode=\"201\"/>"
    ));
    let verdicts = each(answered(
        &provider(true),
        &unit(Operation::Upsert),
        200,
        &body,
    ));
    assert_eq!(verdicts[0], Verdict::Created { id: a.to_owned() });
    assert!(matches!(verdicts[1], Verdict::Again(Operation::Replace, _)));
    assert_eq!(reason(&verdicts[2]), ("invalid_object", 400));
}

#[test]
fn an_object_without_a_status_has_failed() {
    let [a, b, _] = IDS;
    let body = creates(&format!(
        "<create id=\"{a}\" advisoryId=\"{a}\" statusCode=\"201\"/>\
         <create id=\"{b}\" advisoryId=\"{b}\"/>"
    ));
    let verdicts = each(answered(
        &provider(true),
        &unit(Operation::Upsert),
        200,
        &body,
    ));
    assert_eq!(reason(&verdicts[1]), ("no_status", 0));
    assert_eq!(reason(&verdicts[2]), ("no_status", 200));
    // An answer that names nothing at all: HTTP 200 says nothing of the objects.
    for body in [creates(""), String::new()] {
        let verdicts = each(answered(
            &provider(true),
            &unit(Operation::Upsert),
            200,
            &body,
        ));
        assert!(verdicts.iter().all(|v| reason(v).0 == "no_status"));
    }
}

#[test]
fn of_two_statuses_for_one_object_the_worse_counts() {
    let [a, ..] = IDS;
    let good = format!("<create id=\"{a}\" advisoryId=\"{a}\" statusCode=\"201\"/>");
    let bad = good.replace("201", "400");
    for body in [
        creates(&format!("{good}{bad}")),
        creates(&format!("{bad}{good}")),
    ] {
        let verdicts = each(answered(
            &provider(true),
            &unit(Operation::Upsert),
            200,
            &body,
        ));
        assert_eq!(reason(&verdicts[0]), ("invalid_object", 400));
    }
}

#[test]
fn updates_and_deletes_of_what_is_not_there() {
    let body = |word: &str, status: u16| {
        let lines = IDS.map(|id| format!("<{word} id=\"{id}\" statusCode=\"{status}\"/>"));
        format!(
            "<{word}Response><{word}s>{}</{word}s></{word}Response>",
            lines.concat()
        )
    };
    let target = provider(true);
    let of = |operation, word, status| {
        each(answered(
            &target,
            &unit(operation),
            200,
            &body(word, status),
        ))
    };
    let updated = of(Operation::Replace, "update", 404);
    assert!(matches!(updated[0], Verdict::Again(Operation::Upsert, _)));
    let updated = of(Operation::Replace, "update", 200);
    let id = IDS[0].to_owned();
    assert_eq!(updated[0], Verdict::Updated { id });
    assert_eq!(
        of(Operation::Delete, "delete", 404)[1],
        Verdict::AlreadyGone
    );
    assert_eq!(of(Operation::Delete, "delete", 204)[1], Verdict::Deleted);
    let refused = of(Operation::Delete, "delete", 403);
    assert_eq!(reason(&refused[1]), ("access_denied", 403));
    let later = of(Operation::Replace, "update", 503);
    assert!(matches!(later[0], Verdict::Park(_)));
}

#[test]
fn a_provider_that_must_keep_ref_ids_may_not_give_others() {
    let [a, ..] = IDS;
    let body = creates(&format!(
        "<create id=\"17\" advisoryId=\"{a}\" statusCode=\"201\"/>"
    ));
    let kept = each(answered(
        &provider(true),
        &unit(Operation::Upsert),
        200,
        &body,
    ));
    assert_eq!(reason(&kept[0]), ("other_id", 201));
    let target = provider(false);
    let given = each(answered(&target, &unit(Operation::Upsert), 200, &body));
    let id = "17".to_owned();
    assert_eq!(given[0], Verdict::Created { id });
    // From now on it goes by that id, in updates and deletes; a create keeps its own RefId.
    let (_, request) = target.start(&unit(Operation::Replace));
    assert!(text(&request).contains("<A RefId=\"17\"/>"));
    let (_, request) = target.start(&unit(Operation::Delete));
    assert!(text(&request).contains("<delete id=\"17\"/>"));
    let (_, request) = target.start(&unit(Operation::Upsert));
    assert_eq!(header(&request, "mustuseadvisory"), "false");
    assert!(text(&request).contains(&format!("<A RefId=\"{a}\"/>")));
    let body = "<updateResponse><updates><update id=\"17\" statusCode=\"200\"/></updates>\
                </updateResponse>";
    let updated = each(answered(&target, &unit(Operation::Replace), 200, body));
    let id = "17".to_owned();
    assert_eq!(updated[0], Verdict::Updated { id });
}

#[test]
fn a_request_that_is_too_large_is_split_and_later_ones_are_smaller() {
    let target = provider(true);
    let step = answered(&target, &unit(Operation::Upsert), 413, "");
    assert!(matches!(step, Step::Split(_)));
    let whole = IDS.map(|id| format!("<A RefId=\"{id}\"/>")).concat();
    assert!(target.most().bytes <= whole.len() / 2);
    let mut one = unit(Operation::Upsert);
    one.range = 0..1;
    match answered(&target, &one, 413, "") {
        Step::Settle(Settlement::One(verdict)) => assert_eq!(reason(&verdict).0, "too_large"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_grow_again_when_they_are_taken() {
    let target = provider(true);
    let unit = unit_of(Operation::Upsert, &[IDS[0]; 100]);
    let one = unit.chunk.bodies.bytes(0).len();
    assert!(matches!(answered(&target, &unit, 413, ""), Step::Split(_)));
    assert_eq!(target.most().bytes, 50 * one);
    for _ in 0..100 {
        let mut part = unit.clone();
        part.range = 0..(target.packing().bytes / one).min(100);
        answered(&target, &part, 200, "");
    }
    assert!(target.most().bytes >= 100 * one);
}

#[test]
fn a_request_that_the_provider_takes_too_long_for_goes_out_in_parts() {
    let target = provider(true);
    assert_eq!(target.packing().objects, 500);
    let timeout = |unit: &Unit| {
        let event = Event::Fault {
            kind: Fault::Timeout,
            text: "no answer in time",
        };
        target.advance(unit, &Phase::default(), event)
    };
    let many = unit_of(Operation::Upsert, &[IDS[0]; 100]);
    assert!(matches!(timeout(&many), Step::Split(_)));
    assert_eq!(target.most().objects, 50);
    let gateway = answered(&target, &many, 504, "");
    assert!(matches!(gateway, Step::Split(_)));
    // So few are no burden: they are sent again, later.
    match timeout(&unit(Operation::Upsert)) {
        Step::Again { refusal, wait } => {
            assert_eq!(refusal.reason.as_str(), "timeout");
            assert_eq!(wait, Wait::SlowDown(None));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn refusals_of_whole_requests() {
    let target = provider(true);
    let error = "<error><message>Not Authorized.</message></error>";
    let step = |status| answered(&target, &unit(Operation::Upsert), status, error);
    assert!(matches!(step(401), Step::Renew(_)));
    // One object that cannot be read spoils the others: they get another chance.
    assert!(matches!(step(400), Step::Split(_)));
    for (status, wanted) in [
        (403, "access_denied"),
        (404, "unknown_service"),
        (415, "media_type"),
        (302, "redirected"),
    ] {
        match step(status) {
            Step::Settle(Settlement::One(Verdict::Failed(refusal))) => {
                assert_eq!(refusal.reason.as_str(), wanted);
                assert_eq!(refusal.message, "Not Authorized");
            }
            other => panic!("{other:?}"),
        }
    }
    for (status, wanted) in [
        (429, "too_many_requests"),
        (500, "server_error"),
        (503, "no_provider"),
    ] {
        match step(status) {
            Step::Again { refusal, wait } => {
                assert_eq!(refusal.reason.as_str(), wanted);
                assert!(matches!(wait, Wait::SlowDown(Some(_))));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_asked_for_again() {
    let target = provider(true);
    for body in ["<html/>", "{\"createResponse\":{\"creates\":\"\"}}"] {
        match answered(&target, &unit(Operation::Upsert), 200, body) {
            Step::Again { refusal, .. } => {
                assert_eq!(refusal.reason.as_str(), "unreadable_answer");
            }
            other => panic!("{other:?}"),
        }
    }
}
