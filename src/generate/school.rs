//! Schools: their kind, calendar, schedule structures, terms, periods and days.
//!
//! Reads: nothing. Writes: rows of the school, calendar and schedule tables. Never: people.

use super::Maker;
use super::columns::Id;
use super::expect::{Fate, Resource};
use super::year::{Span, plus};

/// The kinds of school, which take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Kindergarten to grade 5, three trimesters, one schedule structure.
    Elementary,
    /// Grades 6 to 8, four quarters, one schedule structure.
    Middle,
    /// Grades 9 to 12, two semesters, two schedule structures with A and B days.
    High,
}

impl Kind {
    /// The kind of the school with this number in the district, 0 = first.
    pub(super) fn of(school: usize) -> Self {
        match school % 3 {
            0 => Self::Elementary,
            1 => Self::Middle,
            _ => Self::High,
        }
    }

    /// The grades it teaches.
    pub(super) fn grades(self) -> &'static [&'static str] {
        match self {
            Self::Elementary => &["KG", "01", "02", "03", "04", "05"],
            Self::Middle => &["06", "07", "08"],
            Self::High => &["09", "10", "11", "12"],
        }
    }

    /// Names of its terms.
    pub(super) fn terms(self) -> &'static [&'static str] {
        match self {
            Self::Elementary => &["T1", "T2", "T3"],
            Self::Middle => &["Q1", "Q2", "Q3", "Q4"],
            Self::High => &["S1", "S2"],
        }
    }

    /// Its word in names and types.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Elementary => "Elementary",
            Self::Middle => "Middle",
            Self::High => "High",
        }
    }

    /// Names of its schedule structures, with the first grade that each teaches.
    fn structures(self) -> &'static [(&'static str, usize)] {
        match self {
            Self::High => &[("Main", 0), ("Early College", 2)],
            _ => &[("Main", 0)],
        }
    }

    /// Names of the period schedules of a structure.
    fn period_schedules(self) -> &'static [&'static str] {
        match self {
            Self::High => &["A Day", "B Day"],
            _ => &["Daily"],
        }
    }

    /// Names of the periods of a period schedule.
    fn periods(self) -> &'static [&'static str] {
        match self {
            Self::Elementary => &["AM", "1", "2", "3", "4", "PM"],
            Self::Middle => &["1", "2", "3", "4", "5", "6", "7", "8"],
            Self::High => &["1", "2", "3", "4"],
        }
    }
}

/// A school's frame: what courses, staff and students need to know of it.
#[derive(Clone, Debug)]
pub(super) struct School {
    /// Its number in the district, 0 = first.
    pub(super) index: usize,
    /// Its kind.
    pub(super) kind: Kind,
    /// Its calendar of this year.
    pub(super) calendar: i64,
    /// The calendar's structures.
    pub(super) structures: Vec<Structure>,
    /// Begin and end of each term's session: the widest of its structures.
    pub(super) sessions: Vec<Span>,
}

/// A schedule structure.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    /// structureID.
    pub(super) id: i64,
    /// The active trial; the one before it is an inactive one.
    pub(super) trial: i64,
    /// termID by term.
    pub(super) terms: Vec<i64>,
    /// periodID of all period schedules, one schedule after the other.
    pub(super) periods: Vec<i64>,
    /// Dates of its terms.
    spans: Vec<Span>,
}

/// schoolID of a school.
pub(super) fn school_id(index: usize) -> i64 {
    101 + index as i64
}

/// calendarID of a school's calendar: 1 = last year's, 2 = this year's, 3 = the excluded one.
pub(super) fn calendar_id(school: usize, which: i64) -> i64 {
    school_id(school) * 10 + which
}

/// structureID of a calendar's structure, 1 = first.
pub(super) fn structure_id(calendar: i64, which: i64) -> i64 {
    calendar * 10 + which
}

/// trialID of a structure: 1 = inactive, 2 = active, 3 = inactive.
pub(super) fn trial_id(structure: i64, which: i64) -> i64 {
    structure * 10 + which
}

