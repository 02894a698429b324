//! Before anything is read or sent: which resources, with which metadata, from which tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::RunError;
use crate::load::schedule;
use crate::metadata::{Field, Kind, ResourceMeta, Standard};
use crate::pipeline::{Pipeline, Resource};
use crate::source::{SisSchema, TableSchema};
use crate::transform::{Problem, ResourceSpec, effective_meta, tables_used};

/// One resource of a run.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The pipeline's stanza.
    pub resource: Resource,
    /// The standard's metadata as the stanza changes it.
    pub meta: ResourceMeta,
    /// Indexes of the resources of the run that must be done before it.
    pub prerequisites: Vec<usize>,
    /// Indexes of the resources that authorize its deferred objects.
    pub authorizers: Vec<usize>,
}

/// The resources of a run, in an order in which prerequisites come first.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The resources.
    pub resources: Vec<Prepared>,
    /// The standard, with the keys that the pipeline gives.
    pub standard: Arc<Standard>,
    /// The SIS tables that their SQL needs.
    pub tables: Vec<TableSchema>,
}

impl Selection {
    /// The names of the resources that `patterns` name and of those that they need: everything that
    /// their required references point at, as far as the pipeline has it. No pattern stays none.
    ///
    /// # Errors
    /// Patterns that name nothing.
    pub fn with_ancestors(
        pipeline: &Pipeline,
        patterns: &[String],
        standard: &Standard,
    ) -> Result<Vec<String>, RunError> {
        let chosen = pipeline.select(patterns).map_err(|errors| {
            RunError::Selection(errors.iter().map(ToString::to_string).collect())
        })?;
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let mut names: Vec<String> = chosen.into_iter().map(|r| r.name.clone()).collect();
        let mut next = 0;
        while let Some(meta) = names.get(next).map(|name| standard.resource(name)) {
            next += 1;
            for field in meta.into_iter().flat_map(|meta| meta.fields.values()) {
                let Kind::Reference { targets, .. } = &field.kind else {
                    continue;
                };
                for target in targets.iter().filter(|_| field.required) {
                    let on = pipeline.resources.iter().any(|r| r.name == *target);
                    if on && !names.contains(target) {
                        names.push(target.clone());
                    }
                }
            }
        }
        Ok(names)
    }

    /// Chooses the resources that `patterns` name (all of the pipeline for none).
    ///
    /// # Errors
    /// All mistakes at once: unknown resources and tables, SQL that cannot be parsed, keys that do
    /// not exist, a loop among prerequisites.
    pub fn new(
        pipeline: &Pipeline,
        patterns: &[String],
        standard: &Standard,
        sis: &SisSchema,
    ) -> Result<Self, RunError> {
        let chosen = pipeline.select(patterns).map_err(|errors| {
            RunError::Selection(errors.iter().map(ToString::to_string).collect())
        })?;
        let mut problems = Vec::new();
        let standard = Arc::new(with_keys(pipeline, standard, &mut problems));
        let mut prepared: Vec<Prepared> = chosen
            .into_iter()
            .filter_map(|resource| prepare(resource, &standard, &mut problems))
            .collect();
        order(&mut prepared, &standard)?;
        let tables = needed(pipeline, &prepared, sis, &mut problems);
        if problems.is_empty() {
            Ok(Self {
                resources: prepared,
                standard,
                tables,
            })
        } else {
            Err(RunError::Problems(problems))
        }
    }
}

/// The standard with the keys and required fields of the pipeline's stanzas, so that references
/// to a resource with a key of its own are followed by that key.
fn with_keys(pipeline: &Pipeline, standard: &Standard, problems: &mut Vec<Problem>) -> Standard {
    let mut changed = standard.clone();
    for resource in &pipeline.resources {
        let Some(meta) = standard.resource(&resource.name) else {
            continue;
        };
        let mut meta = meta.clone();
        let owned = pipeline.dis.as_ref();
        let owned = owned.and_then(|dis| dis.state_owned.get(&resource.name));
        problems.extend(
            owned
                .into_iter()
                .flat_map(|paths| leave_out(resource, &mut meta, paths)),
        );
        match effective_meta(&spec(resource, &meta)) {
            Ok(meta) => {
                changed.resources.insert(resource.name.clone(), meta);
            }
            Err(found) => problems.extend(found),
        }
    }
    changed
}

