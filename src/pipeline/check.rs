//! A pipeline file as a whole: found, read, parsed, every section checked, all problems told.
//!
//! Reads: the pipeline file and what it names. Writes: nothing. Never: stops at the first problem.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::connection;
use super::limits::{self, Limit};
use super::problem::{Problem, Problems, closest};
use super::resources::{self, Queries};
use super::section::{Document, Section, Text, integer_of};
use super::{
    Connection, FailOn, Keep, LoadSettings, Pipeline, Setting, SourceFormat, SourceSettings,
    TargetKind,
};

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
    let source = source(&mut top);
    let connection = connection::read(&mut top);
    let sandbox = matches!(connection, Some(Connection::Sandbox));
    let load = load_settings(&mut top, sandbox);
    let fail_on = fail_on(&mut top);
    let keep = keep(&mut top);
    let settings = settings(&mut top);
    let queries = resources::read(&mut top, target);
    top.finish();
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
        connection: connection?,
        load,
        fail_on,
        keep,
        settings,
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

fn source(top: &mut Section<'_>) -> Option<SourceSettings> {
    let Some(mut section) = top.section("source") else {
        if !top.has("source") {
            top.document
                .wrong(&(0..0), "[source] is missing: it needs path = \"...\"");
        }
        return None;
    };
    let document = section.document;
    let path = section.text("path");
    let legal = [
        ("csv", SourceFormat::Csv),
        ("parquet", SourceFormat::Parquet),
        ("sqlite", SourceFormat::Sqlite),
    ];
    let stated = section.text("format");
    let format = stated
        .as_ref()
        .and_then(|t| choice(document, "source.format", t, &legal));
    let at = section.span.clone();
    let has_path = section.has("path");
    section.finish();
    let Some(path) = path else {
        if !has_path {
            document.wrong(
                &at,
                "[source] needs path = \"...\", the folder or file of SIS tables",
            );
        }
        return None;
    };
    let place = document.path_of(&path.value);
    if !place.exists() {
        document.wrong(
            &path.span,
            format!("no such file or folder: {}", place.display()),
        );
        return None;
    }
    let format = match (format, stated) {
        (Some(format), _) => format,
        (None, Some(_)) => return None,
        (None, None) => match guess(&place) {
            Ok(format) => format,
            Err(why) => {
                let problem = document
                    .at(&path.span, why)
                    .choices("", legal.map(|(n, _)| n));
                document.problem(&path.span, problem);
                return None;
            }
        },
    };
    if place.is_dir() == (format == SourceFormat::Sqlite) {
        let wanted = if place.is_dir() { "a file" } else { "a folder" };
        let what = format!("this format needs {wanted}: {}", place.display());
        document.wrong(&path.span, what);
        return None;
    }
    Some(SourceSettings {
        path: place,
        format,
    })
}

/// The format of a source by what is there.
fn guess(place: &Path) -> Result<SourceFormat, String> {
    if place.is_file() {
        return Ok(SourceFormat::Sqlite);
    }
    let has = |wanted: &str| {
        let mut entries = fs::read_dir(place).into_iter().flatten().flatten();
        entries.any(|e| {
            e.path()
                .extension()
                .is_some_and(|x| x.eq_ignore_ascii_case(wanted))
        })
    };
    match (has("csv"), has("parquet")) {
        (true, false) => Ok(SourceFormat::Csv),
        (false, true) => Ok(SourceFormat::Parquet),
        (true, true) => Err(format!(
            "{} holds CSV and Parquet files: say which by source.format",
            place.display()
        )),
        (false, false) => Err(format!(
            "{} holds no CSV and no Parquet file: wrong folder, or say source.format",
            place.display()
        )),
    }
}

