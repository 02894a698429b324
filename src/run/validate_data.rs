//! `fullsync validate --data`: everything that is wrong with the objects of a run, at once, before
//! any is sent.
//!
//! Reads: the source (or an earlier run's staging), the ledger, a few records and the descriptor
//! values of the target. Writes: `validation.json` in the run folder. Never: sends an object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::StreamExt as _;

use super::connect::{self, Target};
use super::prepare::Prepared;
use super::{Context, RunError, Selection, Until, guard};
use crate::checks::{
    Check, CheckError, Dangling, DataExample, DataProblem, DataReport, EXAMPLES, Engine, Leads,
    Place, Remote, WANTED, Wanted, dangling, used,
};
use crate::ledger::{DueOptions, Ledger, due};
use crate::load::{Api, ApiError, Columns, Objects};
use crate::metadata::{Known, Standard};
use crate::object::Key;
use crate::progress::Progress;
use crate::source::SisSchema;
use crate::stage::{RunFolder, StateDir};

/// What the check may ask of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Nothing.
    pub offline: bool,
    /// Its descriptor values anew, whatever is known of them.
    pub refresh: bool,
}

/// Checks the objects of a fresh transform, or of an earlier run's tables.
///
/// # Errors
/// [`RunError`]: the data cannot be had, or not compared. What is wrong with it is the report.
pub async fn validate_data(
    context: &Context,
    asking: Asking,
    progress: &Arc<dyn Progress>,
) -> Result<DataReport, RunError> {
    let pipeline = &context.pipeline;
    let base = connect::standard(pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    let staged = super::run(context, Until::Transformed, progress).await?;
    let target = match asking.offline {
        true => None,
        false => Some(Target::connect(pipeline, &base).await?),
    };
    let standard = target.as_ref().map_or(&base, |t| &t.standard);
    let selection = Selection::new(pipeline, &context.options.resources, standard, &sis)?;
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let run = state.open(&staged.report.run)?;
    let year = run.manifest().school_year.unwrap_or_default();
    let ledger = match &target {
        Some(target) => Some(Ledger::open(&guard::folder(context, target, year))?),
        None => None,
    };
    let names = selection.resources.iter().map(|p| p.resource.name.clone());
    let objects: BTreeMap<String, PathBuf> = names
        .map(|name| (name.clone(), run.objects(&name)))
        .collect();
    let fingerprint = target.as_ref().map(|t| t.fingerprint.clone());
    let cache = state.metadata().join(format!(
        "{}.descriptors.json",
        fingerprint.unwrap_or_default()
    ));
    let mut checking = Checking {
        engine: Engine::new(&run.path().join("validation"))?,
        standard: Arc::clone(&selection.standard),
        objects,
        ledger,
        api: target.as_ref().and_then(|t| t.api().ok()),
        remote: Remote::open(&cache, asking.refresh),
        report: DataReport {
            run: run.id(),
            examples_in: run.path().join("validation.json").display().to_string(),
            ..DataReport::default()
        },
    };
    progress.start("validate", Some(selection.resources.len() as u64));
    for p in &selection.resources {
        if *context.cancel.borrow() {
            return Err(RunError::Stopped);
        }
        checking.resource(p).await?;
        progress.advance("validate", 1, 0);
    }
    progress.finish("validate", "all resources");
    if checking.api.is_some() {
        checking.remote.keep(&cache)?;
    } else {
        let why = "descriptor values and references against the target (offline)";
        checking.report.unchecked.push(why.to_owned());
    }
    for (descriptor, why) in &checking.remote.unread {
        let what = format!("values of {descriptor} at the target ({why})");
        checking.report.unchecked.push(what);
    }
    let report = std::mem::take(&mut checking.report);
    drop(checking);
    if let Some(target) = target {
        target.disconnect().await;
    }
    keep(&run, &report)?;
    Ok(report)
}

fn keep(run: &RunFolder, report: &DataReport) -> Result<(), RunError> {
    let text = serde_json::to_vec_pretty(report).map_err(std::io::Error::from)?;
    Ok(crate::files::write(
        &run.path().join("validation.json"),
        &text,
    )?)
}

struct Checking<'a> {
    engine: Engine,
    standard: Arc<Standard>,
    objects: BTreeMap<String, PathBuf>,
    ledger: Option<Ledger>,
    api: Option<&'a Api>,
    remote: Remote,
    report: DataReport,
}

