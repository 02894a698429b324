//! Rosters: who sits in which section, from when to when.
//!
//! Reads: nothing. Writes: Roster. Never: a roster whose dates leave open which of a student's
//! enrollments it belongs to.

use chrono::NaiveDate;

use super::Maker;
use super::catalog::{self, Taken};
use super::columns::Id;
use super::course::{Course, Schedule, Section};
use super::enrollment::Path;
use super::expect::{Fate, Resource};
use super::fault::Fault;
use super::student::Student;
use super::year::{Span, plus};

/// A begin and an end, either of which may be open.
type Dates = (Option<NaiveDate>, Option<NaiveDate>);

/// Open at both ends.
const OPEN: Dates = (None, None);

/// Puts the student into a section of each course that the grade takes.
pub(super) fn make(maker: &mut Maker, schedule: &Schedule, student: &Student, path: Path) {
    let kind = schedule.school.kind;
    let grade = kind.grades().get(student.grade).copied();
    let fields = ["elective 0", "elective 1", "elective 2", "elective 3"];
    for course in &schedule.courses {
        let taken = match course.entry.taken {
            Taken::Everyone => course.entry.grade == grade,
            Taken::Nobody => false,
            Taken::OneOf { group, place } => {
                let field = fields.get(group).copied().unwrap_or("elective");
                student.lot.index(field, catalog::choices(kind, group)) == place
            }
        };
        if taken {
            seats(maker, schedule, student, course, path);
        }
    }
    extras(maker, schedule, student, path);
}

/// One or two rosters for one course.
fn seats(maker: &mut Maker, schedule: &Schedule, student: &Student, course: &Course, path: Path) {
    let Some(range) = course
        .sections
        .get(student.structure)
        .filter(|r| !r.is_empty())
    else {
        return;
    };
    let ordinal = usize::try_from(student.ordinal).unwrap_or(0);
    let at = |n: usize| {
        schedule
            .sections
            .get(range.start + n % range.len())
            .copied()
    };
    let (Some(section), Some(other)) = (at(ordinal), at(ordinal + 1)) else {
        return;
    };
    let spans = || schedule.spans(section.terms);
    let (Some(begin), Some(end)) = (spans().next(), spans().last()) else {
        return;
    };
    let mut seat = |section, roster, enrolled| {
        place(maker, schedule, student, section, roster, enrolled);
    };
    match path {
        Path::Late(day) | Path::Moves(_, _, day) => seat(section, OPEN, (Some(day), None)),
        Path::Leaves(day) => {
            let ends = student.lot.chance("roster end", 500).then_some(day);
            seat(section, (None, ends), (None, Some(day)));
        }
        Path::Returns(left, back) => {
            seat(section, (None, Some(left)), (None, Some(left)));
            seat(section, (Some(back), None), (Some(back), None));
        }
        Path::Stays => match student.lot.below(&course.entry.number, 40) {
            // The student changes to another section of the course.
            0 if other.id != section.id => {
                let day = plus(begin.begin, 40);
                seat(section, (None, Some(day)), OPEN);
                seat(other, (Some(plus(day, 1)), None), OPEN);
            }
            1..=4 => seat(section, (Some(plus(begin.begin, 5)), None), OPEN),
            // Put in after the last day of the class: no object comes of it.
            5 => seat(section, (Some(plus(end.end, 1)), None), OPEN),
            _ => seat(section, OPEN, OPEN),
        },
    }
}

/// A roster row, and one object per term of the section that roster and enrollment overlap.
fn place(
    maker: &mut Maker,
    schedule: &Schedule,
    student: &Student,
    section: Section,
    roster: Dates,
    enrolled: Dates,
) {
    row(maker, student.person, section.id, section.trial, roster);
    let fate = Fate::of_child(&[student.fate, section.fate]);
    let spans = schedule.spans(section.terms);
    let clip = |dates: Dates| move |span: Span| span.clip(dates.0, dates.1);
    let count = spans
        .filter_map(clip(roster))
        .filter_map(clip(enrolled))
        .count();
    maker
        .tally
        .add_many(Resource::StudentSection, fate, count as u64);
}

/// A roster without dates, of which no object comes.
pub(super) fn decoy(maker: &mut Maker, person: i64, section: i64, trial: i64) {
    row(maker, person, section, trial, OPEN);
}

fn row(maker: &mut Maker, person: i64, section: i64, trial: i64, (begin, end): Dates) {
    let id = maker.ids.roster();
    let day = maker.year.begin;
    let row = maker
        .tables
        .row(Id::Roster)
        .int(id)
        .int(person)
        .int(section)
        .int(trial);
    row.date(begin).date(end).date(day).end();
}

/// Rosters besides the student's own courses: planted ones and a decoy.
fn extras(maker: &mut Maker, schedule: &Schedule, student: &Student, path: Path) {
    if student.fault == Some(Fault::OrphanRoster) {
        let trial = schedule.school.structures.first().map_or(0, |s| s.trial);
        let line = maker.tables.line(Id::Roster);
        let about = "roster of a section that is missing";
        maker.tally.plant("orphan_row", "Roster", line, about);
        row(maker, student.person, 1, trial, OPEN);
        maker
            .tally
            .add(Resource::StudentSection, Fate::Rejected("orphan_row"));
    }
    let plain = student.fault.is_none() && path == Path::Stays;
    if let Some(section) = schedule.blocked.filter(|_| plain && maker.guests > 0) {
        maker.guests -= 1;
        place(maker, schedule, student, section, OPEN, OPEN);
    }
    // In an inactive trial: never a class of the student.
    if student.ordinal.is_multiple_of(25)
        && let Some(structure) = schedule.school.structures.get(student.structure)
        && let Some(section) = schedule.sections.first()
    {
        decoy(maker, student.person, section.id, structure.trial - 1);
    }
}
