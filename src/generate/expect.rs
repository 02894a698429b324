//! What a first load of the generated district has to report: the oracle.
//!
//! Reads: nothing. Writes: nothing; `expected.json` is made of it. Never: runs the pipeline. The
//! generator tells it each object as it makes the rows that the object comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::RowCounts;

/// What becomes of an object in a first load into an empty target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is sent and created.
    Sent,
    /// Equal to another object under the same key.
    Collapsed,
    /// Looked for at the target and found; never sent.
    Unchanged,
    /// Left out on purpose: itself or what it refers to.
    Skipped(&'static str),
    /// Held back for a fault of its own.
    Rejected(&'static str),
    /// Held back, because what it refers to is; the reason is the root's.
    Blocked(&'static str),
}

impl Fate {
    /// The fate of an object that has no fault of its own and refers to these.
    pub(super) fn of_child(parents: &[Self]) -> Self {
        let held = parents.iter().find_map(|p| match p {
            Self::Skipped(reason) => Some(Self::Skipped(reason)),
            Self::Rejected(reason) | Self::Blocked(reason) => Some(Self::Blocked(reason)),
            Self::Sent | Self::Collapsed | Self::Unchanged => None,
        });
        held.unwrap_or(Self::Sent)
    }
}

macro_rules! resources {
    ($($variant:ident $name:literal,)+) => {
        /// The start-of-year resources of Ed-Fi.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Resource {
            $(#[doc = $name] $variant,)+
        }

        const NAMES: &[&str] = &[$($name),+];
    };
}

resources! {
    LocalEducationAgency "localEducationAgencies",
    School "schools",
    GradingPeriod "gradingPeriods",
    Calendar "calendars",
    CalendarDate "calendarDates",
    ClassPeriod "classPeriods",
    BellSchedule "bellSchedules",
    Location "locations",
    Session "sessions",
    Course "courses",
    CourseOffering "courseOfferings",
    Section "sections",
    Staff "staffs",
    Employment "staffEducationOrganizationEmploymentAssociations",
    Assignment "staffEducationOrganizationAssignmentAssociations",
    StaffSchool "staffSchoolAssociations",
    StaffSection "staffSectionAssociations",
    Student "students",
    StudentEdOrg "studentEducationOrganizationAssociations",
    StudentSchool "studentSchoolAssociations",
    Contact "contacts",
    StudentContact "studentContactAssociations",
    StudentSection "studentSectionAssociations",
}

/// The tally of one resource. `transformed = collapsed + unchanged + rejected + skipped + blocked +
/// sent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectCounts {
    /// Objects that the SQL yields.
    pub transformed: u64,
    /// Equal to another one of the same key.
    pub collapsed: u64,
    /// Found at the target by a `verify` resource.
    pub unchanged: u64,
    /// Held back for a fault of their own, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Left out on purpose, by reason; children of skipped ones included.
    pub skipped: BTreeMap<String, u64>,
    /// Held back because of what they refer to, by the root's reason.
    pub blocked: BTreeMap<String, u64>,
    /// Sent, each creating a record.
    pub sent: u64,
}

impl ObjectCounts {
    /// The right side of the identity that `transformed` has to meet.
    pub fn accounted(&self) -> u64 {
        let held = [&self.rejected, &self.skipped, &self.blocked];
        let held: u64 = held.iter().flat_map(|m| m.values()).sum();
        self.collapsed + self.unchanged + held + self.sent
    }

    fn add(&mut self, fate: Fate, count: u64) {
        self.transformed += count;
        let (map, reason) = match fate {
            Fate::Sent => return self.sent += count,
            Fate::Collapsed => return self.collapsed += count,
            Fate::Unchanged => return self.unchanged += count,
            Fate::Skipped(reason) => (&mut self.skipped, reason),
            Fate::Rejected(reason) => (&mut self.rejected, reason),
            Fate::Blocked(reason) => (&mut self.blocked, reason),
        };
        *map.entry(reason.to_owned()).or_default() += count;
    }
}

/// Counts objects as the generator makes them.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Vec<ObjectCounts>,
    /// The planted rows, in the order they were made.
    pub(super) planted: Vec<Planted>,
}

/// One planted row or group of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// What happens to it: a reason code, `collapsed` or `decoy`.
    pub kind: String,
    /// The table that the row stands in.
    pub table: String,
    /// Line of the file that the row starts at, 1 = header.
    pub line: u64,
    /// What is planted and what follows from it.
    pub about: String,
}

/// What the status of a resync shows of one DIS object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncCounts {
    /// Records, errors included.
    pub processed: u64,
    /// Errors.
    pub errors: u64,
}

/// The whole of `expected.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The settings that the numbers hold for.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Rows by table.
    pub rows: BTreeMap<String, RowCounts>,
    /// Objects by Ed-Fi resource.
    pub edfi: BTreeMap<String, ObjectCounts>,
    /// What a first resync to a state shows, by DIS object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dis: BTreeMap<String, ResyncCounts>,
    /// What is planted where.
    pub planted: Vec<Planted>,
}

impl Tally {
    /// No objects yet.
    pub(super) fn new() -> Self {
        Self {
            counts: vec![ObjectCounts::default(); NAMES.len()],
            planted: Vec::new(),
        }
    }

    /// One object.
    pub(super) fn add(&mut self, resource: Resource, fate: Fate) {
        self.add_many(resource, fate, 1);
    }

    /// Several objects of one fate.
    pub(super) fn add_many(&mut self, resource: Resource, fate: Fate, count: u64) {
        if count > 0 {
            self.counts[resource as usize].add(fate, count);
        }
    }

    /// Notes a planted row.
    pub(super) fn plant(&mut self, kind: &str, table: &str, line: u64, about: &str) {
        self.planted.push(Planted {
            kind: kind.to_owned(),
            table: table.to_owned(),
            line,
            about: about.to_owned(),
        });
    }

    /// The finished expectation.
    pub(super) fn finish(self, rows: BTreeMap<String, RowCounts>, school_year: i32) -> Expected {
        let settings = [
            ("school_year", serde_json::Value::from(school_year)),
            ("student_unique_id", "edfi_id".into()),
            ("staff_unique_id", "edfi_id".into()),
        ];
        Expected {
            settings: settings.map(|(k, v)| (k.to_owned(), v)).into(),
            rows,
            edfi: NAMES
                .iter()
                .map(|n| (*n).to_owned())
                .zip(self.counts)
                .collect(),
            dis: BTreeMap::new(),
            planted: self.planted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_follows_what_it_refers_to() {
        let child = |parents: &[Fate]| Fate::of_child(parents);
        assert_eq!(child(&[Fate::Sent, Fate::Unchanged]), Fate::Sent);
        assert_eq!(
            child(&[Fate::Sent, Fate::Rejected("too_long")]),
            Fate::Blocked("too_long")
        );
        assert_eq!(
            child(&[Fate::Blocked("too_long")]),
            Fate::Blocked("too_long")
        );
        assert_eq!(
            child(&[Fate::Skipped("no_edfi_id")]),
            Fate::Skipped("no_edfi_id")
        );
    }

    #[test]
    fn every_fate_is_accounted_for() {
        let mut counts = ObjectCounts::default();
        for fate in [
            Fate::Sent,
            Fate::Collapsed,
            Fate::Unchanged,
            Fate::Skipped("a"),
            Fate::Rejected("a"),
            Fate::Blocked("a"),
        ] {
            counts.add(fate, 2);
        }
        assert_eq!((counts.transformed, counts.accounted()), (12, 12));
    }
}
