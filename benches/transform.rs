//! From staged tables to an objects file: the whole transform of studentSchoolAssociations against
//! a hand-written loop that makes the same bodies, keys and hashes from the same columns.

#![allow(clippy::expect_used)] // A bench that cannot be set up should stop.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int64Type};
use criterion::{Criterion, Throughput};
use fullsync::metadata::{ResourceMeta, Standard};
use fullsync::object::{ContentHash, Key, KeyHash};
use fullsync::transform::{
    DEFAULT_MEMORY, Inputs, Options, ResourceSpec, Session, TableFile, transform,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

const ROWS: u32 = 200_000;

const SQL: &str = "\
SELECT named_struct('studentUniqueId', s.stateID) AS studentReference,
       named_struct('schoolId', e.schoolID) AS schoolReference,
       e.startDate AS entryDate, x.descriptor AS entryGradeLevelDescriptor,
       'Enrollment' AS _source_table, e.enrollmentID AS _source_key,
       e.schoolID AS _school_id, e.personID AS _person_id,
       unmapped('grade_level', e.grade, x.descriptor) AS _unmapped
FROM Enrollment e
JOIN Person s ON s.personID = e.personID
LEFT JOIN xwalk_grade_level x ON x.code = e.grade";

/// The whole transform, with and without local checks, and the hand-written loop.
pub(crate) fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let district = District::write(folder.path());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = c.benchmark_group("transform studentSchoolAssociations");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(u64::from(ROWS)));
    for (name, local_validation) in [("sql", true), ("sql without checks", false)] {
        let options = Options {
            local_validation,
            ..Options::default()
        };
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(district.transform(&options)));
        });
    }
    group.bench_function("by hand with serde_json", |b| b.iter(|| by_hand(&district)));
    group.finish();
}

struct District {
    inputs: Inputs,
    standard: Standard,
    sql: PathBuf,
    out: PathBuf,
    person: PathBuf,
    enrollment: PathBuf,
}

impl District {
    fn write(folder: &Path) -> Self {
        let (person, enrollment) = (folder.join("p.parquet"), folder.join("e.parquet"));
        let text = |f: &dyn Fn(u32) -> String| -> ArrayRef {
            Arc::new((0..ROWS).map(|i| Some(f(i))).collect::<StringArray>())
        };
        let integers = |f: &dyn Fn(u32) -> u32| -> ArrayRef {
            Arc::new(
                (0..ROWS)
                    .map(|i| Some(i64::from(f(i))))
                    .collect::<Int64Array>(),
            )
        };
        let people = vec![
            ("personID", integers(&|i| i)),
            ("stateID", text(&|i| format!("S{i:08}"))),
        ];
        let days: ArrayRef = Arc::new(Date32Array::from(vec![19_950; ROWS as usize]));
        let enrollments = vec![
            ("enrollmentID", integers(&|i| i)),
            ("personID", integers(&|i| i.wrapping_mul(7919) % ROWS)),
            ("schoolID", integers(&|i| i % 40)),
            ("startDate", days),
            ("grade", text(&|i| format!("{:02}", i % 13))),
        ];
        let tables = [
            ("Person", &person, people),
            ("Enrollment", &enrollment, enrollments),
        ];
        let tables = tables.map(|(name, path, columns)| {
            let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
            let file = File::create(path).expect("a file");
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
            writer.write(&batch).expect("rows");
            writer.close().expect("a footer");
            (
                name.to_owned(),
                TableFile::Parquet(path.clone(), batch.schema()),
            )
        });
        let crosswalk = folder.join("grade_level.csv");
        let codes = (0..13).map(|i| format!("{i:02},{}\n", descriptor(i)));
        let codes = format!("code,descriptor\n{}", codes.collect::<String>());
        std::fs::write(&crosswalk, codes).expect("a crosswalk");
        let sql = folder.join("ssa.sql");
        std::fs::write(&sql, SQL).expect("a SQL file");
        Self {
            inputs: Inputs {
                tables: tables.to_vec(),
                crosswalks: vec![("xwalk_grade_level".to_owned(), vec![crosswalk])],
                settings: Vec::new(),
                views: Vec::new(),
                views_as: fullsync::transform::Views::Inlined,
                ref_ids: None,
                temp_dir: folder.join("spill"),
                memory: DEFAULT_MEMORY,
            },
            standard: standard(),
            sql,
            out: folder.join("objects.parquet"),
            person,
            enrollment,
        }
    }

