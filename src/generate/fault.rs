//! What is wrong on purpose: students with one fault each, and rows that cannot be read.
//!
//! Reads: nothing. Writes: the unreadable rows. Never: a row that anything else needs; what
//! follows from a fault is stated here and nowhere else.

use super::Maker;
use super::columns::Id;
use super::expect::Fate;
use super::school::{calendar_id, school_id, structure_id};

/// A fault of a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Person.edFiID is empty.
    NoEdFiId,
    /// Identity.birthdate is empty.
    NoBirthdate,
    /// The last name has more than 75 characters.
    LongName,
    /// Another student has the same Person.edFiID.
    SharedId,
    /// The only enrollment is a no-show.
    NoShow,
    /// The only enrollment is excluded from state reporting.
    StateExcluded,
    /// The enrollment's grade has no mapping.
    UnknownGrade,
    /// Two or more races, and none listed.
    RaceWithoutDetail,
    /// A roster of a section that does not exist.
    OrphanRoster,
}

/// The planted students: fault and school within the first cluster.
pub(super) const STUDENTS: [(Fault, usize); 17] = [
    (Fault::NoEdFiId, 0),
    (Fault::NoEdFiId, 2),
    (Fault::NoBirthdate, 0),
    (Fault::NoBirthdate, 1),
    (Fault::LongName, 1),
    (Fault::SharedId, 0),
    (Fault::SharedId, 1),
    (Fault::NoShow, 0),
    (Fault::NoShow, 2),
    (Fault::StateExcluded, 1),
    (Fault::StateExcluded, 2),
    (Fault::UnknownGrade, 0),
    (Fault::UnknownGrade, 2),
    (Fault::RaceWithoutDetail, 1),
    (Fault::RaceWithoutDetail, 2),
    (Fault::OrphanRoster, 0),
    (Fault::OrphanRoster, 2),
];

impl Fault {
    /// What becomes of the `students` object.
    pub(super) fn student(self) -> Fate {
        match self {
            Self::NoEdFiId => Fate::Skipped("no_edfi_id"),
            Self::NoBirthdate => Fate::Rejected("missing_required"),
            Self::LongName => Fate::Rejected("too_long"),
            Self::SharedId => Fate::Rejected("duplicate_key"),
            _ => Fate::Sent,
        }
    }

    /// What becomes of the education organization association, where that has a fault of its own.
    pub(super) fn student_ed_org(self) -> Option<Fate> {
        match self {
            // Both students have one under the same key as well.
            Self::SharedId => Some(Fate::Rejected("duplicate_key")),
            Self::RaceWithoutDetail => Some(Fate::Rejected("unmapped_code")),
            _ => None,
        }
    }

    /// What becomes of the school association, where that has a fault of its own.
    pub(super) fn enrollment(self) -> Option<Fate> {
        match self {
            Self::NoShow => Some(Fate::Skipped("no_show")),
            Self::StateExcluded => Some(Fate::Skipped("state_exclude")),
            Self::UnknownGrade => Some(Fate::Rejected("unmapped_code")),
            _ => None,
        }
    }

    /// Notes a fault of the person's own rows, before they are written.
    pub(super) fn note_person(self, maker: &mut Maker) {
        let (kind, table, about) = match self {
            Self::NoEdFiId => (
                "no_edfi_id",
                Id::Person,
                "student without an Ed-Fi id: skipped with everything that refers to the person",
            ),
            Self::NoBirthdate => (
                "missing_required",
                Id::Identity,
                "student without a birth date: what refers to the person is blocked",
            ),
            Self::LongName => (
                "too_long",
                Id::Identity,
                "last name of more than 75 characters: what refers to the person is blocked",
            ),
            Self::SharedId => (
                "duplicate_key",
                Id::Person,
                "two students with one Ed-Fi id: both are rejected, what refers to them is blocked",
            ),
            Self::RaceWithoutDetail => (
                "unmapped_code",
                Id::Identity,
                "race 7 (two or more) and no races listed",
            ),
            _ => return,
        };
        note(maker, kind, table, about);
    }

