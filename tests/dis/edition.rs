//! Who may do what: the switch, the credentials, the editions, the state's own requests.

use super::{DISTRICT, Dis};

#[test]
fn d03_the_connection_is_checked_first() {
    let dis = Dis::new();
    let out = dis
        .command(&["run", "dis", "School"])
        .env("TOKEN", "wrong")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(text.contains("refuses the token"), "{text}");
    assert!(!text.contains("wrong\n"), "the token is not told: {text}");
    assert_eq!(dis.state().batches(), 0);
}

#[test]
fn d03_what_is_switched_off_sends_nothing() {
    let dis = Dis::new();
    dis.pipeline(
        "dis",
        &[("target = \"dis\"", "enabled = false\ntarget = \"dis\"")],
    );
    for verb in [
        &["run", "dis"][..],
        &["verify", "dis"],
        &["dis", "poll", "dis"],
    ] {
        let ran = dis.fullsync(verb).expect(2);
        assert!(
            ran.stderr.contains("switched off"),
            "{verb:?}: {}",
            ran.stderr
        );
    }
    assert_eq!(dis.state().batches(), 0);
}

#[test]
fn d05_a_resync_in_the_background_tells_when_it_is_done() {
    let dis = Dis::new();
    let script = dis.path("tell.sh");
    let notify = format!("[notify]\ncommand = [\"{}\"]\n\n[report]", script.display());
    dis.pipeline("dis", &[("[report]", &notify)]);
    let told = dis.path("told.json");
    std::fs::write(&script, format!("#!/bin/sh\ncat > {}\n", told.display())).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let ran = dis
        .fullsync(&["run", "dis", "School", "--detach", "--quiet"])
        .expect(0);
    let run = ran.stdout.trim();
    assert!(!run.is_empty() && !run.contains(' '), "an id: {run}");
    dis.fullsync(&["wait", "dis", run]).expect(1);
    assert_eq!(dis.count("School"), 2);
    let told = std::fs::read_to_string(told).unwrap();
    assert!(told.contains(run), "{told}");
}

#[test]
fn d04_the_edition_decides_which_commands_exist() {
    let dis = Dis::new();
    for edition in ["state", "standalone"] {
        let change = ("edition = \"district\"", format!("edition = \"{edition}\""));
        dis.pipeline(edition, &[(change.0, &change.1)]);
        for verb in ["run", "verify", "plan"] {
            let ran = dis.fullsync(&[verb, edition]).expect(2);
            assert!(ran.stderr.contains(edition), "{verb}: {}", ran.stderr);
        }
    }
    let ran = dis
        .fullsync(&["dis", "request", "dis", "--district", DISTRICT])
        .expect(2);
    assert!(ran.stderr.contains("district"), "{}", ran.stderr);
    assert_eq!(dis.state().batches(), 0, "none of them sends");

    // A regional edition is both: it sends to the state, and asks its districts.
    let regional = ("edition = \"district\"", "edition = \"regional\"");
    dis.pipeline("regional", &[regional]);
    dis.fullsync(&["run", "regional", "District"]).expect(0);
    assert_eq!(dis.count("District"), 1);
    let out = dis
        .command(&["dis", "request", "regional", "--district", "0099", "School"])
        .env("TOKEN", "operator")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(dis.state().requests("0099").len(), 1);

    // The state asks for some objects; the district's next poll carries that out, once.
    let change = ("edition = \"district\"", "edition = \"state\"");
    dis.pipeline("state", &[change]);
    let out = dis
        .command(&["dis", "request", "state", "--district", DISTRICT, "School"])
        .env("TOKEN", "operator")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let ran = dis.fullsync(&["dis", "poll", "dis"]).expect(1);
    assert!(
        ran.stdout.contains("request r2 of the state: School"),
        "{}",
        ran.stdout
    );
    assert_eq!((dis.count("School"), dis.count("Calendar")), (2, 0));
    let requests = dis.state().requests(DISTRICT);
    let done = requests[0].done.as_ref().unwrap();
    assert_eq!((done.processed, done.errors), (4, 1));
    let ran = dis.fullsync(&["dis", "poll", "dis"]).expect(0);
    assert!(ran.stdout.contains("asks for nothing"), "{}", ran.stdout);
}

#[test]
fn a_poll_in_the_background_tells_of_each_resync() {
    let dis = Dis::new();
    let script = dis.path("tell.sh");
    std::fs::write(
        &script,
        "#!/bin/sh\ncat >> told.jsonl\necho >> told.jsonl\n",
    )
    .unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let notify = format!("command:{}", script.display());
    let poll = ["dis", "poll", "dis", "--notify", &notify];
    // Nothing asked, nobody told.
    dis.fullsync(&poll).expect(0);
    assert!(!dis.path("told.jsonl").exists());
    dis.state().request(DISTRICT, &["District"], None).unwrap();
    dis.state().request(DISTRICT, &["Nothing"], None).unwrap();
    dis.state()
        .request(DISTRICT, &["School"], Some(2023))
        .unwrap();
    let detached = [&poll[..], &["--detach", "--quiet"]].concat();
    let ran = dis.fullsync(&detached).expect(0);
    let id = ran.stdout.trim();
    // One request cannot be carried out: it stays open, and does not hold up the next one.
    dis.fullsync(&["wait", "dis", id]).expect(2);
    let requests = dis.state().requests(DISTRICT);
    let runs: Vec<Option<&str>> = requests
        .iter()
        .map(|r| r.done.as_ref().map(|d| d.run.as_str()))
        .collect();
    assert_eq!(runs[0], Some(id));
    assert_eq!(runs[1], None, "no such object");
    assert!(runs[2].is_some_and(|run| run != id), "{runs:?}");
    assert_eq!(dis.count("District"), 1);
    assert_eq!(dis.state().count(DISTRICT, 2023, "School"), 2);
    let told = std::fs::read_to_string(dis.path("told.jsonl")).unwrap();
    let told: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&told)
        .into_iter()
        .map(|message| message.unwrap())
        .collect();
    let exits: Vec<_> = told.iter().map(|m| m["exit_code"].clone()).collect();
    assert_eq!(exits, [0, 2, 1], "{told:#?}");
}
