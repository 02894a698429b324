//! The shipped base under a district of its own: the binary alone, consent, crosswalks of last year,
//! state profiles.

use std::path::Path;
use std::process::Command;

use super::super::support::Ran;

/// The binary in a folder that has nothing of the checkout.
fn alone(folder: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fullsync"));
    command.args(args).current_dir(folder).env_remove("TARGET");
    command.output().unwrap().into()
}

const ALONE: &str = r#"
extends = "edfi"
[scope]
schools = "all"
[source]
path = "SAMPLE"
"#;

fn lone_folder(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let text = ALONE.replace("SAMPLE", sample.to_str().unwrap()) + more;
    std::fs::create_dir(folder.path().join("pipelines")).unwrap();
    std::fs::write(folder.path().join("pipelines/district.toml"), text).unwrap();
    folder
}

#[test]
fn item_3_consent_to_all_schools_is_not_inherited() {
    let folder = lone_folder("");
    let file = folder.path().join("pipelines/district.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("schools = \"all\"", "")).unwrap();
    let run = ["run", "district", "schools", "--dry-run"];
    let refused = alone(folder.path(), &run).expect(2);
    assert!(
        refused.stderr.contains("which schools?"),
        "{}",
        refused.stderr
    );
    let shown = alone(folder.path(), &["show", "district"]).expect(0);
    assert!(!shown.stdout.contains("\"all\""), "{}", shown.stdout);
    let set = ["--set", "scope.schools=all"];
    let refused = alone(folder.path(), &[&run[..], &set].concat()).expect(2);
    assert!(
        refused.stderr.contains("--all-schools"),
        "{}",
        refused.stderr
    );
    // The base itself, named, is the sample's own.
    let listed = alone(folder.path(), &["show", "edfi"]);
    assert!(listed.expect(0).stdout.contains("schools = \"all\""));
}

