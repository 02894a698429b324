//! Requests and the packets that answer them.

use super::*;

fn pair() -> Zone {
    pair_with(|_| {})
}

fn pair_with(change: impl FnOnce(&mut Options)) -> Zone {
    let zone = Zone::new(change);
    zone.provider(&["StudentPersonal"]);
    zone.library(&["StudentPersonal", "SchoolInfo"]);
    zone
}

#[test]
fn a_request_goes_to_the_provider_and_its_packets_come_back_in_order() {
    let zone = pair();
    let request = zone.request("StudentPersonal", 4096);
    assert_eq!(
        zone.next("SIS").unwrap(),
        ("SIF_Request".to_owned(), "LIB".to_owned(), request)
    );
    assert_eq!(
        zone.next("SIS").unwrap().2,
        request,
        "until it is acknowledged"
    );
    assert_eq!(zone.packet(request, 1, true, &student(1)), "0");
    assert_eq!(zone.packet(request, 3, true, &student(2)), "8/12", "a gap");
    assert_eq!(
        zone.packet(request, 1, true, &student(1)),
        "8/12",
        "a repetition"
    );
    assert_eq!(zone.packet(request, 2, false, &student(2)), "0");
    assert_eq!(
        zone.packet(request, 3, false, ""),
        "8/10",
        "after the last one"
    );
    assert_eq!(zone.acknowledge("SIS", "LIB", request, 1), "0");
    assert_eq!(zone.acknowledge("SIS", "LIB", request, 1), "12/6");
    assert_eq!(zone.drain("LIB"), ["SIF_Response", "SIF_Response"]);
}

#[test]
fn packets_that_do_not_fit_the_request_are_refused() {
    let zone = pair();
    let request = zone.request("StudentPersonal", 4096);
    let many: String = (0..40).map(student).collect();
    assert_eq!(zone.packet(request, 1, false, &many), "8/11");
    let body = response(request, 1, false, &student(1));
    let post = |from: &str, to: Option<&str>, body: &str| {
        said(&zone.post(from, "SIF_Response", Id::new(), to, body))
    };
    assert_eq!(post("SIS", Some("Nobody"), &body), "8/14");
    assert_eq!(post("SIS", None, &body), "8/14");
    assert_eq!(post("LIB", Some("LIB"), &body), "4/6");
    assert_eq!(
        post("SIS", Some("LIB"), &response(Id::new(), 1, false, "")),
        "8/10"
    );
    let both = body.replace(
        "</SIF_ObjectData>",
        "</SIF_ObjectData><SIF_ExtendedQueryResults/>",
    );
    assert_eq!(post("SIS", Some("LIB"), &both), "1/3");
    let maybe = body.replace(">No<", ">Maybe<");
    assert_eq!(post("SIS", Some("LIB"), &maybe), "1/4");
    assert_eq!(
        post("SIS", Some("LIB"), &body),
        "0",
        "none of these has spoilt the request"
    );
}

#[test]
fn a_repeated_message_is_known() {
    let zone = pair();
    let request = zone.request("StudentPersonal", 4096);
    let id = Id::new();
    let post = || {
        let body = response(request, 1, true, &student(1));
        said(&zone.post("SIS", "SIF_Response", id, Some("LIB"), &body))
    };
    assert_eq!((post(), post()), ("0".to_owned(), "7".to_owned()));
    assert_eq!(zone.drain("LIB").len(), 1);
    let again = said(&zone.post(
        "LIB",
        "SIF_Request",
        request,
        None,
        &query("StudentPersonal", 4096),
    ));
    assert_eq!(again, "7");
    assert_eq!(zone.0.stats().repeated, 2);
}

#[test]
fn requests_that_nobody_can_answer_are_refused() {
    let zone = pair();
    let ask = |body: &str| zone.say("LIB", "SIF_Request", body);
    assert_eq!(ask(&query("SchoolInfo", 4096)), "8/4");
    assert_eq!(ask(&query("Nonsense", 4096)), "8/3");
    assert_eq!(ask(&query("LEAInfo", 4096)), "4/5", "not provisioned");
    assert_eq!(ask(&query("StudentPersonal", 100_000)), "8/8");
    let named = said(&zone.post(
        "LIB",
        "SIF_Request",
        Id::new(),
        Some("LIB"),
        &query("StudentPersonal", 4096),
    ));
    assert_eq!(named, "8/4");
    let old = query("StudentPersonal", 4096).replace("2.*", "2.5");
    let id = Id::new();
    zone.post("LIB", "SIF_Request", id, None, &old);
    assert_eq!(
        zone.packet(id, 1, false, ""),
        "8/13",
        "2.6 for one who takes 2.5"
    );
}

