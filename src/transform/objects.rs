//! Builds finished objects from the batches of a resource's SQL.
//!
//! Reads: record batches, the rules of the resource. Writes: nothing. Never: drops a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::metadata::{ResourceMeta, Standard};
use crate::object::{Outcome, Reason, encode};

use super::check::Checker;
use super::descriptors::Known;
use super::hold::Holds;
use super::key;
use super::narrow::{Narrow, Seen};
use super::run::Options;
use super::scope::{Scope, object_schema};
use super::shape::Shape;

/// Objects held back, by outcome and reason.
pub(super) type HeldCounts = BTreeMap<(Outcome, Reason), u64>;

/// Everything that turns batches into objects; cloned for each partition.
#[derive(Clone, Debug)]
pub(super) struct ObjectBuilder {
    rules: Arc<ResourceMeta>,
    shape: Arc<Shape>,
    schema: SchemaRef,
    /// The body field that each crosswalk feeds.
    mapped_fields: Arc<BTreeMap<String, String>>,
    /// None: bodies are not checked.
    checker: Option<Checker>,
    held: HeldCounts,
    narrow: Arc<Narrow>,
    seen: Seen,
}

impl ObjectBuilder {
    /// Plans for a SQL's schema.
    pub(super) fn new(
        sql: &Schema,
        rules: ResourceMeta,
        standard: &Standard,
        mapped_fields: BTreeMap<String, String>,
        options: &Options,
    ) -> Self {
        let shape = Shape::new(sql, &rules.fields, &rules.left_out);
        let schema = Arc::new(object_schema(shape.schema().fields()));
        let known = || Known::of(standard, &rules.fields);
        let checker = options
            .local_validation
            .then(|| Checker::new(&rules, known()));
        Self {
            shape: Arc::new(shape),
            schema,
            mapped_fields: Arc::new(mapped_fields),
            checker,
            rules: Arc::new(rules),
            held: HeldCounts::new(),
            narrow: Arc::clone(&options.narrow),
            seen: Seen::default(),
        }
    }

    /// The schema of the objects.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What has been held back so far, and the named ids that were met.
    pub(super) fn into_counts(self) -> (HeldCounts, Seen) {
        (self.held, self.seen)
    }

    /// The objects of one batch of the SQL that are in scope, row by row; `None`: none is.
    ///
    /// # Errors
    /// A value that does not survive its cast, or a type that has no JSON form.
    pub(super) fn build(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        let mask = self.narrow.rows(batch, &mut self.seen)?;
        let narrowed = mask.map(|mask| filter_record_batch(batch, &mask));
        let narrowed = narrowed.transpose()?;
        let batch = narrowed.as_ref().unwrap_or(batch);
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let scope = Scope::of(batch)?;
        let body = self.shape.apply(batch)?;
        let [table, source] = &scope.source;
        let keys = key::keys(&body, &self.rules.key, table, source)?;
        let chosen = self
            .narrow
            .keys
            .as_deref()
            .map(|k| key::are_any_of(&keys, k));
        let mut holds = Holds::new(body.num_rows());
        let [skip, reject, unmapped] = scope.verdicts.each_ref().map(Option::as_ref);
        holds.mapping(skip, reject, unmapped, &self.mapped_fields);
        if let Some(checker) = &mut self.checker {
            for (row, path) in &keys.incomplete {
                let detail = || format!("{path}: no value");
                holds.reject(*row, Reason::MISSING_REQUIRED, detail);
            }
            checker.check(&body, &mut holds);
        }
        if let Some(chosen) = &chosen {
            holds.forget(chosen);
        }
        holds.count(&mut self.held);
        let hashes = key::content_hashes(&encode(&body)?)?;
        let mut columns = body.columns().to_vec();
        columns.extend([keys.text, keys.hash, hashes]);
        columns.extend(scope.source.map(|c| Arc::new(c) as _));
        columns.extend(scope.ids);
        columns.extend(holds.columns());
        let objects = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let objects = match chosen {
            Some(chosen) => filter_record_batch(&objects, &chosen)?,
            None => objects,
        };
        Ok(Some(objects).filter(|o| o.num_rows() > 0))
    }
}
