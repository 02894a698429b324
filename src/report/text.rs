//! The report as text: for a terminal, for the mail of a scheduler, for `report.txt`.
//!
//! Reads: the report. Writes: nothing itself. Never: colours, or anything but ASCII of its own.

use std::fmt::Write as _;

use super::counts::Counts;
use super::errors::{ErrorGroup, ErrorsReport};
use super::run::{RunReport, RunState};

/// How the text is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions {
    /// Columns of the terminal. In a narrower one than the table needs, columns that are 0
    /// everywhere are left out and long names are shortened. None: everything in full.
    pub width: Option<usize>,
    /// Whether examples show what a server said, which may echo student data: for a person at
    /// their own terminal and owner-only files, not for a scheduler's mail.
    pub server_messages: bool,
}

/// A column of the table: its title, a short one for narrow terminals, its number.
#[derive(Clone, Copy)]
struct Column {
    title: &'static str,
    short: &'static str,
    number: fn(&Counts) -> u64,
}

const fn column(title: &'static str, short: &'static str, number: fn(&Counts) -> u64) -> Column {
    Column {
        title,
        short,
        number,
    }
}

const COLUMNS: [Column; 12] = [
    column("Transformed", "Transf", |c| c.transformed),
    column("Collapsed", "Coll", |c| c.collapsed),
    column("Unchanged", "Unch", |c| c.unchanged),
    column("Skipped", "Skip", |c| c.skipped),
    column("Rejected", "Rej", |c| c.rejected),
    column("Blocked", "Block", |c| c.blocked),
    column("Created", "Creat", |c| c.created),
    column("Updated", "Upd", |c| c.updated),
    column("Failed", "Fail", |c| c.failed),
    column("Pending", "Pend", |c| c.pending),
    column("Processed", "Proc", |c| c.processed),
    column("Errors", "Err", |c| c.errors),
];

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
    table(out, report, options)?;
    deletes(out, report)?;
    for mismatch in &report.mismatches {
        writeln!(
            out,
            "\nTHE TALLY DOES NOT ADD UP (please report this): {mismatch}"
        )?;
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
    traffic(out, report)?;
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
fn duration(ms: i64) -> String {
    let secs = ms / 1000;
    match secs {
        0..60 => format!("{}.{} s", secs, ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m {:02}s", secs / 3600, secs / 60 % 60, secs % 60),
    }
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Which columns fit, and how wide each is.
struct Layout {
    name: usize,
    columns: Vec<(&'static str, fn(&Counts) -> u64, usize)>,
    left_out: Vec<&'static str>,
}

/// Narrowest column of names.
const NAME: usize = 16;

fn layout(report: &RunReport, width: Option<usize>) -> Layout {
    let widest = |title: &str, number: fn(&Counts) -> u64| {
        let numbers = report
            .resources
            .iter()
            .map(|r| &r.counts)
            .chain([&report.total]);
        numbers
            .map(|c| grouped(number(c)).len())
            .chain([title.len()])
            .max()
            .unwrap_or(0)
    };
    let measured = |columns: &[Column], short: bool| {
        let one = |c: &Column| {
            let title = if short { c.short } else { c.title };
            (title, c.number, widest(title, c.number))
        };
        columns.iter().map(one).collect::<Vec<_>>()
    };
    let names = report.resources.iter().map(|r| r.resource.len());
    let name = names.chain(["Resource".len()]).max().unwrap_or(0);
    let all = Layout {
        name,
        columns: measured(&COLUMNS, false),
        left_out: Vec::new(),
    };
    let Some(width) = width.filter(|width| all.width() > *width) else {
        return all;
    };

    let always = ["Transformed", "Processed", "Errors"];
    let shown = |c: &Column| always.contains(&c.title) || (c.number)(&report.total) > 0;
    let (kept, left_out): (Vec<Column>, Vec<Column>) = COLUMNS.into_iter().partition(shown);
    let left_out = left_out.iter().map(|c| c.title).collect();
    let fewer = Layout {
        columns: measured(&kept, false),
        left_out,
        ..all
    };
    if fewer.width() <= width {
        return fewer;
    }
    let mut short = Layout {
        columns: measured(&kept, true),
        ..fewer
    };
    let over = short.width().saturating_sub(width);
    short.name = short.name.saturating_sub(over).max(NAME);
    short
}

impl Layout {
    fn width(&self) -> usize {
        self.name
            + self
                .columns
                .iter()
                .map(|(.., width)| width + 2)
                .sum::<usize>()
    }
}

fn table(out: &mut String, report: &RunReport, options: TextOptions) -> std::fmt::Result {
    if report.resources.is_empty() {
        return Ok(());
    }
    let Layout {
        name: name_width,
        columns,
        left_out,
    } = layout(report, options.width);
    write!(out, "\n{:name_width$}", "Resource")?;
    for (title, _, width) in &columns {
        write!(out, "  {title:>width$}")?;
    }
    writeln!(out)?;
    let mut line = |name: &str, counts: &Counts| -> std::fmt::Result {
        write!(out, "{:name_width$}", shortened(name, name_width))?;
        for (_, number, width) in &columns {
            write!(out, "  {:>width$}", grouped(number(counts)))?;
        }
        writeln!(out)
    };
    for resource in &report.resources {
        line(&resource.resource, &resource.counts)?;
    }
    line("Total", &report.total)?;
    if !left_out.is_empty() {
        writeln!(out, "(0 everywhere: {})", left_out.join(", "))?;
    }
    Ok(())
}

/// A name cut in its middle, where names of associations differ least.
fn shortened(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let tail = width.saturating_sub(2) / 3;
    let head = width.saturating_sub(2 + tail);
    let start: String = name.chars().take(head).collect();
    let end: String = name.chars().skip(length - tail).collect();
    format!("{start}..{end}")
}

fn deletes(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let d = &report.deletes;
    if d.due == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\ndeletes: {} due = {} deleted + {} already gone + {} refused + {} failed + {} pending",
        grouped(d.due),
        grouped(d.deleted),
        grouped(d.already_gone),
        grouped(d.refused),
        grouped(d.failed),
        grouped(d.pending)
    )
}

fn groups(
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
        if let Some(example) = g.examples.first() {
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
            if !example.message.is_empty() && (example.status == 0 || options.server_messages) {
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
    let pending = total.pending + report.deletes.pending;
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
        _ => format!("{errors}, beyond fail_on = {}", report.fail_on),
    };
    let sandbox = if report.sandbox { " (SANDBOX)" } else { "" };
    format!("exit {}: {what}{sandbox}", report.exit_code)
}
