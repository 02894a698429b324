//! Verbs that look at configurations: list, show, resources.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{pipeline, pipeline_with};
use crate::cli::{ResourcesArgs, ShowArgs, SortBy, print, print_line};
use crate::metadata::Standard;
use crate::pipeline::{Connection, Mode, Pipeline, Resource, Sort};
use crate::run::connect;
use crate::shipped;
use crate::transform::tables_used;

pub(super) fn list() -> anyhow::Result<u8> {
    let mut rows = vec![Row::head(&[
        "Pipeline",
        "On",
        "Target",
        "Year",
        "Profile",
        "Connection",
        "Layers",
    ])];
    let mut broken = Vec::new();
    for name in Pipeline::names() {
        let pipeline = match pipeline(&name) {
            Ok(pipeline) => pipeline,
            // One configuration with mistakes must not hide the others.
            Err(error) => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().to_owned();
                let count = text.lines().count();
                broken.push(format!("{name}: {count} problems: {first}"));
                continue;
            }
        };
        let layers: Vec<String> = pipeline
            .layers
            .iter()
            .map(|layer| layer.shown.display().to_string())
            .collect();
        rows.push(Row(vec![
            name,
            on(pipeline.switched_off.is_none()).to_owned(),
            pipeline.target.as_str().to_owned(),
            pipeline
                .school_year
                .map_or("active".to_owned(), |year| year.to_string()),
            pipeline
                .listing
                .profile
                .unwrap_or_else(|| "core".to_owned()),
            match &pipeline.connection {
                Connection::Sandbox => "sandbox".to_owned(),
                Connection::Server { url, .. } => url.clone(),
            },
            layers.join(" < "),
        ]));
    }
    print(&table(&rows))?;
    for line in broken {
        print_line(&line)?;
    }
    Ok(0)
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

pub(super) fn show(args: &ShowArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.pipeline, &args.set)?;
    let Some(name) = &args.resource else {
        let layers = pipeline
            .layers
            .iter()
            .map(|l| l.shown.display().to_string());
        let layers: Vec<String> = layers.collect();
        print_line(&format!(
            "# {}, the highest layer first",
            layers.join(" < ")
        ))?;
        if let Some(place) = &pipeline.switched_off {
            print_line(&format!("# switched off at {place}"))?;
        }
        return print(&pipeline.effective(None, args.origin))
            .map_err(Into::into)
            .map(|()| 0);
    };
    let Some(resource) = all(&pipeline).find(|r| r.name == *name) else {
        let patterns = [name.clone()];
        let errors = pipeline.except(&patterns).err().unwrap_or_default();
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::bail!("{}", lines.join("\n"));
    };
    let is_off = pipeline.disabled.iter().any(|r| r.name == *name);
    print_line(&format!("# {name}: {}", on(!is_off)))?;
    print(&pipeline.effective(Some(name), args.origin))?;
    print_line(&format!("# SQL file: {}", file(&resource.sql)))?;
    let used = tables_used(&resource.sql, &resource.additions, &pipeline.views);
    let used = used.map_err(|all| {
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    for (table, files) in pipeline
        .crosswalks
        .iter()
        .filter(|(t, _)| used.contains(*t))
    {
        let files: Vec<String> = files.iter().map(|path| file(path)).collect();
        print_line(&format!("# {table}: {}", files.join(", under ")))?;
    }
    let standard = connect::standard(&pipeline)?;
    let names: Vec<&str> = all(&pipeline).map(|r| r.name.as_str()).collect();
    let mut before = standard.prerequisites_among(name, &names);
    before.extend(resource.depends_on.iter().map(String::as_str));
    print_line(&format!("# after: {}", before.join(", ")))?;
    Ok(0)
}

/// A file and whether it is read from this program.
fn file(path: &std::path::Path) -> String {
    match shipped::is_embedded(path) {
        true => format!("shipped:{}", path.display()),
        false => path.display().to_string(),
    }
}

fn all(pipeline: &Pipeline) -> impl Iterator<Item = &Resource> {
    pipeline.resources.iter().chain(&pipeline.disabled)
}

/// One line of the listing, as JSON, too.
#[derive(Serialize)]
struct Listed<'a> {
    resource: &'a str,
    on: bool,
    step: Option<u8>,
    category: Option<&'a str>,
    mode: &'static str,
    after: Vec<&'a str>,
}

pub(super) fn resources(args: &ResourcesArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.pipeline, &args.set)?;
    let standard = connect::standard(&pipeline)?;
    let sort = match args.sort {
        None => pipeline.listing.sort,
        Some(SortBy::Step) => Sort::Step,
        Some(SortBy::Category) => Sort::Category,
        Some(SortBy::Dependency) => Sort::Dependency,
    };
    let listed = listed(&pipeline, &standard, sort);
    if args.json {
        print_line(&serde_json::to_string_pretty(&listed)?)?;
        return Ok(0);
    }
    let mut rows = vec![Row::head(&[
        "Step", "Category", "Resource", "On", "Mode", "After",
    ])];
    rows.extend(listed.iter().map(|r| {
        Row(vec![
            r.step.map(|step| step.to_string()).unwrap_or_default(),
            r.category.unwrap_or_default().to_owned(),
            r.resource.to_owned(),
            on(r.on).to_owned(),
            r.mode.to_owned(),
            r.after.join(", "),
        ])
    }));
    print(&table(&rows))?;
    if let Some(place) = &pipeline.switched_off {
        print_line(&format!("the pipeline is switched off at {place}"))?;
    }
    Ok(0)
}

fn listed<'a>(pipeline: &'a Pipeline, standard: &Standard, sort: Sort) -> Vec<Listed<'a>> {
    let by_name: BTreeMap<&str, &Resource> = all(pipeline).map(|r| (r.name.as_str(), r)).collect();
    let names: Vec<&str> = all(pipeline).map(|r| r.name.as_str()).collect();
    let ordered = standard.order(&names);
    let mut listed: Vec<Listed<'_>> = ordered
        .iter()
        .filter_map(|name| by_name.get(name))
        .map(|resource| Listed {
            resource: &resource.name,
            on: pipeline.resources.iter().any(|r| r.name == resource.name),
            step: resource.step,
            category: resource.category.as_deref(),
            mode: match resource.mode {
                Mode::Post => "post",
                Mode::Verify => "verify",
            },
            after: standard.prerequisites_among(&resource.name, &names),
        })
        .collect();
    let mut categories: Vec<&str> = pipeline
        .listing
        .categories
        .iter()
        .map(String::as_str)
        .collect();
    categories.extend(all(pipeline).filter_map(|r| r.category.as_deref()));
    let category = |r: &Listed<'_>| categories.iter().position(|c| Some(*c) == r.category);
    match sort {
        Sort::Dependency => {}
        // None last.
        Sort::Step => listed.sort_by_key(|r| r.step.map_or(u8::MAX, |step| step)),
        Sort::Category => listed.sort_by_key(|r| category(r).unwrap_or(usize::MAX)),
    }
    listed
}

/// Cells of one line.
struct Row(Vec<String>);

impl Row {
    fn head(names: &[&str]) -> Self {
        Self(names.iter().map(|name| (*name).to_owned()).collect())
    }
}

/// Rows with their cells below each other.
fn table(rows: &[Row]) -> String {
    let columns = rows.iter().map(|row| row.0.len()).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.0.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.0.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}
