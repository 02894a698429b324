//! The mappings of `pipelines/sif.toml` on the sample district: what the SQL yields, as XML of
//! every version.
//!
//! `UPDATE_GOLDEN=1 cargo test sif_mapping` writes `tests/golden/sif/*.xml` anew.

mod golden;
mod held;
mod references;
pub mod schema;
mod verbs;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use fullsync::metadata::Standard;
use fullsync::object::RefIds;
use fullsync::pipeline::{Pipeline, Setting};
use fullsync::source::{self, SisSchema};
use fullsync::stage::{self, RunAbout, StateDir};
use fullsync::transform::{
    DEFAULT_MEMORY, Inputs, Options, RefIdSettings, ResourceSpec, Session, TableFile, transform,
};
use fullsync::xml::{Version, XmlBatch, XmlPlan};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The day that the sample is seen from.
const AS_OF: &str = "2026-03-02";

/// All versions of the North American data model 2.
const VERSIONS: [&str; 8] = ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pipeline() -> Pipeline {
    let file = root().join("pipelines/sif.toml");
    let set = [format!("settings.as_of={AS_OF}")];
    Pipeline::load_with(file.to_str().unwrap(), &set, &|_| None).unwrap()
}

/// The objects of the sample, sorted by key: made once for all tests.
fn sample() -> &'static BTreeMap<String, RecordBatch> {
    static SAMPLE: OnceLock<BTreeMap<String, RecordBatch>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(made_of(&root().join("sample-data"), &[]))
    })
}

/// The objects (of all resources for none) that a folder of CSV becomes.
async fn made_of(source: &Path, resources: &[&str]) -> BTreeMap<String, RecordBatch> {
    let (pipeline, standard) = (pipeline(), Standard::sif_2());
    let folder = tempfile::tempdir().unwrap();
    let schema = SisSchema::load(&pipeline.sis_schema).unwrap();
    let run = StateDir::new(folder.path(), "sif")
        .create(RunAbout::default(), chrono::Utc::now())
        .unwrap();
    let there = |t: &&source::TableSchema| source.join(format!("{}.csv", t.name)).is_file();
    let names: Vec<String> = schema
        .tables
        .iter()
        .filter(there)
        .map(|t| t.name.clone())
        .collect();
    let source = source::open(source, source::Format::Csv).unwrap();
    stage::extract(&*source, &schema, &names, &run, &|_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let tables = schema.tables.iter().map(|t| {
        let file = match names.contains(&t.name) {
            true => TableFile::Parquet(run.stage(&t.name), t.arrow()),
            false => TableFile::Empty(t.arrow()),
        };
        (t.name.clone(), file)
    });
    let mut settings: Vec<(String, Setting)> = pipeline.settings.clone().into_iter().collect();
    settings.push(("school_year".to_owned(), Setting::Integer(2026)));
    settings.push(("all_schools".to_owned(), Setting::Boolean(true)));
    let sif = pipeline.sif.as_ref().unwrap();
    let session = Session::new(&Inputs {
        tables: tables.collect(),
        crosswalks: pipeline.crosswalks.clone().into_iter().collect(),
        settings,
        views: pipeline.views.clone(),
        views_as: fullsync::transform::Views::Inlined,
        ref_ids: Some(RefIdSettings {
            ids: RefIds::of_district(&sif.district_guid),
            dashed: false,
            held: None,
        }),
        temp_dir: folder.path().join("spill"),
        memory: DEFAULT_MEMORY,
    })
    .await
    .unwrap();
    assert_eq!(session.problems(), [], "views and crosswalks");
    let mut objects = BTreeMap::new();
    for r in &pipeline.resources {
        if !resources.is_empty() && !resources.contains(&r.name.as_str()) {
            continue;
        }
        let spec = ResourceSpec {
            name: &r.name,
            sql: r.sql.clone(),
            additions: &r.additions,
            meta: standard.resource(&r.name).unwrap(),
            required: &r.required,
            key: r.key.as_deref(),
        };
        let out = run.objects(&r.name);
        fullsync::files::create_dir(out.parent().unwrap()).unwrap();
        let done = transform(&session, &spec, &standard, &out, &Options::default()).await;
        done.unwrap_or_else(|e| panic!("{}: {e:?}", r.name));
        objects.insert(r.name.clone(), read(&out));
    }
    objects
}

/// All rows of an objects file, by key.
fn read(file: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let all = concat_batches(&schema, &batches).unwrap();
    let keys = all.column_by_name("_key").unwrap();
    let order = arrow::compute::sort_to_indices(keys, None, None).unwrap();
    take_record_batch(&all, &order).unwrap()
}

/// Those that are not held back.
fn sendable(objects: &RecordBatch) -> RecordBatch {
    let held = objects.column_by_name("_held").unwrap();
    let free: BooleanArray = (0..held.len()).map(|row| Some(held.is_null(row))).collect();
    filter_record_batch(objects, &free).unwrap()
}

fn text<'a>(objects: &'a RecordBatch, column: &str) -> &'a StringArray {
    objects.column_by_name(column).unwrap().as_string::<i32>()
}

/// The first objects as XML of a version, one a line.
fn xml(object: &str, objects: &RecordBatch, version: &str, most: usize) -> String {
    let standard = Standard::sif_2();
    let meta = standard.resource(object).unwrap();
    let version: Version = version.parse().unwrap();
    let plan = XmlPlan::new(object, &meta.fields, version, &|_| true);
    let batch = XmlBatch::new(&plan, objects);
    let mut out = Vec::new();
    for row in 0..objects.num_rows().min(most) {
        batch.write(row, &mut out).unwrap();
        out.push(b'\n');
    }
    String::from_utf8(out).unwrap()
}
