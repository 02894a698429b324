//! The verb `errors`: lists what was not delivered, sends it once more, archives it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write};

use super::look::names;
use super::{pipeline_with, runs};
use crate::account::Account;
use crate::cli::errors::{ErrorsArchive, ErrorsList, ErrorsRetry, ListFormat};
use crate::cli::{ErrorsAction, ErrorsArgs, Session, print_line};
use crate::errors::{
    Archive, Depth, Filter, Format, GroupLine, Groups, IdKind, Record, Search, Sheet, Shelved,
};
use crate::object::KeyHash;
use crate::pipeline::Pipeline;
use crate::run::{Asked, Failed, Only, Options, Start, connect, schools};
use crate::source::SisSchema;
use crate::stage::StateDir;

pub(super) async fn errors(session: &Session, args: ErrorsArgs) -> anyhow::Result<u8> {
    match args.action {
        Some(ErrorsAction::Retry(args)) => retry(session, args).await,
        Some(ErrorsAction::Archive(args)) => archive(&args),
        None => list(&args.list),
    }
}

fn search(
    pipeline: &Pipeline,
    resources: &[String],
    school_year: Option<i32>,
) -> anyhow::Result<Search> {
    Ok(Search {
        state: StateDir::new(&pipeline.state_dir, &pipeline.name),
        resources: names(pipeline, resources)?,
        sis: SisSchema::load(&pipeline.sis_schema)?,
        standard: connect::standard(pipeline)?,
        school_year,
    })
}

/// The ids of the schools that are named as for `run`. A number that the SIS does not know is the id
/// of a school that is gone: its errors still stand.
fn known_schools(pipeline: &Pipeline, names: &[String]) -> anyhow::Result<BTreeSet<i64>> {
    let ids = |names: &[String]| -> Option<BTreeSet<i64>> {
        names.iter().map(|name| name.trim().parse().ok()).collect()
    };
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let known = match (schools(pipeline, &Start::Source), ids(names)) {
        (Ok(known), _) => known,
        (Err(error), Some(ids)) => {
            tracing::warn!(%error, "the schools cannot be looked up; --school is taken for schoolIDs");
            return Ok(ids);
        }
        (Err(error), None) => return Err(error.into()),
    };
    let (gone, named): (Vec<String>, Vec<String>) = names
        .iter()
        .cloned()
        .partition(|name| ids(std::slice::from_ref(name)).is_some() && known.find(name).is_empty());
    let mut found = known.resolve(&named)?;
    found.extend(ids(&gone).unwrap_or_default());
    Ok(found)
}

fn list(args: &ErrorsList) -> anyhow::Result<u8> {
    let name = args.pipeline.as_deref().unwrap_or_default();
    let pipeline = pipeline_with(name, &args.set)?;
    let search = search(&pipeline, &args.resources, args.year.school_year)?;
    let outcome = args.outcome.as_deref();
    let schools = known_schools(&pipeline, &args.filter.school)?;
    let filter = args
        .filter
        .search(schools, outcome, args.run.as_deref(), args.archived)?;
    let full = args.out.is_some() || std::io::stdout().is_terminal();
    let mut out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(std::io::BufWriter::new(crate::files::create(path)?)),
        None => Box::new(std::io::BufWriter::new(std::io::stdout())),
    };
    let format = match args.format {
        _ if args.json => Format::Json,
        ListFormat::Table => Format::Table,
        ListFormat::Csv => Format::Csv,
        ListFormat::Json => Format::Json,
    };
    let listed = match args.ids {
        Some(kind) => ids(&search, &filter, kind.into(), &mut *out),
        None if args.each => each(&search, &filter, format, full, args.limit, &mut *out),
        None => groups(&search, &filter, format, full, &mut *out),
    };
    match listed {
        // A reader that went away (`| head`) is no error.
        Err(error) if is_broken_pipe(&error) => return Ok(0),
        listed => listed?,
    }
    if let Some(path) = &args.out {
        print_line(&format!("written: {} (student data)", path.display()))?;
    } else if !full && args.ids.is_none() {
        tracing::warn!(
            "keys, ids of persons, messages and bodies are left out where nobody is at a terminal; \
             --out FILE writes everything, for the owner only"
        );
    }
    Ok(0)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The ids of one kind, each once, ascending.
fn ids(search: &Search, filter: &Filter, kind: IdKind, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut ids = BTreeSet::new();
    search.visit(filter, Depth::Outcome, &mut |record: Record| {
        ids.extend(kind.of(&record));
        Ok::<bool, anyhow::Error>(true)
    })?;
    for id in ids {
        writeln!(out, "{id}")?;
    }
    Ok(out.flush()?)
}

fn each(
    search: &Search,
    filter: &Filter,
    format: Format,
    full: bool,
    limit: Option<u64>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let depth = if full { Depth::Full } else { Depth::Outcome };
    let mut left = limit.unwrap_or(u64::MAX);
    let mut sheet = Sheet::new(out, format, full)?;
    if left > 0 {
        search.visit(filter, depth, &mut |record: Record| {
            sheet.push(&record)?;
            left -= 1;
            Ok::<bool, anyhow::Error>(left > 0)
        })?;
    }
    let records = sheet.finish()?;
    if records == 0 && format == Format::Table {
        print_line("no such errors")?;
    }
    Ok(())
}

