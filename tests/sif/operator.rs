//! The operator's view: the history of messages, the lines of a report, the words said to a zone.

use std::time::{Duration, Instant};

use super::*;

fn said(ran: &Ran) -> String {
    format!("{}\n{}", ran.stdout, ran.stderr)
}

fn notes(sif: &Sif, more: &[&str]) -> Vec<Value> {
    let args = [&["sif", "messages", "list", "mini", "--json"], more].concat();
    let list = sif.fullsync(&args).expect(0);
    let lines = list.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a message"))
        .collect()
}

fn msg_id(notes: &[Value], kind: &str) -> String {
    let note = notes.iter().find(|n| n["kind"] == kind);
    let note = note.unwrap_or_else(|| panic!("no {kind}"));
    note["msg_id"].as_str().expect("an id").to_owned()
}

/// Message history, one record looked at or deleted.
#[test]
fn item_9_messages_are_listed_shown_and_deleted() {
    let sif = Sif::new(3);
    sif.sync(0);
    let all = notes(&sif, &[]);
    let register = msg_id(&all, "SIF_Register");
    let shown = sif
        .fullsync(&["sif", "messages", "show", "mini", &register])
        .expect(0);
    assert!(shown.stdout.contains("<SIF_Register>"), "{}", shown.stdout);
    // What a packet holds is student data: told is only what it was about.
    let packet = msg_id(&all, "SIF_Response");
    let shown = sif
        .fullsync(&["sif", "messages", "show", "mini", &packet])
        .expect(0);
    assert!(shown.stdout.contains("packet 1") && shown.stdout.contains("keep_messages"));
    assert!(
        !shown.stdout.contains("<SIF_ObjectData>"),
        "{}",
        shown.stdout
    );
    let only = notes(
        &sif,
        &[
            "--kind",
            "SIF_Response",
            "--object",
            "StudentPersonal",
            "--last",
            "1",
        ],
    );
    assert_eq!(only.len(), 1);
    assert!(notes(&sif, &["--failed"]).is_empty());

    let deleted = sif
        .fullsync(&["sif", "messages", "delete", "mini", &register])
        .expect(0);
    assert!(
        deleted.stdout.starts_with("1 messages deleted"),
        "{}",
        deleted.stdout
    );
    sif.fullsync(&["sif", "messages", "show", "mini", &register])
        .expect(2);
    let unknown = sif
        .fullsync(&["sif", "messages", "delete", "mini", &register])
        .expect(2);
    assert!(said(&unknown).contains(&register));
    sif.fullsync(&["sif", "messages", "delete", "mini", "--older-than", "1d"])
        .expect(0);
    assert_eq!(notes(&sif, &[]).len(), all.len() - 1);
    sif.fullsync(&["sif", "messages", "delete", "mini", "--all"])
        .expect(2);
    sif.fullsync(&["sif", "messages", "delete", "mini", "--all", "--yes"])
        .expect(0);
    assert!(notes(&sif, &[]).is_empty());
}

#[cfg(unix)]
#[test]
fn item_9_texts_of_packets_are_kept_on_request_and_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let sif = Sif::new(2);
    sif.pipeline("keep_messages = true");
    sif.sync(0);
    let packet = msg_id(
        &notes(&sif, &["--object", "StudentPersonal"]),
        "SIF_Response",
    );
    let shown = sif
        .fullsync(&["sif", "messages", "show", "mini", &packet])
        .expect(0);
    assert!(
        shown.stdout.contains("<LastName>Last1</LastName>"),
        "{}",
        shown.stdout
    );
    let file = sif.path("state/mini/sif/District/messages.jsonl");
    let mode = std::fs::metadata(file)
        .expect("the history")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
}

