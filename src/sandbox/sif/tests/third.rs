//! The built-in third party.

use super::*;
use crate::sandbox::sif::options::{Ask, Third};
use crate::sandbox::sif::third::Party;

fn party(zone: &Zone, change: impl FnOnce(&mut Third)) -> Party {
    let mut third = Third {
        source_id: "LIB".to_owned(),
        objects: vec!["StudentPersonal".to_owned()],
        max_buffer: 4096,
        ..Third::new()
    };
    change(&mut third);
    let party = Party::open(third, Arc::clone(&zone.0)).unwrap();
    party.work().unwrap();
    party
}

/// The request that SIS was given.
fn taken(zone: &Zone) -> Id {
    let (kind, source, id) = zone.next("SIS").unwrap();
    assert_eq!(kind, "SIF_Request");
    assert_eq!(zone.acknowledge("SIS", &source, id, 1), "0");
    id
}

#[test]
fn it_asks_as_soon_as_somebody_provides_and_keeps_what_comes() {
    let zone = Zone::new(|_| {});
    let party = party(&zone, |_| {});
    assert!(party.answers().is_empty());
    zone.provider(&["StudentPersonal"]);
    party.work().unwrap();
    let request = taken(&zone);
    zone.packet(request, 1, true, &(student(1) + &student(2)));
    zone.packet(request, 2, false, &student(3));
    party.work().unwrap();
    let answers = party.answers();
    let [answer] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert!(answer.complete && answer.problems.is_empty(), "{answer:?}");
    assert_eq!((answer.packets, answer.objects), (2, 3));
    assert_eq!(party.held("StudentPersonal").len(), 3);
    assert_eq!(
        party.held("StudentPersonal")[&format!("{:032X}", 1)],
        student(1)
    );
    assert_eq!(zone.next("SIS"), Err("9".to_owned()), "it asks once");
}

#[test]
fn it_sees_what_is_wrong() {
    let zone = Zone::new(|_| {});
    zone.provider(&["StudentPersonal"]);
    let party = party(&zone, |_| {});
    let request = taken(&zone);
    let wrong = student(1).replace("<LocalId>1</LocalId>", "");
    zone.packet(request, 1, true, &(wrong + &student(2)));
    zone.packet(request, 2, false, &(student(2) + "<LEAInfo/>"));
    party.work().unwrap();
    let problems = party.answers()[0].problems.join("\n");
    for part in [
        "LocalId is missing",
        "comes twice",
        "LEAInfo in an answer of StudentPersonal",
    ] {
        assert!(problems.contains(part), "{part} in {problems}");
    }
    assert!(!problems.contains("L1"), "no values");
}

#[test]
fn a_new_sync_replaces_what_is_held_and_events_change_it() {
    let zone = Zone::new(|_| {});
    zone.provider(&["StudentPersonal"]);
    let party = party(&zone, |_| {});
    let request = taken(&zone);
    zone.packet(request, 1, false, &(student(1) + &student(2)));
    party.work().unwrap();
    let asked = party.options().asks("StudentPersonal");
    party.request(&asked).unwrap();
    let request = taken(&zone);
    zone.packet(request, 1, false, &(student(2) + &student(3)));
    party.work().unwrap();
    assert_eq!(party.counts()["StudentPersonal"], 2, "1 is gone");
    let changed = format!(
        "<StudentPersonal RefId=\"{:032X}\"><LocalId>99</LocalId></StudentPersonal>",
        2
    );
    for (action, object) in [
        ("Add", student(4)),
        ("Change", changed),
        ("Delete", student(3)),
    ] {
        assert_eq!(zone.say("SIS", "SIF_Event", &event(action, &object)), "0");
    }
    party.work().unwrap();
    let held = party.held("StudentPersonal");
    let keys: Vec<&str> = held.keys().map(|k| k.trim_start_matches('0')).collect();
    assert_eq!(keys, ["2", "4"]);
    assert!(held[&format!("{:032X}", 2)].contains("<LocalId>99</LocalId><Name"));
    assert!(party.events().problems.is_empty(), "{:?}", party.events());
    zone.say("SIS", "SIF_Event", &event("Change", &student(77)));
    party.work().unwrap();
    assert!(party.events().problems[0].contains("not held"));
}

#[test]
fn killed_it_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Zone::new(|o| o.state_dir = Some(folder.path().to_owned()));
    let zone = open();
    zone.provider(&["StudentPersonal"]);
    let first = party(&zone, |_| {});
    let request = taken(&zone);
    zone.packet(request, 1, true, &student(1));
    first.work().unwrap();
    drop((zone, first));
    let zone = open();
    let second = party(&zone, |_| {});
    assert_eq!(
        zone.next("SIS"),
        Err("9".to_owned()),
        "the open request is not repeated"
    );
    zone.packet(request, 2, false, &student(2));
    second.work().unwrap();
    assert_eq!(second.held("StudentPersonal").len(), 2);
    drop((zone, second));
    let zone = open();
    let third = party(&zone, |third| third.ask = Ask::Once);
    assert_eq!(third.answers().len(), 1, "it has asked before");
    drop((zone, third));
    let zone = open();
    let fourth = party(&zone, |_| {});
    assert_eq!(fourth.answers().len(), 2, "a new start, a new sync");
}

#[test]
fn references_that_point_at_nothing_are_found() {
    let zone = Zone::new(|_| {});
    zone.provider(&["SchoolInfo", "LEAInfo"]);
    let party = party(&zone, |t| {
        t.objects = ["LEAInfo", "SchoolInfo"].map(str::to_owned).to_vec();
    });
    let school = |lea: u32| {
        format!(
            "<SchoolInfo RefId=\"{:032X}\"><LEAInfoRefId>{lea:032X}</LEAInfoRefId>\
             <SchoolName>S</SchoolName></SchoolInfo>",
            lea + 10
        )
    };
    let lea = format!(
        "<LEAInfo RefId=\"{:032X}\"><LocalId>1</LocalId><LEAName>D</LEAName></LEAInfo>",
        1
    );
    for objects in [lea, school(1) + &school(2)] {
        let request = taken(&zone);
        assert_eq!(zone.packet(request, 1, false, &objects), "0");
    }
    party.work().unwrap();
    let dangling = party.dangling();
    assert_eq!(dangling.len(), 1, "{dangling:?}");
    assert_eq!(dangling[0].2, "LEAInfoRefId");
}