    async fn transform(&self, options: &Options) -> u64 {
        let session = Session::new(&self.inputs).await.expect("a session");
        let name = "studentSchoolAssociations";
        let spec = ResourceSpec {
            name,
            sql: self.sql.clone(),
            additions: fullsync::pipeline::Additions::NONE,
            meta: &self.standard.resources[name],
            required: &[],
            key: None,
        };
        let done = transform(&session, &spec, &self.standard, &self.out, options).await;
        let done = done.expect("objects");
        assert_eq!((done.rows, done.held.len()), (u64::from(ROWS), 0));
        done.rows
    }
}

fn descriptor(i: u32) -> String {
    format!("uri://ed-fi.org/GradeLevelDescriptor#Grade {i}")
}

fn standard() -> Standard {
    let meta: ResourceMeta = serde_json::from_value(json!({
        "path": "/ed-fi/studentSchoolAssociations",
        "key": [
            {"name": "entryDate", "path": "entryDate"},
            {"name": "schoolId", "path": "schoolReference.schoolId"},
            {"name": "studentUniqueId", "path": "studentReference.studentUniqueId"},
        ],
        "fields": {
            "entryDate": {"type": "date", "required": true},
            "entryGradeLevelDescriptor":
                {"type": "descriptor", "name": "GradeLevelDescriptor", "required": true},
            "schoolReference": {"type": "reference", "required": true, "targets": ["schools"],
                "fields": {"schoolId": {"type": "int64", "required": true}}},
            "studentReference": {"type": "reference", "required": true, "targets": ["students"],
                "fields": {"studentUniqueId": {"type": "string", "max": 32, "required": true}}},
        },
    }))
    .expect("metadata");
    let codes = (0..13).map(|i| format!("Grade {i}")).collect();
    let namespace = "uri://ed-fi.org/GradeLevelDescriptor".to_owned();
    let descriptors = BTreeMap::from([(namespace, codes)]);
    Standard {
        resources: BTreeMap::from([("studentSchoolAssociations".to_owned(), meta)]),
        descriptors: BTreeMap::from([("GradeLevelDescriptor".to_owned(), descriptors)]),
        ..Standard::default()
    }
}

fn read(path: &Path) -> Vec<RecordBatch> {
    let file = File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a footer");
    let reader = reader.with_batch_size(16_384).build().expect("a reader");
    reader.map(|b| b.expect("rows")).collect()
}

/// One row after the other: join by a map, body by serde_json, key and content hashed. Writes no
/// file, so the comparison is in its favour.
fn by_hand(district: &District) -> u128 {
    let mut students: HashMap<i64, String> = HashMap::new();
    for batch in read(&district.person) {
        let ids = batch["personID"].as_primitive::<Int64Type>();
        let states = batch["stateID"].as_string::<i32>();
        for i in 0..batch.num_rows() {
            students.insert(ids.value(i), states.value(i).to_owned());
        }
    }
    let grades: HashMap<String, String> = (0..13)
        .map(|i| (format!("{i:02}"), descriptor(i)))
        .collect();
    let (mut sum, mut key) = (0, Key::new());
    for batch in read(&district.enrollment) {
        let people = batch["personID"].as_primitive::<Int64Type>();
        let schools = batch["schoolID"].as_primitive::<Int64Type>();
        let days = batch["startDate"].as_primitive::<Date32Type>();
        let codes = batch["grade"].as_string::<i32>();
        for i in 0..batch.num_rows() {
            let student = &students[&people.value(i)];
            let day = days.value_as_date(i).expect("a date").to_string();
            let body = serde_json::to_vec(&json!({
                "entryDate": day,
                "entryGradeLevelDescriptor": grades[codes.value(i)],
                "schoolReference": {"schoolId": schools.value(i)},
                "studentReference": {"studentUniqueId": student},
            }));
            key.clear();
            key.push("entryDate", &day);
            key.push("schoolId", &schools.value(i).to_string());
            key.push("studentUniqueId", student);
            sum ^= KeyHash::of(key.as_str()).0 ^ ContentHash::of(&body.expect("a body")).0;
        }
    }
    black_box(sum)
}
