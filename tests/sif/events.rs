//! Events: from the hand-over on, what changes reaches those who have the objects.

use super::*;

/// Add, Change with only what has changed, Delete; then nothing.
#[test]
fn item_5_add_change_and_delete() {
    let sif = Sif::new(10);
    sif.sync(0);
    let before = sif.zone().held("StudentPersonal");
    let moved = student(3)
        .replace("First3", "Another")
        .replace("s3@example.org", "");
    let rows = (1..=10).filter(|n| ![3, 7].contains(n)).map(student);
    sif.rows(rows.chain([moved, student(11)]));
    sif.events(0);
    let events = sif.zone().events();
    let taken = |object: &str, action: &str| {
        let key = (object.to_owned(), action.to_owned());
        events.taken.get(&key).copied().unwrap_or(0)
    };
    assert_eq!(taken("StudentPersonal", "Add"), 1);
    assert_eq!(taken("StudentPersonal", "Change"), 1);
    assert_eq!(taken("StudentPersonal", "Delete"), 1);
    assert_eq!(taken("StudentSchoolEnrollment", "Add"), 1);
    assert_eq!(taken("StudentSchoolEnrollment", "Delete"), 1);
    assert_eq!(taken("StudentSchoolEnrollment", "Change"), 0);
    assert_eq!(events.problems, [""; 0]);
    let after = sif.zone().held("StudentPersonal");
    let changed: Vec<&String> = after.values().filter(|x| x.contains("Another")).collect();
    let [changed] = changed.as_slice() else {
        panic!("{after:#?}");
    };
    assert!(
        !changed.contains("EmailList"),
        "the e-mail address is gone: {changed}"
    );
    assert!(
        changed.contains("555-0003"),
        "the rest is as it was: {changed}"
    );
    let same = |key: &&String| before.get(*key) == after.get(*key);
    assert_eq!(before.keys().filter(same).count(), 8);
    // What the third party has now is what a new sync gives.
    let by_events = sif.held();
    for object in OBJECTS {
        sif.ask(object, |_| {});
    }
    sif.sync(0);
    assert_eq!(sif.held(), by_events);
    let count = sif.zone().stats().messages["SIF_Event"];
    sif.events(0);
    assert_eq!(
        sif.zone().stats().messages["SIF_Event"],
        count,
        "nothing has changed"
    );
}

/// An event that does not come through is sent by the next run; nothing is lost between sync and events.
#[test]
fn item_5_what_was_not_acknowledged_is_sent_again() {
    let sif = Sif::new(6);
    sif.sync(0);
    sif.students(1..=9);
    sif.faults(&["error:code=4/10,message=SIF_Event,object=StudentPersonal,every=2,always"]);
    let ran = sif.fullsync(&["sif", "events", "mini"]);
    assert!(ran.code.is_some_and(|c| c != 0), "{}", ran.stdout);
    assert!(sif.zone().held("StudentPersonal").len() < 9);
    sif.faults(&[]);
    sif.events(0);
    sif.complete(9);
    let events = sif.zone().events();
    assert_eq!(events.problems, [""; 0], "none came twice");
}

/// A killed run of events: what was acknowledged is not sent twice, the rest comes.
#[test]
fn item_5_a_killed_run_of_events_carries_on() {
    let sif = Sif::new(5);
    sif.sync(0);
    sif.students(1..=25);
    sif.faults(&["slow:ms=20,always,message=SIF_Event"]);
    let mut child = sif.start(&["sif", "events", "mini"]);
    let taken = || {
        sif.zone()
            .stats()
            .messages
            .get("SIF_Event")
            .copied()
            .unwrap_or(0)
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while taken() < 6 {
        assert!(std::time::Instant::now() < until, "no events came");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    sif.faults(&[]);
    sif.events(0);
    sif.complete(25);
    assert_eq!(sif.zone().events().problems, [""; 0], "none came twice");
}

/// Before anybody was given an object there is nothing to tell of it.
#[test]
fn item_5_no_event_before_the_hand_over() {
    let sif = Sif::with(3, |o| {
        if let Some(third) = &mut o.third {
            third.ask = fullsync::sandbox::sif::Ask::Manual;
        }
    });
    sif.fullsync(&["sif", "events", "mini"]);
    assert_eq!(sif.zone().stats().messages.get("SIF_Event"), None);
}
