//! The conditions of a query, evaluated on record batches of the columns that they name.

use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::{SessionConfig, SessionContext};

/// Why conditions cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("a condition cannot be evaluated")]
pub struct FilterError(#[from] DataFusionError);

/// Conditions over some columns of an objects file.
#[derive(Debug)]
pub struct Filter {
    predicate: Arc<dyn PhysicalExpr>,
    columns: Vec<usize>,
}

impl Filter {
    /// The predicate `sql` over the columns `names` of a file.
    ///
    /// # Errors
    /// It does not fit the columns' types.
    pub fn new(schema: &SchemaRef, sql: &str, names: &[&str]) -> Result<Self, FilterError> {
        let fields = schema.fields().iter().enumerate();
        let columns: Vec<usize> = fields
            .filter(|(_, field)| names.contains(&field.name().as_str()))
            .map(|(place, _)| place)
            .collect();
        let narrow: Schema = schema.project(&columns).map_err(DataFusionError::from)?;
        let narrow = DFSchema::try_from(narrow)?;
        let mut config = SessionConfig::new();
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = SessionContext::new_with_config(config);
        let expression = context.parse_sql_expr(sql, &narrow)?;
        Ok(Self {
            predicate: context.create_physical_expr(expression, &narrow)?,
            columns,
        })
    }

    /// The columns that it reads, by their places in the file.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// For each row of a batch of these columns whether it is wanted; NULL counts as not.
    ///
    /// # Errors
    /// A value that cannot be compared.
    pub fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, FilterError> {
        let value = self.predicate.evaluate(batch)?;
        let array = value.into_array(batch.num_rows())?;
        match array.as_boolean_opt() {
            Some(matches) => Ok(matches.clone()),
            None => Ok(BooleanArray::from(vec![false; batch.num_rows()])),
        }
    }
}
