//! The status of a pipeline as a tree: last resync, results and status of each resource.
//!
//! Source: the screen of Resync State Data - Batch, column by column.

use std::io::IsTerminal as _;

use chrono::Local;
use serde_json::{Value, json};

use crate::cli::print;
use crate::pipeline::Pipeline;
use crate::run::standing::{Resync, Standing, Status};
use crate::stage::StateDir;

/// Prints the tree.
pub(super) fn print_tree(pipeline: &Pipeline, as_json: bool) -> anyhow::Result<()> {
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let standing = Standing::read(&state)?;
    let last = standing.resources.values().max_by_key(|r| r.started);
    let colours = std::io::stdout().is_terminal();
    let text = match as_json {
        true => {
            let year = last.map(|r| r.school_year).or(pipeline.school_year);
            format!("{:#}\n", as_value(pipeline, &standing, year))
        }
        false => table(pipeline, &standing, last, colours),
    };
    Ok(print(&text)?)
}

fn as_value(pipeline: &Pipeline, standing: &Standing, year: Option<i32>) -> Value {
    let objects: Vec<Value> = pipeline
        .tree()
        .into_iter()
        .map(|(depth, resource)| {
            let known = standing.resources.get(&resource.name);
            json!({
                "object": resource.name,
                "parent": resource.parent,
                "depth": depth,
                "last_resync": known.map(|k| k.started),
                "run": known.map(|k| &k.run),
                "processed": known.map(|k| k.processed),
                "errors": known.map(|k| k.errors),
                "status": known.map_or(Status::Never, |k| k.status),
            })
        })
        .collect();
    json!({"school_year": year, "objects": objects})
}

fn table(pipeline: &Pipeline, standing: &Standing, last: Option<&Resync>, colours: bool) -> String {
    let tree = pipeline.tree();
    let mut rows = Vec::with_capacity(tree.len());
    for (i, (depth, resource)) in tree.iter().enumerate() {
        let expands = tree.get(i + 1).is_some_and(|(next, _)| next > depth);
        let mark = if expands { "[-] " } else { "    " };
        let name = format!("{}{mark}{}", "  ".repeat(*depth), resource.name);
        rows.push((name, standing.resources.get(&resource.name)));
    }
    let title = match last {
        Some(last) => {
            let current = if last.current_year { "Current " } else { "" };
            let year = last.school_year;
            format!(
                "Resync Data For The {current}School Year ({}-{year})\n\n",
                year - 1
            )
        }
        None => "Resync Data: no resync yet\n\n".to_owned(),
    };
    let results = |known: Option<&Resync>| match known {
        Some(k) => format!("Processed: {} Errors: {}", k.processed, k.errors),
        None => String::new(),
    };
    let names = rows.iter().map(|(name, _)| name.chars().count());
    let width = names.max().unwrap_or(0).max("DIS Objects".len());
    let most = rows.iter().map(|(_, k)| results(*k).len());
    let most = most.max().unwrap_or(0).max("Results".len());
    let mut text = title;
    let head = ["DIS Objects", "Last Resync", "Results"];
    let [objects, last, outcome] = head;
    text.push_str(&format!(
        "{objects:width$}  {last:19}  {outcome:most$}  Status Legend\n"
    ));
    for (name, known) in rows {
        let when = known.map(|k| {
            let local = k.started.with_timezone(&Local);
            local.format("%m/%d/%Y %H:%M:%S").to_string()
        });
        let status = known.map_or(Status::Never, |k| k.status);
        text.push_str(&format!(
            "{name:width$}  {:19}  {:most$}  {}\n",
            when.unwrap_or_default(),
            results(known),
            shown(status, colours)
        ));
    }
    text.push_str("\nStatus Legend:");
    for status in Status::ALL {
        text.push_str(&format!("  {}", shown(status, colours)));
    }
    text.push('\n');
    text
}

/// A status with its mark, in colour on a terminal.
fn shown(status: Status, colours: bool) -> String {
    let (mark, colour) = match status {
        Status::Never => ('○', 90),
        Status::Queued => ('◌', 36),
        Status::Running => ('◐', 36),
        Status::Done => ('●', 32),
        Status::DoneWithErrors => ('●', 33),
        Status::Failed => ('✗', 31),
        Status::Cancelled => ('◑', 31),
    };
    let word = status.as_str();
    match colours {
        true => format!("\u{1b}[{colour}m{mark}\u{1b}[0m {word}"),
        false => format!("{mark} {word}"),
    }
}
