//! The seed's sentences, Z1 to Z11.

use super::*;

fn said(ran: &Ran) -> String {
    format!("{}\n{}", ran.stdout, ran.stderr)
}

/// "Only an advanced technical user": no wizard, but every verb explains itself, and a setup that lacks
/// something says what, before anything is sent.
#[test]
fn z1_a_setup_that_lacks_something_says_what_to_do() {
    let sif = Sif::new(2);
    sif.change("district_guid = ", "# district_guid = ");
    let ran = sif.fullsync(&["sif", "sync", "mini"]).expect(2);
    assert!(said(&ran).contains("district_guid"), "{}", said(&ran));
    assert!(
        !sif.zone().agents().iter().any(|a| a == AGENT),
        "nothing was sent"
    );
    for verb in [
        "check",
        "register",
        "sync",
        "serve",
        "events",
        "messages",
        "sleep",
        "wakeup",
        "unregister",
    ] {
        let help = sif.fullsync(&["sif", verb, "--help"]).expect(0);
        assert!(help.stdout.len() > 200, "{verb}: {}", help.stdout);
    }
}

/// "applies to both methods of configuration (Horizontal and Vertical)".
#[test]
fn z2_horizontal_and_vertical_zones() {
    for kind in ["horizontal", "vertical"] {
        let sif = Sif::new(2);
        sif.pipeline(&format!("zone_kind = \"{kind}\""));
        sif.sync(0);
        sif.complete(2);
    }
    let sif = Sif::new(2);
    sif.pipeline("zone_kind = \"diagonal\"");
    let ran = sif.fullsync(&["sif", "sync", "mini"]).expect(2);
    assert!(said(&ran).contains("horizontal"), "{}", said(&ran));
}

/// The ordered setup steps: the check stops at the first that is missing, and names it.
#[test]
fn z3_the_check_goes_through_the_seven_steps_in_order() {
    const TITLES: [&str; 7] = [
        "School SIF codes",
        "SIF grade levels",
        "SIF zone",
        "SIF agent",
        "SIF data access rights",
        "Agent registration",
        "Data sync",
    ];
    /// Steps before `missing` are in order, it is missing, and nothing is said of those behind it.
    #[track_caller]
    fn stops_at(sif: &Sif, missing: usize) -> String {
        let text = said(
            &sif.fullsync(&["sif", "check", "mini"])
                .expect(u8::from(missing < 8).into()),
        );
        for (number, title) in (1..).zip(TITLES) {
            let line = text
                .lines()
                .find(|l| l.starts_with(&format!("{number}. {title}: ")));
            let state = line.map(|l| l.contains(": ok: "));
            let wanted = match number.cmp(&missing) {
                std::cmp::Ordering::Less => Some(true),
                std::cmp::Ordering::Equal => Some(false),
                std::cmp::Ordering::Greater => None,
            };
            assert_eq!(state, wanted, "step {number}: {text}");
        }
        text
    }
    let sif = Sif::new(2);
    stops_at(&sif, 6);
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    stops_at(&sif, 7);
    sif.sync(0);
    stops_at(&sif, 8);
    sif.change("zone = \"District\"", "zone = \"Elsewhere\"");
    stops_at(&sif, 3);
    let sif = Sif::with(2, |o| {
        o.acl
            .deny(&format!("{AGENT}:provide:SchoolInfo"))
            .expect("a denial");
    });
    sif.fullsync(&["sif", "register", "mini"]);
    let text = stops_at(&sif, 5);
    assert!(
        text.contains("SchoolInfo") && text.contains("to do"),
        "{text}"
    );
    // A school that lacks what it is known by.
    sif.write(
        "sis/School.csv",
        "schoolID,districtID,name\n11,1,\n12,1,Grand Middle\n",
    );
    let text = stops_at(&sif, 1);
    assert!(text.contains("1 of 2 schools"), "{text}");
}

/// "After the non-Campus agent is registered": who is not registered gets nothing.
#[test]
fn z4_an_agent_that_is_not_registered_gets_nothing() {
    let sif = Sif::with(2, |o| {
        o.acl.agents = Some([AGENT.to_owned()].into());
    });
    let ran = sif.sync(3);
    assert!(said(&ran).contains("not_requested"), "{}", said(&ran));
    assert_eq!(sif.zone().stats().messages.get("SIF_Response"), None);
    assert_eq!(sif.zone().agents(), [AGENT]);
}

/// "should request data by sending a SIF_Query ... initiated from the non-Campus application": we answer
/// what is asked, and nothing that is not.
#[test]
fn z5_only_what_is_requested_is_answered() {
    let sif = Sif::with(4, |o| {
        if let Some(third) = &mut o.third {
            third.objects = vec!["SchoolInfo".to_owned()];
        }
    });
    sif.change(
        &format!("{LIBRARY} = [\"*\"]"),
        &format!("{LIBRARY} = [\"SchoolInfo\"]"),
    );
    sif.sync(0);
    let counts = sif.zone().counts();
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("SchoolInfo".to_owned(), 2)]
    );
}

