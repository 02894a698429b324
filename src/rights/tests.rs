use std::path::Path;

use super::*;

fn account(user: &str, groups: &[&str]) -> Account {
    Account {
        uid: 1,
        user: user.into(),
        groups: groups.iter().map(ToString::to_string).collect(),
    }
}

fn rights(text: &str) -> Rights {
    Rights::parse(Path::new("rights.toml"), text).unwrap()
}

fn may(text: &str, who: &Account, act: Act, kind: TargetKind, selective: bool) -> bool {
    let asked = Asked {
        verb: "run",
        act,
        selective,
        overridden: false,
        pipeline: Some(("mini", kind, Path::new("pipelines/mini.toml"))),
    };
    let actor = Actor {
        person: who.clone(),
        through: None,
    };
    check(&[rights(text)], &actor, &asked).is_ok()
}

fn grant(tool: &str, letters: &str) -> String {
    format!("[[grant]]\nuser = \"anna\"\ntool = \"{tool}\"\nrights = \"{letters}\"\n")
}

/// Every cell of the seeds' tables: which acts a single right gives.
#[test]
fn the_matrix_of_the_seeds() {
    use Act::{Empty, Forget, Look, Sync, View};
    use TargetKind::{Dis, Edfi, Sif};
    let cells = [
        // E9: Read - view; Write - perform; Add, Delete - no function.
        ("resync", "R", Edfi, false, &[Look, View][..]),
        ("resync", "W", Edfi, false, &[Sync, Empty, Forget]),
        ("resync", "AD", Edfi, false, &[]),
        // D21, Batch: R views and runs; the others are N/A.
        ("dis-batch", "R", Dis, false, &[Look, View, Sync]),
        ("dis-batch", "WAD", Dis, false, &[]),
        // D21, Selective Sync.
        ("dis-selective", "R", Dis, true, &[Look, View]),
        ("dis-selective", "W", Dis, true, &[Sync]),
        ("dis-selective", "A", Dis, true, &[]),
        ("dis-selective", "D", Dis, true, &[Forget]),
        // One tool's right is not another's.
        ("dis-batch", "RWAD", Dis, true, &[]),
        ("resync", "RWAD", Sif, false, &[]),
        ("sif", "RW", Sif, false, &[Look, View, Sync, Empty, Forget]),
        ("*", "RWAD", Dis, false, &[Look, View, Sync]),
        ("*", "RWAD", Dis, true, &[Look, View, Sync, Forget]),
    ];
    let anna = account("anna", &[]);
    for (tool, letters, kind, selective, gives) in cells {
        let text = grant(tool, letters);
        for act in [Look, View, Sync, Empty, Forget] {
            assert_eq!(
                may(&text, &anna, act, kind, selective),
                gives.contains(&act),
                "{tool} {letters}: {act:?}"
            );
        }
    }
}

#[test]
fn the_role_admin_implies_everything() {
    let admin = "[roles]\nadmin = [\"group:wheel\", \"user:root\"]";
    let wheel = account("anna", &["wheel"]);
    for kind in [TargetKind::Edfi, TargetKind::Dis, TargetKind::Sif] {
        for act in [
            Act::Look,
            Act::View,
            Act::Sync,
            Act::Empty,
            Act::Forget,
            Act::Make,
            Act::Audit,
        ] {
            assert!(may(admin, &wheel, act, kind, true) && may(admin, &wheel, act, kind, false));
            assert!(!may(admin, &account("anna", &["staff"]), act, kind, false));
        }
    }
}

#[test]
fn groups_of_the_system_and_of_the_file() {
    let text = "[groups]\nstate = [\"anna\"]\n[[grant]]\ngroup = \"state\"\ntool = \"resync\"\n\
                rights = \"RW\"\nconfiguration = \"mini\"\n";
    let sync = |who: &Account| may(text, who, Act::Sync, TargetKind::Edfi, false);
    assert!(sync(&account("anna", &[])) && sync(&account("ben", &["state"])));
    assert!(!sync(&account("ben", &["staff"])));
    let other = text.replace("\"mini\"", "\"other\"");
    let anna = account("anna", &[]);
    assert!(!may(&other, &anna, Act::Sync, TargetKind::Edfi, false));
}

