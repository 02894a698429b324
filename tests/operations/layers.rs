//! Layers: what a district changes stays in its own file, over a base that is upgraded.

use super::super::support::{District, Target};

/// A base as the program ships it, here in the working folder, so that a test can upgrade it.
fn base(district: &District, version: u32) {
    let (field, row) = match version {
        1 => ("", ""),
        _ => (
            "middleName,",
            "10,uri://ed-fi.org/GradeLevelDescriptor#Tenth grade\n",
        ),
    };
    district.write(
        "base/base.toml",
        r#"
target = "edfi"
school_year = 2026
sql_dir = "sql"
crosswalks = "crosswalk"
sis_schema = "../pipelines/sis.toml"
views = ["learner.sql"]

[scope]
schools = "all"

[source]
path = "../sis"

[connection]
url = "${TARGET}"
key_env = "KEY"
secret_env = "SECRET"

[settings]
greeting = "base"

[load]
concurrency_max = 9
backoff_start_ms = 5

[resources.schools]
category = "Schools"
step = 1

[resources.students]
category = "People"
step = 3

[resources.studentSchoolAssociations]
category = "People"
step = 3
"#,
    );
    let sql = |name: &str| std::fs::read_to_string(district.path(name)).unwrap();
    district.write("base/sql/edfi/schools.sql", &sql("sql/schools.sql"));
    let enrollments = sql("sql/enrollments.sql");
    district.write("base/sql/edfi/studentSchoolAssociations.sql", &enrollments);
    district.write("base/sql/learner.sql", "SELECT * FROM Student");
    district.write(
        "base/sql/edfi/students.sql",
        &format!(
            "SELECT s.uniqueID AS studentUniqueId, s.firstName, {} s.lastName AS lastSurname,
                s.birthDate, 'Student' AS _source_table,
                cast(s.studentID AS varchar) AS _source_key
            FROM learner s CROSS JOIN settings y",
            field.replace("middleName", "'Base' AS middleName")
        ),
    );
    district.write(
        "base/crosswalk/grade.csv",
        &format!("code,descriptor\n9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n{row}"),
    );
}

const DISTRICT: &str = r#"
extends = "../base/base.toml"
crosswalks = "../own"
state_dir = "../state"

[load]
concurrency_max = 3

[resources.students.columns]
lastSurname = "upper(base_value)"
generationCodeSuffix = "b.suffix"

[resources.students.joins]
suffix = "LEFT JOIN (SELECT 'Jr' AS suffix) b ON true"

[scope]
schools = "all"
"#;

fn layered() -> District {
    let district = District::new(2);
    base(&district, 1);
    district.write("pipelines/own.toml", DISTRICT);
    // A grade of the district's own, and one that it maps otherwise than the base.
    district.write(
        "own/grade.csv",
        "code,descriptor\n9th,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n",
    );
    let row = |i: usize, grade: &str| {
        format!("{i},U{i:06},First{i},Last{i},2010-01-02,255901001,2025-08-18,{grade}")
    };
    district.students([row(1, "9th"), row(2, "9"), row(3, "10")].into_iter());
    district
}

#[test]
fn item_3_an_upgrade_touches_no_district_file() {
    let (district, target) = (layered(), Target::new(&[]));
    let before = std::fs::read(district.path("pipelines/own.toml")).unwrap();
    // Grade 10 is mapped by nobody yet.
    let ran = district.fullsync(&target.url(), &["run", "own"]).expect(1);
    assert!(ran.stdout.contains("unmapped_code"), "{}", ran.stdout);
    assert_eq!(target.count("studentSchoolAssociations"), 2);
    let student = |target: &Target, id: &str| {
        let all = target.bodies("students");
        all.into_iter()
            .find(|s| s["studentUniqueId"] == id)
            .unwrap()
    };
    let first = student(&target, "U000001");
    assert_eq!(first["lastSurname"], "LAST1", "{first:#}");
    assert_eq!(first["generationCodeSuffix"], "Jr", "{first:#}");
    assert!(first.get("middleName").is_none(), "{first:#}");

    base(&district, 2);
    district.fullsync(&target.url(), &["run", "own"]).expect(0);
    let after = student(&target, "U000001");
    assert_eq!(after["middleName"], "Base", "the upgrade: {after:#}");
    assert_eq!(after["lastSurname"], "LAST1", "the district: {after:#}");
    assert_eq!(after["generationCodeSuffix"], "Jr", "{after:#}");
    assert_eq!(target.count("studentSchoolAssociations"), 3);
    assert_eq!(
        std::fs::read(district.path("pipelines/own.toml")).unwrap(),
        before
    );
}

