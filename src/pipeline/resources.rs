//! What the pipeline asks of the data: one stanza per resource, over shared views and crosswalks.
//!
//! Reads: sections. Writes: nothing. Never: plans a query, judges whether
//! a target has a resource of that name (the metadata does).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use super::additions;
use super::check::choice;
use super::problem::{Problem, closest};
use super::section::{Document, Section, Text};
use super::shared::{self, SqlDirs};
use super::{Mode, Resource, TargetKind};

/// All that a pipeline computes objects from.
#[derive(Default)]
pub(super) struct Queries {
    pub(super) sql_dir: PathBuf,
    pub(super) views: Vec<(String, PathBuf)>,
    pub(super) crosswalks: BTreeMap<String, Vec<PathBuf>>,
    pub(super) resources: Vec<Resource>,
    pub(super) disabled: Vec<Resource>,
}

/// Whether a name can stand in SQL without quotes.
pub(super) fn is_sql_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads `sql_dir`, `views`, `crosswalks` and `[resources.*]`.
pub(super) fn read(top: &mut Section<'_>, target: Option<TargetKind>) -> Queries {
    let document = top.document;
    let sql_dirs = SqlDirs::read(top);
    let views = shared::views(top, &sql_dirs);
    let crosswalks = shared::crosswalks(top, &sql_dirs);
    let mut queries = Queries {
        sql_dir: sql_dirs.of(document, &(0..0)).to_owned(),
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
            stanzas.push(stanza_of(name, stanza, &sql_dirs, target));
        }
    }
    prerequisites(document, &stanzas);
    parents(document, &stanzas);
    let mut used: BTreeSet<PathBuf> = queries.views.iter().map(|(_, sql)| sql.clone()).collect();
    for stanza in stanzas {
        used.extend(stanza.resource.as_ref().map(|r| r.sql.clone()));
        match stanza.resource {
            Some(resource) if stanza.enabled => queries.resources.push(resource),
            Some(resource) => queries.disabled.push(resource),
            None => {}
        }
    }
    if queries.resources.is_empty() && !queries.disabled.is_empty() {
        document.wrong(&section.span, "every resource is switched off");
    }
    shared::unused(document, &used, &queries.crosswalks);
    queries
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
    sql_dirs: &SqlDirs,
    target: Option<TargetKind>,
) -> Stanza {
    let document = section.document;
    if !is_sql_name(name) {
        let what = format!("`{name}` cannot be a resource's name: letters, digits and `_` only");
        document.wrong(&section.span, what);
    }
    let enabled = section.flag("enabled", true);
    let sql = match section.text("sql") {
        Some(text) => sql_dirs.file(document, &text.value, &text.span),
        None if section.has("sql") => None,
        None => {
            let file = format!("{}/{name}.sql", target.map_or("edfi", TargetKind::as_str));
            sql_dirs.file(document, &file, &section.span)
        }
    };
    if !section.has("sql") {
        let file = format!(
            "\"{}/{name}.sql\"",
            target.map_or("edfi", TargetKind::as_str)
        );
        document.default(section.full("sql"), file);
    }
    if !section.has("mode") {
        document.default(section.full("mode"), "\"post\"");
    }
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
    let additions = additions::read(&mut section);
    let parent = section.text("parent").map(|t| t.value);
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
        additions,
        parent,
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