/// Leaves fields out of a resource's bodies: the target owns them.
fn leave_out(resource: &Resource, meta: &mut ResourceMeta, paths: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in paths {
        let part = meta
            .key
            .iter()
            .any(|p| p.path == *path || p.path.starts_with(&format!("{path}.")));
        let why = match meta.field(path).map(|f| &f.kind) {
            None => "the object has no such field",
            Some(_) if part => "it is a part of the key",
            Some(Kind::Reference { .. }) => "it names a parent",
            Some(_) => continue,
        };
        let what = format!(
            "dis.state_owned: `{path}` of {} cannot be left out: {why}",
            resource.name
        );
        problems.push(Problem::new(&resource.sql, what));
    }
    for path in paths {
        let names: Vec<&str> = path.split('.').collect();
        not_required(&mut meta.fields, &names);
    }
    meta.left_out = paths.to_vec();
    problems
}

fn not_required(fields: &mut BTreeMap<String, Field>, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Some(field) = fields.get_mut(*first) else {
        return;
    };
    match &mut field.kind {
        _ if rest.is_empty() => field.required = false,
        Kind::Object { fields } | Kind::Array { fields } => not_required(fields, rest),
        _ => {}
    }
}

/// What the transform is told of a resource.
pub fn spec<'a>(resource: &'a Resource, meta: &'a ResourceMeta) -> ResourceSpec<'a> {
    ResourceSpec {
        name: &resource.name,
        sql: resource.sql.clone(),
        additions: &resource.additions,
        meta,
        required: &resource.required,
        key: resource.key.as_deref(),
    }
}

fn prepare(
    resource: &Resource,
    standard: &Standard,
    problems: &mut Vec<Problem>,
) -> Option<Prepared> {
    let Some(meta) = standard.resource(&resource.name) else {
        let names = standard.resources.keys().map(String::as_str);
        let closest = names.max_by(|a, b| {
            let score = |n: &str| strsim::jaro_winkler(n, &resource.name);
            score(a).total_cmp(&score(b))
        });
        problems.push(
            Problem::new(
                &resource.sql,
                format!("{} has no resource `{}`", standard.name, resource.name),
            )
            .suggest(closest.map(|name| format!("did you mean `{name}`?"))),
        );
        return None;
    };
    Some(Prepared {
        resource: resource.clone(),
        meta: meta.clone(),
        prerequisites: Vec::new(),
        authorizers: Vec::new(),
    })
}

/// Puts prerequisites first and notes them as indexes.
fn order(prepared: &mut [Prepared], standard: &Standard) -> Result<(), RunError> {
    let names: Vec<String> = prepared.iter().map(|p| p.resource.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sorted = standard.order(&names);
    prepared.sort_by_key(|p| sorted.iter().position(|n| *n == p.resource.name));
    let names: Vec<&str> = sorted;
    let of_standard = standard.edges.iter().map(|(a, b)| (a.as_str(), b.as_str()));
    let of_pipeline: Vec<(String, String)> = prepared
        .iter()
        .flat_map(|p| {
            let dependent = &p.resource.name;
            p.resource
                .depends_on
                .iter()
                .map(move |before| (before.clone(), dependent.clone()))
        })
        .collect();
    let edges = of_standard.chain(of_pipeline.iter().map(|(a, b)| (a.as_str(), b.as_str())));
    let found = schedule::prerequisites(&names, edges);
    if let Some(cycle) = schedule::cycle(&found) {
        let names: Vec<String> = cycle.iter().map(|i| names[*i].to_owned()).collect();
        return Err(RunError::Cycle(names));
    }
    for (i, prerequisites) in found.into_iter().enumerate() {
        let authorizers = standard
            .retries
            .get(names[i])
            .map(Vec::as_slice)
            .unwrap_or_default();
        prepared[i].authorizers = authorizers
            .iter()
            .filter_map(|a| names.iter().position(|n| n == a))
            .collect();
        prepared[i].prerequisites = prerequisites;
    }
    Ok(())
}

/// The SIS tables that the resources' SQL names, through views.
fn needed(
    pipeline: &Pipeline,
    prepared: &[Prepared],
    sis: &SisSchema,
    problems: &mut Vec<Problem>,
) -> Vec<TableSchema> {
    let mut names = BTreeSet::new();
    // The active school year is read from it.
    if pipeline.school_year.is_none() && sis.table("SchoolYear").is_some() {
        names.insert("SchoolYear".to_owned());
    }
    for p in prepared {
        match tables_used(&p.resource.sql, &p.resource.additions, &pipeline.views) {
            Ok(used) => names.extend(used),
            Err(found) => problems.extend(found),
        }
    }
    // Which school's a row is must be told, whatever the SQL looks at.
    crate::stage::with_owners(sis, &mut names);
    // Crosswalks and `settings` are no SIS tables; a name that is none of these is found when the
    // SQL is planned, with its place.
    sis.tables
        .iter()
        .filter(|t| names.contains(&t.name))
        .cloned()
        .collect()
}
