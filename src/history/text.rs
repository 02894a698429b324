//! The history and the status table as text. ASCII of its own; colours only when asked for.

use std::fmt::Write as _;

use chrono::{DateTime, Local, Utc};

use super::entry::{Entry, ScopeNote};
use super::object::{LEGEND, Mark};
use super::standing::Overview;

/// How the status table is to look.
#[derive(Clone, Copy, Debug)]
pub struct StatusText<'a> {
    /// Head of the first column: `Resource`, `DIS Objects`.
    pub objects: &'a str,
    /// Head of the last column, and of the legend: `Status`, `Status Legend`.
    pub status: &'a str,
    /// Whether the school year stands above, and objects that others hang below are marked, as on
    /// the seed's screen.
    pub screen: bool,
    /// Whether marks are coloured.
    pub colour: bool,
}

/// The form of the seed's times: `01/09/2024 06:16:54`.
const SEED_TIME: &str = "%m/%d/%Y %H:%M:%S";

fn seed_time(at: DateTime<Utc>) -> String {
    at.format(SEED_TIME).to_string()
}

fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format(SEED_TIME).to_string()
}

fn marked(mark: Mark, colour: bool) -> String {
    let text = format!("{} {}", mark.sign(), mark.as_str());
    match colour {
        true => format!("\x1b[{}m{text}\x1b[0m", mark.colour()),
        false => text,
    }
}

/// The status table: object, Last Resync, Results, status; then the legend.
pub fn status(overview: &Overview, options: StatusText<'_>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_status(&mut out, overview, options);
    out
}

fn write_status(
    out: &mut String,
    overview: &Overview,
    options: StatusText<'_>,
) -> std::fmt::Result {
    if options.screen {
        let current = if overview.current_year {
            "Current "
        } else {
            ""
        };
        match overview.school_year {
            Some(year) => writeln!(
                out,
                "Resync Data For The {current}School Year ({}-{year})\n",
                year - 1
            )?,
            None => writeln!(out, "Resync Data: no resync yet\n")?,
        }
    }
    for entry in &overview.running {
        let ended = |m: Mark| !matches!(m, Mark::Queued | Mark::Running);
        let done = entry.objects.iter().filter(|o| ended(o.status)).count();
        writeln!(
            out,
            "run {} is at work since {}: {done} of {} done\n",
            entry.run,
            local(entry.started),
            entry.objects.len()
        )?;
    }
    let objects = &overview.objects;
    let lines: Vec<[String; 4]> = objects
        .iter()
        .enumerate()
        .map(|(i, o)| {
            let expands = objects.get(i + 1).is_some_and(|next| next.depth > o.depth);
            let tick = match (options.screen, expands) {
                (false, _) => "",
                (true, true) => "[-] ",
                (true, false) => "    ",
            };
            let last = o.last_resync.map(local).unwrap_or_default();
            let results = match o.last_resync {
                Some(_) => format!("Processed: {} Errors: {}", o.processed, o.errors),
                None => String::new(),
            };
            let name = format!("{}{tick}{}", "  ".repeat(o.depth), o.object);
            [name, last, results, marked(o.status, options.colour)]
        })
        .collect();
    let head = [options.objects, "Last Resync", "Results", options.status];
    table(out, head, &lines)?;
    let legend = LEGEND.map(|mark| marked(mark, options.colour));
    writeln!(out, "\n{}: {}", options.status, legend.join("  "))?;
    let zone = Local::now().format("%:z");
    writeln!(
        out,
        "Last Resync: when the last run of it began, local time ({zone})"
    )
}