/// Makes a school with its calendar and schedule.
pub(super) fn make(maker: &mut Maker, index: usize) -> School {
    let kind = Kind::of(index);
    school_row(maker, index, kind);
    let calendar = calendar_id(index, 2);
    calendar_row(maker, index, kind, calendar);
    super::month::rows(maker, calendar);
    super::month::excuses(maker, calendar);
    maker.tally.add(Resource::School, Fate::Sent);

    let year = maker.year.span();
    let mut structures = Vec::new();
    for (which, (name, first_grade)) in kind.structures().iter().enumerate() {
        // A further structure starts a week later and ends a week earlier than the first.
        let week = which as u64 * 7;
        let span = Span {
            begin: plus(year.begin, week),
            end: super::year::minus(year.end, week),
        };
        let id = structure_id(calendar, which as i64 + 1);
        maker
            .tables
            .row(Id::ScheduleStructure)
            .int(id)
            .int(calendar)
            .text(name)
            .end();
        grade_rows(maker, kind, calendar, id, *first_grade);
        let structure = structure(maker, kind, calendar, id, span);
        day_rows(maker, calendar, &structure, span, kind);
        maker.tally.add(Resource::Calendar, Fate::Sent);
        structures.push(structure);
    }
    let sessions: Vec<Span> = (0..kind.terms().len())
        .filter_map(|term| {
            let spans = || structures.iter().filter_map(|s| s.spans.get(term));
            Some(Span {
                begin: spans().map(|s| s.begin).min()?,
                end: spans().map(|s| s.end).max()?,
            })
        })
        .collect();
    let count = sessions.len() as u64;
    maker.tally.add_many(Resource::Session, Fate::Sent, count);
    maker
        .tally
        .add_many(Resource::GradingPeriod, Fate::Sent, count);
    School {
        index,
        kind,
        calendar,
        structures,
        sessions,
    }
}

fn school_row(maker: &mut Maker, index: usize, kind: Kind) {
    let lot = maker.draw.of("School", index as u64);
    let town = lot.pick("town", &super::names::TOWNS);
    let street = super::names::street(lot);
    maker
        .tables
        .row(Id::School)
        .int(school_id(index))
        .int(1)
        .made(|t| {
            t.push_str(&format!("{town} {street} {} School", kind.word()));
        })
        .made(|t| t.push_str(&format!("{:03}", index + 1)))
        .made(|t| t.push_str(&format!("S{:05}", index + 1)))
        .bit(false)
        .text(kind.word())
        .made(|t| t.push_str(&format!("(555) 555-01{:02}", index % 100)))
        .made(|t| {
            super::names::first(lot, "principal", t);
            t.push(' ');
            super::names::last(lot, t);
        })
        .made(|t| t.push_str(&format!("principal{}@example.org", index + 1)))
        .end();
}

fn calendar_row(maker: &mut Maker, index: usize, kind: Kind, calendar: i64) {
    let (begin, end, end_year) = (maker.year.begin, maker.year.end, maker.year.end_year);
    let row = maker
        .tables
        .row(Id::Calendar)
        .int(calendar)
        .int(school_id(index))
        .int(1)
        .int(i64::from(end_year))
        .made(|t| t.push_str(&format!("{}-{} {}", end_year - 1, end_year, kind.word())))
        .date(begin)
        .date(end);
    // A flag that was never touched is NULL, and means the same as 0.
    let row = if index.is_multiple_of(2) {
        row.null()
    } else {
        row.bit(false)
    };
    row.bit(false)
        .text(match kind {
            Kind::Elementary => "",
            Kind::Middle => "S",
            Kind::High => "I",
        })
        .int(1)
        .end();
}

fn grade_rows(maker: &mut Maker, kind: Kind, calendar: i64, structure: i64, first: usize) {
    // Preschool stands in the list of grades and takes no enrollments.
    let preschool = (kind == Kind::Elementary).then_some("PK");
    let grades = kind.grades().iter().skip(first).copied();
    for (seq, grade) in preschool.into_iter().chain(grades).enumerate() {
        maker
            .tables
            .row(Id::GradeLevel)
            .int(calendar)
            .int(structure)
            .text(grade)
            .text(grade)
            .int(seq as i64 + 1)
            .bit(grade == "PK")
            .end();
    }
}

