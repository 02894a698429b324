//! The sample district, as the README runs it: the tallies are those that the generator expects,
//! the target holds exactly what the tallies say, and a second run sends nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::json;

fn fullsync(folder: &Path, args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_fullsync"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

/// A copy of what a fresh clone has: pipelines, SQL, sample data.
fn clone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["pipelines", "sql", "sample-data"] {
        copy(&root.join(part), &folder.path().join(part));
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a listing") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copy");
        }
    }
}

fn counts(of: &Value) -> BTreeMap<String, u64> {
    let Some(map) = of.as_object() else {
        return BTreeMap::new();
    };
    map.iter()
        .map(|(reason, n)| (reason.clone(), n.as_u64().unwrap_or(0)))
        .collect()
}

/// Reason -> count of one outcome in `tallies.json`.
fn reasons(resource: &Value, outcome: &str) -> BTreeMap<String, u64> {
    let Some(map) = resource["reasons"][outcome].as_object() else {
        return BTreeMap::new();
    };
    map.iter()
        .map(|(reason, c)| (reason.clone(), c["count"].as_u64().unwrap_or(0)))
        .collect()
}

#[test]
fn the_sample_comes_to_what_its_generator_expects() {
    let clone = clone();
    let first = fullsync(clone.path(), &["run", "edfi"]);
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    let errors = String::from_utf8_lossy(&first.stderr).into_owned();
    assert_eq!(first.status.code(), Some(0), "{text}\n{errors}");
    assert!(
        text.lines().next().is_some_and(|l| l.contains("SANDBOX")),
        "{text}"
    );
    assert!(
        text.trim_end()
            .lines()
            .last()
            .is_some_and(|l| l.contains("SANDBOX")),
        "{text}"
    );

    let expected = json(&clone.path().join("sample-data/expected.json"));
    let tallies = json(
        &clone
            .path()
            .join("fullsync-data/edfi/runs/latest/tallies.json"),
    );
    assert_eq!(tallies["sandbox"], true);
    assert_eq!(tallies["mismatches"], Value::Array(Vec::new()));
    let resources = tallies["resources"].as_array().expect("resources");
    assert_eq!(
        resources.len(),
        expected["edfi"].as_object().expect("resources").len()
    );
    for resource in resources {
        let name = resource["resource"].as_str().expect("a name");
        let wanted = &expected["edfi"][name];
        for count in ["transformed", "collapsed", "unchanged", "sent"] {
            assert_eq!(resource[count], wanted[count], "{name} {count}");
        }
        assert_eq!(resource["created"], resource["sent"], "{name}");
        for outcome in ["rejected", "skipped", "blocked"] {
            assert_eq!(
                reasons(resource, outcome),
                counts(&wanted[outcome]),
                "{name} {outcome}"
            );
        }
    }
    for table in tallies["tables"].as_array().expect("tables") {
        let name = table["table"].as_str().expect("a name");
        let wanted = &expected["rows"][name];
        assert_eq!(table["read"], wanted["read"], "{name}");
        assert_eq!(table["staged"], wanted["staged"], "{name}");
        assert_eq!(
            counts(&table["reasons"]),
            counts(&wanted["unreadable"]),
            "{name}"
        );
    }

    // The target, asked by GET with totalCount, holds exactly that.
    let counted = fullsync(clone.path(), &["count", "edfi", "--json"]);
    let counted: Value = serde_json::from_slice(&counted.stdout).expect("JSON");
    for resource in resources {
        let name = resource["resource"].as_str().expect("a name");
        let held =
            resource["created"].as_u64().unwrap_or(0) + u64::from(name == "localEducationAgencies");
        assert_eq!(counted[name].as_u64(), Some(held), "{name}");
    }
    let verified = fullsync(clone.path(), &["verify", "edfi"]);
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );

    let second = fullsync(clone.path(), &["run", "edfi"]);
    assert_eq!(second.status.code(), Some(0));
    let tallies = json(
        &clone
            .path()
            .join("fullsync-data/edfi/runs/latest/tallies.json"),
    );
    assert_eq!(tallies["total"]["sent"], 0);
    assert_eq!(
        tallies["total"]["new_errors"], 0,
        "known errors are standing ones"
    );
}

#[cfg(unix)]
#[test]
fn everything_kept_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let clone = clone();
    fullsync(
        clone.path(),
        &["run", "edfi", "schools", "students", "--allow-partial"],
    );
    let mut folders = vec![clone.path().join("fullsync-data")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a listing") {
            let path = entry.expect("an entry").path();
            let meta = std::fs::symlink_metadata(&path).expect("metadata");
            if meta.is_symlink() {
                continue;
            }
            seen += 1;
            assert_eq!(meta.permissions().mode() & 0o077, 0, "{}", path.display());
            if meta.is_dir() {
                folders.push(path);
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_source_that_is_not_generated_is_refused_by_the_sandbox() {
    let clone = clone();
    std::fs::remove_file(clone.path().join("sample-data/generated.json")).expect("removed");
    let refused = fullsync(clone.path(), &["run", "edfi", "schools"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("--demo"), "{text}");
    let allowed = fullsync(
        clone.path(),
        &["run", "edfi", "schools", "--demo", "--allow-partial"],
    );
    assert_eq!(allowed.status.code(), Some(0));
}

#[test]
fn a_missing_table_and_a_missing_column_are_both_named_before_anything_is_sent() {
    let clone = clone();
    let data = clone.path().join("sample-data");
    std::fs::remove_file(data.join("Room.csv")).expect("removed");
    let person = std::fs::read_to_string(data.join("School.csv")).expect("a table");
    std::fs::write(data.join("School.csv"), person.replacen("number", "nr", 1)).expect("written");
    let refused = fullsync(clone.path(), &["run", "edfi", "--demo"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("Room") && text.contains("School"), "{text}");
    assert!(!clone.path().join("fullsync-data/edfi/runs").exists());
}
