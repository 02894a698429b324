//! Rows that are right and out of scope: last year's calendars, excluded calendars and schools,
//! inactive trials and courses. No object may come of any of them.
//!
//! Reads: nothing. Writes: rows of most tables. Never: tells the tally anything.

use super::Maker;
use super::catalog::{Entry, Taken};
use super::columns::Id;
use super::course::{self, Schedule};
use super::person::{self, NewPerson, Role};
use super::roster;
use super::school::{School, calendar_id, school_id, structure_id, trial_id};
use super::staff::{self, Staff};
use super::year::{Year, plus};

/// schoolID of the excluded school.
const EXCLUDED_SCHOOL: i64 = 99;

/// A calendar that is out of scope, with one section.
#[derive(Clone, Copy, Debug)]
struct Shadow<'a> {
    calendar: i64,
    school: i64,
    name: &'a str,
    excluded: bool,
    course: &'a str,
}

/// The decoys of one school. Returns someone who was enrolled last year and is not any more.
pub(super) fn of_school(maker: &mut Maker, schedule: &Schedule, teacher: Option<Staff>) -> i64 {
    let school = &schedule.school;
    let alumnus = alumnus(maker, school.index as u64);
    let last_year = Shadow {
        calendar: calendar_id(school.index, 1),
        school: school_id(school.index),
        name: "Last year",
        excluded: false,
        course: "OLD-100",
    };
    let year = Year::new(maker.year.end_year - 1, maker.draw);
    shadow(maker, &last_year, &year, teacher, &[alumnus]);
    if school.index.is_multiple_of(3) {
        let summer = Shadow {
            calendar: calendar_id(school.index, 3),
            school: school_id(school.index),
            name: "Summer program",
            excluded: true,
            course: "SUM-100",
        };
        let year = maker.year.clone();
        shadow(maker, &summer, &year, teacher, &[alumnus]);
    }
    if let Some(teacher) = teacher {
        unused_course(maker, school, teacher, alumnus);
        inactive_trial(maker, schedule, teacher, alumnus);
    }
    alumnus
}

/// A school that is excluded from everything, with a calendar of this year.
pub(super) fn excluded_school(maker: &mut Maker, teacher: Staff) {
    let row = maker.tables.row(Id::School).int(EXCLUDED_SCHOOL).int(1);
    let row = row
        .text("Fernhollow Virtual Academy")
        .text("999")
        .null()
        .bit(true);
    row.text("Other").null().null().null().end();
    let shut = Shadow {
        calendar: EXCLUDED_SCHOOL * 10 + 2,
        school: EXCLUDED_SCHOOL,
        name: "Virtual",
        excluded: false,
        course: "VIR-100",
    };
    let alumnus = alumnus(maker, 999_999);
    let year = maker.year.clone();
    shadow(maker, &shut, &year, Some(teacher), &[alumnus]);
    let room = maker.ids.room();
    maker
        .tables
        .row(Id::Room)
        .int(room)
        .int(EXCLUDED_SCHOOL)
        .text("Studio")
        .int(8)
        .end();
    staff::assign_out_of_scope(maker, teacher, EXCLUDED_SCHOOL);
}

/// A student of last year's calendar, who is a student of this year as well.
pub(super) fn last_year_enrollment(maker: &mut Maker, school: usize, person: i64) {
    let year = Year::new(maker.year.end_year - 1, maker.draw);
    enrollment(maker, person, calendar_id(school, 1), &year);
}

fn alumnus(maker: &mut Maker, ordinal: u64) -> i64 {
    let lot = maker.draw.of("Alumnus", ordinal);
    let mut last = String::new();
    super::names::last(lot, &mut last);
    let new = NewPerson {
        role: Role::Student,
        lot,
        last: &last,
        gender: person::gender(lot),
        birth: Some(person::birth(maker.year.end_year, 19, lot)),
        edfi_id: None,
        race: "6",
        races: &[],
    };
    person::make(maker, &new)
}

fn shadow(
    maker: &mut Maker,
    of: &Shadow<'_>,
    year: &Year,
    teacher: Option<Staff>,
    students: &[i64],
) {
    let structure = structure_id(of.calendar, 1);
    let (term, period) = shadow_frame(maker, of, year, structure);
    let course = of.calendar * 1000 + 1;
    let row = maker
        .tables
        .row(Id::Course)
        .int(course)
        .int(of.calendar)
        .null()
        .text(of.course);
    row.text("Course of another calendar")
        .bit(false)
        .bit(true)
        .null()
        .int(1)
        .null()
        .end();
    let trial = trial_id(structure, 2);
    let row = maker
        .tables
        .row(Id::Trial)
        .int(trial)
        .int(of.calendar)
        .int(structure);
    row.text("Final").bit(true).end();
    let room = maker.ids.room();
    let section = maker.ids.section();
    maker
        .tables
        .row(Id::Section)
        .int(section)
        .int(course)
        .int(trial)
        .int(room)
        .int(1)
        .maybe(teacher.map(|t| t.person))
        .int(30)
        .end();
    let row = maker
        .tables
        .row(Id::SectionPlacement)
        .int(section)
        .int(trial);
    row.int(term).int(period).end();
    if let Some(teacher) = teacher {
        staff_row(maker, section, trial, teacher);
    }
    for person in students {
        enrollment(maker, *person, of.calendar, year);
        roster::decoy(maker, *person, section, trial);
    }
}

