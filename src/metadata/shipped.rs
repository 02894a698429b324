//! What the shipped metadata file must say; the expected facts stand here as literals.

use std::path::Path;

use super::*;

const TEXT: &str = include_str!("../../pipelines/metadata/edfi-ds5.json");

/// Resource, natural key (`name` or `name=path`), required fields.
const START_OF_YEAR: [(&str, &str, &str); 23] = [
    (
        "localEducationAgencies",
        "localEducationAgencyId",
        "categories localEducationAgencyCategoryDescriptor localEducationAgencyId nameOfInstitution",
    ),
    (
        "schools",
        "schoolId",
        "educationOrganizationCategories gradeLevels nameOfInstitution schoolId",
    ),
    (
        "gradingPeriods",
        "gradingPeriodDescriptor gradingPeriodName schoolId=schoolReference.schoolId \
         schoolYear=schoolYearTypeReference.schoolYear",
        "beginDate endDate gradingPeriodDescriptor gradingPeriodName schoolReference \
         schoolYearTypeReference totalInstructionalDays",
    ),
    (
        "calendars",
        "calendarCode schoolId=schoolReference.schoolId schoolYear=schoolYearTypeReference.schoolYear",
        "calendarCode calendarTypeDescriptor schoolReference schoolYearTypeReference",
    ),
    (
        "calendarDates",
        "calendarCode=calendarReference.calendarCode date schoolId=calendarReference.schoolId \
         schoolYear=calendarReference.schoolYear",
        "calendarEvents calendarReference date",
    ),
    (
        "classPeriods",
        "classPeriodName schoolId=schoolReference.schoolId",
        "classPeriodName schoolReference",
    ),
    (
        "bellSchedules",
        "bellScheduleName schoolId=schoolReference.schoolId",
        "bellScheduleName classPeriods schoolReference",
    ),
    (
        "locations",
        "classroomIdentificationCode schoolId=schoolReference.schoolId",
        "classroomIdentificationCode schoolReference",
    ),
    (
        "sessions",
        "schoolId=schoolReference.schoolId schoolYear=schoolYearTypeReference.schoolYear sessionName",
        "beginDate endDate schoolReference schoolYearTypeReference sessionName termDescriptor \
         totalInstructionalDays",
    ),
    (
        "courses",
        "courseCode educationOrganizationId=educationOrganizationReference.educationOrganizationId",
        "courseCode courseTitle educationOrganizationReference identificationCodes numberOfParts",
    ),
    (
        "courseOfferings",
        "localCourseCode schoolId=schoolReference.schoolId schoolYear=sessionReference.schoolYear \
         sessionName=sessionReference.sessionName",
        "courseReference localCourseCode schoolReference sessionReference",
    ),
    (
        "sections",
        "localCourseCode=courseOfferingReference.localCourseCode \
         schoolId=courseOfferingReference.schoolId schoolYear=courseOfferingReference.schoolYear \
         sectionIdentifier sessionName=courseOfferingReference.sessionName",
        "courseOfferingReference sectionIdentifier",
    ),
    (
        "staffs",
        "staffUniqueId",
        "firstName lastSurname staffUniqueId",
    ),
    (
        "staffEducationOrganizationEmploymentAssociations",
        "educationOrganizationId=educationOrganizationReference.educationOrganizationId \
         employmentStatusDescriptor hireDate staffUniqueId=staffReference.staffUniqueId",
        "educationOrganizationReference employmentStatusDescriptor hireDate staffReference",
    ),
    (
        "staffEducationOrganizationAssignmentAssociations",
        "beginDate educationOrganizationId=educationOrganizationReference.educationOrganizationId \
         staffClassificationDescriptor staffUniqueId=staffReference.staffUniqueId",
        "beginDate educationOrganizationReference staffClassificationDescriptor staffReference",
    ),
    (
        "staffSchoolAssociations",
        "programAssignmentDescriptor schoolId=schoolReference.schoolId \
         staffUniqueId=staffReference.staffUniqueId",
        "programAssignmentDescriptor schoolReference staffReference",
    ),
    (
        "staffSectionAssociations",
        "beginDate localCourseCode=sectionReference.localCourseCode \
         schoolId=sectionReference.schoolId schoolYear=sectionReference.schoolYear \
         sectionIdentifier=sectionReference.sectionIdentifier \
         sessionName=sectionReference.sessionName staffUniqueId=staffReference.staffUniqueId",
        "beginDate classroomPositionDescriptor sectionReference staffReference",
    ),
    (
        "students",
        "studentUniqueId",
        "birthDate firstName lastSurname studentUniqueId",
    ),
    (
        "studentEducationOrganizationAssociations",
        "educationOrganizationId=educationOrganizationReference.educationOrganizationId \
         studentUniqueId=studentReference.studentUniqueId",
        "educationOrganizationReference studentReference",
    ),
    (
        "studentSchoolAssociations",
        "entryDate schoolId=schoolReference.schoolId studentUniqueId=studentReference.studentUniqueId",
        "entryDate entryGradeLevelDescriptor schoolReference studentReference",
    ),
    (
        "contacts",
        "contactUniqueId",
        "contactUniqueId firstName lastSurname",
    ),
    (
        "studentContactAssociations",
        "contactUniqueId=contactReference.contactUniqueId \
         studentUniqueId=studentReference.studentUniqueId",
        "contactReference studentReference",
    ),
    (
        "studentSectionAssociations",
        "beginDate localCourseCode=sectionReference.localCourseCode \
         schoolId=sectionReference.schoolId schoolYear=sectionReference.schoolYear \
         sectionIdentifier=sectionReference.sectionIdentifier \
         sessionName=sectionReference.sessionName studentUniqueId=studentReference.studentUniqueId",
        "beginDate sectionReference studentReference",
    ),
];

