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

/// Waits until `status` shows an object as at work.
fn until_running(dis: &Dis, object: &str) {
    let began = std::time::Instant::now();
    while began.elapsed() < std::time::Duration::from_secs(60) {
        if dis.standing()[object]["status"] == "running" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{object} never was at work: {:#?}", dis.standing());
}

#[test]
fn d14_each_status_of_the_legend_is_seen() {
    let status = |dis: &Dis, object: &str| {
        let standing = dis.standing();
        standing[object]["status"].as_str().unwrap().to_owned()
    };
    let start = |dis: &Dis, objects: &[&str]| {
        let args: Vec<&str> = ["run", "dis", "--quiet"]
            .iter()
            .chain(objects)
            .copied()
            .collect();
        dis.command(&args).spawn().expect("the binary runs")
    };
    // One record a request, each answered late: a run that can be looked at.
    let slow = |options: &mut fullsync::sandbox::dis::Options| {
        options.records = 1;
        options.faults = vec!["slow:resource=School,ms=1500".parse().unwrap()];
    };
    let dis = Dis::with(slow);
    let one = (
        "[report]",
        "[load]\nconcurrency_start = 1\nconcurrency_max = 1\n\n[report]",
    );
    dis.pipeline("dis", &[one]);
    assert_eq!(status(&dis, "School"), "never");
    let mut run = start(&dis, &["Calendar"]);
    until_running(&dis, "School");
    assert_eq!(status(&dis, "Calendar"), "queued");
    assert_eq!(status(&dis, "District"), "done");
    let text = dis.fullsync(&["status", "dis"]).stdout;
    assert!(text.contains("is at work since"), "{text}");
    // Stopped: what was under way is finished, the rest stays due.
    signal(&run, "-TERM");
    assert_eq!(run.wait().unwrap().code(), Some(3));
    assert_eq!(status(&dis, "School"), "cancelled");
    assert_eq!(status(&dis, "Day"), "never");
    // Killed.
    dis.state()
        .set_faults(vec!["slow:resource=School,ms=1500".parse().unwrap()]);
    let mut run = start(&dis, &["School"]);
    until_running(&dis, "School");
    signal(&run, "-KILL");
    run.wait().unwrap();
    assert_eq!(status(&dis, "School"), "failed");
    dis.state().set_faults(Vec::new());
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!(status(&dis, "School"), "done_with_errors");
    assert_eq!(status(&dis, "District"), "done");
}

fn signal(child: &std::process::Child, name: &str) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &id])
        .status();
    assert!(sent.expect("kill runs").success());
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
        let legend = ran.stdout.lines().find(|l| l.starts_with("Status Legend:"));
        let legend = legend.unwrap();
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

    // The log's two filters: entries of the server, entries of ours.
    let server = dis.fullsync(&["errors", "dis", "--side", "target"]).stdout;
    assert!(
        server.contains("no_state_number") && !server.contains("Calendar"),
        "{server}"
    );
    let ours = dis.fullsync(&["errors", "dis", "--side", "ours"]).stdout;
    // What was not sent is ours; its reason is that of the parent.
    assert!(ours.contains("Calendar blocked no_state_number"), "{ours}");
    assert!(!ours.contains("School failed"), "{ours}");
}

#[test]
fn d15_clearing_the_error_log_needs_the_right_to_delete() {
    let dis = Dis::new();
    dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
    let me = fullsync::account::Account::current().user;
    let rights = |letters: &str| {
        let grant = format!(
            "[[grant]]\nuser = \"{me}\"\ntool = [\"dis-batch\", \"dis-selective\"]\n\
             rights = \"{letters}\"\n"
        );
        std::fs::write(dis.path("rights.toml"), grant).unwrap();
    };
    dis.pipeline(
        "dis",
        &[(
            "[report]",
            "[rights]\nfile = \"../rights.toml\"\n\n[report]",
        )],
    );
    let clear = ["errors", "archive", "dis"];
    rights("RWA");
    let ran = dis.fullsync(&clear).expect(2);
    assert!(ran.stderr.contains("D (delete)"), "{}", ran.stderr);
    let log = |args: &[&str]| dis.fullsync(args).stdout;
    assert!(log(&["errors", "dis"]).contains("no_state_number"));
    rights("RD");
    dis.fullsync(&clear).expect(0);
    assert!(!log(&["errors", "dis"]).contains("no_state_number"));
    assert!(log(&["errors", "dis", "--archived"]).contains("no_state_number"));
    // Nothing is forgotten: it is sent with every resync, and is back when it is refused for
    // another reason.
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert!(!log(&["errors", "dis"]).contains("no_state_number"));
    let none = "schoolID=103 districtID=1 number=3";
    dis.table("School", &[none]);
    dis.fullsync(&["run", "dis", "School", "--yes"]).expect(1);
    assert!(log(&["errors", "dis", "School"]).contains("missing_required"));
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