/// The run is shown as messages, with packets, objects, bytes and rate; the account adds up.
#[test]
fn item_3_the_run_is_shown_as_messages_and_adds_up() {
    let sif = Sif::with(30, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    let ran = sif.sync(0);
    let line = ran.stdout.lines().find(|line| line.contains("objects/s"));
    let line = line.unwrap_or_else(|| panic!("{}", ran.stdout));
    for word in ["messages", "4 requests", "packets", "63 objects", "bytes"] {
        assert!(line.contains(word), "{word}: {line}");
    }
    let students = ran.stdout.lines().find(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(
            words.as_slice(),
            [
                "LibAgent",
                "StudentPersonal",
                _,
                "30",
                "of",
                "30",
                _,
                "complete"
            ]
        )
    });
    assert!(students.is_some(), "{}", ran.stdout);
    let tallies = sif.tallies();
    let requests = tallies["zone"]["requests"].as_array();
    assert_eq!(requests.map(Vec::len), Some(4), "{tallies:#}");
    assert_eq!(tallies["mismatches"].as_array().map(Vec::len), Some(0));
    for object in OBJECTS {
        let count = |name| sif.tally(object, name);
        let outcomes = [
            "created",
            "updated",
            "unchanged",
            "rejected",
            "skipped",
            "failed",
            "pending",
        ];
        let sum: u64 = outcomes.iter().map(|name| count(name)).sum();
        assert_eq!(sum, count("transformed"), "{object}");
    }
}

/// The check names the step and what to do, in order; what is in order is told, too.
#[test]
fn item_6_the_check_stops_at_what_is_missing_and_says_what_to_do() {
    let sif = Sif::new(2);
    let steps = |code| -> Vec<Value> {
        let ran = sif
            .fullsync(&["sif", "check", "mini", "--json"])
            .expect(code);
        serde_json::from_str(&ran.stdout).expect("steps")
    };
    let last = |steps: &[Value]| {
        steps
            .last()
            .map(|s| (s["number"].as_u64(), s["ok"].as_bool()))
    };
    // Nobody has registered our agent, and the check leaves it so.
    assert_eq!(last(&steps(1)), Some((Some(6), Some(false))));
    assert_eq!(sif.zone().agents(), [LIBRARY]);
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    assert_eq!(last(&steps(1)), Some((Some(7), Some(false))));
    // A zone of another name, which it tells those that it knows.
    sif.change("zone = \"District\"", "zone = \"Elsewhere\"");
    let found = steps(1);
    assert_eq!(last(&found), Some((Some(3), Some(false))), "{found:#?}");
    assert!(
        found[2]["todo"]
            .as_str()
            .is_some_and(|todo| todo.contains("District"))
    );
    sif.change("zone = \"Elsewhere\"", "zone = \"District\"");
    sif.sync(0);
    let found = steps(0);
    assert_eq!(
        (found.len(), last(&found)),
        (7, Some((Some(7), Some(true)))),
        "{found:#?}"
    );
    // A school without its code.
    sif.write(
        "sis/School.csv",
        "schoolID,districtID,name\n11,1,Grand High\n12,1,\n",
    );
    let found = steps(1);
    assert_eq!(last(&found), Some((Some(1), Some(false))), "{found:#?}");
}

/// Sleep, Wakeup, Unregister: each a word to the zone.
#[test]
fn item_1_sleep_wakeup_and_unregister() {
    let sif = Sif::new(2);
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    sif.fullsync(&["sif", "sleep", "mini"]).expect(0);
    sif.fullsync(&["sif", "wakeup", "mini"]).expect(0);
    let stats = sif.zone().stats();
    assert!(stats.refusals.is_empty(), "{stats:?}");
    sif.fullsync(&["sif", "unregister", "mini"]).expect(2);
    assert_eq!(sif.zone().agents().len(), 2);
    sif.fullsync(&["sif", "unregister", "mini", "--yes"])
        .expect(0);
    assert_eq!(sif.zone().agents(), [LIBRARY]);
}

/// `serve` stays, answers, and ends in order when it is told to.
#[cfg(unix)]
#[test]
fn item_1_serve_answers_until_it_is_stopped() {
    let sif = Sif::new(3);
    let mut child = sif.start(&["sif", "serve", "mini"]);
    let until = Instant::now() + Duration::from_secs(30);
    let answered = |count: usize| {
        while sif.zone().answers().iter().filter(|a| a.complete).count() < count {
            assert!(Instant::now() < until, "{:#?}", sif.zone().answers());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    answered(4);
    sif.ask("SchoolInfo", |_| {});
    answered(5);
    let pid = child.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(told.is_ok_and(|status| status.success()));
    assert_eq!(child.wait().expect("ended").code(), Some(3));
    sif.complete(3);
    sif.sync(0);
}