/// "may occur automatically, or ... a manual process": by itself with the provision, and by hand later.
#[test]
fn z6_requested_automatically_or_by_hand() {
    let sif = Sif::new(3);
    sif.sync(0);
    sif.complete(3);
    let automatic = sif.zone().answers().len();
    let id = sif.ask("SchoolInfo", |_| {});
    sif.sync(0);
    let answers = sif.zone().answers();
    assert_eq!(answers.len(), automatic + 1);
    assert!(
        answers.iter().any(|a| a.request == id && a.complete),
        "{answers:#?}"
    );
}

/// "a complete set of the requested data": objects in scope = delivered + rejected + undelivered.
#[test]
fn z7_the_set_is_complete_and_what_is_not_in_it_is_told() {
    let sif = Sif::new(0);
    // A student without a number has no LocalId, which the data model wants.
    let without = student(2).replace("N000002", "");
    sif.rows([student(1), without, student(3)]);
    sif.change("[load]", "[report]\nfail_on = \"any\"\n\n[load]");
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert_eq!(ran.code, Some(1), "{}", said(&ran));
    assert_eq!(sif.zone().held("StudentPersonal").len(), 2);
    assert_eq!(sif.tally("StudentPersonal", "rejected"), 1);
    assert_eq!(sif.tally("StudentPersonal", "transformed"), 3);
    let answers = sif.zone().answers();
    answers.iter().for_each(fine);
}

/// "may involve thousands of messages": many packets, each small, in order, counted.
#[test]
fn z8_many_messages_are_counted() {
    let sif = Sif::with(400, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    let ran = sif.sync(0);
    sif.complete(400);
    let packets = sif.zone().stats().messages["SIF_Response"];
    assert!(packets > 50, "{packets}");
    assert!(
        said(&ran).contains(&packets.to_string()),
        "{packets} packets: {}",
        said(&ran)
    );
}

/// "and may slow server time": a district says how many messages a second the zone is asked to take.
#[test]
fn z8_a_slow_server_is_spared() {
    let sif = Sif::with(60, |o| {
        if let Some(third) = &mut o.third {
            third.max_buffer = 4096;
        }
    });
    sif.change("[load]", "[load]\nmax_requests_per_second = 100");
    sif.sync(0);
    sif.complete(60);
    let list = sif.fullsync(&["sif", "messages", "list", "mini", "--json"]);
    let sent = list.stdout.lines().filter_map(|line| {
        let note: Value = serde_json::from_str(line).expect("a message");
        let at = note["at"].as_str().expect("a time").to_owned();
        (note["sent"] == true).then(|| chrono::DateTime::parse_from_rfc3339(&at).expect("a time"))
    });
    let sent: Vec<_> = sent.collect();
    assert!(sent.len() > 20, "{}", list.stdout);
    let took = *sent.last().expect("messages") - sent[0];
    let least = 10 * (sent.len() as i64 - 3);
    assert!(
        took.num_milliseconds() >= least,
        "{} messages in {took}",
        sent.len()
    );
}

/// "From this point forward, event-triggered changes ... will update the third-party".
#[test]
fn z9_events_follow_the_sync() {
    let sif = Sif::new(4);
    sif.sync(0);
    sif.students(2..=5);
    sif.events(0);
    sif.complete(4);
    assert_eq!(sif.zone().events().problems, [""; 0]);
    let adds = ("StudentPersonal".to_owned(), "Add".to_owned());
    assert_eq!(sif.zone().events().taken.get(&adds), Some(&1));
}

/// "SIF Setup complete": that is recorded, and shown.
#[test]
fn z10_the_state_of_the_sync_is_recorded() {
    let sif = Sif::new(3);
    sif.sync(0);
    let ran = sif.fullsync(&["status", "mini"]).expect(0);
    for object in OBJECTS {
        assert!(ran.stdout.contains(object), "{}", ran.stdout);
    }
    let list = sif.fullsync(&["sif", "messages", "list", "mini"]).expect(0);
    assert!(list.stdout.contains("SIF_Response"), "{}", list.stdout);
    assert!(list.stdout.contains("SIF_Request"), "{}", list.stdout);
}

/// DIS and SIF share one plumbing: one staging, one report, one history for both targets.
#[test]
fn z11_one_history_and_one_report_for_all_targets() {
    let sif = Sif::new(3);
    sif.fullsync(&["run", "mini"]).expect(0);
    sif.complete(3);
    let list = sif.fullsync(&["history", "list", "mini"]).expect(0);
    assert!(list.stdout.lines().count() > 1, "{}", list.stdout);
    let run = sif.path("state/mini/runs/latest");
    for file in [
        "manifest.json",
        "tallies.json",
        "results/StudentPersonal.parquet",
    ] {
        assert!(run.join(file).exists(), "{file}");
    }
}
