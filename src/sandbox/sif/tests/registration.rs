//! Registration, provisioning, controls, and what is the same for all messages.

use super::*;
use crate::sandbox::sif::Right;

#[test]
fn registration_is_checked() {
    let zone = Zone::new(|o| {
        let known = ["SIS", "LIB", "sandbox"].map(str::to_owned);
        o.acl.agents = Some(known.into_iter().collect());
    });
    assert_eq!(zone.register("Stranger", 65_536), "4/2");
    assert_eq!(zone.register("sandbox", 65_536), "5/2");
    assert_eq!(zone.register("SIS", 100), "5/6");
    let push = registration(65_536, "<SIF_Mode>Push</SIF_Mode>");
    assert_eq!(zone.say("SIS", "SIF_Register", &push), "5/3");
    let old = registration(65_536, "<SIF_Mode>Pull</SIF_Mode>").replace("2.*", "1.5r1");
    assert_eq!(zone.say("SIS", "SIF_Register", &old), "5/4");
    assert_eq!(zone.register("SIS", 65_536), "0");
    assert_eq!(zone.register("SIS", 65_536), "0", "again");
    assert_eq!(zone.0.stats().refusals.values().sum::<u64>(), 5);
}

#[test]
fn only_a_registered_agent_is_heard() {
    let zone = Zone::new(|_| {});
    assert_eq!(
        said(&zone.control("SIS", "<SIF_Ping/>")),
        "0",
        "anybody may ping"
    );
    for command in ["<SIF_GetMessage/>", "<SIF_GetZoneStatus/>", "<SIF_Wakeup/>"] {
        assert_eq!(said(&zone.control("SIS", command)), "4/9");
    }
    assert_eq!(
        zone.say("SIS", "SIF_Request", &query("LEAInfo", 4096)),
        "4/9"
    );
    zone.provider(&["LEAInfo"]);
    assert_eq!(zone.say("SIS", "SIF_Unregister", ""), "0");
    assert_eq!(said(&zone.control("SIS", "<SIF_GetMessage/>")), "4/9");
}

