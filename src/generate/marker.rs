//! `generated.json`: the proof that a folder holds a generated district and nothing else.
//!
//! Reads: the marker and the files it names. Writes: nothing; yields JSON. Never: takes a folder
//! for generated when a table was changed, added or taken away.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::table::FileMark;
use super::{Dirty, Options, Profile};

/// Name of the marker's file.
pub(super) const FILE: &str = "generated.json";

const TOOL: &str = "fullsync generate";

/// What `generated.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Always `fullsync generate`.
    pub tool: String,
    /// Says that the data is fictional.
    pub notice: String,
    /// Number of schools.
    pub schools: usize,
    /// Number of students.
    pub students: usize,
    /// What kind of district.
    #[serde(default, skip_serializing_if = "is_default")]
    pub profile: Profile,
    /// The seed.
    pub seed: u64,
    /// The school year by its end year.
    pub year: i32,
    /// Which faults are planted.
    pub dirty: Dirty,
    /// File name -> rows and fingerprint.
    pub files: BTreeMap<String, FileMark>,
}

fn is_default(profile: &Profile) -> bool {
    *profile == Profile::default()
}

impl Marker {
    pub(super) fn new(options: &Options, files: BTreeMap<String, FileMark>) -> Self {
        Self {
            tool: TOOL.to_owned(),
            notice: "Fictional. No row describes a real person, school or district.".to_owned(),
            schools: options.schools,
            students: options.students,
            profile: options.profile,
            seed: options.seed,
            year: options.year,
            dirty: options.dirty,
            files,
        }
    }

    /// The marker of a folder, without looking at the files; None when there is none of ours.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = fs::read(folder.join(FILE)).ok()?;
        let marker: Self = serde_json::from_slice(&text).ok()?;
        (marker.tool == TOOL).then_some(marker)
    }
}

/// Whether the folder holds a generated district, every table as it was written and no other
/// table beside it. Reads all files.
pub fn is_generated(folder: &Path) -> bool {
    let Some(marker) = Marker::read(folder) else {
        return false;
    };
    let named = |path: PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str());
        name.is_some_and(|n| marker.files.contains_key(n))
    };
    let unchanged = |(name, mark): (&String, &FileMark)| {
        let plain = Path::new(name)
            .file_name()
            .is_some_and(|n| n == name.as_str());
        plain && fingerprint(&folder.join(name)).is_ok_and(|f| f == mark.xxh3)
    };
    !marker.files.is_empty() && tables_in(folder).all(named) && marker.files.iter().all(unchanged)
}

/// The files of a folder that a source could read as tables; temporary files are none.
pub(super) fn tables_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|path| {
        let hidden = path
            .file_name()
            .is_none_or(|n| n.to_string_lossy().starts_with('.'));
        let table = path.extension().is_some_and(|e| {
            ["csv", "parquet", "sqlite", "sqlite3", "db"]
                .iter()
                .any(|t| e.eq_ignore_ascii_case(t))
        });
        table && !hidden
    })
}

/// Pretty JSON with a line feed at the end.
pub(super) fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

fn fingerprint(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(format!("{:032x}", hash.digest128()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}
