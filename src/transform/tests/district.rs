//! A few SIS tables, a standard of three resources, and a session over both.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::metadata::{ResourceMeta, Standard};
use crate::pipeline::Setting;

use super::super::*;

/// A folder with SQL files, and what a session is made from.
pub(super) struct District {
    folder: TempDir,
    pub(super) standard: Standard,
    pub(super) inputs: Inputs,
}

/// The SQL that most tests start from.
pub(super) const ENROLLMENTS: &str = "\
SELECT named_struct('studentUniqueId', s.stateID) AS studentReference,
       named_struct('schoolId', e.schoolID) AS schoolReference,
       e.startDate AS entryDate,
       x.descriptor AS entryGradeLevelDescriptor,
       'Enrollment' AS _source_table,
       e.enrollmentID AS _source_key,
       e.schoolID AS _school_id,
       e.personID AS _person_id,
       unmapped('grade_level', e.grade, x.descriptor) AS _unmapped
FROM Enrollment e
JOIN Person s ON s.personID = e.personID
LEFT JOIN xwalk_grade_level x ON x.code = e.grade";

impl District {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let crosswalk = folder.path().join("grade_level.csv");
        let uri = "uri://ed-fi.org/GradeLevelDescriptor#";
        let rows =
            format!("code,descriptor\n01,{uri}First grade\n02,{uri}Second grade\n99,{uri}Nope\n");
        fs::write(&crosswalk, rows).unwrap();
        let inputs = Inputs {
            tables: Vec::new(),
            crosswalks: vec![("xwalk_grade_level".to_owned(), vec![crosswalk])],
            settings: vec![("school_year".to_owned(), Setting::Integer(2026))],
            views: Vec::new(),
            views_as: super::super::Views::Inlined,
            ref_ids: None,
            temp_dir: folder.path().join("spill"),
            memory: DEFAULT_MEMORY,
        };
        let mut district = Self {
            folder,
            standard: standard(),
            inputs,
        };
        let person = table(vec![
            ("personID", numbers([1, 2, 3].map(Some).to_vec())),
            ("stateID", texts(vec![Some("S1"), Some("S2"), None])),
            (
                "firstName",
                texts(vec![Some("Ada"), Some("Bo"), Some("Cy")]),
            ),
        ]);
        let enrollment = table(vec![
            ("enrollmentID", numbers((10..15).map(Some).collect())),
            ("personID", numbers([1, 2, 3, 1, 2].map(Some).to_vec())),
            ("schoolID", numbers([7, 7, 7, 8, 8].map(Some).to_vec())),
            (
                "startDate",
                Arc::new(Date32Array::from(vec![19_950; 5])) as ArrayRef,
            ),
            (
                "grade",
                texts(vec![
                    Some("01"),
                    Some("XX"),
                    Some("01"),
                    Some("99"),
                    Some("02"),
                ]),
            ),
        ]);
        district.stage("Person", &person);
        district.stage("Enrollment", &enrollment);
        district
    }

    pub(super) fn stage(&mut self, name: &str, rows: &RecordBatch) {
        let path = self.folder.path().join(format!("{name} [1].parquet"));
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), rows.schema(), None).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
        let file = TableFile::Parquet(path, rows.schema());
        self.inputs.tables.push((name.to_owned(), file));
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn view(&mut self, name: &str, sql: &str) {
        let path = self.write(&format!("view_{name}.sql"), sql);
        self.inputs.views.push((name.to_owned(), path));
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn spec(&self, name: &'static str, sql: PathBuf) -> ResourceSpec<'_> {
        ResourceSpec {
            name,
            sql,
            additions: crate::pipeline::Additions::NONE,
            meta: &self.standard.resources[name],
            required: &[],
            key: None,
        }
    }

    /// Problems of one SQL text, each as `line:column message; suggestion`.
    pub(super) async fn problems(&self, name: &'static str, sql: &str) -> Vec<String> {
        let session = Session::new(&self.inputs).await.unwrap();
        let file = self.write("checked.sql", sql);
        let problems = validate_all(&session, &[self.spec(name, file)])
            .await
            .problems;
        let prefix = format!(
            "{}{}",
            self.folder.path().display(),
            std::path::MAIN_SEPARATOR
        );
        problems
            .iter()
            .map(|p| p.to_string().replace(&prefix, ""))
            .collect()
    }

    /// Runs one SQL text; what became of it, and the objects sorted by source key.
    pub(super) async fn run(
        &self,
        name: &'static str,
        sql: &str,
    ) -> Result<(Transformed, Vec<Value>), TransformError> {
        self.run_with(name, sql, &Options::default()).await
    }

    pub(super) async fn run_with(
        &self,
        name: &'static str,
        sql: &str,
        options: &Options,
    ) -> Result<(Transformed, Vec<Value>), TransformError> {
        let session = Session::new(&self.inputs).await.unwrap();
        let spec = self.spec(name, self.write(&format!("{name}.sql"), sql));
        let out = self.path(&format!("{name}.parquet"));
        let done = transform(&session, &spec, &self.standard, &out, options).await?;
        let mut rows = objects(&read(&out));
        rows.sort_by_key(|r| r["_source_key"].to_string());
        Ok((done, rows))
    }
}

/// All rows of a Parquet file.
pub(super) fn read(path: &Path) -> RecordBatch {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = SchemaRef::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// Rows as JSON, hashes in hexadecimal.
pub(super) fn objects(batch: &RecordBatch) -> Vec<Value> {
    let encoded = crate::object::encode(batch).unwrap();
    let rows = (0..encoded.len()).map(|i| serde_json::from_slice(encoded.bytes(i)).unwrap());
    rows.collect()
}

/// `_held`, `_reason`, `_detail` of an object.
pub(super) fn held(row: &Value) -> (&str, &str, &str) {
    let text = |name: &str| row[name].as_str().unwrap_or("");
    (text("_held"), text("_reason"), text("_detail"))
}

pub(super) fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let nullable = columns.into_iter().map(|(n, c)| (n, c, true));
    RecordBatch::try_from_iter_with_nullable(nullable).unwrap()
}

pub(super) fn numbers(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

pub(super) fn texts(values: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

fn standard() -> Standard {
    let key = |names: &[(&str, &str)]| -> Value {
        let one = |(name, path): &(&str, &str)| json!({"name": name, "path": path});
        names.iter().map(one).collect()
    };
    let school = json!({
        "type": "reference", "required": true, "targets": ["schools"],
        "fields": {"schoolId": {"type": "int64", "required": true}},
    });
    let resource = |path: &str, key: Value, fields: Value| -> ResourceMeta {
        serde_json::from_value(json!({"path": path, "key": key, "fields": fields})).unwrap()
    };
    let mut resources = BTreeMap::new();
    resources.insert(
        "schools".to_owned(),
        resource(
            "/ed-fi/schools",
            key(&[("schoolId", "schoolId")]),
            json!({
                "schoolId": {"type": "int64", "required": true},
                "nameOfInstitution": {"type": "string", "max": 10, "required": true},
                "gradeLevels": {"type": "array", "required": true, "fields": {
                    "gradeLevelDescriptor":
                        {"type": "descriptor", "name": "GradeLevelDescriptor", "required": true},
                }},
                "addresses": {"type": "array", "fields": {
                    "city": {"type": "string", "max": 5, "required": true},
                    "schoolReference": school,
                }},
                "webSite": {"type": "string", "max": 20},
                "openDate": {"type": "date"},
                "size": {"type": "int32"},
                "share": {"type": "number"},
            }),
        ),
    );
    resources.insert(
        "students".to_owned(),
        resource(
            "/ed-fi/students",
            key(&[("studentUniqueId", "studentUniqueId")]),
            json!({
                "studentUniqueId": {"type": "string", "max": 32, "required": true},
                "firstName": {"type": "string", "max": 75, "required": true},
            }),
        ),
    );
    resources.insert(
        "studentSchoolAssociations".to_owned(),
        resource(
            "/ed-fi/studentSchoolAssociations",
            key(&[
                ("entryDate", "entryDate"),
                ("schoolId", "schoolReference.schoolId"),
                ("studentUniqueId", "studentReference.studentUniqueId"),
            ]),
            json!({
                "entryDate": {"type": "date", "required": true},
                "entryGradeLevelDescriptor":
                    {"type": "descriptor", "name": "GradeLevelDescriptor", "required": true},
                "schoolReference": school,
                "studentReference": {
                    "type": "reference", "required": true, "targets": ["students"],
                    "fields": {"studentUniqueId": {"type": "string", "max": 32, "required": true}},
                },
                "primarySchool": {"type": "boolean"},
            }),
        ),
    );
    let codes = vec!["First grade".to_owned(), "Second grade".to_owned()];
    let namespace = "uri://ed-fi.org/GradeLevelDescriptor".to_owned();
    let descriptors = BTreeMap::from([(
        "GradeLevelDescriptor".to_owned(),
        BTreeMap::from([(namespace, codes)]),
    )]);
    Standard {
        resources,
        descriptors,
        ..Standard::default()
    }
}