fn groups(
    search: &Search,
    filter: &Filter,
    format: Format,
    full: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut groups = Groups::default();
    search.visit(filter, Depth::Outcome, &mut |record: Record| {
        let place = search.resources.iter().position(|r| *r == record.resource);
        groups.add(place.unwrap_or(usize::MAX), record);
        Ok::<bool, anyhow::Error>(true)
    })?;
    let mut lines = groups.into_lines();
    if !full {
        lines.iter_mut().for_each(|line| line.examples.clear());
    }
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &lines)?;
            writeln!(out)?;
        }
        Format::Csv => {
            writeln!(out, "count,resource,outcome,reason,side,statuses")?;
            for line in &lines {
                let GroupLine {
                    count,
                    resource,
                    outcome,
                    reason,
                    ..
                } = line;
                let (side, statuses) = (line.side.as_str(), statuses(line, " "));
                writeln!(
                    out,
                    "{count},{resource},{outcome},{reason},{side},{statuses}"
                )?;
            }
        }
        Format::Table => {
            for line in &lines {
                group_text(out, line)?;
            }
            if lines.is_empty() {
                writeln!(out, "no such errors")?;
            }
        }
    }
    Ok(out.flush()?)
}

fn statuses(line: &GroupLine, between: &str) -> String {
    let met = line.statuses.iter().filter(|s| **s > 0);
    met.map(u16::to_string).collect::<Vec<_>>().join(between)
}

fn group_text(out: &mut dyn Write, line: &GroupLine) -> std::io::Result<()> {
    let http = statuses(line, ", ");
    let http = if http.is_empty() {
        String::new()
    } else {
        format!(" (HTTP {http})")
    };
    writeln!(
        out,
        "{} {} {}: {}{http}",
        line.resource, line.outcome, line.reason, line.count
    )?;
    for example in &line.examples {
        let root = example.root.as_ref();
        let root = root.map(|root| format!(" because of {root}"));
        writeln!(
            out,
            "    {} ({} {}){} {}",
            example.key,
            example.source_table,
            example.source_key,
            root.unwrap_or_default(),
            example.message
        )?;
    }
    Ok(())
}

async fn retry(session: &Session, args: ErrorsRetry) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    let search = search(&pipeline, &args.scope.resources, args.year.school_year)?;
    let asked = known_schools(&pipeline, &args.filter.school)?;
    let outcome = args.outcome.as_deref();
    let filter = args
        .filter
        .search(asked.clone(), outcome, None, args.archived)?;
    let mut keys: BTreeMap<String, Vec<KeyHash>> = BTreeMap::new();
    let mut of_errors = BTreeSet::new();
    search.visit(&filter, Depth::Outcome, &mut |record: Record| {
        let of = keys.entry(record.resource.clone()).or_default();
        of.push(record.key_hash());
        of_errors.extend(record.school_id);
        Ok::<bool, anyhow::Error>(true)
    })?;
    if keys.is_empty() {
        print_line("no such errors; nothing to send")?;
        return Ok(0);
    }
    for of in keys.values_mut() {
        of.sort_unstable();
        of.dedup();
    }
    let resources = keys.keys().cloned().collect();
    // Where nothing says which schools a run is about, those of the errors are meant.
    let named = match (asked.is_empty(), &pipeline.scope.schools) {
        (false, _) => asked,
        (true, None) => of_errors,
        (true, Some(_)) => BTreeSet::new(),
    };
    let options = Options {
        start: args.resume.map_or(Start::Source, Start::Staging),
        only: Only {
            failed: Some(Failed::Keys(keys)),
            ..Only::default()
        },
        resend_all: args.sending.resend_all,
        school_year: args.year.school_year,
        demo: args.sending.demo,
        allow_partial: args.sending.allow_partial,
        yes: args.consent.yes,
        asked: Asked {
            schools: named.iter().map(i64::to_string).collect(),
            ..Asked::default()
        },
        ..Options::default()
    };
    let scope = crate::cli::Scope {
        resources,
        ..args.scope
    };
    runs::send(session, scope, options, args.sending.dry_run).await
}

fn archive(args: &ErrorsArchive) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    let search = search(&pipeline, &args.scope.resources, args.year.school_year)?;
    let schools = known_schools(&pipeline, &args.filter.school)?;
    let outcome = args.outcome.as_deref();
    let filter = args.filter.search(schools, outcome, None, args.undo)?;
    let Some(ledger) = search.ledger()? else {
        print_line("nothing has been sent yet: there are no errors")?;
        return Ok(0);
    };
    // By their reason, skipped and pending objects are found, too: they are no errors.
    let is_error =
        |record: &Record| !matches!(record.outcome.as_str(), "skipped" | "pending" | "collapsed");
    let mut shelved = Shelved::default();
    search.visit(&filter, Depth::Outcome, &mut |record: Record| {
        if is_error(&record) {
            shelved.add(&record);
        }
        Ok::<bool, anyhow::Error>(true)
    })?;
    let changed = match args.undo {
        true => Archive::take_back(&ledger, shelved)?,
        false => Archive::add(&ledger, shelved, &Account::current().user)?,
    };
    print_line(&match args.undo {
        true => format!("{changed} errors are back in the daily view"),
        false => format!("{changed} errors archived; they stay due"),
    })?;
    Ok(0)
}
