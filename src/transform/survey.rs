//! What a resource's SQL says of its rows without making objects of them: codes without a mapping,
//! persons without an id.
//!
//! Reads: staged tables through the session. Writes: nothing. Never: one entry per row; memory is
//! bounded by the codes, and by the persons that lack an id.
//! Sources: E12 (persons without an id), E13 (mappings for all codes in use).

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{
    BinaryExpr, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, ident, lit,
};
use datafusion::scalar::ScalarValue;

use super::error::TransformError;
use super::rules::ResourceSpec;
use super::session::Session;
use super::sql::{self, Planned, Statement};

/// What a code without a mapping does to the rows that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The object is rejected (`unmapped()` says so).
    Rejects,
    /// The mapping goes on without it: the crosswalk chooses what is sent.
    Optional,
}

/// One resource, looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// `(crosswalk, code, effect)` -> rows that have it, and those of them that are left out or
    /// rejected for another reason anyway.
    pub codes: BTreeMap<(String, String, Effect), (u64, u64)>,
    /// Reason (`no_edfi_id`) -> the persons.
    pub without_id: BTreeMap<String, Persons>,
}

/// Persons that lack an id, by a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persons {
    /// Objects that are skipped for it.
    pub objects: u64,
    /// SIS personIDs, as far as the mapping gives them.
    pub ids: BTreeSet<i64>,
}

/// Looks at one resource.
///
/// # Errors
/// The SQL has mistakes or fails on the data.
pub async fn survey(
    session: &Session,
    resource: &ResourceSpec<'_>,
) -> Result<Survey, TransformError> {
    let statement =
        Statement::of(&resource.sql, resource.additions).map_err(TransformError::Problems)?;
    let planned =
        sql::plan(session, &statement)
            .await
            .map_err(|problems| match problems.is_empty() {
                true => TransformError::Problems(session.problems().to_vec()),
                false => TransformError::Problems(problems),
            })?;
    let failed = |e| TransformError::execute(resource.name, &resource.sql, e);
    let mut survey = Survey::default();
    rejecting(session, &planned, &mut survey)
        .await
        .map_err(failed)?;
    optional(session, &planned, &mut survey)
        .await
        .map_err(failed)?;
    persons(session, &planned, &mut survey)
        .await
        .map_err(failed)?;
    Ok(survey)
}

fn frame(session: &Session, plan: LogicalPlan) -> DataFrame {
    DataFrame::new(session.context.state(), plan)
}

/// A column of the SQL, or NULLs where it has none.
fn text_or_null(planned: &Planned, name: &str) -> Expr {
    match planned.schema.column_with_name(name) {
        Some(_) => ident(name),
        None => lit(ScalarValue::Utf8(None)).alias(name),
    }
}

/// Codes that `unmapped()` names.
async fn rejecting(
    session: &Session,
    planned: &Planned,
    survey: &mut Survey,
) -> Result<(), DataFusionError> {
    if planned.schema.column_with_name("_unmapped").is_none() {
        return Ok(());
    }
    let out = text_or_null(planned, "_skip")
        .unalias()
        .is_not_null()
        .or(text_or_null(planned, "_reject").unalias().is_not_null());
    let batches = frame(session, planned.plan.clone())
        .select(vec![ident("_unmapped"), out.alias("_out")])?
        .filter(ident("_unmapped").is_not_null())?
        .aggregate(
            vec![ident("_unmapped"), ident("_out")],
            vec![count(lit(1)).alias("n")],
        )?
        .collect()
        .await?;
    for batch in &batches {
        let (said, rows) = (texts(batch, 0)?, numbers(batch, 2)?);
        let out = batch.column(1).as_boolean();
        let (said, rows) = (said.as_string::<i32>(), rows.as_primitive::<Int64Type>());
        for i in 0..batch.num_rows() {
            let n = rows.value(i).unsigned_abs();
            for one in said.value(i).split("; ") {
                // A mapping may name the field itself: `termDescriptor: term=Q9`.
                let one = one.split_once(": ").map_or(one, |(_, rest)| rest);
                let Some((crosswalk, code)) = one.split_once('=') else {
                    continue;
                };
                let code = (crosswalk.to_owned(), code.to_owned(), Effect::Rejects);
                let counts = survey.codes.entry(code).or_default();
                counts.0 += n;
                counts.1 += if out.value(i) { n } else { 0 };
            }
        }
    }
    Ok(())
}

/// A join with a crosswalk: what is mapped, and by which code.
struct Mapping {
    crosswalk: String,
    code: Expr,
    unmapped: LogicalPlan,
}

