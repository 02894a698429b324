//! The agent of a SIF 2.x zone, end to end: the binary, a district of a few rows, and in this process a
//! zone with a third party in it that asks, checks and keeps. One test per numbered item (Z1 to Z11) of the
//! seed in `seed.rs`.

mod contexts;
mod events;
mod kill;
mod operator;
mod plan;
mod push;
mod refusals;
mod sample;
mod seed;
mod sync;
mod tls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fullsync::metadata::Standard;
use fullsync::sandbox::sif::{Answer, Fault, Options, Sandbox, Third};
use serde_json::Value;

use crate::support::{Ran, json};

/// The SIS of the small district.
const SIS: &str = r#"
[table.District]
about = "The district."
key = ["districtID"]
columns = ["districtID int", "name text"]

[table.School]
about = "A school."
key = ["schoolID"]
columns = ["schoolID int", "districtID int", "name text"]

[table.Student]
about = "A student and where the student is enrolled."
key = ["studentID"]
columns = [
  "studentID int", "number text", "firstName text", "lastName text", "birthDate date", "schoolID int",
  "entryDate date", "email text", "phone text",
]
"#;

const LEA: &str = "
SELECT ref_id('LEAInfo', districtID) AS RefId, CAST(districtID AS VARCHAR) AS LocalId, name AS LEAName,
    'District' AS _source_table, CAST(districtID AS VARCHAR) AS _source_key
FROM District";

const SCHOOLS: &str = "
SELECT ref_id('SchoolInfo', schoolID) AS RefId, CAST(schoolID AS VARCHAR) AS LocalId,
    name AS SchoolName, ref_id('LEAInfo', districtID) AS LEAInfoRefId, schoolID AS _school_id,
    'School' AS _source_table, CAST(schoolID AS VARCHAR) AS _source_key
FROM School";

const STUDENTS: &str = "
SELECT ref_id('StudentPersonal', studentID) AS RefId, number AS LocalId,
    named_struct('Type', '04', 'LastName', lastName, 'FirstName', firstName) AS Name,
    named_struct('BirthDate', birthDate) AS Demographics,
    CASE WHEN email IS NOT NULL THEN
        make_array(named_struct('Type', 'Primary', 'value', email)) END AS EmailList,
    CASE WHEN phone IS NOT NULL THEN
        make_array(named_struct('Type', '0096', 'Number', phone)) END AS PhoneNumberList,
    'Student' AS _source_table, CAST(studentID AS VARCHAR) AS _source_key
FROM Student";

const ENROLLMENTS: &str = "
SELECT ref_id('StudentSchoolEnrollment', studentID) AS RefId,
    ref_id('StudentPersonal', studentID) AS StudentPersonalRefId,
    ref_id('SchoolInfo', schoolID) AS SchoolInfoRefId,
    'Home' AS MembershipType, 'Current' AS TimeFrame, 2026 AS SchoolYear, entryDate AS EntryDate,
    'Student' AS _source_table, CAST(studentID AS VARCHAR) AS _source_key
FROM Student";

/// The objects of the pipeline, in the order of the third party's requests.
pub const OBJECTS: [&str; 4] = [
    "LEAInfo",
    "SchoolInfo",
    "StudentPersonal",
    "StudentSchoolEnrollment",
];

/// Our agent.
pub const AGENT: &str = "FullSyncSIS";
/// The third party.
pub const LIBRARY: &str = "LibAgent";
const GUID: &str = "6F1C1D52-0B7E-4B5A-9D35-0F5E3C2A0042";

/// A small district, and a zone in this process.
pub struct Sif {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    zone: Option<Sandbox>,
}

/// The objects that a third party holds, by object and key.
pub type Held = BTreeMap<String, BTreeMap<String, String>>;

impl Sif {
    /// A district of so many students, whose library asks for everything.
    pub fn new(students: usize) -> Self {
        Self::with(students, |_| {})
    }