/// Calendar, structure, grade, term and period of a shadow; returns the termID and periodID.
fn shadow_frame(maker: &mut Maker, of: &Shadow<'_>, year: &Year, structure: i64) -> (i64, i64) {
    let calendar = of.calendar;
    maker
        .tables
        .row(Id::Calendar)
        .int(calendar)
        .int(of.school)
        .int(1)
        .int(i64::from(year.end_year))
        .text(of.name)
        .date(year.begin)
        .date(year.end)
        .bit(of.excluded)
        .bit(of.excluded)
        .null()
        .int(9)
        .end();
    maker
        .tables
        .row(Id::ScheduleStructure)
        .int(structure)
        .int(calendar)
        .text("Main")
        .end();
    let row = maker
        .tables
        .row(Id::GradeLevel)
        .int(calendar)
        .int(structure);
    row.text("UG").text("UG").int(1).bit(false).end();
    let schedule = structure * 10 + 1;
    maker
        .tables
        .row(Id::TermSchedule)
        .int(schedule)
        .int(structure)
        .text("Main")
        .bit(true)
        .end();
    let term = schedule * 10 + 1;
    let row = maker
        .tables
        .row(Id::Term)
        .int(term)
        .int(schedule)
        .text("FY")
        .int(1);
    row.date(year.begin).date(year.end).bit(true).end();
    let row = maker
        .tables
        .row(Id::PeriodSchedule)
        .int(schedule)
        .int(structure);
    row.text("Short").int(1).end();
    let period = schedule * 100 + 1;
    let row = maker
        .tables
        .row(Id::Period)
        .int(period)
        .int(schedule)
        .text("1")
        .int(1);
    row.text("09:00").text("12:00").int(180).end();
    for n in 0..3 {
        let row = maker
            .tables
            .row(Id::Day)
            .int(structure * 1000 + n)
            .int(calendar);
        let row = row
            .int(structure)
            .int(schedule)
            .date(plus(year.begin, n.unsigned_abs()));
        row.bit(true).null().end();
    }
    (term, period)
}

fn enrollment(maker: &mut Maker, person: i64, calendar: i64, year: &Year) {
    let id = maker.ids.enrollment();
    maker
        .tables
        .row(Id::Enrollment)
        .int(id)
        .int(person)
        .int(calendar)
        .int(structure_id(calendar, 1))
        .int(1)
        .int(i64::from(year.end_year))
        .text("UG")
        .text("P")
        .bit(false)
        .null()
        .null()
        .date(year.begin)
        .text("Y")
        .date(year.end)
        .text("E")
        .end();
}

fn staff_row(maker: &mut Maker, section: i64, trial: i64, staff: Staff) {
    let row = maker
        .tables
        .row(Id::SectionStaffHistory)
        .int(section)
        .int(trial);
    row.int(staff.person).null().null().text("P").end();
}

/// A course of this year that is not active, with a section in the active trial.
fn unused_course(maker: &mut Maker, school: &School, teacher: Staff, person: i64) {
    let Some(structure) = school.structures.first() else {
        return;
    };
    let entry = Entry {
        number: "INA-100".to_owned(),
        name: "Not taught any more".to_owned(),
        grade: None,
        terms: 1,
        periods: 1,
        taken: Taken::Nobody,
        homeroom: false,
    };
    let course = school.calendar * 1000 + 900;
    course::course_row(maker, school, course, &entry, false);
    let (trial, term) = (structure.trial, structure.terms.first().copied());
    let period = structure.periods.first().copied();
    section_rows(maker, (course, trial), (term, period), teacher, person);
}

/// A section of an active course in an inactive trial, and a placement of an active section there.
fn inactive_trial(maker: &mut Maker, schedule: &Schedule, teacher: Staff, person: i64) {
    for structure in &schedule.school.structures {
        let Some(course) = schedule.courses.first() else {
            return;
        };
        let trial = structure.trial - 1;
        let (term, period) = (
            structure.terms.last().copied(),
            structure.periods.last().copied(),
        );
        section_rows(maker, (course.id, trial), (term, period), teacher, person);
    }
    let structure = schedule.school.structures.first();
    let section = schedule.sections.last();
    if let (Some(structure), Some(section)) = (structure, section)
        && let (Some(term), Some(period)) = (structure.terms.first(), structure.periods.first())
    {
        let row = maker.tables.row(Id::SectionPlacement).int(section.id);
        row.int(structure.trial - 1).int(*term).int(*period).end();
    }
}

fn section_rows(
    maker: &mut Maker,
    (course, trial): (i64, i64),
    (term, period): (Option<i64>, Option<i64>),
    teacher: Staff,
    person: i64,
) {
    let section = maker.ids.section();
    let row = maker
        .tables
        .row(Id::Section)
        .int(section)
        .int(course)
        .int(trial);
    row.int(1).int(77).int(teacher.person).int(30).end();
    let row = maker
        .tables
        .row(Id::SectionPlacement)
        .int(section)
        .int(trial);
    row.maybe(term).maybe(period).end();
    staff_row(maker, section, trial, teacher);
    roster::decoy(maker, person, section, trial);
}
