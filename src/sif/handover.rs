//! Hand-over points: which objects each agent was given, so that events can carry on from there.
//!
//! Reads and writes: `handover/AGENT/OBJECT.json` and the objects file that it names. Never: moves
//! a point for what was not acknowledged.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::desk::same_file;
use super::journal::link;
use crate::files;

/// The hand-over points of a zone.
#[derive(Clone, Debug)]
pub struct Handovers {
    folder: PathBuf,
}

/// RefIds of objects that an agent has otherwise than its hand-over point says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exceptions {
    /// It does not have them: too large for its buffer, or an Add that was refused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without: BTreeSet<String>,
    /// It has an earlier form of them: a Change that was refused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stale: BTreeSet<String>,
    /// It has an earlier form of them: they are held back by a fault of their data since. The
    /// objects file has them, as rejected.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub held: BTreeSet<String>,
    /// It still has them: a Delete that was refused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone: BTreeSet<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The agent.
    pub agent: String,
    /// ObjectName.
    pub object: String,
    /// SIF_MsgId of the request that was answered; that of the last sync.
    pub request: String,
    /// The run whose objects the agent has: of the answer, or of the events since.
    pub run: String,
    /// When it was answered to the end.
    pub synced: DateTime<Utc>,
    /// When events have brought it to where it is; None: none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<DateTime<Utc>>,
    /// The version of the standard that it is spoken to in.
    pub version: String,
    /// Where the agent is not as the objects say.
    #[serde(default)]
    pub except: Exceptions,
    /// The objects file, in the same folder.
    pub file: String,
}

impl Handovers {
    /// Those below a zone's folder.
    pub fn new(zone: &Path) -> Self {
        Self {
            folder: zone.join("handover"),
        }
    }

    /// All of them, by agent and object.
    ///
    /// # Errors
    /// As the file system says; a file that is none of ours.
    pub fn all(&self) -> io::Result<Vec<Handover>> {
        let mut all: Vec<Handover> = Vec::new();
        for agent in entries(&self.folder)? {
            for file in entries(&agent)? {
                if file.extension().is_some_and(|e| e == "json") {
                    let bytes = fs::read(&file).map_err(|e| files::at(&file, &e))?;
                    all.push(
                        serde_json::from_slice(&bytes).map_err(|e| files::at(&file, &e.into()))?,
                    );
                }
            }
        }
        all.sort_by(|a, b| (&a.object, &a.agent).cmp(&(&b.object, &b.agent)));
        Ok(all)
    }

    /// Those of one object, grouped by where they are: each group is told the same.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn groups(&self, object: &str) -> io::Result<Vec<Vec<Handover>>> {
        let mut groups: Vec<Vec<Handover>> = Vec::new();
        for point in self.all()?.into_iter().filter(|p| p.object == object) {
            let equal = |group: &&mut Vec<Handover>| {
                group.first().is_some_and(|first| {
                    first.except == point.except
                        && first.version == point.version
                        && same_file(&self.objects(first), &self.objects(&point))
                })
            };
            match groups.iter_mut().find(equal) {
                Some(group) => group.push(point),
                None => groups.push(vec![point]),
            }
        }
        Ok(groups)
    }

    /// That of one agent and object.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn of(&self, agent: &str, object: &str) -> io::Result<Option<Handover>> {
        let mut all = self.all()?.into_iter();
        Ok(all.find(|point| point.agent == agent && point.object == object))
    }

    /// The objects that an agent was given.
    pub fn objects(&self, handover: &Handover) -> PathBuf {
        self.agent(&handover.agent).join(&handover.file)
    }

    /// Moves a point to these objects, or makes it. The file is kept under a second name.
    ///
    /// # Errors
    /// As the file system says; the point is where it was then.
    pub fn set(&self, handover: Handover, objects: &Path) -> io::Result<()> {
        let folder = self.agent(&handover.agent);
        files::create_dir(&folder)?;
        let name = format!(
            "{}-{:016x}.parquet",
            word(&handover.object),
            fastrand::u64(..)
        );
        link(objects, &folder.join(&name))?;
        let point = folder.join(format!("{}.json", word(&handover.object)));
        let before = fs::read(&point)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Handover>(&bytes).ok());
        let now = Handover {
            file: name,
            ..handover
        };
        files::write(&point, &serde_json::to_vec_pretty(&now)?)?;
        if let Some(before) = before {
            let _ = fs::remove_file(folder.join(word(&before.file)));
        }
        Ok(())
    }

    fn agent(&self, agent: &str) -> PathBuf {
        self.folder.join(word(agent))
    }
}

/// A name as a part of a path: it may come from outside.
pub(super) fn word(name: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => c,
        '.' => '.',
        _ => '_',
    };
    let text: String = name.chars().take(80).map(safe).collect();
    match text.trim_start_matches('.') {
        "" => "_".to_owned(),
        text => text.to_owned(),
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        entries => entries.map_err(|e| files::at(folder, &e))?,
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_moves_with_its_objects() {
        let dir = tempfile::tempdir().unwrap();
        let handovers = Handovers::new(dir.path());
        assert!(handovers.all().unwrap().is_empty());
        let objects = dir.path().join("objects.parquet");
        let point = |run: &str| Handover {
            agent: "Lib/../Agent".to_owned(),
            object: "StudentPersonal".to_owned(),
            request: "R".to_owned(),
            run: run.to_owned(),
            synced: DateTime::UNIX_EPOCH,
            events: None,
            version: "2.7".to_owned(),
            except: Exceptions::default(),
            file: String::new(),
        };
        for run in ["one", "two"] {
            std::fs::write(&objects, run).unwrap();
            handovers.set(point(run), &objects).unwrap();
            std::fs::remove_file(&objects).unwrap();
            let all = handovers.all().unwrap();
            assert_eq!(all.len(), 1);
            let kept = handovers.objects(&all[0]);
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), run);
            // Nothing else is left behind.
            assert_eq!(
                std::fs::read_dir(kept.parent().unwrap()).unwrap().count(),
                2
            );
        }
    }
}
