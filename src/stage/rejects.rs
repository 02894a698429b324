//! `rejects.csv`: the source rows that could not be read.
//!
//! Reads: the parts of the tables. Writes: one part per table while it is read, then the whole file
//! in the order of the tables, whatever thread was faster. Never: holds more than one row in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::RunFolder;
use crate::files;
use crate::source::Reject;

/// The file's columns, in order.
pub const REJECT_COLUMNS: [&str; 7] = ["table", "file", "line", "column", "reason", "value", "key"];

/// The rejects of one table, while it is read.
#[derive(Debug)]
pub(super) struct RejectsPart {
    path: PathBuf,
    /// Made with the first reject: most tables have none.
    writer: Option<csv::Writer<File>>,
    reasons: BTreeMap<String, u64>,
}

impl RejectsPart {
    /// No rejects yet.
    pub(super) fn new(run: &RunFolder, table: &str) -> Self {
        Self {
            path: part(run.path(), table),
            writer: None,
            reasons: BTreeMap::new(),
        }
    }

    /// Appends one.
    pub(super) fn push(&mut self, reject: &Reject) -> io::Result<()> {
        let reason = reject.reason.as_str();
        match self.reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.reasons.insert(reason.to_owned(), 1);
            }
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(csv::Writer::from_writer(files::create(&self.path)?)),
        };
        let line = reject.line.to_string();
        writer.write_record([
            reject.table.as_str(),
            &reject.file,
            &line,
            &reject.column,
            reason,
            &reject.value,
            &reject.key,
        ])?;
        Ok(())
    }

    /// Completes the part: counts by reason.
    pub(super) fn finish(mut self) -> io::Result<BTreeMap<String, u64>> {
        if let Some(writer) = &mut self.writer {
            writer.flush().map_err(|e| files::at(&self.path, &e))?;
        }
        Ok(self.reasons)
    }
}

/// Joins the parts to `rejects.csv` and removes them. The file is written also when it has only its
/// header: that there are no rejects is a result.
pub(super) fn join(run: &RunFolder, tables: &[&str]) -> io::Result<()> {
    let (path, partial) = (run.rejects(), files::partial(&run.rejects()));
    let mut whole = files::create(&partial)?;
    let mut header = csv::Writer::from_writer(&mut whole);
    header.write_record(REJECT_COLUMNS)?;
    header.flush()?;
    drop(header);
    let parts: Vec<PathBuf> = tables.iter().map(|table| part(run.path(), table)).collect();
    for part in &parts {
        match File::open(part) {
            Ok(mut file) => {
                io::copy(&mut file, &mut whole).map_err(|e| files::at(&partial, &e))?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(files::at(part, &e)),
        }
    }
    whole
        .sync_data()
        .and_then(|()| fs::rename(&partial, &path))
        .map_err(|e| files::at(&path, &e))?;
    for part in &parts {
        // Only those with rejects exist.
        let _ = fs::remove_file(part);
    }
    Ok(())
}

fn part(run: &Path, table: &str) -> PathBuf {
    files::partial(&run.join(format!("rejects-{table}.csv")))
}