#[test]
fn behind_a_service_account_the_caller_counts() {
    let file = rights("service_account = \"fullsync\"");
    let service = account("fullsync", &[]);
    let anna = account("anna", &[]);
    let actor = actor_of(
        std::slice::from_ref(&file),
        service.clone(),
        Some(anna.clone()),
    );
    assert_eq!(actor.person, anna);
    assert_eq!(actor.through.as_deref(), Some("fullsync"));
    // A timer of its own; and somebody who only says that he came by sudo.
    let own = actor_of(std::slice::from_ref(&file), service.clone(), None);
    assert_eq!(own.person, service);
    let ben = account("ben", &[]);
    assert_eq!(actor_of(&[file], ben.clone(), Some(anna)).person, ben);
}

#[test]
fn no_file_widens_another() {
    let actor = Actor {
        person: account("anna", &[]),
        through: None,
    };
    let asked = Asked {
        verb: "run",
        act: Act::Sync,
        selective: false,
        overridden: false,
        pipeline: None,
    };
    assert_eq!(
        check(&[], &actor, &asked),
        Ok(()),
        "without a file everyone may everything"
    );
    let (all, none) = (rights(&grant("*", "RWAD")), rights(""));
    let refused = check(&[all, none], &actor, &asked).unwrap_err().to_string();
    for said in [
        "user anna",
        "W (write)",
        "tool resync",
        "`run`",
        "rights.toml",
        "[[grant]]",
    ] {
        assert!(refused.contains(said), "{said} in {refused}");
    }
}

#[test]
fn all_problems_of_a_file_at_once() {
    let text = "[roles]\nadmin = [\"root\"]\n[[grant]]\ntool = \"resynk\"\nrights = \"RX\"\n\
                [[grant]]\nuser = \"a\"\ngroup = \"b\"\ntool = [\"sif\"]\nrights = \"\"\n";
    let error = Rights::parse(Path::new("r.toml"), text)
        .unwrap_err()
        .to_string();
    for said in [
        "r.toml: roles.admin: `root`",
        "grant 1: give either",
        "no tool `resynk`",
        "no right `X`",
        "grant 2: give either",
        "`rights` is empty",
    ] {
        assert!(error.contains(said), "{said} in {error}");
    }
    assert!(Rights::parse(Path::new("r.toml"), "grants = 1").is_err());
    assert!(load(&["/no/such/rights.toml".into()]).is_err());
}

#[test]
fn behind_pipelines_of_one_folder_nothing_is_overridden_or_brought_along() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pipelines");
    std::fs::create_dir(&folder).unwrap();
    let (ours, theirs) = (folder.join("edfi.toml"), dir.path().join("edfi.toml"));
    for file in [&ours, &theirs] {
        std::fs::write(file, "").unwrap();
    }
    let text = format!(
        "pipelines = \"pipelines\"\n[roles]\nadmin = [\"user:root\"]\n{}",
        grant("*", "RW")
    );
    let file = Rights::parse(&dir.path().join("rights.toml"), &text).unwrap();
    let may = |user: &str, file: &Rights, path: &Path, overridden| {
        let asked = Asked {
            verb: "run",
            act: Act::Sync,
            selective: false,
            overridden,
            pipeline: Some(("edfi", TargetKind::Edfi, path)),
        };
        let needed = Needed::of(asked.act, Some(TargetKind::Edfi), false);
        file.check(&account(user, &[]), &asked, needed).is_ok()
    };
    assert!(may("anna", &file, &ours, false));
    assert!(!may("anna", &file, &theirs, false) && !may("anna", &file, &ours, true));
    assert!(may("root", &file, &ours, true));
}
