//! A plan of a zone: what is ready, what is due, what was never asked for; the zone hears nothing of it.

use super::*;

/// The plan as JSON, its messages.
fn plan(sif: &Sif, args: &[&str]) -> Value {
    let ran = sif.fullsync(&[&["plan", "mini", "--json"], args].concat());
    let ran = ran.expect(0);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("a plan");
    plan["zone"].clone()
}

fn line<'a>(zone: &'a Value, list: &str, object: &str) -> &'a Value {
    let lines = zone[list].as_array().expect("lines");
    let found = lines.iter().find(|line| line["object"] == object);
    found.unwrap_or_else(|| panic!("no {object} in {zone:#}"))
}

/// Messages of our agent so far. The third party sends its own.
fn heard(sif: &Sif) -> bool {
    sif.zone().agents().iter().any(|agent| agent == AGENT)
}

/// Before the first sync, and with the zone out of reach: all is ready, nothing was requested.
#[test]
fn a_plan_of_a_new_zone_tells_it_nothing() {
    let sif = Sif::new(0);
    let without = student(2).replace("N000002", "");
    sif.rows([student(1), without, student(3)]);
    let nowhere = |args: &[&str]| {
        let mut command = sif.command(args);
        let command = command.env("ZONE", "http://127.0.0.1:9/zis/District");
        Ran::from(command.output().expect("the binary runs")).expect(0)
    };
    for verb in [
        &["plan", "mini"][..],
        &["run", "mini", "--dry-run"],
        &["sif", "events", "mini", "--dry-run"],
    ] {
        let text = nowhere(verb).stdout;
        for said in [
            "Object                   In scope  Ready  Rejected  Left out",
            "StudentPersonal                 3      2         1         0",
            "Total                           9      8         1         0",
            "  LibAgent  StudentSchoolEnrollment",
            "missing_required",
            "8 objects are ready for who asks, 0 events are due, 4 of the expected requests were never \
             made",
        ] {
            assert!(text.contains(said), "{verb:?}: {said}\n{text}");
        }
    }
    assert!(!heard(&sif));
    let zone = plan(&sif, &[]);
    assert_eq!(line(&zone, "scope", "StudentPersonal")["rejected"], 1);
    assert_eq!(zone["not_requested"].as_array().map(Vec::len), Some(4));
    assert_eq!(zone["events"].as_array().map(Vec::len), Some(0));
}

/// After a sync: exactly the events that the next run sends, for each agent.
#[test]
fn a_plan_counts_the_events_that_are_sent_next() {
    let sif = Sif::new(10);
    sif.sync(0);
    let moved = student(3).replace("First3", "Another");
    let rows = (1..=10).filter(|n| ![3, 7, 8].contains(n)).map(student);
    sif.rows(rows.chain([moved, student(11)]));
    let before = sif.zone().stats();
    let text = sif
        .fullsync(&["sif", "events", "mini", "--dry-run"])
        .expect(0)
        .stdout;
    assert!(text.contains("Events that are due"), "{text}");
    assert!(!text.contains("never requested"), "{text}");
    let zone = plan(&sif, &[]);
    let due = line(&zone, "events", "StudentPersonal");
    assert_eq!(due["agents"], serde_json::json!([LIBRARY]));
    let counts = ["add", "change", "delete"].map(|name| due[name].as_u64());
    assert_eq!(counts, [Some(1), Some(1), Some(2)]);
    // One object only, as a run of it would be.
    let schools = plan(&sif, &["SchoolInfo"]);
    assert_eq!(schools["events"].as_array().map(Vec::len), Some(0));
    assert_eq!(sif.zone().stats(), before, "the zone has heard nothing");
    sif.events(0);
    let taken = sif.zone().events().taken;
    for (action, count) in [("Add", 1), ("Change", 1), ("Delete", 2)] {
        let key = ("StudentPersonal".to_owned(), action.to_owned());
        assert_eq!(taken.get(&key), Some(&count), "{action}");
    }
    sif.complete(9);
    let zone = plan(&sif, &[]);
    assert_eq!(zone["events"].as_array().map(Vec::len), Some(0), "{zone:#}");
}

/// Agents that were given their objects at different times are due different events.
#[test]
fn a_plan_tells_agents_apart() {
    let sif = Sif::with(4, |o| {
        if let Some(third) = &mut o.third {
            third.ask = fullsync::sandbox::sif::Ask::Manual;
        }
    });
    sif.change(&format!("{LIBRARY} = [\"*\"]"), "");
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    sif.ask("StudentPersonal", |_| {});
    sif.sync(0);
    // Another agent's point, of the same day.
    let points = sif.path("state/mini/sif/District/handover");
    let other = points.join("Transport");
    std::fs::create_dir_all(&other).expect("a folder");
    for entry in std::fs::read_dir(points.join(LIBRARY)).expect("points") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        match path.extension().is_some_and(|e| e == "json") {
            true => {
                let text = std::fs::read_to_string(&path).expect("a point");
                let text = text.replace(LIBRARY, "Transport");
                std::fs::write(other.join(name), text).expect("a point");
            }
            false => {
                std::fs::copy(&path, other.join(name)).expect("its objects");
            }
        }
    }
    sif.students(1..=5);
    let zone = plan(&sif, &[]);
    let lines = zone["events"].as_array().expect("lines");
    let agents: Vec<&Value> = lines.iter().map(|line| &line["agents"]).collect();
    assert_eq!(
        agents,
        [
            &serde_json::json!([LIBRARY]),
            &serde_json::json!(["Transport"])
        ]
    );
    assert!(lines.iter().all(|line| line["add"] == 1), "{zone:#}");
}
