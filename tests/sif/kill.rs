//! A kill at any packet: the next sync carries on, repeats nothing, loses nothing.

use std::time::{Duration, Instant};

use super::*;

/// Waits until the zone has taken so many packets, then kills the agent.
fn killed_at(sif: &Sif, packets: u64) {
    let mut child = sif.start(&["sif", "sync", "mini"]);
    let taken = || {
        let stats = sif.zone().stats();
        stats.messages.get("SIF_Response").copied().unwrap_or(0)
    };
    let until = Instant::now() + Duration::from_secs(20);
    while taken() < packets {
        assert!(Instant::now() < until, "only {} packets came", taken());
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended before"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
}

fn slow(students: usize, faults: &[&str]) -> Sif {
    let sif = Sif::with(students, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    sif.faults(faults);
    sif
}

/// After the kill the zone has what it has, and the rest comes.
fn carries_on(sif: &Sif, students: usize) {
    sif.faults(&[]);
    sif.sync(0);
    sif.complete(students);
    let stats = sif.zone().stats();
    assert!(
        stats.refusals.is_empty(),
        "no packet was out of order: {stats:?}"
    );
}

#[test]
fn item_2_a_kill_at_the_first_packet_resumes() {
    let sif = slow(60, &["slow:ms=60,always"]);
    killed_at(&sif, 1);
    carries_on(&sif, 60);
}

#[test]
fn item_2_a_kill_in_the_middle_resumes() {
    let sif = slow(60, &["slow:ms=20,always"]);
    killed_at(&sif, 9);
    carries_on(&sif, 60);
}

/// Killed at each packet of an answer in turn: once before the zone has taken it, and once when it has taken
/// it and nobody has read the acknowledgement.
#[test]
fn item_2_a_kill_at_any_packet_resumes() {
    let sif = Sif::with(40, |o| {
        if let Some(third) = &mut o.third {
            third.objects = vec!["StudentPersonal".to_owned()];
            third.max_buffer = 4096;
        }
    });
    sif.change("[\"*\"]", "[\"StudentPersonal\"]");
    let journals = || files_below(&sif.path("state"), "packets.jsonl");
    let packets = || {
        let answers = sif.zone().answers();
        answers.first().map_or(0, |answer| answer.packets)
    };
    let (mut number, mut kills) = (0, 0);
    loop {
        number += 1;
        let sending = format!("{{\"packet\":{{\"number\":{number},");
        let written = || {
            let mut texts = journals().into_iter().map(std::fs::read_to_string);
            texts.any(|text| text.is_ok_and(|text| text.contains(&sending)))
        };
        sif.faults(&[&format!("hang:packet={number}")]);
        if !killed_when(&sif, &written) {
            break;
        }
        assert_eq!(packets(), number - 1, "it was not taken");
        sif.faults(&[&format!("hang-after:packet={number}")]);
        assert!(killed_when(&sif, &|| packets() == number));
        kills += 2;
    }
    let answers = sif.zone().answers();
    assert_eq!((answers.len(), answers[0].objects), (1, 40), "{answers:#?}");
    fine(&answers[0]);
    assert!(answers[0].packets > 4, "{answers:#?}");
    assert_eq!(kills, answers[0].packets * 2);
    let stats = sif.zone().stats();
    assert_eq!(stats.repeated, kills / 2, "{stats:?}");
    assert!(stats.refusals.is_empty(), "{stats:?}");
    let counted =
        ["created", "updated", "unchanged"].map(|name| sif.tally("StudentPersonal", name));
    assert_eq!(counted.iter().sum::<u64>(), 40, "{:#}", sif.tallies());
}

/// Kills a sync once this holds; false when it came to its end before.
fn killed_when(sif: &Sif, reached: &dyn Fn() -> bool) -> bool {
    let mut child = sif.start(&["sif", "sync", "mini"]);
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if reached() {
            child.kill().expect("killed");
            child.wait().expect("ended");
            return true;
        }
        if let Some(code) = child.try_wait().expect("a child") {
            assert_eq!(code.code(), Some(0));
            return false;
        }
        assert!(Instant::now() < until, "it neither came so far nor ended");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The files of this name below a folder.
fn files_below(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files_below(&path, name)),
            false if entry.file_name() == name => found.push(path),
            false => {}
        }
    }
    found
}

/// Requests that are acknowledged as soon as they are noted down: the zone no longer has them, the journal
/// does.
#[test]
fn item_2_a_request_that_was_acknowledged_before_is_carried_on() {
    let sif = slow(60, &["slow:ms=20,always"]);
    sif.pipeline("acknowledge = \"before\"");
    killed_at(&sif, 9);
    assert_eq!(
        sif.zone().waiting(AGENT),
        0,
        "the zone has handed all of them out"
    );
    carries_on(&sif, 60);
}

/// The acknowledgement is lost although the packet was taken: the same SIF_MsgId again, status 7.
#[test]
fn item_2_a_lost_acknowledgement_is_no_second_packet() {
    let sif = slow(60, &["drop-after:every=3", "truncated:every=5"]);
    sif.sync(0);
    sif.complete(60);
    let stats = sif.zone().stats();
    assert!(stats.repeated > 0, "{stats:?}");
    assert!(stats.refusals.is_empty(), "{stats:?}");
}

/// The staging has changed between the kill and the next sync: what was begun is ended from the staging
/// that it was begun with, or told; the third party never takes two halves for a whole.
#[test]
fn item_2_the_district_may_change_in_between() {
    let sif = slow(60, &["slow:ms=20,always"]);
    killed_at(&sif, 6);
    sif.faults(&[]);
    sif.students(1..=40);
    sif.sync(0);
    // What has gone since is deleted by events after the sync.
    sif.events(0);
    sif.complete(40);
}
