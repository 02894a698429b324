//! The maker of a district: what every part writes to and draws from, and the order of the parts.
//!
//! Reads: nothing. Writes: the rows of the district itself. Never: random state; ids are counted
//! in the order that the rows are made.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::columns::Id;
use super::course::{self, Schedule};
use super::draw::Draw;
use super::expect::{Expected, Fate, Resource, Tally};
use super::family::{self, NewFamily};
use super::school::{self, Kind};
use super::staff::{self, Staff};
use super::table::{FileMark, Tables};
use super::year::Year;
use super::{Dirty, Options, decoy, fault, person, record};

/// A district in the making.
#[derive(Debug)]
pub(super) struct Maker {
    /// The files.
    pub(super) tables: Tables,
    /// What a first load has to report.
    pub(super) tally: Tally,
    /// The source of all draws.
    pub(super) draw: Draw,
    /// The next ids.
    pub(super) ids: Ids,
    /// The school year.
    pub(super) year: Year,
    /// Number of schools.
    pub(super) schools: usize,
    /// How many more students take the planted course.
    pub(super) guests: usize,
    students: usize,
    dirty: bool,
    /// The district's courses by number.
    courses: BTreeMap<String, Fate>,
}

macro_rules! ids {
    ($($name:ident: $first:literal,)+) => {
        /// The next id of each table that counts its ids.
        #[derive(Clone, Debug)]
        pub(super) struct Ids {
            $($name: i64,)+
        }

        impl Ids {
            fn new() -> Self {
                Self { $($name: $first,)+ }
            }

            $(
                /// The next id of this table.
                pub(super) fn $name(&mut self) -> i64 {
                    self.$name += 1;
                    self.$name
                }
            )+
        }
    };
}

ids! {
    person: 10_000_000,
    identity: 30_000_000,
    section: 50_000,
    room: 7_000,
    roster: 100_000,
    enrollment: 200_000,
    employment: 3_000,
    assignment: 4_000,
    household: 60_000,
    member: 80_000,
    address: 90_000,
    lep: 500,
}

impl Maker {
    /// Opens the files.
    pub(super) fn new(options: &Options, folder: &Path) -> io::Result<Self> {
        let draw = Draw::new(options.seed);
        Ok(Self {
            tables: Tables::create(folder)?,
            tally: Tally::new(),
            draw,
            ids: Ids::new(),
            year: Year::new(options.year, draw),
            schools: options.schools,
            guests: 5,
            students: options.students,
            dirty: options.dirty == Dirty::Sample,
            courses: BTreeMap::new(),
        })
    }

    /// Whether faults are planted at the school with this number, which is one of the first three.
    pub(super) fn planted_here(&self, school: usize, wanted: usize) -> bool {
        self.dirty && school == wanted
    }

    /// A course of this number is in the catalog of a school.
    pub(super) fn offer(&mut self, number: &str, fate: Fate) {
        if !self.courses.contains_key(number) {
            self.courses.insert(number.to_owned(), fate);
        }
    }

    /// Makes everything.
    pub(super) fn district(&mut self) {
        self.district_rows();
        staff::superintendent(self);
        for cluster in 0..self.schools.div_ceil(3) {
            self.cluster(cluster * 3);
        }
        for fate in std::mem::take(&mut self.courses).into_values() {
            self.tally.add(Resource::Course, fate);
        }
    }

    /// Closes the files.
    pub(super) fn finish(self) -> io::Result<(Expected, BTreeMap<String, FileMark>)> {
        let (rows, marks) = self.tables.finish()?;
        Ok((self.tally.finish(rows, self.year.end_year), marks))
    }

    fn district_rows(&mut self) {
        let row = self
            .tables
            .row(Id::District)
            .int(1)
            .text("Fernhollow Unified School District");
        let row = row
            .text("0042")
            .text("6F1C1D52-0B7E-4B5A-9D35-0F5E3C2A0042")
            .text("TX");
        row.text("Fictional").end();
        self.tally
            .add(Resource::LocalEducationAgency, Fate::Unchanged);
        for (id, (code, name, state)) in (1..).zip(record::BEHAVIOR) {
            let row = self.tables.row(Id::BehaviorType).int(id).text(code);
            row.text(name).text(state).end();
        }
        let row = self.tables.row(Id::Test).int(1).null().text("ST");
        row.text("State tests").end();
        for (id, (code, name)) in (2..).zip(record::TESTS) {
            let row = self.tables.row(Id::Test).int(id).int(1);
            row.text(code).text(name).end();
        }
        let active = self.year.end_year;
        for end_year in active - 1..=active + 1 {
            let year = Year::new(end_year, self.draw);
            let row = self.tables.row(Id::SchoolYear).int(i64::from(end_year));
            row.bit(end_year == active)
                .date(year.begin)
                .date(year.end)
                .end();
        }
        person::race_rows(self);
    }

    /// Makes up to three schools with everyone in them; `first` is the number of the first one.
    fn cluster(&mut self, first: usize) {
        let end = (first + 3).min(self.schools);
        // Students by the number of schools, so that the clusters fill the district exactly.
        let share = |schools: usize| {
            (self.students as u128 * schools as u128 / self.schools as u128) as u64
        };
        let (from, to) = (share(first), share(end));
        let grades = |school: usize| Kind::of(school).grades().len() as u64;
        let all_grades: u64 = (first..end).map(grades).sum();

        let mut cluster = Vec::new();
        let mut guest: Option<Staff> = None;
        for index in first..end {
            let expected = ((to - from) * grades(index)).div_ceil(all_grades.max(1));
            let (schedule, teachers) = self.school(index, expected, guest);
            guest = teachers.get(2).copied();
            if index == 0
                && let Some(teacher) = teachers.first()
            {
                decoy::excluded_school(self, *teacher);
            }
            let alumnus = decoy::of_school(self, &schedule, teachers.first().copied());
            if self.planted_here(index, 0) {
                fault::unreadable_rows(self, alumnus);
            }
            cluster.push(schedule);
        }
        self.families(&cluster, from, to);
    }

    fn school(
        &mut self,
        index: usize,
        students: u64,
        guest: Option<Staff>,
    ) -> (Schedule, Vec<Staff>) {
        let school = school::make(self, index);
        let mut schedule = course::plan(school, students);
        let teachers = staff::make(self, &schedule.school, schedule.planned());
        if let Some(guest) = guest {
            staff::lend(self, guest, &schedule.school);
        }
        schedule.fill(self, &teachers, guest);
        (schedule, teachers)
    }

    /// Makes the families of the students `from..to`; the last ones are the planted ones.
    fn families(&mut self, cluster: &[Schedule], from: u64, to: u64) {
        let planted: &[_] = if self.dirty && from == 0 {
            &fault::STUDENTS
        } else {
            &[]
        };
        let plain = to - planted.len() as u64;
        let mut first = from;
        while first < plain {
            let children = family::size(self, first, plain - first);
            family::make(
                self,
                cluster,
                NewFamily {
                    first,
                    children,
                    fault: None,
                },
            );
            first += children;
        }
        for (first, fault) in (plain..to).zip(planted) {
            family::make(
                self,
                cluster,
                NewFamily {
                    first,
                    children: 1,
                    fault: Some(*fault),
                },
            );
        }
    }
}
