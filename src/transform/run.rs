//! Runs the SQL of one resource and writes its objects, one task per partition and one writer.
//!
//! Reads: staged tables through the session. Writes: the objects file. Never: holds more than a
//! few batches.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream_partitioned;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::metadata::Standard;
use crate::object::{Outcome, Reason};
use crate::stage::{Layout, ParquetFile, StageError, StagedFile};

use super::error::TransformError;
use super::lineage::mapped_fields;
use super::narrow::{self, Narrow, Seen};
use super::objects::{HeldCounts, ObjectBuilder};
use super::rules::{ResourceSpec, effective_meta};
use super::session::Session;
use super::sql::{self, Statement};

/// Finished batches that wait for the writer, per partition.
const WAITING: usize = 2;

/// Choices of a transform.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether bodies are checked against the metadata. What the mapping itself says (`_skip`,
    /// `_reject`, `_unmapped`) counts in any case.
    pub local_validation: bool,
    /// What the rows are narrowed to.
    pub narrow: Arc<Narrow>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            local_validation: true,
            narrow: Arc::default(),
        }
    }
}

/// The objects of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transformed {
    /// Objects in the file, those held back included.
    pub rows: u64,
    /// Objects held back.
    pub held: BTreeMap<(Outcome, Reason), u64>,
    /// The ids named in the scope that objects were made of.
    pub seen: Seen,
    /// The objects file.
    pub file: StagedFile,
}

/// Runs a resource's SQL and writes its objects to `out`.
///
/// # Errors
/// The SQL has mistakes or fails on the data, or the file cannot be written. No file is left
/// under `out` then, other resources are not touched.
pub async fn transform(
    session: &Session,
    resource: &ResourceSpec<'_>,
    standard: &Standard,
    out: &Path,
    options: &Options,
) -> Result<Transformed, TransformError> {
    let rules = effective_meta(resource).map_err(TransformError::Problems)?;
    let statement =
        Statement::of(&resource.sql, resource.additions).map_err(TransformError::Problems)?;
    let planned = sql::plan(session, &statement).await.map_err(|problems| {
        // Nothing of its own: a view or crosswalk that it uses is broken.
        TransformError::Problems(match problems.is_empty() {
            true => session.problems().to_vec(),
            false => problems,
        })
    })?;
    let mapped = mapped_fields(&planned.plan);
    let builder = ObjectBuilder::new(&planned.schema, rules, standard, mapped, options);
    let plan = match options.narrow.scope.names_ids() {
        true => planned.plan,
        false => narrow::without_more(planned.plan)
            .map_err(|e| TransformError::execute(resource.name, &resource.sql, e))?,
    };
    let work = Work {
        resource,
        out,
        plan,
        builder,
    };
    match work.attempt(&session.context.state()).await {
        Err(error) if is_out_of_memory(&error) => {
            tracing::warn!(
                resource = resource.name,
                "out of memory for joins; trying again with joins that sort and spill"
            );
            work.attempt(&session.frugal()).await
        }
        done => done,
    }
}

struct Work<'a> {
    resource: &'a ResourceSpec<'a>,
    out: &'a Path,
    plan: LogicalPlan,
    builder: ObjectBuilder,
}

impl Work<'_> {
    async fn attempt(&self, state: &SessionState) -> Result<Transformed, TransformError> {
        let streams = self.streams(state).await.map_err(|e| self.failed(e))?;
        let (batches, finished) = mpsc::channel(streams.len().max(1) * WAITING);
        let schema = Arc::clone(self.builder.schema());
        let file = ParquetFile::create(self.out, schema, &Layout::objects())
            .map_err(|e| self.not_written(e))?;
        let writer = tokio::task::spawn_blocking(move || write_all(file, finished));
        let mut partitions = JoinSet::new();
        for stream in streams {
            partitions.spawn(build_all(stream, self.builder.clone(), batches.clone()));
        }
        drop(batches);
        let held = self.join(partitions).await;
        let (file, written) = writer.await.map_err(|e| self.panicked(&e))?;
        let done = match (held, written) {
            (Ok(held), Ok(())) => Ok(held),
            // A writer that stopped is the cause of whatever the partitions say.
            (_, Err(error)) => Err(self.not_written(error)),
            (Err(error), Ok(())) => Err(error),
        };
        match done {
            // Dropping the file removes what is there of it.
            Err(error) => Err(error),
            Ok((held, seen)) => {
                let file = file.finish().map_err(|e| self.not_written(e))?;
                Ok(Transformed {
                    rows: file.rows,
                    held,
                    seen,
                    file,
                })
            }
        }
    }

    async fn streams(
        &self,
        state: &SessionState,
    ) -> Result<Vec<SendableRecordBatchStream>, DataFusionError> {
        let plan = state.create_physical_plan(&self.plan).await?;
        execute_stream_partitioned(plan, Arc::new(TaskContext::from(state)))
    }

    /// Waits for all partitions; the first error stops the others.
    async fn join(
        &self,
        mut partitions: JoinSet<Result<(HeldCounts, Seen), Fault>>,
    ) -> Result<(HeldCounts, Seen), TransformError> {
        let (mut held, mut seen) = (HeldCounts::new(), Seen::default());
        while let Some(done) = partitions.join_next().await {
            match done {
                Ok(Ok((counts, met))) => {
                    seen.merge(met);
                    for (what, count) in counts {
                        *held.entry(what).or_default() += count;
                    }
                }
                Ok(Err(Fault::Engine(error))) => return Err(self.failed(error)),
                Ok(Err(Fault::Shape(message))) => return Err(self.unshaped(message)),
                Err(error) => return Err(self.panicked(&error)),
            }
        }
        Ok((held, seen))
    }

    fn failed(&self, source: DataFusionError) -> TransformError {
        TransformError::execute(self.resource.name, &self.resource.sql, source)
    }

    fn not_written(&self, source: StageError) -> TransformError {
        TransformError::Write {
            resource: self.resource.name.to_owned(),
            file: self.out.to_owned(),
            source: Box::new(source),
        }
    }

    fn unshaped(&self, message: String) -> TransformError {
        TransformError::Shape {
            resource: self.resource.name.to_owned(),
            message,
        }
    }

    fn panicked(&self, error: &tokio::task::JoinError) -> TransformError {
        self.unshaped(format!("a task stopped: {error}"))
    }
}

/// Why a partition stopped.
enum Fault {
    Engine(DataFusionError),
    Shape(String),
}

async fn build_all(
    mut stream: SendableRecordBatchStream,
    mut builder: ObjectBuilder,
    batches: mpsc::Sender<RecordBatch>,
) -> Result<(HeldCounts, Seen), Fault> {
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(Fault::Engine)?;
        if batch.num_rows() == 0 {
            continue;
        }
        let objects = builder
            .build(&batch)
            .map_err(|e| Fault::Shape(e.to_string()))?;
        let Some(objects) = objects else { continue };
        if batches.send(objects).await.is_err() {
            break; // The writer has stopped, and says why.
        }
    }
    Ok(builder.into_counts())
}

fn write_all(
    mut file: ParquetFile,
    mut batches: mpsc::Receiver<RecordBatch>,
) -> (ParquetFile, Result<(), StageError>) {
    while let Some(batch) = batches.blocking_recv() {
        if let Err(error) = file.write(&batch) {
            return (file, Err(error));
        }
    }
    (file, Ok(()))
}

fn is_out_of_memory(error: &TransformError) -> bool {
    let TransformError::Execute { source, .. } = error else {
        return false;
    };
    matches!(source.find_root(), DataFusionError::ResourcesExhausted(_))
}
