//! What SQL sees in the place of a view: its query, its columns only, or its rows, computed once.
//!
//! Views stand on views. A query that stands on them is planned with all of theirs inside, over and
//! over; the plan of a person's enrollments has hundreds of nodes. Over many rows that does not
//! matter, over the rows of one person it is nearly all of the time.
//!
//! Reads: view SQL; staged tables, when rows are computed. Writes: nothing. Never: holds more than
//! [`ROOM`] of rows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{MemTable, TableProvider, ViewTable};
use datafusion::error::DataFusionError;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt as _;

use super::error::{Problem, TransformError};
use super::session::{Session, register};
use super::sql::{self, Planned, Statement};

/// Bytes of computed rows that one session holds; a view that has no room stays a query.
pub(super) const ROOM: usize = 128 << 20;

/// What SQL sees in the place of views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Views {
    /// Their queries, planned with whatever stands on them: for many rows.
    #[default]
    Inlined,
    /// Their columns and no rows: for checking names and types.
    Declared,
    /// Of these views the rows, computed once; of the others the queries. For few rows.
    Computed(BTreeSet<String>),
}

impl Session {
    /// Adds a view; one with mistakes is noted as broken.
    pub(super) async fn add_view(
        &mut self,
        name: &str,
        file: &Path,
        views: &Views,
        room: &mut usize,
    ) -> Result<(), TransformError> {
        let text = match crate::shipped::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                let problem = Problem::new(file, format!("cannot be read: {error}"));
                self.break_view(name, vec![problem]);
                return Ok(());
            }
        };
        let statement = match Statement::parse(file, &text) {
            Ok(statement) => statement,
            Err(problem) => {
                self.break_view(name, vec![problem]);
                return Ok(());
            }
        };
        let planned = match sql::plan(self, &statement).await {
            Ok(planned) => planned,
            Err(problems) => {
                self.break_view(name, problems);
                return Ok(());
            }
        };
        let query = |planned: Planned| Arc::new(ViewTable::new(planned.plan, Some(text)));
        let table: Arc<dyn TableProvider> = match views {
            Views::Declared => Arc::new(EmptyTable::new(planned.schema)),
            Views::Computed(names) if names.contains(name) => {
                match self.computed(&planned, room).await {
                    Ok(Some(rows)) => Arc::new(rows),
                    Ok(None) => query(planned),
                    // What fails on rows that nobody asks for shall not fail.
                    Err(error) => {
                        tracing::debug!(view = name, %error, "cannot be computed by itself");
                        query(planned)
                    }
                }
            }
            _ => query(planned),
        };
        register(&self.context, name, table)
    }

    /// The rows of a view; None when there is no room for them.
    async fn computed(
        &self,
        planned: &Planned,
        room: &mut usize,
    ) -> Result<Option<MemTable>, DataFusionError> {
        let state = self.context.state();
        let plan = state.create_physical_plan(&planned.plan).await?;
        let schema = plan.schema();
        let mut stream = execute_stream(plan, state.task_ctx())?;
        let (mut batches, mut left) = (Vec::new(), *room);
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            match left.checked_sub(batch.get_array_memory_size()) {
                Some(rest) => left = rest,
                None => return Ok(None),
            }
            batches.push(batch);
        }
        *room = left;
        MemTable::try_new(schema, vec![batches]).map(Some)
    }
}
