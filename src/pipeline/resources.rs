//! What the pipeline asks of the data: SQL files, views, crosswalks, one stanza per resource.
//!
//! Reads: the folders of SQL and crosswalks. Writes: nothing. Never: plans a query, judges whether
//! a target has a resource of that name (the metadata does).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::check::{choice, similar_file};
use super::problem::{Problem, closest};
use super::section::{Document, Section, Text, join};
use super::{Mode, Resource, TargetKind};

/// All that a pipeline computes objects from.
#[derive(Default)]
pub(super) struct Queries {
    pub(super) views: Vec<(String, PathBuf)>,
    pub(super) crosswalks: BTreeMap<String, PathBuf>,
    pub(super) resources: Vec<Resource>,
    pub(super) disabled: Vec<String>,
}

/// Whether a name can stand in SQL without quotes.
pub(super) fn is_sql_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads `sql_dir`, `views`, `crosswalks` and `[resources.*]`.
pub(super) fn read(top: &mut Section<'_>, target: Option<TargetKind>) -> Queries {
    let document = top.document;
    let sql_dir = sql_dir(top);
    let views = views(top, &sql_dir);
    let crosswalks = crosswalks(top, &sql_dir);
    let mut queries = Queries {
        views,
        crosswalks,
        ..Queries::default()
    };
    let Some(section) = top.section("resources") else {
        if !top.has("resources") {
            let what = "no resource: add a stanza like [resources.students]";
            document.problem(&(0..0), Problem::new(document.path, what));
        }
        return queries;
    };
    let mut stanzas = Vec::new();
    for (name, span, value) in &section.entries {
        let full = format!("resources.{name}");
        if let Some(stanza) = document.section_of(full, span.clone(), value) {
            stanzas.push(stanza_of(name, stanza, &sql_dir, target));
        }
    }
    prerequisites(document, &stanzas);
    parents(document, &stanzas);
    let mut used: BTreeSet<PathBuf> = queries.views.iter().map(|(_, sql)| sql.clone()).collect();
    for stanza in stanzas {
        used.extend(stanza.resource.as_ref().map(|r| r.sql.clone()));
        match stanza.resource {
            Some(resource) if stanza.enabled => queries.resources.push(resource),
            Some(_) => queries.disabled.push(stanza.name),
            None => {}
        }
    }
    if queries.resources.is_empty() && !queries.disabled.is_empty() {
        document.wrong(&section.span, "every resource is switched off");
    }
    unused(document, &used, &queries.crosswalks);
    queries
}

fn sql_dir(top: &mut Section<'_>) -> PathBuf {
    let document = top.document;
    let text = top.text("sql_dir");
    let path = document.path_of(text.as_ref().map_or("../sql", |t| &t.value));
    if !path.is_dir() {
        let span = text.map_or(0..0, |t| t.span);
        document.wrong(
            &span,
            format!("no such folder of SQL files: {}", path.display()),
        );
    }
    path
}

/// A SQL file that is there; a problem names a similar one.
fn sql_file(
    document: &Document<'_>,
    dir: &Path,
    value: &str,
    span: &Range<usize>,
) -> Option<PathBuf> {
    let path = join(dir, value);
    if path.is_file() {
        return Some(path);
    }
    // A missing folder has been told once; repeating it for each file would bury the rest.
    if dir.is_dir() {
        let mut problem = document.at(span, format!("no such SQL file: {}", path.display()));
        problem.suggestion = similar_file(&path);
        document.problem(span, problem);
    }
    None
}

fn views(top: &mut Section<'_>, sql_dir: &Path) -> Vec<(String, PathBuf)> {
    let document = top.document;
    let mut views: Vec<(String, PathBuf)> = Vec::new();
    for text in top.list("views").unwrap_or_default() {
        let name = Path::new(&text.value)
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        if !is_sql_name(name) {
            let what = format!("`{name}` is no name for a view: letters, digits and `_` only");
            document.wrong(&text.span, what);
        } else if views.iter().any(|(known, _)| known == name) {
            document.wrong(&text.span, format!("two views are called `{name}`"));
        } else if let Some(path) = sql_file(document, sql_dir, &text.value, &text.span) {
            views.push((name.to_owned(), path));
        }
    }
    views
}

