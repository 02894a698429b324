//! The report as text: for a terminal, for the mail of a scheduler, for `report.txt`.
//!
//! Reads: the report. Writes: nothing itself. Never: colours, or anything but ASCII of its own.

use std::fmt::Write as _;

use super::errors::{ErrorGroup, ErrorsReport};
use super::run::{RunReport, RunState};
use super::scope::scope;
use super::table::{grouped, table};

/// How the text is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions {
    /// Columns of the terminal. In a narrower one than the table needs, columns that are 0
    /// everywhere are left out and long names are shortened. None: everything in full.
    pub width: Option<usize>,
    /// Whether an example is shown of each group: keys of persons and texts of servers, for a
    /// terminal and for owner-only files. A scheduler mails its output on.
    pub examples: bool,
}

const SANDBOX: &str = "SANDBOX: the target is the embedded sandbox, no real system receives data";

/// The whole report. Its first and last line say so when the target is the sandbox.
pub fn text(report: &RunReport, errors: &ErrorsReport, options: TextOptions) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_all(&mut out, report, errors, options);
    out
}

fn write_all(
    out: &mut String,
    report: &RunReport,
    errors: &ErrorsReport,
    options: TextOptions,
) -> std::fmt::Result {
    head(out, report)?;
    scope(
        out,
        report.scope.as_ref(),
        &errors.unmatched,
        options.examples,
    )?;
    table(out, report, options.width)?;
    deletes(out, report)?;
    for mismatch in &report.mismatches {
        writeln!(
            out,
            "\nTHE TALLY DOES NOT ADD UP (please report this): {mismatch}"
        )?;
    }
    for warning in &report.warnings {
        writeln!(out, "\nwarning: {warning}")?;
    }
    groups(out, "Errors", &errors.errors, options)?;
    groups(out, "Deletes not done", &errors.deletes, options)?;
    groups(out, "Left out or pending", &errors.held, options)?;
    groups(
        out,
        "Errors of earlier runs that are gone",
        &errors.cleared,
        options,
    )?;
    let any = !errors.errors.is_empty() || !errors.held.is_empty();
    if any && !options.examples {
        writeln!(
            out,
            "\n(examples of each are in errors.json, every object is in results/)"
        )?;
    }
    traffic(out, report)?;
    if let Some(probe) = &report.probe {
        writeln!(
            out,
            "{} requests before that: does the target still have what the ledger knows? {} \
             resources counted, {} records looked up",
            grouped(probe.requests),
            probe.counts,
            probe.ids
        )?;
    }
    if let Some(zone) = &report.zone {
        zone.write(out, report.dry_run)?;
    }
    for note in &report.notes {
        writeln!(out, "\nNote: {note}")?;
    }
    if !report.paths.is_empty() {
        writeln!(out, "\nWritten")?;
        let width = report.paths.keys().map(String::len).max().unwrap_or(0);
        for (what, path) in &report.paths {
            writeln!(out, "  {what:width$}  {}", path.display())?;
        }
    }
    writeln!(out, "\n{}", last_line(report))
}

fn head(out: &mut String, report: &RunReport) -> std::fmt::Result {
    if report.sandbox {
        writeln!(out, "{SANDBOX}")?;
    }
    write!(
        out,
        "{} {} -> {}",
        report.command, report.configuration, report.target.name
    )?;
    if let Some(year) = report.target.school_year {
        write!(out, ", school year {}-{year}", year - 1)?;
    }
    let took = (report.ended - report.started).num_milliseconds().max(0);
    writeln!(
        out,
        "\nrun {}, {} UTC, {}{}",
        report.run,
        report.started.format("%Y-%m-%d %H:%M:%S"),
        duration(took),
        if report.dry_run {
            ", dry run: nothing is sent"
        } else {
            ""
        }
    )?;
    let sum =
        |number: fn(&super::TableReport) -> u64| -> u64 { report.tables.iter().map(number).sum() };
    if !report.tables.is_empty() {
        writeln!(
            out,
            "rows: {} read = {} staged + {} unreadable",
            grouped(sum(|t| t.read)),
            grouped(sum(|t| t.staged)),
            grouped(sum(|t| t.unreadable))
        )?;
        for table in report.tables.iter().filter(|t| t.unreadable > 0) {
            let reasons: Vec<String> = table
                .reasons
                .iter()
                .map(|(r, n)| format!("{r} {}", grouped(*n)))
                .collect();
            writeln!(out, "  {}: {}", table.table, reasons.join(", "))?;
        }
    }
    Ok(())
}

