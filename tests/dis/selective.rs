//! Selective sync: single records by their ids.

use super::{DISTRICT, Dis};

/// A district whose schools and calendars are at the state.
fn synced() -> Dis {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    dis
}

#[test]
fn d17_one_person_with_what_hangs_below() {
    let dis = synced();
    dis.fullsync(&["run", "dis", "--object", "PersonIdentity", "--ids", "1"])
        .expect(0);
    let persons = dis.state().records(DISTRICT, 2024, "PersonIdentity");
    assert_eq!(persons.len(), 1);
    assert_eq!(persons[0]["personID"], 1);
    let learners = dis.state().records(DISTRICT, 2024, "EnglishLearner");
    assert_eq!(learners.len(), 1);
    assert_eq!(learners[0]["person"]["personID"], 1);
    // A selective sync is no resync of the object.
    assert_eq!(dis.standing()["PersonIdentity"]["status"], "never");
}

#[test]
fn d18_ids_are_separated_by_line_break_comma_or_space() {
    for ids in ["1 2", "1,2", "1\n2", "1,\r\n 2,"] {
        let dis = synced();
        dis.fullsync(&["run", "dis", "--object", "PersonIdentity", "--ids", ids])
            .expect(0);
        assert_eq!(dis.count("PersonIdentity"), 2, "{ids:?}");
        if ids != "1 2" {
            continue;
        }
        let ran = dis
            .fullsync(&["run", "dis", "--object", "PersonIdentity", "--ids", "1;2"])
            .expect(2);
        assert!(ran.stderr.contains("1;2"), "{}", ran.stderr);
        let ran = dis
            .fullsync(&["run", "dis", "--object", "PersonIdentity", "--ids", " , "])
            .expect(2);
        assert!(ran.stderr.contains("names nothing"), "{}", ran.stderr);
    }
}

#[test]
fn d19_the_label_follows_the_object_and_unknown_ids_change_nothing() {
    let dis = synced();
    let ran = dis
        .fullsync(&[
            "run",
            "dis",
            "--object",
            "PersonIdentity",
            "--ids",
            "1 77 78",
        ])
        .expect(0);
    assert!(ran.stdout.contains("District Person IDs"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("not found, nothing changed for them: 77 78"),
        "{}",
        ran.stdout
    );
    assert_eq!(dis.count("PersonIdentity"), 1);
    let ran = dis
        .fullsync(&["run", "dis", "--object", "Enrollment", "--ids", "501 502"])
        .expect(1);
    assert!(ran.stdout.contains("Enrollment IDs"), "{}", ran.stdout);
    // The second one's person is not at the state: it says so.
    let enrollments = dis.state().records(DISTRICT, 2024, "Enrollment");
    assert_eq!(enrollments.len(), 1);
    assert_eq!(enrollments[0]["enrollmentID"], 501);
    assert_eq!(dis.count("Attendance"), 1, "the child of the one");
    let ran = dis
        .fullsync(&["run", "dis", "--object", "Calendar", "--ids", "1"])
        .expect(2);
    assert!(
        ran.stderr.contains("PersonIdentity (District Person IDs)"),
        "{}",
        ran.stderr
    );
}
