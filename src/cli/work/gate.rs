//! What every command goes through: rights before, audit log before and after.

use std::path::{Path, PathBuf};

use chrono::Utc;

use super::pipeline;
use crate::account::Process;
use crate::audit::{self, Entry, Event};
use crate::cli::{Command, Need, Session, Set};
use crate::pipeline::Pipeline;
use crate::rights::{self, Act, Actor, Asked};

/// Names a rights file that holds for every pipeline.
const RIGHTS: &str = "FULLSYNC_RIGHTS";

/// A command that may go on.
pub(super) struct Passed {
    /// The log and the entry to be ended; None when it is not recorded.
    recorded: Option<(PathBuf, Entry)>,
}

/// Checks the rights of whoever gave the command, and records it.
///
/// # Errors
/// A right is missing (which is recorded); a rights file cannot be used; what changes data cannot
/// be recorded.
pub(super) fn pass(session: &Session, command: &Command) -> anyhow::Result<Passed> {
    let need = Need::of(command);
    if Set::given()
        .set
        .iter()
        .any(|s| s.trim_start().starts_with("rights"))
    {
        anyhow::bail!("--set cannot change [rights]: the file of the pipeline holds");
    }
    // What cannot be read is told by the verb itself, which goes no further.
    let pipeline = need.pipeline.and_then(|name| pipeline(name).ok());
    let mut files: Vec<PathBuf> = std::env::var_os(RIGHTS)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .into_iter()
        .collect();
    files.extend(pipeline.as_ref().and_then(|p| p.rights.clone()));
    let files = rights::load(&files)?;
    let actor = rights::actor(&files);
    let asked = Asked {
        verb: need.verb,
        act: need.act,
        selective: need.selective,
        overridden: session.said.split(' ').any(|word| word == "--set"),
        pipeline: pipeline
            .as_ref()
            .map(|p| (p.name.as_str(), p.target, p.file.as_path())),
    };
    let allowed = rights::check(&files, &actor, &asked);
    let Some(pipeline) = pipeline else {
        allowed?;
        return Ok(Passed { recorded: None });
    };
    let log = audit::file(&pipeline.state_dir);
    let mut entry = entry(session, &pipeline, &actor);
    if let Err(refused) = allowed {
        entry.event = Event::Refused;
        entry.exit = Some(2);
        entry.refusal = Some(refused.to_string());
        if let Err(error) = audit::append(&log, &entry) {
            tracing::warn!(%error, "the refusal cannot be recorded");
        }
        return Err(refused.into());
    }
    let recorded = match need.act {
        Act::Look | Act::Audit => None,
        act => {
            entry.event = Event::Viewed;
            if act.changes() {
                entry.event = Event::Started;
                // Without a record nothing is changed.
                audit::append(&log, &entry)?;
            }
            Some((log, entry))
        }
    };
    Ok(Passed { recorded })
}

impl Passed {
    /// Records what came of it.
    pub(super) fn end(self, session: &Session, result: &anyhow::Result<u8>) {
        let Some((log, mut entry)) = self.recorded else {
            return;
        };
        entry.at = Utc::now();
        entry.exit = Some(*result.as_ref().unwrap_or(&2));
        if entry.event == Event::Started {
            entry.event = Event::Ended;
        }
        (entry.run, entry.counts) = session.noted.take();
        if let Err(error) = audit::append(&log, &entry) {
            tracing::error!(%error, "the end of this command cannot be recorded");
        }
    }
}

fn entry(session: &Session, pipeline: &Pipeline, actor: &Actor) -> Entry {
    let Process { host, pid, .. } = Process::current();
    let files = pipeline.files();
    let layers: Vec<&Path> = pipeline.layers.iter().map(|l| l.file.as_path()).collect();
    let mapping = files.iter().filter(|file| !layers.contains(*file));
    Entry {
        prev: String::new(),
        at: Utc::now(),
        event: Event::Started,
        id: format!("{:016x}", fastrand::u64(..)),
        user: actor.person.user.clone(),
        uid: actor.person.uid,
        through: actor.through.clone(),
        host,
        pid,
        command: session.said.clone(),
        configuration: pipeline.name.clone(),
        pipeline: fingerprint(layers.iter().copied()),
        mapping: fingerprint(mapping.copied()),
        run: None,
        counts: std::collections::BTreeMap::new(),
        exit: None,
        refusal: None,
    }
}

/// One hash of the contents of files, which changes when one of them does. A file that cannot be
/// read counts as an empty one; the verb itself complains about it.
fn fingerprint<'a>(files: impl Iterator<Item = &'a Path>) -> String {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for file in files {
        let bytes = std::fs::read(file).unwrap_or_default();
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.update(&bytes);
    }
    format!("{:032x}", hasher.digest128())
}
