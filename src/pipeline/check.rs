//! A pipeline file as a whole: found, read, parsed, every section checked, all problems told.
//!
//! Reads: the pipeline file and what it names. Writes: nothing. Never: stops at the first problem.

use std::fs;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::problem::{Problem, Problems, closest};
use super::resources::{self, Queries};
use super::section::{Document, Section, Text};
use super::{Connection, Pipeline, TargetKind, connection, deletes, dis, notify, options, source};

/// Finds the file of a pipeline: `edfi` is `pipelines/edfi.toml` in the current directory;
/// anything with a `/` or ending in `.toml` is a path.
fn locate(name_or_path: &str) -> Result<PathBuf, Problem> {
    let is_path = name_or_path.contains(std::path::MAIN_SEPARATOR)
        || Path::new(name_or_path)
            .extension()
            .is_some_and(|e| e == "toml");
    if is_path {
        let path = PathBuf::from(name_or_path);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Problem::new(&path, "no such file"))
        };
    }
    let folder = Path::new("pipelines");
    let path = folder.join(format!("{name_or_path}.toml"));
    if path.is_file() {
        return Ok(path);
    }
    let known = pipelines_in(folder);
    let known = known.iter().map(String::as_str);
    Err(
        Problem::new(&path, "no such pipeline in the current directory")
            .choices(name_or_path, known),
    )
}

/// Names of the pipelines in a folder. `sis.toml` is the SIS schema, not a pipeline.
fn pipelines_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "sis")
        .collect();
    names.sort();
    names
}

/// Reads and checks a pipeline.
pub(super) fn load(
    name_or_path: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Pipeline, Problems> {
    let one = |problem| Problems(vec![problem]);
    let path = locate(name_or_path).map_err(one)?;
    let text = fs::read_to_string(&path)
        .map_err(|e| one(Problem::new(&path, format!("cannot be read: {e}"))))?;
    parse(&path, &text, env)
}

/// Checks the text of a pipeline file.
fn parse(
    path: &Path,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Pipeline, Problems> {
    let document = Document::new(path, text, env);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        document.wrong(&error.span().unwrap_or(0..0), error.message().trim_end());
    }
    // What a broken text was recovered to would only raise follow-up problems.
    let pipeline = if errors.is_empty() {
        let top = Section::new(&document, String::new(), 0..0, root.get_ref());
        checked(top)
    } else {
        None
    };
    let (problems, warnings) = document.finish();
    match pipeline {
        Some(mut pipeline) if problems.is_empty() => {
            pipeline.warnings = warnings;
            Ok(pipeline)
        }
        _ => Err(Problems(problems)),
    }
}

/// All sections. None only with a problem recorded.
fn checked(mut top: Section<'_>) -> Option<Pipeline> {
    let document = top.document;
    let name = name_of(document);
    let target = target(&mut top);
    let school_year = top.integer("school_year", (1990, 2100));
    let state_dir = top
        .text("state_dir")
        .map_or("../fullsync-data".to_owned(), |t| t.value);
    let metadata = top
        .text("metadata")
        .and_then(|t| existing_file(document, &t));
    let sis_schema = match top.text("sis_schema") {
        Some(text) => existing_file(document, &text),
        None => beside(document, "sis.toml"),
    };
    let source = source::read(&mut top);
    let dis = dis::read(&mut top, target);
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
    let Queries {
        views,
        crosswalks,
        resources,
        disabled,
    } = queries;
    Some(Pipeline {
        name: name?,
        file: document.path.to_owned(),
        target: target?,
        school_year: school_year.and_then(|y| i32::try_from(y).ok()),
        state_dir: document.path_of(&state_dir),
        source: source?,
        dis,
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
        metadata,
        sis_schema: sis_schema?,
        warnings: Vec::new(),
    })
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
    let path = document.path_of(&text.value);
    if path.is_file() {
        return Some(path);
    }
    document.wrong(&text.span, format!("no such file: {}", path.display()));
    None
}

fn beside(document: &Document<'_>, name: &str) -> Option<PathBuf> {
    let path = document.path_of(name);
    if path.is_file() {
        return Some(path);
    }
    let what = format!(
        "no SIS schema at {}: put it there, or name it with sis_schema = \"...\"",
        path.display()
    );
    document.problem(&(0..0), Problem::new(document.path, what));
    None
}

/// Did-you-mean for a file among those of a folder.
pub(super) fn similar_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let entries = fs::read_dir(path.parent()?).ok()?.flatten();
    let names: Vec<String> = entries
        .filter_map(|e| e.file_name().into_string().ok())
        .collect();
    closest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests;