fn crosswalks(top: &mut Section<'_>, sql_dir: &Path) -> BTreeMap<String, PathBuf> {
    let document = top.document;
    let mut found = BTreeMap::new();
    let Some(text) = top.text("crosswalks") else {
        return found;
    };
    let folder = document.path_of(&text.value);
    let Ok(entries) = fs::read_dir(&folder) else {
        let mut problem = document.at(
            &text.span,
            format!("no such folder of crosswalks: {}", folder.display()),
        );
        // The commonest slip: a path meant from the SQL folder instead of from this file.
        if join(sql_dir, &text.value).is_dir() {
            problem.what.push_str(", paths start at the pipeline file");
        }
        document.problem(&text.span, problem);
        return found;
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    for path in files
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "csv"))
    {
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        if is_sql_name(stem) {
            found.insert(format!("xwalk_{stem}"), path);
        } else {
            let what = "the name of a crosswalk file becomes a table's: letters, digits and `_`";
            document.problem(&text.span, Problem::new(&path, what));
        }
    }
    found
}

/// One `[resources.NAME]`.
struct Stanza {
    name: String,
    span: Range<usize>,
    enabled: bool,
    /// None with a problem recorded.
    resource: Option<Resource>,
    /// With their places, for the check that needs all stanzas.
    depends_on: Vec<Text>,
}

fn stanza_of(
    name: &str,
    mut section: Section<'_>,
    sql_dir: &Path,
    target: Option<TargetKind>,
) -> Stanza {
    let document = section.document;
    if !is_sql_name(name) {
        let what = format!("`{name}` cannot be a resource's name: letters, digits and `_` only");
        document.wrong(&section.span, what);
    }
    let enabled = section.flag("enabled", true);
    let sql = match section.text("sql") {
        Some(text) => sql_file(document, sql_dir, &text.value, &text.span),
        None if section.has("sql") => None,
        None => {
            let file = format!("{}/{name}.sql", target.map_or("edfi", TargetKind::as_str));
            sql_file(document, sql_dir, &file, &section.span)
        }
    };
    let modes = [("post", Mode::Post), ("verify", Mode::Verify)];
    let mode = section
        .text("mode")
        .and_then(|t| choice(document, "mode", &t, &modes));
    let category = section.text("category").map(|t| t.value);
    let step = section
        .integer("step", (1, 5))
        .and_then(|n| u8::try_from(n).ok());
    let key = section
        .list("key")
        .map(|parts| paths(document, "key", &parts));
    let required = section.list("required").unwrap_or_default();
    let required = paths(document, "required", &required);
    let span = section.span.clone();
    let depends_on = section.list("depends_on").unwrap_or_default();
    let parent = section.text("parent").map(|t| t.value);
    let selective = section.text("selective").map(|t| t.value);
    section.finish();
    let resource = sql.map(|sql| Resource {
        name: name.to_owned(),
        sql,
        mode: mode.unwrap_or_default(),
        category,
        step,
        key,
        required,
        depends_on: depends_on.iter().map(|t| t.value.clone()).collect(),
        parent,
        selective,
    });
    Stanza {
        name: name.to_owned(),
        span,
        enabled,
        resource,
        depends_on,
    }
}

/// Texts that are paths in a body (`a.b`) or, for keys, `name=path`.
fn paths(document: &Document<'_>, key: &str, texts: &[Text]) -> Vec<String> {
    if key == "key" && texts.is_empty() {
        document.problem(
            &(0..0),
            Problem::new(document.path, "`key = []` names no part"),
        );
    }
    for text in texts {
        let (name, path) = match text.value.split_once('=') {
            Some((name, path)) if key == "key" => (name, path),
            _ => ("name", text.value.as_str()),
        };
        if !is_sql_name(name) || !path.split('.').all(is_sql_name) {
            let shape = if key == "key" {
                "`name` or `name=path.in.body`"
            } else {
                "`path.in.body`"
            };
            let what = format!("`{}` is no entry of `{key}`: write {shape}", text.value);
            document.wrong(&text.span, what);
        }
    }
    texts.iter().map(|t| t.value.clone()).collect()
}