/// Keys of resources that mix several references, and of those that nothing refers to.
const OTHER_KEYS: [(&str, &str); 5] = [
    (
        "courseTranscripts",
        "courseAttemptResultDescriptor courseCode=courseReference.courseCode \
         courseEducationOrganizationId=courseReference.educationOrganizationId \
         educationOrganizationId=studentAcademicRecordReference.educationOrganizationId \
         schoolYear=studentAcademicRecordReference.schoolYear \
         studentUniqueId=studentAcademicRecordReference.studentUniqueId \
         termDescriptor=studentAcademicRecordReference.termDescriptor",
    ),
    (
        "graduationPlans",
        "educationOrganizationId=educationOrganizationReference.educationOrganizationId \
         graduationPlanTypeDescriptor graduationSchoolYear=graduationSchoolYearTypeReference.schoolYear",
    ),
    (
        "studentProgramAssociations",
        "beginDate educationOrganizationId=educationOrganizationReference.educationOrganizationId \
         programEducationOrganizationId=programReference.educationOrganizationId \
         programName=programReference.programName \
         programTypeDescriptor=programReference.programTypeDescriptor \
         studentUniqueId=studentReference.studentUniqueId",
    ),
    (
        "disciplineActions",
        "disciplineActionIdentifier disciplineDate studentUniqueId=studentReference.studentUniqueId",
    ),
    (
        "studentSchoolAttendanceEvents",
        "attendanceEventCategoryDescriptor eventDate schoolId=schoolReference.schoolId \
         schoolYear=sessionReference.schoolYear sessionName=sessionReference.sessionName \
         studentUniqueId=studentReference.studentUniqueId",
    ),
];

