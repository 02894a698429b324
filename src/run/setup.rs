//! `fullsync check`: is everything there that a load needs? Connection, ids, mappings.
//!
//! Reads: the source, the target's documents. Writes: staging. Never: sends an object.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::connect::{self, Target};
use super::prepare::spec;
use super::{Context, RunError, Selection, Staged, Until, check};
use crate::checks::{
    Code, ConnectionReport, IdsReport, MappingsReport, Rights, SetupReport, WithoutId, kind,
};
use crate::load::{About, ApiError};
use crate::metadata::Standard;
use crate::pipeline::{Mode, Setting};
use crate::progress::Progress;
use crate::source::SisSchema;
use crate::stage::{Cut, Persons, Slicer};
use crate::transform::{Session, Survey, Views, survey};

/// Which checks are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The target and the key.
    pub connection: bool,
    /// Persons without an id.
    pub ids: bool,
    /// Codes without a mapping.
    pub mappings: bool,
}

/// Checks a setup.
///
/// # Errors
/// The pipeline or the source cannot be used. A target that cannot be reached is a finding.
pub async fn setup(
    context: &Context,
    wanted: Wanted,
    progress: &Arc<dyn Progress>,
) -> Result<SetupReport, RunError> {
    let pipeline = &context.pipeline;
    let base = connect::standard(pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    let selection = Selection::new(pipeline, &context.options.resources, &base, &sis)?;
    let mut report = SetupReport {
        configuration: pipeline.name.clone(),
        ..SetupReport::default()
    };
    if wanted.connection {
        report.connection = Some(connection(context, &base, &selection).await?);
    }
    if wanted.ids || wanted.mappings {
        let found = surveys(context, &selection, &sis, progress).await?;
        report.ids = wanted.ids.then(|| ids(context, &found));
        report.mappings = wanted.mappings.then(|| mappings(&found));
    }
    Ok(report.judged())
}

/// The rows that a run would see: of the school year and of the schools in scope.
async fn in_scope(
    context: &Context,
    selection: &Selection,
    sis: &SisSchema,
    staged: &Staged,
    temp: &Path,
) -> Result<Session, RunError> {
    let tables = selection.tables.iter();
    let tables: Vec<_> = tables
        .map(|t| (t.clone(), staged.folder.stage(&t.name)))
        .collect();
    let names = selection.tables.iter().map(|t| t.name.clone()).collect();
    let limited = context.options.scope.schools.is_some();
    let cut = Cut {
        schools: context.options.scope.schools.clone(),
        nowhere: !limited,
        persons: match limited {
            true => Persons::OfSchools,
            false => Persons::All,
        },
    };
    let out = temp.join("slice");
    crate::files::create_dir(&out)?;
    let files = tokio::task::block_in_place(|| {
        Slicer::new(tables, staged.school_year)?.slice(&cut, &names, &out)
    })?;
    let how = (staged.school_year, !limited);
    check::session(&context.pipeline, sis, &files, how, Views::Inlined, temp).await
}

/// Extracts, and looks at every resource.
async fn surveys(
    context: &Context,
    selection: &Selection,
    sis: &SisSchema,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<(String, Survey)>, RunError> {
    let source = check::open_source(context, selection)?;
    let mut staged = Staged::open_or_create(context, &*source, selection, Until::Extracted)?;
    (context.opened)(staged.folder.path());
    let found = async {
        staged.extract(context, &*source, selection, progress)?;
        let temp = staged.folder.path().join("temp");
        let session = in_scope(context, selection, sis, &staged, &temp).await?;
        let mut found = Vec::new();
        for p in &selection.resources {
            if *context.cancel.borrow() {
                return Err(RunError::Stopped);
            }
            let seen = survey(&session, &spec(&p.resource, &p.meta)).await?;
            found.push((p.resource.name.clone(), seen));
        }
        let _ = std::fs::remove_dir_all(&temp);
        Ok(found)
    }
    .await;
    match found {
        Ok(found) => {
            staged.close(context, selection, Until::Extracted, Ok(None), None)?;
            Ok(found)
        }
        Err(error) => match staged.close(context, selection, Until::Extracted, Err(error), None) {
            Ok(_) => Err(RunError::Stopped),
            Err(error) => Err(error),
        },
    }
}

fn ids(context: &Context, found: &[(String, Survey)]) -> IdsReport {
    let mut report = IdsReport::default();
    for (name, value) in &context.pipeline.settings {
        if name.ends_with("_unique_id") {
            let value = match value {
                Setting::Boolean(v) => v.to_string(),
                Setting::Integer(v) => v.to_string(),
                Setting::Text(v) => v.clone(),
            };
            report.settings.insert(name.clone(), value);
        }
    }
    for (resource, survey) in found {
        for (reason, persons) in &survey.without_id {
            report.list.extend(&persons.ids);
            report.without.push(WithoutId {
                kind: kind(resource),
                resource: resource.clone(),
                reason: reason.clone(),
                persons: persons.ids.len() as u64,
                objects: persons.objects,
            });
        }
    }
    report.without.sort_by_key(|w| w.kind == "other");
    report.persons = report.list.len() as u64;
    report
}

fn mappings(found: &[(String, Survey)]) -> MappingsReport {
    let mut codes: BTreeMap<_, Code> = BTreeMap::new();
    for (resource, survey) in found {
        for ((crosswalk, text, effect), (rows, left_out)) in &survey.codes {
            let key = (crosswalk.clone(), text.clone(), *effect);
            let code = codes.entry(key).or_insert_with(|| Code {
                crosswalk: crosswalk.clone(),
                code: text.clone(),
                effect: *effect,
                rows: 0,
                left_out: 0,
                resources: BTreeMap::new(),
            });
            code.rows += rows;
            code.left_out += left_out;
            code.resources.insert(resource.clone(), *rows);
        }
    }
    MappingsReport {
        codes: codes.into_values().collect(),
    }
}

/// Discovery, token, data model, one GET, rights.
async fn connection(
    context: &Context,
    base: &Arc<Standard>,
    selection: &Selection,
) -> Result<ConnectionReport, RunError> {
    let mut report = ConnectionReport {
        metadata: base.name.clone(),
        url: match &context.pipeline.connection {
            crate::pipeline::Connection::Sandbox => "embedded sandbox".to_owned(),
            crate::pipeline::Connection::Server { url, .. } => url.clone(),
        },
        ..ConnectionReport::default()
    };
    let target = match Target::connect(&context.pipeline, base).await {
        Ok(target) => target,
        Err(RunError::Api(error)) => {
            report.problems.push(chain(&error));
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    if let Ok(api) = target.api() {
        report.notes.push("the key was given a token".to_owned());
        let discovered = &api.discovered;
        report.version.clone_from(&discovered.version);
        report.data_models.clone_from(&discovered.data_models);
        model(&mut report, &discovered.data_model());
        if let Some(first) = selection.resources.first() {
            let path = &first.meta.path;
            match api.count(path).await {
                Ok(n) => report.notes.push(format!(
                    "GET {path} was answered: {n} records of {}",
                    first.resource.name
                )),
                Err(ApiError::Refused { status: 403, .. }) => {
                    let note = format!("GET {path} was answered 403: the key may not read it");
                    report.notes.push(note);
                }
                Err(error) => report
                    .problems
                    .push(format!("GET {path}: {}", chain(&error))),
            }
        }
        match api.token_info().await {
            Ok(Some(info)) => rights(&mut report, &info, selection),
            Ok(None) => report
                .notes
                .push(no_rights("offers no token introspection")),
            Err(error) => {
                tracing::debug!(%error, "token introspection");
                report
                    .notes
                    .push(no_rights("did not answer token introspection"));
            }
        }
    } else if let Some(state) = target.state() {
        state_edition(&mut report, &state.about);
        if let Err(error) = super::guard::taken(&target, selection) {
            report.problems.push(chain(&error));
        }
    } else if let Some(provider) = target.provider() {
        let note = format!("the environment's zone is {}", provider.zone());
        report.notes.push(note);
        report.rights = super::rest::lacking(provider, selection, &context.pipeline);
    }
    target.disconnect().await;
    Ok(report)
}

fn state_edition(report: &mut ConnectionReport, about: &About) {
    let instance = about.instance.as_deref().unwrap_or("without a name");
    let limits = about.limits;
    report.version = "DIS contract, version 1".to_owned();
    report.notes.push(format!(
        "the state knows the district; its store is {instance}, it takes {} objects, at most {} \
         records and {} bytes a request, {} requests at once",
        about.objects.len(),
        limits.records,
        limits.bytes,
        limits.concurrency
    ));
    if !about.requests.is_empty() {
        let open = about.requests.len();
        let note = format!("{open} resyncs are asked for: fullsync dis poll");
        report.notes.push(note);
    }
}

fn no_rights(why: &str) -> String {
    format!("the rights of the key could not be checked: the target {why}")
}

fn model(report: &mut ConnectionReport, served: &str) {
    let version = |text: &str| text.rsplit_once(' ').map(|(_, v)| v.to_owned());
    let part = |text: &str, n: usize| -> Option<String> {
        Some(version(text)?.split('.').nth(n)?.to_owned())
    };
    if served.is_empty() {
        let note = "the root document names no data model";
        report.notes.push(note.to_owned());
    } else if part(served, 0) != part(&report.metadata, 0) {
        report.problems.push(format!(
            "the target serves {served}, the pipeline maps to {}: set `metadata` to that of the \
             target's data standard (fullsync metadata import)",
            report.metadata
        ));
    } else if part(served, 1) != part(&report.metadata, 1) {
        let note = format!(
            "the target serves {served}, the pipeline maps to {}; its own documents are used",
            report.metadata
        );
        report.notes.push(note);
    }
}

fn rights(report: &mut ConnectionReport, info: &serde_json::Value, selection: &Selection) {
    let Some(rights) = Rights::read(info) else {
        report.notes.push(no_rights("lists no resources"));
        return;
    };
    for p in &selection.resources {
        let writes = p.resource.mode == Mode::Post;
        let lacking = rights.lacking(&p.resource.name, &p.meta.path, writes);
        report.rights.extend(lacking);
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
