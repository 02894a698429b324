//! Copies of the pipeline, SQL and crosswalk files that a run used.
//!
//! Reads: those files. Writes: `pipeline/...` in the run folder. Never: lets two files become one.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::KeptFile;
use crate::files;

/// Copies the files to `run/pipeline`, below the deepest folder that all of them share.
pub(super) fn copy(used: &[PathBuf], run: &Path) -> io::Result<Vec<KeptFile>> {
    let full: Vec<PathBuf> = used
        .iter()
        .map(std::path::absolute)
        .collect::<io::Result<Vec<_>>>()?;
    let shared = shared_folder(&full);
    let mut kept: Vec<KeptFile> = Vec::with_capacity(used.len());
    for (from, full) in used.iter().zip(&full) {
        let below = Path::new("pipeline").join(below(full, &shared));
        let copy = below.to_string_lossy().into_owned();
        // The same file twice (a crosswalk that two resources name) is copied once.
        if kept.iter().any(|k| k.copy == copy) {
            continue;
        }
        let bytes = crate::shipped::read(from).map_err(|e| files::at(from, &e))?;
        let to = run.join(&below);
        if let Some(folder) = to.parent() {
            files::create_dir(folder)?;
        }
        files::write(&to, &bytes)?;
        kept.push(KeptFile {
            copy,
            from: from.to_string_lossy().into_owned(),
            bytes: bytes.len() as u64,
            fingerprint: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes)),
        });
    }
    Ok(kept)
}

/// The deepest folder that all files are below of.
fn shared_folder(files: &[PathBuf]) -> PathBuf {
    let mut folders = files.iter().filter_map(|f| f.parent());
    let Some(first) = folders.next() else {
        return PathBuf::new();
    };
    let mut shared: Vec<Component<'_>> = first.components().collect();
    for folder in folders {
        let same = shared
            .iter()
            .zip(folder.components())
            .take_while(|(a, b)| **a == *b)
            .count();
        shared.truncate(same);
    }
    shared.iter().collect()
}

/// The file's path below the folder, of plain names only: a `..` in a configured path must not lead
/// out of the run folder.
fn below(file: &Path, folder: &Path) -> PathBuf {
    let below = file.strip_prefix(folder).unwrap_or(file);
    below
        .components()
        .map(|part| match part {
            Component::Normal(name) => PathBuf::from(name),
            Component::ParentDir => PathBuf::from("__"),
            _ => PathBuf::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_keep_their_places_and_never_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let run = dir.path().join("run");
        let used = [
            file("p/pipelines/edfi.toml", "a"),
            file("p/sql/edfi/students.sql", "b"),
            file("p/sql/edfi/schools.sql", "c"),
            dir.path().join("p/pipelines/../sql/edfi/schools.sql"),
            file("p/sql/edfi/schools.sql", "c"),
        ];
        let kept = copy(&used, &run).unwrap();
        let copies: Vec<&str> = kept.iter().map(|k| k.copy.as_str()).collect();
        assert_eq!(
            copies,
            [
                "pipeline/pipelines/edfi.toml",
                "pipeline/sql/edfi/students.sql",
                "pipeline/sql/edfi/schools.sql",
                "pipeline/pipelines/__/sql/edfi/schools.sql",
            ]
        );
        for kept in &kept {
            assert_eq!(
                super::super::fingerprint(&run.join(&kept.copy)).unwrap(),
                kept.fingerprint
            );
        }
    }
}