fn key_of(standard: &Standard, name: &str) -> Vec<String> {
    let key = &standard.resource(name).unwrap().key;
    let text = |p: &KeyPart| match p.name == p.path {
        true => p.name.clone(),
        false => format!("{}={}", p.name, p.path),
    };
    key.iter().map(text).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Calls `see` for each field at every depth, with its place.
fn each_field(standard: &Standard, see: &mut dyn FnMut(&str, &Field)) {
    fn inner(
        place: &str,
        fields: &std::collections::BTreeMap<String, Field>,
        see: &mut dyn FnMut(&str, &Field),
    ) {
        for (name, field) in fields {
            let place = format!("{place}.{name}");
            see(&place, field);
            if let Some(members) = field.kind.members() {
                inner(&place, members, see);
            }
        }
    }
    for (name, resource) in &standard.resources {
        inner(name, &resource.fields, see);
    }
}

#[test]
fn it_is_the_written_form_of_what_it_parses_to() {
    let shipped = Standard::shipped();
    assert_eq!(shipped.name, "Ed-Fi 5.2.0");
    assert!(shipped.notice.contains("Ed-Fi Alliance") && shipped.notice.contains("Apache"));
    assert_eq!(shipped.resources.len(), 143);
    assert_eq!(shipped.to_json(), TEXT);
    assert!(TEXT.len() < 1 << 20);
}

#[test]
fn start_of_year_keys_and_required_fields() {
    let shipped = Standard::shipped();
    for (name, key, required) in START_OF_YEAR {
        assert_eq!(key_of(&shipped, name), words(key), "{name}");
        let resource = shipped.resource(name).unwrap();
        let found: Vec<&str> = resource
            .fields
            .iter()
            .filter(|(_, f)| f.required)
            .map(|(n, _)| n.as_str())
            .collect();
        assert_eq!(found, words(required), "{name}");
        assert_eq!(resource.path, format!("/ed-fi/{name}"));
    }
    for (name, key) in OTHER_KEYS {
        assert_eq!(key_of(&shipped, name), words(key), "{name}");
    }
    let updatable: Vec<&str> = shipped
        .resources
        .iter()
        .filter(|(_, r)| r.key_updatable)
        .map(|(n, _)| n.as_str())
        .collect();
    let wanted = "classPeriods grades locations sections sessions studentSchoolAssociations \
                  studentSectionAssociations";
    assert!(
        words(wanted).iter().all(|n| updatable.contains(n)),
        "{updatable:?}"
    );
    assert!(!updatable.contains(&"students"));
}

#[test]
fn lengths_and_types() {
    let shipped = Standard::shipped();
    let kind = |resource: &str, path: &str| {
        let field = shipped.resource(resource).unwrap().field(path);
        field
            .unwrap_or_else(|| panic!("{resource}.{path}"))
            .kind
            .clone()
    };
    for (resource, path, max) in [
        ("students", "firstName", 75),
        ("students", "studentUniqueId", 32),
        ("sections", "sectionIdentifier", 255),
        ("sections", "courseOfferingReference.localCourseCode", 60),
        ("courses", "courseCode", 60),
        ("schools", "nameOfInstitution", 75),
        ("schools", "addresses.city", 30),
        ("schools", "addresses.streetNumberName", 150),
        ("contacts", "electronicMails.electronicMailAddress", 128),
    ] {
        assert_eq!(
            kind(resource, path),
            Kind::String { max: Some(max) },
            "{path}"
        );
    }
    for (resource, path, name) in [
        (
            "studentSchoolAssociations",
            "entryGradeLevelDescriptor",
            "GradeLevelDescriptor",
        ),
        (
            "schools",
            "gradeLevels.gradeLevelDescriptor",
            "GradeLevelDescriptor",
        ),
        ("students", "birthCountryDescriptor", "CountryDescriptor"),
        ("students", "birthSexDescriptor", "SexDescriptor"),
        ("staffs", "races.raceDescriptor", "RaceDescriptor"),
        (
            "schools",
            "addresses.stateAbbreviationDescriptor",
            "StateAbbreviationDescriptor",
        ),
        (
            "sections",
            "availableCreditTypeDescriptor",
            "CreditTypeDescriptor",
        ),
    ] {
        let wanted = Kind::Descriptor {
            name: name.to_owned(),
        };
        assert_eq!(kind(resource, path), wanted, "{path}");
    }
    assert_eq!(kind("students", "birthDate"), Kind::Date);
    assert_eq!(kind("schools", "schoolId"), Kind::Int64);
    assert_eq!(kind("sessions", "totalInstructionalDays"), Kind::Int32);
    assert_eq!(kind("classPeriods", "meetingTimes.startTime"), Kind::Time);
    assert_eq!(kind("sections", "availableCredits"), Kind::Number);
    assert_eq!(kind("sections", "officialAttendancePeriod"), Kind::Boolean);
    for gone in ["id", "_etag", "_lastModifiedDate", "_ext"] {
        assert!(shipped.resource("schools").unwrap().field(gone).is_none());
    }
}

#[test]
fn references_name_their_targets_and_carry_their_keys() {
    let shipped = Standard::shipped();
    let targets = |resource: &str, path: &str| match &shipped
        .resource(resource)
        .unwrap()
        .field(path)
        .unwrap()
        .kind
    {
        Kind::Reference { targets, .. } => targets.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(targets("sections", "locationSchoolReference"), ["schools"]);
    assert_eq!(
        targets("bellSchedules", "classPeriods.classPeriodReference"),
        ["classPeriods"]
    );
    assert_eq!(
        targets("courses", "educationOrganizationReference"),
        [
            "communityOrganizations",
            "communityProviders",
            "educationOrganizationNetworks",
            "educationServiceCenters",
            "localEducationAgencies",
            "organizationDepartments",
            "postSecondaryInstitutions",
            "schools",
            "stateEducationAgencies",
        ]
    );
    each_field(&shipped, &mut |place, field| {
        let Kind::Reference { targets, fields } = &field.kind else {
            return;
        };
        assert!(!targets.is_empty(), "{place}");
        for target in targets {
            let key = &shipped.resource(target).unwrap().key;
            assert_eq!(key.len(), fields.len(), "{place}");
            if targets.len() == 1 {
                let names: Vec<&String> = key.iter().map(|p| &p.name).collect();
                assert_eq!(names, fields.keys().collect::<Vec<_>>(), "{place}");
            }
        }
        assert!(fields.values().all(|f| f.required), "{place}");
    });
}

#[test]
fn every_key_part_is_a_required_scalar_of_the_body() {
    let shipped = Standard::shipped();
    for (name, resource) in &shipped.resources {
        assert!(
            !resource.key.is_empty() && resource.key.is_sorted(),
            "{name}"
        );
        for part in &resource.key {
            let field = resource.field(&part.path).unwrap();
            let first = part.path.split('.').next().unwrap();
            assert!(
                field.required && resource.fields[first].required,
                "{name} {}",
                part.path
            );
            assert!(field.kind.members().is_none(), "{name} {}", part.path);
        }
    }
}

#[test]
fn order_and_retries() {
    let shipped = Standard::shipped();
    let before = shipped.prerequisites("courseOfferings");
    assert_eq!(before, ["courses", "schools", "sessions"]);
    assert!(shipped.dependents("courseOfferings").contains(&"sections"));
    let after = |name: &str| shipped.retries[name].clone();
    assert_eq!(after("students"), ["studentSchoolAssociations"]);
    assert_eq!(after("contacts"), ["studentContactAssociations"]);
    assert_eq!(
        after("staffs"),
        [
            "staffEducationOrganizationAssignmentAssociations",
            "staffEducationOrganizationEmploymentAssociations"
        ]
    );
    assert_eq!(shipped.retries.len(), 3);
    assert!(shipped.edges.is_sorted());
    let names: Vec<&str> = shipped.resources.keys().map(String::as_str).collect();
    let ordered = shipped.order(&names);
    let at = |name: &str| ordered.iter().position(|o| *o == name).unwrap();
    for (from, to) in &shipped.edges {
        assert!(at(from) < at(to), "{from} {to}");
    }
}

#[test]
fn descriptor_values() {
    let shipped = Standard::shipped();
    let values: usize = shipped
        .descriptors
        .values()
        .flat_map(|n| n.values())
        .map(Vec::len)
        .sum();
    assert_eq!(values, 3298);
    let known = |uri: &str| shipped.descriptor_exists("GradeLevelDescriptor", uri);
    assert_eq!(
        known("uri://ed-fi.org/GradeLevelDescriptor#First grade"),
        Known::Yes
    );
    assert_eq!(
        known("uri://ed-fi.org/GradeLevelDescriptor#FIRST GRADE"),
        Known::Yes
    );
    assert_eq!(
        known("uri://ed-fi.org/GradeLevelDescriptor#Zeroth grade"),
        Known::No
    );
    assert_eq!(
        known("uri://ed-fi.org/TermDescriptor#Fall Semester"),
        Known::No
    );
    assert_eq!(
        known("uri://state.gov/GradeLevelDescriptor#01"),
        Known::OtherNamespace
    );
    for text in [
        "",
        "01",
        "uri://ed-fi.org/GradeLevelDescriptor",
        "uri://x#",
        "http://x#y",
    ] {
        assert_eq!(known(text), Known::No, "{text}");
    }
    let other =
        shipped.descriptor_exists("NobodysDescriptor", "uri://ed-fi.org/NobodysDescriptor#x");
    assert_eq!(other, Known::OtherNamespace);
}

#[test]
fn look_ups_and_files() {
    let shipped = Standard::shipped();
    let (name, _) = shipped.resource_by_path("/ed-fi/students/").unwrap();
    assert_eq!(name, "students");
    assert!(shipped.resource_by_path("/tpdm/students").is_none());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.json");
    std::fs::write(&path, shipped.to_json()).unwrap();
    assert_eq!(Standard::load(&path).unwrap(), *shipped);
    std::fs::write(&path, "{}").unwrap();
    let error = Standard::load(&path).unwrap_err();
    assert!(
        error.to_string().contains("m.json: is no metadata file"),
        "{error}"
    );
    assert!(matches!(
        Standard::load(Path::new("/nowhere")),
        Err(MetadataError::Read { .. })
    ));
}
