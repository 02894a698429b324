//! The seven steps of a SIF setup, in the order in which each needs those before it.
//!
//! Reads: the source (by a transform of its own), what the zone tells, hand-over points. Writes: a
//! run folder. Never: sends an object, or registers.
//! Source: the "ordered setup steps" of Request SIF Data Sync.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::Array as _;
use serde::Serialize;

use super::{Link, folder, settings};
use crate::load::{Columns, Objects, ObjectsError};
use crate::pipeline::{Connection, Pipeline, Sif, ZoneKind};
use crate::progress::Progress;
use crate::run::{Context, RunError, Until, connect};
use crate::sif::{Handovers, Rights, SyncError, ZoneError, ZoneStatus, lacking};
use crate::xml::Version;

/// The object that schools are given as.
const SCHOOLS: &str = "SchoolInfo";
/// The crosswalk of grade levels, as details of rejects name it.
const GRADES: &str = "grade_level=";
/// Most things of one kind that are named.
const NAMED: usize = 10;

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
type Found = Result<String, (String, String)>;

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
        let rights = told(link.agent.rights().await);
        if !steps.add(access(&rights, sif, &names)) {
            return Ok(());
        }
        let known = matches!(rights, Ok(Some(_)));
        if !steps.add(registered(pipeline, sif, status.as_ref(), known)) {
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

/// The objects that the check has made.
struct Staging<'a> {
    objects: std::path::PathBuf,
    names: &'a [String],
    year: Option<i32>,
}

impl Staging<'_> {
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.objects.join(format!("{name}.parquet"))
    }

    fn schools(&self, pipeline: &Pipeline) -> Result<Found, RunError> {
        if !self.names.iter().any(|n| n == SCHOOLS) {
            return Ok(Ok(format!("{SCHOOLS} is not provided")));
        }
        let (mut without, mut schools) = (Vec::new(), 0_u64);
        held(&self.file(SCHOOLS), |key, reason, detail| {
            schools += 1;
            if !reason.is_empty() && !detail.contains(GRADES) {
                without.push(format!("school {key} ({detail})"));
            }
        })?;
        Ok(match (schools, without.is_empty()) {
            (0, _) => Err((
                "no school is in scope".to_owned(),
                format!(
                    "schools need a calendar of the school year, and must not be excluded; look at \
                     [scope] schools: fullsync schools {}",
                    pipeline.name
                ),
            )),
            (n, true) => Ok(format!("{n} schools, each with its code")),
            (n, false) => Err((
                format!("{} of {n} schools: {}", without.len(), some(&without)),
                "give each school its number (and state standard code) in the SIS".to_owned(),
            )),
        })
    }

    fn grades(&self, pipeline: &Pipeline) -> Result<Found, RunError> {
        let (mut codes, mut objects) = (BTreeSet::new(), 0_u64);
        for name in self.names {
            held(&self.file(name), |_, _, detail| {
                let named = detail
                    .split([';', ' '])
                    .filter_map(|part| part.strip_prefix(GRADES));
                let before = codes.len();
                codes.extend(named.map(str::to_owned));
                objects += u64::from(codes.len() > before || detail.contains(GRADES));
            })?;
        }
        if codes.is_empty() {
            return Ok(Ok("every grade level in use has a SIF code".to_owned()));
        }
        let codes: Vec<String> = codes.into_iter().collect();
        let file = pipeline.crosswalks.get("xwalk_grade_level");
        let file = file
            .and_then(|files| files.last())
            .map(|path| path.display().to_string());
        Ok(Err((
            format!(
                "no SIF grade level for {}; {objects} objects are rejected for it",
                some(&codes)
            ),
            format!(
                "add a line for each to the crosswalk {}",
                file.unwrap_or_else(|| "grade_level".to_owned())
            ),
        )))
    }

    fn zone(
        &self,
        pipeline: &Pipeline,
        sif: &Sif,
        status: &Result<Option<ZoneStatus>, ZoneError>,
    ) -> Found {
        let settings = &sif.zone;
        let (sandbox, url) = match &pipeline.connection {
            Connection::Sandbox => (true, "the embedded sandbox"),
            Connection::Server { url, .. } => (false, url.as_str()),
        };
        if settings.kind == ZoneKind::Vertical && !sandbox && !url.starts_with("https://") {
            return Err((
                format!("{url} of a vertical zone is not encrypted"),
                "student data leaves the district: use the https:// URL of the state's zone"
                    .to_owned(),
            ));
        }
        let told = match status {
            Err(error) => {
                return Err((
                    error.to_string(),
                    "check url and credentials under [connection], and that the zone is up"
                        .to_owned(),
                ));
            }
            Ok(told) => told.as_ref().map(|status| status.zone.as_str()),
        };
        // The embedded zone bears the name that it likes.
        match told.filter(|id| !id.is_empty() && *id != settings.zone && !sandbox) {
            Some(id) => Err((
                format!(
                    "the zone at {url} is `{id}`, the pipeline says `{}`",
                    settings.zone
                ),
                format!("write zone = \"{id}\" under [sif], or mend url under [connection]"),
            )),
            None => Ok(format!(
                "{} zone {} at {url}, school year {}",
                settings.kind.as_str(),
                settings.zone,
                self.year.map_or("unknown".to_owned(), |y| y.to_string()),
            )),
        }
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

fn access(rights: &Result<Option<Rights>, ZoneError>, sif: &Sif, names: &[String]) -> Found {
    let rights = match rights {
        Ok(Some(rights)) if !rights.is_empty() => rights,
        // Step 6 tells that first of all the agent must be registered.
        Ok(_) => return Ok("the zone tells them at registration".to_owned()),
        Err(error) => {
            return Err((
                error.to_string(),
                "run the check again when the zone answers".to_owned(),
            ));
        }
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

fn registered(pipeline: &Pipeline, sif: &Sif, status: Option<&ZoneStatus>, known: bool) -> Found {
    let agent = &sif.zone.agent;
    match known || status.is_some_and(|status| status.agents.contains_key(agent)) {
        true => Ok(format!("{agent} is registered")),
        false => Err((
            format!("the zone does not know {agent}"),
            format!("fullsync sif register {}", pipeline.name),
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

/// Source key, reason and detail of each row of an objects file; the latter two empty where nothing
/// holds it back.
fn held(path: &Path, mut visit: impl FnMut(&str, &str, &str)) -> Result<(), ObjectsError> {
    let objects = Objects::open(path)?;
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                for i in 0..batch.num_rows() {
                    let text = |column: &arrow::array::StringArray| match column.is_valid(i) {
                        true => column.value(i).to_owned(),
                        false => String::new(),
                    };
                    visit(
                        scope.source_key.value(i),
                        &text(&scope.reason),
                        &text(&scope.detail),
                    );
                }
                Ok::<_, ObjectsError>(true)
            },
        )?;
    }
    Ok(())
}

/// The first few, and how many more.
fn some(all: &[String]) -> String {
    let named = all
        .get(..NAMED.min(all.len()))
        .unwrap_or_default()
        .join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
