//! Parameters and environment in pipeline files, --set, new resources.

use super::choice::edit;
use crate::support::{District, Target};

#[test]
fn item_13_parameters_and_environment_fill_in_texts() {
    let (district, target) = (District::new(1), Target::new(&[]));
    edit(&district, "path = \"../sis\"", "path = \"../${folder}\"");
    edit(
        &district,
        "[load]",
        "[parameters]\nfolder = \"${FOLDER:-nowhere}\"\ntries = 2\n\n[load]",
    );
    edit(
        &district,
        "backoff_start_ms = 5",
        "backoff_start_ms = 5\nmax_attempts = \"${tries}\"",
    );
    let url = target.url();
    let ran = district.fullsync(&url, &["run", "mini"]).expect(2);
    assert!(
        ran.stderr.contains("no such file or folder: nowhere"),
        "{}",
        ran.stderr
    );
    let set = ["run", "mini", "--set", "folder=sis", "--set", "tries=4"];
    district.fullsync(&url, &set).expect(0);
    // What was set is kept with the run.
    let kept = district.latest().join("pipeline/effective.txt");
    let kept = std::fs::read_to_string(kept).unwrap();
    let line = |start: &str| kept.lines().find(|l| l.starts_with(start)).unwrap();
    assert!(
        line("parameters.folder").starts_with("parameters.folder = \"sis\""),
        "{kept}"
    );
    assert!(
        line("parameters.folder").ends_with("# --set folder"),
        "{kept}"
    );
    edit(&district, "${tries}", "${trys}");
    let ran = district.fullsync(&url, &["run", "mini"]).expect(2);
    assert!(ran.stderr.contains("`trys` is not set"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("did you mean `tries`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn item_13_set_changes_keys_for_once_and_knows_its_types() {
    let (district, target) = (District::new(1), Target::new(&[]));
    let url = target.url();
    let args = [
        "show",
        "mini",
        "--origin",
        "--set",
        "load.max_attempts=3",
        "--set",
    ];
    let shown = |last: &str| district.fullsync(&url, &[&args[..], &[last]].concat());
    let ran = shown("school_year=2027").expect(0);
    let line = |start: &str| ran.stdout.lines().find(|l| l.starts_with(start)).unwrap();
    assert!(line("load.max_attempts = 3 ").ends_with("# --set load.max_attempts"));
    assert!(line("school_year = 2027 ").ends_with("# --set school_year"));
    for (set, wanted) in [
        (
            "load.max_attempts=many",
            "--set load.max_attempts: `load.max_attempts` must be a whole",
        ),
        (
            "load.max_atempts=3",
            "unknown key `max_atempts` in [load]; did you mean `max_attempts`",
        ),
        (
            "resources.student.step=1",
            "has `resources.student`; did you mean `students`",
        ),
        ("loadd.x=1", "unknown key `loadd`; did you mean `load`"),
        ("connection.secret=abc", "looks like a secret"),
        ("connection.secret_env=abc", "looks like a secret"),
        ("x", "needs a key and a value"),
    ] {
        let ran = shown(set).expect(2);
        assert!(ran.stderr.contains(wanted), "{set}: {}", ran.stderr);
        assert!(!ran.stderr.contains("abc"), "{}", ran.stderr);
    }
    let off = [
        "run",
        "mini",
        "--set",
        "resources.students.enabled=false",
        "students",
    ];
    let ran = district.fullsync(&url, &off).expect(2);
    let wanted = "switched off in pipeline `mini` at --set resources.students.enabled";
    assert!(ran.stderr.contains(wanted), "{}", ran.stderr);
}

#[test]
fn item_13_new_writes_sql_and_stanza_that_pass_validate() {
    let district = District::new(1);
    let url = "http://127.0.0.1:9";
    edit(
        &district,
        "[resources.schools]",
        "[settings]\nx = 1\n\n[resources.schools]",
    );
    for name in [
        "cohorts",
        "sections",
        "studentEducationOrganizationAssociations",
        "grades",
    ] {
        let ran = district.fullsync(url, &["new", "mini", name]).expect(0);
        assert!(
            ran.stdout.contains(&format!("sql/edfi/{name}.sql")),
            "{}",
            ran.stdout
        );
        district
            .fullsync(url, &["validate", "mini", name])
            .expect(0);
    }
    let sql = std::fs::read_to_string(district.path("sql/edfi/cohorts.sql")).unwrap();
    assert!(
        sql.contains("-- cohortIdentifier: text, at most 36 characters; part of"),
        "{sql}"
    );
    assert!(
        sql.contains("--   cohortDescription: text, at most 1024 characters"),
        "{sql}"
    );
    // Nothing is written twice, and nothing that is there is lost.
    let ran = district
        .fullsync(url, &["new", "mini", "cohorts"])
        .expect(2);
    assert!(
        ran.stderr.contains("has a resource `cohorts`"),
        "{}",
        ran.stderr
    );
    district.write("sql/edfi/programs.sql", "-- mine");
    let ran = district
        .fullsync(url, &["new", "mini", "programs"])
        .expect(2);
    assert!(
        ran.stderr
            .contains("sql/edfi/programs.sql is there already"),
        "{}",
        ran.stderr
    );
    let ran = district.fullsync(url, &["new", "mini", "cohort"]).expect(2);
    assert!(
        ran.stderr.contains("did you mean `cohorts`"),
        "{}",
        ran.stderr
    );
}