#[test]
fn messages_that_are_none_are_refused_with_their_code() {
    let zone = Zone::new(|_| {});
    let raw = |text: &str| said(&zone.0.post(text.as_bytes()));
    assert_eq!(raw("<a><b></a>"), "1/2");
    assert_eq!(raw("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), "1/2");
    assert_eq!(raw("<a/>"), "1/3");
    assert_eq!(said(&zone.0.post(b"\xff")), "1/2");
    let id = Id::new();
    let writer = Writer {
        version: "2.6".to_owned(),
        source: "SIS".to_owned(),
        bare_timestamps: false,
        context: "SIF_Default".to_owned(),
    };
    let message = writer.message("SIF_Unregister", id, None, |_| {});
    let other = |from: &str, to: &str| said(&zone.0.post(message.replacen(from, to, 1).as_bytes()));
    let text = id.to_string();
    assert_eq!(other(&text, &text.to_lowercase()), "1/4");
    assert_eq!(other("Version=\"2.6\"", "Version=\"3.1\""), "12/3");
    assert_eq!(
        other("SIF_Unregister></SIF_Message", "SIF_Header></SIF_Message"),
        "1/2"
    );
    assert_eq!(
        other(
            "</SIF_Header>",
            "<SIF_Contexts><SIF_Context>Old</SIF_Context></SIF_Contexts></SIF_Header>"
        ),
        "12/4"
    );
    let swapped = message.replace("SIF_Unregister", "SIF_Provision");
    assert_eq!(said(&zone.0.post(swapped.as_bytes())), "1/6");
    let unknown = message.replace("SIF_Unregister", "SIF_Nonsense");
    assert_eq!(said(&zone.0.post(unknown.as_bytes())), "12/2");
    let late = message.replacen("<SIF_SourceId>SIS</SIF_SourceId>", "", 1);
    assert_eq!(said(&zone.0.post(late.as_bytes())), "1/6");
    assert!(
        zone.0.post(b"<a").contains("SIF_OriginalMsgId xmlns:xsi"),
        "nil where unread"
    );
}

#[test]
fn rights_and_providers_are_checked() {
    let zone = Zone::new(|o| {
        let denied = [
            ("SIS", Right::Provide, "SchoolInfo"),
            ("SIS", Right::PublishAdd, "LEAInfo"),
            ("LIB", Right::Request, "SchoolInfo"),
        ];
        o.acl.denied = denied
            .map(|(a, r, o)| (a.to_owned(), r, o.to_owned()))
            .into();
    });
    zone.register("SIS", 65_536);
    zone.register("LIB", 65_536);
    let says = |agent: &str, lists: &[&str], object: &str| {
        zone.say(agent, "SIF_Provision", &provision(lists, &[object]))
    };
    assert_eq!(says("SIS", &["Provide"], "SchoolInfo"), "4/3");
    assert_eq!(says("SIS", &["PublishAdd"], "LEAInfo"), "4/7");
    assert_eq!(says("LIB", &["Request"], "SchoolInfo"), "4/5");
    assert_eq!(says("SIS", &["Provide"], "Nonsense"), "6/3");
    assert_eq!(says("SIS", &["Provide", "Respond"], "LEAInfo"), "0");
    assert_eq!(says("LIB", &["Provide"], "LEAInfo"), "6/4");
    let one = "<SIF_Object ObjectName=\"LEAInfo\"/>";
    assert_eq!(zone.say("LIB", "SIF_Provide", one), "6/4");
    assert_eq!(
        zone.say("LIB", "SIF_Subscribe", &one.replace("LEA", "Lea")),
        "7/3"
    );
    assert_eq!(zone.say("LIB", "SIF_Subscribe", one), "0");
    let acl = zone.control("SIS", "<SIF_GetAgentACL/>");
    let document = parse(&acl).unwrap();
    let list = |name: &str| {
        let list = document
            .descendants()
            .find(|n| n.tag_name().name() == name)
            .unwrap();
        crate::sandbox::sif::message::objects(list).unwrap().len()
    };
    assert_eq!(list("SIF_ProvideAccess") + 1, list("SIF_RespondAccess"));
    // A withdrawn object can be provided by another.
    assert_eq!(zone.say("SIS", "SIF_Unprovide", one), "0");
    assert_eq!(zone.say("LIB", "SIF_Provide", one), "0");
}

#[test]
fn the_status_of_the_zone_tells_who_is_there() {
    let zone = Zone::new(|_| {});
    zone.provider(&["LEAInfo"]);
    zone.library(&["LEAInfo"]);
    zone.control("LIB", "<SIF_Sleep/>");
    let status = zone.control("SIS", "<SIF_GetZoneStatus/>");
    for part in [
        "<SIF_ZoneStatus ZoneId=\"sandbox\">",
        "<SIF_Provider SourceId=\"SIS\"><SIF_ObjectList><SIF_Object ObjectName=\"LEAInfo\"/>",
        "<SIF_Subscriber SourceId=\"LIB\">",
        "<SIF_Sleeping>Yes</SIF_Sleeping>",
        "<SIF_Name>Accept-Encoding</SIF_Name><SIF_Value>gzip</SIF_Value>",
    ] {
        assert!(status.contains(part), "{part} in {status}");
    }
    // And as the object that the zone itself provides.
    zone.request("SIF_ZoneStatus", 65_536);
    zone.control("LIB", "<SIF_Wakeup/>");
    assert_eq!(zone.drain("LIB"), ["SIF_Response"]);
}

#[test]
fn who_sleeps_gets_nothing_until_awake() {
    let zone = Zone::new(|_| {});
    zone.provider(&["LEAInfo"]);
    zone.library(&["LEAInfo"]);
    zone.control("SIS", "<SIF_Sleep/>");
    zone.request("LEAInfo", 4096);
    assert_eq!(zone.next("SIS"), Err("8".to_owned()));
    zone.control("SIS", "<SIF_Wakeup/>");
    assert_eq!(zone.next("SIS").unwrap().0, "SIF_Request");
    zone.control("SIS", "<SIF_Sleep/>");
    zone.register("SIS", 65_536);
    assert_eq!(
        zone.drain("SIS"),
        ["SIF_Request"],
        "registering wakes, and keeps the queue"
    );
    assert_eq!(zone.next("SIS"), Err("9".to_owned()));
}

#[test]
fn a_push_agent_does_not_poll() {
    let zone = Zone::new(|_| {});
    let mode = "<SIF_Mode>Push</SIF_Mode><SIF_Protocol Type=\"HTTP\" Secure=\"No\">\
        <SIF_URL>http://127.0.0.1:9/</SIF_URL></SIF_Protocol>";
    assert_eq!(
        zone.say("SIS", "SIF_Register", &registration(65_536, mode)),
        "0"
    );
    assert_eq!(said(&zone.control("SIS", "<SIF_GetMessage/>")), "5/9");
}
