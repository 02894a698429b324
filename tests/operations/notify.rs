//! Who is told of the end of a run, and what; never a student.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{District, Target, json};

/// Adds sections to the pipeline.
fn add(district: &District, text: &str) {
    let path = "pipelines/mini.toml";
    let pipeline = std::fs::read_to_string(district.path(path)).unwrap();
    district.write(path, &format!("{pipeline}\n{text}"));
}

/// A program that keeps what it is told in `name`.
#[cfg(unix)]
fn program(district: &District, file: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    district.write(file, text);
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(district.path(file), mode).unwrap();
}

/// One HTTP server that answers with these statuses in turn, and what it was sent.
fn hook(statuses: &'static [u16]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/geheim", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 65_536];
            let whole = |text: &[u8]| {
                let text = String::from_utf8_lossy(text).into_owned();
                let (head, body) = text.split_once("\r\n\r\n")?;
                let length = head.lines().find_map(|l| {
                    l.to_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                });
                (body.len() >= length.unwrap_or(0usize)).then_some(())
            };
            while whole(&text).is_none() {
                let read = stream.read(&mut buffer).unwrap();
                text.extend_from_slice(&buffer[..read]);
            }
            let answer =
                format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
        }
    });
    (url, receiver)
}

/// One student whose grade nobody knows.
fn with_an_error() -> District {
    let district = District::new(0);
    district.students(
        [
            "1,U1,Ann,Lastone,2010-01-02,255901001,2025-08-18,9",
            "2,U2,Ben,Lasttwo,2010-01-03,255901001,2025-08-18,77",
        ]
        .into_iter()
        .map(str::to_owned),
    );
    district
}

