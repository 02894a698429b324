//! The seven steps of a SIF setup, in the order in which each needs those before it.
//!
//! Reads: the source (by a transform of its own), what the zone tells, hand-over points. Writes: a
//! run folder. Never: sends an object, or registers.
//! Source: the "ordered setup steps" of Request SIF Data Sync.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::staging::{Staging, some};
use super::{Link, folder, settings};
use crate::pipeline::{Pipeline, Sif};
use crate::progress::Progress;
use crate::run::{Context, RunError, Until, connect};
use crate::sif::{Handovers, Rights, SyncError, ZoneError, ZoneStatus, lacking};
use crate::xml::Version;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// 1 to 7.
    pub number: u8,
    /// What the setup calls it.
    pub title: &'static str,
    /// Whether it is in order.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// What is to be done, where it is not in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

const TITLES: [&str; 7] = [
    "School SIF codes",
    "SIF grade levels",
    "SIF zone",
    "SIF agent",
    "SIF data access rights",
    "Agent registration",
    "Data sync",
];

/// In order, or what is missing and what to do.
pub(super) type Found = Result<String, (String, String)>;

/// Goes through the steps as far as they are in order; the last one of the list is the first that is
/// missing, if any is.
///
/// # Errors
/// The source or the mappings cannot be used. A zone that cannot be reached is a finding.
pub async fn check(context: &Context, progress: &Arc<dyn Progress>) -> Result<Vec<Step>, RunError> {
    let pipeline = &context.pipeline;
    let sif = settings(pipeline)?;
    let made = crate::run::run(context, Until::Transformed, progress).await?;
    let names = made.report.resources.iter().map(|r| r.resource.clone());
    let names: Vec<String> = names.collect();
    let staged = Staging {
        objects: made.folder.join("objects"),
        names: &names,
        year: made.report.target.school_year,
    };
    let mut steps = Steps(Vec::new());
    if !steps.add(staged.schools(pipeline)?) || !steps.add(staged.grades(pipeline)?) {
        return Ok(steps.0);
    }
    let standard = connect::standard(pipeline)?;
    let link = Link::open(pipeline, &standard, context.cancel.clone(), false).await?;
    let asked = async {
        let zone = told(link.agent.zone_status().await);
        if !steps.add(staged.zone(pipeline, sif, &zone)) {
            return Ok(());
        }
        let status = zone.ok().flatten();
        if !steps.add(agent(pipeline, sif, status.as_ref())) {
            return Ok(());
        }
        let known = told(link.agent.rights().await);
        let probed = match &known {
            Ok(None) => Some(probe(&link).await),
            _ => None,
        };
        let rights = match &probed {
            Some(probed) => probed.as_ref().ok().cloned(),
            None => known.as_ref().ok().cloned().flatten(),
        };
        if !steps.add(access(rights.as_ref(), sif, &names)) {
            return Ok(());
        }
        if !steps.add(registered(pipeline, sif, probed.as_ref(), &known)) {
            return Ok(());
        }
        steps.add(synced(pipeline, sif, &names)?);
        Ok::<_, RunError>(())
    }
    .await;
    link.close().await;
    asked.map(|()| steps.0)
}

struct Steps(Vec<Step>);

impl Steps {
    /// Adds the next step; false: it is missing, and those behind it are not looked at.
    fn add(&mut self, found: Found) -> bool {
        let number = self.0.len();
        let ok = found.is_ok();
        let (found, todo) = match found {
            Ok(found) => (found, None),
            Err((found, todo)) => (found, Some(todo)),
        };
        self.0.push(Step {
            number: u8::try_from(number + 1).unwrap_or(u8::MAX),
            title: TITLES.get(number).copied().unwrap_or_default(),
            ok,
            found,
            todo,
        });
        ok
    }
}

