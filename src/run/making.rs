//! What a transform works with: sessions over slices of the staging, one resource at a time.
//!
//! Reads: staged tables. Writes: slices below the run's `temp`, one objects file at a time. Never:
//! decides which slice a resource sees.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array as _, AsArray as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::check;
use super::prepare::{Prepared, spec};
use super::{Context, RunError, Selection};
use crate::object::{KeyHash, Outcome, Reason};
use crate::progress::Progress;
use crate::scope::Scope;
use crate::source::SisSchema;
use crate::stage::{Cut, Slicer};
use crate::transform::{self, Narrow, ScopeColumns, Seen, Session, Views, uses};

/// Staged files of so many bytes together hold few rows: views are computed once, and not planned
/// with every resource.
const FEW_BYTES: u64 = 4 << 20;

/// The objects of one resource, or of a part of it.
pub(super) struct Done {
    pub(super) file: crate::stage::FileNote,
    pub(super) held: BTreeMap<(Outcome, Reason), u64>,
    pub(super) seen: Seen,
}

/// One transform at work.
pub(super) struct Making<'a> {
    pub(super) context: &'a Context,
    pub(super) selection: &'a Selection,
    pub(super) sis: &'a SisSchema,
    pub(super) progress: &'a Arc<dyn Progress>,
    pub(super) slicer: Slicer,
    pub(super) temp: PathBuf,
    pub(super) scope: Scope,
    pub(super) narrow: Narrow,
    pub(super) columns: BTreeMap<String, ScopeColumns>,
    pub(super) batches: Vec<BTreeSet<i64>>,
    pub(super) year: i32,
}

impl Making<'_> {
    /// E21, `--strict-person-filter`.
    pub(super) fn only_persons(&self) -> Result<(), RunError> {
        let others: Vec<String> = self
            .selection
            .resources
            .iter()
            .map(|p| p.resource.name.clone())
            .filter(|name| !self.columns_of(name).person)
            .collect();
        match others.is_empty() || self.scope.persons.is_none() {
            true => Ok(()),
            false => Err(RunError::NotPersons(others)),
        }
    }

    pub(super) fn columns_of(&self, name: &str) -> ScopeColumns {
        self.columns.get(name).copied().unwrap_or_default()
    }

    pub(super) fn is_personal(&self, name: &str) -> bool {
        self.scope.persons.is_some() && self.columns_of(name).person
    }

    /// The resources for which `which` holds.
    pub(super) fn resources(&self, which: impl Fn(&str) -> bool) -> Vec<&Prepared> {
        let all = self.selection.resources.iter();
        all.filter(|p| which(&p.resource.name)).collect()
    }

    /// A session over a slice with all tables that these resources need; none for no resource.
    pub(super) async fn slice(
        &self,
        resources: &[&Prepared],
        cut: &Cut,
        all_schools: bool,
        folder: &str,
    ) -> Result<Option<Session>, RunError> {
        if resources.is_empty() {
            return Ok(None);
        }
        let began = Instant::now();
        let (mut names, mut views) = (BTreeSet::new(), BTreeSet::new());
        for p in resources {
            let (sql, additions) = (&p.resource.sql, &p.resource.additions);
            let used = uses(sql, additions, &self.context.pipeline.views);
            let used = used.map_err(RunError::Problems)?;
            names.extend(used.tables);
            views.extend(used.views);
        }
        let out = self.temp.join(folder);
        crate::files::create_dir(&out)?;
        let files = tokio::task::block_in_place(|| self.slicer.slice(cut, &names, &out))?;
        let bytes = files.values().map(|f| f.metadata().map_or(0, |m| m.len()));
        let views = match bytes.sum::<u64>() <= FEW_BYTES {
            true => Views::Computed(views),
            false => Views::Inlined,
        };
        let cut = began.elapsed();
        let how = (self.year, all_schools);
        let pipeline = &self.context.pipeline;
        let session = check::session(pipeline, self.sis, &files, how, views, &self.temp).await?;
        tracing::debug!(resources = resources.len(), ?cut, all = ?began.elapsed(), "cut a slice");
        Ok(Some(session))
    }

    pub(super) async fn one(
        &self,
        session: &Session,
        p: &Prepared,
        out: &Path,
        narrow: Narrow,
    ) -> Result<Done, RunError> {
        if *self.context.cancel.borrow() {
            return Err(RunError::Stopped);
        }
        let options = transform::Options {
            local_validation: self.context.pipeline.load.local_validation,
            narrow: Arc::new(narrow),
        };
        let spec = spec(&p.resource, &p.meta);
        let standard = &self.selection.standard;
        let began = Instant::now();
        let done = transform::transform(session, &spec, standard, out, &options).await?;
        tracing::debug!(resource = %p.resource.name, took = ?began.elapsed(), "made");
        Ok(Done {
            file: done.file.note(&p.resource.name),
            held: done.held,
            seen: done.seen,
        })
    }

    /// Frees the disk; what is left over goes with the folder.
    pub(super) fn discard(&self, folder: &str) {
        let _ = std::fs::remove_dir_all(self.temp.join(folder));
    }
}

/// The key hashes of an objects file.
pub(super) fn keys(path: &Path) -> Result<HashSet<u128>, RunError> {
    let unreadable = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| crate::files::at(path, &e))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["_key_hash"]);
    let reader = builder.with_projection(mask).build();
    let mut keys = HashSet::new();
    for batch in reader.map_err(|e| unreadable(e.to_string()))? {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        let hashes = batch.column(0).as_fixed_size_binary();
        let hashes = (0..hashes.len()).filter_map(|i| KeyHash::from_bytes(hashes.value(i)));
        keys.extend(hashes.map(|hash| hash.0));
    }
    Ok(keys)
}
