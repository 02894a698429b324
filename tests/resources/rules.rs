//! Rules of the mappings that the sample does not show: the sample with further rows.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::changed::{CALENDAR, Changed, SECTION, STUDENT};
use super::{Object, Objects, transformed};

/// One district with all the rows of this file, but those that would change what others are called.
fn district() -> &'static Objects {
    static DISTRICT: OnceLock<Objects> = OnceLock::new();
    DISTRICT.get_or_init(|| {
        let changed = Changed::sample();
        orphans(&changed);
        enrollments(&changed);
        people(&changed);
        schools(&changed);
        let resources = [
            "schools",
            "calendarDates",
            "locations",
            "courses",
            "staffEducationOrganizationAssignmentAssociations",
            "staffSectionAssociations",
            "studentEducationOrganizationAssociations",
            "studentSchoolAssociations",
            "contacts",
            "studentContactAssociations",
            "studentSectionAssociations",
        ];
        transformed(changed.folder.path(), &resources)
    })
}

/// The objects of a resource that come from a source row, by the first part of its key.
fn of_row(resource: &str, source_key: &str) -> Vec<&'static Object> {
    let all = district()[resource].iter();
    let mut found: Vec<_> = all
        .filter(|o| o.source.1.split('/').next() == Some(source_key))
        .collect();
    found.sort_by(|a, b| a.source.cmp(&b.source));
    found
}

fn body(object: &Object) -> Value {
    assert_eq!(object.held, None);
    serde_json::from_str(&object.body).unwrap()
}

/// Rows whose parent is missing.
fn orphans(changed: &Changed) {
    changed.roster("990001", "77", SECTION, "", "");
    let enrollment = [
        ("enrollmentID", "990002"),
        ("personID", STUDENT),
        ("calendarID", "4711"),
        ("grade", "3"),
        ("serviceType", "P"),
        ("startDate", "2025-08-18"),
    ];
    changed.add("Enrollment", &enrollment);
    changed.add(
        "Room",
        &[("roomID", "990003"), ("schoolID", "999"), ("name", "A")],
    );
    let day = [
        ("dayID", "990004"),
        ("calendarID", CALENDAR),
        ("structureID", "999"),
        ("date", "2025-08-18"),
        ("instruction", "1"),
    ];
    changed.add("Day", &day);
    let staff = [
        ("sectionID", "999999"),
        ("trialID", "1"),
        ("personID", "10000006"),
    ];
    changed.add("SectionStaffHistory", &staff);
    let assignment = [
        ("assignmentID", "990005"),
        ("personID", "10000006"),
        ("schoolID", "999"),
        ("startDate", "2025-08-11"),
        ("type", "Teacher"),
    ];
    changed.add("EmploymentAssignment", &assignment);
    let pair = [
        ("personID1", STUDENT),
        ("personID2", "88"),
        ("name", "Mother"),
        ("guardian", "1"),
        ("seq", "3"),
    ];
    changed.add("RelatedPair", &pair);
}

#[test]
fn a_row_whose_parent_is_missing_is_rejected_and_named() {
    let cases = [
        (
            "studentSectionAssociations",
            "990001",
            3,
            "Roster.personID=77",
        ),
        (
            "studentSchoolAssociations",
            "990002",
            1,
            "Enrollment.calendarID=4711",
        ),
        ("locations", "990003", 1, "Room.schoolID=999"),
        ("calendarDates", "990004", 1, "Day.structureID=999"),
        (
            "staffSectionAssociations",
            "999999",
            1,
            "SectionStaffHistory.sectionID=999999",
        ),
        (
            "staffEducationOrganizationAssignmentAssociations",
            "990005",
            1,
            "EmploymentAssignment.schoolID=999",
        ),
        ("contacts", "88", 1, "RelatedPair.personID2=88"),
    ];
    for (resource, key, count, detail) in cases {
        let found = of_row(resource, key);
        assert_eq!(found.len(), count, "{resource} {key}");
        for object in found {
            let held = ("rejected", "orphan_row", detail);
            let now = object
                .held
                .as_ref()
                .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()));
            assert_eq!(now, Some(held), "{resource} {key}");
        }
    }
    let pairs = of_row("studentContactAssociations", STUDENT);
    let orphan = pairs.iter().find(|o| o.source.1 == format!("{STUDENT}/88"));
    assert_eq!(orphan.unwrap().held.as_ref().unwrap().1, "orphan_row");
}

/// A student who left, came back, and had a third enrollment within the first one.
fn enrollments(changed: &Changed) {
    changed.person("9000010", "6");
    changed.enrollment("990010", "9000010", "2025-08-18", "2025-10-31");
    changed.enrollment("990011", "9000010", "2025-11-03", "");
    changed.enrollment("990012", "9000010", "2025-09-01", "2025-09-30");
    changed.roster("990010", "9000010", SECTION, "", "");
    changed.roster("990011", "9000010", SECTION, "2025-09-05", "2025-09-10");
    changed.roster("990012", "9000010", SECTION, "2025-11-01", "2025-11-02");
    changed.roster("990013", "9000010", SECTION, "2026-06-06", "");
}

