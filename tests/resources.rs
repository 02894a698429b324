//! The mappings of `pipelines/edfi.toml` on the sample district: what the SQL yields is what the
//! goldens show, what the generator expects, and what the standard knows.
//!
//! `UPDATE_GOLDEN=1 cargo test resources` writes `tests/golden/edfi/*.ndjson` anew.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod changed;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use arrow::array::{Array as _, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use fullsync::metadata::{Field, Kind, Known, Standard};
use fullsync::object::{body_columns, encode};
use fullsync::pipeline::{Pipeline, Setting};
use fullsync::source::{self, SisSchema};
use fullsync::stage::{self, RunAbout, StateDir};
use fullsync::transform::{
    DEFAULT_MEMORY, Inputs, Options, ResourceSpec, Session, TableFile, Views, transform,
    validate_all,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::support::Goldens;

/// Objects of a resource that its golden shows: the first by natural key that are not held back.
const SHOWN: usize = 3;

/// One object, as a test looks at it.
#[derive(Debug, PartialEq)]
struct Object {
    key: String,
    source: (String, String),
    body: String,
    held: Option<(String, String, String)>,
}

/// Objects by resource.
type Objects = BTreeMap<String, Vec<Object>>;

/// The objects of every resource of the pipeline, made once for all tests.
fn sample() -> &'static Objects {
    static SAMPLE: OnceLock<Objects> = OnceLock::new();
    SAMPLE.get_or_init(|| transformed(&root().join("sample-data"), &[]))
}

/// The objects that these resources (all for none) make of a folder of CSV.
fn transformed(source: &Path, resources: &[&str]) -> Objects {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(transform_folder(source, resources, Views::Inlined))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pipeline() -> Pipeline {
    let file = root().join("pipelines/edfi.toml");
    Pipeline::load(file.to_str().unwrap(), &|_| None).unwrap()
}

fn inputs(
    pipeline: &Pipeline,
    tables: Vec<(String, TableFile)>,
    views_as: Views,
    temp_dir: PathBuf,
) -> Inputs {
    let mut settings: Vec<(String, Setting)> = pipeline.settings.clone().into_iter().collect();
    let year = pipeline.school_year.map_or(2026, i64::from);
    settings.push(("school_year".to_owned(), Setting::Integer(year)));
    settings.push(("all_schools".to_owned(), Setting::Boolean(true)));
    Inputs {
        tables,
        crosswalks: pipeline.crosswalks.clone().into_iter().collect(),
        settings,
        views: pipeline.views.clone(),
        views_as,
        ref_ids: None,
        temp_dir,
        memory: DEFAULT_MEMORY,
    }
}

fn specs<'a>(pipeline: &'a Pipeline, standard: &'a Standard) -> Vec<ResourceSpec<'a>> {
    let of = |r: &'a fullsync::pipeline::Resource| ResourceSpec {
        name: &r.name,
        sql: r.sql.clone(),
        additions: &r.additions,
        meta: standard
            .resource(&r.name)
            .unwrap_or_else(|| panic!("{}: unknown", r.name)),
        required: &r.required,
        key: r.key.as_deref(),
    };
    pipeline.resources.iter().map(of).collect()
}

