//! Item 1 (scope) and the seeds' E7, E15 to E21, E29, E30: which schools, persons, courses and
//! sections a run is about, and that nothing else leaves.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{District, Target, json as read};

/// A district of three schools and two school years, with persons in tables of their own.
const SIS: &str = r#"
[table.School]
about = "A school."
key = ["schoolID"]
columns = ["schoolID int", "number text", "name text"]

[table.Calendar]
about = "A calendar."
key = ["calendarID"]
columns = ["calendarID int", "schoolID int", "endYear int"]

[table.Person]
about = "A person."
key = ["personID"]
columns = ["personID int", "edFiID text", "name text"]

[table.Enrollment]
about = "An enrollment."
key = ["enrollmentID"]
columns = ["enrollmentID int", "personID int", "calendarID int", "startDate date"]

[table.RelatedPair]
about = "personID1 is the student, personID2 the contact."
key = ["personID1", "personID2"]
columns = ["personID1 int", "personID2 int"]

[table.Course]
about = "A course of a calendar."
key = ["courseID"]
columns = ["courseID int", "calendarID int", "number text", "name text"]

[table.Section]
about = "A section of a course."
key = ["sectionID"]
columns = ["sectionID int", "courseID int"]

[table.Roster]
about = "A student in a section."
key = ["rosterID"]
columns = ["rosterID int", "personID int", "sectionID int"]
"#;

const LEA: &str = "named_struct('educationOrganizationId', 255901001)";

fn sql(district: &District) {
    let grade = "'uri://ed-fi.org/GradeLevelDescriptor#Ninth grade'";
    let files = [
        (
            "schools",
            format!(
                "SELECT 255901000 + schoolID AS schoolId, name AS nameOfInstitution,
    make_array(named_struct('gradeLevelDescriptor', {grade})) AS gradeLevels,
    make_array(named_struct('educationOrganizationCategoryDescriptor',
        'uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School'))
        AS educationOrganizationCategories,
    'School' AS _source_table, schoolID AS _source_key, schoolID AS _school_id
FROM School"
            ),
        ),
        (
            "students",
            "SELECT p.edFiID AS studentUniqueId, p.name AS firstName, p.name AS lastSurname,
    DATE '2010-01-02' AS birthDate, 'Person' AS _source_table, p.personID AS _source_key,
    p.personID AS _person_id
FROM Person p JOIN (SELECT DISTINCT personID FROM Enrollment) e ON e.personID = p.personID"
                .to_owned(),
        ),
        (
            "studentSchoolAssociations",
            format!(
                "SELECT named_struct('studentUniqueId', p.edFiID) AS studentReference,
    named_struct('schoolId', 255901000 + c.schoolID) AS schoolReference,
    e.startDate AS entryDate, {grade} AS entryGradeLevelDescriptor,
    'Enrollment' AS _source_table, e.enrollmentID AS _source_key,
    c.schoolID AS _school_id, e.personID AS _person_id
FROM Enrollment e
LEFT JOIN Calendar c ON c.calendarID = e.calendarID
LEFT JOIN Person p ON p.personID = e.personID"
            ),
        ),
        (
            "contacts",
            "SELECT p.edFiID AS contactUniqueId, p.name AS firstName, p.name AS lastSurname,
    'Person' AS _source_table, p.personID AS _source_key, p.personID AS _person_id,
    r.students AS _person_ids
FROM (SELECT personID2, array_agg(personID1) AS students FROM RelatedPair GROUP BY personID2) r
JOIN Person p ON p.personID = r.personID2"
                .to_owned(),
        ),
        (
            "studentContactAssociations",
            "SELECT named_struct('contactUniqueId', c.edFiID) AS contactReference,
    named_struct('studentUniqueId', s.edFiID) AS studentReference,
    'RelatedPair' AS _source_table, concat(r.personID1, '/', r.personID2) AS _source_key,
    r.personID1 AS _person_id, r.personID2 AS _person_ids
FROM RelatedPair r
JOIN Person s ON s.personID = r.personID1
JOIN Person c ON c.personID = r.personID2"
                .to_owned(),
        ),
        (
            "courses",
            format!(
                "SELECT number AS courseCode,
    first_value(name ORDER BY courseID DESC) AS courseTitle,
    {LEA} AS educationOrganizationReference,
    make_array(named_struct(
        'courseIdentificationSystemDescriptor',
        'uri://ed-fi.org/CourseIdentificationSystemDescriptor#LEA course code',
        'identificationCode', number)) AS identificationCodes,
    1 AS numberOfParts, 'Course' AS _source_table, max(courseID) AS _source_key,
    max(courseID) AS _course_id, array_agg(courseID) AS _course_ids
FROM Course GROUP BY number"
            ),
        ),
        (
            "studentSectionAssociations",
            "SELECT DATE '2025-08-18' AS beginDate,
    named_struct('localCourseCode', c.number, 'schoolId', 255901000 + k.schoolID,
        'schoolYear', k.endYear, 'sectionIdentifier', cast(s.sectionID AS varchar),
        'sessionName', 'T1') AS sectionReference,
    named_struct('studentUniqueId', p.edFiID) AS studentReference,
    'Roster' AS _source_table, r.rosterID AS _source_key, k.schoolID AS _school_id,
    r.personID AS _person_id, s.courseID AS _course_id, r.sectionID AS _section_id
FROM Roster r
JOIN Section s ON s.sectionID = r.sectionID
JOIN Course c ON c.courseID = s.courseID
JOIN Calendar k ON k.calendarID = c.calendarID
JOIN Person p ON p.personID = r.personID"
                .to_owned(),
        ),
    ];
    for (name, text) in files {
        district.write(&format!("sql/edfi/{name}.sql"), &text);
    }
}

