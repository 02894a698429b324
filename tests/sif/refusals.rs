//! What the zone refuses, and what is wrong with requests.

use super::*;

fn said(ran: &Ran) -> String {
    format!("{}\n{}", ran.stdout, ran.stderr)
}

/// Passing faults are tried again, whatever they look like.
#[test]
fn item_2_faults_that_pass_cost_nothing() {
    let sif = Sif::new(20);
    sif.faults(&[
        "8:packet=1,object=LEAInfo,times=2",
        "error:code=10/4,object=SchoolInfo",
        "error:code=11/1,object=StudentPersonal",
        "503:object=StudentSchoolEnrollment",
        "truncated:object=StudentSchoolEnrollment",
        "drop:object=LEAInfo",
        "other-ack:object=SchoolInfo",
        "drop:message=SIF_SystemControl,every=4,limit=3",
    ]);
    sif.sync(0);
    sif.complete(20);
}

/// A packet that is refused for good ends that answer; the others go on, and the objects are named.
#[test]
fn item_2_a_refused_packet_ends_its_answer_only() {
    let sif = Sif::with(60, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    sif.faults(&["error:code=8/11,object=StudentPersonal,packet=3,always"]);
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert_eq!(ran.code, Some(1), "{}", said(&ran));
    assert_eq!(sif.zone().held("StudentSchoolEnrollment").len(), 60);
    assert!(sif.zone().held("StudentPersonal").len() < 60);
    let failed = sif.tally("StudentPersonal", "failed");
    let held = sif.zone().held("StudentPersonal").len() as u64;
    assert_eq!(
        failed + held,
        60,
        "each object is accounted for: {:#}",
        sif.tallies()
    );
    let errors = sif.fullsync(&["errors", "mini"]);
    assert!(
        errors.stdout.contains("8/11") || errors.stdout.contains("8_11"),
        "{}",
        said(&errors)
    );
}

/// HTTP 200 with something that is no acknowledgement is no delivery, and no reason to go on.
#[test]
fn item_2_a_server_in_ruins_leaves_the_rest_pending() {
    let sif = Sif::new(20);
    sif.faults(&["fatal:object=StudentPersonal,always"]);
    sif.sync(3);
    assert_eq!(sif.zone().held("StudentPersonal").len(), 0);
    assert_eq!(sif.tally("StudentPersonal", "pending"), 20);
    sif.faults(&[]);
    sif.sync(0);
    sif.complete(20);
}

/// What cannot be answered is refused with the category and code of the standard.
#[test]
fn item_1_requests_that_cannot_be_answered_get_their_code() {
    let sif = Sif::with(3, |o| {
        if let Some(third) = &mut o.third {
            third.ask = fullsync::sandbox::sif::Ask::Manual;
        }
    });
    sif.change(&format!("{LIBRARY} = [\"*\"]"), "");
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    let old = sif.ask("StudentPersonal", |a| a.versions = vec!["1.5r1".to_owned()]);
    let small = sif.ask("StudentPersonal", |a| a.max_buffer = 200);
    let query = sif.ask("StudentPersonal", |a| {
        a.condition = Some(
            "<SIF_ConditionGroup Type=\"None\"><SIF_Conditions Type=\"None\"><SIF_Condition>\
             <SIF_Element>ShoeSize</SIF_Element><SIF_Operator>EQ</SIF_Operator><SIF_Value>4</SIF_Value>\
             </SIF_Condition></SIF_Conditions></SIF_ConditionGroup>"
                .to_owned(),
        );
    });
    let fine = sif.ask("StudentPersonal", |_| {});
    sif.fullsync(&["sif", "sync", "mini"]);
    let answers = sif.zone().answers();
    let error = |id: &str| {
        answers
            .iter()
            .find(|a| a.request == id)
            .and_then(|a| a.error)
    };
    assert_eq!(error(&query), Some((8, 9)), "{answers:#?}");
    assert_eq!(error(&fine), None);
    // With a version that the asker does not take, or a buffer that holds no message, a refusal may not
    // reach it; it must not be taken for an answer.
    for id in [old, small] {
        let answer = answers.iter().find(|a| a.request == id);
        assert!(
            answer.is_some_and(|a| !a.complete && a.objects == 0),
            "{answers:#?}"
        );
    }
    assert_eq!(sif.zone().waiting(AGENT), 0, "each request is acknowledged");
}

/// Conditions on what stands in lists: whoever has one element that is so.
#[test]
fn item_1_conditions_inside_lists() {
    let sif = Sif::new(0);
    let without = student(4).replace("555-0004", "");
    sif.rows((1..=3).map(student).chain([without]));
    sif.sync(0);
    let ask = |conditions: &[&str]| {
        let texts: Vec<String> = conditions.iter().map(|c| (*c).to_owned()).collect();
        let id = sif.ask("StudentPersonal", |a| {
            a.conditions(&texts).expect("conditions")
        });
        sif.sync(0);
        let answers = sif.zone().answers();
        let answer = answers.iter().find(|a| a.request == id);
        let answer = answer.unwrap_or_else(|| panic!("{answers:#?}"));
        fine(answer);
        answer.objects
    };
    let number = "PhoneNumberList/PhoneNumber/Number";
    assert_eq!(ask(&[&format!("{number}:EQ:555-0003")]), 1);
    assert_eq!(
        ask(&[&format!("{number}:NE:555-0003")]),
        2,
        "who has none has no other"
    );
    assert_eq!(
        ask(&[&format!("{number}:GE:555-0002"), "LocalId:NE:N000002"]),
        1
    );
    let of_type = |code: &str| format!("PhoneNumberList/PhoneNumber[@Type='{code}']/Number:GE:5");
    assert_eq!(ask(&[&of_type("0096")]), 3);
    assert_eq!(ask(&[&of_type("0350")]), 0);
    assert_eq!(ask(&["EmailList/Email:EQ:s4@example.org"]), 1);
}

/// SIF_ExtendedQuery, which the zone passes on, is answered: with 8/15.
#[test]
fn item_1_an_extended_query_is_refused_not_ignored() {
    let sif = Sif::new(3);
    sif.sync(0);
    let id = sif.ask("StudentPersonal", |a| {
        a.extended = true;
        a.elements = vec!["Name/LastName".to_owned()];
    });
    sif.sync(0);
    let answers = sif.zone().answers();
    let answer = answers.iter().find(|a| a.request == id);
    assert_eq!(answer.and_then(|a| a.error), Some((8, 15)), "{answers:#?}");
    assert_eq!(sif.zone().waiting(AGENT), 0);
    assert_eq!(
        sif.zone().counts()["StudentPersonal"],
        3,
        "what it has, it keeps"
    );
}

/// A zone that wants HTTPS: nothing is sent, and the message says where to give it.
#[test]
fn item_1_a_zone_may_want_a_secure_channel() {
    let sif = Sif::with(3, |o| o.secure = true);
    let ran = sif.sync(2);
    assert!(said(&ran).contains("5/7"), "{}", said(&ran));
    assert!(said(&ran).contains("https://"), "{}", said(&ran));
    assert_eq!(sif.zone().agents(), [LIBRARY]);
}

/// A zone that does not let the agent in, or does not let it provide: nothing is sent, exit 2 or 1, and the
/// right is named.
#[test]
fn item_1_rights_are_checked_before_anything_is_sent() {
    let sif = Sif::with(3, |o| {
        o.acl
            .deny(&format!("{AGENT}:provide:StudentPersonal"))
            .expect("a denial");
    });
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert!(ran.code.is_some_and(|c| c != 0), "{}", said(&ran));
    assert!(said(&ran).contains("StudentPersonal"), "{}", said(&ran));
    assert_eq!(sif.zone().stats().messages.get("SIF_Response"), None);
    let sif = Sif::with(3, |o| {
        o.acl.agents = Some([LIBRARY.to_owned()].into());
    });
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert_eq!(ran.code, Some(2), "{}", said(&ran));
    assert!(said(&ran).contains("4/2"), "{}", said(&ran));
}

#[test]
fn item_1_http_basic() {
    let sif = Sif::with(2, |o| {
        o.basic = Some(("sis".to_owned(), "secret".to_owned()))
    });
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert_eq!(ran.code, Some(2), "{}", said(&ran));
    assert!(!said(&ran).contains("secret"));
    sif.change(
        "url = \"${ZONE}\"",
        "url = \"${ZONE}\"\nuser = \"sis\"\npassword_env = \"PASSWORD\"",
    );
    let ran = sif
        .command(&["sif", "sync", "mini"])
        .env("PASSWORD", "secret")
        .output();
    Ran::from(ran.expect("the binary runs")).expect(0);
    sif.complete(2);
}

/// Real servers' oddities: inner messages without a namespace, time stamps without a zone, FATAL_ERROR,
/// repeats that are not noticed.
#[test]
fn item_8_oddities_of_real_servers() {
    let sif = Sif::with(10, |o| {
        o.quirks.bare_inner = true;
        o.quirks.bare_timestamps = true;
        o.quirks.fatal_error = true;
        o.quirks.takes_repeats = true;
        o.gzip = false;
    });
    sif.sync(0);
    sif.complete(10);
}

/// A cancelled request: the agent stops, and says why.
#[test]
fn item_1_a_deleted_request_ends_the_answer() {
    let sif = Sif::with(60, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    sif.faults(&["error:code=8/18,object=StudentPersonal,packet=2,always"]);
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert!(ran.code.is_some_and(|c| c != 0), "{}", said(&ran));
    let responses = sif.zone().stats().messages["SIF_Response"];
    let answers = sif.zone().answers();
    let packets: u64 = answers.iter().map(|a| a.packets).sum();
    assert_eq!(
        responses, packets,
        "nothing after the refusal; the refused one was never seen"
    );
}
