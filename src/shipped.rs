//! The pipelines, SQL, crosswalks and metadata that are in the binary. The working folder lies over
//! them: a file that is there is read, one that is not is taken from the binary when it is shipped
//! under the same path.
//!
//! Reads: the working folder. Writes: nothing. Never: an absolute path from the binary.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

/// `(path from the working folder, bytes)`, sorted; made by `build.rs`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The bytes that the binary has under a path relative to the working folder.
pub fn embedded(path: &Path) -> Option<&'static [u8]> {
    let name = name(path)?;
    let at = FILES.binary_search_by(|(known, _)| (*known).cmp(&name));
    at.ok()
        .and_then(|at| FILES.get(at))
        .map(|(_, bytes)| *bytes)
}

/// Whether a path is read from the binary: shipped, and not in the working folder.
pub fn is_embedded(path: &Path) -> bool {
    !path.exists() && embedded(path).is_some()
}

/// Reads a file.
///
/// # Errors
/// As the file system says; a file that is neither there nor shipped is not found.
pub fn read(path: &Path) -> io::Result<Cow<'static, [u8]>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            embedded(path).map(Cow::Borrowed).ok_or(error)
        }
        read => read.map(Cow::Owned),
    }
}

/// Reads a text.
///
/// # Errors
/// As [`read`]; a file that is no UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?.into_owned())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8 text"))
}

/// Whether there is such a file, in the working folder or in the binary.
pub fn is_file(path: &Path) -> bool {
    path.is_file() || is_embedded(path)
}

/// Whether there is such a folder, in the working folder or in the binary.
pub fn is_dir(path: &Path) -> bool {
    path.is_dir() || (!path.exists() && !below(path).is_empty())
}

/// The files of a folder, those of the binary included, sorted.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let there = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: BTreeSet<PathBuf> = there
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    let shipped = below(folder).into_iter().filter(|rest| !rest.contains('/'));
    files.extend(shipped.map(|name| folder.join(name)));
    files.into_iter().collect()
}

/// Names of the shipped files below a folder, from that folder on.
fn below(folder: &Path) -> Vec<&'static str> {
    let Some(name) = name(folder) else {
        return Vec::new();
    };
    let files = FILES.iter().filter_map(|(file, _)| {
        let rest = file.strip_prefix(name.as_str())?;
        match name.is_empty() {
            true => Some(rest),
            false => rest.strip_prefix('/'),
        }
    });
    files.collect()
}

/// A relative path as the list writes it; None for one that leads out of the working folder.
fn name(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_has_what_the_shipped_pipeline_needs() {
        assert!(FILES.is_sorted_by(|a, b| a.0 < b.0));
        for file in [
            "pipelines/edfi.toml",
            "pipelines/sis.toml",
            "sql/edfi/students.sql",
            "sql/edfi/crosswalk/race.csv",
        ] {
            let there = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            assert_eq!(embedded(Path::new(file)), Some(there.as_slice()), "{file}");
        }
        assert!(embedded(Path::new("./pipelines/../pipelines/edfi.toml")).is_some());
        assert!(embedded(Path::new("/pipelines/edfi.toml")).is_none());
        assert!(embedded(Path::new("../pipelines/edfi.toml")).is_none());
    }

    #[test]
    fn folders_of_the_binary_can_be_listed() {
        assert!(below(Path::new("sql/edfi")).contains(&"crosswalk/race.csv"));
        assert!(!below(Path::new("sql/ed")).contains(&"fi/students.sql"));
    }
}
