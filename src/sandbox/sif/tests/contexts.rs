//! Contexts: what is provided, requested and told in one is nothing to the others.

use super::*;

/// A zone with two contexts, and this folder.
fn zone(folder: Option<&Path>) -> Zone {
    Zone::new(|o| {
        o.contexts.push("Archive".to_owned());
        o.state_dir = folder.map(Path::to_owned);
    })
}

/// An agent that does these things with students in one context.
fn agent(zone: &Zone, id: &str, rights: &[&str], context: &str) -> String {
    assert_eq!(zone.register(id, 65_536), "0");
    let named = format!(
        "<SIF_Object ObjectName=\"StudentPersonal\"><SIF_Contexts><SIF_Context>{context}\
         </SIF_Context></SIF_Contexts></SIF_Object>"
    );
    let body = provision(rights, &["StudentPersonal"])
        .replace("<SIF_Object ObjectName=\"StudentPersonal\"/>", &named);
    zone.say(id, "SIF_Provision", &body)
}

const SIS: [&str; 5] = [
    "Provide",
    "PublishAdd",
    "PublishChange",
    "PublishDelete",
    "Respond",
];
const LIBRARY: [&str; 2] = ["Subscribe", "Request"];

#[test]
fn requests_and_responses_keep_to_their_context() {
    let zone = zone(None);
    assert_eq!(agent(&zone, "SIS", &SIS, "Archive"), "0");
    assert_eq!(agent(&zone, "LIB", &LIBRARY, "Archive"), "0");
    let ask = |context: &str| {
        let id = Id::new();
        let query = query("StudentPersonal", 65_536);
        let ack = zone.post_in(context, "LIB", "SIF_Request", id, None, &query);
        (said(&ack), id)
    };
    assert_eq!(ask("Elsewhere").0, "12/4", "the zone has no such context");
    assert_eq!(ask("SIF_Default").0, "4/5", "LIB asks in Archive only");
    let (code, id) = ask("Archive");
    assert_eq!(code, "0");
    let answer = |context: &str| {
        let body = response(id, 1, false, &student(1));
        said(&zone.post_in(
            context,
            "SIS",
            "SIF_Response",
            Id::new(),
            Some("LIB"),
            &body,
        ))
    };
    assert_eq!(answer("SIF_Default"), "12/4");
    assert_eq!(answer("Archive"), "0");
    assert_eq!(zone.drain("LIB"), ["SIF_Response"]);
}

#[test]
fn an_object_has_one_provider_per_context() {
    let zone = zone(None);
    assert_eq!(agent(&zone, "SIS", &SIS, "Archive"), "0");
    assert_eq!(agent(&zone, "Other", &SIS, "Archive"), "6/4");
    assert_eq!(agent(&zone, "Other", &SIS, "SIF_Default"), "0");
    assert_eq!(agent(&zone, "Third", &SIS, "Elsewhere"), "12/4");
    // Nobody but those who provide in it is asked.
    assert_eq!(agent(&zone, "LIB", &LIBRARY, "SIF_Default"), "0");
    zone.request("StudentPersonal", 65_536);
    assert_eq!(zone.drain("Other"), ["SIF_Request"]);
    assert_eq!(zone.drain("SIS").len(), 0);
}

#[test]
fn events_reach_who_subscribes_in_one_of_their_contexts() {
    let zone = zone(None);
    assert_eq!(agent(&zone, "SIS", &SIS, "Archive"), "0");
    assert_eq!(agent(&zone, "LIB", &LIBRARY, "Archive"), "0");
    assert_eq!(agent(&zone, "Other", &LIBRARY, "SIF_Default"), "0");
    let tell = |context: &str, number: u32| {
        let body = event("Add", &student(number));
        said(&zone.post_in(context, "SIS", "SIF_Event", Id::new(), None, &body))
    };
    assert_eq!(
        tell("SIF_Default", 1),
        "4/10",
        "SIS publishes in Archive only"
    );
    assert_eq!(tell("Archive", 1), "0");
    assert_eq!(zone.drain("LIB"), ["SIF_Event"]);
    assert_eq!(zone.drain("Other").len(), 0);
}

#[test]
fn contexts_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    {
        let zone = zone(Some(folder.path()));
        assert_eq!(agent(&zone, "SIS", &SIS, "Archive"), "0");
        assert_eq!(agent(&zone, "LIB", &LIBRARY, "Archive"), "0");
    }
    let zone = zone(Some(folder.path()));
    // Registering anew keeps what is provided, and where.
    assert_eq!(zone.register("SIS", 65_536), "0");
    let state = zone.0.state();
    assert_eq!(state.provider("StudentPersonal", "Archive"), Some("SIS"));
    assert_eq!(state.provider("StudentPersonal", "SIF_Default"), None);
}
