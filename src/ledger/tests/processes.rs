//! Two processes append and compact at the same time and are killed with SIGKILL at random points;
//! nothing that was flushed is lost.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::{Columns, Ledger, RowView};
use super::{RESOURCE, delivered, entry};

const FOLDER: &str = "FULLSYNC_TEST_LEDGER";
const NAME: &str = "FULLSYNC_TEST_LEDGER_RUN";

/// What a child does: deliver, flush, say so; close and compact now and then. Not a test of its
/// own, only a way into this binary.
#[test]
#[ignore = "the other process of the test below"]
fn child() {
    let (Ok(folder), Ok(name)) = (std::env::var(FOLDER), std::env::var(NAME)) else {
        return;
    };
    let ledger = Ledger::open(folder.as_ref()).unwrap();
    let mut out = std::io::stdout().lock();
    let mut n = 0u32;
    for run in 0u32.. {
        let mut journal = ledger.journal(&format!("{name}-{run}"), n.into()).unwrap();
        for _ in 0..fastrand::u32(1..8) {
            let first = n;
            for _ in 0..fastrand::u32(1..40) {
                n += 1;
                let key = format!("{name}={n}");
                journal
                    .append([entry(RESOURCE, &key, delivered(n.into()), n.into())])
                    .unwrap();
            }
            journal.flush().unwrap();
            for acknowledged in first + 1..=n {
                writeln!(out, "acknowledged {name}={acknowledged} {acknowledged}").unwrap();
            }
            out.flush().unwrap();
        }
        if fastrand::bool() {
            journal.close().unwrap();
        }
        ledger.compact(n.into()).unwrap();
    }
}

type Acknowledged = Arc<Mutex<BTreeMap<String, u128>>>;

/// Starts a child and notes what it says was flushed.
fn start(folder: &std::path::Path, name: &str, seen: &Acknowledged) -> (Child, JoinHandle<()>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "ledger::tests::processes::child",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let seen = Arc::clone(seen);
    let reader = std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if let Some(told) = line.strip_prefix("acknowledged ")
                && let Some((key, content)) = told.split_once(' ')
                && key.rsplit('=').next() == Some(content)
            {
                seen.lock()
                    .unwrap()
                    .insert(key.to_owned(), content.parse().unwrap());
            }
        }
    });
    (child, reader)
}

/// All acknowledged keys are in the ledger with their content.
fn check(ledger: &Ledger, wanted: &BTreeMap<String, u128>) {
    let mut found = BTreeMap::new();
    for batch in ledger
        .snapshot(RESOURCE)
        .unwrap()
        .rows(Columns::Wide)
        .unwrap()
    {
        let batch = batch.unwrap();
        for row in RowView::new(&batch).unwrap().iter() {
            found.insert(row.key.to_owned(), row.content_hash.unwrap().0);
        }
    }
    for (key, content) in wanted {
        assert_eq!(found.get(key), Some(content), "{key}");
    }
}

#[test]
fn two_processes_killed_at_any_point_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let seen = Acknowledged::default();
    for round in 0..6 {
        let mut children = Vec::new();
        for side in ["left", "right"] {
            children.push(start(dir.path(), &format!("{side}{round}"), &seen));
        }
        for (mut child, reader) in children {
            std::thread::sleep(Duration::from_millis(fastrand::u64(60..220)));
            // A reader beside the running processes sees all that was told before.
            let told = seen.lock().unwrap().clone();
            check(&ledger, &told);
            child.kill().unwrap();
            child.wait().unwrap();
            reader.join().unwrap();
        }
        check(&ledger, &seen.lock().unwrap());
    }
    let told = seen.lock().unwrap().clone();
    assert!(
        told.len() > 100,
        "the processes got to work: {}",
        told.len()
    );
    assert_eq!(ledger.compact(1).unwrap().alive, 0);
    check(&ledger, &told);
}