fn table<const N: usize>(
    out: &mut String,
    head: [&str; N],
    lines: &[[String; N]],
) -> std::fmt::Result {
    let mut widths = head.map(|h| h.chars().count());
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let head = head.map(str::to_owned);
    for line in std::iter::once(&head).chain(lines) {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// The runs, one a line.
pub fn list(entries: &[Entry]) -> String {
    let mut out = String::new();
    let lines: Vec<[String; 11]> = entries
        .iter()
        .map(|e| {
            let (processed, errors, sent) = e.sums();
            let command = match e.dry_run && e.command == "run" {
                true => "run (dry)".to_owned(),
                false => e.command.clone(),
            };
            [
                e.run.clone(),
                seed_time(e.started),
                e.ended.map_or_else(String::new, |end| took(e.started, end)),
                command,
                e.user.clone(),
                e.scope.brief(),
                e.objects.len().to_string(),
                processed.to_string(),
                errors.to_string(),
                sent.to_string(),
                match e.exit_code {
                    Some(code) => format!("{} ({code})", e.state.as_str()),
                    None => e.state.as_str().to_owned(),
                },
            ]
        })
        .collect();
    let head = [
        "Run",
        "Began (UTC)",
        "Took",
        "Command",
        "Who",
        "Scope",
        "Resources",
        "Processed",
        "Errors",
        "Sent",
        "State (exit)",
    ];
    let _ = table(&mut out, head, &lines);
    out
}

fn took(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let secs = (to - from).num_seconds().max(0);
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// One run in full; ids of persons only with `ids`.
pub fn show(entry: &Entry, ids: bool) -> String {
    let mut out = String::new();
    let _ = write_entry(&mut out, entry, ids);
    out
}

fn write_entry(out: &mut String, entry: &Entry, ids: bool) -> std::fmt::Result {
    let year = entry.target.school_year;
    let year = year.map_or_else(String::new, |y| format!(", school year {}-{y}", y - 1));
    writeln!(out, "run        {}", entry.run)?;
    writeln!(
        out,
        "command    {} {}{}",
        entry.command,
        entry.configuration,
        if entry.dry_run { ", nothing sent" } else { "" }
    )?;
    if !entry.options.is_empty() {
        writeln!(out, "options    {}", entry.options.join("; "))?;
    }
    writeln!(out, "who        {} on {}", entry.user, entry.host)?;
    writeln!(out, "target     {}{year}", entry.target.name)?;
    writeln!(out, "began      {} UTC", seed_time(entry.started))?;
    if let Some(ended) = entry.ended {
        writeln!(out, "ended      {} UTC", seed_time(ended))?;
    }
    let code = entry.exit_code.map(|code| format!(", exit {code}"));
    let state = entry.state.as_str();
    writeln!(out, "state      {state}{}", code.unwrap_or_default())?;
    if let Some(cause) = &entry.cause {
        writeln!(out, "cause      {}", cause.replace('\n', "\n           "))?;
    }
    scope(out, &entry.scope, ids)?;
    let lines: Vec<[String; 7]> = entry
        .objects
        .iter()
        .map(|o| {
            [
                o.object.clone(),
                o.transformed.to_string(),
                o.processed.to_string(),
                o.errors.to_string(),
                o.sent.to_string(),
                o.pending.to_string(),
                marked(o.status, false),
            ]
        })
        .collect();
    let head = [
        "Resource",
        "Transformed",
        "Processed",
        "Errors",
        "Sent",
        "Pending",
        "Status",
    ];
    writeln!(out)?;
    table(out, head, &lines)
}

fn scope(out: &mut String, scope: &ScopeNote, ids: bool) -> std::fmt::Result {
    writeln!(out, "scope      {}", scope.brief())?;
    let kinds = [
        ("schools", &scope.schools, true),
        ("persons", &scope.persons, ids),
        ("courses", &scope.courses, true),
        ("sections", &scope.sections, true),
    ];
    for (name, list, shown) in kinds {
        if let Some(list) = list.as_ref().filter(|_| shown) {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            writeln!(out, "  {name:8} {}", list.join(" "))?;
        }
    }
    if let Some(records) = scope.records.as_ref().filter(|_| ids) {
        let list: Vec<String> = records.ids.iter().map(ToString::to_string).collect();
        writeln!(out, "  {} {}", records.object, list.join(" "))?;
    }
    Ok(())
}
