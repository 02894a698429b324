//! Run folders: their life, their lock, their modes, and the `latest` link.

use std::collections::BTreeSet;

use super::*;
use crate::stage::{FileNote, RunState};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_324_222 + seconds, 0).unwrap()
}

fn state(dir: &tempfile::TempDir) -> StateDir {
    StateDir::new(dir.path(), "edfi")
}

#[test]
fn latest_points_to_the_newest_run_and_opens_like_its_id_and_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(&dir);
    assert!(matches!(
        state.open("latest"),
        Err(StageError::NoRun { .. })
    ));
    let first = state.create(RunAbout::default(), at(0)).unwrap();
    assert_eq!(state.latest().unwrap().as_str(), first.id());
    let second = state.create(RunAbout::default(), at(0)).unwrap();
    assert_ne!(first.id(), second.id());
    assert_eq!(state.latest().unwrap().as_str(), second.id());
    assert_eq!(state.ids().unwrap().len(), 2);
    for which in ["latest", &second.id(), &second.path().to_string_lossy()] {
        assert_eq!(state.open(which).unwrap().id(), second.id(), "{which}");
    }
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(state.runs().join("latest")).unwrap(),
        Path::new(&second.id())
    );
    let error = state
        .open("2026-01-01T000000Z-0000")
        .unwrap_err()
        .to_string();
    assert!(error.contains("2026-01-01T000000Z-0000"), "{error}");
}

#[test]
fn a_run_is_running_only_while_its_lock_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(&dir);
    let run = state.create(RunAbout::default(), at(0)).unwrap();
    let reader = state.open("latest").unwrap();
    assert_eq!(
        (run.state(), reader.state()),
        (RunState::Running, RunState::Running)
    );
    assert!(matches!(
        state.reopen("latest"),
        Err(StageError::Running { .. })
    ));
    assert!(matches!(
        reader.finish(RunState::Done, at(1)),
        Err(StageError::ReadOnly { .. })
    ));
    // As a kill leaves it.
    drop(run);
    assert_eq!(reader.state(), RunState::Interrupted);

    let run = state.reopen("latest").unwrap();
    assert_eq!(state.open("latest").unwrap().state(), RunState::Running);
    run.finish(RunState::DoneWithErrors, at(2)).unwrap();
    drop(run);
    let read = state.open("latest").unwrap();
    assert_eq!(read.state(), RunState::DoneWithErrors);
    assert_eq!(read.manifest().ended, Some(at(2)));
    assert_eq!(read.manifest().started, at(0));
    assert_eq!(
        read.manifest().tool,
        concat!("fullsync ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn notes_of_a_resource_replace_earlier_ones() {
    let dir = tempfile::tempdir().unwrap();
    let run = state(&dir).create(RunAbout::default(), at(0)).unwrap();
    let note = |rows| FileNote {
        resource: "students".into(),
        rows,
        ..FileNote::default()
    };
    run.note_objects(note(1)).unwrap();
    run.note_objects(note(2)).unwrap();
    run.note_results(note(3)).unwrap();
    let manifest = RunFolder::open(run.path()).unwrap().manifest();
    assert_eq!(manifest.objects, [note(2)]);
    assert_eq!(manifest.results, [note(3)]);
}

#[test]
fn names_of_resources_stay_in_their_folder() {
    let dir = tempfile::tempdir().unwrap();
    let run = state(&dir).create(RunAbout::default(), at(0)).unwrap();
    assert_eq!(
        run.objects("ed-fi/students"),
        run.path().join("objects/ed-fi.students.parquet")
    );
    assert_eq!(
        run.stage("../../x").parent(),
        Some(run.path().join("stage").as_path())
    );
}

#[cfg(unix)]
#[test]
fn everything_is_the_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let run = state(&dir).create(RunAbout::default(), at(0)).unwrap();
    let used = dir.path().join("used.sql");
    fs::write(&used, "SELECT 1").unwrap();
    run.keep(&[used]).unwrap();
    let mut modes = BTreeSet::new();
    let mut folders = vec![dir.path().join("edfi")];
    while let Some(folder) = folders.pop() {
        modes.insert((
            true,
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        ));
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                modes.insert((
                    false,
                    entry.metadata().unwrap().permissions().mode() & 0o777,
                ));
            }
        }
    }
    assert_eq!(
        modes.into_iter().collect::<Vec<_>>(),
        [(false, 0o600), (true, 0o700)]
    );
}

#[test]
fn a_damaged_manifest_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let run = state(&dir).create(RunAbout::default(), at(0)).unwrap();
    fs::write(run.manifest_file(), "{").unwrap();
    let error = RunFolder::open(run.path()).unwrap_err().to_string();
    assert!(error.contains("manifest.json"), "{error}");
}
