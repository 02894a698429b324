//! Enrollments: how a student's year goes.
//!
//! Reads: nothing. Writes: Enrollment. Never: rosters; they follow the same path.

use chrono::NaiveDate;

use super::Maker;
use super::columns::Id;
use super::course::Schedule;
use super::expect::{Fate, Resource};
use super::fault::Fault;
use super::school::{Kind, calendar_id, structure_id};
use super::student::Student;
use super::year::plus;

/// How a student's year goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// From the first day on.
    Stays,
    /// Comes late.
    Late(NaiveDate),
    /// Leaves.
    Leaves(NaiveDate),
    /// Leaves and comes back.
    Returns(NaiveDate, NaiveDate),
    /// Comes from another school of the district (its number) after leaving that one.
    Moves(usize, NaiveDate, NaiveDate),
}

/// One enrollment.
#[derive(Clone, Copy, Debug)]
struct Spell<'a> {
    calendar: i64,
    structure: i64,
    grade: &'a str,
    service: &'a str,
    begin: NaiveDate,
    begin_code: &'a str,
    end: Option<NaiveDate>,
    end_code: &'a str,
}

/// Draws the path of a student; planted ones stay.
pub(super) fn path(maker: &Maker, schedule: &Schedule, student: &Student) -> Path {
    if student.fault.is_some() {
        return Path::Stays;
    }
    let lot = student.lot;
    let first = plus(maker.year.begin, 30 + lot.below("first date", 120));
    let second = plus(first, 10 + lot.below("second date", 60));
    // The school of the same kind in the cluster after or before this one.
    let index = schedule.school.index;
    let other = if index + 3 < maker.schools {
        Some(index + 3)
    } else {
        index.checked_sub(3)
    };
    match (lot.below("path", 100), other) {
        (0..4, _) => Path::Late(first),
        (4..7, _) => Path::Leaves(first),
        (7..10, _) => Path::Returns(first, second),
        (10..14, Some(other)) => Path::Moves(other, first, plus(first, 3)),
        _ => Path::Stays,
    }
}

/// Makes the enrollments of a student's path, and sometimes one at a second school.
pub(super) fn make(maker: &mut Maker, cluster: &[Schedule], student: &Student, path: Path) {
    let Some(schedule) = cluster.get(student.school) else {
        return;
    };
    let school = &schedule.school;
    let whole = Spell {
        calendar: school.calendar,
        structure: school.structures.get(student.structure).map_or(0, |s| s.id),
        grade: grade(school.kind, student),
        service: "P",
        begin: maker.year.begin,
        begin_code: if student.lot.chance("new", 80) {
            "N"
        } else {
            "Y"
        },
        end: None,
        end_code: "",
    };
    for spell in spells(whole, path).into_iter().flatten() {
        if let Some(fault) = student.fault {
            fault.note_enrollment(maker);
        }
        row(maker, student.person, spell, student.fault);
        let own = student.fault.and_then(Fault::enrollment);
        let fate = own.unwrap_or_else(|| Fate::of_child(&[student.fate]));
        maker.tally.add(Resource::StudentSchool, fate);
    }
    let second = cluster.get(student.school + 1);
    if let Some(second) = second.filter(|_| student.fault.is_none()) {
        second_school(maker, second, student, whole);
    }
}

/// The grade as the enrollment has it: some elementary schools leave out the zero.
fn grade(kind: Kind, student: &Student) -> &'static str {
    let grade = kind.grades().get(student.grade).copied().unwrap_or("");
    let plain = kind == Kind::Elementary && student.lot.chance("plain grade", 100);
    match (student.fault, grade.strip_prefix('0')) {
        (Some(Fault::UnknownGrade), _) => super::codes::UNKNOWN_GRADE,
        (_, Some(digit)) if plain => digit,
        _ => grade,
    }
}

fn spells(whole: Spell<'_>, path: Path) -> [Option<Spell<'_>>; 2] {
    let left = |day, code| Spell {
        end: Some(day),
        end_code: code,
        ..whole
    };
    let came = |day, code| Spell {
        begin: day,
        begin_code: code,
        ..whole
    };
    match path {
        Path::Stays => [Some(whole), None],
        Path::Late(day) => [Some(came(day, "T")), None],
        Path::Leaves(day) => [Some(left(day, "W")), None],
        Path::Returns(first, second) => [Some(left(first, "T")), Some(came(second, "R"))],
        Path::Moves(other, first, second) => {
            let calendar = calendar_id(other, 2);
            let structure = structure_id(calendar, 1);
            let there = Spell {
                calendar,
                structure,
                ..left(first, "T")
            };
            [Some(there), Some(came(second, "T"))]
        }
    }
}

/// A second school at the same time: a class there (S), or services only (N, out of scope).
fn second_school(maker: &mut Maker, second: &Schedule, student: &Student, whole: Spell<'_>) {
    let calendar = second.school.calendar;
    let spell = Spell {
        calendar,
        structure: structure_id(calendar, 1),
        begin: plus(maker.year.begin, 14),
        ..whole
    };
    match student.lot.below("second school", 60) {
        0 => {
            row(
                maker,
                student.person,
                Spell {
                    service: "S",
                    ..spell
                },
                None,
            );
            let fate = Fate::of_child(&[student.fate]);
            maker.tally.add(Resource::StudentSchool, fate);
        }
        1 => row(
            maker,
            student.person,
            Spell {
                service: "N",
                ..spell
            },
            None,
        ),
        _ => {}
    }
}

fn row(maker: &mut Maker, person: i64, spell: Spell<'_>, fault: Option<Fault>) {
    let id = maker.ids.enrollment();
    let end_year = i64::from(maker.year.end_year);
    let row = maker.tables.row(Id::Enrollment).int(id).int(person);
    let row = row
        .int(spell.calendar)
        .int(spell.structure)
        .int(1)
        .int(end_year);
    let row = row
        .text(spell.grade)
        .text(spell.service)
        .bit(spell.end.is_none());
    // A flag that was never touched is NULL, and means the same as 0.
    let row = match fault {
        Some(Fault::NoShow) => row.bit(true),
        _ if id % 3 == 0 => row.null(),
        _ => row.bit(false),
    };
    let row = match fault {
        Some(Fault::StateExcluded) => row.bit(true),
        _ => row.null(),
    };
    let row = row.date(spell.begin).text(spell.begin_code);
    row.date(spell.end).text(spell.end_code).end();
}
