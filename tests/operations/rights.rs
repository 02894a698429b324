//! Rights and the audit log (E9, D21, D23; item 12).

use std::process::Command;

use serde_json::Value;

use crate::support::{District, Ran, Target, json};

fn me() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

fn my_group() -> String {
    let said = Command::new("id").arg("-gn").output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

/// A district whose pipeline names a rights file with this text.
fn with_rights(rights: &str) -> District {
    let district = District::new(3);
    let path = district.path("pipelines/mini.toml");
    let text = std::fs::read_to_string(path).unwrap();
    district.write(
        "pipelines/mini.toml",
        &format!("{text}\n[rights]\nfile = \"rights.toml\"\n"),
    );
    district.write("pipelines/rights.toml", rights);
    district
}

fn grant(letters: &str) -> String {
    let user = me();
    format!("[[grant]]\nuser = \"{user}\"\ntool = \"resync\"\nrights = \"{letters}\"\n")
}

fn lines(district: &District) -> Vec<Value> {
    let text = std::fs::read_to_string(district.path("state/audit.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = json(&root.join("docs/schemas/audit.schema.json"));
    let schema = jsonschema::validator_for(&schema).unwrap();
    for line in &lines {
        let errors: Vec<String> = schema.iter_errors(line).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{line:#}");
    }
    lines
}

#[test]
fn e09_read_views_write_performs_add_and_delete_do_nothing() {
    let target = Target::new(&[]);
    let cases = [("R", 0, 2), ("W", 2, 0), ("AD", 2, 2), ("RW", 0, 0)];
    for (letters, view, perform) in cases {
        let district = with_rights(&grant(letters));
        let run = |args: &[&str]| -> Ran { district.fullsync(&target.url(), args) };
        run(&["plan", "mini"]).expect(view);
        run(&["run", "mini", "--dry-run"]).expect(view);
        let ran = run(&["run", "mini"]).expect(perform);
        if perform == 2 {
            for said in [
                &me(),
                "W (write)",
                "tool resync",
                "rights.toml",
                "[[grant]]",
            ] {
                assert!(ran.stderr.contains(said), "{said} in {}", ran.stderr);
            }
            assert!(!district.path("state/mini/runs").exists() || view == 0);
        }
        run(&["truncate", "mini", "students"]).expect(view);
    }
    let group = format!(
        "[[grant]]\ngroup = \"{}\"\ntool = \"*\"\nrights = \"RW\"\n",
        my_group()
    );
    with_rights(&group)
        .fullsync(&target.url(), &["run", "mini"])
        .expect(0);
}

#[test]
fn item_12_who_has_no_right_sends_nothing_and_an_admin_may_everything() {
    let target = Target::new(&[]);
    let district =
        with_rights("[[grant]]\nuser = \"somebody-else\"\ntool = \"*\"\nrights = \"RWAD\"\n");
    for verb in [
        &["run", "mini"][..],
        &["status", "mini"],
        &["locks", "mini"],
        &["audit", "mini"],
    ] {
        district.fullsync(&target.url(), verb).expect(2);
    }
    assert_eq!(target.count("students"), 0);
    // D23.
    district.write(
        "pipelines/rights.toml",
        &format!("[roles]\nadmin = [\"user:{}\"]\n", me()),
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let audit = district
        .fullsync(&target.url(), &["audit", "mini"])
        .expect(0);
    assert_eq!(
        audit.stdout.matches("REFUSED").count(),
        4,
        "{}",
        audit.stdout
    );
    // Without a file everyone may everything; the environment's file holds as well.
    let free = District::new(1);
    free.fullsync(&target.url(), &["plan", "mini"]).expect(0);
    free.write("none.toml", "");
    let binary = env!("CARGO_BIN_EXE_fullsync");
    let out = free.path("made").display().to_string();
    for args in [&["plan", "mini"][..], &["generate", "--out", &out]] {
        let mut command = Command::new(binary);
        command.args(args).current_dir(free.path(""));
        let command = command
            .env("FULLSYNC_RIGHTS", "none.toml")
            .env("TARGET", target.url());
        let ran: Ran = command
            .env("KEY", "k")
            .env("SECRET", "s")
            .output()
            .unwrap()
            .into();
        ran.expect(2);
    }
    district.write(
        "pipelines/rights.toml",
        "[[grant]]\ntool = \"resynk\"\nrights = \"X\"\n",
    );
    let wrong = district
        .fullsync(&target.url(), &["run", "mini"])
        .expect(2)
        .stderr;
    for said in ["no tool `resynk`", "no right `X`", "give either"] {
        assert!(wrong.contains(said), "{said} in {wrong}");
    }
}

#[test]
fn item_12_the_audit_log_tells_who_did_what() {
    let (district, target) = (District::new(4), Target::new(&[]));
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district
        .fullsync(&target.url(), &["explain", "mini", "students", "U000001"])
        .expect(0);
    district
        .fullsync(&target.url(), &["status", "mini"])
        .expect(0);
    let truncate = [
        "truncate",
        "mini",
        "studentSchoolAssociations",
        "--yes",
        "--school-year",
        "2026",
    ];
    district.fullsync(&target.url(), &truncate).expect(0);
    let all = lines(&district);
    let events: Vec<&str> = all.iter().map(|l| l["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "ended", "viewed", "started", "ended"]);
    let [started, ended, viewed, _, emptied] = all.as_slice() else {
        panic!()
    };
    assert_eq!(started["user"], me().as_str());
    assert_eq!(started["command"], "run mini");
    assert_eq!(started["id"], ended["id"]);
    assert_eq!(ended["exit"], 0);
    assert_eq!(ended["counts"]["created"], 9);
    let run = ended["run"].as_str().unwrap();
    assert!(district.path("state/mini/runs").join(run).is_dir());
    assert_eq!(viewed["command"], "explain mini students (1 value)");
    assert_eq!(emptied["counts"]["deletes.deleted"], 4);
    let text = std::fs::read_to_string(district.path("state/audit.jsonl")).unwrap();
    assert!(
        !text.contains("U000001") && !text.contains("sandbox"),
        "{text}"
    );
    // A changed mapping is another mapping, the pipeline is the same.
    district.write("crosswalk/grade.csv", "code,descriptor\n");
    district
        .fullsync(&target.url(), &["plan", "mini"])
        .expect(0);
    let last = lines(&district).pop().unwrap();
    assert_ne!(last["mapping"], started["mapping"]);
    assert_eq!(last["pipeline"], started["pipeline"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(district.path("state/audit.jsonl")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn item_12_a_forged_audit_log_is_noticed() {
    let (district, target) = (District::new(1), Target::new(&[]));
    // Two processes at once: whole lines, one chain.
    let mut both = [
        district.start(&target.url(), &["plan", "mini"]),
        district.start(&target.url(), &["plan", "mini"]),
    ];
    for run in &mut both {
        assert!(run.wait().unwrap().success());
    }
    let verify = ["audit", "mini", "--verify"];
    let whole = district.fullsync(&target.url(), &verify).expect(0).stdout;
    assert!(whole.contains("2 lines, the chain is whole"), "{whole}");
    let head = whole.trim().rsplit(' ').next().unwrap().to_owned();
    district
        .fullsync(&target.url(), &["plan", "mini"])
        .expect(0);
    let later = ["audit", "mini", "--verify", "--head", &head];
    district.fullsync(&target.url(), &later).expect(0);
    let text = std::fs::read_to_string(district.path("state/audit.jsonl")).unwrap();
    let first: Vec<&str> = text.lines().take(1).collect();
    district.write("state/audit.jsonl", &format!("{}\n", first.join("\n")));
    district.fullsync(&target.url(), &later).expect(1);
    let forged = text.replacen("\"event\":\"viewed\"", "\"event\":\"ended\"", 1);
    district.write("state/audit.jsonl", &forged);
    let broken = district.fullsync(&target.url(), &verify).expect(1).stdout;
    assert!(broken.contains("line 2: what stands before it"), "{broken}");
}