#[test]
fn item_3_the_binary_alone_runs_a_district_that_extends_the_shipped_base() {
    let folder = lone_folder("");
    let ran = alone(
        folder.path(),
        &["run", "district", "schools", "locations", "--allow-partial"],
    )
    .expect(0);
    assert!(ran.stdout.contains("SANDBOX"), "{}", ran.stdout);
    let tallies = folder
        .path()
        .join("fullsync-data/district/runs/latest/tallies.json");
    assert!(tallies.is_file());
    // What was used lies in the run folder, the shipped files too.
    let kept = folder
        .path()
        .join("fullsync-data/district/runs/latest/pipeline");
    for file in [
        "pipelines/edfi.toml",
        "pipelines/district.toml",
        "sql/edfi/schools.sql",
    ] {
        assert!(kept.join(file).is_file(), "{file}");
    }
    // So the copy is a whole working folder.
    alone(&kept, &["validate", "district", "schools"]).expect(0);

    // A file of the same path in the working folder goes before the shipped one.
    let show = |args: &[&str]| alone(folder.path(), args).expect(0).stdout;
    let text = show(&["show", "district", "schools", "--origin"]);
    assert!(
        text.contains("# SQL file: shipped:sql/edfi/schools.sql"),
        "{text}"
    );
    assert!(text.contains("# shipped:pipelines/edfi.toml:"), "{text}");
    std::fs::create_dir_all(folder.path().join("sql/edfi")).unwrap();
    std::fs::write(folder.path().join("sql/edfi/schools.sql"), "SELECT 1 AS x").unwrap();
    let text = show(&["show", "district", "schools"]);
    assert!(text.contains("# SQL file: sql/edfi/schools.sql"), "{text}");
    let ran = alone(folder.path(), &["validate", "district", "schools"]).expect(2);
    assert!(
        ran.stderr.contains("sql/edfi/schools.sql:1:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn item_3_a_file_may_extend_the_shipped_one_of_its_own_name() {
    let folder = lone_folder("");
    let pipelines = folder.path().join("pipelines");
    std::fs::rename(pipelines.join("district.toml"), pipelines.join("edfi.toml")).unwrap();
    let ran = alone(folder.path(), &["show", "edfi"]).expect(0);
    let wanted = "# pipelines/edfi.toml < shipped:pipelines/edfi.toml";
    assert!(ran.stdout.starts_with(wanted), "{}", ran.stdout);
}

#[test]
fn item_3_crosswalks_are_imported_from_last_year() {
    let folder = lone_folder("crosswalks = \"../last\"\n[source]\n");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let text = |own: &str| {
        format!(
            "extends = \"edfi\"\ncrosswalks = \"../{own}\"\n[source]\npath = {:?}\n",
            sample.to_str().unwrap()
        )
    };
    write("pipelines/last.toml", &text("last"));
    write("pipelines/next.toml", &text("next"));
    let uri = |name: &str| format!("uri://ed-fi.org/{name}");
    write(
        "last/sex.csv",
        &format!(
            "code,descriptor\nW,{}\nX,{}\nF,{}\n",
            uri("SexDescriptor#Female"),
            uri("SexDescriptor#Male"),
            uri("SexDescriptor#Female"),
        ),
    );
    write(
        "last/calendar_type.csv",
        &format!(
            "code,descriptor\nZ,{}\n",
            uri("CalendarTypeDescriptor#School")
        ),
    );
    // The new year maps X already, by its own file.
    let own = format!("code,descriptor\nX,{}\n", uri("SexDescriptor#Non-binary"));
    write("next/sex.csv", &own);
    let args = ["crosswalk", "import", "--from", "last", "--to", "next"];
    let dry = alone(folder.path(), &[&args[..], &["--dry-run"]].concat()).expect(0);
    assert!(
        dry.stdout.contains("1 rows would be written"),
        "{}",
        dry.stdout
    );
    assert!(
        dry.stdout.contains("calendar_type: left out, calendars"),
        "{}",
        dry.stdout
    );
    let read = || std::fs::read_to_string(folder.path().join("next/sex.csv")).unwrap();
    assert_eq!(read(), own);
    alone(folder.path(), &args).expect(0);
    assert_eq!(read(), format!("{own}W,{}\n", uri("SexDescriptor#Female")));
    assert!(!folder.path().join("next/calendar_type.csv").exists());
    let again = alone(folder.path(), &args).expect(0);
    assert!(again.stdout.contains("0 rows written"), "{}", again.stdout);
}

#[test]
fn e27_a_state_profile_switches_features() {
    let folder = lone_folder("");
    let file = folder.path().join("pipelines/district.toml");
    let text_of = |file: &Path| std::fs::read_to_string(file).unwrap();
    std::fs::write(&file, text_of(&file).replace("\"edfi\"", "\"tn\"")).unwrap();
    let text = alone(folder.path(), &["show", "district", "--origin"])
        .expect(0)
        .stdout;
    let wanted = "# pipelines/district.toml < shipped:pipelines/profiles/tn.toml < \
                  shipped:pipelines/edfi.toml";
    assert!(text.starts_with(wanted), "{text}");
    let line = text.lines().find(|l| l.starts_with("profile")).unwrap();
    assert!(line.starts_with("profile = \"tn\""), "{line}");
    assert!(
        text.contains("resync.modes = [\"resync\", \"cleanup\"]"),
        "{text}"
    );
    // Category Sort is the profile's; core lists by step.
    let first = |name: &str| {
        let ran = alone(folder.path(), &["resources", name, "--json"]).expect(0);
        let all: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        all[0]["resource"].as_str().unwrap().to_owned()
    };
    assert_eq!(first("district"), "students");
    std::fs::write(&file, text_of(&file).replace("\"tn\"", "\"edfi\"")).unwrap();
    assert_eq!(first("district"), "localEducationAgencies");
}

#[test]
fn item_3_the_shipped_pipeline_can_be_looked_at_without_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    let listed = alone(folder.path(), &["list"]).expect(0);
    assert!(!listed.stdout.contains("problems"), "{}", listed.stdout);
    alone(folder.path(), &["show", "edfi", "students"]).expect(0);
    let resources = alone(folder.path(), &["resources", "edfi"]).expect(0);
    assert!(resources.stdout.contains("courseOfferings"));
    for args in [
        &["validate", "edfi"][..],
        &["run", "edfi", "schools"],
        &["schools", "edfi"],
    ] {
        let refused = alone(folder.path(), args).expect(2);
        let place = "shipped:pipelines/edfi.toml:";
        assert!(
            refused.stderr.contains(place) && refused.stderr.contains("the sample of the shipped"),
            "{}",
            refused.stderr
        );
    }
}