#[test]
fn item_3_show_tells_the_layer_of_each_value() {
    let district = layered();
    let ran = district
        .fullsync("http://127.0.0.1:9", &["show", "own", "--origin"])
        .expect(0);
    let line = |text: &str, start: &str| {
        let found = text.lines().find(|l| l.starts_with(start));
        found
            .unwrap_or_else(|| panic!("no {start} in\n{text}"))
            .to_owned()
    };
    let line_of = |file: &str, text: &str| {
        let all = std::fs::read_to_string(district.path(file)).unwrap();
        all.lines().position(|l| l.starts_with(text)).unwrap() + 1
    };
    let own = line(&ran.stdout, "load.concurrency_max");
    let wanted = line_of("pipelines/own.toml", "concurrency_max");
    assert!(own.starts_with("load.concurrency_max = 3 "), "{own}");
    assert!(
        own.ends_with(&format!("# pipelines/own.toml:{wanted}")),
        "{own}"
    );
    let below = line(&ran.stdout, "load.backoff_start_ms");
    let wanted = line_of("base/base.toml", "backoff_start_ms");
    assert!(
        below.ends_with(&format!("# base/base.toml:{wanted}")),
        "{below}"
    );
    let default = line(&ran.stdout, "load.max_attempts");
    assert!(default.starts_with("load.max_attempts = 6 ") && default.ends_with("# default"));
    // A secret's place is shown, what the environment holds is not.
    assert!(line(&ran.stdout, "connection.url").contains("${TARGET}"));

    let args = [
        "show",
        "own",
        "students",
        "--origin",
        "--set",
        "load.concurrency_max=8",
    ];
    let ran = district.fullsync("http://127.0.0.1:9", &args).expect(0);
    let suffix = line(&ran.stdout, "columns.generationCodeSuffix");
    assert!(suffix.contains("# pipelines/own.toml:"), "{suffix}");
    assert!(line(&ran.stdout, "category").contains("# base/base.toml:"));
    let args = ["show", "own", "studentSchoolAssociations"];
    let ran = district.fullsync("http://127.0.0.1:9", &args).expect(0);
    assert_eq!(
        line(&ran.stdout, "# xwalk_grade"),
        "# xwalk_grade: base/crosswalk/grade.csv, under own/grade.csv"
    );
}

#[test]
fn item_3_mistakes_have_their_place_in_their_layer() {
    let district = layered();
    let told = |text: &str| {
        district.write("pipelines/own.toml", text);
        district
            .fullsync("http://127.0.0.1:9", &["validate", "own"])
            .expect(2)
            .stderr
    };
    let stderr = told("extends = \"bse\"\n");
    assert!(
        stderr.contains("pipelines/own.toml:1:11: there is no pipeline `bse`"),
        "{stderr}"
    );
    district.write("pipelines/a.toml", "extends = \"b\"\n");
    district.write("pipelines/b.toml", "\nextends = \"a\"\n");
    let stderr = told("extends = \"a\"\n");
    let circle = "goes round in a circle: pipelines/a.toml -> pipelines/b.toml -> pipelines/a.toml";
    assert!(
        stderr.contains("pipelines/b.toml:2:11: ") && stderr.contains(circle),
        "{stderr}"
    );
    // An unknown key of the base, a wrong value of the district, both at once.
    let base = std::fs::read_to_string(district.path("base/base.toml")).unwrap();
    district.write("base/base.toml", &base.replace("greeting", "\"a b\""));
    let stderr = told(&DISTRICT.replace("concurrency_max = 3", "concurrency_max = 0"));
    let line = base
        .lines()
        .position(|l| l.starts_with("greeting"))
        .unwrap()
        + 1;
    let place = format!("base/base.toml:{line}:1: ");
    assert!(stderr.contains(&place), "{stderr}");
    assert!(stderr.contains("pipelines/own.toml:7:19: "), "{stderr}");
    // SQL of the district, at its place in the district's file.
    district.write("base/base.toml", &base);
    let stderr = told(&DISTRICT.replace("b.suffix", "b.sufix"));
    assert!(
        stderr
            .contains("pipelines/own.toml:11:25: no column `sufix` in `b`; did you mean `suffix`"),
        "{stderr}"
    );
    let stderr = told(&DISTRICT.replace("generationCodeSuffix", "generationCode"));
    assert!(stderr.contains("pipelines/own.toml:11:"), "{stderr}");
    assert!(
        stderr.contains("students has no field `generationCode`"),
        "{stderr}"
    );
}

#[test]
fn item_3_extensions_and_views_are_changed_by_a_layer() {
    let district = layered();
    let more = r#"
[resources.students.columns._ext.tn]
homeroom = "s.room"
"#;
    let views = "views = [\"first.sql\", \"own/learner.sql\"]\nsql_dir = \"../own\"\n";
    let text = DISTRICT.replace("state_dir", &format!("{views}state_dir")) + more;
    district.write("pipelines/own.toml", &text);
    // A new view, and one in the place of the base's that uses it.
    district.write(
        "own/first.sql",
        "SELECT *, concat('R', studentID) AS room FROM Student",
    );
    district.write("own/own/learner.sql", "SELECT * FROM first");
    let target = Target::new(&[]);
    district
        .fullsync(&target.url(), &["transform", "own", "students"])
        .expect(0);
    let ran = district
        .fullsync("http://127.0.0.1:9", &["show", "own", "--origin"])
        .expect(0);
    let views: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|l| l.starts_with("views["))
        .collect();
    assert_eq!(views.len(), 2, "{views:?}");
    assert!(
        views[0].starts_with("views[0] = \"first.sql\""),
        "{views:?}"
    );
    assert!(
        views[1].starts_with("views[1] = \"own/learner.sql\""),
        "{views:?}"
    );
    let found = district.fullsync(
        "http://127.0.0.1:9",
        &["explain", "own", "students", "U000001", "--run", "latest"],
    );
    assert!(
        found.stdout.contains("\"homeroom\":\"R1\""),
        "{}{}",
        found.stdout,
        found.stderr
    );
}