/// Every prerequisite must be a stanza of this file (switched off or not), and none may wait for
/// itself.
fn prerequisites(document: &Document<'_>, stanzas: &[Stanza]) {
    let names: Vec<&str> = stanzas.iter().map(|s| s.name.as_str()).collect();
    for stanza in stanzas {
        for text in &stanza.depends_on {
            if !names.contains(&text.value.as_str()) {
                let what = format!(
                    "resource `{}` depends on `{}`, which this pipeline does not define",
                    stanza.name, text.value
                );
                let mut problem = document.at(&text.span, what);
                problem.suggestion = closest(&text.value, names.iter().copied()).map(str::to_owned);
                document.problem(&text.span, problem);
            }
        }
    }
    for cycle in cycles(stanzas) {
        let Some(first) = stanzas.iter().find(|s| s.name == cycle[0]) else {
            continue;
        };
        let span = first.depends_on.first().map_or(0..0, |t| t.span.clone());
        let what = format!("depends_on goes round in a circle: {}", cycle.join(" -> "));
        document.wrong(&span, what);
    }
}

/// Every parent must be a stanza of this file, and none may hang below itself.
fn parents(document: &Document<'_>, stanzas: &[Stanza]) {
    let parent_of = |name: &str| {
        let stanza = stanzas.iter().find(|s| s.name == name);
        stanza.and_then(|s| s.resource.as_ref()?.parent.as_deref())
    };
    for stanza in stanzas {
        let Some(parent) = parent_of(&stanza.name) else {
            continue;
        };
        let mut above = std::iter::successors(Some(parent), |name| parent_of(name));
        // No way up is longer than there are stanzas, unless it goes round.
        let wrong = if !stanzas.iter().any(|s| s.name == parent) {
            "which this pipeline does not define"
        } else if above.nth(stanzas.len()).is_some() {
            "and so hangs below itself"
        } else {
            continue;
        };
        let what = format!("resource `{}` hangs below `{parent}`, {wrong}", stanza.name);
        document.wrong(&stanza.span, what);
    }
}

/// The circles of `depends_on`, each once, as `a -> b -> a`.
fn cycles(stanzas: &[Stanza]) -> Vec<Vec<String>> {
    let edges: BTreeMap<&str, &[Text]> = stanzas
        .iter()
        .map(|s| (s.name.as_str(), s.depends_on.as_slice()))
        .collect();
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for stanza in stanzas {
        walk(&stanza.name, &edges, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn walk<'a>(
    name: &'a str,
    edges: &BTreeMap<&'a str, &'a [Text]>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    found: &mut Vec<Vec<String>>,
) {
    if let Some(start) = path.iter().position(|n| *n == name) {
        let circle = path[start..].iter().chain([&name]);
        found.push(circle.map(|n| (*n).to_owned()).collect());
        return;
    }
    if done.contains(name) {
        return;
    }
    path.push(name);
    for next in edges.get(name).copied().unwrap_or_default() {
        walk(&next.value, edges, path, done, found);
    }
    path.pop();
    done.insert(name);
}

/// SQL files beside used ones that nothing uses, and crosswalks that no SQL mentions: left-overs,
/// or a stanza that was forgotten.
fn unused(
    document: &Document<'_>,
    used: &BTreeSet<PathBuf>,
    crosswalks: &BTreeMap<String, PathBuf>,
) {
    let folders: BTreeSet<&Path> = used.iter().filter_map(|p| p.parent()).collect();
    for folder in folders {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        files.sort();
        for path in files {
            if path.extension().is_some_and(|e| e == "sql") && !used.contains(&path) {
                document.warn(Problem::new(
                    &path,
                    "no resource and no view uses this SQL file",
                ));
            }
        }
    }
    let mut words = BTreeSet::new();
    for path in used {
        let text = fs::read_to_string(path).unwrap_or_default();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = text
            .split(|c| !is_word(c))
            .filter(|w| w.starts_with("xwalk_"));
        words.extend(names.map(str::to_owned));
    }
    for (table, path) in crosswalks {
        if !words.contains(table) {
            let what = format!("no SQL file of this pipeline uses `{table}`");
            document.warn(Problem::new(path, what));
        }
    }
}