    /// Notes a fault of the enrollment, before it is written.
    pub(super) fn note_enrollment(self, maker: &mut Maker) {
        let (kind, about) = match self {
            Self::NoShow => (
                "no_show",
                "no-show, the student's only enrollment: no student comes of it",
            ),
            Self::StateExcluded => (
                "state_exclude",
                "excluded from the state, the student's only enrollment: no student comes of it",
            ),
            Self::UnknownGrade => ("unmapped_code", "grade without a mapping"),
            _ => return,
        };
        let line = maker.tables.line(Id::Enrollment);
        maker.tally.plant(kind, "Enrollment", line, about);
    }
}

/// Writes the rows that cannot be read. Nothing refers to them; `nobody` is a person who is
/// enrolled nowhere this year.
pub(super) fn unreadable_rows(maker: &mut Maker, nobody: i64) {
    wrong_count_and_keys(maker, nobody);
    wrong_values(maker, nobody);
}

fn note(maker: &mut Maker, reason: &str, table: Id, about: &str) {
    let line = maker.tables.line(table);
    maker.tally.plant(
        reason,
        super::columns::ALL[table as usize].name,
        line,
        about,
    );
}

fn wrong_count_and_keys(maker: &mut Maker, nobody: i64) {
    note(
        maker,
        "wrong_column_count",
        Id::Room,
        "row with three of four columns",
    );
    let room = maker.ids.room();
    let row = maker.tables.row(Id::Room).int(room).int(school_id(0));
    row.text("Annex").end_unreadable("wrong_column_count");

    note(
        maker,
        "duplicate_key",
        Id::Person,
        "the personID of an earlier row",
    );
    let row = maker
        .tables
        .row(Id::Person)
        .int(nobody)
        .int(1)
        .null()
        .null();
    row.null().text("999999998").end_unreadable("duplicate_key");

    note(maker, "empty_key", Id::Contact, "no personID");
    let row = maker
        .tables
        .row(Id::Contact)
        .null()
        .text("nobody@example.org")
        .null();
    row.null().null().null().end_unreadable("empty_key");
}

fn wrong_values(maker: &mut Maker, nobody: i64) {
    let calendar = calendar_id(0, 2);
    note(maker, "bad_date", Id::Enrollment, "start date 2025-02-30");
    let id = maker.ids.enrollment();
    let end_year = i64::from(maker.year.end_year);
    let row = maker
        .tables
        .row(Id::Enrollment)
        .int(id)
        .int(nobody)
        .int(calendar);
    let row = row
        .int(structure_id(calendar, 1))
        .int(1)
        .int(end_year)
        .text("03")
        .text("P");
    let row = row
        .bit(true)
        .null()
        .null()
        .text("2025-02-30 00:00:00")
        .text("N");
    row.null().null().end_unreadable("bad_date");

    note(maker, "bad_number", Id::Roster, "section 12x7");
    let id = maker.ids.roster();
    let row = maker
        .tables
        .row(Id::Roster)
        .int(id)
        .int(nobody)
        .text("12x7")
        .int(1);
    row.null().null().null().end_unreadable("bad_number");

    note(maker, "bad_boolean", Id::Course, "active is `maybe`");
    let row = maker
        .tables
        .row(Id::Course)
        .int(calendar * 1000 + 999)
        .int(calendar)
        .null();
    let row = row
        .text("E-MAYBE")
        .text("Perhaps")
        .bit(false)
        .text("maybe")
        .null()
        .null();
    row.null().end_unreadable("bad_boolean");

    note(maker, "invalid_utf8", Id::Address, "street in Latin-1");
    let id = maker.ids.address();
    let row = maker
        .tables
        .row(Id::Address)
        .int(id)
        .text("7")
        .null()
        .bytes(b"Stra\xdfe");
    let row = row.text("St").null().text("Millbrook").text("TX");
    row.text("79999").end_unreadable("invalid_utf8");
}
