//! The way of some agents from the objects that they were given to those that are staged now, by
//! events; kept on disk until it is gone, so that a process that was killed goes on with it.
//!
//! Reads and writes: `events/NAME/` of the zone, for its owner only:
//! ```text
//! move.json       which object, which agents, from which run to which
//! from.parquet    what they were given (a hard link)
//! to.parquet      what they are to have (a hard link)
//! acked.jsonl     one line per event that was acknowledged, or refused for good
//! ```
//! The SIF_MsgId of an event follows from the way and the object: one that is sent once more, as its
//! acknowledgement was lost, is known by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::changes::Action;
use super::handover::{Exceptions, word};
use super::journal::link;
use crate::files;

/// Longest time that a line waits to be on disk; a killed process loses none.
const FLUSH: Duration = Duration::from_millis(200);

/// What is known of a way from its first moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Drawn at random: makes the SIF_MsgIds of its events.
    pub id: String,
    /// ObjectName.
    pub object: String,
    /// The agents that go it.
    pub agents: Vec<String>,
    /// Whether events are for them alone; false: for all that subscribe.
    pub directed: bool,
    /// The version that events are written in.
    pub version: String,
    /// Where the agents were not as the objects say.
    pub except: Exceptions,
    /// The run whose objects they are to have.
    pub run: String,
}

impl Move {
    /// The id of an event, its SIF_MsgId as a number: the same whenever it is sent.
    pub fn event_id(&self, action: Action, ref_id: &str) -> u128 {
        xxh3_128(format!("{}/{}/{ref_id}", self.id, action.as_str()).as_bytes())
    }
}

/// One line of `acked.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// What the event did.
    pub action: Action,
    /// RefId of its object.
    pub ref_id: String,
    /// Category and code of a refusal that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A way that is being gone.
#[derive(Debug)]
pub struct Transition {
    folder: PathBuf,
    /// What it is about.
    pub about: Move,
    /// Events that are over, by their ids.
    over: BTreeSet<u128>,
    /// Those of them that were refused for good.
    refused: BTreeMap<(Action, String), String>,
    file: File,
    synced: Instant,
}

impl Transition {
    /// Begins a way.
    ///
    /// # Errors
    /// As the file system says.
    pub fn create(zone: &Path, about: Move, from: &Path, to: &Path) -> io::Result<Self> {
        let name = match about.directed {
            true => format!("{}-{}", word(&about.object), word(&about.agents.join("-"))),
            false => word(&about.object),
        };
        let folder = zone.join("events").join(name);
        files::create_dir(&folder)?;
        link(from, &folder.join("from.parquet"))?;
        link(to, &folder.join("to.parquet"))?;
        // Last: a folder without it is none of a way.
        files::write(&folder.join("move.json"), &serde_json::to_vec(&about)?)?;
        Self::open_in(folder, about)
    }

    /// The ways that earlier processes have left, by name.
    ///
    /// # Errors
    /// As the file system says.
    pub fn all(zone: &Path) -> io::Result<Vec<Self>> {
        let ways = zone.join("events");
        let entries = match fs::read_dir(&ways) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| files::at(&ways, &e))?,
        };
        let folders = entries.map(|entry| Ok(entry?.path()));
        let mut folders = folders.collect::<io::Result<Vec<_>>>()?;
        folders.sort();
        let mut all = Vec::new();
        for folder in folders {
            let file = folder.join("move.json");
            let Ok(bytes) = fs::read(&file) else {
                continue;
            };
            let about = serde_json::from_slice(&bytes).map_err(|e| files::at(&file, &e.into()))?;
            all.push(Self::open_in(folder, about)?);
        }
        Ok(all)
    }

    fn open_in(folder: PathBuf, about: Move) -> io::Result<Self> {
        let path = folder.join("acked.jsonl");
        let (mut over, mut refused) = (BTreeSet::new(), BTreeMap::new());
        let mut torn = false;
        if let Ok(file) = File::open(&path) {
            for line in BufReader::new(file).split(b'\n') {
                match serde_json::from_slice::<Acked>(&line?) {
                    Ok(line) => {
                        over.insert(about.event_id(line.action, &line.ref_id));
                        let why = line.refused.map(|why| ((line.action, line.ref_id), why));
                        refused.extend(why);
                    }
                    // Cut off: the event is sent once more, under the same SIF_MsgId.
                    Err(_) => torn = true,
                }
            }
        }
        let mut options = files::options();
        options.create(true).append(true);
        let mut file = options.open(&path).map_err(|e| files::at(&path, &e))?;
        if torn {
            file.write_all(b"\n").map_err(|e| files::at(&path, &e))?;
        }
        Ok(Self {
            folder,
            about,
            over,
            refused,
            file,
            synced: Instant::now(),
        })
    }

    /// What the agents were given.
    pub fn from(&self) -> PathBuf {
        self.folder.join("from.parquet")
    }

    /// What they are to have.
    pub fn to(&self) -> PathBuf {
        self.folder.join("to.parquet")
    }

    /// The ids of events that are over.
    pub fn ids_over(&self) -> BTreeSet<u128> {
        self.over.clone()
    }

    /// Whether an event is over: acknowledged, or refused for good.
    pub fn is_over(&self, action: Action, ref_id: &str) -> bool {
        self.over.contains(&self.about.event_id(action, ref_id))
    }

    /// Notes that an event is over.
    ///
    /// # Errors
    /// As the file system says.
    pub fn note(&mut self, acked: Acked) -> io::Result<()> {
        let mut line = serde_json::to_vec(&acked)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| {
            if self.synced.elapsed() >= FLUSH {
                self.synced = Instant::now();
                return self.file.sync_data();
            }
            Ok(())
        });
        written.map_err(|e| files::at(&self.folder, &e))?;
        self.over
            .insert(self.about.event_id(acked.action, &acked.ref_id));
        if let Some(why) = acked.refused {
            self.refused.insert((acked.action, acked.ref_id), why);
        }
        Ok(())
    }

    /// Where the agents are not as the new objects say, once all events are over.
    pub fn exceptions(&self) -> Exceptions {
        let mut except = Exceptions::default();
        for (action, ref_id) in self.refused.keys() {
            let list = match action {
                Action::Add => &mut except.without,
                Action::Change => &mut except.stale,
                Action::Delete => &mut except.gone,
            };
            list.insert(ref_id.clone());
        }
        except
    }

    /// Removes it: it is gone.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder).map_err(|e| files::at(&self.folder, &e))
    }
}
