//! A resync of some schools, persons or sections; verification after it; what the state takes.

use super::Dis;
use crate::support::json;

fn ids(dis: &Dis, object: &str, id: &str) -> Vec<i64> {
    let records = dis.state().records(super::DISTRICT, 2024, object);
    let mut ids: Vec<i64> = records.iter().map(|r| r[id].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_resync_of_one_school_is_verified_as_such() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "--school", "101"]).expect(0);
    assert_eq!(ids(&dis, "School", "schoolID"), [101]);
    assert_eq!(ids(&dis, "Calendar", "calendarID"), [1011]);
    assert_eq!(ids(&dis, "Enrollment", "enrollmentID"), [501]);
    assert_eq!(
        ids(&dis, "PersonIdentity", "personID"),
        [1],
        "whom the school needs"
    );
    dis.fullsync(&["verify", "dis"]).expect(0);
    // It stands as a resync of the objects until there is one of all schools.
    assert_eq!(dis.standing()["Calendar"]["processed"], 1);

    dis.fullsync(&["run", "dis"]).expect(1);
    assert_eq!(dis.standing()["Calendar"]["processed"], 3);
    dis.fullsync(&["run", "dis", "--school", "102"]).expect(0);
    assert_eq!(
        dis.standing()["Calendar"]["processed"],
        3,
        "that of all schools stays"
    );
    // Only what the run was about is compared: the state has other schools, too.
    let ran = dis.fullsync(&["verify", "dis"]).expect(0);
    assert!(
        ran.stdout.contains("the run was about 1 schools"),
        "{}",
        ran.stdout
    );
    let file = json(&dis.path("state/dis/runs/latest/verification.json"));
    let compared = file["compared"].as_array().unwrap();
    let schools: Vec<_> = compared.iter().map(|c| &c["school"]).collect();
    assert!(
        schools.iter().all(|s| s.is_null() || **s == 102),
        "{file:#}"
    );
    assert!(
        compared
            .iter()
            .any(|c| c["object"] == "Calendar" && c["at_state"] == 1)
    );
    // But what differs there is found.
    dis.table(
        "School",
        &[
            "schoolID=101 districtID=1 name=Other number=1 standardCode=S001",
            "schoolID=102 districtID=1 name=Changed number=2 standardCode=S002",
        ],
    );
    dis.fullsync(&["transform", "dis", "--school", "102"])
        .expect(0);
    let ran = dis.fullsync(&["verify", "dis"]).expect(1);
    assert!(
        ran.stdout.contains("School school 102: 1 differences"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("school 101"), "{}", ran.stdout);
}

#[test]
fn a_resync_of_one_person_sends_what_is_of_that_person() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    dis.fullsync(&["run", "dis", "--person", "2"]).expect(0);
    assert_eq!(ids(&dis, "PersonIdentity", "personID"), [2]);
    assert_eq!(ids(&dis, "Enrollment", "enrollmentID"), [502]);
    assert_eq!(ids(&dis, "Attendance", "attendanceID"), [2]);
    assert_eq!(ids(&dis, "EnglishLearner", "lepID"), [2]);
    assert_eq!(
        dis.standing()["Enrollment"]["status"],
        "never",
        "no resync of the whole"
    );
    let ran = dis.fullsync(&["verify", "dis", "Enrollment"]).expect(0);
    assert!(ran.stdout.contains("some persons"), "{}", ran.stdout);
}

#[test]
fn the_connection_is_checked_without_sending() {
    let dis = Dis::new();
    let ran = dis.fullsync(&["check", "connection", "dis"]).expect(0);
    assert!(
        ran.stdout.contains("the state knows the district"),
        "{}",
        ran.stdout
    );
    assert_eq!(dis.state().batches(), 0);
}

#[test]
fn objects_that_the_state_does_not_take_stop_the_run() {
    let dis = Dis::with(|options| {
        let mut standard = fullsync::metadata::Standard::clone(&options.standard);
        standard.resources.remove("Behavior");
        options.standard = std::sync::Arc::new(standard);
    });
    let ran = dis.fullsync(&["run", "dis"]).expect(2);
    assert!(
        ran.stderr.contains("does not take Behavior"),
        "{}",
        ran.stderr
    );
    dis.fullsync(&["check", "connection", "dis"]).expect(1);
    assert_eq!(dis.state().batches(), 0);
    dis.pipeline(
        "dis",
        &[(
            "[resources.Behavior]",
            "[resources.Behavior]\nenabled = false",
        )],
    );
    dis.fullsync(&["run", "dis"]).expect(1);
    assert_eq!(dis.ran().len(), 18);
}