/// Codes of crosswalks that the SQL joins without asking `unmapped()`: rows that find no partner.
async fn optional(
    session: &Session,
    planned: &Planned,
    survey: &mut Survey,
) -> Result<(), DataFusionError> {
    let asked = format!("{}", planned.plan.display_indent());
    let mut mappings: Vec<Mapping> = Vec::new();
    planned.plan.apply(|node| {
        if let LogicalPlan::Join(join) = node {
            let sides = [
                (&join.left, &join.right, JoinType::Left),
                (&join.right, &join.left, JoinType::Right),
            ];
            for (rows, list, outer) in sides {
                let Some(crosswalk) = crosswalk_of(list)? else {
                    continue;
                };
                if join.join_type != outer && join.join_type != JoinType::Inner {
                    continue;
                }
                let equal = join.on.iter().map(|(l, r)| l.clone().eq(r.clone()));
                let on: Vec<Expr> = equal.chain(join.filter.clone()).collect();
                let Some(code) = on.iter().find_map(|e| code_of(e, rows)) else {
                    continue;
                };
                let unmapped = LogicalPlanBuilder::from(rows.as_ref().clone())
                    .join_on(list.as_ref().clone(), JoinType::LeftAnti, on)?
                    .build()?;
                mappings.push(Mapping {
                    crosswalk,
                    code,
                    unmapped,
                });
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    for mapping in mappings {
        // What `unmapped()` is asked about is counted there, with what the mapping makes of it.
        if asked.contains(&format!("unmapped(Utf8(\"{}\")", mapping.crosswalk)) {
            continue;
        }
        let batches = frame(session, mapping.unmapped)
            .select(vec![mapping.code.alias("code")])?
            .filter(ident("code").is_not_null())?
            .aggregate(vec![ident("code")], vec![count(lit(1)).alias("n")])?
            .collect()
            .await?;
        for batch in &batches {
            let (codes, rows) = (texts(batch, 0)?, numbers(batch, 1)?);
            let (codes, rows) = (codes.as_string::<i32>(), rows.as_primitive::<Int64Type>());
            for i in (0..batch.num_rows()).filter(|i| !codes.value(*i).is_empty()) {
                let code = codes.value(i).to_owned();
                let key = (mapping.crosswalk.clone(), code, Effect::Optional);
                survey.codes.entry(key).or_default().0 += rows.value(i).unsigned_abs();
            }
        }
    }
    Ok(())
}

/// The crosswalk that a part of a plan reads, when it reads nothing else.
fn crosswalk_of(plan: &LogicalPlan) -> Result<Option<String>, DataFusionError> {
    let mut tables = BTreeSet::new();
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            tables.insert(scan.table_name.table().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let only = match tables.len() {
        1 => tables.pop_first(),
        _ => None,
    };
    Ok(only.and_then(|name| name.strip_prefix("xwalk_").map(str::to_owned)))
}

/// The side of an equality that comes from the mapped rows.
fn code_of(on: &Expr, rows: &LogicalPlan) -> Option<Expr> {
    match on {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => code_of(left, rows).or_else(|| code_of(right, rows)),
            Operator::Eq => [left, right].into_iter().find_map(|side| {
                let columns = side.column_refs();
                let own = columns.iter().all(|c| rows.schema().has_column(c));
                (own && !columns.is_empty()).then(|| side.as_ref().clone())
            }),
            _ => None,
        },
        _ => None,
    }
}

/// Rows skipped because the person has no id: reasons `no_..._id`.
async fn persons(
    session: &Session,
    planned: &Planned,
    survey: &mut Survey,
) -> Result<(), DataFusionError> {
    if planned.schema.column_with_name("_skip").is_none() {
        return Ok(());
    }
    let person = match planned.schema.column_with_name("_person_id") {
        Some(_) => ident("_person_id"),
        None => lit(ScalarValue::Int64(None)).alias("_person_id"),
    };
    let batches = frame(session, planned.plan.clone())
        .select(vec![ident("_skip"), person])?
        .filter(ident("_skip").like(lit("no\\_%\\_id")))?
        .aggregate(
            vec![ident("_skip"), ident("_person_id")],
            vec![count(lit(1)).alias("n")],
        )?
        .execute_stream()
        .await?;
    let batches: Vec<RecordBatch> = datafusion::physical_plan::common::collect(batches).await?;
    for batch in &batches {
        let (reasons, ids, rows) = (texts(batch, 0)?, numbers(batch, 1)?, numbers(batch, 2)?);
        let (reasons, ids) = (reasons.as_string::<i32>(), ids.as_primitive::<Int64Type>());
        let rows = rows.as_primitive::<Int64Type>();
        for i in 0..batch.num_rows() {
            let reason = reasons.value(i).to_owned();
            let found = survey.without_id.entry(reason).or_default();
            found.objects += rows.value(i).unsigned_abs();
            found.ids.extend(ids.is_valid(i).then(|| ids.value(i)));
        }
    }
    Ok(())
}

fn texts(batch: &RecordBatch, column: usize) -> Result<ArrayRef, DataFusionError> {
    Ok(cast(batch.column(column), &DataType::Utf8)?)
}

fn numbers(batch: &RecordBatch, column: usize) -> Result<ArrayRef, DataFusionError> {
    Ok(cast(batch.column(column), &DataType::Int64)?)
}
