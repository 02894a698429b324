//! A pipeline file as a whole: found, read, parsed, every section checked, all problems told.
//!
//! Reads: the pipeline file and what it names. Writes: nothing. Never: stops at the first problem.

use std::path::{Path, PathBuf};

use super::layer::{self, Layer};
use super::merge::merged;
use super::problem::{Problem, Problems, closest};
use super::resources::{self, Queries};
use super::section::{Document, Section, Text, join};
use super::{
    Connection, Pipeline, TargetKind, connection, deletes, dis, listing, notify, options, origin,
    parameters, routing, scope, sif, sif_zone, sif3, source,
};
use crate::shipped;

/// Reads and checks a pipeline: the file of that name, all that it extends, and what `--set` says.
pub(super) fn load(
    name_or_path: &str,
    set: &[String],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Pipeline, Problems> {
    let mut layers = layer::chain(name_or_path).map_err(|problem| Problems(vec![problem]))?;
    let arguments = parameters::arguments(set, &merged(&layers).0).map_err(Problems)?;
    layer::add_arguments(&mut layers, arguments);
    let path = layers.first().map(|l| l.shown.clone()).unwrap_or_default();
    let document = Document::new(&path, &layers, env);
    let (all, broken) = merged(&layers);
    // What a broken text was recovered to would only raise follow-up problems.
    let pipeline = match broken.is_empty() {
        true => checked(Section::new(&document, String::new(), 0..0, &all)),
        false => None,
    };
    for (at, problem) in broken {
        document.problem(&(at..at), problem);
    }
    let origins = origin::of(&document, &all);
    let (problems, warnings) = document.finish();
    match pipeline {
        Some(mut pipeline) if problems.is_empty() => {
            pipeline.warnings = warnings;
            pipeline.origins = origins;
            Ok(pipeline)
        }
        _ => Err(Problems(problems)),
    }
}

/// All sections. None only with a problem recorded.
fn checked(mut top: Section<'_>) -> Option<Pipeline> {
    let document = top.document;
    let name = name_of(document);
    // Said of a file, not of the configuration; `layer::chain` has read it.
    let extends = top.take("extends");
    if let Some(value) = extends.filter(|value| !value.get_ref().is_str()) {
        document.wrong(
            &value.span(),
            "`extends` must be a text: the name of a pipeline",
        );
    }
    let given = parameters::read(&mut top);
    document.parameters.replace(given);
    let off = !top.flag("enabled", true);
    let switched_off = off.then(|| top.place("enabled"));
    let switched_off = switched_off.map(|span| origin::place(document, &span));
    let listing = listing::read(&mut top);
    let target = target(&mut top);
    let school_year = top.integer("school_year", (1990, 2100));
    let state_dir = state_dir(&mut top);
    let metadata = top
        .text("metadata")
        .and_then(|t| existing_file(document, &t));
    let rights = rights(&mut top);
    let sis_schema = match top.text("sis_schema") {
        Some(text) => existing_file(document, &text),
        None => beside(document, "sis.toml"),
    };
    let scope = scope::read(&mut top);
    let source = source::read(&mut top);
    let dis = dis::read(&mut top, target);
    let sif = sif::read(&mut top, target);
    let sif3 = sif3::read(&mut top, target);
    let connection = connection::read(&mut top, target);
    let sandbox = matches!(connection, Some(Connection::Sandbox));
    let load = options::load_settings(&mut top, sandbox);
    let fail_on = options::fail_on(&mut top);
    let keep = options::keep(&mut top);
    let notify = notify::read(&mut top);
    let settings = options::settings(&mut top);
    let deletes = deletes::read(&mut top);
    let resync_modes = deletes::modes(&mut top);
    let queries = resources::read(&mut top, target);
    top.finish();
    if let Some(dis) = &dis {
        dis::check(document, dis, &queries);
    }
    if let Some(sif) = &sif {
        sif_zone::check(document, &sif.zone, &queries);
    }
    sif3::check(document, target, &queries);
    let Queries {
        sql_dir,
        views,
        crosswalks,
        mut resources,
        disabled,
    } = queries;
    let profile = match &connection {
        Some(Connection::Server { routing, .. }) => routing.profile.as_deref(),
        _ => None,
    };
    for resource in &mut resources {
        resource.profile = routing::effective(resource.profile.take(), profile);
    }
    Some(Pipeline {
        name: name?,
        file: document.layers.first()?.file.clone(),
        layers: document.files().map(layer::note).collect(),
        parameters: document.parameters.borrow().clone(),
        switched_off,
        listing,
        target: target?,
        school_year: school_year.and_then(|y| i32::try_from(y).ok()),
        scope,
        state_dir,
        source: source?,
        dis,
        sif,
        sif3,
        connection: connection?,
        load,
        fail_on,
        keep,
        notify,
        settings,
        deletes,
        resync_modes,
        crosswalks,
        views,
        resources,
        disabled,
        sql_dir,
        metadata,
        sis_schema: sis_schema?,
        rights,
        warnings: Vec::new(),
        origins: Vec::new(),
    })
}

/// `[rights] file`.
fn rights(top: &mut Section<'_>) -> Option<PathBuf> {
    let mut section = top.section("rights")?;
    let file = section.text("file");
    let stated = section.has("file");
    let (document, span) = (section.document, section.span.clone());
    section.finish();
    if !stated {
        document.wrong(
            &span,
            "`[rights]` names no file: write file = \"rights.toml\"",
        );
    }
    existing_file(document, &file?)
}

/// The configuration's name; it is also a folder's.
fn name_of(document: &Document<'_>) -> Option<String> {
    let name = document.path.file_stem()?.to_str().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(fits) {
        return Some(name.to_owned());
    }
    let what = "the file's name becomes a folder's: use letters, digits, `-` and `_` only";
    document.problem(&(0..0), Problem::new(document.path, what));
    None
}

fn target(top: &mut Section<'_>) -> Option<TargetKind> {
    let legal = [
        ("edfi", TargetKind::Edfi),
        ("sif", TargetKind::Sif),
        ("sif3", TargetKind::Sif3),
        ("dis", TargetKind::Dis),
    ];
    let Some(text) = top.text("target") else {
        if !top.has("target") {
            let what = "`target` is missing: write, for example, target = \"edfi\"";
            let problem = top
                .document
                .at(&(0..0), what)
                .choices("", legal.map(|(n, _)| n));
            top.document.problem(&(0..0), problem);
        }
        return None;
    };
    choice(top.document, "target", &text, &legal)
}

/// The value that a text names, or a problem with what would be legal.
pub(super) fn choice<T: Copy>(
    document: &Document<'_>,
    key: &str,
    text: &Text,
    legal: &[(&str, T)],
) -> Option<T> {
    let found = legal
        .iter()
        .find(|(name, _)| *name == text.value)
        .map(|(_, value)| *value);
    if found.is_none() {
        let problem = document
            .at(&text.span, format!("`{key}` cannot be `{}`", text.value))
            .choices(&text.value, legal.iter().map(|(name, _)| *name));
        document.problem(&text.span, problem);
    }
    found
}

/// A file that the pipeline names and that is there.
pub(super) fn existing_file(document: &Document<'_>, text: &Text) -> Option<PathBuf> {
    let path = document.path_of(text);
    if shipped::is_file(&path) {
        return Some(path);
    }
    document.wrong(&text.span, format!("no such file: {}", path.display()));
    None
}

/// A file beside a layer, the highest that has one.
fn beside(document: &Document<'_>, name: &str) -> Option<PathBuf> {
    let places: Vec<PathBuf> = document.files().map(|l| join(l.folder(), name)).collect();
    if let Some(path) = places.iter().find(|path| shipped::is_file(path)) {
        return Some(path.clone());
    }
    let what = format!(
        "no SIS schema at {}: put it there, or name it with sis_schema = \"...\"",
        places.first()?.display()
    );
    document.problem(&(0..0), Problem::new(document.path, what));
    None
}

/// Where everything is kept. What the program ships knows nothing of the machine: there, and
/// where no layer says it, the path starts beside the named file, from whatever folder it is run.
fn state_dir(top: &mut Section<'_>) -> PathBuf {
    const DEFAULT: &str = "../fullsync-data";
    let document = top.document;
    let beside_top = |value: &str| {
        let folder = document.layers.first().map(Layer::folder);
        join(folder.unwrap_or(Path::new("")), value)
    };
    let Some(text) = top.text("state_dir") else {
        document.default("state_dir".to_owned(), format!("{DEFAULT:?}"));
        return beside_top(DEFAULT);
    };
    match document.layer(&text.span).map(|layer| layer.kind) {
        Some(layer::Kind::Shipped) => beside_top(&text.value),
        _ => document.path_of(&text),
    }
}

/// Did-you-mean for a file among those of a folder.
pub(super) fn similar_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let names: Vec<String> = shipped::list(path.parent()?)
        .iter()
        .filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()))
        .collect();
    closest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests;
