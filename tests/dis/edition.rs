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
    assert_eq!(dis.state().batches(), 0);

    // The state asks for some objects; the district's next poll carries that out, once.
    let out = dis
        .command(&["dis", "request", "state", "--district", DISTRICT, "School"])
        .env("TOKEN", "operator")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let ran = dis.fullsync(&["dis", "poll", "dis"]).expect(1);
    assert!(
        ran.stdout.contains("request r1 of the state: School"),
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
