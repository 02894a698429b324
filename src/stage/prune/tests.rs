//! Which runs stay.

use super::*;
use crate::stage::RunAbout;

fn day(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_324_222 + day * 86_400, 0).unwrap()
}

fn ended(state: &StateDir, at: i64, how: RunState) -> RunId {
    let run = state.create(RunAbout::default(), day(at)).unwrap();
    run.finish(how, day(at)).unwrap();
    RunId::parse(&run.id()).unwrap()
}

const RULES: PruneRules = PruneRules {
    runs: 2,
    failed_days: 30,
};

#[test]
fn the_newest_finished_runs_and_young_failures_stay() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(dir.path(), "edfi");
    let old_done = ended(&state, 1, RunState::Done);
    let old_failed = ended(&state, 2, RunState::Failed);
    let journal_alive = ended(&state, 3, RunState::Done);
    let old_interrupted = ended(&state, 4, RunState::Interrupted);
    let failed = ended(&state, 10, RunState::Failed);
    let with_errors = ended(&state, 11, RunState::DoneWithErrors);
    let done = ended(&state, 12, RunState::Done);
    let working = state.create(RunAbout::default(), day(0)).unwrap();
    let killed = state.create(RunAbout::default(), day(5)).unwrap();
    let killed_id = RunId::parse(&killed.id()).unwrap();
    drop(killed);
    let newest = ended(&state, 13, RunState::Failed);
    std::fs::create_dir(state.runs().join("notes-of-mine")).unwrap();
    std::fs::create_dir(state.runs().join(".deleting-2026-01-01T000000Z-0000")).unwrap();

    let gone = prune(&state, RULES, day(36), &|id| *id == journal_alive).unwrap();
    assert_eq!(gone, [old_done, old_failed, old_interrupted, killed_id]);
    let mut stay = vec![
        RunId::parse(&working.id()).unwrap(),
        journal_alive,
        failed.clone(),
        with_errors,
        done,
        newest.clone(),
    ];
    stay.sort();
    assert_eq!(state.ids().unwrap(), stay);
    let mut names: Vec<_> = std::fs::read_dir(state.runs())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| RunId::parse(n).is_none())
        .collect();
    names.sort();
    assert_eq!(names, ["latest", "notes-of-mine"]);

    // The latest stays however old it is.
    let gone = prune(&state, RULES, day(400), &|_| false).unwrap();
    assert!(gone.contains(&failed) && !gone.contains(&newest));
    assert_eq!(state.latest(), Some(newest));
}

#[test]
fn a_folder_without_a_manifest_counts_as_failed() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(dir.path(), "edfi");
    let torn = RunId::new(day(0));
    files::create_dir(&state.runs().join(torn.as_str())).unwrap();
    assert_eq!(prune(&state, RULES, day(29), &|_| false).unwrap(), []);
    assert_eq!(prune(&state, RULES, day(31), &|_| false).unwrap(), [torn]);
}

#[test]
fn without_a_folder_there_is_nothing_to_prune() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(dir.path(), "none");
    assert_eq!(prune(&state, RULES, day(0), &|_| false).unwrap(), []);
}

#[test]
fn runs_of_one_moment_go_in_the_order_they_started() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(dir.path(), "edfi");
    let runs: Vec<RunId> = (0..5).map(|_| ended(&state, 1, RunState::Done)).collect();
    assert_eq!(state.ids().unwrap(), runs);
    assert_eq!(state.latest().as_ref(), runs.last());
    let gone = prune(&state, RULES, day(2), &|_| false).unwrap();
    assert_eq!(gone, runs[..3]);
    delete_run(&state, &runs[4]).unwrap();
    assert_eq!(state.latest().as_ref(), Some(&runs[3]));
}
