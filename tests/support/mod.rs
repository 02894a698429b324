//! A small district in a temporary folder, and the binary run on it.

mod golden;
pub mod tls;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fullsync::metadata::Standard;
use fullsync::sandbox::edfi::{Options, Sandbox};
use serde_json::Value;

pub use golden::Goldens;

/// The SIS of the small district: one table, each row a student with one school enrollment.
const SIS: &str = r#"
[table.Student]
about = "A student and the enrollment."
key = ["studentID"]
columns = [
  "studentID int", "uniqueID text", "firstName text", "lastName text", "birthDate date",
  "school int", "entryDate date", "grade text",
]

[table.School]
about = "A school."
key = ["schoolID"]
columns = ["schoolID int", "name text"]
"#;

const SCHOOLS: &str = "
SELECT schoolID AS schoolId, name AS nameOfInstitution,
    make_array(named_struct('gradeLevelDescriptor',
        'uri://ed-fi.org/GradeLevelDescriptor#Ninth grade')) AS gradeLevels,
    make_array(named_struct('educationOrganizationCategoryDescriptor',
        'uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School'))
        AS educationOrganizationCategories,
    'School' AS _source_table, cast(schoolID AS varchar) AS _source_key
FROM School";

const STUDENTS: &str = "
SELECT uniqueID AS studentUniqueId, firstName, lastName AS lastSurname, birthDate,
    'Student' AS _source_table, cast(studentID AS varchar) AS _source_key,
    CASE WHEN uniqueID IS NULL THEN 'no_edfi_id' END AS _skip
FROM Student";

const ENROLLMENTS: &str = "
SELECT named_struct('studentUniqueId', uniqueID) AS studentReference,
    named_struct('schoolId', school) AS schoolReference, entryDate,
    g.descriptor AS entryGradeLevelDescriptor,
    'Student' AS _source_table, cast(studentID AS varchar) AS _source_key,
    unmapped('grade', s.grade, g.descriptor) AS _unmapped,
    CASE WHEN uniqueID IS NULL THEN 'no_edfi_id' END AS _skip
FROM Student s LEFT JOIN xwalk_grade g ON g.code = s.grade";

/// A district of `students` students in one school, with its pipeline, in a temporary folder.
pub struct District {
    folder: tempfile::TempDir,
}

/// What a run left.
pub struct Ran {
    /// Exit code; None when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl District {
    /// Students 1 to `students`, all fit to be sent.
    pub fn new(students: usize) -> Self {
        let district = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        district.write("pipelines/sis.toml", SIS);
        district.write("sql/schools.sql", SCHOOLS);
        district.write("sql/students.sql", STUDENTS);
        district.write("sql/enrollments.sql", ENROLLMENTS);
        district.write(
            "crosswalk/grade.csv",
            "code,descriptor\n9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n",
        );
        district.write("sis/School.csv", "schoolID,name\n255901001,Grand High\n");
        district
            .students((1..=students).map(|i| {
                format!("{i},U{i:06},First{i},Last{i},2010-01-02,255901001,2025-08-18,9")
            }));
        district.pipeline("");
        district
    }

    /// Replaces the students; each a CSV row.
    pub fn students(&self, rows: impl Iterator<Item = String>) {
        let mut text =
            "studentID,uniqueID,firstName,lastName,birthDate,school,entryDate,grade\n".to_owned();
        for row in rows {
            text.push_str(&row);
            text.push('\n');
        }
        self.write("sis/Student.csv", &text);
    }

    /// Replaces the pipeline; `extra` is appended to `[load]`.
    pub fn pipeline(&self, extra: &str) {
        self.write(
            "pipelines/mini.toml",
            &format!(
                r#"
target = "edfi"
school_year = 2026
sql_dir = "../sql"
crosswalks = "../crosswalk"
state_dir = "../state"

[scope]
schools = "all"

[source]
path = "../sis"

[connection]
url = "${{TARGET}}"
key_env = "KEY"
secret_env = "SECRET"

[load]
backoff_start_ms = 5
backoff_max_ms = 50
request_timeout_secs = 2
{extra}

[resources.schools]
sql = "schools.sql"

[resources.students]
sql = "students.sql"

[resources.studentSchoolAssociations]
sql = "enrollments.sql"
"#
            ),
        );
    }