#[test]
fn a_request_can_be_cancelled() {
    let zone = pair();
    let cancel = |id: Id, kind: &str| {
        let ids = format!(
            "<SIF_RequestMsgIds><SIF_RequestMsgId>{id}</SIF_RequestMsgId></SIF_RequestMsgIds>"
        );
        said(&zone.control("LIB", &format!("<SIF_CancelRequests><SIF_NotificationType>{kind}</SIF_NotificationType>{ids}</SIF_CancelRequests>")))
    };
    let request = zone.request("StudentPersonal", 4096);
    assert_eq!(zone.packet(request, 1, true, &student(1)), "0");
    assert_eq!(cancel(request, "Standard"), "0");
    assert_eq!(zone.packet(request, 2, true, &student(2)), "8/18");
    assert_eq!(
        zone.next("SIS"),
        Err("9".to_owned()),
        "the request is taken back"
    );
    assert_eq!(
        zone.drain("LIB"),
        ["SIF_Response"],
        "told, and packet 1 taken back"
    );
    let other = zone.request("StudentPersonal", 4096);
    assert_eq!(cancel(other, "None"), "0");
    assert_eq!(zone.drain("LIB").len(), 0);
    assert_eq!(cancel(Id::new(), "None"), "8/10");
}

#[test]
fn requests_end_with_the_agents() {
    let zone = pair();
    let request = zone.request("StudentPersonal", 4096);
    assert_eq!(zone.say("LIB", "SIF_Unregister", ""), "0");
    assert_eq!(zone.packet(request, 1, false, ""), "8/17");
    let zone = pair();
    zone.request("StudentPersonal", 4096);
    assert_eq!(zone.say("SIS", "SIF_Unregister", ""), "0");
    assert_eq!(
        zone.drain("LIB"),
        ["SIF_Response"],
        "told that nobody will answer"
    );
}

#[test]
fn what_real_servers_do() {
    let zone = pair_with(|o| {
        o.quirks.after_last = true;
        o.quirks.rejects_empty = true;
        o.quirks.takes_repeats = true;
        o.quirks.drops_large_buffer = true;
        o.quirks.bare_inner = true;
        o.quirks.bare_timestamps = true;
        o.quirks.fatal_error = true;
    });
    assert_eq!(zone.0.post(b"<a"), "<FATAL_ERROR>XML FORMAT</FATAL_ERROR>");
    assert_eq!(
        zone.say("LIB", "SIF_Request", &query("StudentPersonal", 100_000)),
        "0"
    );
    assert_eq!(zone.next("SIS"), Err("9".to_owned()), "dropped");
    let request = zone.request("StudentPersonal", 4096);
    let answer = zone.control("SIS", "<SIF_GetMessage/>");
    assert!(answer.contains("<SIF_Message Version=\"2.6\">"), "{answer}");
    let stamp = answer.split("<SIF_Timestamp>").nth(1).unwrap();
    assert!(!stamp.split('<').next().unwrap().ends_with('Z'));
    assert_eq!(zone.packet(request, 1, false, ""), "11/1");
    assert_eq!(zone.packet(request, 1, false, &student(1)), "0");
    assert_eq!(zone.packet(request, 2, false, &student(1)), "0");
}

#[test]
fn a_killed_zone_knows_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let open = || pair_or_old(folder.path());
    let request = {
        let zone = open();
        let request = zone.request("StudentPersonal", 4096);
        assert_eq!(zone.packet(request, 1, true, &student(1)), "0");
        request
    };
    let zone = Zone::new(|o| o.state_dir = Some(folder.path().to_owned()));
    assert_eq!(zone.next("SIS").unwrap().2, request);
    assert_eq!(zone.packet(request, 1, true, &student(1)), "8/12");
    assert_eq!(zone.packet(request, 2, false, &student(2)), "0");
    assert_eq!(zone.drain("LIB").len(), 2);
    drop(zone);
    let zone = Zone::new(|o| o.state_dir = Some(folder.path().to_owned()));
    assert_eq!(zone.next("LIB"), Err("9".to_owned()));
}

fn pair_or_old(folder: &Path) -> Zone {
    pair_with(|o| o.state_dir = Some(folder.to_owned()))
}
