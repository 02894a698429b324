//! A SIF zone as the target: what is staged is given to those who ask for it.
//!
//! Reads: objects files. Writes: results, the zone's own folder. Never: decides who is answered
//! what (the `sif` room does).

pub mod check;
mod deliver;
mod link;
mod plan;
mod staging;

pub use link::Link;
pub(super) use plan::plan;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{RunError, Selection};
use crate::pipeline::{Connection, Pipeline, Sif, TargetKind};
use crate::report::Missing;

/// How long the agent stays in the zone, where that is not as the pipeline says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staying {
    /// It stays until it is stopped.
    pub serve: bool,
    /// The staging is made anew after this time, by a run of its own.
    pub refresh: Option<Duration>,
    /// So many polls in a row that bring nothing end it.
    pub idle_polls: Option<u32>,
    /// Events are sent, and no request is answered.
    pub events: bool,
}

/// The settings of a pipeline to a zone of SIF 2.x.
///
/// # Errors
/// [`RunError::NoSuchTarget`] where it is none.
pub fn settings(pipeline: &Pipeline) -> Result<&Sif, RunError> {
    match &pipeline.sif {
        Some(sif) if !sif.is_rest() => Ok(sif),
        _ => Err(RunError::NoZone(pipeline.name.clone())),
    }
}

/// Whether the target is a zone of SIF 2.x.
pub(super) fn is_zone(pipeline: &Pipeline) -> bool {
    pipeline.target == TargetKind::Sif && settings(pipeline).is_ok()
}

/// What the ledger knows a zone by.
pub(super) fn fingerprint(pipeline: &Pipeline, sif: &Sif) -> String {
    let url = match &pipeline.connection {
        Connection::Sandbox => "sandbox",
        Connection::Server { url, .. } => url.as_str(),
    };
    let text = format!("{url} {} {}", sif.zone.zone, sif.zone.agent);
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// The same for a run's report; None for another kind of target.
pub(super) fn known_as(pipeline: &Pipeline) -> Option<String> {
    let sif = settings(pipeline).ok()?;
    Some(fingerprint(pipeline, sif))
}

/// What is expected to be asked for, of the objects of a run, and was not: `given` knows who has.
fn expected(sif: &Sif, selection: &Selection, given: impl Fn(&str, &str) -> bool) -> Vec<Missing> {
    let resources = selection.resources.iter();
    let names: Vec<&str> = resources.map(|p| p.resource.name.as_str()).collect();
    let all = sif.zone.expected(&names).into_iter();
    all.filter(|(agent, object)| !given(agent, object))
        .map(|(agent, object)| Missing {
            agent,
            object: object.to_owned(),
        })
        .collect()
}

/// The folder of what is kept of a zone.
pub fn folder(pipeline: &Pipeline, sif: &Sif) -> PathBuf {
    let folder = pipeline.state_dir.join(&pipeline.name).join("sif");
    folder.join(safe(&sif.zone.zone))
}

/// A zone's id as the name of a folder.
fn safe(name: &str) -> PathBuf {
    let safe = |c: char| match c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
        true => c,
        false => '_',
    };
    Path::new(&name.chars().map(safe).collect::<String>()).to_owned()
}
