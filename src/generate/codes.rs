//! The codes that the generated district uses, and what they mean: the crosswalks of a pipeline
//! must know all but those marked as unknown on purpose.
//!
//! Reads: nothing. Writes: nothing. Never: holds a descriptor; that mapping is the pipeline's.

/// One list of codes.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeList {
    /// Where the codes stand: `Table.column`.
    pub(super) column: &'static str,
    /// Code and meaning.
    pub(super) codes: &'static [(&'static str, &'static str)],
}

/// A grade that no crosswalk knows (planted).
pub(super) const UNKNOWN_GRADE: &str = "XX";
/// An assignment type that no crosswalk knows (planted).
pub(super) const UNKNOWN_ASSIGNMENT: &str = "Mascot";
/// A day event that is not mapped, in every generated district: such events are ignored.
pub(super) const UNMAPPED_EVENT: &str = "FT";

/// All lists, as the README of a generated folder shows them.
pub(super) const LISTS: &[CodeList] = &[
    CodeList {
        column: "Enrollment.grade, GradeLevel.stateGrade",
        codes: &[
            ("PK", "preschool (no enrollments)"),
            ("KG", "kindergarten"),
            (
                "01 to 12",
                "grades; some elementary enrollments have `1` for `01`",
            ),
            (UNKNOWN_GRADE, "unknown on purpose (planted)"),
        ],
    },
    CodeList {
        column: "Term.name",
        codes: &[
            ("T1 T2 T3", "trimesters (elementary)"),
            ("Q1 to Q4", "quarters (middle)"),
            ("S1 S2", "semesters (high)"),
        ],
    },
    CodeList {
        column: "Calendar.type",
        codes: &[
            ("(empty)", "elementary"),
            ("S", "school"),
            ("I", "instructional"),
        ],
    },
    CodeList {
        column: "DayEvent.type",
        codes: &[
            ("H", "holiday"),
            ("W", "weather day"),
            ("T", "teacher only day"),
            ("L", "student late arrival or early dismissal"),
            (UNMAPPED_EVENT, "field trip: not mapped, ignored"),
        ],
    },
    CodeList {
        column: "Enrollment.startStatus",
        codes: &[
            ("N", "new to education system"),
            ("Y", "next year school"),
            ("T", "transfer"),
            ("R", "re-entry"),
        ],
    },
    CodeList {
        column: "Enrollment.endStatus",
        codes: &[
            ("T", "transferred"),
            ("W", "withdrawn"),
            ("E", "end of school year"),
        ],
    },
    CodeList {
        column: "Enrollment.serviceType",
        codes: &[
            ("P", "primary"),
            ("S", "secondary"),
            ("N", "special services: out of scope"),
        ],
    },
    CodeList {
        column: "Employment.type",
        codes: &[
            ("T", "tenured or permanent"),
            ("P", "probationary"),
            ("C", "contractual"),
        ],
    },
    CodeList {
        column: "EmploymentAssignment.type",
        codes: &[
            ("Teacher", "teacher"),
            ("Principal", "principal"),
            ("Counselor", "counselor"),
            ("Instructional Aide", "instructional aide"),
            ("Librarian", "librarian or media specialist"),
            (UNKNOWN_ASSIGNMENT, "unknown on purpose (planted)"),
        ],
    },
    CodeList {
        column: "SectionStaffHistory.staffType",
        codes: &[("P", "primary teacher"), ("T", "another teacher")],
    },
    CodeList {
        column: "RelatedPair.name",
        codes: &[
            ("Mother", "guardian"),
            ("Father", "guardian"),
            ("Guardian", "guardian"),
            ("Grandmother", "no guardian: out of scope"),
            ("Sibling", "no guardian: out of scope"),
        ],
    },
    CodeList {
        column: "Identity.gender",
        codes: &[("F", "female"), ("M", "male"), ("X", "not selected")],
    },
    CodeList {
        column: "Identity.raceEthnicityFed, RaceEthnicity.code",
        codes: &[
            ("1", "Hispanic (no race)"),
            ("2", "American Indian or Alaska Native"),
            ("3", "Asian"),
            ("4", "Black or African American"),
            ("5", "Native Hawaiian or Pacific Islander"),
            ("6", "White"),
            ("7", "two or more: listed in IdentityRaceEthnicity"),
        ],
    },
    CodeList {
        column: "LEP.programStatus",
        codes: &[
            ("LEP", "limited"),
            ("Exited LEP", "monitored"),
            ("Not LEP", "not limited"),
        ],
    },
    CodeList {
        column: "Address.state",
        codes: &[("TX", "Texas")],
    },
];
