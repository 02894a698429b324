//! The resync to a state edition, end to end: the shipped pipeline and mappings on a district of a few
//! rows, and a state in this process. One test per numbered item (D1 to D24) of the seed.

mod batch;
mod contract;
mod edition;
mod later;
mod narrowed;
mod rights;
mod seed;
mod selective;
mod status;
#[cfg(unix)]
mod tls;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fullsync::metadata::Standard;
use fullsync::sandbox::dis::{Options, Sandbox};
use fullsync::source::SisSchema;
use serde_json::Value;

use crate::support::{Ran, json};

/// Three schools, the third without a state number; one calendar each for 2024, and one of 2023.
pub struct Dis {
    folder: tempfile::TempDir,
    schema: SisSchema,
    runtime: tokio::runtime::Runtime,
    state: Option<Sandbox>,
    http: reqwest::Client,
}

/// The number of the district.
pub const DISTRICT: &str = "0042";

fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

impl Dis {
    /// The district and its state.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A state with options of its own.
    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut options = Options::new(Standard::dis());
        change(&mut options);
        let state = runtime
            .block_on(Sandbox::start(options))
            .expect("the state starts");
        let file = repository("pipelines/sis.toml");
        let dis = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            schema: SisSchema::load(Path::new(&file)).expect("the SIS schema"),
            runtime,
            state: Some(state),
            http: reqwest::Client::new(),
        };
        dis.district();
        dis.pipeline("dis", &[]);
        dis
    }

    /// The state.
    pub fn state(&self) -> &Sandbox {
        self.state.as_ref().expect("a running state")
    }

    /// Does something on the state's runtime.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Sends the state a batch of our own; status and answer.
    pub fn post(&self, year: i32, object: &str, query: &str, body: String) -> (u16, Value) {
        let base = self.state().base_url();
        let url = format!("{base}/v1/districts/{DISTRICT}/years/{year}/{object}?{query}");
        self.wait_for(async {
            let sent = self.http.post(url).bearer_auth("sandbox").body(body).send();
            let answer = sent.await.expect("an answer");
            let status = answer.status().as_u16();
            (status, answer.json().await.expect("JSON"))
        })
    }

    /// The shipped pipeline with other places, and with these texts replaced.
    pub fn pipeline(&self, name: &str, changes: &[(&str, &str)]) {
        let mut text = std::fs::read_to_string(repository("pipelines/dis.toml")).expect("shipped");
        let sis = format!(
            "target = \"dis\"\nsis_schema = \"{}\"",
            repository("pipelines/sis.toml")
        );
        let places = [
            ("target = \"dis\"", sis.as_str()),
            ("\"../sql\"", &format!("\"{}\"", repository("sql"))),
            ("\"../sample-data\"", "\"../sis\""),
            ("\"../fullsync-data\"", "\"../state\""),
            (
                "sandbox = true ",
                "url = \"${TARGET}\"\ntoken_env = \"TOKEN\" ",
            ),
            ("fail_on = \"5%\"", "fail_on = \"any\""),
        ];
        for (from, to) in places.iter().chain(changes) {
            assert!(text.contains(from), "the shipped pipeline has no {from}");
            text = text.replacen(from, to, 1);
        }
        let path = self.path(&format!("pipelines/{name}.toml"));
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// A path below the district's folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a table; each row as `column=value`, separated by blanks.
    pub fn table(&self, name: &str, rows: &[&str]) {
        let table = self.schema.table(name).expect("a declared table");
        let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let mut text = columns.join(",");
        text.push('\n');
        for row in rows {
            let values: BTreeMap<&str, &str> = row
                .split(' ')
                .map(|pair| pair.split_once('=').expect("column=value"))
                .collect();
            assert!(values.keys().all(|k| columns.contains(k)), "{name}: {row}");
            let cells: Vec<&str> = columns
                .iter()
                .map(|c| values.get(c).copied().unwrap_or(""))
                .collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        let path = self.path(&format!("sis/{name}.csv"));
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    fn district(&self) {
        for table in &self.schema.tables {
            self.table(&table.name, &[]);
        }
        self.table("District", &["districtID=1 name=District number=0042"]);
        self.table(
            "SchoolYear",
            &["endYear=2023 active=0", "endYear=2024 active=1"],
        );
        self.schools("First");
        let calendar = |id: i64, school: i64, year: i64| {
            format!(
                "calendarID={id} schoolID={school} endYear={year} name=Main startDate={}-08-14 \
                 endDate={year}-06-07",
                year - 1
            )
            .replace("  ", "")
        };
        let calendars = [
            calendar(1011, 101, 2024),
            calendar(1012, 101, 2023),
            calendar(1021, 102, 2024),
            calendar(1031, 103, 2024),
        ];
        let calendars: Vec<&str> = calendars.iter().map(String::as_str).collect();
        self.table("Calendar", &calendars);
        let month = "number=1 name=August startDate=2023-08-14 endDate=2023-08-31";
        let months = [
            format!("schoolMonthID=1 calendarID=1011 {month}"),
            format!("schoolMonthID=3 calendarID=1031 {month}"),
        ];
        self.table("SchoolMonth", &[&months[0], &months[1]]);
        self.table(
            "ScheduleStructure",
            &[
                "structureID=1 calendarID=1011 name=Main",
                "structureID=3 calendarID=1031 name=Main",
            ],
        );
        self.table(
            "PeriodSchedule",
            &[
                "periodScheduleID=1 structureID=1 name=A",
                "periodScheduleID=3 structureID=3 name=A",
            ],
        );
        self.table(
            "Day",
            &[
                "dayID=1 calendarID=1011 structureID=1 periodScheduleID=1 date=2023-08-14 instruction=1",
                "dayID=3 calendarID=1031 structureID=3 periodScheduleID=3 date=2023-08-14 instruction=1",
            ],
        );
        self.table(
            "Person",
            &[
                "personID=1 currentIdentityID=11 stateID=S1 studentNumber=N1",
                "personID=2 currentIdentityID=12 stateID=S2 studentNumber=N2",
            ],
        );
        self.table(
            "Identity",
            &[
                "identityID=11 personID=1 lastName=Able firstName=Ann birthdate=2010-01-02",
                "identityID=12 personID=2 lastName=Baker firstName=Bob birthdate=2010-01-02",
            ],
        );
        self.table(
            "Enrollment",
            &[
                "enrollmentID=501 personID=1 calendarID=1011 grade=08 serviceType=P startDate=2023-08-14",
                "enrollmentID=502 personID=2 calendarID=1021 grade=08 serviceType=P startDate=2023-08-14",
            ],
        );
        self.table(
            "LEP",
            &[
                "lepID=1 personID=1 programStatus=LEP",
                "lepID=2 personID=2 programStatus=LEP",
            ],
        );
        self.table(
            "Attendance",
            &[
                "attendanceID=1 calendarID=1011 personID=1 periodID=1 date=2023-09-01 status=A",
                "attendanceID=2 calendarID=1021 personID=2 periodID=1 date=2023-09-01 status=A",
            ],
        );
    }

    /// The schools; the first one's name can change.
    pub fn schools(&self, first: &str) {
        self.table(
            "School",
            &[
                &format!("schoolID=101 districtID=1 name={first} number=1 standardCode=S001"),
                "schoolID=102 districtID=1 name=Second number=2 standardCode=S002",
                "schoolID=103 districtID=1 name=Third number=3",
            ],
        );
    }

    /// Runs the binary to its end.
    pub fn fullsync(&self, args: &[&str]) -> Ran {
        self.command(args).output().expect("the binary runs").into()
    }

    /// The binary, with the credentials of the district.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fullsync"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("TARGET", self.state().base_url())
            .env("TOKEN", "sandbox")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Records that the state has in 2024.
    pub fn count(&self, object: &str) -> u64 {
        self.state().count(DISTRICT, 2024, object)
    }

    /// One count of the newest run.
    pub fn tally(&self, object: &str, name: &str) -> u64 {
        let tallies = json(&self.path("state/dis/runs/latest/tallies.json"));
        let resources = tallies["resources"].as_array().expect("resources");
        let found = resources.iter().find(|r| r["resource"] == object);
        found
            .and_then(|r| r[name].as_u64())
            .unwrap_or_else(|| panic!("no {name} of {object} in {tallies:#}"))
    }

    /// The objects of the newest run.
    pub fn ran(&self) -> Vec<String> {
        let tallies = json(&self.path("state/dis/runs/latest/tallies.json"));
        let resources = tallies["resources"].as_array().expect("resources");
        let name = |r: &Value| r["resource"].as_str().map(str::to_owned);
        resources.iter().filter_map(name).collect()
    }

    /// `status --json`, by object.
    pub fn standing(&self) -> BTreeMap<String, Value> {
        let ran = self.fullsync(&["status", "dis", "--json"]);
        let status: Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
        let objects = status["objects"].as_array().expect("objects").clone();
        let named = |o: Value| Some((o["object"].as_str()?.to_owned(), o));
        objects.into_iter().filter_map(named).collect()
    }
}

impl Drop for Dis {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.runtime.block_on(state.stop());
        }
    }
}
