//! Files that show what is made of the sample: compared, or with `UPDATE_GOLDEN` written anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The goldens of one target, while they are gone through.
pub struct Goldens {
    folder: PathBuf,
    tests: &'static str,
    update: bool,
    shown: BTreeSet<String>,
    drifts: Vec<String>,
}

impl Goldens {
    /// Those in `tests/golden/FOLDER`, which the tests of this name compare.
    pub fn new(folder: &str, tests: &'static str) -> Self {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        Self {
            folder: golden.join(folder),
            tests,
            update: std::env::var_os("UPDATE_GOLDEN").is_some(),
            shown: BTreeSet::new(),
            drifts: Vec::new(),
        }
    }

    /// Compares one file with what is made now.
    pub fn check(&mut self, name: &str, now: &str) {
        self.shown.insert(name.to_owned());
        let file = self.folder.join(name);
        if self.update {
            fs::create_dir_all(&self.folder).expect("a folder");
            fs::write(&file, now).expect("written");
            return;
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        if golden != now {
            let drift = format!("{name}\n  golden:\n{golden}  now:\n{now}");
            self.drifts.push(drift);
        }
    }

    /// Fails where one differs, or nothing is made of it any more.
    pub fn finish(mut self) {
        for entry in fs::read_dir(&self.folder).expect("the goldens") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_string_lossy();
            if !self.shown.contains(&*name) {
                self.drifts.push(format!("{name}: nothing is made of it"));
            }
        }
        assert!(
            self.drifts.is_empty(),
            "objects have changed; if that is meant: UPDATE_GOLDEN=1 cargo test {}\n{}",
            self.tests,
            self.drifts.join("\n")
        );
    }
}
