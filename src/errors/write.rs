//! Records as table, CSV or JSON, one by one. In full for the owner's eyes; else without keys, ids
//! of persons, messages, bodies and source rows.

use std::io::{self, Write};

use super::record::Record;

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// A header and one line per record.
    Csv,
    /// A list of objects.
    Json,
}

/// Writes records one by one, as they come.
pub struct Sheet<'a> {
    out: &'a mut dyn Write,
    format: Format,
    /// Whether all is shown.
    full: bool,
    records: u64,
}

impl std::fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheet")
            .field("format", &self.format)
            .field("full", &self.full)
            .finish_non_exhaustive()
    }
}

/// Columns that hold nothing of a person.
const OPEN: [&str; 9] = [
    "resource",
    "outcome",
    "reason",
    "side",
    "status",
    "archived",
    "school_id",
    "run",
    "at",
];

/// The others of a CSV file.
const CLOSED: [&str; 12] = [
    "key",
    "source_table",
    "source_key",
    "person_id",
    "course_id",
    "section_id",
    "message",
    "root",
    "attempts",
    "request",
    "body",
    "source_row",
];

impl<'a> Sheet<'a> {
    /// Begins: writes what stands before the first record.
    ///
    /// # Errors
    /// As the writer says.
    pub fn new(out: &'a mut dyn Write, format: Format, full: bool) -> io::Result<Self> {
        let mut sheet = Self {
            out,
            format,
            full,
            records: 0,
        };
        match format {
            Format::Table => {}
            Format::Csv => {
                let columns: Vec<String> = sheet.columns().map(str::to_owned).collect();
                sheet.line(&columns)?;
            }
            Format::Json => sheet.out.write_all(b"[")?,
        }
        Ok(sheet)
    }

    fn columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        let closed = if self.full { &CLOSED[..] } else { &[] };
        OPEN.into_iter().chain(closed.iter().copied())
    }

    /// Writes a record.
    ///
    /// # Errors
    /// As the writer says.
    pub fn push(&mut self, record: &Record) -> io::Result<()> {
        self.records += 1;
        match self.format {
            Format::Table => self.block(record),
            Format::Csv => {
                let cells: Vec<String> = self.columns().map(|c| cell(record, c)).collect();
                self.line(&cells)
            }
            Format::Json => {
                let comma: &[u8] = if self.records == 1 { b"\n" } else { b",\n" };
                self.out.write_all(comma)?;
                let mut value = serde_json::to_value(record)?;
                if let (false, Some(members)) = (self.full, value.as_object_mut()) {
                    members.retain(|name, _| OPEN.contains(&name.as_str()));
                }
                Ok(serde_json::to_writer(&mut *self.out, &value)?)
            }
        }
    }

    /// Ends: writes what stands after the last record; how many there were.
    ///
    /// # Errors
    /// As the writer says.
    pub fn finish(self) -> io::Result<u64> {
        if self.format == Format::Json {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()?;
        Ok(self.records)
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(&mut *self.out);
        writer.write_record(cells).map_err(io::Error::other)?;
        writer.flush()
    }

    fn block(&mut self, r: &Record) -> io::Result<()> {
        let key = if self.full { r.key.as_str() } else { "" };
        writeln!(self.out, "{} {} {} {key}", r.resource, r.outcome, r.reason)?;
        let status = (r.status > 0).then(|| format!(", HTTP {}", r.status));
        let archived = if r.archived { ", archived" } else { "" };
        let at = r.at.format("%Y-%m-%d %H:%M:%S UTC");
        let school = r.school_id.map(|id| format!(", school {id}"));
        writeln!(
            self.out,
            "  by       {}{}{archived}, run {}, {at}{}",
            r.side.as_str(),
            status.unwrap_or_default(),
            r.run,
            school.unwrap_or_default()
        )?;
        if !self.full {
            return Ok(());
        }
        writeln!(self.out, "  from     {} {}", r.source_table, r.source_key)?;
        if let Some(row) = &r.source_row {
            let row = serde_json::to_string(row)?;
            writeln!(self.out, "  row      {row}")?;
        }
        if let Some(request) = &r.request {
            writeln!(
                self.out,
                "  request  {} {} {}",
                request.method, request.path, request.body
            )?;
        }
        if let Some(root) = &r.root {
            writeln!(self.out, "  because  {root}")?;
        }
        if !r.message.is_empty() {
            let name = if r.status > 0 { "answer " } else { "detail " };
            writeln!(self.out, "  {name}  {}", r.message)?;
        }
        Ok(())
    }
}

fn cell(r: &Record, column: &str) -> String {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    match column {
        "resource" => r.resource.clone(),
        "outcome" => r.outcome.clone(),
        "reason" => r.reason.clone(),
        "side" => r.side.as_str().to_owned(),
        "status" => r.status.to_string(),
        "archived" => r.archived.to_string(),
        "school_id" => id(r.school_id),
        "run" => r.run.clone(),
        "at" => r.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "key" => r.key.clone(),
        "source_table" => r.source_table.clone(),
        "source_key" => r.source_key.clone(),
        "person_id" => id(r.person_id),
        "course_id" => id(r.course_id),
        "section_id" => id(r.section_id),
        "message" => r.message.clone(),
        "root" => r.root.clone().unwrap_or_default(),
        "attempts" => r.attempts.to_string(),
        "request" => {
            let request = r.request.as_ref();
            request.map_or_else(String::new, |q| format!("{} {}", q.method, q.path))
        }
        "body" => {
            let request = r.request.as_ref();
            request.map_or_else(String::new, |q| q.body.to_string())
        }
        "source_row" => {
            let row = r.source_row.as_ref();
            row.and_then(|row| serde_json::to_string(row).ok())
                .unwrap_or_default()
        }
        _ => String::new(),
    }
}
