//! Batch: what is chosen, what is resent, dependencies, field ownership.

use super::{DISTRICT, Dis};

#[test]
fn d01_chosen_objects_go_from_district_to_state() {
    let dis = Dis::new();
    let before = std::fs::read(dis.path("sis/School.csv")).unwrap();
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!((dis.count("District"), dis.count("School")), (1, 2));
    assert_eq!(dis.count("Calendar"), 0, "not chosen");
    let names: Vec<_> = dis
        .state()
        .records(DISTRICT, 2024, "School")
        .iter()
        .map(|r| r["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"First".to_owned()), "{names:?}");
    let after = std::fs::read(dis.path("sis/School.csv")).unwrap();
    assert_eq!(before, after, "nothing comes back");
}

#[test]
fn d02_several_objects_at_once_or_single_records() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar", "SchoolMonth"])
        .expect(1);
    assert_eq!((dis.count("Calendar"), dis.count("SchoolMonth")), (2, 1));
    dis.fullsync(&["run", "dis", "--object", "PersonIdentity", "--ids", "2"])
        .expect(0);
    assert_eq!(dis.count("PersonIdentity"), 1);
}

#[test]
fn d06_everything_is_sent_again() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    let first = dis.state().batches();
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!(dis.state().batches(), 2 * first, "acknowledged or not");
    assert_eq!(dis.tally("School", "unchanged"), 2, "the state has them");
    assert_eq!(dis.tally("School", "processed"), 3);
}

#[test]
fn d06_a_full_resync_sends_every_object() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis"]).expect(1);
    assert_eq!(dis.ran().len(), 19, "every object of the pipeline");
    for (object, records) in [
        ("District", 1),
        ("School", 2),
        ("Calendar", 2),
        ("SchoolMonth", 1),
        ("ScheduleStructure", 1),
        ("PeriodSchedule", 1),
        ("Day", 1),
        ("PersonIdentity", 2),
        ("EnglishLearner", 2),
        ("Enrollment", 2),
        ("Attendance", 2),
    ] {
        assert_eq!(dis.count(object), records, "{object}");
    }
    // Once more, as at the end of a year: the state has it all, and is sent it all.
    let first = dis.state().batches();
    dis.fullsync(&["run", "dis"]).expect(1);
    assert_eq!(dis.state().batches(), 2 * first);
    assert_eq!(dis.tally("Enrollment", "unchanged"), 2);
}

#[test]
fn d07_changes_made_behind_the_application_are_found() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    // By SQL: the row differs, no date says so.
    dis.schools("Renamed");
    dis.fullsync(&["run", "dis", "School", "--delta"]).expect(1);
    assert_eq!(dis.tally("School", "updated"), 1);
    assert_eq!(dis.tally("School", "unchanged"), 1);
    let records = dis.state().records(DISTRICT, 2024, "School");
    assert!(records.iter().any(|r| r["name"] == "Renamed"));
}

#[test]
fn d09_the_active_school_year_or_another() {
    let dis = Dis::new();
    let ran = dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    assert!(ran.stdout.contains("2023-2024"), "{}", ran.stdout);
    assert_eq!(dis.tally("Calendar", "processed"), 3);
    let ran = dis
        .fullsync(&["run", "dis", "Calendar", "--school-year", "2023"])
        .expect(1);
    assert!(ran.stdout.contains("2022-2023"), "{}", ran.stdout);
    assert_eq!(dis.tally("Calendar", "processed"), 1);
    assert_eq!(dis.state().count(DISTRICT, 2023, "Calendar"), 1);
    assert_eq!(dis.count("Calendar"), 2, "the other year is untouched");
    // The status is one of a school year: the active one, or the one asked for.
    let text = dis.fullsync(&["status", "dis"]).stdout;
    assert!(
        text.starts_with("Resync Data For The Current School Year (2023-2024)"),
        "{text}"
    );
    assert!(text.contains("Processed: 3 Errors: 1"), "{text}");
    let text = dis
        .fullsync(&["status", "dis", "--school-year", "2023"])
        .stdout;
    assert!(
        text.starts_with("Resync Data For The School Year (2022-2023)"),
        "{text}"
    );
    assert!(text.contains("Processed: 1 Errors: 0"), "{text}");
}

