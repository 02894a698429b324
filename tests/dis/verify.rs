//! Staging against state, for a deadline.

use super::Dis;
use crate::support::json;

#[test]
fn d08_what_the_state_has_is_verified_and_signed_off() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    let ran = dis.fullsync(&["verify", "dis"]).expect(1);
    // The refused school and its calendar are missing, nothing else.
    assert!(
        ran.stdout.contains("School school 103: 1 differences"),
        "{}",
        ran.stdout
    );
    let file = json(&dis.path("state/dis/runs/latest/verification.json"));
    let compared = file["compared"].as_array().unwrap();
    let of = |object: &str, school: i64| {
        let found = compared
            .iter()
            .find(|c| c["object"] == object && c["school"] == school);
        found.unwrap_or_else(|| panic!("{object} {school} in {file:#}"))
    };
    assert_eq!(
        of("School", 101)["differences"].as_array().unwrap().len(),
        0
    );
    let missing = &of("Calendar", 103)["differences"][0];
    assert_eq!(missing["key"], "calendarID=1031");
    assert_eq!(missing["kind"], "missing_at_state");

    // Mend it, and change a row that is not sent.
    dis.table(
        "School",
        &[
            "schoolID=101 districtID=1 name=First number=1 standardCode=S001",
            "schoolID=102 districtID=1 name=Second number=2 standardCode=S002",
            "schoolID=103 districtID=1 name=Third number=3 standardCode=S003",
        ],
    );
    dis.fullsync(&["run", "dis", "Calendar"]).expect(0);
    let ran = dis.fullsync(&["verify", "dis", "--certify"]).expect(0);
    assert!(
        ran.stdout.contains("staging and state agree"),
        "{}",
        ran.stdout
    );
    let certified: Vec<_> = std::fs::read_dir(dis.path("state/dis/certified"))
        .unwrap()
        .collect();
    let file = certified.into_iter().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        text.lines().any(|l| l.contains(",School,103,1,1,0")),
        "{text}"
    );
    dis.schools("Renamed");
    dis.fullsync(&["transform", "dis", "School"]).expect(0);
    let ran = dis.fullsync(&["verify", "dis"]).expect(1);
    assert!(
        ran.stdout.contains("School school 101: 1 differences"),
        "{}",
        ran.stdout
    );
    let file = json(&dis.path("state/dis/runs/latest/verification.json"));
    assert!(file.to_string().contains("other_content"), "{file:#}");
}
