//! `ARCHITECTURE.md` is held to: rooms use only the rooms that its table allows, and no source
//! file is too long to read in one sitting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LONGEST: usize = 400;

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The first part of a file's path below `src`: its room.
fn room(path: &Path) -> String {
    let below = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The table of rooms in `ARCHITECTURE.md`; None stands for "all".
fn doors() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut doors = BTreeMap::new();
    for line in text
        .lines()
        .skip_while(|l| !l.starts_with("| room |"))
        .skip(2)
    {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, rooms, _, uses, _] = cells.as_slice() else {
            break;
        };
        let uses = (*uses != "all").then(|| {
            uses.split(',')
                .map(|u| u.trim().to_owned())
                .filter(|u| u != "–")
                .collect()
        });
        for room in rooms.split(',') {
            doors.insert(room.trim().trim_matches('`').to_owned(), uses.clone());
        }
    }
    assert!(doors.len() > 10, "the table of rooms was not found");
    doors
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let doors = doors();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if ["main", "lib"].contains(&room.as_str()) {
            continue;
        }
        let Some(allowed) = doors.get(&room) else {
            wrong.push(format!(
                "{}: `{room}` is not in the table of rooms",
                path.display()
            ));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for (number, line) in text.lines().enumerate() {
            // Tests may look at their neighbours.
            if line.starts_with("mod tests") || line.contains("cfg(test)") {
                break;
            }
            let used = line
                .split("crate::")
                .skip(1)
                .filter(|_| !line.trim().starts_with("//"));
            for used in used {
                let used: String = used
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if doors.contains_key(&used) && used != room && !allowed.contains(&used) {
                    wrong.push(format!(
                        "{}:{}: `{room}` may not use `{used}`",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn source_files_stay_readable() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "split by noun:\n{}", long.join("\n"));
}
