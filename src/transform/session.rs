//! The SQL engine of a run: staged tables, crosswalks, settings, views, a bounded memory pool.
//!
//! Reads: staged Parquet, crosswalk CSV, view SQL. Writes: spill files in its temporary folder.
//! Never: writes objects, or looks at a resource.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::files;
use crate::pipeline::Setting;

use super::crosswalk;
use super::error::{Problem, TransformError};
use super::held_ids;
use super::ref_id::{RefIdFunction, RefIdSettings};
use super::unmapped::Unmapped;
use super::views::{self, Views};

/// Memory that joins, sorts and aggregates of one session may take, in bytes, before they spill.
pub const DEFAULT_MEMORY: usize = 512 << 20;

/// Rows per batch (measured: nested joins are slower both at half and at twice of it).
const BATCH_ROWS: usize = 16_384;

/// Where a table's rows are.
#[derive(Clone, Debug)]
pub enum TableFile {
    /// A staged file and its schema.
    Parquet(PathBuf, SchemaRef),
    /// No rows: for checking SQL before anything is extracted.
    Empty(SchemaRef),
}

/// What a session is made from.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// SIS tables by name.
    pub tables: Vec<(String, TableFile)>,
    /// Crosswalks: SQL table name and CSV files, of which each lies over those before it.
    pub crosswalks: Vec<(String, Vec<PathBuf>)>,
    /// The columns of the one-row table `settings`.
    pub settings: Vec<(String, Setting)>,
    /// Views in the order they are made: name and SQL file.
    pub views: Vec<(String, PathBuf)>,
    /// What SQL sees in their place.
    pub views_as: Views,
    /// What RefIds are made of; None: there is no function `ref_id`.
    pub ref_ids: Option<RefIdSettings>,
    /// Folder for spill files; made for the owner only, and removed by whoever owns the run.
    pub temp_dir: PathBuf,
    /// Memory limit in bytes; [`DEFAULT_MEMORY`] unless there is a reason.
    pub memory: usize,
}

/// A SQL engine with all inputs of a pipeline.
#[derive(Clone)]
pub struct Session {
    pub(super) context: SessionContext,
    problems: Vec<Problem>,
    broken: BTreeSet<String>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Sets the engine up. Mistakes in crosswalks and views do not stop it: they are
    /// [`Session::problems`].
    ///
    /// # Errors
    /// The temporary folder cannot be made, or a staged file's path cannot be used.
    pub async fn new(inputs: &Inputs) -> Result<Self, TransformError> {
        let context = engine(inputs)?;
        context.register_udf(Unmapped::udf());
        for (name, table) in &inputs.tables {
            register(&context, name, provider(table)?)?;
        }
        register(&context, "settings", settings(&inputs.settings)?)?;
        let mut session = Self {
            context,
            problems: Vec::new(),
            broken: BTreeSet::new(),
        };
        if let Some(settings) = &inputs.ref_ids {
            session.add_ref_ids(settings);
        }
        for (name, files) in &inputs.crosswalks {
            session.add_crosswalk(name, files)?;
        }
        let mut room = views::ROOM;
        for (name, file) in &inputs.views {
            session
                .add_view(name, file, &inputs.views_as, &mut room)
                .await?;
        }
        Ok(session)
    }

    /// Mistakes in crosswalks and views.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether this crosswalk or view has mistakes, so that it is not there.
    pub(super) fn is_broken(&self, table: &str) -> bool {
        self.broken.contains(table)
    }

    /// Names of all tables that SQL may use.
    pub(super) fn tables(&self) -> Vec<String> {
        let catalogs = self.context.catalog_names();
        let catalogs = catalogs.iter().filter_map(|c| self.context.catalog(c));
        catalogs
            .flat_map(|c| {
                let schemas: Vec<_> = c
                    .schema_names()
                    .iter()
                    .filter_map(|s| c.schema(s))
                    .collect();
                schemas
            })
            .flat_map(|s| s.table_names())
            .collect()
    }

    /// The state for a resource that ran out of memory: joins that sort and spill in place of
    /// joins that hold one side in memory.
    pub(super) fn frugal(&self) -> SessionState {
        let mut config = self.context.copied_config();
        let options = config.options_mut();
        options.optimizer.prefer_hash_join = false;
        // Few sorts at a time, and small steps: slow, but it ends. (With one partition the
        // planner would hash again.)
        options.execution.target_partitions = 2;
        options.execution.sort_spill_reservation_bytes = 256 << 10;
        SessionStateBuilder::new_from_existing(self.context.state())
            .with_config(config.with_batch_size(BATCH_ROWS / 16))
            .build()
    }

