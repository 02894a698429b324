//! The folder of one configuration: its runs, its ledger, its tokens.
//!
//! Reads: the listing of runs. Writes: new run folders and the `latest` link. Never: deletes
//! (see `prune`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::run_id::TICK;
use super::{Manifest, RunFolder, RunId, RunState, SourceNote, StageError, TargetNote};
use crate::files;

/// Version of the manifest's format.
const MANIFEST_FORMAT: u32 = 1;

/// `state_dir/CONFIGURATION`.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
    configuration: String,
}

/// What is known of a run before it starts.
#[derive(Clone, Debug, Default)]
pub struct RunAbout {
    /// The run's id, where it was told before the run began; else one is made up.
    pub id: Option<RunId>,
    /// Where the objects go.
    pub target: TargetNote,
    /// School year by its end year, if configured.
    pub school_year: Option<i32>,
    /// Where the rows come from.
    pub source: Option<SourceNote>,
}

impl StateDir {
    /// The folder of a configuration; nothing is made yet.
    pub fn new(state_dir: &Path, configuration: &str) -> Self {
        Self {
            path: state_dir.join(configuration),
            configuration: configuration.to_owned(),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run folders are.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Where the ledgers are.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// Where tokens are kept.
    pub fn tokens(&self) -> PathBuf {
        self.path.join("tokens")
    }

    /// Where metadata of targets is kept.
    pub fn metadata(&self) -> PathBuf {
        self.path.join("metadata")
    }

    /// Starts a run: makes its folder, locks it, writes a first manifest (state `running`) and lets
    /// `runs/latest` point to it.
    ///
    /// # Errors
    /// As the file system says.
    pub fn create(&self, about: RunAbout, now: DateTime<Utc>) -> Result<RunFolder, StageError> {
        files::create_dir(&self.runs())?;
        let (id, path) = self.new_folder(about.id.as_ref(), now)?;
        let manifest = Manifest {
            format: MANIFEST_FORMAT,
            tool: format!("fullsync {}", env!("CARGO_PKG_VERSION")),
            run: id.to_string(),
            configuration: self.configuration.clone(),
            target: about.target,
            school_year: about.school_year,
            started: now,
            state: RunState::Running,
            source: about.source,
            ..Manifest::default()
        };
        let run = RunFolder::start(path, manifest)?;
        self.point_latest_at(&id)?;
        Ok(run)
    }

    fn new_folder(
        &self,
        told: Option<&RunId>,
        now: DateTime<Utc>,
    ) -> Result<(RunId, PathBuf), StageError> {
        let mut now = now;
        loop {
            let id = told.cloned().unwrap_or_else(|| RunId::new(now));
            let path = self.runs().join(id.as_str());
            match create_owner_only(&path) {
                Ok(()) => return Ok((id, path)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && told.is_none() => now += TICK,
                Err(e) => return Err(files::at(&path, &e).into()),
            }
        }
    }

    /// Swaps the link in one step: whoever follows it finds the old run or the new one.
    fn point_latest_at(&self, id: &RunId) -> Result<(), StageError> {
        let link = self.runs().join("latest");
        let new = self.runs().join(format!(".latest-{id}.partial"));
        #[cfg(unix)]
        let made = std::os::unix::fs::symlink(id.as_str(), &new);
        // Links need a privilege there; a file with the name serves `open`.
        #[cfg(not(unix))]
        let made = fs::write(&new, id.as_str());
        made.and_then(|()| fs::rename(&new, &link))
            .map_err(|e| files::at(&link, &e))?;
        Ok(())
    }

    /// Lets the link point to the newest run there is; without one it goes.
    pub(super) fn relink_latest(&self) -> Result<(), StageError> {
        match self.ids()?.last() {
            Some(newest) => self.point_latest_at(newest),
            None => {
                let link = self.runs().join("latest");
                Ok(fs::remove_file(&link).map_err(|e| files::at(&link, &e))?)
            }
        }
    }

    /// The run that `runs/latest` points to.
    pub fn latest(&self) -> Option<RunId> {
        let link = self.runs().join("latest");
        let name = match fs::read_link(&link) {
            Ok(to) => to.file_name()?.to_string_lossy().into_owned(),
            Err(_) => fs::read_to_string(&link).ok()?,
        };
        RunId::parse(name.trim())
    }

    /// Opens a run for reading: by its id, by the path of its folder, or the `latest`.
    ///
    /// # Errors
    /// When there is no such run, or its manifest cannot be read.
    pub fn open(&self, which: &str) -> Result<RunFolder, StageError> {
        RunFolder::open(&self.find(which)?)
    }

    /// Opens a run to go on with it (a later step on what it has staged): locks it and sets its
    /// state back to `running`.
    ///
    /// # Errors
    /// As [`Self::open`], and when another process is at work in it.
    pub fn reopen(&self, which: &str) -> Result<RunFolder, StageError> {
        RunFolder::reopen(&self.find(which)?)
    }

    fn find(&self, which: &str) -> Result<PathBuf, StageError> {
        let none = || StageError::NoRun {
            which: which.to_owned(),
            runs: self.runs(),
        };
        if which == "latest" {
            let id = self.latest().ok_or_else(none)?;
            return Ok(self.runs().join(id.as_str()));
        }
        let path = match RunId::parse(which) {
            Some(id) => self.runs().join(id.as_str()),
            None => PathBuf::from(which),
        };
        if path.join("manifest.json").is_file() {
            Ok(path)
        } else {
            Err(none())
        }
    }

    /// Ids of all runs, oldest first. Names that are no run ids are left out.
    ///
    /// # Errors
    /// As the file system says; without a folder there are no runs.
    pub fn ids(&self) -> Result<Vec<RunId>, StageError> {
        let runs = self.runs();
        let entries = match fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(files::at(&runs, &e).into()),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| files::at(&runs, &e))?;
            if entry.path().is_dir() {
                ids.extend(RunId::parse(&entry.file_name().to_string_lossy()));
            }
        }
        ids.sort();
        Ok(ids)
    }
}

/// Makes one new folder; unlike `files::create_dir` it must not be there yet.
fn create_owner_only(path: &Path) -> io::Result<()> {
    #[allow(unused_mut)]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

#[cfg(test)]
mod tests;