#[test]
fn d10_dependencies_are_checked() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Day"]).expect(1);
    let ancestors = [
        "District",
        "School",
        "Calendar",
        "ScheduleStructure",
        "PeriodSchedule",
        "Day",
    ];
    assert_eq!(dis.ran(), ancestors);
    for object in &ancestors[2..] {
        assert_eq!(dis.tally(object, "blocked"), 1, "{object}");
        assert_eq!(dis.tally(object, "errors"), 1, "{object}");
        assert_eq!(dis.tally(object, "failed"), 0, "{object} was not sent");
    }

    // A parent that is refused now holds its children back, whatever the state has from before.
    dis.table(
        "School",
        &[
            "schoolID=101 districtID=1 name=First number=1",
            "schoolID=102 districtID=1 name=Second number=2 standardCode=S002",
        ],
    );
    dis.fullsync(&["run", "dis", "SchoolMonth", "--yes"])
        .expect(1);
    assert_eq!(dis.tally("School", "failed"), 1);
    assert_eq!(dis.tally("Calendar", "blocked"), 1);
    assert_eq!(dis.tally("SchoolMonth", "blocked"), 1);

    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Day", "--no-check-dependencies"])
        .expect(1);
    assert_eq!(dis.ran(), ["Day"], "no ancestors");
    assert_eq!(dis.tally("Day", "failed"), 2, "the state refuses both");
    let ran = dis.fullsync(&["errors", "dis"]);
    assert!(ran.stdout.contains("parent_missing"), "{}", ran.stdout);
}

#[test]
fn d11_a_subtree_is_chosen_by_its_top() {
    let dis = Dis::new();
    dis.fullsync(&[
        "plan",
        "dis",
        "ScheduleStructure/*",
        "--no-check-dependencies",
    ])
    .expect(2);
    dis.fullsync(&["plan", "dis", "ScheduleStructure/*"])
        .expect(0);
    let chosen = [
        "District",
        "School",
        "Calendar",
        "ScheduleStructure",
        "PeriodSchedule",
        "Day",
        "TermSchedule",
    ];
    let mut ran = dis.ran();
    ran.sort();
    let mut wanted = chosen.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(ran, wanted);
    let ran = dis.fullsync(&["plan", "dis", "Calender/*"]).expect(2);
    assert!(ran.stderr.contains("Calender/*"), "{}", ran.stderr);
}

#[test]
fn d16_fields_of_the_state_are_left_out() {
    let owned = |options: &mut fullsync::sandbox::dis::Options| {
        let fields = vec!["principalName".to_owned(), "number".to_owned()];
        options.state_owned.insert("School".to_owned(), fields);
    };
    let dis = Dis::with(owned);
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!(dis.count("School"), 0, "the state refuses its own fields");
    let table = (
        "# PersonIdentity = [\"stateID\"]",
        "School = [\"principalName\", \"number\"]",
    );
    dis.pipeline("dis", &[table]);
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    let records = dis.state().records(DISTRICT, 2024, "School");
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|r| r.get("number").is_none()));

    let wrong = (
        "# PersonIdentity = [\"stateID\"]",
        "School = [\"schoolID\", \"district\", \"nothing\"]",
    );
    dis.pipeline("dis", &[wrong]);
    let ran = dis.fullsync(&["run", "dis", "School"]).expect(2);
    for what in ["part of the key", "names a parent", "no such field"] {
        assert!(ran.stderr.contains(what), "{what}: {}", ran.stderr);
    }
}

#[test]
fn d20_a_resync_starts_when_it_is_told_to() {
    let dis = Dis::new();
    dis.fullsync(&["plan", "dis", "School"]).expect(0);
    assert_eq!((dis.count("School"), dis.state().batches()), (0, 0));
    dis.fullsync(&["run", "dis", "School", "--dry-run"])
        .expect(0);
    assert_eq!(dis.state().batches(), 0);
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!(dis.count("School"), 2);
}