    /// With a table of RefIds that has mistakes the function makes none; it is there, so that the
    /// mistakes of SQL that are told beside are its own.
    fn add_ref_ids(&mut self, settings: &RefIdSettings) {
        let held = held_ids::held(settings).map_err(|problems| self.problems.extend(problems));
        let function = RefIdFunction::udf(settings, held.ok());
        self.context.register_udf(function);
    }

    fn add_crosswalk(&mut self, name: &str, files: &[PathBuf]) -> Result<(), TransformError> {
        match crosswalk::read(files) {
            Ok((batch, problems)) => {
                self.problems.extend(problems);
                register(&self.context, name, Arc::new(one_batch(batch)?))
            }
            Err(problem) => {
                self.problems.push(problem);
                self.broken.insert(name.to_owned());
                Ok(())
            }
        }
    }

    /// Notes a view that has mistakes.
    pub(super) fn break_view(&mut self, name: &str, problems: Vec<Problem>) {
        self.problems.extend(problems);
        self.broken.insert(name.to_owned());
    }
}

fn failed(what: impl Into<String>) -> impl FnOnce(DataFusionError) -> TransformError {
    let what = what.into();
    move |source| TransformError::Session {
        what,
        source: Box::new(source),
    }
}

fn engine(inputs: &Inputs) -> Result<SessionContext, TransformError> {
    files::create_dir(&inputs.temp_dir)?;
    let cores = match inputs.views_as {
        // Few rows: to share them out would take longer.
        Views::Computed(_) => 1,
        _ => std::thread::available_parallelism().map_or(2, usize::from),
    };
    let mut config = SessionConfig::new()
        .with_target_partitions(cores)
        .with_batch_size(BATCH_ROWS);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    options.execution.parquet.schema_force_view_types = false;
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![inputs.temp_dir.clone()]));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(inputs.memory)))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(failed("memory pool and temporary folder"))?;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

pub(super) fn register(
    context: &SessionContext,
    name: &str,
    table: Arc<dyn TableProvider>,
) -> Result<(), TransformError> {
    context
        .register_table(TableReference::bare(name.to_owned()), table)
        .map_err(failed(format!("table `{name}`")))?;
    Ok(())
}

fn provider(table: &TableFile) -> Result<Arc<dyn TableProvider>, TransformError> {
    let (path, schema) = match table {
        TableFile::Empty(schema) => return Ok(Arc::new(EmptyTable::new(Arc::clone(schema)))),
        TableFile::Parquet(path, schema) => (path, schema),
    };
    let bad = || failed(path.display().to_string());
    let absolute = std::path::absolute(path)?;
    let url = url::Url::from_file_path(&absolute).map_err(|()| {
        let message = "its path cannot be written as a URL".to_owned();
        bad()(DataFusionError::Configuration(message))
    })?;
    // Not `ListingTableUrl::parse`: a folder name with `[` or `*` would be taken as a pattern.
    let url = ListingTableUrl::try_new(url, None).map_err(bad())?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(Arc::clone(schema));
    Ok(Arc::new(ListingTable::try_new(config).map_err(bad())?))
}

fn settings(values: &[(String, Setting)]) -> Result<Arc<dyn TableProvider>, TransformError> {
    let columns = values.iter().map(|(name, value)| {
        let column: ArrayRef = match value {
            Setting::Boolean(v) => Arc::new(BooleanArray::from(vec![*v])),
            Setting::Integer(v) => Arc::new(Int64Array::from(vec![*v])),
            Setting::Text(v) => Arc::new(StringArray::from(vec![v.as_str()])),
        };
        (name.as_str(), column, true)
    });
    // A row needs a column: without settings the table has one of no meaning.
    let none: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    let batch = match values.is_empty() {
        true => RecordBatch::try_from_iter([("_none", none)]),
        false => RecordBatch::try_from_iter_with_nullable(columns),
    };
    let batch = batch.map_err(|e| failed("settings")(e.into()))?;
    Ok(Arc::new(one_batch(batch)?))
}

fn one_batch(batch: RecordBatch) -> Result<MemTable, TransformError> {
    MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(failed("a table in memory"))
}
