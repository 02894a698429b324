//! The status screen, errors and their causes.

use super::Dis;

#[test]
fn d12_the_columns_of_the_screen() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    let ran = dis.fullsync(&["status", "dis"]);
    let mut lines = ran.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("Resync Data For The Current School Year (2023-2024)")
    );
    let head = lines.nth(1).unwrap();
    let columns: Vec<&str> = head
        .split("  ")
        .map(str::trim)
        .filter(|c| !c.is_empty())
        .collect();
    assert_eq!(
        columns,
        ["DIS Objects", "Last Resync", "Results", "Status Legend"]
    );
    let school = ran
        .stdout
        .lines()
        .find(|line| line.contains("] School "))
        .unwrap();
    assert!(school.contains("Processed: 3 Errors: 1"), "{school}");
    let stamp = school.split_whitespace().nth(2).unwrap();
    let parsed = chrono::NaiveDate::parse_from_str(stamp, "%m/%d/%Y");
    assert!(parsed.is_ok() && stamp.len() == 10, "{stamp}");
    let time = school.split_whitespace().nth(3).unwrap();
    assert!(
        chrono::NaiveTime::parse_from_str(time, "%H:%M:%S").is_ok(),
        "{time}"
    );
}

#[test]
fn d14_each_object_has_a_status() {
    let dis = Dis::new();
    let status = |object: &str| {
        dis.standing()[object]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(status("School"), "never");
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!(status("District"), "done");
    assert_eq!(status("School"), "done_with_errors");
    assert_eq!(status("Calendar"), "never");
    let ran = dis.fullsync(&["status", "dis"]);
    for word in [
        "never",
        "queued",
        "running",
        "done",
        "done_with_errors",
        "failed",
        "cancelled",
    ] {
        let legend = ran.stdout.lines().last().unwrap();
        assert!(legend.contains(word), "{word}: {legend}");
    }
}

#[test]
fn d15_the_error_log_lists_what_the_state_refused() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    let ran = dis.fullsync(&["errors", "dis"]);
    assert!(ran.stdout.contains("no_state_number"), "{}", ran.stdout);
    // Keys are for a terminal or a file of the owner's.
    let log = dis.path("errors.csv");
    let out = log.display().to_string();
    let each = [
        "errors", "dis", "School", "--each", "--format", "csv", "--out", &out,
    ];
    dis.fullsync(&each).expect(0);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("schoolID=103"), "{log}");
    assert!(!log.contains("calendarID=1031"), "{log}");
}

#[test]
fn d24_an_error_names_object_key_code_message_and_cause() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    let file = dis.path("state/dis/runs/latest/errors.json");
    let report = crate::support::json(&file);
    let errors = report["errors"].as_array().unwrap();
    let of = |object: &str| errors.iter().find(|e| e["resource"] == object).unwrap();
    let cause = &of("School")["examples"][0];
    assert_eq!(of("School")["reason"], "no_state_number");
    assert_eq!(cause["key"], "schoolID=103");
    assert!(cause["message"].as_str().unwrap().contains("state number"));
    let cascade = &of("Calendar")["examples"][0];
    assert_eq!(cascade["key"], "calendarID=1031");
    assert_eq!(cascade["root"]["resource"], "School", "{cascade:#}");
    assert_eq!(cascade["root"]["key"], "schoolID=103");
}
