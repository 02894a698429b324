//! Schools and the school year: nothing else leaves (E15, E16, E29).

use serde_json::{Value, json};

use super::{PEOPLE, at, district, pipeline, set};
use crate::support::{Target, json as read};

#[test]
fn item_1_without_schools_the_run_stops_and_lists_them() {
    let district = district("", &["schools"]);
    let target = Target::new(&[]);
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    for part in [
        "which schools?",
        "--school",
        "101",
        "Washington Middle",
        "Lincoln",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert_eq!(target.count("schools"), 0);
    pipeline(&district, "schools = [\"washington\", 9]", &["schools"]);
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    assert!(
        ran.stderr.contains("`washington` may mean several"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("`9`"),
        "all problems at once: {}",
        ran.stderr
    );
    pipeline(&district, "schools = [\"linc\"]", &["schools"]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(
        at(&target, "schools", "/nameOfInstitution"),
        set(&["Lincoln"])
    );
    // A flag goes before the file.
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "--school", "102", "--allow-partial"],
        )
        .expect(0);
    let both = set(&["Lincoln", "Washington Middle"]);
    assert_eq!(at(&target, "schools", "/nameOfInstitution"), both);
}

#[test]
fn e15_no_row_of_another_school_or_year_leaves() {
    let district = district("schools = \"all\"", &PEOPLE);
    let target = Target::new(&[]);
    let run = ["run", "mini", "--school", "1", "--allow-partial"];
    let ran = district.fullsync(&target.url(), &run).expect(0);
    assert_eq!(at(&target, "schools", "/schoolId"), set(&["255901001"]));
    assert_eq!(
        at(&target, "students", "/studentUniqueId"),
        set(&["U10", "U20"])
    );
    let schools = at(
        &target,
        "studentSchoolAssociations",
        "/schoolReference/schoolId",
    );
    assert_eq!(
        schools,
        set(&["255901001"]),
        "20's other school stays out, last year's 40 too"
    );
    // Not through dependencies either: the contact of school 3's student is not needed here.
    assert_eq!(at(&target, "contacts", "/contactUniqueId"), set(&["U50"]));
    assert!(ran.stdout.contains("scope: 1 school (1)"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("filter what schools (1) need: contacts"),
        "{}",
        ran.stdout
    );
    // The whole district has its own year only.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(
        at(&target, "students", "/studentUniqueId"),
        set(&["U10", "U20", "U30"])
    );
    assert_eq!(target.count("studentSchoolAssociations"), 4);
}

#[test]
fn e15_objects_out_of_scope_stop_the_run_before_anything_is_sent() {
    let district = district("schools = \"all\"", &PEOPLE);
    let target = Target::new(&[]);
    district
        .fullsync(&target.url(), &["transform", "mini"])
        .expect(0);
    // Objects that were made for more than the run is for: as a faulty program would.
    let manifest = district.latest().join("manifest.json");
    let mut value = read(&manifest);
    assert_eq!(value["scope"]["schools"], Value::Null);
    value["scope"]["schools"] = json!([2]);
    std::fs::write(&manifest, value.to_string()).unwrap();
    let ran = district
        .fullsync(&target.url(), &["load", "mini", "--allow-partial"])
        .expect(2);
    let (schools, enrollments) = ("schools: 2 objects", "studentSchoolAssociations: 3 objects");
    assert!(
        ran.stderr.contains(schools) && ran.stderr.contains(enrollments),
        "{}",
        ran.stderr
    );
    assert_eq!(target.count("schools") + target.count("students"), 0);
}

#[test]
fn e15_a_mapping_that_names_another_year_is_stopped() {
    let district = district("schools = \"all\"", &["studentSectionAssociations"]);
    let path = district.path("sql/edfi/studentSectionAssociations.sql");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("'schoolYear', k.endYear", "'schoolYear', 2024"),
    )
    .unwrap();
    let target = Target::new(&[]);
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    let wanted = "studentSectionAssociations: 4 objects of another school year than 2026";
    assert!(ran.stderr.contains(wanted), "{}", ran.stderr);
}

#[test]
fn e16_schools_are_one_or_many_by_id_number_or_part_of_the_name() {
    for (args, wanted) in [
        (vec!["--school", "1"], vec!["255901001"]),
        (vec!["--school", "7,102"], vec!["255901002", "255901003"]),
        (
            vec!["--school", "linc", "--school", "washington high"],
            vec!["255901001", "255901003"],
        ),
    ] {
        let district = district("", &["schools"]);
        let target = Target::new(&[]);
        let mut all = vec!["run", "mini", "--allow-partial"];
        all.extend(&args);
        district.fullsync(&target.url(), &all).expect(0);
        assert_eq!(
            at(&target, "schools", "/schoolId"),
            set(&wanted),
            "{args:?}"
        );
    }
}

#[test]
fn e29_schools_are_found_while_typing() {
    let district = district("", &["schools"]);
    let find = |text: &[&str], code| {
        let all = [&["schools", "mini"], text].concat();
        district
            .fullsync("http://127.0.0.1:1", &all)
            .expect(code)
            .stdout
    };
    assert_eq!(find(&[], 0).lines().count(), 4, "a head and three schools");
    let found = find(&["wash"], 0);
    assert!(
        found.contains("Washington High") && found.contains("102") && !found.contains("Lincoln")
    );
    assert!(find(&["jefferson"], 1).contains("no school"));
}
