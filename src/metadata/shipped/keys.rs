//! The natural keys and required fields that the shipped file must say.

use crate::metadata::{KeyPart, Standard};

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
