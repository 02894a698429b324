//! What the shipped metadata file must say; the expected facts stand here as literals.

mod keys;

use std::path::Path;

use crate::metadata::*;

const TEXT: &str = include_str!("../../../pipelines/metadata/edfi-ds5.json");

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
