//! References of staged objects that lead nowhere: an anti-join over staging plus the ledger.
//!
//! Reads: objects files, ledgers. Writes: scratch files. Never: a hash of every object in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    AsArray as _, FixedSizeBinaryBuilder, Int64Array, Int64Builder, RecordBatch, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use futures::StreamExt as _;

use super::engine::{CheckError, Engine, failed};
use crate::ledger::{Columns as LedgerColumns, Ledger};
use crate::load::{Columns, Objects};
use crate::metadata::{ReferenceColumns, ResourceMeta, Standard};
use crate::object::KeyHash;
use crate::stage::{Layout, ParquetFile};

/// Examples of one group.
pub const EXAMPLES: usize = 5;

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leads {
    /// To nothing that is staged or that the ledger knows as delivered.
    Nowhere,
    /// To a staged object that is held back, and that was never delivered.
    ToHeld,
}

/// References of one resource at one place that do not resolve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangling {
    /// Objects that have one.
    pub objects: u64,
    /// Distinct objects that they point at.
    pub parents: u64,
    /// `(key of the object, resource and key pointed at)`.
    pub examples: Vec<(String, String)>,
    /// What the first of them point at: to be looked up at the target.
    pub wanted: Vec<Wanted>,
}

/// One object that is pointed at and not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Row of the first object that points at it: alternatives of one reference share it.
    pub row: u64,
    /// The resource.
    pub resource: String,
    /// The natural key.
    pub key: String,
    /// Objects that point at it.
    pub objects: u64,
}

/// Where the objects of a resource are.
#[derive(Debug)]
pub struct Place<'a> {
    /// The data standard, with the pipeline's keys.
    pub standard: &'a Standard,
    /// Staged objects of the run, by resource.
    pub objects: &'a BTreeMap<String, PathBuf>,
    /// The ledger; None where the target is not known.
    pub ledger: Option<&'a Ledger>,
}

/// Distinct unresolved parents whose keys are kept per reference.
pub const WANTED: usize = 25;

/// By row: the number of the reference, where it leads, and how many objects do likewise.
type Named = BTreeMap<u64, Vec<(usize, Leads, u64)>>;

/// Finds the references of a resource's objects that do not resolve, by where they stand. Objects
/// that are held back themselves are not asked. `only` narrows to references to some resources.
///
/// # Errors
/// Files cannot be read or written.
pub async fn dangling(
    engine: &Engine,
    place: &Place<'_>,
    (resource, meta): (&str, &ResourceMeta),
    only: impl Fn(&str) -> bool,
) -> Result<BTreeMap<(String, Leads), Dangling>, CheckError> {
    let mut found = BTreeMap::new();
    let Some(file) = place.objects.get(resource) else {
        return Ok(found);
    };
    let references = ReferenceColumns::new(place.standard, meta).only(only);
    let targets: BTreeSet<String> = references.targets().map(str::to_owned).collect();
    if targets.is_empty() {
        return Ok(found);
    }
    let objects = Objects::open(file)?;
    let scratch = write_references(engine, &objects, &references)?;
    engine.table("refs", &scratch).await?;
    let known = known(engine, place, &targets).await?;
    let mut rows = engine
        .rows(&format!("WITH known AS ({known}) {UNRESOLVED}"))
        .await?;
    let mut examples = Named::new();
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(failed("joining references"))?;
        let column = |name: &str| -> Result<Int64Array, CheckError> {
            let column = batch
                .column_by_name(name)
                .map(|c| cast(c, &DataType::Int64));
            let column = column.transpose()?;
            Ok(column.map_or_else(
                || Int64Array::from(vec![0; batch.num_rows()]),
                |c| c.as_primitive::<Int64Type>().clone(),
            ))
        };
        let (number, state, n, row) = (
            column("reference")?,
            column("state")?,
            column("n")?,
            column("row")?,
        );
        for i in 0..batch.num_rows() {
            let leads = match state.value(i) {
                0 => Leads::Nowhere,
                _ => Leads::ToHeld,
            };
            let reference = usize::try_from(number.value(i)).unwrap_or_default();
            let group = found
                .entry((references.path(reference), leads))
                .or_insert_with(Dangling::default);
            group.objects += n.value(i).unsigned_abs();
            group.parents += 1;
            if group.parents <= WANTED as u64 {
                let at = examples.entry(row.value(i).unsigned_abs()).or_default();
                at.push((reference, leads, n.value(i).unsigned_abs()));
            }
        }
    }
    name_examples(&objects, &references, &examples, &mut found)?;
    Ok(found)
}

/// One row per reference and distinct parent that no alternative resolves: state 0 nowhere, 1 held.
const UNRESOLVED: &str = ", one AS (
    SELECT reference, arrow_cast(ident, 'Binary') AS ident, target, arrow_cast(hash, 'Binary') AS h,
        count(*) AS n, min(row) AS row
    FROM refs GROUP BY 1, 2, 3, 4
), k AS (SELECT r, h, max(good) AS good FROM known GROUP BY r, h),
j AS (
    SELECT one.reference, one.ident, one.n, one.row, coalesce(k.good, 0) AS good
    FROM one LEFT JOIN k ON k.r = one.target AND k.h = one.h
)
SELECT reference, max(good) AS state, max(n) AS n, min(row) AS row
FROM j GROUP BY reference, ident HAVING max(good) < 2 ORDER BY row";

fn schema() -> SchemaRef {
    let hash = |name: &str| Field::new(name, DataType::FixedSizeBinary(16), false);
    Arc::new(Schema::new(vec![
        Field::new("reference", DataType::Int64, false),
        hash("ident"),
        Field::new("target", DataType::Utf8, false),
        hash("hash"),
        Field::new("row", DataType::Int64, false),
    ]))
}

