//! A SIF 3 provider as a target, end to end: a small district, the binary, and a provider in this
//! process that checks what real ones check. Item 7 of the issue, and the provider's half of item 8.

mod bulk;
mod ids;
mod sample;
mod session;
mod shipped;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use fullsync::metadata::Standard;
use fullsync::sandbox::sif3::{Options, Sandbox};

use crate::support::{Ran, json};

const SIS: &str = r#"
[table.Student]
about = "A student and the enrollment."
key = ["studentID"]
columns = ["studentID int", "firstName text", "lastName text", "school int"]

[table.School]
about = "A school."
key = ["schoolID"]
columns = ["schoolID int", "name text"]
"#;

const SCHOOLS: &str = "
SELECT ref_id('SchoolInfo', schoolID) AS RefId, cast(schoolID AS varchar) AS LocalId,
    name AS SchoolName,
    'School' AS _source_table, cast(schoolID AS varchar) AS _source_key, schoolID AS _school_id
FROM School";

const STUDENTS: &str = "
SELECT ref_id('StudentPersonal', studentID) AS RefId, cast(studentID AS varchar) AS LocalId,
    named_struct('Type', '04', 'LastName', lastName, 'FirstName', firstName) AS Name,
    'Student' AS _source_table, cast(studentID AS varchar) AS _source_key
FROM Student";

const ENROLLMENTS: &str = "
SELECT ref_id('StudentSchoolEnrollment', studentID) AS RefId,
    ref_id('StudentPersonal', studentID) AS StudentPersonalRefId,
    ref_id('SchoolInfo', school) AS SchoolInfoRefId,
    'Home' AS MembershipType, 'Current' AS TimeFrame, 2026 AS SchoolYear,
    make_date(2025, 8, 18) AS EntryDate,
    'Student' AS _source_table, cast(studentID AS varchar) AS _source_key
FROM Student";

/// One school with students, and a provider.
pub struct Rest {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    provider: Option<Sandbox>,
}

impl Rest {
    /// Students 1 to `students`, and a provider as it is by default.
    pub fn new(students: usize) -> Self {
        Self::with(students, |_| {})
    }

    /// A provider with options of its own.
    pub fn with(students: usize, change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut options = Options::new(Standard::sif_4());
        change(&mut options);
        let provider = runtime
            .block_on(Sandbox::start(options))
            .expect("the provider starts");
        let rest = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            runtime,
            provider: Some(provider),
        };
        rest.write("pipelines/sis.toml", SIS);
        rest.write("sql/schools.sql", SCHOOLS);
        rest.write("sql/students.sql", STUDENTS);
        rest.write("sql/enrollments.sql", ENROLLMENTS);
        rest.write("sis/School.csv", "schoolID,name\n1,Grand High\n");
        let rows: Vec<String> = (1..=students)
            .map(|i| format!("{i},First{i},Last{i},1"))
            .collect();
        rest.students(&rows);
        rest.pipeline("", "");
        rest
    }

    /// Replaces the students; each a CSV row.
    pub fn students<T: AsRef<str>>(&self, rows: &[T]) {
        let mut text = "studentID,firstName,lastName,school\n".to_owned();
        for row in rows {
            text.push_str(row.as_ref());
            text.push('\n');
        }
        self.write("sis/Student.csv", &text);
    }

    /// Replaces the pipeline: more lines of `[sif3]`, and more sections.
    pub fn pipeline(&self, sif3: &str, more: &str) {
        self.write(
            "pipelines/mini.toml",
            &format!(
                r#"
target = "sif3"
school_year = 2026
sql_dir = "../sql"
state_dir = "../state"

[scope]
schools = "all"

[source]
path = "../sis"

[connection]
url = "${{TARGET}}"
key_env = "KEY"
secret_env = "SECRET"

[sif3]
district_guid = "6F1C1D52-0B7E-4B5A-9D35-0F5E3C2A0042"
{sif3}

[load]
backoff_start_ms = 5
backoff_max_ms = 50
request_timeout_secs = 5

[deletes]
max = "100%"

[resources.SchoolInfo]
sql = "schools.sql"

[resources.StudentPersonal]
sql = "students.sql"

[resources.StudentSchoolEnrollment]
sql = "enrollments.sql"
{more}
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

    /// The provider.
    pub fn provider(&self) -> &Sandbox {
        self.provider.as_ref().expect("a running provider")
    }

    /// Runs the binary to its end.
    pub fn fullsync(&self, args: &[&str]) -> Ran {
        self.fullsync_as("sandbox", args)
    }

    /// Runs it with another password.
    pub fn fullsync_as(&self, password: &str, args: &[&str]) -> Ran {
        Command::new(env!("CARGO_BIN_EXE_fullsync"))
            .args(args)
            .current_dir(self.folder.path())
            .env("TARGET", self.provider().base_url())
            .env("KEY", "sandbox")
            .env("SECRET", password)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs")
            .into()
    }

    /// One count of the newest run; `deleted` and its like are among the deletes.
    pub fn tally(&self, object: &str, name: &str) -> u64 {
        let tallies = json(&self.path("state/mini/runs/latest/tallies.json"));
        let resources = tallies["resources"].as_array().expect("resources");
        let found = resources.iter().find(|r| r["resource"] == object);
        found
            .and_then(|r| r[name].as_u64().or_else(|| r["deletes"][name].as_u64()))
            .unwrap_or_else(|| panic!("no {name} of {object} in {tallies:#}"))
    }

    /// The text of the newest run's report.
    pub fn report(&self) -> String {
        let path = self.path("state/mini/runs/latest/report.txt");
        std::fs::read_to_string(path).expect("a report")
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take() {
            self.runtime.block_on(provider.stop());
        }
    }
}