/// The district; `scope` is the text of [scope], `resources` those of the pipeline.
fn district(scope: &str, resources: &[&str]) -> District {
    let district = District::new(0);
    district.write("pipelines/sis.toml", SIS);
    sql(&district);
    for (table, text) in [
        (
            "School",
            "schoolID,number,name\n1,101,Washington High\n2,102,Washington Middle\n3,7,Lincoln\n",
        ),
        (
            // 12 is of the year before.
            "Calendar",
            "calendarID,schoolID,endYear\n11,1,2026\n12,1,2025\n21,2,2026\n31,3,2026\n",
        ),
        (
            // 10 and 20 are students of school 1, 20 of school 2 as well; 30 of school 3; 40 was
            // one of school 1 the year before. 50 and 60 are contacts.
            "Person",
            "personID,edFiID,name\n10,U10,A\n20,U20,B\n30,U30,C\n40,U40,D\n50,U50,E\n60,U60,F\n",
        ),
        (
            "Enrollment",
            "enrollmentID,personID,calendarID,startDate\n1,10,11,2025-08-18\n2,20,11,2025-08-18\n\
             3,20,21,2025-09-18\n4,30,31,2025-08-18\n5,40,12,2024-08-18\n",
        ),
        ("RelatedPair", "personID1,personID2\n10,50\n20,50\n30,60\n"),
        (
            // M1 is taught in schools 1 and 3; the greatest courseID names it for the district.
            "Course",
            "courseID,calendarID,number,name\n1,11,M1,Maths\n2,11,M2,More maths\n3,31,M1,Mathematics\n\
             4,12,OLD,Old\n",
        ),
        (
            "Section",
            "sectionID,courseID\n100,1\n101,1\n200,2\n300,3\n400,4\n",
        ),
        (
            "Roster",
            "rosterID,personID,sectionID\n1,10,100\n2,20,101\n3,10,200\n4,30,300\n5,40,400\n",
        ),
    ] {
        district.write(&format!("sis/{table}.csv"), text);
    }
    std::fs::remove_file(district.path("sis/Student.csv")).expect("it was there");
    pipeline(&district, scope, resources);
    district
}

fn pipeline(district: &District, scope: &str, resources: &[&str]) {
    district.pipeline("");
    let text = std::fs::read_to_string(district.path("pipelines/mini.toml")).unwrap();
    let (head, _) = text.split_once("[resources.schools]").unwrap();
    let mut text = head
        .replace("schools = \"all\"", scope)
        .replace("crosswalks = \"../crosswalk\"\n", "");
    for resource in resources {
        text.push_str(&format!("[resources.{resource}]\n"));
    }
    district.write("pipelines/mini.toml", &text);
}

const PEOPLE: [&str; 5] = [
    "schools",
    "students",
    "studentSchoolAssociations",
    "contacts",
    "studentContactAssociations",
];

/// What each record of a resource at the target says at this path.
fn at(target: &Target, resource: &str, path: &str) -> BTreeSet<String> {
    let bodies = target.bodies(resource);
    let values = bodies.iter().map(|body| {
        let value = body
            .pointer(path)
            .unwrap_or_else(|| panic!("{path} in {body:#}"));
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    });
    values.collect()
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|i| (*i).to_owned()).collect()
}

