//! Verbs that look at what runs have left: status, errors, explain, diff.

use std::collections::HashMap;
use std::path::Path;

use arrow::array::Array as _;

use super::{pipeline, pipeline_with};
use crate::cli::{DiffArgs, ErrorsArgs, ExplainArgs, Session, StatusArgs, print, print_line};
use crate::ledger::{Ledger, Row};
use crate::load::{Columns, Objects, ObjectsError};
use crate::object::{ContentHash, KeyHash, body_columns, encode};
use crate::pipeline::{Pipeline, TargetKind};
use crate::report::{ErrorGroup, ErrorsReport};
use crate::stage::{RunFolder, StateDir};

/// Objects that `explain` shows at most.
const SHOWN: usize = 10;

fn folder(pipeline: &Pipeline, run: &str) -> anyhow::Result<RunFolder> {
    Ok(StateDir::new(&pipeline.state_dir, &pipeline.name).open(run)?)
}

pub(super) fn status(session: &Session, args: &StatusArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    pipeline
        .select(&args.scope.resources)
        .map_err(|e| anyhow::anyhow!("{}", e[0]))?;
    if pipeline.target == TargetKind::Dis && args.from.run == "latest" {
        super::tree::print_tree(&pipeline, args.json)?;
        let last = folder(&pipeline, "latest").ok();
        let report = last.and_then(|run| crate::report::read(run.path()).ok());
        return Ok(report.map_or(0, |(report, _)| report.exit_code));
    }
    let run = folder(&pipeline, &args.from.run)?;
    let state = run.state();
    let (mut report, errors) = match crate::report::read(run.path()) {
        Ok(read) => read,
        Err(error) => {
            print_line(&format!(
                "run {}: {}; it has no report (was it killed?): {}",
                run.id(),
                state.as_str(),
                run.path().display()
            ))?;
            tracing::info!(%error, "no report");
            return Ok(if state.is_finished() { 0 } else { 3 });
        }
    };
    if !args.scope.resources.is_empty() {
        let names = names(&pipeline, &args.scope.resources)?;
        report.resources.retain(|r| names.contains(&r.resource));
    }
    if args.json {
        print_line(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print_line(&format!("state: {}", state.as_str()))?;
        session.print_report(&report, &errors)?;
    }
    Ok(report.exit_code)
}

fn names(pipeline: &Pipeline, patterns: &[String]) -> anyhow::Result<Vec<String>> {
    let chosen = pipeline.select(patterns).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    Ok(chosen.into_iter().map(|r| r.name.clone()).collect())
}

pub(super) fn errors(args: &ErrorsArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    let names = names(&pipeline, &args.scope.resources)?;
    let run = folder(&pipeline, &args.from.run)?;
    let (_, mut report) = crate::report::read(run.path())?;
    let wanted = |g: &ErrorGroup| {
        names.contains(&g.resource)
            && args.reason.as_ref().is_none_or(|r| g.reason.as_str() == r)
            && args.outcome.as_ref().is_none_or(|o| g.outcome == *o)
    };
    let ErrorsReport {
        errors,
        held,
        deletes,
        cleared,
        ..
    } = &mut report;
    for groups in [&mut *errors, held, deletes, cleared] {
        groups.retain(wanted);
    }
    if args.outcome.is_none() && args.reason.is_none() {
        report.held.clear();
    }
    if args.json {
        print_line(&serde_json::to_string_pretty(&report)?)?;
        return Ok(0);
    }
    let groups = report
        .errors
        .iter()
        .chain(&report.held)
        .chain(&report.deletes);
    let mut shown = 0;
    for group in groups {
        print_line(&format!(
            "{} {} {}: {} ({} new)",
            group.resource, group.outcome, group.reason, group.count, group.new
        ))?;
        for example in group.examples.iter().take(args.limit.saturating_sub(shown)) {
            shown += 1;
            let root = example.root.as_ref();
            let root = root.map(|r| format!(" because of {} {}", r.resource, r.key));
            let status = (example.status > 0).then(|| format!(" HTTP {}", example.status));
            print_line(&format!(
                "    {} ({} {}){}{} {}",
                example.key,
                example.source_table,
                example.source_key,
                root.unwrap_or_default(),
                status.unwrap_or_default(),
                example.message
            ))?;
        }
    }
    print_line(&format!(
        "every one of them: {} (join with objects/ by _key)",
        run.path().join("results").display()
    ))?;
    Ok(0)
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
    let results = results_by_key(&run.results(&args.resource));
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
                    if let Some(line) = results.get(scope.key.value(i)) {
                        text.push_str(&format!("  result   {line}\n"));
                    }
                    let hash = KeyHash::from_bytes(scope.key_hash.value(i)).unwrap_or(KeyHash(0));
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

/// What the ledger knows, in words.
fn known(row: &Row) -> String {
    let when = |micros: i64| {
        chrono::DateTime::from_timestamp_micros(micros)
            .map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
            .unwrap_or_default()
    };
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

/// One line per key of a results file; empty when there is none.
fn results_by_key(path: &Path) -> HashMap<String, String> {
    let mut lines = HashMap::new();
    let Ok(file) = std::fs::File::open(path) else {
        return lines;
    };
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.build());
    let Ok(reader) = reader else { return lines };
    let options = arrow::util::display::FormatOptions::default().with_null("");
    for batch in reader.flatten() {
        let schema = batch.schema();
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .filter_map(|(column, field)| {
                let text = arrow::util::display::ArrayFormatter::try_new(column, &options).ok()?;
                Some((field.name().as_str(), text))
            })
            .collect();
        for row in 0..batch.num_rows() {
            let mut key = String::new();
            let mut line = String::new();
            for (name, text) in &columns {
                let value = text.value(row).to_string();
                match *name {
                    "_key" => key = value,
                    "_key_hash" => {}
                    _ if value.is_empty() => {}
                    name => line.push_str(&format!("{name}={value} ")),
                }
            }
            lines.insert(key, line.trim_end().to_owned());
        }
    }
    lines
}

pub(super) fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    let names = names(&pipeline, &args.scope.resources)?;
    let (from, to) = (folder(&pipeline, &args.from)?, folder(&pipeline, &args.to)?);
    for name in names {
        let (before, after) = (from.objects(&name), to.objects(&name));
        if !before.exists() || !after.exists() {
            print_line(&format!("{name}: not in both runs"))?;
            continue;
        }
        let before = contents(&before)?;
        let mut after = contents(&after)?;
        let (mut added, mut changed, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        let mut equal = 0u64;
        for (hash, (content, key)) in before {
            match after.remove(&hash) {
                None => gone.push(key),
                Some((new, _)) if new != content => changed.push(key),
                Some(_) => equal += 1,
            }
        }
        added.extend(after.into_values().map(|(_, key)| key));
        print_line(&format!(
            "{name}: {} added, {} changed, {} gone, {equal} equal",
            added.len(),
            changed.len(),
            gone.len()
        ))?;
        if args.keys {
            for (mark, keys) in [("+", &mut added), ("~", &mut changed), ("-", &mut gone)] {
                keys.sort();
                for key in keys.iter() {
                    print_line(&format!("  {mark} {key}"))?;
                }
            }
        }
    }
    Ok(0)
}

/// Content and key of each object, by key hash.
fn contents(path: &Path) -> anyhow::Result<HashMap<KeyHash, (ContentHash, String)>> {
    let objects = Objects::open(path)?;
    let mut all = HashMap::new();
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                for i in 0..batch.num_rows() {
                    let hash = KeyHash::from_bytes(scope.key_hash.value(i));
                    let content = ContentHash::from_bytes(scope.content_hash.value(i));
                    if let (Some(hash), Some(content)) = (hash, content) {
                        all.insert(hash, (content, scope.key.value(i).to_owned()));
                    }
                }
                Ok::<bool, ObjectsError>(true)
            },
        )?;
    }
    Ok(all)
}
