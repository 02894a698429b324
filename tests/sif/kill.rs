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

/// The zone has taken a packet whose acknowledgement nobody has read.
#[test]
fn item_2_a_kill_before_the_acknowledgement_repeats_the_same_message() {
    let sif = slow(60, &["hang:object=StudentPersonal,packet=4"]);
    // Everything else is done; packet 4 hangs for ever.
    let mut child = sif.start(&["sif", "sync", "mini"]);
    let until = Instant::now() + Duration::from_secs(20);
    let packets = || {
        let answers = sif.zone().answers();
        answers
            .iter()
            .find(|a| a.object == "StudentPersonal")
            .map_or(0, |a| a.packets)
    };
    while packets() < 3 {
        assert!(Instant::now() < until, "packet 3 did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(50));
    child.kill().expect("killed");
    child.wait().expect("ended");
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
