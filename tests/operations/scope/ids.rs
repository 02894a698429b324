//! Persons, courses and sections (E7, E18 to E21, E30).

use serde_json::json;

use super::batches::hashes;
use super::{PEOPLE, at, district, errors, set};
use crate::support::Target;

#[test]
fn e18_one_person_with_everything_that_is_theirs() {
    let district = district("schools = \"all\"", &PEOPLE);
    let target = Target::new(&[]);
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "--person", "10", "--allow-partial"],
        )
        .expect(0);
    assert_eq!(at(&target, "students", "/studentUniqueId"), set(&["U10"]));
    assert_eq!(target.count("studentSchoolAssociations"), 1);
    // Prerequisites are not lost: the contact goes with the student, and only that one.
    assert_eq!(at(&target, "contacts", "/contactUniqueId"), set(&["U50"]));
    assert_eq!(target.count("studentContactAssociations"), 1);
    // "All" in the file is consent; of schools, those of the person go.
    assert_eq!(at(&target, "schools", "/schoolId"), set(&["255901001"]));
    // A contact comes with the associations to both students; these are at home in other scopes.
    let ran = district
        .fullsync(&target.url(), &["plan", "mini", "--person", "50"])
        .expect(0);
    assert_eq!(
        district.count("studentContactAssociations", "transformed"),
        2,
        "{}",
        ran.stdout
    );
    assert_eq!(district.count("students", "transformed"), 0);
    // Together with a school, both hold.
    let both = ["plan", "mini", "--person", "20", "--school", "2"];
    district.fullsync(&target.url(), &both).expect(0);
    assert_eq!(
        district.count("studentSchoolAssociations", "transformed"),
        1
    );
    assert_eq!(district.count("schools", "transformed"), 1);
}

#[test]
fn e7_e19_e30_courses_and_sections_are_a_union() {
    let resources = ["students", "courses", "studentSectionAssociations"];
    let district = district("schools = \"all\"", &resources);
    let made = |args: &[&str]| {
        let all = [&["transform", "mini"], args].concat();
        district.fullsync("http://127.0.0.1:1", &all).expect(0);
        resources.map(|r| district.count(r, "transformed"))
    };
    // Course 1 is M1, which the district names by course 3: it must not be missed for that.
    assert_eq!(
        made(&["--course", "1"]),
        [2, 1, 2],
        "students of school 1, M1, both sections"
    );
    assert_eq!(
        made(&["--section", "200"]),
        [2, 1, 1],
        "M2 is the section's course"
    );
    assert_eq!(
        made(&["--course", "2", "--section", "100"]),
        [2, 2, 2],
        "the union"
    );
    assert_eq!(made(&["--course", "3"]), [1, 1, 1]);
    assert_eq!(
        made(&["--course", "1", "--person", "10"]),
        [1, 1, 1],
        "and of this person"
    );
    let filters = district.tallies()["scope"]["filters"].clone();
    assert_eq!(
        filters["courses"],
        "what schools (1) need, courses (1) (not person-related)"
    );
    // The content of a district's course does not depend on the schools of the run.
    made(&["--school", "1"]);
    let one = hashes(&district, &["courses"]);
    made(&[]);
    assert!(hashes(&district, &["courses"]).is_superset(&one) && one.len() == 2);
}

#[test]
fn e20_lists_of_ids_take_any_separator_and_refuse_the_rest() {
    let district = district("schools = \"all\"", &["students"]);
    let target = Target::new(&[]);
    district.write("ids.txt", "10\r\n20,30\t10\r\n");
    for list in ["10 20,30", "10,,20\n30,", "@ids.txt"] {
        let ran = ["transform", "mini", "--person", list];
        district.fullsync(&target.url(), &ran).expect(0);
        assert_eq!(district.count("students", "transformed"), 3, "{list}");
    }
    let mut piped = district.start(&target.url(), &["transform", "mini", "--person", "-"]);
    // Its standard input is empty: that is not everyone.
    assert_eq!(piped.wait().expect("it ends").code(), Some(2));
    for (list, part) in [
        ("10;20", "`10;20` (id 1)"),
        ("10, x2 20", "`x2` (id 2)"),
        (" , ", "names nothing"),
        ("@no.txt", "no.txt"),
    ] {
        let ran = ["run", "mini", "--person", list];
        let ran = district.fullsync(&target.url(), &ran).expect(2);
        assert!(ran.stderr.contains(part), "{list}: {}", ran.stderr);
    }
    // Ids that match nothing are told, and are no failure.
    let ran = ["run", "mini", "--allow-partial", "--person", "10 999,40"];
    let ran = district.fullsync(&target.url(), &ran).expect(0);
    assert_eq!(target.count("students"), 1);
    assert_eq!(
        errors(&district)["unmatched"],
        json!([{"list": "persons", "ids": [40, 999]}])
    );
    let told = "no object in scope of 2 of the persons named";
    assert!(
        ran.stdout.contains(told) && !ran.stdout.contains("999"),
        "{}",
        ran.stdout
    );
}

#[test]
fn e21_what_is_not_about_persons_goes_for_the_schools() {
    let district = district("schools = \"all\"", &["schools", "students"]);
    let target = Target::new(&[]);
    let partial = "--allow-partial";
    let run = ["run", "mini", partial, "--person", "30", "--school", "1,3"];
    let ran = district.fullsync(&target.url(), &run).expect(0);
    assert_eq!(target.count("schools"), 2);
    assert_eq!(target.count("students"), 1);
    let filters = district.tallies()["scope"]["filters"].clone();
    assert_eq!(filters["schools"], "schools (2) (not person-related)");
    assert_eq!(filters["students"], "what schools (2) need, persons (1)");
    assert!(ran.stdout.contains("not person-related"), "{}", ran.stdout);
    let strict = [run.as_slice(), &["--strict-person-filter"]].concat();
    let ran = district.fullsync(&target.url(), &strict).expect(2);
    assert!(
        ran.stderr.contains("schools is not about persons"),
        "{}",
        ran.stderr
    );
    let named = [
        "run",
        "mini",
        "students",
        "--allow-partial",
        "--person",
        "30",
        "--strict-person-filter",
    ];
    district.fullsync(&target.url(), &named).expect(0);
}

#[test]
fn item_1_a_run_that_is_carried_on_keeps_its_scope() {
    let district = district("schools = \"all\"", &["schools", "students"]);
    let target = Target::new(&[]);
    district
        .fullsync(&target.url(), &["transform", "mini", "--school", "3"])
        .expect(0);
    district
        .fullsync(
            &target.url(),
            &["run", "mini", "--resume", "latest", "--allow-partial"],
        )
        .expect(0);
    assert_eq!(at(&target, "students", "/studentUniqueId"), set(&["U30"]));
    district
        .fullsync(&target.url(), &["transform", "mini", "--school", "3"])
        .expect(0);
    let other = [
        "run",
        "mini",
        "--allow-partial",
        "--resume",
        "latest",
        "--school",
        "1",
    ];
    district.fullsync(&target.url(), &other).expect(0);
    assert_eq!(target.count("students"), 3);
}