#[cfg(unix)]
#[test]
fn item_11_a_command_is_told_the_tallies_and_no_student() {
    let (district, target) = (with_an_error(), Target::new(&[]));
    program(&district, "tell.sh", "#!/bin/sh\ncat >told.$1.json\n");
    add(&district, "[notify]\ncommand = [\"../tell.sh\", \"x\"]");
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    let told = json(&district.path("told.x.json"));
    assert_eq!(
        (&told["outcome"], &told["exit_code"]),
        (&"errors".into(), &1.into())
    );
    assert_eq!(told["run"], district.tallies()["run"]);
    assert_eq!(told["total"], district.tallies()["total"]);
    assert_eq!(told["resources"].as_array().map(Vec::len), Some(3));
    let text = told.to_string();
    for secret in ["Ann", "Lastone", "U1", "2010-01", "sandbox\":\"sandbox"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn item_11_a_webhook_is_told_with_its_secret_and_tried_again() {
    let (district, target) = (District::new(2), Target::new(&[]));
    let (url, told) = hook(&[503, 200]);
    district.write("secrets/hook", "Bearer abc123\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(district.path("secrets/hook"), mode).unwrap();
    }
    add(
        &district,
        &format!("[notify.webhook]\nurl = \"{url}\"\nsecret_file = \"../secrets/hook\""),
    );
    let ran = district
        .fullsync(&target.url(), &["run", "mini", "-vvv"])
        .expect(0);
    assert!(!ran.stderr.contains("abc123"), "a secret in the log");
    for _ in 0..2 {
        let request = told.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(
            request
                .to_lowercase()
                .contains("authorization: bearer abc123"),
            "{request}"
        );
        let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["outcome"], "accepted");
    }
    assert_eq!(district.tallies().get("warnings"), None);
}

#[cfg(unix)]
#[test]
fn item_11_a_mail_goes_through_sendmail() {
    let (district, target) = (with_an_error(), Target::new(&[]));
    program(
        &district,
        "sendmail",
        "#!/bin/sh\necho \"$@\" >mail.args\ncat >mail.txt\n",
    );
    add(
        &district,
        "[notify]\non = [\"failure\"]\n[notify.mail]\nto = [\"ops@example.org\", \"sis@example.org\"]\n\
         from = \"fullsync@example.org\"\nsendmail = \"../sendmail\"",
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    let mail = std::fs::read_to_string(district.path("mail.txt")).unwrap();
    assert!(mail.starts_with("To: ops@example.org, sis@example.org\nFrom: fullsync@example.org\nSubject: fullsync run mini: finished with errors, 4 sent, 1 errors, 0 pending\n"), "{mail}");
    assert!(mail.contains("unmapped_code"), "{mail}");
    assert!(!mail.contains("Lasttwo") && !mail.contains("U2"), "{mail}");
    let args = std::fs::read_to_string(district.path("mail.args")).unwrap();
    assert_eq!(args, "-t -i\n");
    // Only of failures.
    std::fs::remove_file(district.path("mail.txt")).unwrap();
    district
        .fullsync(&target.url(), &["run", "mini", "schools"])
        .expect(0);
    assert!(!district.path("mail.txt").exists());
}

#[test]
fn item_11_a_notification_that_fails_is_a_warning_and_no_more() {
    let (district, target) = (District::new(2), Target::new(&[]));
    let (url, _told) = hook(&[404]);
    let ran = district
        .fullsync(
            &target.url(),
            &["run", "mini", "--notify", &format!("webhook:{url}")],
        )
        .expect(0);
    let warnings = &district.tallies()["warnings"];
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.contains("notification by webhook failed: answered 404"),
        "{warning}"
    );
    assert!(
        !warning.contains("geheim"),
        "the URL may be a secret: {warning}"
    );
    assert!(
        ran.stderr.contains("notification by webhook failed"),
        "{}",
        ran.stderr
    );
    let report = std::fs::read_to_string(district.latest().join("report.txt")).unwrap();
    assert!(
        report.contains("warning: notification by webhook"),
        "{report}"
    );
}

#[cfg(unix)]
#[test]
fn item_11_failed_starts_are_told_and_other_verbs_too() {
    let (district, target) = (District::new(2), Target::new(&[]));
    program(&district, "tell.sh", "#!/bin/sh\ncat >told.json\n");
    add(&district, "[notify]\ncommand = \"../tell.sh\"");
    // Nothing listens there.
    district
        .fullsync("http://127.0.0.1:9", &["run", "mini"])
        .expect(2);
    let told = json(&district.path("told.json"));
    assert_eq!(
        (&told["outcome"], &told["cause"]),
        (&"failed_start".into(), &"target".into())
    );
    district
        .fullsync(&target.url(), &["run", "mini", "--notify", "none"])
        .expect(0);
    assert_eq!(
        json(&district.path("told.json"))["exit_code"],
        2,
        "none was wanted"
    );
    district
        .fullsync(&target.url(), &["load", "mini"])
        .expect(0);
    assert_eq!(json(&district.path("told.json"))["verb"], "load");
    let args = ["truncate", "mini", "studentSchoolAssociations", "--yes"];
    district.fullsync(&target.url(), &args).expect(0);
    let told = json(&district.path("told.json"));
    assert_eq!(
        (&told["verb"], &told["exit_code"]),
        (&"truncate".into(), &0.into())
    );
    // A pipeline that cannot be read has no [notify]; the flag has.
    district.write("pipelines/broken.toml", "target = 1");
    let args = ["run", "broken", "--notify", "command:./tell.sh"];
    district.fullsync(&target.url(), &args).expect(2);
    assert_eq!(json(&district.path("told.json"))["cause"], "configuration");
}

#[test]
fn item_11_notifications_are_checked_before_anything_is_sent() {
    let (district, target) = (District::new(2), Target::new(&[]));
    for (section, wanted) in [
        (
            "[notify]\non = [\"always\"]\ncommand = \"true\"",
            "notify.on",
        ),
        ("[notify]\ntimeout_secs = 5", "[notify] needs command"),
        (
            "[notify.webhook]\nurl = \"http://chat.example.org/x\"",
            "must begin with https://",
        ),
        ("[notify.webhook]\nurl_env = \"NOT_SET\"", "is not set"),
        ("[notify]\ncommand = [\"./nowhere.sh\"]", "no such file"),
        (
            "[notify.mail]\nto = [\"ops\"]\nsendmail = \"sis.toml\"",
            "is no mail address",
        ),
    ] {
        district.pipeline("");
        add(&district, section);
        let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
        assert!(ran.stderr.contains(wanted), "{wanted}: {}", ran.stderr);
    }
    assert_eq!(target.count("schools"), 0);
}
