//! The district of the DIS seed: as many schools, calendars, months, structures, schedules, days
//! and sections as the screen of the Resync State Data tool shows, and schools without a state
//! number below which as many hang as it shows errors.
//!
//! Reads: nothing. Writes: the tables of schools and schedules; those of people are empty. Never:
//! an answer of the pipeline: the numbers are shares of totals that the seed gives.
//! Source: Resync State Data - Batch, Results (Processed and Errors of each object).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::columns::Id;
use super::expect::{Expected, ResyncCounts};
use super::table::{FileMark, RowCounts, Tables};
use super::year::{Year, plus};
use super::{Options, draw::Draw};

/// Processed and errors of one object.
struct Shown {
    object: &'static str,
    processed: i64,
    errors: i64,
}

const fn shown(object: &'static str, processed: i64, errors: i64) -> Shown {
    Shown {
        object,
        processed,
        errors,
    }
}

const DISTRICT: Shown = shown("District", 1, 0);
const SCHOOLS: Shown = shown("School", 194, 11);
const CALENDARS: Shown = shown("Calendar", 230, 11);
const SECTIONS: Shown = shown("CourseSection", 16_557, 2_031);
const MONTHS: Shown = shown("SchoolMonth", 2_140, 110);
const STRUCTURES: Shown = shown("ScheduleStructure", 264, 11);
const TERM_SCHEDULES: Shown = shown("TermSchedule", 234, 7);
const PERIOD_SCHEDULES: Shown = shown("PeriodSchedule", 302, 10);
const DAYS: Shown = shown("Day", 6_534, 2_031);

/// Months of a calendar that has any.
const MONTHS_EACH: i64 = 10;
/// Sections of one course, about.
const SECTIONS_OF_A_COURSE: i64 = 6;

/// A total dealt out evenly: the share of part `n` of `parts`, the first ones taking what is left
/// over.
fn share(total: i64, parts: i64, n: i64) -> i64 {
    total / parts + i64::from(n < total % parts)
}

/// What a first resync has to report: Processed and Errors by object.
fn expected(rows: BTreeMap<String, RowCounts>, year: i32) -> Expected {
    let all = [
        DISTRICT,
        SCHOOLS,
        CALENDARS,
        SECTIONS,
        MONTHS,
        STRUCTURES,
        TERM_SCHEDULES,
        PERIOD_SCHEDULES,
        DAYS,
    ];
    let counts = |s: &Shown| ResyncCounts {
        processed: s.processed.unsigned_abs(),
        errors: s.errors.unsigned_abs(),
    };
    Expected {
        settings: BTreeMap::from([("school_year".to_owned(), year.into())]),
        rows,
        edfi: BTreeMap::new(),
        dis: all
            .iter()
            .map(|s| (s.object.to_owned(), counts(s)))
            .collect(),
        planted: Vec::new(),
    }
}

/// Makes the district; its expectation, and the files.
pub(super) fn make(
    options: &Options,
    folder: &Path,
) -> io::Result<(Expected, BTreeMap<String, FileMark>)> {
    let mut maker = Replica {
        tables: Tables::create(folder)?,
        year: Year::new(options.year, Draw::new(options.seed)),
        calendars: 0,
        structures: 0,
        term_schedules: 0,
        period_schedules: 0,
        refused: Dealt::default(),
        taken: Dealt::default(),
        ids: 0,
    };
    maker.district();
    let (rows, files) = maker.tables.finish()?;
    Ok((expected(rows, options.year), files))
}

/// How many calendars, structures and period schedules of one kind of school have had their share.
#[derive(Default)]
struct Dealt {
    calendars: i64,
    structures: i64,
    period_schedules: i64,
}

struct Replica {
    tables: Tables,
    year: Year,
    calendars: i64,
    structures: i64,
    term_schedules: i64,
    period_schedules: i64,
    /// Below the schools without a state number.
    refused: Dealt,
    /// Below the others.
    taken: Dealt,
    ids: i64,
}

