//! Contexts: what is provided in one is asked for, answered and told in it.

use super::*;

/// A zone with a context beside the default one, in which the third party does everything.
fn archive(students: usize, change: impl FnOnce(&mut Options)) -> Sif {
    Sif::with(students, |o| {
        o.contexts.push("Archive".to_owned());
        if let Some(third) = &mut o.third {
            third.context = "Archive".to_owned();
        }
        change(o);
    })
}

const BOTH: &str = "contexts = [\"SIF_Default\", \"Archive\"]";

/// The zone takes an answer, and passes an event on, in the right context only.
#[test]
fn answers_and_events_are_of_the_context_that_was_asked_in() {
    let sif = archive(12, |_| {});
    sif.pipeline(BOTH);
    // What is carried on by another process stays in its context, too.
    sif.faults(&["fatal:object=StudentPersonal,always"]);
    sif.sync(3);
    sif.faults(&[]);
    sif.sync(0);
    sif.complete(12);
    sif.rows((2..=13).map(|n| student(n).replace("First3", "Another")));
    sif.events(0);
    sif.complete(12);
    let events = sif.zone().events();
    for action in ["Add", "Change", "Delete"] {
        let key = ("StudentPersonal".to_owned(), action.to_owned());
        assert_eq!(events.taken.get(&key), Some(&1), "{action}");
    }
    assert_eq!(events.problems, [""; 0]);
    // Bundles name the contexts of each of their events.
    sif.pipeline(&format!("{BOTH}\nbundle_events = 10"));
    sif.students(1..=20);
    sif.events(0);
    sif.complete(20);
}

/// A request in a context that is not configured, which a careless zone passes on all the same.
#[test]
fn a_request_in_another_context_is_refused() {
    let sif = archive(3, |o| o.quirks.any_context = true);
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    let id = sif.ask("StudentPersonal", |a| a.context = "Archive".to_owned());
    sif.sync(3);
    let answers = sif.zone().answers();
    let answer = answers.iter().find(|a| a.request == id);
    assert_eq!(answer.and_then(|a| a.error), Some((12, 4)), "{answers:#?}");
    assert!(sif.held().is_empty());
    assert_eq!(sif.zone().waiting(AGENT), 0);
}

/// A context that the zone does not have is known before anything is sent.
#[test]
fn a_context_that_the_zone_lacks_is_told() {
    let sif = Sif::new(2);
    sif.pipeline(BOTH);
    let ran = sif.sync(2);
    assert!(ran.stderr.contains("12/4"), "{}", ran.stderr);
    assert!(ran.stderr.contains("contexts"), "{}", ran.stderr);
    assert_eq!(sif.zone().stats().messages.get("SIF_Response"), None);
}
