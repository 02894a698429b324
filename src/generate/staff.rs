//! Staff: employments by the district, assignments at schools.
//!
//! Reads: nothing. Writes: Employment, EmploymentAssignment, and the people they need.
//! Never: sections; who teaches what is the course's matter.

use chrono::NaiveDate;

use super::Maker;
use super::codes::UNKNOWN_ASSIGNMENT;
use super::columns::Id;
use super::expect::{Fate, Resource};
use super::person::{self, NewPerson, Role};
use super::school::{School, school_id};
use super::year::{date, minus};

/// A staff member, as sections refer to them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staff {
    /// personID.
    pub(super) person: i64,
    /// What becomes of the person's `staffs` object.
    pub(super) fate: Fate,
}

/// A staff member's work at one school.
#[derive(Clone, Copy, Debug)]
struct Assignment<'a> {
    school: i64,
    kind: &'a str,
    title: &'a str,
    begin: NaiveDate,
    end: Option<NaiveDate>,
}

/// Stands for the district among the numbers of schools, for draws only.
const DISTRICT: usize = 999_999;

/// Makes a school's staff and returns its teachers; at least three.
pub(super) fn make(maker: &mut Maker, school: &School, sections: usize) -> Vec<Staff> {
    let begin = minus(maker.year.begin, 7);
    let here = school_id(school.index);
    let work = |kind, title| Assignment {
        school: here,
        kind,
        title,
        begin,
        end: None,
    };
    let mut teachers = Vec::new();
    for n in 0..sections.div_ceil(5).max(3) {
        let nameless = maker.planted_here(school.index, 0) && n == 1;
        let teacher = hire(maker, school.index, n, nameless);
        assign(maker, teacher, work("Teacher", "Teacher"));
        if n % 10 == 3 {
            // Last year's work at the same school: ended, so nobody hears of it.
            let end = Some(date(maker.year.end_year - 1, 6, 12));
            let begin = minus(begin, 364);
            assignment_row(
                maker,
                teacher,
                Assignment {
                    begin,
                    end,
                    ..work("Teacher", "Teacher")
                },
            );
        }
        teachers.push(teacher);
    }
    let count = teachers.len();
    for (n, kind) in ["Principal", "Counselor", "Instructional Aide", "Librarian"]
        .into_iter()
        .enumerate()
    {
        let member = hire(maker, school.index, count + n, false);
        if kind == "Counselor" && maker.planted_here(school.index, 1) {
            let line = maker.tables.line(Id::EmploymentAssignment);
            maker.tally.plant(
                "unmapped_code",
                "EmploymentAssignment",
                line,
                "assignment type without a mapping",
            );
            assign(maker, member, work(UNKNOWN_ASSIGNMENT, "Team mascot"));
        } else {
            assign(maker, member, work(kind, kind));
        }
        if kind == "Librarian" && maker.planted_here(school.index, 2) {
            let line = maker.tables.line(Id::EmploymentAssignment);
            maker.tally.plant(
                "collapsed",
                "EmploymentAssignment",
                line,
                "differs from the row before in its title only: equal objects, sent once",
            );
            assignment_row(maker, member, work(kind, "Media center lead"));
            maker.tally.add(Resource::Assignment, Fate::Collapsed);
        }
    }
    former(maker, school.index);
    teachers
}

/// A teacher of one school works at a second one too.
pub(super) fn lend(maker: &mut Maker, teacher: Staff, school: &School) {
    let begin = minus(maker.year.begin, 7);
    let school = school_id(school.index);
    let work = Assignment {
        school,
        kind: "Teacher",
        title: "Itinerant teacher",
        begin,
        end: None,
    };
    assign(maker, teacher, work);
}

/// The superintendent works for the district and at no school.
pub(super) fn superintendent(maker: &mut Maker) {
    hire(maker, DISTRICT, 0, false);
}

