//! `fullsync explain`: one object, over all that a run has left of it.

use std::collections::HashMap;
use std::path::Path;

use arrow::array::Array as _;

use super::pipeline;
use crate::cli::{ExplainArgs, print, print_line};
use crate::ledger::{Ledger, Row};
use crate::load::{Answers, Columns, Objects, ObjectsError, Width};
use crate::object::{KeyHash, body_columns, encode};
use crate::pipeline::Pipeline;
use crate::stage::{RunFolder, StateDir};

/// Objects that `explain` shows at most.
const SHOWN: usize = 10;

pub(super) fn folder(pipeline: &Pipeline, run: &str) -> anyhow::Result<RunFolder> {
    Ok(StateDir::new(&pipeline.state_dir, &pipeline.name).open(run)?)
}

pub(super) fn names(pipeline: &Pipeline, patterns: &[String]) -> anyhow::Result<Vec<String>> {
    let chosen = pipeline.select(patterns).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    Ok(chosen.into_iter().map(|r| r.name.clone()).collect())
}

pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline(&args.pipeline)?;
    names(&pipeline, std::slice::from_ref(&args.resource))?;
    let run = folder(&pipeline, &args.from.run)?;
    let path = run.objects(&args.resource);
    let objects = Objects::open(&path)?;
    let found = find(&objects, args)?;
    if found.is_empty() {
        print_line(&format!("no such object in {}", path.display()))?;
        return Ok(1);
    }
    let ledgers = ledgers(&StateDir::new(&pipeline.state_dir, &pipeline.name).ledger());
    for group in objects.groups() {
        objects.read(
            group,
            Columns::All,
            |row| found.contains(&row),
            |_, batch| {
                let scope = objects.scope(&batch)?;
                let body = batch.project(&body_columns(&batch.schema()));
                let bodies = body.and_then(|b| encode(&b))?;
                let hash_of =
                    |i| KeyHash::from_bytes(scope.key_hash.value(i)).unwrap_or(KeyHash(0));
                let mut keys: Vec<KeyHash> = (0..batch.num_rows()).map(hash_of).collect();
                keys.sort_unstable();
                let results = results_of(&run.results(&args.resource), keys)?;
                for i in 0..batch.num_rows() {
                    let mut text = format!(
                        "{} {}\n  from     {} {}\n",
                        args.resource,
                        scope.key.value(i),
                        scope.source_table.value(i),
                        scope.source_key.value(i)
                    );
                    if scope.reason.is_valid(i) {
                        text.push_str(&format!(
                            "  held     {} {}\n",
                            scope.reason.value(i),
                            scope.detail.value(i)
                        ));
                    }
                    let body = String::from_utf8_lossy(bodies.bytes(i));
                    text.push_str(&format!("  body     {body}\n"));
                    let hash = hash_of(i);
                    if let Some(line) = results.get(&hash) {
                        text.push_str(&format!("  result   {line}\n"));
                    }
                    for (target, ledger) in &ledgers {
                        if let Some(row) = ledger.lookup(&args.resource, hash)? {
                            text.push_str(&format!("  ledger   {target}: {}\n", known(&row)));
                        }
                    }
                    print(&text)?;
                }
                Ok::<bool, anyhow::Error>(true)
            },
        )?;
    }
    Ok(0)
}

fn when(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_default()
}

/// What the ledger knows, in words.
fn known(row: &Row) -> String {
    let mut text = match row.delivered_at {
        Some(at) => format!(
            "delivered {} in run {}, id {}",
            when(at),
            row.delivered_run.as_deref().unwrap_or("?"),
            row.server_id.as_deref().unwrap_or("?")
        ),
        None => "never delivered".to_owned(),
    };
    if let Some((reason, status)) = &row.refusal {
        let run = &row.updated_run;
        text.push_str(&format!("; last refused in run {run}: {reason}"));
        if *status > 0 {
            text.push_str(&format!(", HTTP {status}"));
        }
    }
    text
}

/// The ledgers of a configuration, as `target/year`.
fn ledgers(folder: &Path) -> Vec<(String, Ledger)> {
    let list = |folder: &Path| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|e| e.path()).filter(|p| p.is_dir()).collect()
    };
    let years = list(folder).into_iter().flat_map(|target| list(&target));
    let named = years.filter_map(|year| {
        let name = year.strip_prefix(folder).ok()?.display().to_string();
        Some((name, Ledger::open(&year).ok()?))
    });
    named.collect()
}

/// Rows whose key is, or has a part that is, the one asked for; or of a source row.
fn find(objects: &Objects, args: &ExplainArgs) -> anyhow::Result<Vec<u64>> {
    let mut found = Vec::new();
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |rows, batch| {
                let scope = objects.scope(&batch)?;
                for (i, row) in rows.iter().enumerate() {
                    let key = scope.key.value(i);
                    let fits = match (&args.key, &args.source_key) {
                        (Some(wanted), _) => {
                            key == wanted
                                || key.split('&').any(|part| {
                                    part == wanted
                                        || part.split_once('=').is_some_and(|(_, v)| v == wanted)
                                })
                        }
                        (None, Some(wanted)) => scope.source_key.value(i) == wanted,
                        (None, None) => false,
                    };
                    if fits && found.len() < SHOWN {
                        found.push(*row);
                    }
                }
                Ok::<bool, ObjectsError>(true)
            },
        )?;
    }
    Ok(found)
}

/// One line for each of these keys (sorted), out of a results file; empty when there is none.
fn results_of(path: &Path, keys: Vec<KeyHash>) -> Result<HashMap<KeyHash, String>, ObjectsError> {
    let mut lines = HashMap::new();
    if !path.exists() {
        return Ok(lines);
    }
    Answers::open(path)?.read(Width::Wide, Some(&keys.into()), |answer| {
        let mut line = format!("operation={} outcome={}", answer.operation, answer.outcome);
        let (root_resource, root_key) = answer.root.unwrap_or_default();
        for (name, value) in [
            ("reason", answer.reason),
            ("message", answer.message),
            ("detail", answer.detail),
            ("root_resource", root_resource),
            ("root_key", root_key),
            ("server_id", answer.server_id),
        ] {
            if !value.is_empty() {
                line.push_str(&format!(" {name}={value}"));
            }
        }
        let (status, attempts) = (answer.status, answer.attempts);
        line.push_str(&format!(
            " status={status} attempts={attempts} at={}",
            when(answer.at)
        ));
        lines.insert(answer.key_hash, line);
        Ok::<(), ObjectsError>(())
    })?;
    Ok(lines)
}
