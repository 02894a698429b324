//! Courses and sections: what is taught, when, where and by whom.
//!
//! Reads: nothing. Writes: Department, Course, Section, SectionPlacement, Room,
//! SectionStaffHistory. Never: rosters; who sits in a section is the student's matter.

use super::Maker;
use super::catalog::{self, Entry, Taken};
use super::columns::Id;
use super::expect::{Fate, Resource};
use super::school::{School, school_id};
use super::staff::Staff;
use super::year::plus;

/// Students per section.
const SEATS: u64 = 24;

/// A school with its courses and sections.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// The school's frame.
    pub(super) school: School,
    /// Its courses, in the catalog's order.
    pub(super) courses: Vec<Course>,
    /// Its sections; a course's are neighbours.
    pub(super) sections: Vec<Section>,
    /// The planted section of the course whose title is too long.
    pub(super) blocked: Option<Section>,
}

/// A course of the school's calendar.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// courseID.
    pub(super) id: i64,
    /// As the catalog has it.
    pub(super) entry: Entry,
    /// Its sections by schedule structure, as a range of [`Schedule::sections`].
    pub(super) sections: Vec<std::ops::Range<usize>>,
}

/// A section of the active trial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    /// sectionID.
    pub(super) id: i64,
    /// trialID.
    pub(super) trial: i64,
    /// The terms it is placed in, bit 0 = first term.
    pub(super) terms: u8,
    /// What becomes of its `sections` objects.
    pub(super) fate: Fate,
}

/// Where a section is put: what differs from section to section.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    structure: usize,
    number: i64,
    teachers: &'a [Staff],
    room: i64,
}

/// Numbers the courses of a school and decides how many sections each gets. `students` is the
/// number of students that the school expects.
pub(super) fn plan(school: School, students: u64) -> Schedule {
    let grades = school.kind.grades().len() as u64;
    let per_grade = students.div_ceil(grades);
    let mut courses = Vec::new();
    let mut count = 0;
    for (n, entry) in catalog::of(school.kind).into_iter().enumerate() {
        let takers = match (entry.taken, entry.grade) {
            (Taken::Nobody, _) => 0,
            (_, Some(_)) => per_grade,
            (_, None) => students.div_ceil(2),
        };
        let mut ranges = Vec::new();
        for structure in 0..school.structures.len() {
            // The second structure takes a fourth of the students, and not the first grades.
            let lower = matches!(entry.grade, Some("09" | "10"));
            let share = match (structure, lower) {
                (0, _) => takers,
                (_, true) => 0,
                (_, false) => takers.div_ceil(4),
            };
            let sections = usize::try_from(share.div_ceil(SEATS)).unwrap_or(usize::MAX);
            ranges.push(count..count + sections);
            count += sections;
        }
        let id = school.calendar * 1000 + n as i64 + 1;
        courses.push(Course {
            id,
            entry,
            sections: ranges,
        });
    }
    Schedule {
        school,
        courses,
        sections: Vec::new(),
        blocked: None,
    }
}

impl Schedule {
    /// How many sections are planned.
    pub(super) fn planned(&self) -> usize {
        let ends = self
            .courses
            .iter()
            .flat_map(|c| c.sections.iter().map(|r| r.end));
        ends.max().unwrap_or(0)
    }

    /// Makes rooms, courses and sections.
    pub(super) fn fill(&mut self, maker: &mut Maker, teachers: &[Staff], guest: Option<Staff>) {
        let here = school_id(self.school.index);
        let department = here;
        maker
            .tables
            .row(Id::Department)
            .int(department)
            .int(here)
            .text("Instruction")
            .end();
        let rooms: Vec<i64> = (0..teachers.len()).map(|n| room(maker, here, n)).collect();
        let mut sections = Vec::with_capacity(self.planned());
        for course in &self.courses {
            course_row(maker, &self.school, course.id, &course.entry, true);
            maker.offer(&course.entry.number, Fate::Sent);
            let mut offered = 0;
            let mut number = 0;
            for (structure, range) in course.sections.iter().enumerate() {
                for n in range.clone() {
                    number += 1;
                    let at = n % teachers.len().max(1);
                    let place = Place {
                        structure,
                        number,
                        teachers: teachers.get(at..).unwrap_or_default(),
                        room: rooms.get(at).copied().unwrap_or(0),
                    };
                    offered |= course.entry.terms;
                    sections.push(self.section(maker, course, place, Fate::Sent));
                }
            }
            let count = u64::from(offered.count_ones());
            maker
                .tally
                .add_many(Resource::CourseOffering, Fate::Sent, count);
        }
        if let (Some(guest), Some(section)) = (guest, sections.first()) {
            self.teach(maker, *section, guest, "T", None, None);
        }
        self.sections = sections;
        self.plant(maker, teachers, rooms.first().copied().unwrap_or(0));
    }

    fn section(&self, maker: &mut Maker, course: &Course, at: Place<'_>, fate: Fate) -> Section {
        let id = maker.ids.section();
        let structure = &self.school.structures[at.structure];
        let teacher = at.teachers.first().copied();
        maker
            .tables
            .row(Id::Section)
            .int(id)
            .int(course.id)
            .int(structure.trial)
            .int(at.room)
            .int(at.number)
            .maybe(teacher.map(|t| t.person))
            .int(SEATS as i64 + 6)
            .end();
        let section = Section {
            id,
            trial: structure.trial,
            terms: course.entry.terms,
            fate,
        };
        let periods = &structure.periods;
        for (term, term_id) in structure.terms.iter().enumerate() {
            if course.entry.terms & (1 << term) == 0 {
                continue;
            }
            for n in 0..course.entry.periods {
                let period = (course.id as usize + n) % periods.len().max(1);
                maker
                    .tables
                    .row(Id::SectionPlacement)
                    .int(id)
                    .int(structure.trial)
                    .int(*term_id)
                    .int(periods.get(period).copied().unwrap_or(0))
                    .end();
            }
            maker.tally.add(Resource::Section, fate);
        }
        self.staff(maker, section, at.teachers);
        section
    }