impl Checking<'_> {
    async fn resource(&mut self, p: &Prepared) -> Result<(), RunError> {
        let name = p.resource.name.as_str();
        let Some(file) = self.objects.get(name).cloned() else {
            return Ok(());
        };
        self.report.objects += Objects::open(&file)?.rows();
        self.schema(name, &file).await?;
        self.uniqueness(name, &file)?;
        self.descriptors(p, &file).await?;
        self.references(p).await
    }

    fn found(
        &mut self,
        resource: &str,
        check: Check,
        what: String,
        objects: u64,
    ) -> &mut DataProblem {
        self.report.problems.push(DataProblem {
            resource: resource.to_owned(),
            check,
            what,
            objects,
            examples: Vec::new(),
        });
        let last = self.report.problems.len() - 1;
        &mut self.report.problems[last]
    }

    /// What the transform has rejected: required fields, types, lengths, codes, descriptors.
    async fn schema(&mut self, resource: &str, file: &Path) -> Result<(), RunError> {
        self.engine.table("checked", file).await?;
        let counts = "SELECT _reason AS reason, count(*) AS n FROM checked \
            WHERE _held = 'rejected' GROUP BY 1 ORDER BY 2 DESC, 1";
        let mut reasons = Vec::new();
        for row in rows(&self.engine, counts).await? {
            reasons.push((row[0].clone(), row[1].parse().unwrap_or(0)));
        }
        for (reason, objects) in reasons {
            let literal = reason.replace('\'', "''");
            let first = format!(
                "SELECT _key, _source_table, _source_key, _detail FROM checked \
                 WHERE _held = 'rejected' AND _reason = '{literal}' ORDER BY _key LIMIT {EXAMPLES}"
            );
            let examples = rows(&self.engine, &first).await?;
            let problem = self.found(resource, Check::Schema, reason, objects);
            problem.examples = examples
                .into_iter()
                .map(|row| DataExample {
                    key: row[0].clone(),
                    source: format!("{} {}", row[1], row[2]),
                    detail: row[3].clone(),
                })
                .collect();
        }
        Ok(())
    }

    /// Natural keys with different bodies.
    fn uniqueness(&mut self, resource: &str, file: &Path) -> Result<(), RunError> {
        let options = DueOptions {
            complete: false,
            ..DueOptions::default()
        };
        let due = due(file, None, options)?;
        if due.duplicates.is_empty() {
            return Ok(());
        }
        let objects = due.duplicates.iter().map(|rows| rows.len() as u64).sum();
        let first = due.duplicates.iter().take(EXAMPLES);
        let first: Vec<u64> = first
            .filter_map(|rows| rows.first().copied().map(u64::from))
            .collect();
        let what = format!("duplicate_key: {} keys", due.duplicates.len());
        let problem = self.found(resource, Check::Uniqueness, what, objects);
        let staged = Objects::open(file)?;
        for group in staged.groups() {
            let wanted = |row| first.contains(&row);
            staged.read(group, Columns::Scope, wanted, |_, batch| {
                let scope = staged.scope(&batch)?;
                for i in 0..batch.num_rows() {
                    let (table, source) = (scope.source_table.value(i), scope.source_key.value(i));
                    problem.examples.push(DataExample {
                        key: scope.key.value(i).to_owned(),
                        source: format!("{table} {source}"),
                        detail: "another row has another body".to_owned(),
                    });
                }
                Ok::<bool, CheckError>(true)
            })?;
        }
        Ok(())
    }

    /// Values that the metadata takes, or does not know, and that the target does not have.
    async fn descriptors(&mut self, p: &Prepared, file: &Path) -> Result<(), RunError> {
        let Some(api) = self.api else { return Ok(()) };
        for ((descriptor, value), uses) in used(file, &p.meta.fields)? {
            if self.standard.descriptor_exists(&descriptor, &value) == Known::No {
                // Known to be wrong here already, where the objects are checked locally.
                continue;
            }
            if self.remote.has(api, &descriptor, &value).await? == Some(false) {
                let what = format!("the target has no {value}");
                self.found(&p.resource.name, Check::Descriptor, what, uses);
            }
        }
        Ok(())
    }

    async fn references(&mut self, p: &Prepared) -> Result<(), RunError> {
        let name = p.resource.name.as_str();
        let place = Place {
            standard: &self.standard,
            objects: &self.objects,
            ledger: self.ledger.as_ref(),
        };
        let found = dangling(&self.engine, &place, (name, &p.meta), |_| true).await?;
        for ((path, leads), mut group) in found {
            let check = match leads {
                Leads::Nowhere => Check::Reference,
                Leads::ToHeld => Check::HeldParent,
            };
            if let (Leads::Nowhere, Some(api)) = (leads, self.api) {
                self.look_up(api, name, &path, &mut group).await?;
            }
            if group.objects == 0 {
                continue;
            }
            let what = match leads {
                Leads::Nowhere => format!("{path} leads nowhere: {} objects", group.parents),
                Leads::ToHeld => format!("{path} leads to {} held back", group.parents),
            };
            let problem = self.found(name, check, what, group.objects);
            problem.examples = group
                .examples
                .into_iter()
                .map(|(key, parent)| DataExample {
                    key,
                    source: String::new(),
                    detail: parent,
                })
                .collect();
        }
        Ok(())
    }

    /// Asks the target for what is neither staged nor in the ledger: the state's own schools, other
    /// writers' students. Only where there are few of them.
    async fn look_up(
        &mut self,
        api: &Api,
        resource: &str,
        path: &str,
        group: &mut Dangling,
    ) -> Result<(), RunError> {
        if group.parents > WANTED as u64 {
            let what = format!("whether the target has what {resource} {path} leads to (too many)");
            self.report.unchecked.push(what);
            return Ok(());
        }
        let mut by_row: BTreeMap<u64, Vec<Wanted>> = BTreeMap::new();
        for wanted in std::mem::take(&mut group.wanted) {
            by_row.entry(wanted.row).or_default().push(wanted);
        }
        for alternatives in by_row.into_values() {
            for wanted in &alternatives {
                match self.at_target(api, wanted).await? {
                    Some(true) => {
                        group.objects = group.objects.saturating_sub(wanted.objects);
                        group.parents = group.parents.saturating_sub(1);
                        let here = format!("{} {}", wanted.resource, wanted.key);
                        group.examples.retain(|(_, parent)| *parent != here);
                        break;
                    }
                    Some(false) => {}
                    None => {
                        let what = format!("{} at the target (not readable)", wanted.resource);
                        if !self.report.unchecked.contains(&what) {
                            self.report.unchecked.push(what);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn at_target(&self, api: &Api, wanted: &Wanted) -> Result<Option<bool>, RunError> {
        let meta = self.standard.resource(&wanted.resource);
        let (Some(meta), Some(parts)) = (meta, Key::parts(&wanted.key)) else {
            return Ok(None);
        };
        let mut url = api.discovered.resource(&meta.path);
        url.query_pairs_mut().extend_pairs(parts);
        match api.get(url, None).await {
            Ok(answer) => {
                let records: serde_json::Value =
                    serde_json::from_slice(&answer.body).unwrap_or_default();
                Ok(records.as_array().map(|records| !records.is_empty()))
            }
            Err(ApiError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The rows of a query that yields few, as texts.
async fn rows(engine: &Engine, sql: &str) -> Result<Vec<Vec<String>>, RunError> {
    let mut all = Vec::new();
    let mut stream = engine.rows(sql).await?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|e| CheckError::Engine {
            doing: "counting objects",
            source: Box::new(e),
        })?;
        let columns: Result<Vec<_>, _> = batch
            .columns()
            .iter()
            .map(|c| match c.data_type() {
                DataType::Int64 => Ok(Arc::clone(c)),
                _ => cast(c, &DataType::Utf8),
            })
            .collect();
        let columns = columns.map_err(CheckError::from)?;
        for i in 0..batch.num_rows() {
            let text = |c: &arrow::array::ArrayRef| match c.as_string_opt::<i32>() {
                _ if c.is_null(i) => String::new(),
                Some(texts) => texts.value(i).to_owned(),
                None => c.as_primitive::<Int64Type>().value(i).to_string(),
            };
            all.push(columns.iter().map(text).collect());
        }
    }
    Ok(all)
}