fn structure(maker: &mut Maker, kind: Kind, calendar: i64, id: i64, span: Span) -> Structure {
    let schedule = id * 10 + 1;
    let spans = span.terms(kind.terms().len());
    maker
        .tables
        .row(Id::TermSchedule)
        .int(schedule)
        .int(id)
        .text("Main")
        .bit(true)
        .end();
    let mut terms = Vec::new();
    for (seq, (name, term)) in kind.terms().iter().zip(&spans).enumerate() {
        let term_id = schedule * 10 + seq as i64 + 1;
        terms.push(term_id);
        maker
            .tables
            .row(Id::Term)
            .int(term_id)
            .int(schedule)
            .text(name)
            .int(seq as i64 + 1)
            .date(term.begin)
            .date(term.end)
            .bit(true)
            .end();
    }
    for (which, name) in ["Draft", "Final", "What if"].iter().enumerate() {
        maker
            .tables
            .row(Id::Trial)
            .int(trial_id(id, which as i64 + 1))
            .int(calendar)
            .int(id)
            .text(name)
            .bit(*name == "Final")
            .end();
    }
    Structure {
        id,
        trial: trial_id(id, 2),
        terms,
        periods: period_rows(maker, kind, id),
        spans,
    }
}

fn period_rows(maker: &mut Maker, kind: Kind, structure: i64) -> Vec<i64> {
    let minutes = if kind == Kind::High { 90 } else { 50 };
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut periods = Vec::new();
    for (which, schedule) in kind.period_schedules().iter().enumerate() {
        let schedule_id = structure * 10 + which as i64 + 1;
        maker
            .tables
            .row(Id::PeriodSchedule)
            .int(schedule_id)
            .int(structure)
            .text(schedule)
            .int(which as i64 + 1)
            .end();
        maker.tally.add(Resource::BellSchedule, Fate::Sent);
        for (seq, name) in kind.periods().iter().enumerate() {
            let id = schedule_id * 100 + seq as i64 + 1;
            let start = 8 * 60 + seq as i64 * (minutes + 5);
            maker
                .tables
                .row(Id::Period)
                .int(id)
                .int(schedule_id)
                .text(name)
                .int(seq as i64 + 1)
                .text(&clock(start))
                .text(&clock(start + minutes))
                .int(minutes)
                .end();
            maker.tally.add(Resource::ClassPeriod, Fate::Sent);
            periods.push(id);
        }
    }
    periods
}

fn day_rows(maker: &mut Maker, calendar: i64, structure: &Structure, span: Span, kind: Kind) {
    let schedules = kind.period_schedules().len() as i64;
    let mut schooldays = 0;
    let mut day = span.begin;
    let mut ordinal = 0;
    while day <= span.end {
        if let Some(used) = maker.year.day(day) {
            ordinal += 1;
            let id = structure.id * 1000 + ordinal;
            let schedule = structure.id * 10 + 1 + schooldays % schedules;
            schooldays += i64::from(used.instruction);
            maker
                .tables
                .row(Id::Day)
                .int(id)
                .int(calendar)
                .int(structure.id)
                .int(schedule)
                .date(day)
                .bit(used.instruction)
                .text(match used.event {
                    Some("W") => "Closed: \"heavy snow\",\nsee the notice",
                    _ => "",
                })
                .end();
            if let Some(event) = used.event {
                maker
                    .tables
                    .row(Id::DayEvent)
                    .int(id * 10 + 1)
                    .int(id)
                    .text(event)
                    .null()
                    .end();
            }
            let mapped = used
                .event
                .is_some_and(|e| e != super::codes::UNMAPPED_EVENT);
            if used.instruction || mapped {
                maker.tally.add(Resource::CalendarDate, Fate::Sent);
            }
        }
        day = plus(day, 1);
    }
}
