//! Item 1 (scope) and the seeds' E7, E15 to E21, E29, E30: which schools, persons, courses and
//! sections a run is about, and that nothing else leaves.

mod batches;
mod ids;
mod schools;

use std::collections::BTreeSet;

use serde_json::Value;

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