impl Replica {
    fn district(&mut self) {
        let end_year = i64::from(self.year.end_year);
        self.tables
            .row(Id::District)
            .int(1)
            .text("Replica School District")
            .text("0042")
            .null()
            .text("TX")
            .text("Fictional")
            .end();
        self.tables
            .row(Id::SchoolYear)
            .int(end_year)
            .bit(true)
            .date(self.year.begin)
            .date(self.year.end)
            .end();
        // Those without a state number stand apart, as they would in an alphabetical list.
        let every = SCHOOLS.processed / SCHOOLS.errors;
        for school in 1..=SCHOOLS.processed {
            let refused = school % every == 0 && school / every <= SCHOOLS.errors;
            self.school(school, refused);
        }
    }

    fn id(&mut self) -> i64 {
        self.ids += 1;
        self.ids
    }

    fn school(&mut self, school: i64, refused: bool) {
        self.tables
            .row(Id::School)
            .int(school)
            .int(1)
            .made(|t| t.push_str(&format!("School {school}")))
            .made(|t| t.push_str(&format!("{school:03}")))
            .made(|t| match refused {
                true => {}
                false => t.push_str(&format!("S{school:05}")),
            })
            .bit(false)
            .text("Public")
            .null()
            .null()
            .null()
            .end();
        // A school without a number has one calendar; of the others, the first have a second one.
        let more = CALENDARS.processed - CALENDARS.errors - (SCHOOLS.processed - SCHOOLS.errors);
        self.calendar(school, refused);
        if !refused && self.taken.calendars < 2 * more {
            self.calendar(school, false);
        }
    }

    fn calendar(&mut self, school: i64, refused: bool) {
        self.calendars += 1;
        let calendar = self.calendars;
        let (sections, courses_of, with_months, structures) = if refused {
            let n = self.refused.calendars;
            self.refused.calendars += 1;
            let sections = share(SECTIONS.errors, CALENDARS.errors, n);
            (sections, n, MONTHS.errors / MONTHS_EACH, 1)
        } else {
            let n = self.taken.calendars;
            self.taken.calendars += 1;
            let calendars = CALENDARS.processed - CALENDARS.errors;
            let sections = share(SECTIONS.processed - SECTIONS.errors, calendars, n);
            let structures = STRUCTURES.processed - STRUCTURES.errors;
            let months = (MONTHS.processed - MONTHS.errors) / MONTHS_EACH;
            (sections, n, months, share(structures, calendars, n))
        };
        let end_year = i64::from(self.year.end_year);
        self.tables
            .row(Id::Calendar)
            .int(calendar)
            .int(school)
            .int(1)
            .int(end_year)
            .made(|t| t.push_str(&format!("{}-{end_year} {calendar}", end_year - 1)))
            .date(self.year.begin)
            .date(self.year.end)
            .bit(false)
            .bit(false)
            .null()
            .int(1)
            .end();
        if courses_of < with_months {
            self.months(calendar);
        }
        let mut trial = None;
        for _ in 0..structures {
            let structure = self.structure(calendar, refused);
            trial.get_or_insert(structure);
        }
        self.sections(calendar, trial.unwrap_or_default(), sections);
    }

    fn months(&mut self, calendar: i64) {
        for month in 0..MONTHS_EACH {
            let id = calendar * MONTHS_EACH + month;
            let begin = plus(self.year.begin, month.unsigned_abs() * 29);
            self.tables
                .row(Id::SchoolMonth)
                .int(id)
                .int(calendar)
                .int(month + 1)
                .made(|t| t.push_str(&format!("Month {}", month + 1)))
                .date(begin)
                .date(plus(begin, 28))
                .int(20)
                .end();
        }
    }