    /// One primary teacher; sometimes a second teacher, or another primary one after the winter.
    fn staff(&self, maker: &mut Maker, section: Section, teachers: &[Staff]) {
        let lot = maker.draw.of("SectionStaff", section.id.unsigned_abs());
        let Some(first) = teachers.first().copied() else {
            return;
        };
        let middle = plus(maker.year.begin, 150 + lot.below("change", 30));
        match (lot.below("kind", 20), teachers.get(1).copied()) {
            (0, Some(next)) => {
                self.teach(maker, section, first, "P", None, Some(middle));
                self.teach(maker, section, next, "P", Some(plus(middle, 1)), None);
            }
            (1..=3, Some(second)) => {
                self.teach(maker, section, first, "P", None, None);
                self.teach(
                    maker,
                    section,
                    second,
                    "T",
                    Some(plus(maker.year.begin, 21)),
                    None,
                );
            }
            _ => self.teach(maker, section, first, "P", None, None),
        }
    }

    fn teach(
        &self,
        maker: &mut Maker,
        section: Section,
        staff: Staff,
        kind: &str,
        begin: Option<chrono::NaiveDate>,
        end: Option<chrono::NaiveDate>,
    ) {
        maker
            .tables
            .row(Id::SectionStaffHistory)
            .int(section.id)
            .int(section.trial)
            .int(staff.person)
            .date(begin)
            .date(end)
            .text(kind)
            .end();
        let fate = Fate::of_child(&[section.fate, staff.fate]);
        let spans = self.spans(section.terms);
        let count = spans.filter(|s| s.clip(begin, end).is_some()).count();
        maker
            .tally
            .add_many(Resource::StaffSection, fate, count as u64);
    }

    /// The sessions of these terms.
    pub(super) fn spans(&self, terms: u8) -> impl Iterator<Item = super::year::Span> + '_ {
        let sessions = self.school.sessions.iter().enumerate();
        sessions
            .filter(move |(n, _)| terms & (1 << n) != 0)
            .map(|(_, s)| *s)
    }

    /// The planted courses and sections.
    fn plant(&mut self, maker: &mut Maker, teachers: &[Staff], room: i64) {
        let last = self.courses.last().map_or(0, |c| c.id);
        if maker.planted_here(self.school.index, 1) {
            let entry = Entry {
                number: "M-LONG".to_owned(),
                name: "An Introduction to the Interdisciplinary Study of Water in the Landscape"
                    .to_owned(),
                grade: None,
                terms: 0b0011,
                periods: 1,
                taken: Taken::Nobody,
                homeroom: false,
            };
            let line = maker.tables.line(Id::Course);
            let about = "course title of more than 60 characters: its offerings, sections and \
                         their associations are blocked";
            maker.tally.plant("too_long", "Course", line, about);
            course_row(maker, &self.school, last + 1, &entry, true);
            let rejected = Fate::Rejected("too_long");
            maker.offer(&entry.number, rejected);
            let offering = Fate::of_child(&[rejected]);
            maker.tally.add_many(Resource::CourseOffering, offering, 2);
            let course = Course {
                id: last + 1,
                entry,
                sections: Vec::new(),
            };
            let place = Place {
                structure: 0,
                number: 1,
                teachers: teachers.get(..1).unwrap_or_default(),
                room,
            };
            let fate = Fate::of_child(&[offering]);
            self.blocked = Some(self.section(maker, &course, place, fate));
        }
        if maker.planted_here(self.school.index, 2)
            && let (Some(course), Some(structure)) =
                (self.courses.first(), self.school.structures.first())
        {
            let line = maker.tables.line(Id::Section);
            let about = "section without a placement, teacher or roster";
            maker
                .tally
                .plant("section_without_placement", "Section", line, about);
            let id = maker.ids.section();
            let trial = structure.trial;
            let row = maker
                .tables
                .row(Id::Section)
                .int(id)
                .int(course.id)
                .int(trial);
            row.int(room).int(99).null().null().end();
            let fate = Fate::Rejected("section_without_placement");
            maker.tally.add(Resource::Section, fate);
        }
    }
}

fn room(maker: &mut Maker, school: i64, n: usize) -> i64 {
    let id = maker.ids.room();
    maker
        .tables
        .row(Id::Room)
        .int(id)
        .int(school)
        .made(|t| t.push_str(&format!("{}", 101 + n)))
        .int(30)
        .end();
    maker.tally.add(Resource::Location, Fate::Sent);
    id
}

/// Writes a course of a school's calendar of this year.
pub(super) fn course_row(maker: &mut Maker, school: &School, id: i64, entry: &Entry, active: bool) {
    maker
        .tables
        .row(Id::Course)
        .int(id)
        .int(school.calendar)
        .int(school_id(school.index))
        .text(&entry.number)
        .made(|t| {
            t.push_str(&entry.name);
            // The same number is not everywhere called the same: the tie-break decides.
            if school.index >= 3 && entry.grade.is_some() {
                t.push_str(" (rev.)");
            }
        })
        .bit(entry.homeroom)
        .bit(active)
        .null()
        .int(i64::from(entry.terms.count_ones()))
        .text(if entry.homeroom { "0" } else { "1.000" })
        .end();
}
