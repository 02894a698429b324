//! The full data sync: complete, in packets of any size, identical.

use super::*;

/// The same district under three buffers, each asked for with packets as large as the third party
/// takes them.
#[test]
fn item_2_three_buffers_give_identical_complete_sets() {
    let mut sets: Vec<Held> = Vec::new();
    let mut packets = Vec::new();
    for buffer in [4096, 65_536, 1_048_576] {
        let sif = Sif::with(150, |o| {
            if let Some(third) = &mut o.third {
                third.max_buffer = buffer;
            }
        });
        sif.sync(0);
        sif.complete(150);
        let answers = sif.zone().answers();
        let students = answers.iter().find(|a| a.object == "StudentPersonal");
        packets.push(students.map_or(0, |a| a.packets));
        assert!(sif.zone().stats().largest_packet as u64 <= buffer);
        assert_eq!(sif.zone().waiting(LIBRARY), 0);
        assert_eq!(
            sif.zone().waiting(AGENT),
            0,
            "every request is acknowledged"
        );
        sets.push(sif.held());
    }
    assert_eq!(sets[0], sets[1]);
    assert_eq!(sets[1], sets[2]);
    assert!(
        packets[0] > 10 && packets[1] > 0 && packets[2] == 1,
        "{packets:?}"
    );
}

/// An older version leaves out what it does not have; the zone's third party checks against it.
#[test]
fn item_1_the_highest_common_version_is_spoken() {
    let sif = Sif::with(3, |o| {
        if let Some(third) = &mut o.third {
            third.version = "2.0r1".to_owned();
        }
    });
    sif.sync(0);
    sif.complete(3);
}

/// A projection has only what was asked for and the keys, a condition only what it fits.
#[test]
fn item_1_projection_and_conditions() {
    let sif = Sif::with(20, |o| {
        if let Some(third) = &mut o.third {
            third.ask = fullsync::sandbox::sif::Ask::Manual;
        }
    });
    sif.change(&format!("{LIBRARY} = [\"*\"]"), "");
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    let only = |asked: &mut fullsync::sandbox::sif::Asked, condition: &str| {
        asked
            .conditions(&[condition.to_owned()])
            .expect("a condition");
    };
    sif.ask("StudentPersonal", |asked| {
        asked.elements = vec!["Name/LastName".to_owned()];
        only(asked, "LocalId:LE:N000005");
    });
    sif.ask("StudentSchoolEnrollment", |asked| {
        only(asked, "EntryDate:GT:2030-01-01");
    });
    sif.sync(0);
    let answers = sif.zone().answers();
    let counts: Vec<(u64, u64)> = answers.iter().map(|a| (a.objects, a.packets)).collect();
    assert_eq!(counts, [(5, 1), (0, 1)], "{answers:#?}");
    answers.iter().for_each(fine);
    for xml in sif.zone().held("StudentPersonal").values() {
        assert!(
            xml.contains("<LastName>") && xml.contains("RefId="),
            "{xml}"
        );
        assert!(
            !xml.contains("FirstName") && !xml.contains("EmailList"),
            "{xml}"
        );
    }
}

/// An object larger than the buffer is tallied, named, and holds nothing up.
#[test]
fn item_2_an_object_too_large_is_left_out_and_named() {
    let sif = Sif::with(0, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    let long = student(2).replace("First2", &"x".repeat(4500));
    sif.rows([student(1), long, student(3)]);
    sif.sync(1);
    assert_eq!(sif.zone().held("StudentPersonal").len(), 2);
    assert_eq!(sif.zone().held("StudentSchoolEnrollment").len(), 3);
    assert_eq!(sif.tally("StudentPersonal", "created"), 2);
    assert_eq!(sif.tally("StudentPersonal", "rejected"), 1);
    let told = sif.fullsync(&["errors", "mini"]);
    assert!(
        told.stdout.contains("too_large_for_buffer"),
        "{}\n{}",
        told.stdout,
        told.stderr
    );
}

/// Several requests are answered side by side, each with one packet in flight: packets of one come between
/// those of another, and all are in order.
#[test]
fn item_2_many_requests_are_answered_at_the_same_time() {
    let sif = Sif::with(60, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    sif.pipeline("acknowledge = \"before\"");
    sif.faults(&["slow:ms=5,always"]);
    sif.sync(0);
    sif.complete(60);
    let list = [
        "sif",
        "messages",
        "list",
        "mini",
        "--kind",
        "SIF_Response",
        "--json",
    ];
    let list = sif.fullsync(&list).expect(0).stdout;
    let notes = list
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a message"));
    let objects: Vec<String> = notes.map(|note| note["object"].to_string()).collect();
    let turns = objects.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(turns > OBJECTS.len(), "{objects:?}");
}

/// Nobody asks: what was expected is told, and there is work left.
#[test]
fn item_1_not_requested_exits_3() {
    let sif = Sif::with(3, |o| {
        if let Some(third) = &mut o.third {
            third.ask = fullsync::sandbox::sif::Ask::Manual;
        }
    });
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    sif.ask("LEAInfo", |_| {});
    sif.ask("SchoolInfo", |_| {});
    let ran = sif.sync(3);
    assert_eq!(sif.zone().counts().len(), 2);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("not_requested"), "{said}");
    assert_eq!(sif.tally("StudentPersonal", "pending"), 3);
    assert_eq!(sif.tally("LEAInfo", "pending"), 0);
    // Asked at last, it is done.
    sif.ask("StudentPersonal", |_| {});
    sif.ask("StudentSchoolEnrollment", |_| {});
    sif.sync(0);
    sif.complete(3);
}

/// The embedded zone of `connection.sandbox = true`: a sync without anything to set up.
#[test]
fn item_8_the_embedded_zone_answers_itself() {
    let sif = Sif::new(5);
    sif.change("url = \"${ZONE}\"", "sandbox = true");
    sif.fullsync(&["sif", "sync", "mini", "--demo"]).expect(0);
    let state = sif.path("state/sandbox/mini");
    let state = state.to_str().expect("a path");
    let zone = |args: &[&str]| {
        let own = ["sandbox", "sif", "--state", state, "--zone", "District"];
        sif.fullsync(&[&own, args].concat()).expect(0).stdout
    };
    let holds = zone(&["--holds"]);
    assert!(holds.contains("StudentPersonal: 5 held"), "{holds}");
    assert!(!holds.contains("open"), "{holds}");
    // By hand, for one student.
    let args = [
        "--request",
        "StudentPersonal",
        "--where",
        "LocalId:EQ:N000002",
    ];
    let asked = zone(&args);
    assert!(asked.contains("waits for its provider"), "{asked}");
    sif.fullsync(&["sif", "sync", "mini", "--demo"]).expect(0);
    let holds = zone(&["--holds"]);
    assert!(holds.contains("complete, 1 packets, 1 objects"), "{holds}");
}
