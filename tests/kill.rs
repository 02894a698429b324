//! `kill -9` at many points of a load against a target with faults: nothing is lost, nothing is
//! counted wrongly.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{District, Target};

const STUDENTS: usize = 1500;
const FAULTS: [&str; 4] = [
    "503:every=23,times=1",
    "reset:every=31,times=1",
    "reset-after-commit:every=37,times=1",
    "409:resource=studentSchoolAssociations,every=41,times=1",
];

/// Kills runs at random moments until one comes to its end.
fn until_done(district: &District, target: &Target, seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    for kills in 0..200 {
        let mut run = district.start(&target.url(), &["run", "mini", "--quiet"]);
        // On a busy machine a run takes longer than on others: with each kill there is more time.
        let wait = Duration::from_millis(random.u64(100..2500 + 100 * kills as u64));
        let began = std::time::Instant::now();
        let status = loop {
            if let Some(status) = run.try_wait().expect("a status") {
                break Some(status);
            }
            if began.elapsed() >= wait {
                run.kill().expect("it can be killed");
                run.wait().expect("it ends");
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(status) = status {
            assert_eq!(status.code(), Some(0));
            return kills;
        }
    }
    panic!("no run came to its end");
}

#[test]
fn killed_runs_lose_nothing_and_repeat_nothing_acknowledged_long_before() {
    let district = District::new(STUDENTS);
    let target = Target::new(&FAULTS);
    let kills = until_done(&district, &target, 7);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(
            target.count(resource),
            STUDENTS as u64,
            "{resource} after {kills} kills"
        );
    }
    let held: BTreeSet<String> = target
        .bodies("students")
        .iter()
        .filter_map(|body| body["studentUniqueId"].as_str().map(str::to_owned))
        .collect();
    let wanted: BTreeSet<String> = (1..=STUDENTS).map(|i| format!("U{i:06}")).collect();
    assert_eq!(held, wanted, "every deliverable student once");
    // The run that came to its end accounts for every object.
    for resource in ["students", "studentSchoolAssociations"] {
        let settled: u64 = ["created", "updated", "unchanged"]
            .iter()
            .map(|name| district.count(resource, name))
            .sum();
        assert_eq!(settled, STUDENTS as u64, "{resource}");
        assert_eq!(district.count(resource, "failed"), 0);
    }
    // And what the ledger then knows is all of it.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "unchanged"), STUDENTS as u64);
}

#[test]
fn either_of_two_concurrent_runs_may_be_killed() {
    let district = District::new(STUDENTS);
    let target = Target::new(&FAULTS);
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..4 {
        let mut runs = [
            district.start(
                &target.url(),
                &[
                    "run",
                    "mini",
                    "students",
                    "schools",
                    "--allow-partial",
                    "--wait-lock",
                ],
            ),
            district.start(&target.url(), &["run", "mini", "--wait-lock"]),
        ];
        std::thread::sleep(Duration::from_millis(random.u64(300..2500)));
        runs[round % 2].kill().expect("it can be killed");
        let [one, two] = runs.map(|mut run| run.wait().expect("it ends").code());
        let survivor = if round % 2 == 0 { two } else { one };
        assert_eq!(survivor, Some(0), "round {round}");
    }
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(target.count(resource), STUDENTS as u64, "{resource}");
        assert_eq!(
            district.count(resource, "unchanged"),
            STUDENTS as u64,
            "{resource}"
        );
    }
}