/// A staff member's work at a school that is out of scope: no object comes of it.
pub(super) fn assign_out_of_scope(maker: &mut Maker, staff: Staff, school: i64) {
    let begin = minus(maker.year.begin, 7);
    let work = Assignment {
        school,
        kind: "Teacher",
        title: "Teacher",
        begin,
        end: None,
    };
    assignment_row(maker, staff, work);
}

fn hire(maker: &mut Maker, school: usize, ordinal: usize, nameless: bool) -> Staff {
    let staff = staff_person(maker, school, ordinal as u64, nameless);
    let lot = maker.draw.of("Employment", staff.person.unsigned_abs());
    let years = lot.below("years", 20);
    let begin = date(maker.year.end_year - 1, 8, 1);
    employment_row(
        maker,
        staff,
        minus(begin, years * 365),
        None,
        lot.pick("type", &["T", "P", "C"]),
    );
    maker.tally.add(Resource::Staff, staff.fate);
    maker
        .tally
        .add(Resource::Employment, Fate::of_child(&[staff.fate]));
    staff
}

/// Someone who left the summer before: employment and assignment ended on 15 June.
fn former(maker: &mut Maker, school: usize) {
    let staff = staff_person(maker, school, 900_000, false);
    let end = Some(date(maker.year.end_year - 1, 6, 15));
    let begin = date(maker.year.end_year - 3, 8, 1);
    employment_row(maker, staff, begin, end, "T");
    let school = school_id(school);
    let work = Assignment {
        school,
        kind: "Teacher",
        title: "Teacher",
        begin,
        end,
    };
    assignment_row(maker, staff, work);
}

fn staff_person(maker: &mut Maker, school: usize, ordinal: u64, nameless: bool) -> Staff {
    let lot = maker.draw.of("Staff", school as u64 * 1_000_000 + ordinal);
    let mut last = String::new();
    super::names::last(lot, &mut last);
    if nameless {
        let line = maker.tables.line(Id::Person);
        maker.tally.plant(
            "no_edfi_id",
            "Person",
            line,
            "teacher without an Ed-Fi id: skipped with everything that refers to the person",
        );
    }
    let age = i32::try_from(24 + lot.below("age", 40)).unwrap_or(40);
    let (race, races) = person::race(lot);
    let new = NewPerson {
        role: Role::Staff,
        lot,
        last: &last,
        gender: person::gender(lot),
        birth: Some(person::birth(maker.year.end_year, age, lot)),
        edfi_id: nameless.then_some(""),
        race,
        races: &races,
    };
    let person = person::make(maker, &new);
    person::reach(maker, person, Role::Staff, lot);
    let fate = if nameless {
        Fate::Skipped("no_edfi_id")
    } else {
        Fate::Sent
    };
    Staff { person, fate }
}

/// An assignment of this year at a school in scope, the person's first one there.
fn assign(maker: &mut Maker, staff: Staff, work: Assignment<'_>) {
    assignment_row(maker, staff, work);
    let fate = if work.kind == UNKNOWN_ASSIGNMENT {
        Fate::Rejected("unmapped_code")
    } else {
        Fate::of_child(&[staff.fate])
    };
    maker.tally.add(Resource::Assignment, fate);
    maker
        .tally
        .add(Resource::StaffSchool, Fate::of_child(&[staff.fate]));
}

fn assignment_row(maker: &mut Maker, staff: Staff, work: Assignment<'_>) {
    let id = maker.ids.assignment();
    maker
        .tables
        .row(Id::EmploymentAssignment)
        .int(id)
        .int(staff.person)
        .int(work.school)
        .int(1)
        .date(work.begin)
        .date(work.end)
        .text(work.kind)
        .text(work.title)
        .bit(work.kind == "Teacher")
        .end();
}

fn employment_row(
    maker: &mut Maker,
    staff: Staff,
    begin: NaiveDate,
    end: Option<NaiveDate>,
    kind: &str,
) {
    let id = maker.ids.employment();
    maker
        .tables
        .row(Id::Employment)
        .int(id)
        .int(staff.person)
        .date(begin)
        .date(end)
        .text(kind)
        .bit(false)
        .end();
}
