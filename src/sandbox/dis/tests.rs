//! The state by itself: what it refuses, what it keeps, what it tells.

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::api::{Api, Call};
use super::{Done, Options};
use crate::metadata::Standard;
use crate::sandbox::SandboxError;

fn state(change: impl FnOnce(&mut Options)) -> Api {
    let mut options = Options::new(Standard::dis());
    change(&mut options);
    Api::open(options).unwrap()
}

fn line(key: &str, record: &Value, school: Option<i64>) -> String {
    let text = record.to_string();
    let hash = format!("{:032x}", xxh3_128(text.as_bytes()));
    let school = school.map_or(String::new(), |s| format!(r#","school":{s}"#));
    format!("{{\"key\":\"{key}\",\"hash\":\"{hash}\"{school},\"record\":{text}}}\n")
}

fn district() -> Value {
    json!({"districtID": 1, "name": "District", "number": "0042"})
}

fn school(id: i64, name: &str) -> Value {
    json!({
        "district": {"districtID": 1}, "name": name, "number": "1", "schoolID": id,
        "stateSchoolNumber": "S1",
    })
}

fn ask(api: &Api, method: &str, path: &str, query: &str, body: &[u8]) -> (u16, Value) {
    let call = Call {
        method,
        path: &format!("/v1/districts/0042{path}"),
        query,
        authorization: "Bearer sandbox",
        encoding: "identity",
        body,
    };
    let answer = api.work(&call);
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

fn send(api: &Api, object: &str, operation: &str, sequence: u64, lines: &str) -> (u16, Value) {
    let records = lines.lines().count();
    let query = format!("operation={operation}&sequence={sequence}&records={records}");
    let path = format!("/years/2024/{object}");
    ask(api, "POST", &path, &query, lines.as_bytes())
}

/// The result of the only record, with its change or code.
fn one(answer: (u16, Value)) -> String {
    let (status, body) = answer;
    assert_eq!(status, 200, "{body}");
    let result = &body["results"][0];
    let more = result["change"].as_str().or(result["code"].as_str());
    format!(
        "{} {}",
        result["result"].as_str().unwrap(),
        more.unwrap_or_default()
    )
}

fn put(api: &Api, sequence: u64, id: i64, name: &str) -> (u16, Value) {
    let key = format!("schoolID={id}");
    send(
        api,
        "School",
        "put",
        sequence,
        &line(&key, &school(id, name), Some(id)),
    )
}

fn with_district() -> Api {
    let api = state(|_| {});
    let sent = send(
        &api,
        "District",
        "put",
        1,
        &line("districtID=1", &district(), None),
    );
    assert_eq!(one(sent), "accepted created");
    api
}

#[test]
fn order_and_repetition() {
    let api = with_district();
    assert_eq!(one(put(&api, 5, 101, "A")), "accepted created");
    assert_eq!(one(put(&api, 5, 101, "A")), "unchanged ");
    assert_eq!(one(put(&api, 7, 101, "A")), "unchanged ");
    // The same content has raised the record's place: 6 is older than 7.
    assert_eq!(put(&api, 6, 101, "B").0, 409);
    assert_eq!(one(put(&api, 7, 101, "B")), "accepted updated");
    let gone = "{\"key\":\"schoolID=101\"}\n";
    assert_eq!(send(&api, "School", "delete", 6, gone).0, 409);
    assert_eq!(
        one(send(&api, "School", "delete", 8, gone)),
        "accepted deleted"
    );
    assert_eq!(
        one(send(&api, "School", "delete", 8, gone)),
        "unchanged absent"
    );
    // A deletion has its place, too.
    assert_eq!(put(&api, 7, 101, "C").0, 409);
    assert_eq!(one(put(&api, 9, 101, "C")), "accepted created");
    let (_, about) = ask(&api, "GET", "", "", b"");
    assert_eq!(about["lastSequence"], 9);
    // Of several, only the older ones are refused.
    let both = line("schoolID=101", &school(101, "D"), None)
        + &line("schoolID=102", &school(102, "D"), None);
    let (status, body) = send(&api, "School", "put", 8, &both);
    assert_eq!(status, 200);
    assert_eq!(body["results"][0]["code"], "older_sequence");
    assert_eq!(body["results"][1]["change"], "created");
}

#[test]
fn every_code_of_a_rejected_record() {
    let api = state(|options| {
        let fields = vec!["principalName".to_owned()];
        options.state_owned.insert("School".to_owned(), fields);
    });
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut record = school(101, "A");
        change(&mut record);
        record
    };
    let key = "schoolID=101";
    assert_eq!(
        one(send(
            &api,
            "School",
            "put",
            1,
            &line(key, &school(101, "A"), None)
        )),
        "rejected parent_missing"
    );
    send(
        &api,
        "District",
        "put",
        1,
        &line("districtID=1", &district(), None),
    );
    let long = "x".repeat(101);
    for (code, record) in [
        ("missing_required", changed(&|r| r["name"] = Value::Null)),
        ("too_long", changed(&|r| r["name"] = json!(long))),
        ("invalid_value", changed(&|r| r["name"] = json!(7))),
        ("unknown_field", changed(&|r| r["colour"] = json!("red"))),
        ("key_mismatch", changed(&|r| r["schoolID"] = json!(102))),
        (
            "no_state_number",
            changed(&|r| {
                r.as_object_mut().unwrap().remove("stateSchoolNumber");
            }),
        ),
        ("state_owned", changed(&|r| r["principalName"] = json!("P"))),
        (
            "parent_missing",
            changed(&|r| r["district"]["districtID"] = json!(2)),
        ),
    ] {
        let sent = send(&api, "School", "put", 1, &line(key, &record, None));
        assert_eq!(one(sent), format!("rejected {code}"));
    }
    let wrong = line(key, &school(101, "A"), None).replace("\"name\":\"A\"", "\"name\":\"B\"");
    assert_eq!(
        one(send(&api, "School", "put", 1, &wrong)),
        "rejected hash_mismatch"
    );
}

#[test]
fn requests_that_are_refused_whole() {
    let api = state(|options| options.records = 2);
    let body = line("districtID=1", &district(), None);
    let query = |operation: &str, records: u64| {
        format!("operation={operation}&sequence=1&records={records}")
    };
    let post =
        |path: &str, query: &str, body: &str| ask(&api, "POST", path, query, body.as_bytes());
    let path = "/years/2024/District";
    for (path, query, body, status, code) in [
        (path, query("put", 2), body.as_str(), 400, "bad_request"),
        (path, query("merge", 1), &body, 400, "bad_request"),
        (
            path,
            "operation=put&records=1".to_owned(),
            &body,
            400,
            "bad_request",
        ),
        (path, query("put", 1), "{\n", 400, "bad_request"),
        (path, query("put", 3), &body, 413, "too_large"),
        (
            "/years/24/District",
            query("put", 1),
            &body,
            404,
            "unknown_year",
        ),
        (
            "/years/2024/Nothing",
            query("put", 1),
            &body,
            404,
            "unknown_object",
        ),
    ] {
        let (was, said) = post(path, &query, body);
        assert_eq!(
            (was, said["code"].as_str().unwrap()),
            (status, code),
            "{query} {said}"
        );
    }
    let call = |authorization, path, encoding| {
        let body = body.as_bytes();
        let query = "operation=put&sequence=1&records=1";
        let call = Call {
            method: "POST",
            path,
            query,
            authorization,
            encoding,
            body,
        };
        api.work(&call).status
    };
    let path = "/v1/districts/0042/years/2024/District";
    assert_eq!(call("Bearer guess", path, "identity"), 401);
    assert_eq!(call("Bearer sandbox", path, "br"), 415);
    assert_eq!(call("Bearer sandbox", path, "zstd"), 400, "not zstd at all");
    assert_eq!(
        call("Bearer sandbox", "/v2/districts/0042", "identity"),
        404
    );
    let one = state(|options| options.district = Some("0099".to_owned()));
    assert_eq!(ask(&one, "GET", "", "", b"").0, 403);
    assert_eq!(
        ask(&api, "POST", "/requests", "", b"{}").0,
        403,
        "the operator's"
    );
    assert_eq!(api.store().last_sequence("0042"), 0, "nothing was kept");
}

#[test]
fn a_bomb_is_no_batch() {
    let api = state(|options| options.bytes = 1000);
    let body = zstd::bulk::compress(&vec![b'x'; 1 << 20], 1).unwrap();
    assert!(body.len() < 1000);
    let call = Call {
        method: "POST",
        path: "/v1/districts/0042/years/2024/District",
        query: "operation=put&sequence=1&records=1",
        authorization: "Bearer sandbox",
        encoding: "zstd",
        body: &body,
    };
    assert_eq!(api.work(&call).status, 413);
}

#[test]
fn digests_and_keys_tell_what_is_there() {
    let api = with_district();
    for id in 101..=103 {
        put(&api, 2, id, "A");
    }
    let (_, body) = ask(&api, "GET", "/years/2024/School/digests", "", b"");
    let schools = body["schools"].as_array().unwrap();
    assert_eq!(schools.len(), 3);
    let hash = format!("{:032x}", xxh3_128(school(102, "A").to_string().as_bytes()));
    assert_eq!(
        schools[1],
        json!({"school": 102, "records": 1, "digest": hash})
    );
    let keys = |query: &str| ask(&api, "GET", "/years/2024/School/keys", query, b"").1;
    assert_eq!(keys("school=102")["records"][0]["hash"], json!(hash));
    assert_eq!(
        keys("school=102&after=schoolID%3D102")["records"],
        json!([])
    );
    let (_, body) = ask(&api, "GET", "/years/2024/District/keys", "school=none", b"");
    assert_eq!(body["records"][0]["key"], "districtID=1");
    let (_, body) = ask(&api, "GET", "/years/2023/School/digests", "", b"");
    assert_eq!(body["schools"], json!([]), "another year is another shelf");
}

#[test]
fn what_was_answered_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let open = || state(|options| options.state_dir = Some(dir.path().to_owned()));
    let api = open();
    let mut options = Options::new(Standard::dis());
    options.state_dir = Some(dir.path().to_owned());
    let second = Api::open(options).unwrap_err();
    assert!(matches!(second, SandboxError::InUse(_)), "{second}");
    send(
        &api,
        "District",
        "put",
        3,
        &line("districtID=1", &district(), None),
    );
    put(&api, 4, 101, "A\t\u{1}B");
    put(&api, 4, 102, "C");
    send(&api, "School", "delete", 5, "{\"key\":\"schoolID=102\"}\n");
    let asked = api
        .ask("0042", vec!["School".to_owned()], None, "why".to_owned())
        .unwrap();
    let done = json!({"run": "R", "processed": 2, "errors": 1}).to_string();
    let path = format!("/requests/{}/done", asked.id);
    assert_eq!(ask(&api, "POST", &path, "", done.as_bytes()).0, 204);
    api.ask("0042", Vec::new(), Some(2023), String::new())
        .unwrap();
    let instance = api.instance.clone();
    drop(api);

    let api = open();
    assert_eq!(api.instance, instance);
    assert_eq!(one(put(&api, 4, 101, "A\t\u{1}B")), "unchanged ");
    assert_eq!(put(&api, 4, 102, "C").0, 409, "its deletion is known");
    let (_, about) = ask(&api, "GET", "", "", b"");
    assert_eq!(about["lastSequence"], 5);
    let open: Vec<_> = about["requests"].as_array().unwrap().clone();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["schoolYear"], 2023);
    let store = api.store();
    let first = store.requests.of("0042").next().unwrap();
    let Some(Done {
        run,
        processed,
        errors,
        at,
    }) = &first.done
    else {
        panic!("{first:?}")
    };
    assert_eq!((run.as_str(), *processed, *errors), ("R", 2, 1));
    assert!(!at.is_empty());
}
