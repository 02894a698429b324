//! Selective sync: single records by their ids.

use super::{DISTRICT, Dis};
use crate::support::json;

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
fn d22_selective_syncs_are_in_the_history_until_they_are_deleted() {
    let dis = synced();
    let sync = [
        "run",
        "dis",
        "--object",
        "PersonIdentity",
        "--ids",
        "1 2 70077",
    ];
    dis.fullsync(&sync).expect(0);
    let history = |dis: &Dis| -> Vec<serde_json::Value> {
        let list = ["history", "list", "dis", "--selective", "--json"];
        serde_json::from_str(&dis.fullsync(&list).expect(0).stdout).unwrap()
    };
    // Who, when, object, ids, outcome.
    let entries = history(&dis);
    assert_eq!(entries.len(), 1, "the batch before is none: {entries:#?}");
    let entry = &entries[0];
    assert_eq!(entry["scope"]["records"]["object"], "PersonIdentity");
    assert_eq!(
        entry["scope"]["records"]["ids"],
        serde_json::json!([1, 2, 70077])
    );
    let me = fullsync::account::Account::current().user;
    assert_eq!(entry["user"], me);
    assert!(entry["started"].is_string() && entry["ended"].is_string());
    assert_eq!(
        (&entry["exit_code"], &entry["state"]),
        (&0.into(), &"done".into())
    );
    let run = entry["run"].as_str().unwrap();
    let list = ["history", "list", "dis", "--selective"];
    let ran = dis.fullsync(&list).expect(0);
    assert!(ran.stdout.contains("3 of PersonIdentity"), "{}", ran.stdout);
    let show = ["history", "show", "dis", "latest", "--selective"];
    let ran = dis.fullsync(&show).expect(0);
    assert!(ran.stdout.contains(run), "{}", ran.stdout);
    assert!(
        !ran.stdout.contains("70077"),
        "ids are not for a pipe: {}",
        ran.stdout
    );

    // Viewing needs R, deleting needs D, of the selective tool.
    let rights = |tool: &str, letters: &str| {
        let grant = format!("user = \"{me}\"\ntool = \"{tool}\"\nrights = \"{letters}\"\n");
        std::fs::write(dis.path("rights.toml"), format!("[[grant]]\n{grant}")).unwrap();
    };
    let file = "[rights]\nfile = \"../rights.toml\"\n\n[report]";
    let batch = json(&dis.path("state/dis/runs/latest/entry.json"));
    assert_eq!(batch["run"], run);
    dis.pipeline("dis", &[("[report]", file)]);
    let delete = ["history", "delete", "dis", run, "--selective", "--yes"];
    for (tool, letters) in [("dis-selective", "RWA"), ("dis-batch", "RWAD")] {
        rights(tool, letters);
        let ran = dis.fullsync(&delete).expect(2);
        assert!(ran.stderr.contains("D (delete)"), "{tool}: {}", ran.stderr);
        assert_eq!(
            dis.fullsync(&list).code,
            Some(if tool == "dis-selective" { 0 } else { 2 }),
            "{tool}"
        );
    }
    rights("dis-selective", "D");
    dis.fullsync(&list).expect(2);
    dis.fullsync(&delete).expect(0);
    let again = dis.fullsync(&delete).expect(2).stderr;
    assert!(again.contains(&format!("no run {run}")), "{again}");
    // D is for selective syncs: batch has none, so its runs stay.
    let all = [
        "history",
        "delete",
        "dis",
        "--before",
        "2999-01-01",
        "--yes",
    ];
    let ran = dis.fullsync(&all).expect(2);
    assert!(ran.stderr.contains("admin"), "{}", ran.stderr);
    let old = [
        "history",
        "delete",
        "dis",
        "--selective",
        "--before",
        "2999-01-01",
        "--yes",
    ];
    dis.fullsync(&old).expect(0);
    dis.pipeline("dis", &[]);
    assert!(history(&dis).is_empty());
    assert_eq!(
        dis.standing()["Calendar"]["processed"],
        3,
        "the batch stays"
    );
    assert_eq!(dis.count("PersonIdentity"), 2, "what the state has stays");
    assert!(!dis.path(&format!("state/dis/runs/{run}")).exists());
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
            "1 70077 70078",
        ])
        .expect(0);
    assert!(ran.stdout.contains("District Person IDs"), "{}", ran.stdout);
    let unknown =
        "no object in scope of 2 of the District Person IDs named (listed in errors.json)";
    assert!(ran.stdout.contains(unknown), "{}", ran.stdout);
    // Which ones stands in a file of the owner's: this is no terminal.
    assert!(!ran.stdout.contains("70078"), "{}", ran.stdout);
    let errors = json(&dis.path("state/dis/runs/latest/errors.json"));
    assert_eq!(
        errors["unmatched"][0]["ids"],
        serde_json::json!([70077, 70078])
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