/// None: the zone is there and does not tell us. Err: it cannot be reached.
fn told<T>(answer: Result<T, ZoneError>) -> Result<Option<T>, ZoneError> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(ZoneError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn agent(pipeline: &Pipeline, sif: &Sif, status: Option<&ZoneStatus>) -> Found {
    let zone = &sif.zone;
    let version: Version = sif.version.parse().unwrap_or_default();
    if let Some(status) = status.filter(|status| !status.speaks(version)) {
        return Err((
            format!(
                "the zone takes messages of {}, the agent speaks {version}",
                status.versions.join(", ")
            ),
            format!(
                "write version = \"...\" under [sif] of pipeline {}: one that the zone takes",
                pipeline.name
            ),
        ));
    }
    let mode = match &zone.push {
        Some(push) => format!("push to {}, listening on {}", push.url, push.listen),
        None => format!("pull, every {} ms", zone.poll_every.as_millis()),
    };
    Ok(format!(
        "{}, version {version}, {mode}, buffer {} bytes",
        zone.agent, zone.max_buffer
    ))
}

/// Registers an agent that the zone does not know, to be told its rights, and takes it out again: it
/// had no queue that could be lost.
async fn probe(link: &Link) -> Result<Rights, ZoneError> {
    let rights = link.agent.register().await?;
    if let Err(error) = link.agent.unregister().await {
        tracing::warn!(%error, "the agent stays registered");
    }
    Ok(rights)
}

fn access(rights: Option<&Rights>, sif: &Sif, names: &[String]) -> Found {
    let Some(rights) = rights.filter(|rights| !rights.is_empty()) else {
        return Ok("the zone does not tell them".to_owned());
    };
    let lacking = lacking(rights, names.iter().map(String::as_str));
    match lacking.is_empty() {
        true => Ok(format!(
            "provide, respond and publish for {} objects",
            names.len()
        )),
        false => Err((
            format!("missing: {}", some(&lacking)),
            format!(
                "have the zone's administrator grant them to agent {}, or switch the objects off \
                 (enabled = false)",
                sif.zone.agent
            ),
        )),
    }
}

fn registered(
    pipeline: &Pipeline,
    sif: &Sif,
    probed: Option<&Result<Rights, ZoneError>>,
    known: &Result<Option<Rights>, ZoneError>,
) -> Found {
    let agent = &sif.zone.agent;
    match (probed, known) {
        (None, Ok(_)) => Ok(format!("{agent} is registered")),
        (Some(Ok(_)), _) => Err((
            format!("the zone does not know {agent}"),
            format!("fullsync sif register {}", pipeline.name),
        )),
        (Some(Err(error)), _) | (None, Err(error)) => Err((
            format!("the zone does not let {agent} in: {error}"),
            format!("have the zone's administrator enter agent {agent}, as [sif] agent says"),
        )),
    }
}

fn synced(pipeline: &Pipeline, sif: &Sif, names: &[String]) -> Result<Found, RunError> {
    let points = Handovers::new(&folder(pipeline, sif))
        .all()
        .map_err(SyncError::from)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let has = |agent: &str, object: &str| {
        points
            .iter()
            .any(|p| p.agent == agent && p.object == object)
    };
    let missing: Vec<String> = sif
        .zone
        .expected(&names)
        .into_iter()
        .filter(|(agent, object)| !has(agent, object))
        .map(|(agent, object)| format!("{object} by {agent}"))
        .collect();
    let todo = || {
        format!(
            "have the third party request the data (its own \"sync\" or \"request data\"), and run \
             fullsync sif sync {}",
            pipeline.name
        )
    };
    Ok(match (points.is_empty(), missing.is_empty()) {
        (true, _) => Err(("no agent was given any object yet".to_owned(), todo())),
        (false, false) => Err((format!("not requested yet: {}", some(&missing)), todo())),
        (false, true) => {
            let agents: BTreeSet<&str> = points.iter().map(|p| p.agent.as_str()).collect();
            let agents: Vec<&str> = agents.into_iter().collect();
            Ok(format!(
                "{} objects given to {}",
                points.len(),
                agents.join(", ")
            ))
        }
    })
}