/// `1h 02m 03s`, `4m 05s`, `6.7 s`.
pub(super) fn duration(ms: i64) -> String {
    let secs = ms / 1000;
    match secs {
        0..60 => format!("{}.{} s", secs, ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m {:02}s", secs / 3600, secs / 60 % 60, secs % 60),
    }
}

fn deletes(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let d = &report.deletes;
    if d.due == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\ndeletes: {} due = {} deleted + {} already gone + {} refused + {} held + {} failed + {} pending",
        grouped(d.due),
        grouped(d.deleted),
        grouped(d.already_gone),
        grouped(d.refused),
        grouped(d.held),
        grouped(d.failed),
        grouped(d.pending)
    )
}

pub(super) fn groups(
    out: &mut String,
    title: &str,
    groups: &[ErrorGroup],
    options: TextOptions,
) -> std::fmt::Result {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    let width = |text: fn(&ErrorGroup) -> &str| groups.iter().map(|g| text(g).len()).max();
    let resource = width(|g| &g.resource).unwrap_or(0);
    let outcome = width(|g| &g.outcome).unwrap_or(0);
    let reason = width(|g| g.reason.as_str()).unwrap_or(0);
    for g in groups {
        write!(
            out,
            "  {:>9}  {:resource$}  {:outcome$}  {:reason$}",
            grouped(g.count),
            g.resource,
            g.outcome,
            g.reason.as_str()
        )?;
        if g.standing > 0 {
            write!(
                out,
                "  {} new, {} standing",
                grouped(g.new),
                grouped(g.standing)
            )?;
        }
        let end = out.trim_end().len();
        out.truncate(end);
        writeln!(out)?;
        if let Some(example) = g.examples.first().filter(|_| options.examples) {
            write!(
                out,
                "             e.g. {} ({} {})",
                example.key, example.source_table, example.source_key
            )?;
            if let Some(root) = &example.root {
                write!(out, " because of {} {}", root.resource, root.key)?;
            }
            if example.status > 0 {
                write!(out, ": HTTP {}", example.status)?;
            }
            if !example.message.is_empty() {
                write!(out, ": {}", one_line(&example.message))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// A message on one line, at most 300 characters, with nothing that could steer a terminal.
fn one_line(message: &str) -> String {
    let mut line: String = message
        .chars()
        .take(300)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if message.chars().nth(300).is_some() {
        line.push_str("...");
    }
    line
}

fn traffic(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let t = &report.traffic;
    if t.requests == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\n{} requests ({} repeated), {} KiB sent, latency p50 {} ms, p95 {} ms, max {} ms",
        grouped(t.requests),
        grouped(t.retries),
        grouped(t.bytes_sent.div_ceil(1024)),
        t.latency.p50_ms.round(),
        t.latency.p95_ms.round(),
        t.latency.max_ms.round()
    )
}

fn last_line(report: &RunReport) -> String {
    let total = &report.total;
    let left_out = report.not_selected();
    let pending = total.pending.saturating_sub(left_out) + report.deletes.pending;
    let errors = match (total.errors, total.standing_errors()) {
        (0, _) => "no errors".to_owned(),
        (errors, 0) => format!("{} errors", grouped(errors)),
        (errors, standing) => {
            let new = total.new_errors;
            format!(
                "{} errors ({} new, {} standing)",
                grouped(errors),
                grouped(new),
                grouped(standing)
            )
        }
    };
    let what = match (report.exit_code, report.state) {
        (0, _) if report.command == "extract" => {
            let staged: u64 = report.tables.iter().map(|t| t.staged).sum();
            format!("{} rows staged", grouped(staged))
        }
        (0, _) if report.command == "transform" => {
            let transformed = grouped(total.transformed);
            format!(
                "{transformed} objects made, {} ready, {errors}",
                grouped(pending)
            )
        }
        (0, _) if report.dry_run => {
            let deletes = match report.deletes.pending + report.deletes.held {
                0 => String::new(),
                deletes => format!(", {} would be deleted", grouped(deletes)),
            };
            let sent = grouped(total.pending);
            format!("dry run, {sent} would be sent{deletes}, {errors}")
        }
        (0, _) => format!("accepted, {} sent, {errors}", grouped(total.sent)),
        (3, RunState::Interrupted) => {
            format!(
                "interrupted with {} pending, {errors}; resumable",
                grouped(pending)
            )
        }
        (3, _) => format!(
            "stopped with {} pending, {errors}; resumable",
            grouped(pending)
        ),
        (1, _) if !report.mismatches.is_empty() => "the tally does not add up".to_owned(),
        (1, _) if report.deletes.held > 0 => format!(
            "{} deletes held back, {errors}; look at them, then give --yes or --max-deletes",
            grouped(report.deletes.held)
        ),
        _ => format!("{errors}, beyond fail_on = {}", report.fail_on),
    };
    let left_out = match left_out {
        0 => String::new(),
        count => format!(", {} not selected and still due", grouped(count)),
    };
    let sandbox = if report.sandbox { " (SANDBOX)" } else { "" };
    format!("exit {}: {what}{left_out}{sandbox}", report.exit_code)
}
