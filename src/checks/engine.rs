//! A SQL engine over scratch files, with little memory: joins that sort and spill.
//!
//! Reads: Parquet files. Writes: spill files in its folder. Never: knows what the rows mean.

use std::path::Path;
use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

use crate::files;
use crate::ledger::LedgerError;
use crate::load::{ApiError, ObjectsError};
use crate::stage::StageError;

/// Memory of joins, sorts and aggregates together, in bytes, before they spill.
const MEMORY: usize = 256 << 20;

/// Why a check could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The engine.
    #[error("a comparison failed while it was {doing}; is there room on the disk?")]
    Engine {
        /// What it did.
        doing: &'static str,
        /// What the engine says.
        #[source]
        source: Box<DataFusionError>,
    },
    /// Record batches.
    #[error("objects could not be compared")]
    Arrow(#[from] ArrowError),
    /// An objects file.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A scratch file.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The target.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A file.
    #[error("a file cannot be read or written")]
    Io(#[from] std::io::Error),
}

/// The engine and its folder of scratch files, which is removed with it.
pub struct Engine {
    context: SessionContext,
    folder: std::path::PathBuf,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Scratch: what is left of it disturbs nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Engine {
    /// An engine whose scratch files are in `folder`, made for the owner only.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(folder: &Path) -> Result<Self, CheckError> {
        files::create_dir(folder)?;
        let mut config = SessionConfig::new()
            .with_target_partitions(2)
            .with_batch_size(2048);
        let options = config.options_mut();
        options.sql_parser.enable_ident_normalization = false;
        options.optimizer.prefer_hash_join = false;
        options.execution.sort_spill_reservation_bytes = 256 << 10;
        options.execution.parquet.schema_force_view_types = false;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![folder.to_owned()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(MEMORY)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(failed("set up"))?;
        Ok(Self {
            context: SessionContext::new_with_config_rt(config, runtime),
            folder: folder.to_owned(),
        })
    }

    /// The folder of scratch files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a Parquet file a table.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn table(&self, name: &str, file: &Path) -> Result<(), CheckError> {
        // Any earlier table of this name is replaced.
        let _ = self.context.deregister_table(name);
        let path = std::path::absolute(file)?;
        let path = path.to_string_lossy().into_owned();
        self.context
            .register_parquet(name, path, ParquetReadOptions::default())
            .await
            .map_err(failed("opening a scratch file"))
    }

    /// The rows of a query, as a stream.
    ///
    /// # Errors
    /// The query cannot be planned.
    pub async fn rows(&self, sql: &str) -> Result<SendableRecordBatchStream, CheckError> {
        let frame = self.context.sql(sql).await.map_err(failed("planned"))?;
        frame.execute_stream().await.map_err(failed("started"))
    }
}

/// Wraps what the engine says.
pub(super) fn failed(doing: &'static str) -> impl FnOnce(DataFusionError) -> CheckError {
    move |source| CheckError::Engine {
        doing,
        source: Box::new(source),
    }
}
