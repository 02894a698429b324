//! Rate, window, background runs: the target and its other users come first.

use std::time::{Duration, Instant};

use crate::support::{District, Target};

/// A window in UTC that opened a minute ago and closes in so many seconds.
fn closing_in(seconds: i64) -> String {
    let now = chrono::Utc::now();
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%H:%M:%S").to_string();
    let opened = time(now - chrono::TimeDelta::seconds(60));
    format!(
        "{opened}-{}",
        time(now + chrono::TimeDelta::seconds(seconds))
    )
}

/// One that opens in so many seconds, for an hour.
fn opening_in(seconds: i64) -> String {
    let opens = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
    let closes = opens + chrono::TimeDelta::hours(1);
    format!("{}-{}", opens.format("%H:%M:%S"), closes.format("%H:%M:%S"))
}

fn with_window(district: &District, window: &str) {
    district.pipeline(&format!("window = \"{window}\"\ntime_zone = \"UTC\""));
}

#[test]
fn item_11_requests_per_second_are_kept_repeats_included() {
    let (district, target) = (District::new(25), Target::new(&["503:every=5"]));
    let began = Instant::now();
    let args = ["run", "mini", "--max-requests-per-second", "40"];
    district.fullsync(&target.url(), &args).expect(0);
    // 1 school, 25 students, 25 enrollments, and the repeats of a fifth of them.
    let requests = district.tallies()["traffic"]["requests"].as_u64().unwrap();
    assert!(requests > 51, "{requests}");
    let least = Duration::from_secs_f64((requests - 1) as f64 / 40.0);
    assert!(
        began.elapsed() >= least,
        "{:?} for {requests}",
        began.elapsed()
    );
    // The pipeline's own word, and a wrong one.
    district.pipeline("max_requests_per_second = 0");
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    assert!(ran.stderr.contains("a number above 0"), "{}", ran.stderr);
}

#[test]
fn item_11_concurrency_is_capped() {
    let (district, target) = (District::new(80), Target::new(&["slow:ms=10,always"]));
    let began = Instant::now();
    let args = ["run", "mini", "--concurrency", "2"];
    district.fullsync(&target.url(), &args).expect(0);
    assert!(began.elapsed() >= Duration::from_millis(161 * 10 / 2));
    assert!(target.stats().max_in_flight <= 3, "{:?}", target.stats());
}

#[test]
fn e14_outside_of_the_window_an_unattended_run_does_nothing() {
    let (district, target) = (District::new(3), Target::new(&[]));
    with_window(&district, &opening_in(3600));
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(3);
    assert!(
        ran.stdout.contains("outside of the window"),
        "{}",
        ran.stdout
    );
    assert_eq!(target.count("students"), 0);
    // Looking is no load.
    district
        .fullsync(&target.url(), &["plan", "mini"])
        .expect(0);
    district
        .fullsync(&target.url(), &["run", "mini", "--window", "any"])
        .expect(0);
    assert_eq!(target.count("students"), 3);
}

#[test]
fn e14_a_run_may_wait_for_the_window() {
    let (district, target) = (District::new(3), Target::new(&[]));
    with_window(&district, &opening_in(2));
    let began = Instant::now();
    district
        .fullsync(&target.url(), &["run", "mini", "--wait-window"])
        .expect(0);
    assert!(began.elapsed() >= Duration::from_millis(900));
    assert_eq!(target.count("students"), 3);
}

#[test]
fn item_11_at_the_windows_end_a_run_stops_with_everything_accounted_for() {
    let target = Target::new(&["slow:ms=15,always"]);
    // On a busy machine the window may close before the load has begun.
    let district = [3, 6, 12, 24].into_iter().find_map(|seconds| {
        let district = District::new(800);
        district.pipeline(&format!(
            "concurrency_max = 4\nwindow = \"{}\"\ntime_zone = \"UTC\"",
            closing_in(seconds)
        ));
        district.fullsync(&target.url(), &["run", "mini"]).expect(3);
        (target.count("students") > 0).then_some(district)
    });
    let district = district.expect("a run that got as far as the load");
    let tallies = district.tallies();
    assert_eq!(tallies["state"], "interrupted");
    assert_eq!(tallies["mismatches"].as_array().map(Vec::len), Some(0));
    let warning = tallies["warnings"][0].as_str().unwrap();
    assert!(warning.contains("closed at"), "{warning}");
    let sent = district.count("students", "created");
    assert_eq!(sent, target.count("students"));
    assert_eq!(sent + district.count("students", "pending"), 800);
    // Its locks are free: the next run carries on at once.
    target.faults(&[]);
    district
        .fullsync(&target.url(), &["run", "mini", "--window", "any"])
        .expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), 800);
}

