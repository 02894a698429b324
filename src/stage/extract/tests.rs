//! A small source, staged.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use chrono::DateTime;

use super::*;
use crate::source::{Column, ColumnType, Format};
use crate::stage::{RunAbout, StateDir};

fn table(name: &str, columns: &[(&str, ColumnType)]) -> TableSchema {
    TableSchema {
        name: name.to_owned(),
        about: String::new(),
        key: vec![columns[0].0.to_owned()],
        columns: columns
            .iter()
            .map(|(name, kind)| Column {
                name: (*name).to_owned(),
                kind: *kind,
                optional: false,
            })
            .collect(),
    }
}

fn schema() -> SisSchema {
    SisSchema {
        tables: vec![
            table(
                "School",
                &[("schoolID", ColumnType::Int), ("name", ColumnType::Text)],
            ),
            table(
                "Term",
                &[("termID", ColumnType::Int), ("startDate", ColumnType::Date)],
            ),
            table("Unused", &[("x", ColumnType::Int)]),
        ],
    }
}

struct Setup {
    dir: tempfile::TempDir,
    source: Box<dyn Source>,
    run: RunFolder,
}

fn setup() -> Setup {
    let dir = tempfile::tempdir().unwrap();
    let sis = dir.path().join("sis");
    std::fs::create_dir(&sis).unwrap();
    let file = |name: &str, text: &str| std::fs::write(sis.join(name), text).unwrap();
    file(
        "School.csv",
        "schoolID,name\n1,A\n2,\"B, \"\"x\"\"\"\nthree,\"C, \"\"y\"\"\"\n1,again\n",
    );
    file("term.csv", "termID,startDate\n1,2024-08-15\n2,15.8.2024\n");
    let source = source::open(&sis, Format::Csv).unwrap();
    let now = DateTime::from_timestamp(1_795_324_222, 0).unwrap();
    let run = StateDir::new(dir.path(), "edfi")
        .create(RunAbout::default(), now)
        .unwrap();
    Setup { dir, source, run }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn listing(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn tables_rejects_and_notes_are_in_the_run_folder() {
    let Setup {
        dir: _dir,
        source,
        run,
    } = setup();
    let done = AtomicU64::new(0);
    let progress = |p: Extracting<'_>| {
        done.fetch_add(
            u64::from(p.done) * (p.staged + 100 * p.unreadable),
            Ordering::Relaxed,
        );
        ControlFlow::Continue(())
    };
    let notes = extract(
        source.as_ref(),
        &schema(),
        &names(&["Term", "School"]),
        &run,
        &progress,
    )
    .unwrap();
    let counts: Vec<_> = notes
        .iter()
        .map(|n| {
            (
                n.name.as_str(),
                n.read,
                n.staged,
                n.unreadable,
                n.reasons.clone(),
            )
        })
        .collect();
    let reasons = |pairs: &[(&str, u64)]| {
        pairs
            .iter()
            .map(|(r, n)| ((*r).to_owned(), *n))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(
        counts,
        [
            (
                "School",
                4,
                2,
                2,
                reasons(&[("bad_number", 1), ("duplicate_key", 1)])
            ),
            ("Term", 2, 1, 1, reasons(&[("bad_date", 1)])),
        ]
    );
    assert_eq!(done.into_inner(), 2 + 200 + 1 + 100);
    assert_eq!(
        std::fs::read_to_string(run.rejects()).unwrap(),
        "table,file,line,column,reason,value,key\n\
         School,School.csv,4,schoolID,bad_number,three,schoolID=three\n\
         School,School.csv,5,schoolID,duplicate_key,1,schoolID=1\n\
         Term,term.csv,3,startDate,bad_date,15.8.2024,termID=2\n"
    );
    assert_eq!(
        listing(run.path()),
        ["manifest.json", "rejects.csv", "run.lock", "stage"]
    );
    assert_eq!(
        listing(&run.path().join("stage")),
        ["School.parquet", "Term.parquet"]
    );

    let read = RunFolder::open(run.path()).unwrap();
    assert_eq!(read.manifest().tables, notes);
    let staged = read.staged_tables().unwrap();
    assert_eq!(staged[1], (String::from("Term"), run.stage("Term")));
    assert_eq!(
        super::super::fingerprint(&staged[1].1).unwrap(),
        notes[1].fingerprint
    );
    assert_eq!(notes[0].columns[2].name, "_source_row");
}

#[test]
fn a_staged_file_that_is_missing_or_torn_is_told() {
    let Setup {
        dir: _dir,
        source,
        run,
    } = setup();
    extract(
        source.as_ref(),
        &schema(),
        &names(&["School", "Term"]),
        &run,
        &|_| ControlFlow::Continue(()),
    )
    .unwrap();
    let bytes = std::fs::read(run.stage("Term")).unwrap();
    std::fs::write(run.stage("Term"), &bytes[..bytes.len() - 1]).unwrap();
    // As a kill leaves it: not looked at.
    std::fs::rename(
        run.stage("School"),
        crate::files::partial(&run.stage("School")),
    )
    .unwrap();
    let error = run.staged_tables().unwrap_err().to_string();
    assert!(error.contains("School.parquet is missing"), "{error}");
    assert!(error.contains("Term.parquet has another size"), "{error}");
}

#[test]
fn nothing_is_read_while_something_is_missing() {
    let Setup {
        dir: _dir,
        source,
        run,
    } = setup();
    let go = |_: Extracting<'_>| ControlFlow::Continue(());
    let error = extract(source.as_ref(), &schema(), &[], &run, &go)
        .unwrap_err()
        .to_string();
    assert!(error.contains("table Unused is missing"), "{error}");
    let error = extract(
        source.as_ref(),
        &schema(),
        &names(&["X", "Y", "Term"]),
        &run,
        &go,
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("does not declare X, Y")
    );
    assert_eq!(listing(run.path()), ["manifest.json", "run.lock"]);
    assert!(run.staged_tables().is_err());
}

#[test]
fn a_break_stops_all_tables_and_stages_none_by_half() {
    let Setup { dir, source, run } = setup();
    let error = extract(
        source.as_ref(),
        &schema(),
        &names(&["School", "Term"]),
        &run,
        &|_| ControlFlow::Break(()),
    )
    .unwrap_err();
    assert!(matches!(error, StageError::Interrupted), "{error:?}");
    assert!(run.manifest().tables.is_empty());
    let left: Vec<PathBuf> = std::fs::read_dir(run.path().join("stage"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    drop(dir);
}

#[test]
fn a_full_disk_is_told_as_what_it_is() {
    let Setup {
        dir: _dir,
        source,
        run,
    } = setup();
    // A file where the folder should be: as unwritable as it gets for the superuser too.
    std::fs::write(run.path().join("stage"), "").unwrap();
    let error = extract(
        source.as_ref(),
        &schema(),
        &names(&["School", "Term"]),
        &run,
        &|_| ControlFlow::Continue(()),
    )
    .unwrap_err();
    assert!(matches!(error, StageError::Io(_)), "{error:?}");
}
