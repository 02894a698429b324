//! Events: rights, distribution, bundles, selective message blocking.

use super::*;

fn pair() -> Zone {
    let zone = Zone::new(|_| {});
    zone.provider(&["StudentPersonal"]);
    zone.library(&["StudentPersonal"]);
    zone
}

#[test]
fn an_event_goes_to_those_who_subscribe() {
    let zone = pair();
    zone.register("Other", 65_536);
    assert_eq!(
        zone.say("SIS", "SIF_Event", &event("Add", &student(1))),
        "0"
    );
    assert_eq!(zone.next("Other"), Err("9".to_owned()));
    assert_eq!(zone.next("SIS"), Err("9".to_owned()));
    assert_eq!(zone.drain("LIB"), ["SIF_Event"]);
    let to = |name: &str| {
        zone.post(
            "SIS",
            "SIF_Event",
            Id::new(),
            Some(name),
            &event("Add", &student(2)),
        )
    };
    assert_eq!(said(&to("Other")), "0");
    assert_eq!(zone.drain("LIB").len(), 0, "it was for another");
    assert_eq!(said(&to("LIB")), "0");
    assert_eq!(zone.drain("LIB").len(), 1);
}

#[test]
fn events_that_are_none_are_refused() {
    let zone = pair();
    let says = |body: &str| zone.say("SIS", "SIF_Event", body);
    assert_eq!(says(&event("Add", &(student(1) + &student(2)))), "9/3");
    assert_eq!(says(&event("Add", "<SchoolInfo/>")), "9/3");
    assert_eq!(says(&event("Move", &student(1))), "9/3");
    assert_eq!(
        says(&event("Add", &student(1)).replace("StudentPersonal", "Nonsense")),
        "9/3"
    );
    for (action, code) in [("Add", "4/10"), ("Change", "4/11"), ("Delete", "4/12")] {
        assert_eq!(
            zone.say("LIB", "SIF_Event", &event(action, &student(1))),
            code
        );
    }
}

#[test]
fn what_does_not_fit_a_subscriber_is_counted() {
    let zone = pair();
    zone.register("LIB", 4096);
    let long = student(1).replace("<FirstName>F", &format!("<FirstName>{}", "x".repeat(5000)));
    assert_eq!(zone.say("SIS", "SIF_Event", &event("Add", &long)), "0");
    assert_eq!(zone.drain("LIB").len(), 0);
    assert_eq!(zone.0.stats().undeliverable, 1);
}

#[test]
fn a_bundle_comes_whole_or_one_by_one() {
    let zone = pair();
    let one = |n: u32| {
        let id = Id::new();
        format!(
            "<SIF_Event><SIF_Header><SIF_MsgId>{id}</SIF_MsgId><SIF_Timestamp>2026-11-22T03:43:06Z\
             </SIF_Timestamp><SIF_SourceId>SIS</SIF_SourceId></SIF_Header>{}</SIF_Event>",
            event("Add", &student(n))
        )
    };
    let bundle = format!("<SIF_Events>{}{}</SIF_Events>", one(1), one(2));
    assert_eq!(zone.say("SIS", "SIF_BundledEvents", &bundle), "0");
    assert_eq!(zone.drain("LIB"), ["SIF_Event", "SIF_Event"]);
    let mode = "<SIF_Mode>Pull</SIF_Mode><EventBundleSupport>Yes</EventBundleSupport>";
    zone.say("LIB", "SIF_Register", &registration(65_536, mode));
    assert_eq!(zone.say("SIS", "SIF_BundledEvents", &bundle), "0");
    assert_eq!(zone.drain("LIB"), ["SIF_BundledEvents"]);
    assert_eq!(zone.say("SIS", "SIF_BundledEvents", "<SIF_Events/>"), "9/3");
}

#[test]
fn an_intermediate_acknowledgement_blocks_events_only() {
    let zone = pair();
    let request = zone.request("StudentPersonal", 4096);
    for n in 1..=2 {
        zone.say("SIS", "SIF_Event", &event("Add", &student(n)));
    }
    zone.packet(request, 1, false, &student(3));
    let (_, _, first) = zone.next("LIB").unwrap();
    assert_eq!(zone.acknowledge("LIB", "SIS", first, 3), "13/4");
    assert_eq!(zone.acknowledge("LIB", "SIS", first, 2), "0");
    let (kind, _, packet) = zone.next("LIB").unwrap();
    assert_eq!(kind, "SIF_Response", "responses pass");
    assert_eq!(zone.acknowledge("LIB", "SIS", packet, 2), "13/2");
    assert_eq!(zone.acknowledge("LIB", "SIS", packet, 1), "0");
    assert_eq!(zone.next("LIB"), Err("9".to_owned()));
    assert_eq!(zone.acknowledge("LIB", "SIS", first, 3), "0");
    assert_eq!(zone.drain("LIB"), ["SIF_Event"]);
}