#[cfg(unix)]
#[test]
fn item_11_a_detached_run_goes_on_and_is_waited_for() {
    let (district, target) = (District::new(120), Target::new(&["slow:ms=20,always"]));
    district.pipeline("concurrency_max = 4");
    let began = Instant::now();
    let ran = district
        .fullsync(&target.url(), &["run", "mini", "--detach", "--quiet"])
        .expect(0);
    let id = ran.stdout.trim().to_owned();
    assert!(
        target.count("studentSchoolAssociations") < 120,
        "it returned at once"
    );
    let ran = district.fullsync(&target.url(), &["wait", "mini", &id, "--timeout", "0"]);
    assert_eq!(ran.code, Some(124), "{}{}", ran.stdout, ran.stderr);
    district
        .fullsync(&target.url(), &["wait", "mini", &id])
        .expect(0);
    assert!(began.elapsed() >= Duration::from_millis(500));
    assert_eq!(target.count("studentSchoolAssociations"), 120);
    assert_eq!(
        district.tallies()["run"],
        id.as_str(),
        "the id was known before"
    );
    let output = std::fs::read_to_string(district.latest().join("output.txt")).unwrap();
    assert!(output.contains("exit 0: accepted"), "{output}");
    // Of any run that is over, by name or as the latest.
    district
        .fullsync(&target.url(), &["wait", "mini"])
        .expect(0);
    district
        .fullsync(&target.url(), &["wait", "mini", "2020-01-01T000000Z-0000"])
        .expect(2);
}

#[cfg(unix)]
#[test]
fn item_11_a_detached_run_survives_a_log_out_and_its_death_is_noticed() {
    let (district, target) = (District::new(500), Target::new(&["slow:ms=50,always"]));
    district.pipeline("concurrency_max = 2");
    let ran = district
        .fullsync(&target.url(), &["run", "mini", "--detach"])
        .expect(0);
    let id = ran.stdout.trim().to_owned();
    while target.count("students") == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = background(&id);
    // pid (comm) state ppid pgrp session
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!(
        fields[2], pid,
        "signals of the terminal go to another group"
    );
    signal("HUP", &pid);
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "a log-out ends nothing"
    );
    signal("KILL", &pid);
    district
        .fullsync(&target.url(), &["wait", "mini", &id])
        .expect(3);
    // The next run carries on.
    target.faults(&[]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), 500);
}

#[cfg(unix)]
#[test]
fn d5_a_failed_start_in_the_background_is_waited_for_too() {
    let (district, target) = (District::new(3), Target::new(&[]));
    // A mistake of the pipeline is told in the foreground.
    district
        .fullsync("", &["run", "mini", "--detach"])
        .expect(2);
    std::fs::remove_file(district.path("sis/School.csv")).unwrap();
    let ran = district
        .fullsync(&target.url(), &["run", "mini", "--detach"])
        .expect(0);
    district
        .fullsync(&target.url(), &["wait", "mini", ran.stdout.trim()])
        .expect(2);
}

#[cfg(unix)]
fn signal(name: &str, pid: &str) {
    let name = format!("-{name}");
    let done = std::process::Command::new("kill")
        .args([&name, pid])
        .status();
    assert!(done.unwrap().success());
}

/// The process that was told this run's id.
#[cfg(unix)]
fn background(id: &str) -> String {
    let wanted = format!("FULLSYNC_DETACHED={id}");
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|e| e.file_name().into_string().unwrap_or_default())
        .find(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment)
                .split('\0')
                .any(|v| v == wanted)
        })
        .expect("a background process")
}