    /// Makes a structure with its schedules; its id, which is that of its trial, too.
    fn structure(&mut self, calendar: i64, refused: bool) -> i64 {
        self.structures += 1;
        let structure = self.structures;
        self.tables
            .row(Id::ScheduleStructure)
            .int(structure)
            .int(calendar)
            .text("Main")
            .end();
        self.tables
            .row(Id::Trial)
            .int(structure)
            .int(calendar)
            .int(structure)
            .text("Final")
            .bit(true)
            .end();
        let (structures, dealt) = match refused {
            true => (STRUCTURES.errors, &mut self.refused),
            false => (STRUCTURES.processed - STRUCTURES.errors, &mut self.taken),
        };
        let of = |s: Shown| match refused {
            true => s.errors,
            false => s.processed - s.errors,
        };
        let n = dealt.structures;
        dealt.structures += 1;
        for _ in 0..share(of(TERM_SCHEDULES), structures, n) {
            self.term_schedule(structure);
        }
        for _ in 0..share(of(PERIOD_SCHEDULES), structures, n) {
            let dealt = match refused {
                true => &mut self.refused,
                false => &mut self.taken,
            };
            let days = share(of(DAYS), of(PERIOD_SCHEDULES), dealt.period_schedules);
            dealt.period_schedules += 1;
            self.period_schedule(calendar, structure, days);
        }
        structure
    }

    fn term_schedule(&mut self, structure: i64) {
        self.term_schedules += 1;
        let schedule = self.term_schedules;
        self.tables
            .row(Id::TermSchedule)
            .int(schedule)
            .int(structure)
            .text("Main")
            .bit(true)
            .end();
        for (n, term) in self.year.span().terms(2).into_iter().enumerate() {
            let id = self.id();
            self.tables
                .row(Id::Term)
                .int(id)
                .int(schedule)
                .made(|t| t.push_str(&format!("S{}", n + 1)))
                .int(n as i64 + 1)
                .date(term.begin)
                .date(term.end)
                .bit(true)
                .end();
        }
    }

    fn period_schedule(&mut self, calendar: i64, structure: i64, days: i64) {
        self.period_schedules += 1;
        let schedule = self.period_schedules;
        self.tables
            .row(Id::PeriodSchedule)
            .int(schedule)
            .int(structure)
            .made(|t| t.push_str(&format!("Schedule {schedule}")))
            .int(1)
            .end();
        let period = self.id();
        self.tables
            .row(Id::Period)
            .int(period)
            .int(schedule)
            .text("1")
            .int(1)
            .text("08:00")
            .text("08:50")
            .int(50)
            .end();
        let mut date = self.year.begin;
        for _ in 0..days {
            while self.year.day(date).is_none() {
                date = plus(date, 1);
            }
            let id = self.id();
            let instruction = self.year.day(date).is_some_and(|day| day.instruction);
            self.tables
                .row(Id::Day)
                .int(id)
                .int(calendar)
                .int(structure)
                .int(schedule)
                .date(date)
                .bit(instruction)
                .null()
                .end();
            date = plus(date, 1);
        }
    }

    fn sections(&mut self, calendar: i64, trial: i64, sections: i64) {
        let mut course = 0;
        for n in 0..sections {
            if n % SECTIONS_OF_A_COURSE == 0 {
                course = self.id();
                self.tables
                    .row(Id::Course)
                    .int(course)
                    .int(calendar)
                    .null()
                    .made(|t| t.push_str(&format!("C{course}")))
                    .made(|t| t.push_str(&format!("Course {course}")))
                    .bit(false)
                    .bit(true)
                    .null()
                    .null()
                    .null()
                    .end();
            }
            let id = self.id();
            self.tables
                .row(Id::Section)
                .int(id)
                .int(course)
                .int(trial)
                .null()
                .int(n % SECTIONS_OF_A_COURSE + 1)
                .null()
                .null()
                .end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_dealt_out_to_the_last() {
        for (total, parts) in [(2031, 11), (7, 11), (4503, 292), (0, 3)] {
            let sum: i64 = (0..parts).map(|n| share(total, parts, n)).sum();
            assert_eq!(sum, total);
        }
    }
}
