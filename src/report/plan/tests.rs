use chrono::DateTime;

use super::super::group::{Age, ExampleRef};
use super::super::run::{RunHead, RunState};
use super::super::tally::Tally;
use super::*;
use crate::object::Reason;
use crate::pipeline::FailOn;

fn head(dry_run: bool) -> RunHead {
    let time = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
    RunHead {
        scope: None,
        unmatched: Vec::new(),
        run: "2026-11-22T051022Z-7f3a".to_owned(),
        command: "plan".to_owned(),
        configuration: "edfi".to_owned(),
        target: TargetReport {
            kind: "edfi".to_owned(),
            name: "https://edfi.example.org/".to_owned(),
            fingerprint: Some("edfi-1".to_owned()),
            school_year: Some(2026),
        },
        sandbox: false,
        dry_run,
        started: time("2026-11-22T05:10:22Z"),
        ended: time("2026-11-22T05:11:25Z"),
        state: RunState::Finished,
        fail_on: FailOn::Any,
        order: vec!["schools".to_owned(), "students".to_owned()],
        paths: Default::default(),
        probe: None,
        zone: None,
        notes: vec!["something to know".to_owned()],
    }
}

fn planned() -> (RunReport, ErrorsReport) {
    let mut tally = Tally::default();
    let count = |tally: &mut Tally, outcome, reason: &'static str, n: u64| {
        let students = tally.resource("students");
        students.transformed += n;
        for _ in 0..n {
            let reason = Reason::fixed(reason);
            students.record(outcome, &reason, Age::New, ExampleRef::default());
        }
    };
    count(&mut tally, Outcome::Pending, "would_create", 1_200);
    count(&mut tally, Outcome::Pending, "would_update", 30);
    count(&mut tally, Outcome::Pending, "not_selected", 4);
    count(&mut tally, Outcome::Rejected, "unmapped_code", 2);
    count(&mut tally, Outcome::Skipped, "no_edfi_id", 7);
    count(&mut tally, Outcome::Blocked, "unmapped_code", 1);
    tally.resource("students").transformed += 500;
    tally.resource("students").count(Outcome::Unchanged, 500);
    let schools = tally.resource("schools");
    schools.transformed = 3;
    schools.count(Outcome::Unchanged, 3);
    let head = head(true);
    (
        RunReport::new(head.clone(), &tally),
        ErrorsReport::new(&head, &tally),
    )
}

/// A run that sent 1,000 students in 100 seconds and 10 schools in one.
fn measured() -> RunReport {
    let mut tally = Tally::default();
    for (name, requests, micros) in [("students", 1_000, 100_000_000), ("schools", 10, 1_000_000)] {
        let resource = tally.resource(name);
        resource.transformed = requests;
        resource.count(Outcome::Created, requests);
        resource.traffic.requests = requests;
        resource.traffic.during = Some((0, micros));
    }
    RunReport::new(head(false), &tally)
}

#[test]
fn the_text_of_a_plan() {
    let (report, errors) = planned();
    let mut rates = Rates::default();
    rates.learn(&measured(), "edfi-1");
    rates.learn(&measured(), "another target");
    let plan = PlanReport::new(&report, &rates, 8);
    assert_eq!(plan.rates_of.len(), 1);
    insta::assert_snapshot!(plan.text(&errors, TextOptions::default()));
}

#[test]
fn the_json_of_a_plan_without_earlier_runs() {
    let (report, _) = planned();
    let plan = PlanReport::new(&report, &Rates::default(), 8);
    let json = serde_json::to_string_pretty(&plan).unwrap();
    assert_eq!(serde_json::from_str::<PlanReport>(&json).unwrap(), plan);
    insta::assert_snapshot!(json);
}

#[test]
fn every_object_of_a_plan_has_one_place() {
    let (report, _) = planned();
    let plan = PlanReport::new(&report, &Rates::default(), 8);
    for (r, planned) in report.resources.iter().zip(&plan.resources) {
        let p = planned.planned;
        let sum = p.create + p.update + p.again + p.verify + p.leave + p.reject + p.skip + p.block;
        assert_eq!(sum + p.wait, r.counts.transformed, "{}", r.resource);
    }
}

#[test]
fn a_rate_of_its_own_rests_on_enough_requests() {
    let mut rates = Rates::default();
    rates.learn(&measured(), "edfi-1");
    // Students: 100 ms each. Schools: too few, so as all together (101 s of 1,010 requests).
    assert_eq!(rates.ms("students", 1_230, 8), 123_000);
    assert_eq!(rates.ms("schools", 10, 8), 990);
    assert_eq!(Rates::default().ms("students", 80, 8), 1_000);
    // Batches: as many requests per object as before.
    let mut batched = measured();
    batched.resources[1].traffic.requests = 10;
    let mut rates = Rates::default();
    rates.learn(&batched, "edfi-1");
    assert_eq!(rates.requests("students", 250), 3);
}