fn write_references(
    engine: &Engine,
    objects: &Objects,
    references: &ReferenceColumns,
) -> Result<PathBuf, CheckError> {
    let path = engine.folder().join("refs.parquet");
    let mut file = ParquetFile::create(&path, schema(), &Layout::results())?;
    for group in objects.groups() {
        objects.read(
            group,
            Columns::All,
            |_| true,
            |rows, batch| {
                let held = batch.column_by_name("_held").cloned();
                let free = |row: &usize| held.as_ref().is_none_or(|h| h.is_null(*row));
                let asked: Vec<usize> = (0..batch.num_rows()).filter(free).collect();
                let mut number = Int64Builder::new();
                let (mut ident, mut hash) = (
                    FixedSizeBinaryBuilder::new(16),
                    FixedSizeBinaryBuilder::new(16),
                );
                let mut target = StringBuilder::new();
                let mut place = Int64Builder::new();
                // Alternatives of one reference come target by target; its first one names it.
                let mut first: BTreeMap<(usize, usize), KeyHash> = BTreeMap::new();
                let mut wrong = None;
                references.walk(&batch, asked.iter().copied(), |seen| {
                    let key = KeyHash::of(seen.key);
                    let named = *first.entry((seen.reference, seen.element)).or_insert(key);
                    number.append_value(i64::try_from(seen.reference).unwrap_or_default());
                    wrong = ident.append_value(named.to_bytes()).err().or(wrong.take());
                    target.append_value(seen.resource);
                    wrong = hash.append_value(key.to_bytes()).err().or(wrong.take());
                    let row = rows.get(seen.row).copied().unwrap_or_default();
                    place.append_value(i64::try_from(row).unwrap_or_default());
                })?;
                if let Some(error) = wrong {
                    return Err(error.into());
                }
                let batch = RecordBatch::try_new(
                    schema(),
                    vec![
                        Arc::new(number.finish()),
                        Arc::new(ident.finish()),
                        Arc::new(target.finish()),
                        Arc::new(hash.finish()),
                        Arc::new(place.finish()),
                    ],
                )?;
                file.write(&batch)?;
                Ok::<bool, CheckError>(true)
            },
        )?;
    }
    Ok(file.finish()?.path)
}

/// The query of everything that references may resolve to: `r`, `h`, `good` (2 there or to be sent,
/// 1 staged and held back).
async fn known(
    engine: &Engine,
    place: &Place<'_>,
    targets: &BTreeSet<String>,
) -> Result<String, CheckError> {
    // So that there is a query where nothing is known of any of them.
    let mut parts =
        vec!["SELECT '' AS r, arrow_cast('', 'Binary') AS h, CAST(0 AS BIGINT) AS good".to_owned()];
    for (i, target) in targets.iter().enumerate() {
        let name = target.replace('\'', "''");
        if let Some(file) = place.objects.get(target) {
            engine.table(&format!("objects_{i}"), file).await?;
            parts.push(format!(
                "SELECT '{name}' AS r, arrow_cast(_key_hash, 'Binary') AS h, \
                 CAST(CASE WHEN _held IS NULL THEN 2 ELSE 1 END AS BIGINT) AS good \
                 FROM objects_{i}"
            ));
        }
        let Some(ledger) = place.ledger else { continue };
        let rows = ledger.snapshot(target)?.rows(LedgerColumns::Narrow)?;
        let path = engine.folder().join(format!("ledger_{i}.parquet"));
        let mut file = ParquetFile::create(&path, rows.schema(), &Layout::results())?;
        for batch in rows {
            file.write(&batch?)?;
        }
        let path = file.finish()?.path;
        engine.table(&format!("ledger_{i}"), &path).await?;
        parts.push(format!(
            "SELECT '{name}' AS r, arrow_cast(key_hash, 'Binary') AS h, \
             CAST(2 AS BIGINT) AS good FROM ledger_{i} WHERE content_hash IS NOT NULL"
        ));
    }
    Ok(parts.join(" UNION ALL "))
}

/// Reads the keys of the example rows and of what they point at.
fn name_examples(
    objects: &Objects,
    references: &ReferenceColumns,
    examples: &Named,
    found: &mut BTreeMap<(String, Leads), Dangling>,
) -> Result<(), CheckError> {
    if examples.is_empty() {
        return Ok(());
    }
    for group in objects.groups() {
        let wanted = |row| examples.contains_key(&row);
        objects.read(group, Columns::All, wanted, |rows, batch| {
            let keys = objects.scope(&batch)?.key;
            references.walk(&batch, 0..batch.num_rows(), |seen| {
                let row = rows.get(seen.row).copied().unwrap_or_default();
                let here = examples.get(&row).into_iter().flatten();
                for (_, leads, n) in here.filter(|(number, ..)| *number == seen.reference) {
                    let place = (references.path(seen.reference), *leads);
                    let Some(group) = found.get_mut(&place) else {
                        continue;
                    };
                    if group.examples.len() < EXAMPLES {
                        let parent = format!("{} {}", seen.resource, seen.key);
                        group
                            .examples
                            .push((keys.value(seen.row).to_owned(), parent));
                    }
                    let parent = Wanted {
                        row,
                        resource: seen.resource.to_owned(),
                        key: seen.key.to_owned(),
                        objects: *n,
                    };
                    if !group.wanted.contains(&parent) {
                        group.wanted.push(parent);
                    }
                }
            })?;
            Ok::<bool, CheckError>(true)
        })?;
    }
    Ok(())
}