fn errors(district: &District) -> Value {
    read(&district.latest().join("errors.json"))
}

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
fn e17_all_schools_needs_consent() {
    let district = district("", &["schools"]);
    let target = Target::new(&[]);
    let all = ["run", "mini", "--all-schools"];
    let ran = district.fullsync(&target.url(), &all).expect(2);
    assert!(ran.stderr.contains("needs --yes"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("3 schools") && ran.stderr.contains("no earlier run"),
        "{}",
        ran.stderr
    );
    assert_eq!(target.count("schools"), 0);
    let yes = [all.as_slice(), &["--yes"]].concat();
    district.fullsync(&target.url(), &yes).expect(0);
    assert_eq!(target.count("schools"), 3);
    // Now there is a run to estimate by.
    let ran = district.fullsync(&target.url(), &all).expect(2);
    assert!(ran.stderr.contains("3 objects"), "{}", ran.stderr);
    // What sends nothing needs no consent; written into the file it is consent.
    district
        .fullsync(&target.url(), &["plan", "mini", "--all-schools"])
        .expect(0);
    pipeline(&district, "schools = \"all\"", &["schools"]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let clash = ["run", "mini", "--all-schools", "--school", "1"];
    district.fullsync(&target.url(), &clash).expect(2);
}

/// Key and content hash of every object of the newest run.
fn hashes(district: &District, resources: &[&str]) -> BTreeSet<(String, Vec<u8>)> {
    use arrow::array::AsArray as _;
    let mut found = BTreeSet::new();
    for resource in resources {
        let path = district
            .latest()
            .join(format!("objects/{resource}.parquet"));
        let file = std::fs::File::open(path).unwrap();
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let keys = batch
                .column_by_name("_key")
                .unwrap()
                .as_string::<i32>()
                .clone();
            let contents = batch
                .column_by_name("_content_hash")
                .unwrap()
                .as_fixed_size_binary();
            for (row, key) in keys.iter().enumerate() {
                let key = format!("{resource} {}", key.unwrap());
                assert!(found.insert((key, contents.value(row).to_vec())), "twice");
            }
        }
    }
    found
}

#[test]
fn e17_batches_of_calendars_make_the_same_objects() {
    let mut all = PEOPLE.to_vec();
    all.extend(["courses", "studentSectionAssociations"]);
    let district = district("schools = \"all\"", &all);
    // An enrollment whose calendar is missing belongs to no school: it is seen once all the same.
    let path = district.path("sis/Enrollment.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "9,30,999,2025-10-01\n").unwrap();
    district
        .fullsync("http://127.0.0.1:1", &["transform", "mini"])
        .expect(0);
    let whole = hashes(&district, &all);
    assert_eq!(district.tallies()["scope"]["batches"], 1);
    let batched = ["transform", "mini", "--calendar-batch", "1"];
    district.fullsync("http://127.0.0.1:1", &batched).expect(0);
    assert_eq!(district.tallies()["scope"]["batches"], 3);
    assert_eq!(hashes(&district, &all), whole);
    assert!(
        !district.latest().join("objects/parts").exists(),
        "the parts are gone"
    );
}

#[test]
fn e17_a_transform_that_stopped_carries_on_at_its_checkpoint() {
    let district = district(
        "schools = \"all\"\ncalendar_batch = 1",
        &["schools", "students", "studentSectionAssociations"],
    );
    let target = Target::new(&[]);
    let path = district.path("sql/edfi/studentSectionAssociations.sql");
    let good = std::fs::read_to_string(&path).unwrap();
    // Fails on the rows of school 3, the last batch.
    let bad = "cast(CASE WHEN k.schoolID = 3 THEN 'x' ELSE '1' END AS bigint) * r.rosterID AS _source_key";
    std::fs::write(&path, good.replace("r.rosterID AS _source_key", bad)).unwrap();
    district
        .fullsync(&target.url(), &["transform", "mini"])
        .expect(2);
    let manifest = read(&district.latest().join("manifest.json"));
    let parts = manifest["parts"].as_array().expect("checkpoints");
    // schools of three batches and rosters of two.
    assert_eq!(parts.len(), 5, "{parts:#?}");
    let made: Vec<_> = parts.iter().map(|p| p["made_from"].clone()).collect();
    let stamp = |batch: &str| {
        let file = format!("objects/parts/schools.{batch}.parquet");
        let meta = std::fs::metadata(district.latest().join(file)).unwrap();
        meta.modified().unwrap()
    };
    let before = stamp("00000");
    // The same again: what is there is used, and the same part fails.
    district
        .fullsync(&target.url(), &["transform", "mini", "--run", "latest"])
        .expect(2);
    assert_eq!(stamp("00000"), before, "the part was not made again");
    // Mended: parts of other SQL are not used.
    std::fs::write(&path, &good).unwrap();
    district
        .fullsync(&target.url(), &["transform", "mini", "--run", "latest"])
        .expect(0);
    let manifest = read(&district.latest().join("manifest.json"));
    assert!(manifest.get("parts").is_none(), "{made:?}");
    assert_eq!(
        district.count("studentSectionAssociations", "transformed"),
        4
    );
}

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
    let told = "no object in scope of 2 of the persons named (listed in errors.json)";
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
