//! The table of tallies as text, fitted to a terminal.
//!
//! Reads: the report. Writes: nothing itself. Never: a line longer than asked for, unless the
//! numbers alone are.

use std::fmt::Write as _;

use super::counts::Counts;
use super::run::RunReport;

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

/// Title, number and width of a column.
type Measured = (&'static str, fn(&Counts) -> u64, usize);

/// Which columns fit, and how wide each is.
struct Layout {
    name: usize,
    columns: Vec<Measured>,
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

/// The table of tallies, with its total row.
pub(super) fn table(
    out: &mut String,
    report: &RunReport,
    width: Option<usize>,
) -> std::fmt::Result {
    if report.resources.is_empty() {
        return Ok(());
    }
    let Layout {
        name: name_width,
        columns,
        left_out,
    } = layout(report, width);
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

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
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