async fn transform_folder(source: &Path, resources: &[&str], views: Views) -> Objects {
    let (pipeline, standard) = (pipeline(), Standard::shipped());
    let folder = tempfile::tempdir().unwrap();
    let schema = SisSchema::load(&pipeline.sis_schema).unwrap();
    let folder_of = |t: &source::TableSchema| source.join(format!("{}.csv", t.name));
    let source = source::open(source, source::Format::Csv).unwrap();
    let run = StateDir::new(folder.path(), "edfi")
        .create(RunAbout::default(), chrono::Utc::now())
        .unwrap();
    // The sample has no tables of resources that are switched off.
    let there = |t: &&source::TableSchema| folder_of(t).is_file();
    let names: Vec<String> = schema
        .tables
        .iter()
        .filter(there)
        .map(|t| t.name.clone())
        .collect();
    stage::extract(&*source, &schema, &names, &run, &|_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let staged = |t: &source::TableSchema| {
        let file = match names.contains(&t.name) {
            true => TableFile::Parquet(run.stage(&t.name), t.arrow()),
            false => TableFile::Empty(t.arrow()),
        };
        (t.name.clone(), file)
    };
    let tables = schema.tables.iter().map(staged).collect();
    let inputs = inputs(&pipeline, tables, views, folder.path().join("spill"));
    let session = Session::new(&inputs).await.unwrap();
    assert_eq!(session.problems(), [], "views and crosswalks");
    let mut objects = BTreeMap::new();
    for spec in specs(&pipeline, &standard) {
        if !resources.is_empty() && !resources.contains(&spec.name) {
            continue;
        }
        let out = run.objects(spec.name);
        fullsync::files::create_dir(out.parent().unwrap()).unwrap();
        let done = transform(&session, &spec, &standard, &out, &Options::default()).await;
        done.unwrap_or_else(|e| panic!("{}: {e:?}", spec.name));
        objects.insert(spec.name.to_owned(), read(&out));
    }
    objects
}

fn read(file: &Path) -> Vec<Object> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = std::sync::Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let all = concat_batches(&schema, &batches).unwrap();
    let bodies = encode(&all.project(&body_columns(&schema)).unwrap()).unwrap();
    let text = |name: &str, row: usize| {
        let column = all.column_by_name(name).unwrap();
        let column = column.as_any().downcast_ref::<StringArray>().unwrap();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let of = |row: usize| Object {
        key: text("_key", row).unwrap(),
        source: (
            text("_source_table", row).unwrap(),
            text("_source_key", row).unwrap(),
        ),
        body: String::from_utf8(bodies.bytes(row).to_vec()).unwrap(),
        held: text("_held", row).map(|held| {
            let reason = text("_reason", row).unwrap_or_default();
            (held, reason, text("_detail", row).unwrap_or_default())
        }),
    };
    let mut objects: Vec<Object> = (0..all.num_rows()).map(of).collect();
    objects.sort_by(|a, b| (&a.key, &a.source).cmp(&(&b.key, &b.source)));
    objects
}

#[test]
fn the_pipeline_and_all_its_sql_are_in_order() {
    let (pipeline, standard) = (pipeline(), Standard::shipped());
    assert!(pipeline.warnings.is_empty(), "{:?}", pipeline.warnings);
    let folder = tempfile::tempdir().unwrap();
    let schema = SisSchema::load(&pipeline.sis_schema).unwrap();
    let empty = |t: &source::TableSchema| (t.name.clone(), TableFile::Empty(t.arrow()));
    let tables: Vec<_> = schema.tables.iter().map(empty).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // With the columns of the views only, as at the start of a run, and with their queries.
    let columns = [Views::Declared, Views::Inlined].map(|views| {
        let spill = folder.path().join("spill");
        let inputs = inputs(&pipeline, tables.clone(), views, spill);
        let validated = runtime.block_on(async {
            let session = Session::new(&inputs).await.unwrap();
            validate_all(&session, &specs(&pipeline, &standard)).await
        });
        assert_eq!(validated.problems, []);
        validated.columns
    });
    assert_eq!(columns[0], columns[1]);
    assert_eq!(columns[0].len(), pipeline.resources.len());
}

#[test]
fn views_computed_once_make_the_same_objects() {
    let all = pipeline().views.into_iter().map(|(name, _)| name);
    let views = Views::Computed(all.collect());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sample_data = root().join("sample-data");
    let computed = runtime.block_on(transform_folder(&sample_data, &[], views));
    for (resource, objects) in sample() {
        let also = &computed[resource];
        assert_eq!(objects.len(), also.len(), "{resource}");
        let differs = objects.iter().zip(also).find(|(a, b)| a != b);
        assert!(differs.is_none(), "{resource}: {differs:?}");
    }
}

#[test]
fn objects_of_the_sample_equal_the_goldens() {
    let mut goldens = Goldens::new("edfi", "resources");
    for (resource, objects) in sample() {
        let kept = objects.iter().filter(|o| o.held.is_none());
        let shown: String = kept.take(SHOWN).map(|o| o.body.clone() + "\n").collect();
        assert!(!shown.is_empty(), "{resource}: nothing to show");
        goldens.check(&format!("{resource}.ndjson"), &shown);
    }
    goldens.finish();
}

#[test]
fn every_descriptor_of_the_sample_is_one_of_the_standard() {
    let standard = Standard::shipped();
    let mut unknown = BTreeSet::new();
    let mut seen = 0;
    for (resource, objects) in sample() {
        let fields = &standard.resource(resource).unwrap().fields;
        for object in objects {
            let body: Value = serde_json::from_str(&object.body).unwrap();
            descriptors(&body, fields, &mut |kind, uri| {
                seen += 1;
                if standard.descriptor_exists(kind, uri) != Known::Yes {
                    unknown.insert(format!("{resource}: {kind} {uri}"));
                }
            });
        }
    }
    assert_eq!(unknown, BTreeSet::new());
    assert!(seen > 1_000, "only {seen} descriptors were looked at");
}

/// Calls `found` with the type and the URI of every descriptor; fields that the standard does not
/// know are a failure.
fn descriptors(body: &Value, fields: &BTreeMap<String, Field>, found: &mut impl FnMut(&str, &str)) {
    for (name, value) in body.as_object().unwrap() {
        let field = fields
            .get(name)
            .unwrap_or_else(|| panic!("unknown field {name}"));
        match &field.kind {
            Kind::Descriptor { name } => found(name, value.as_str().unwrap()),
            Kind::Array { fields } => {
                for element in value.as_array().unwrap() {
                    descriptors(element, fields, found);
                }
            }
            kind => {
                if let Some(fields) = kind.members() {
                    descriptors(value, fields, found);
                }
            }
        }
    }
}

#[test]
fn source_rows_of_a_resource_are_named_once_each() {
    for (resource, objects) in sample() {
        let named: BTreeSet<_> = objects.iter().map(|o| &o.source).collect();
        assert_eq!(
            named.len(),
            objects.len(),
            "{resource}: a source key stands twice"
        );
    }
}

/// `expected.json` comes from the generator's own model. What only shows between objects
/// (duplicate keys, collapsed and blocked ones) is decided after the transform and tested there.
#[test]
fn counts_are_those_that_the_generator_expects() {
    let text = fs::read_to_string(root().join("sample-data/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for (resource, objects) in sample() {
        let of = &expected["edfi"][resource.as_str()];
        let mut now: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (held, reason, _) in objects.iter().filter_map(|o| o.held.as_ref()) {
            *now.entry((held, reason)).or_default() += 1;
        }
        let mut then: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for outcome in ["rejected", "skipped"] {
            for (reason, count) in of[outcome].as_object().into_iter().flatten() {
                if reason != "duplicate_key" && count.as_u64() != Some(0) {
                    then.insert((outcome, reason), count.as_u64().unwrap());
                }
            }
        }
        let transformed = of["transformed"].as_u64().unwrap_or_default();
        if transformed != objects.len() as u64 || now != then {
            wrong.push(format!(
                "{resource}: {} objects {now:?}, expected {transformed} {then:?}",
                objects.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