#[test]
fn rosters_are_clipped_to_the_latest_enrollment_that_they_overlap() {
    let dates = |roster: &str| -> Vec<(Value, Value)> {
        let found = of_row("studentSectionAssociations", roster);
        let of = |o: &&Object| {
            let body = body(o);
            (body["beginDate"].clone(), body["endDate"].clone())
        };
        found.iter().map(of).collect()
    };
    let open = [
        (json!("2025-11-03"), json!("2025-11-21")),
        (json!("2025-11-24"), json!("2026-02-27")),
        (json!("2026-03-02"), json!("2026-06-05")),
    ];
    assert_eq!(dates("990010"), open);
    // Also within the enrollment that lies in the first one: no second object.
    assert_eq!(
        dates("990011"),
        [(json!("2025-09-05"), json!("2025-09-10"))]
    );
    assert_eq!(dates("990012"), [], "between two enrollments");
    assert_eq!(dates("990013"), [], "after the last term");
}

/// Races, households and English proficiency.
fn people(changed: &Changed) {
    changed.person("9000020", "7");
    changed.enrollment("990020", "9000020", "2025-08-18", "");
    let hispanic = [("raceID", "990021"), ("name", "Hispanic"), ("code", "1")];
    changed.add("RaceEthnicity", &hispanic);
    for race in ["990021", "2"] {
        changed.add(
            "IdentityRaceEthnicity",
            &[("identityID", "9000020"), ("raceID", race)],
        );
    }
    let lep = [
        ("1", "2025-09-01", "LEP"),
        ("2", "2025-10-01", "Not LEP"),
        ("3", "", "LEP"),
    ];
    for (id, since, status) in lep {
        let id = format!("99002{id}");
        let row = [
            ("lepID", id.as_str()),
            ("personID", "9000020"),
            ("programStatus", status),
            ("identifiedDate", since),
        ];
        changed.add("LEP", &row);
    }
    // Of these, only the last is primary, open and the latest.
    let memberships = [
        ("1", "1", "2025-09-01", ""),
        ("2", "0", "2025-09-01", "2025-12-01"),
        ("3", "0", "2023-08-01", ""),
        ("4", "0", "2024-08-01", ""),
    ];
    for (n, secondary, begin, end) in memberships {
        let id = format!("99002{n}");
        let member = [
            ("memberID", id.as_str()),
            ("householdID", id.as_str()),
            ("personID", "9000020"),
            ("secondary", secondary),
            ("startDate", begin),
            ("endDate", end),
        ];
        changed.add("HouseholdMember", &member);
        let at = [
            ("householdID", id.as_str()),
            ("addressID", id.as_str()),
            ("physical", "1"),
        ];
        changed.add("HouseholdLocation", &at);
        let address = [
            ("addressID", id.as_str()),
            ("number", n),
            ("street", "Rule"),
            ("tag", "Rd"),
            ("city", "Town"),
            ("state", "TX"),
            ("zip", "79900"),
        ];
        changed.add("Address", &address);
    }
}

#[test]
fn races_address_and_english_proficiency_follow_their_tie_breaks() {
    let found = of_row("studentEducationOrganizationAssociations", "9000020");
    let body = body(found[0]);
    let asian = json!([{ "raceDescriptor": "uri://ed-fi.org/RaceDescriptor#Asian" }]);
    assert_eq!(body["races"], asian);
    assert_eq!(body["hispanicLatinoEthnicity"], json!(true));
    assert_eq!(body["addresses"][0]["streetNumberName"], json!("4 Rule Rd"));
    assert_eq!(body["addresses"].as_array().unwrap().len(), 1);
    let english = "uri://ed-fi.org/LimitedEnglishProficiencyDescriptor#NotLimited";
    assert_eq!(body["limitedEnglishProficiencyDescriptor"], json!(english));
}

/// A school whose number is too long, and a course number that two calendars have.
fn schools(changed: &Changed) {
    changed.add(
        "School",
        &[
            ("schoolID", "990"),
            ("name", "Long Number"),
            ("number", "1234"),
        ],
    );
    let calendar = [
        ("calendarID", "990030"),
        ("schoolID", "990"),
        ("endYear", "2026"),
        ("name", "Long"),
    ];
    changed.add("Calendar", &calendar);
    let course = [
        ("courseID", "1"),
        ("calendarID", "1022"),
        ("number", "E-ART"),
        ("name", "Art of the middle school"),
        ("active", "1"),
    ];
    changed.add("Course", &course);
}

#[test]
fn a_school_with_a_number_of_four_digits_has_no_id() {
    let found = of_row("schools", "990");
    assert_eq!(found[0].held.as_ref().unwrap().1, "missing_required");
    assert!(!found[0].body.contains("schoolId"), "{}", found[0].body);
}

#[test]
fn courses_of_one_number_collapse_to_the_greatest_calendar() {
    let art = district()["courses"].iter();
    let art: Vec<Value> = art
        .filter(|o| o.key.starts_with("courseCode=E-ART&"))
        .map(body)
        .collect();
    assert_eq!(art.len(), 1);
    assert_eq!(art[0]["courseTitle"], json!("Art of the middle school"));
}

#[test]
fn a_second_structure_changes_the_code_of_the_first() {
    let changed = Changed::sample();
    let structure = [
        ("structureID", "990040"),
        ("calendarID", CALENDAR),
        ("name", "Extra"),
    ];
    changed.add("ScheduleStructure", &structure);
    let objects = transformed(changed.folder.path(), &["calendars", "classPeriods"]);
    let codes: Vec<&str> = objects["calendars"]
        .iter()
        .filter_map(|o| o.key.split('&').next()?.strip_prefix("calendarCode=1012"))
        .collect();
    assert_eq!(codes, ["-10121", "-990040"]);
    let renamed = objects["classPeriods"].iter();
    let renamed = renamed.filter(|o| o.key.contains("AM - Daily - "));
    assert!(
        renamed.count() > 0,
        "class periods carry the structure's name"
    );
}