fn load_settings(top: &mut Section<'_>, sandbox: bool) -> LoadSettings {
    let mut section = top
        .section("load")
        .unwrap_or_else(|| empty(top.document, "load"));
    let section = &mut section;
    let number = |s: &mut Section<'_>, limit: &Limit| s.number(limit, sandbox);
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let concurrency_max = size(number(section, &limits::CONCURRENCY_MAX));
    let stated = section.has(limits::CONCURRENCY_START.key);
    let mut concurrency_start = size(number(section, &limits::CONCURRENCY_START));
    if concurrency_start > concurrency_max {
        if stated {
            let what = format!(
                "`load.concurrency_start` ({concurrency_start}) is above `load.concurrency_max` \
                 ({concurrency_max})"
            );
            section
                .document
                .wrong(&section.place(limits::CONCURRENCY_START.key), what);
        }
        concurrency_start = concurrency_max;
    }
    let backoff_max = Duration::from_millis(number(section, &limits::BACKOFF_MAX));
    let backoff_start = Duration::from_millis(number(section, &limits::BACKOFF_START));
    let settings = LoadSettings {
        concurrency_start,
        concurrency_max,
        max_attempts: count(number(section, &limits::MAX_ATTEMPTS)),
        backoff_start: backoff_start.min(backoff_max),
        backoff_max,
        retry_after_max: Duration::from_secs(number(section, &limits::RETRY_AFTER_MAX)),
        connect_timeout: Duration::from_secs(number(section, &limits::CONNECT_TIMEOUT)),
        request_timeout: Duration::from_secs(number(section, &limits::REQUEST_TIMEOUT)),
        stop_after_same_refusals: count(number(section, &limits::SAME_REFUSALS)),
        local_validation: section.flag("local_validation", true),
    };
    std::mem::replace(section, empty(top.document, "load")).finish();
    settings
}

/// A section that the file does not have.
fn empty<'a>(document: &'a Document<'a>, name: &str) -> Section<'a> {
    Section {
        document,
        name: name.to_owned(),
        span: 0..0,
        entries: Vec::new(),
        known: Vec::new(),
    }
}

fn fail_on(top: &mut Section<'_>) -> FailOn {
    let Some(mut section) = top.section("report") else {
        return FailOn::Any;
    };
    let value = section.take("fail_on");
    let document = section.document;
    let fail_on = value.and_then(|value| {
        let parsed = match value.get_ref() {
            DeValue::String(_) => FailOn::parse(&document.text_of("report.fail_on", value)?.value),
            other => integer_of(other)
                .and_then(|n| u64::try_from(n).ok())
                .map(FailOn::Count),
        };
        if parsed.is_none() {
            section.expected("fail_on", value, FAIL_ON);
        }
        parsed
    });
    section.finish();
    fail_on.unwrap_or(FailOn::Any)
}

const FAIL_ON: &str = "\"any\", \"new\", a number of errors like 25 or a share like \"5%\"";

impl FailOn {
    /// Parses `any`, `new`, `25` or `5%`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "any" => Some(Self::Any),
            "new" => Some(Self::New),
            text => match text.strip_suffix('%') {
                Some(percent) => {
                    let percent: f64 = percent.trim().parse().ok()?;
                    (0.0..=100.0)
                        .contains(&percent)
                        .then_some(Self::Share(percent / 100.0))
                }
                None => text.parse().ok().map(Self::Count),
            },
        }
    }
}

fn keep(top: &mut Section<'_>) -> Keep {
    let mut section = top
        .section("keep")
        .unwrap_or_else(|| empty(top.document, "keep"));
    let runs = section.number(&limits::KEEP_RUNS, false);
    let failed_days = section.number(&limits::KEEP_FAILED_DAYS, false);
    section.finish();
    Keep {
        runs: usize::try_from(runs).unwrap_or(usize::MAX),
        failed_days: u32::try_from(failed_days).unwrap_or(u32::MAX),
    }
}

fn settings(top: &mut Section<'_>) -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    let Some(section) = top.section("settings") else {
        return settings;
    };
    let document = section.document;
    for (name, span, value) in &section.entries {
        if !resources::is_sql_name(name) {
            let what = format!(
                "`settings.{name}` is no column name: letters, digits and `_`, no digit first"
            );
            document.wrong(span, what);
            continue;
        }
        if *name == "school_year" {
            let what = "`settings.school_year` is set by the run; use the top-level `school_year`";
            document.wrong(span, what);
            continue;
        }
        let setting = match value.get_ref() {
            DeValue::Boolean(flag) => Some(Setting::Boolean(*flag)),
            DeValue::String(_) => document
                .text_of(&format!("settings.{name}"), value)
                .map(|t| Setting::Text(t.value)),
            other => {
                let number = integer_of(other).map(Setting::Integer);
                if number.is_none() {
                    section.expected(name, value, "a text, a whole number, true or false");
                }
                number
            }
        };
        if let Some(setting) = setting {
            settings.insert((*name).to_owned(), setting);
        }
    }
    settings
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
