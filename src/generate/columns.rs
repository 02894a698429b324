//! The tables and columns that the generator writes, and how each file spells them.
//!
//! Reads: nothing. Writes: nothing. Never: a column that `pipelines/sis.toml` does not declare.

/// One table's file.
#[derive(Debug)]
pub(super) struct Layout {
    /// Table name.
    pub(super) name: &'static str,
    /// Columns in file order.
    pub(super) columns: &'static [&'static str],
    /// How the file is written.
    pub(super) dialect: Dialect,
}

/// What differs from file to file, because it differs from export to export.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// Dates as `2025-08-18 00:00:00` instead of `2025-08-18`.
    pub(super) sql_dates: bool,
    /// Lines end in CR LF.
    pub(super) crlf: bool,
    /// The file starts with a byte order mark.
    pub(super) bom: bool,
    /// Column names in capitals.
    pub(super) upper: bool,
}

const ISO: Dialect = Dialect {
    sql_dates: false,
    crlf: false,
    bom: false,
    upper: false,
};
const SQL: Dialect = Dialect {
    sql_dates: true,
    ..ISO
};
const WINDOWS: Dialect = Dialect {
    crlf: true,
    bom: true,
    ..ISO
};
const CAPITALS: Dialect = Dialect { upper: true, ..ISO };

macro_rules! tables {
    ($($name:ident $dialect:ident: $($column:ident)+;)+) => {
        /// A table; its number is its place in [`ALL`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::upper_case_acronyms, reason = "tables are spelled as in the SIS")]
        pub(super) enum Id {
            $(#[allow(missing_docs)] $name,)+
        }

        /// All tables, by [`Id`].
        pub(super) static ALL: &[Layout] = &[
            $(Layout {
                name: stringify!($name),
                columns: &[$(stringify!($column)),+],
                dialect: $dialect,
            },)+
        ];
    };
}

tables! {
    District ISO: districtID name number districtGUID state type;
    School WINDOWS: schoolID districtID name number standardCode exclude type phone principalName
        principalEmail;
    SchoolYear ISO: endYear active startDate endDate;
    Calendar SQL: calendarID schoolID districtID endYear name startDate endDate exclude
        summerSchool type sequence;
    ScheduleStructure ISO: structureID calendarID name;
    GradeLevel ISO: calendarID structureID name stateGrade seq excludeEnrollment;
    TermSchedule ISO: termScheduleID structureID name primary;
    Term SQL: termID termScheduleID name seq startDate endDate isPrimary;
    PeriodSchedule ISO: periodScheduleID structureID name seq;
    Period ISO: periodID periodScheduleID name seq startTime endTime periodMinutes;
    Day ISO: dayID calendarID structureID periodScheduleID date instruction comments;
    DayEvent ISO: dayEventID dayID type duration;
    SchoolMonth ISO: schoolMonthID calendarID number name startDate endDate days;
    Department ISO: departmentID schoolID name;
    Course ISO: courseID calendarID departmentID number name homeroom active stateCode terms
        gpaWeight;
    Trial ISO: trialID calendarID structureID name active;
    Section ISO: sectionID courseID trialID roomID number teacherPersonID maxStudents;
    SectionPlacement ISO: sectionID trialID termID periodID;
    Room CAPITALS: roomID schoolID name capacity;
    Roster SQL: rosterID personID sectionID trialID startDate endDate modifiedDate;
    SectionStaffHistory SQL: sectionID trialID personID startDate endDate staffType;
    Person ISO: personID currentIdentityID stateID studentNumber staffNumber edFiID;
    Identity SQL: identityID personID effectiveDate lastName firstName middleName gender birthdate
        hispanicEthnicity raceEthnicityFed birthCity homePrimaryLanguage;
    IdentityRaceEthnicity ISO: identityID raceID;
    RaceEthnicity ISO: raceID name code;
    Enrollment SQL: enrollmentID personID calendarID structureID districtID endYear grade
        serviceType active noShow stateExclude startDate startStatus endDate endStatus;
    LEP ISO: lepID personID programStatus identifiedDate exitDate;
    Graduation ISO: graduationID personID schoolID diplomaDate diplomaType gradYear cohortYear;
    Test ISO: testID parentID code name;
    TestScore ISO: scoreID personID testID date scaleScore percentile performanceLevel testingGrade;
    Attendance SQL: attendanceID calendarID personID periodID excuseID date status excuse
        presentMinutes;
    AttendanceExcuse ISO: excuseID calendarID code description status excuse;
    BehaviorIncident ISO: incidentID calendarID timestamp status title location;
    BehaviorEvent ISO: eventID incidentID typeID;
    BehaviorType ISO: typeID code name stateEventCode;
    BehaviorRole ISO: roleID eventID personID role;
    Employment SQL: employmentID personID startDate endDate type districtStaff;
    EmploymentAssignment SQL: assignmentID personID schoolID districtID startDate endDate type
        title teacher;
    Contact ISO: personID email secondaryEmail homePhone workPhone cellPhone;
    RelatedPair ISO: personID1 personID2 name guardian seq startDate endDate mailing portal;
    Household ISO: householdID name phone;
    HouseholdMember ISO: memberID householdID personID secondary startDate endDate;
    HouseholdLocation ISO: householdID addressID mailing physical secondary startDate endDate;
    Address ISO: addressID number prefix street tag apt city state zip;
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::SisSchema;

    #[test]
    fn the_generator_writes_what_the_schema_declares() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sis.toml");
        let schema = SisSchema::load(Path::new(file)).unwrap();
        let names: Vec<&str> = schema.tables.iter().map(|t| t.name.as_str()).collect();
        let written: Vec<&str> = ALL.iter().map(|l| l.name).collect();
        // Of resources that the shipped pipeline has switched off.
        let left_out = ["TranscriptCourse", "TranscriptCredit"];
        assert!(left_out.iter().all(|name| names.contains(name)));
        assert_eq!(written.len() + left_out.len(), names.len());
        for layout in ALL {
            let table = schema.table(layout.name).expect(layout.name);
            let declared: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
            for column in layout.columns {
                assert!(declared.contains(column), "{}.{column}", layout.name);
            }
            for column in table.columns.iter().filter(|c| !c.optional) {
                let name = column.name.as_str();
                assert!(layout.columns.contains(&name), "{}.{name}", layout.name);
            }
        }
        assert_eq!(ALL[Id::Address as usize].name, "Address");
    }
}
