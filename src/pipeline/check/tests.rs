use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::super::{Credentials, FailOn, Mode, Setting, SourceFormat, TargetKind, limits};
use super::*;

/// A folder like a checkout: SQL, crosswalks, schema, source, and one pipeline file.
struct Fixture {
    dir: TempDir,
}

impl Fixture {
    fn new(pipeline: &str) -> Self {
        let fixture = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fixture.put("pipelines/edfi.toml", pipeline);
        fixture.put("pipelines/sis.toml", "");
        fixture.put("sample-data/Person.csv", "personID\n1\n");
        fixture.put("sql/edfi/schools.sql", "SELECT 1 FROM xwalk_race");
        fixture.put("sql/edfi/students.sql", "SELECT 1");
        fixture.put("sql/edfi/sections.sql", "SELECT 1");
        fixture.put("sql/edfi/views/student.sql", "SELECT 1");
        fixture.put("sql/edfi/crosswalk/race.csv", "code,descriptor\n");
        fixture
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn load(&self) -> Result<Pipeline, Problems> {
        let env = |name: &str| match name {
            "API_KEY" => Some("key-1\n".to_owned()),
            "YEAR" => Some("2026".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        load(
            self.dir
                .path()
                .join("pipelines/edfi.toml")
                .to_str()
                .unwrap(),
            &[],
            &env,
        )
    }

    /// Problems with the temporary folder taken out.
    fn problems(&self) -> String {
        self.plain(&self.load().unwrap_err().to_string())
    }

    fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

const WHOLE: &str = r#"
target = "edfi"
school_year = "${YEAR}"
views = ["edfi/views/student.sql"]
crosswalks = "../sql/edfi/crosswalk"

[source]
path = "${SOURCE:-../sample-data}"

[connection]
sandbox = true

[load]
request_timeout_secs = 5
max_attempts = 3

[report]
fail_on = "2.5%"

[keep]
runs = 3

[settings]
student_unique_id = "local_number"
lea_id = 255901
send_email = false

[resources.students]
sql = "edfi/students.sql"
category = "Student Information"
step = 3
depends_on = ["schools"]

[resources.schools]
mode = "verify"
key = ["schoolId"]
required = ["addresses.city"]

[resources.sections]
enabled = false
"#;

#[test]
fn a_whole_pipeline_is_read() {
    let fixture = Fixture::new(WHOLE);
    let pipeline = fixture.load().unwrap();
    assert_eq!(
        (pipeline.name.as_str(), pipeline.target),
        ("edfi", TargetKind::Edfi)
    );
    assert_eq!(pipeline.school_year, Some(2026));
    assert_eq!(pipeline.source.format, SourceFormat::Csv);
    assert_eq!(pipeline.source.path, fixture.dir.path().join("sample-data"));
    assert_eq!(pipeline.state_dir, fixture.dir.path().join("fullsync-data"));
    assert!(matches!(pipeline.connection, Connection::Sandbox));
    assert_eq!(pipeline.fail_on, FailOn::Share(0.025));
    assert_eq!((pipeline.keep.runs, pipeline.keep.failed_days), (3, 30));
    let load = &pipeline.load;
    assert_eq!(
        (
            load.concurrency_start,
            load.concurrency_max,
            load.max_attempts
        ),
        (8, 64, 3)
    );
    assert_eq!(load.request_timeout, Duration::from_secs(5));
    assert_eq!(pipeline.settings["lea_id"], Setting::Integer(255_901));
    assert_eq!(pipeline.settings["send_email"], Setting::Boolean(false));
    let names: Vec<&str> = pipeline.resources.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(
        (names, pipeline.disabled.first().map(|r| r.name.as_str())),
        (vec!["students", "schools"], Some("sections"))
    );
    assert_eq!(pipeline.resources[1].mode, Mode::Verify);
    assert!(pipeline.resources[1].sql.ends_with("sql/edfi/schools.sql"));
    assert_eq!(pipeline.views[0].0, "student");
    assert!(pipeline.crosswalks.contains_key("xwalk_race"));
    assert_eq!(pipeline.warnings, []);
    assert_eq!(pipeline.files().len(), 6);
}

#[test]
fn selection_names_what_is_missing_or_switched_off() {
    let fixture = Fixture::new(WHOLE);
    let pipeline = fixture.load().unwrap();
    let select = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        match pipeline.select(&patterns) {
            Ok(found) => found
                .iter()
                .map(|r| r.name.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            Err(errors) => errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    };
    assert_eq!(select(&[]), "students schools");
    assert_eq!(select(&["*hools", "students"]), "students schools");
    let refused = select(&["sections", "studnets", "grade*"]);
    let refused = fixture.plain(&refused);
    insta::assert_snapshot!("selection", refused);
}

#[test]
fn every_problem_is_told_at_once() {
    let fixture = Fixture::new(
        r#"
taget = "edfi"
target = "edfy"
school_year = 26
state_dir = "${HOME_OF_STATE}/x"
views = ["edfi/views/studnet.sql", 7]
crosswalks = "edfi/crosswalk"

[source]
path = "../sampel-data"
format = "cvs"

[connection]
url = "https://user:pw@api.example.org"
key = "abc"
secret_env = "NOT_THERE"

[load]
request_timeout_sec = 5
max_attempts = 0
concurrency_start = 2000
local_validation = "yes"

[report]
fail_on = "some"

[settings]
"lea-id" = 1
when = 2026-01-01
school_year = 2026

[resources.students]
sql = "edfi/student.sql"
mode = "put"
depends_on = ["schols"]

[resources.schools]
key = ["school Id"]
depends_on = ["sections"]

[resources.sections]
depends_on = ["schools"]
enabeld = false
"#,
    );
    insta::assert_snapshot!("every_problem", fixture.problems());
}

#[test]
fn an_empty_file_says_what_it_needs() {
    insta::assert_snapshot!("empty_file", Fixture::new("").problems());
}

#[test]
fn all_syntax_errors_are_told_and_nothing_else() {
    let fixture = Fixture::new("target = edfi\n[source\npath = \"x\"\n[load]\na = 1\na = 2\n");
    insta::assert_snapshot!("syntax", fixture.problems());
}

#[test]
fn a_missing_pipeline_names_the_file() {
    let problems = load("no/such.toml", &[], &|_| None).unwrap_err();
    assert_eq!(problems.to_string(), "no/such.toml: no such file");
}

#[test]
fn what_nothing_uses_is_a_warning() {
    let fixture = Fixture::new(WHOLE);
    fixture.put("sql/edfi/old.sql", "SELECT 1 FROM xwalk_races");
    fixture.put("sql/edfi/crosswalk/sex.csv", "code,descriptor\n");
    let warnings = Problems(fixture.load().unwrap().warnings).to_string();
    insta::assert_snapshot!("unused", fixture.plain(&warnings));
}

const SERVER: &str = r#"
target = "edfi"
[source]
path = "../sample-data"
[connection]
url = "https://api.example.org/v7/"
key_env = "API_KEY"
secret_file = "secret.txt"
[resources.students]
"#;

#[cfg(unix)]
#[test]
fn secrets_come_from_owner_only_places() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new(SERVER);
    fixture.put("pipelines/secret.txt", " s3cret \n");
    let file = fixture.dir.path().join("pipelines/secret.txt");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!("secret_readable", fixture.problems());

    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let pipeline = fixture.load().unwrap();
    let Connection::Server {
        url,
        credentials: Credentials::OAuth { key, secret },
        ..
    } = &pipeline.connection
    else {
        panic!()
    };
    assert_eq!(url, "https://api.example.org/v7");
    assert_eq!((key.expose(), secret.expose()), ("key-1", "s3cret"));
    assert!(!format!("{pipeline:?}").contains("s3cret"));
    assert_eq!(
        (
            pipeline.load.concurrency_start,
            pipeline.load.concurrency_max
        ),
        (32, 1024)
    );
    assert_eq!(
        (pipeline.load.backoff_start, pipeline.load.backoff_max),
        (Duration::from_millis(250), Duration::from_secs(30))
    );
}

#[test]
fn the_schools_of_a_configuration() {
    use crate::scope::SchoolsWanted::{All, Named};
    let scope = |text: &str| {
        let fixture =
            Fixture::new(&SERVER.replace("[source]", &format!("[scope]\n{text}\n[source]")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fixture.put("pipelines/secret.txt", "s");
            let file = fixture.dir.path().join("pipelines/secret.txt");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fixture.load().map(|p| p.scope).map_err(|p| p.to_string())
    };
    let named = |n: &[&str]| Some(Named(n.iter().map(|n| (*n).to_owned()).collect()));
    for (text, wanted) in [
        ("", None),
        ("schools = \"all\"", Some(All)),
        (
            "schools = [12, \"301\", \"Washington\"]",
            named(&["12", "301", "Washington"]),
        ),
        ("schools = \"lincoln\"", named(&["lincoln"])),
        ("schools = 7", named(&["7"])),
    ] {
        assert_eq!(scope(text).unwrap().schools, wanted, "{text}");
    }
    assert_eq!(scope("calendar_batch = 3").unwrap().calendar_batch, 3);
    for (text, part) in [
        ("schools = []", "names no school"),
        ("schools = [\"all\", 3]", "stands alone"),
        ("schools = [1.5, true]", "scope.schools"),
        ("schools = true", "must be \"all\", or a list"),
        ("calendar_batch = 0", "calendar_batch"),
        ("school = 1", "did you mean `schools`"),
    ] {
        let error = scope(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn plain_http_to_elsewhere_is_doubtful() {
    for (url, warnings) in [("http://localhost:8001", 0), ("http://api.example.org", 1)] {
        let text = SERVER
            .replace("https://api.example.org/v7/", url)
            .replace("secret_file = \"secret.txt\"", "secret_env = \"API_KEY\"");
        let found = Fixture::new(&text).load().unwrap().warnings;
        let found = found
            .iter()
            .filter(|w| w.what.contains("unencrypted"))
            .count();
        assert_eq!(found, warnings, "{url}");
    }
}

#[test]
fn fail_on_takes_four_shapes() {
    assert_eq!(FailOn::parse("any"), Some(FailOn::Any));
    assert_eq!(FailOn::parse(" 25 "), Some(FailOn::Count(25)));
    assert_eq!(FailOn::parse("5 %"), Some(FailOn::Share(0.05)));
    for text in ["101%", "-1", "5.5", "", "%"] {
        assert_eq!(FailOn::parse(text), None, "{text}");
    }
    assert!(FailOn::Count(2).exceeded(3, 0, 10) && !FailOn::Count(2).exceeded(2, 2, 10));
    assert!(FailOn::Share(0.2).exceeded(3, 0, 10) && !FailOn::Share(0.2).exceeded(2, 2, 10));
    assert!(FailOn::New.exceeded(1, 1, 1) && !FailOn::New.exceeded(9, 0, 9));
    assert!(!FailOn::Any.exceeded(0, 0, 0) && !FailOn::Share(0.0).exceeded(0, 0, 0));
}

#[test]
fn the_documentation_has_every_number() {
    let text = include_str!("../../../docs/configuration.md");
    for limit in limits::ALL {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", limit.key)))
            .unwrap_or_else(|| panic!("docs/configuration.md has no row for `{}`", limit.key));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let default = if limit.sandbox == limit.default {
            limit.default.to_string()
        } else {
            format!("{} (sandbox: {})", limit.default, limit.sandbox)
        };
        assert_eq!(cells[2], default, "{}", limit.key);
        assert_eq!(
            cells[3],
            format!("{} to {}", limit.min, limit.max),
            "{}",
            limit.key
        );
    }
}