    /// Writes a file of the district.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// A path below the district's folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn command(&self, target: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fullsync"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("TARGET", target)
            .env("KEY", "sandbox")
            .env("SECRET", "sandbox")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub fn fullsync(&self, target: &str, args: &[&str]) -> Ran {
        self.command(target, args)
            .output()
            .expect("the binary runs")
            .into()
    }

    /// Starts the binary, to be killed.
    pub fn start(&self, target: &str, args: &[&str]) -> Child {
        self.command(target, args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    /// The newest run's folder.
    pub fn latest(&self) -> PathBuf {
        self.path("state/mini/runs/latest")
    }

    /// The newest run's tallies.
    pub fn tallies(&self) -> Value {
        json(&self.latest().join("tallies.json"))
    }

    /// One count of the newest run.
    pub fn count(&self, resource: &str, name: &str) -> u64 {
        let tallies = self.tallies();
        let found = tallies["resources"]
            .as_array()
            .and_then(|all| all.iter().find(|r| r["resource"] == resource))
            .unwrap_or_else(|| panic!("no {resource} in {tallies:#}"));
        found[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {found:#}"))
    }
}

/// A JSON file.
pub fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Fails the test, showing what the run printed, unless it exited with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// A target in this process, with the runtime that it lives on.
pub struct Target {
    runtime: tokio::runtime::Runtime,
    /// The server.
    pub sandbox: Option<Sandbox>,
}

impl Target {
    /// A sandbox in memory, with these faults.
    pub fn new(faults: &[&str]) -> Self {
        Self::with(|options| options.faults = parse(faults))
    }

    /// A sandbox with options of its own.
    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut options = Options::new(Standard::shipped());
        options.instance_id = format!("test-{:016x}", fastrand::u64(..));
        change(&mut options);
        let sandbox = runtime
            .block_on(Sandbox::start(options))
            .expect("the sandbox starts");
        Self {
            runtime,
            sandbox: Some(sandbox),
        }
    }

    fn server(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("a running sandbox")
    }

    /// Its root URL.
    pub fn url(&self) -> String {
        self.server().base_url()
    }

    /// What was asked of it.
    pub fn stats(&self) -> fullsync::sandbox::edfi::Stats {
        self.server().stats()
    }

    /// Replaces the faults.
    pub fn faults(&self, faults: &[&str]) {
        self.server().set_faults(parse(faults));
    }

    /// How many records it holds.
    pub fn count(&self, resource: &str) -> u64 {
        self.server().count(resource)
    }

    /// Somebody else's GET or DELETE below the data URL; the body of the answer, where it is JSON.
    pub fn ask(&self, method: &str, path: &str) -> Value {
        let url = self.url();
        let ask = async {
            let client = reqwest::Client::new();
            let token = client
                .post(format!("{url}/oauth/token"))
                .basic_auth("sandbox", Some("sandbox"))
                .form(&[("grant_type", "client_credentials")]);
            let token: Value = token.send().await?.json().await?;
            let bearer = token["access_token"].as_str().unwrap_or_default();
            let answer = client
                .request(
                    method.parse().expect("a method"),
                    format!("{url}/data/v3/ed-fi/{path}"),
                )
                .bearer_auth(bearer);
            let answer = answer.send().await?.error_for_status()?;
            Ok::<Value, reqwest::Error>(answer.json().await.unwrap_or(Value::Null))
        };
        self.runtime.block_on(ask).expect("the sandbox answers")
    }

    /// The records that it holds.
    pub fn bodies(&self, resource: &str) -> Vec<Value> {
        self.server().bodies(resource)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
}

fn parse(faults: &[&str]) -> Vec<fullsync::sandbox::Fault> {
    faults.iter().map(|f| f.parse().expect("a fault")).collect()
}
