//! Finding errors: where to look, chunk by chunk, so that memory does not grow with their number.

use std::path::PathBuf;
use std::sync::Arc;

use super::archive::Archive;
use super::detail::Details;
use super::filter::Filter;
use super::record::Record;
use super::{left, standing};
use crate::history::History;
use crate::ledger::{Ledger, LedgerError};
use crate::load::ObjectsError;
use crate::metadata::Standard;
use crate::source::SisSchema;
use crate::stage::{RunFolder, StageError, StateDir};

/// Records that are looked up at a time.
pub(super) const CHUNK: usize = 2048;

/// Why errors could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum ErrorsError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Results or objects.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The run folders.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The history.
    #[error(transparent)]
    History(#[from] crate::history::HistoryError),
    /// A file.
    #[error("the error log cannot be read or written")]
    Io(#[from] std::io::Error),
    /// A staged table.
    #[error("cannot read {path}")]
    Staged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A run that left no results.
    #[error(
        "run {0} has no results (was it killed?); without --run, `errors` shows what stands in the \
         ledger"
    )]
    NoResults(String),
    /// Several ledgers, and no run that tells which one counts.
    #[error("there are ledgers of several targets or years ({0}); give --school-year, or --run")]
    WhichLedger(String),
}

/// How much of each record is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What became of it, and why.
    Outcome,
    /// Also the request and the source row.
    Full,
}

/// Where errors are looked for.
#[derive(Debug)]
pub struct Search {
    /// The configuration's folder.
    pub state: StateDir,
    /// The resources asked for, in order.
    pub resources: Vec<String>,
    /// The SIS tables, for their keys.
    pub sis: SisSchema,
    /// The data standard, for paths.
    pub standard: Arc<Standard>,
    /// School year of the ledger; that of the newest run where none is given.
    pub school_year: Option<i32>,
}

impl Search {
    /// Visits all records that the filter asks for, resource by resource. The visitor ends the
    /// search by returning false.
    ///
    /// # Errors
    /// [`ErrorsError`], or the visitor's.
    pub fn visit<E: From<ErrorsError>>(
        &self,
        filter: &Filter,
        depth: Depth,
        visit: &mut dyn FnMut(Record) -> Result<bool, E>,
    ) -> Result<(), E> {
        let runs = self.runs(filter.run.as_deref())?;
        let ledger = self.ledger()?;
        let archive = match &ledger {
            Some(folder) => Archive::load(folder).map_err(ErrorsError::from)?,
            None => Archive::default(),
        };
        for resource in &self.resources {
            let details = Details {
                search: self,
                resource,
                runs: &runs,
                depth,
            };
            if let Some(folder) = ledger.as_ref().filter(|_| filter.wants_standing()) {
                let ledger = Ledger::open(folder).map_err(ErrorsError::from)?;
                if !standing::visit(&ledger, &archive, &details, filter, visit)? {
                    return Ok(());
                }
            }
            if (filter.run.is_some() || filter.wants_held())
                && !left::visit(&archive, &details, filter, visit)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs that have sent something and have results, newest first; only `run` when given.
    fn runs(&self, run: Option<&str>) -> Result<Vec<RunFolder>, ErrorsError> {
        if let Some(run) = run {
            let folder = self.state.open(run)?;
            return match folder.tallies().exists() {
                true => Ok(vec![folder]),
                false => Err(ErrorsError::NoResults(folder.id())),
            };
        }
        let mut runs = Vec::new();
        for id in self.state.ids()?.into_iter().rev() {
            let path = self.state.runs().join(id.as_str());
            let sent = crate::report::read(&path).is_ok_and(|(report, _)| !report.dry_run);
            if let Some(folder) = RunFolder::open(&path).ok().filter(|_| sent) {
                runs.push(folder);
            }
        }
        Ok(runs)
    }

    /// The folder of the ledger that counts: that of the newest run that met a target, else the
    /// only one there is. None: nothing has been sent yet.
    ///
    /// # Errors
    /// Several ledgers and no word of which one.
    pub fn ledger(&self) -> Result<Option<PathBuf>, ErrorsError> {
        let ledgers = self.state.ledger();
        for entry in History::new(&self.state).entries()?.iter().rev() {
            let (Some(target), Some(year)) = (&entry.target.fingerprint, entry.target.school_year)
            else {
                continue;
            };
            let folder = Ledger::folder(&ledgers, target, year);
            if self.school_year.is_none_or(|wanted| wanted == year) && folder.is_dir() {
                return Ok(Some(folder));
            }
        }
        let list = |folder: &PathBuf| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|e| e.path()).filter(|p| p.is_dir()).collect()
        };
        let wanted = self.school_year.map(|year| year.to_string());
        let mut found: Vec<PathBuf> = list(&ledgers).iter().flat_map(list).collect();
        found.retain(|folder| {
            let year = folder.file_name().map(|n| n.to_string_lossy().into_owned());
            wanted.is_none() || wanted == year
        });
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => {
                let names = several.iter().map(|p| p.display().to_string());
                Err(ErrorsError::WhichLedger(
                    names.collect::<Vec<_>>().join(", "),
                ))
            }
        }
    }
}
