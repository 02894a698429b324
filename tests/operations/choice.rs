//! Which resources a run is about, the master switch, the configurations.

use super::super::support::{District, Target};

/// Replaces a text in the pipeline.
pub(super) fn edit(district: &District, from: &str, to: &str) {
    let file = district.path("pipelines/mini.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn e10_a_pipeline_that_is_switched_off_sends_nothing() {
    let (district, target) = (District::new(1), Target::new(&[]));
    edit(
        &district,
        "target = \"edfi\"",
        "target = \"edfi\"\nenabled = false",
    );
    for verb in ["run", "plan", "load", "count"] {
        let ran = district.fullsync(&target.url(), &[verb, "mini"]).expect(2);
        let wanted =
            "pipeline `mini` is switched off by `enabled = false` at pipelines/mini.toml:3";
        assert!(ran.stderr.contains(wanted), "{verb}: {}", ran.stderr);
    }
    assert!(
        !district.path("state/mini/runs").exists(),
        "nothing was read either"
    );
    assert_eq!(target.count("students"), 0);
    let ran = district
        .fullsync(&target.url(), &["resources", "mini"])
        .expect(0);
    assert!(
        ran.stdout.contains("switched off at"),
        "it can be looked at: {}",
        ran.stdout
    );
    let on = ["run", "mini", "--set", "enabled=true"];
    district.fullsync(&target.url(), &on).expect(0);
    assert_eq!(target.count("students"), 1);
}

#[test]
fn e11_configurations_are_listed_and_shown() {
    let district = District::new(1);
    district.write(
        "pipelines/other.toml",
        "extends = \"mini\"\nschool_year = 2027\n",
    );
    district.write(
        "pipelines/broken.toml",
        "extends = \"mini\"\nschol_year = 2027\n",
    );
    let ran = district.fullsync("http://127.0.0.1:9", &["list"]).expect(0);
    let line = |name: &str| ran.stdout.lines().find(|l| l.starts_with(name)).unwrap();
    let words: Vec<&str> = line("mini ").split_whitespace().take(6).collect();
    assert_eq!(
        words,
        ["mini", "on", "edfi", "2026", "core", "http://127.0.0.1:9"]
    );
    assert!(line("other ").contains(" 2027 "), "{}", ran.stdout);
    assert!(line("other ").ends_with("pipelines/other.toml < pipelines/mini.toml"));
    let broken = line("broken: 1 problems: pipelines/broken.toml:2:1: ");
    assert!(broken.contains("did you mean `school_year`"), "{broken}");
    let shown = district
        .fullsync("http://127.0.0.1:9", &["show", "other"])
        .expect(0)
        .stdout;
    assert!(shown.contains("school_year = 2027\n"), "{shown}");
    assert!(shown.contains("connection.key_env = \"KEY\"\n"), "{shown}");
}

/// A run's resources in the order of its report.
fn resources(district: &District) -> Vec<String> {
    let tallies = district.tallies();
    let all = tallies["resources"].as_array().unwrap().iter();
    all.map(|r| r["resource"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn e22_dependencies_are_added_with_their_reason() {
    let (district, target) = (District::new(1), Target::new(&[]));
    let plan = |more: &[&str]| {
        let args = [&["plan", "mini"], more].concat();
        district.fullsync(&target.url(), &args).expect(0).stdout
    };
    let only = plan(&["studentSchoolAssociations"]);
    assert!(!only.contains("added"), "{only}");
    assert_eq!(resources(&district), ["studentSchoolAssociations"]);
    let added = plan(&["studentSchoolAssociations", "--with-dependencies"]);
    for name in ["schools", "students"] {
        let wanted = format!("{name} (added: required by studentSchoolAssociations)\n");
        assert!(added.contains(&wanted), "{added}");
    }
    // Executed in the order of dependency, whatever the order of naming.
    let order = resources(&district);
    assert_eq!(order.last().unwrap(), "studentSchoolAssociations");
    assert_eq!(order.len(), 3);
    let after = plan(&["students", "--with-dependents"]);
    assert!(
        after.contains("studentSchoolAssociations (added: depends on students)\n"),
        "{after}"
    );
    assert_eq!(
        resources(&district),
        ["students", "studentSchoolAssociations"]
    );
    // Only those that are switched on, and not those that --except names.
    edit(
        &district,
        "sql = \"schools.sql\"",
        "sql = \"schools.sql\"\nenabled = false",
    );
    let args = [
        "studentSchoolAssociations",
        "--with-dependencies",
        "--except",
        "students",
    ];
    let told = plan(&args);
    assert!(
        told.contains("schools (not added, it is switched off: required by"),
        "{told}"
    );
    assert!(
        told.contains("students (not added, as --except says: required by"),
        "{told}"
    );
    assert_eq!(resources(&district), ["studentSchoolAssociations"]);
}

#[test]
fn e22_course_offerings_bring_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let state = format!("state_dir={}", folder.path().display());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fullsync"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["extract", "edfi", "courseOfferings", "--with-dependencies"])
        .args(["--set", &state]);
    let ran = super::super::support::Ran::from(command.output().unwrap()).expect(0);
    let added: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|l| l.contains("(added: "))
        .collect();
    assert!(
        added.contains(&"sessions (added: required by courseOfferings)"),
        "{added:?}"
    );
    assert!(
        added.contains(&"courses (added: required by courseOfferings)"),
        "{added:?}"
    );
    assert!(
        added.contains(&"gradingPeriods (added: required by sessions)"),
        "{added:?}"
    );
    assert!(!ran.stdout.contains("students"), "{}", ran.stdout);
}

#[test]
fn item_2_patterns_exceptions_and_steps() {
    let (district, target) = (District::new(1), Target::new(&[]));
    edit(
        &district,
        "sql = \"schools.sql\"",
        "sql = \"schools.sql\"\nstep = 1",
    );
    edit(
        &district,
        "sql = \"students.sql\"",
        "sql = \"students.sql\"\nstep = 3",
    );
    let plan = |more: &[&str]| {
        let args = [&["plan", "mini"], more].concat();
        district.fullsync(&target.url(), &args).expect(0);
        resources(&district)
    };
    assert_eq!(
        plan(&["schools", "--resources", "STUDENTS"]),
        ["schools", "students"]
    );
    assert_eq!(
        plan(&["--resources", "*s,schools", "--except", "*ations"]).len(),
        2
    );
    assert_eq!(
        plan(&["--except", "students,schools"]),
        ["studentSchoolAssociations"]
    );
    assert_eq!(plan(&["--step", "1"]), ["schools"]);
    assert_eq!(plan(&["--step", "1,3"]), ["schools", "students"]);
    let refused = |more: &[&str]| {
        let args = [&["plan", "mini"], more].concat();
        district.fullsync(&target.url(), &args).expect(2).stderr
    };
    let stderr = refused(&["studnets", "--except", "shools"]);
    assert!(
        stderr.contains("`studnets`; did you mean `students`"),
        "{stderr}"
    );
    assert!(
        stderr.contains("`shools`; did you mean `schools`"),
        "{stderr}"
    );
}

#[test]
fn e31_configuration_then_schools_then_resources_and_nothing_selected_is_an_error() {
    let (district, target) = (District::new(1), Target::new(&[]));
    let refused = |more: &[&str]| {
        let args = [&["run", "mini"], more].concat();
        district.fullsync(&target.url(), &args).expect(2).stderr
    };
    let stderr = refused(&["--except", "*"]);
    assert!(stderr.contains("no resource is selected"), "{stderr}");
    let stderr = refused(&["--step", "5"]);
    assert!(stderr.contains("no resource is selected"), "{stderr}");
    let stderr = refused(&["--resources", ""]);
    assert!(stderr.contains("no resource ``"), "{stderr}");
    // A mistake of the configuration comes before one of the resources.
    let stderr = refused(&["nothing", "--set", "load.concurrency_max=0"]);
    assert!(
        stderr.contains("concurrency_max") && !stderr.contains("`nothing`"),
        "{stderr}"
    );
    // Then the schools.
    let stderr = refused(&["nothing", "--school", "Nowhere"]);
    assert!(
        stderr.contains("Nowhere") && !stderr.contains("`nothing`"),
        "{stderr}"
    );
    let stderr = refused(&["nothing"]);
    assert!(stderr.contains("`nothing`"), "{stderr}");
    assert_eq!(target.count("schools"), 0);
}

#[test]
fn e28_resources_are_listed_by_category_and_by_dependency() {
    let district = District::new(1);
    edit(
        &district,
        "sql = \"schools.sql\"",
        "sql = \"schools.sql\"\nstep = 2\ncategory = \"B\"",
    );
    edit(
        &district,
        "sql = \"students.sql\"",
        "sql = \"students.sql\"\nstep = 1\ncategory = \"A\"",
    );
    edit(
        &district,
        "sql = \"enrollments.sql\"",
        "sql = \"enrollments.sql\"\nstep = 1\ncategory = \"B\"\nenabled = false\nmode = \"verify\"",
    );
    let list = |more: &[&str]| -> Vec<String> {
        let args = [&["resources", "mini"], more].concat();
        let ran = district.fullsync("http://127.0.0.1:9", &args).expect(0);
        let lines = ran.stdout.lines().skip(1);
        lines
            .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    let school = "2 B schools on post";
    let student = "1 A students on post";
    let enrollment = "1 B studentSchoolAssociations off verify schools, students";
    // Categories as they come in the file, prerequisites first within each.
    assert_eq!(list(&["--sort", "category"]), [school, enrollment, student]);
    assert_eq!(
        list(&["--sort", "dependency"]),
        [school, student, enrollment]
    );
    assert_eq!(list(&["--sort", "step"]), [student, enrollment, school]);
    // The order of categories and the order that holds unasked are the configuration's.
    edit(
        &district,
        "target = \"edfi\"",
        "target = \"edfi\"\ncategories = [\"A\", \"B\"]\nsort = \"category\"",
    );
    assert_eq!(list(&[]), [student, school, enrollment]);
}

#[test]
fn e32_the_recommended_order_is_run_step_by_step_and_a_layer_may_change_it() {
    let (district, target) = (District::new(1), Target::new(&[]));
    edit(
        &district,
        "sql = \"schools.sql\"",
        "sql = \"schools.sql\"\nstep = 1",
    );
    edit(
        &district,
        "sql = \"students.sql\"",
        "sql = \"students.sql\"\nstep = 3",
    );
    district.write(
        "pipelines/state.toml",
        "extends = \"mini\"\n[scope]\nschools = \"all\"\n[resources.students]\nstep = 1\n[resources.schools]\nstep = 2\n",
    );
    let run = |args: &[&str]| {
        let args = [&["run"], args].concat();
        district.fullsync(&target.url(), &args)
    };
    // The first load may be done step by step, in this order; any other part is refused.
    let refused = run(&["mini", "--step", "3"]).expect(2);
    let said = "steps before it were not loaded: schools";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    run(&["mini", "schools"]).expect(2);
    run(&["mini", "--step", "1"]).expect(0);
    assert_eq!((target.count("schools"), target.count("students")), (1, 0));
    run(&["state", "--step", "1"]).expect(0);
    assert_eq!((target.count("schools"), target.count("students")), (1, 1));
    run(&["mini", "students"]).expect(2);
    // The student is there by now, and may not be changed before it is enrolled.
    let third = run(&["mini", "--step", "3"]).expect(1);
    let said = "a step of the first full load";
    assert!(third.stdout.contains(said), "{}", third.stdout);
}
