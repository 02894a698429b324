//! Source to staged tables: several tables at once, each streamed.
//!
//! Reads: the source. Writes: `stage/*.parquet`, `rejects.csv` and their notes in the manifest.
//! Never: starts reading while a needed table or column is missing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use arrow::record_batch::RecordBatch;

use super::rejects::{self, RejectsPart};
use super::{Layout, ParquetFile, RunFolder, StageError, TableNote};
use crate::source::{self, Reject, Sink, SinkError, SisSchema, Source, SourceError, TableSchema};

/// Most tables that are read at once: beyond that the disk is the limit, and each costs memory.
const MAX_THREADS: usize = 4;

/// How far one table has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extracting<'a> {
    /// The table.
    pub table: &'a str,
    /// Rows staged so far.
    pub staged: u64,
    /// Rows that could not be read so far.
    pub unreadable: u64,
    /// Whether the table is complete.
    pub done: bool,
}

/// Checks that the source has all that is needed, and stages these tables (all of the schema's when
/// none are named). `progress` is called after each batch, from several threads; `Break` ends the
/// extraction. The notes come back in the order of the SIS schema and are in the manifest.
///
/// # Errors
/// [`SourceError::Missing`] with everything that is missing; what the disk or the source refuses;
/// [`StageError::Interrupted`] after a `Break`.
pub fn extract(
    source: &dyn Source,
    schema: &SisSchema,
    tables: &[String],
    run: &RunFolder,
    progress: &(dyn Fn(Extracting<'_>) -> ControlFlow<()> + Sync),
) -> Result<Vec<TableNote>, StageError> {
    let wanted = wanted(schema, tables)?;
    source::check(source, &wanted)?;
    // The largest first: a thread that gets it last would work alone at the end.
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|at| {
        std::cmp::Reverse(wanted.get(*at).and_then(|t| source.size_bytes(&t.name)))
    });
    let work = Work {
        source,
        run,
        progress,
        stop: AtomicBool::new(false),
        next: AtomicUsize::new(0),
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let threads = threads.min(MAX_THREADS).min(wanted.len()).max(1);
    let mut results: Vec<(usize, Result<TableNote, StageError>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work.tables(&wanted, &order)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    results.sort_by_key(|(at, _)| *at);
    // What went wrong itself is told before what was stopped because of it.
    results.sort_by_key(|(_, result)| matches!(result, Err(StageError::Interrupted)));
    let notes = results
        .into_iter()
        .map(|(_, r)| r)
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = wanted.iter().map(|t| t.name.as_str()).collect();
    rejects::join(run, &names)?;
    run.update(|manifest| manifest.tables.clone_from(&notes))?;
    Ok(notes)
}

/// The declared tables of these names, in the order of the schema.
fn wanted<'s>(schema: &'s SisSchema, names: &[String]) -> Result<Vec<&'s TableSchema>, StageError> {
    let unknown: Vec<String> = names
        .iter()
        .filter(|n| schema.table(n).is_none())
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(StageError::UnknownTables { tables: unknown });
    }
    let all = schema.tables.iter();
    Ok(all
        .filter(|t| names.is_empty() || names.contains(&t.name))
        .collect())
}

/// What the threads share.
struct Work<'a> {
    source: &'a dyn Source,
    run: &'a RunFolder,
    progress: &'a (dyn Fn(Extracting<'_>) -> ControlFlow<()> + Sync),
    /// Set with the first fault: the other threads end at their next batch.
    stop: AtomicBool,
    next: AtomicUsize,
}

impl Work<'_> {
    /// Stages tables until none is left.
    fn tables(
        &self,
        wanted: &[&TableSchema],
        order: &[usize],
    ) -> Vec<(usize, Result<TableNote, StageError>)> {
        let mut done = Vec::new();
        while let Some(at) = order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let Some(table) = wanted.get(*at) else {
                continue;
            };
            let result = self.table(table);
            if result.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            done.push((*at, result));
        }
        done
    }

    fn table(&self, table: &TableSchema) -> Result<TableNote, StageError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(StageError::Interrupted);
        }
        let path = self.run.stage(&table.name);
        let mut sink = TableSink {
            work: self,
            table: &table.name,
            file: ParquetFile::create(&path, table.arrow(), &Layout::table(table))?,
            rejects: RejectsPart::new(self.run, &table.name),
            unreadable: 0,
        };
        let count = match self.source.read(table, &mut sink) {
            Ok(count) => count,
            // The sink's own errors come back in the source's: they are told as what they are.
            Err(SourceError::Stopped { table, source }) => {
                return Err(match source.downcast::<StageError>() {
                    Ok(error) => *error,
                    Err(source) => SourceError::Stopped { table, source }.into(),
                });
            }
            Err(error) => return Err(error.into()),
        };
        let TableSink { file, rejects, .. } = sink;
        let reasons: BTreeMap<String, u64> = rejects.finish()?;
        let file = file.finish()?;
        // Whoever ends the extraction with the last table has it staged nevertheless.
        let _ = (self.progress)(Extracting {
            table: &table.name,
            staged: count.staged,
            unreadable: count.unreadable,
            done: true,
        });
        tracing::debug!(table = %table.name, read = count.read, staged = count.staged, "table staged");
        Ok(TableNote {
            name: table.name.clone(),
            read: count.read,
            staged: count.staged,
            unreadable: count.unreadable,
            reasons,
            bytes: file.bytes,
            fingerprint: file.fingerprint,
            columns: file.columns,
        })
    }
}

/// Takes the rows of one table.
struct TableSink<'a> {
    work: &'a Work<'a>,
    table: &'a str,
    file: ParquetFile,
    rejects: RejectsPart,
    unreadable: u64,
}

impl Sink for TableSink<'_> {
    fn batch(&mut self, batch: RecordBatch) -> Result<(), SinkError> {
        self.file.write(&batch)?;
        let told = (self.work.progress)(Extracting {
            table: self.table,
            staged: self.file.rows(),
            unreadable: self.unreadable,
            done: false,
        });
        if told.is_break() || self.work.stop.load(Ordering::Relaxed) {
            return Err(Box::new(StageError::Interrupted));
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), SinkError> {
        self.unreadable += 1;
        self.rejects
            .push(&reject)
            .map_err(|e| Box::new(StageError::from(e)).into())
    }
}

#[cfg(test)]
mod tests;