    /// A zone with options of its own; the third party is there already.
    pub fn with(students: usize, change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut options = Options::new(Standard::sif_2());
        options.zone = "District".to_owned();
        options.third = Some(Third {
            objects: OBJECTS.map(str::to_owned).to_vec(),
            ..Third::new()
        });
        change(&mut options);
        let zone = runtime
            .block_on(Sandbox::start(options))
            .expect("the zone starts");
        let sif = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            runtime,
            zone: Some(zone),
        };
        sif.write("pipelines/sis.toml", SIS);
        sif.write("sql/lea.sql", LEA);
        sif.write("sql/schools.sql", SCHOOLS);
        sif.write("sql/students.sql", STUDENTS);
        sif.write("sql/enrollments.sql", ENROLLMENTS);
        sif.write("sis/District.csv", "districtID,name\n1,Grand Bend\n");
        sif.write(
            "sis/School.csv",
            "schoolID,districtID,name\n11,1,Grand High\n12,1,Grand Middle\n",
        );
        sif.students(1..=students);
        sif.pipeline("");
        sif
    }

    /// The student rows of these numbers.
    pub fn students(&self, numbers: impl IntoIterator<Item = usize>) {
        self.rows(numbers.into_iter().map(student));
    }

    /// Replaces the students; each a CSV row.
    pub fn rows(&self, rows: impl IntoIterator<Item = String>) {
        let mut text =
            "studentID,number,firstName,lastName,birthDate,schoolID,entryDate,email,phone\n"
                .to_owned();
        for row in rows {
            text.push_str(&row);
            text.push('\n');
        }
        self.write("sis/Student.csv", &text);
    }

    /// Replaces the pipeline; `extra` is added to `[sif]`.
    pub fn pipeline(&self, extra: &str) {
        self.write(
            "pipelines/mini.toml",
            &format!(
                r#"
target = "sif"
school_year = 2026
sql_dir = "../sql"
state_dir = "../state"

[scope]
schools = "all"

[source]
path = "../sis"

[connection]
url = "${{ZONE}}"

[load]
backoff_start_ms = 2
backoff_max_ms = 20
request_timeout_secs = 2

[sif]
district_guid = "{GUID}"
zone = "District"
poll_every_ms = 5
idle_polls = 40
{extra}

[sif.expect]
{LIBRARY} = ["*"]

[resources.LEAInfo]
sql = "lea.sql"

[resources.SchoolInfo]
sql = "schools.sql"

[resources.StudentPersonal]
sql = "students.sql"

[resources.StudentSchoolEnrollment]
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

    /// Changes the pipeline: this text for that one.
    pub fn change(&self, from: &str, to: &str) {
        let path = self.path("pipelines/mini.toml");
        let text = std::fs::read_to_string(path).expect("the pipeline");
        assert!(text.contains(from), "the pipeline has no {from}");
        self.write("pipelines/mini.toml", &text.replacen(from, to, 1));
    }

    /// A path below the district's folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The zone.
    pub fn zone(&self) -> &Sandbox {
        self.zone.as_ref().expect("a running zone")
    }

    /// Replaces the zone's faults.
    pub fn faults(&self, faults: &[&str]) {
        let faults = faults.iter().map(|f| f.parse::<Fault>().expect("a fault"));
        self.zone().set_faults(faults.collect());
    }

    /// Lets the third party ask.
    pub fn ask(
        &self,
        object: &str,
        change: impl FnOnce(&mut fullsync::sandbox::sif::Asked),
    ) -> String {
        let mut asked = Third::new().asks(object);
        change(&mut asked);
        self.runtime
            .block_on(async { self.zone().ask(&asked) })
            .expect("the third party asks")
    }

    /// The binary, to be run in the district's folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fullsync"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("ZONE", self.zone().zone_url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub fn fullsync(&self, args: &[&str]) -> Ran {
        self.command(args).output().expect("the binary runs").into()
    }

    /// Starts the binary, to be killed.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    /// A sync that must end with this code.
    #[track_caller]
    pub fn sync(&self, code: i32) -> Ran {
        self.fullsync(&["sif", "sync", "mini"]).expect(code)
    }

    /// Events that must end with this code.
    #[track_caller]
    pub fn events(&self, code: i32) -> Ran {
        self.fullsync(&["sif", "events", "mini"]).expect(code)
    }

    /// Waits for what this runtime works on.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// What the third party holds.
    pub fn held(&self) -> Held {
        let counts = self.zone().counts();
        let objects = counts.keys().map(|o| (o.clone(), self.zone().held(o)));
        objects.collect()
    }

    /// The newest run's tallies.
    pub fn tallies(&self) -> Value {
        json(&self.path("state/mini/runs/latest/tallies.json"))
    }

    /// One count of the newest run.
    #[track_caller]
    pub fn tally(&self, object: &str, name: &str) -> u64 {
        let tallies = self.tallies();
        let found = tallies["resources"]
            .as_array()
            .and_then(|all| all.iter().find(|r| r["resource"] == object))
            .unwrap_or_else(|| panic!("no {object} in {tallies:#}"));
        found[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {found:#}"))
    }

    /// Fails unless the third party holds everything, with nothing wrong in it.
    #[track_caller]
    pub fn complete(&self, students: usize) {
        let counts = self.zone().counts();
        let wanted = [1, 2, students, students];
        for (object, wanted) in OBJECTS.iter().zip(wanted) {
            assert_eq!(
                counts.get(*object).copied().unwrap_or(0),
                wanted,
                "{object}: {:#?}",
                self.zone().answers()
            );
        }
        for answer in self.zone().answers() {
            fine(&answer);
        }
        assert_eq!(self.zone().dangling(), []);
    }
}

/// Fails unless an answer is complete, with nothing wrong in it.
#[track_caller]
pub fn fine(answer: &Answer) {
    assert!(answer.complete && answer.error.is_none(), "{answer:#?}");
    assert!(answer.problems.is_empty(), "{answer:#?}");
    assert!(answer.largest as u64 <= answer.max_buffer, "{answer:#?}");
}

/// The CSV row of a student.
pub fn student(number: usize) -> String {
    let school = 11 + number % 2;
    format!(
        "{number},N{number:06},First{number},Last{number},2010-01-02,{school},2025-08-18,\
         s{number}@example.org,555-{number:04}"
    )
}

impl Drop for Sif {
    fn drop(&mut self) {
        if let Some(zone) = self.zone.take() {
            self.runtime.block_on(zone.stop());
        }
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
