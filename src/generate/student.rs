//! Students: the person, and what becomes of the person's own objects.
//!
//! Reads: nothing. Writes: LEP, and the people, enrollments and rosters it needs.
//! Never: families; who is whose child is the family's matter.

use super::Maker;
use super::columns::Id;
use super::course::Schedule;
use super::draw::Lot;
use super::expect::{Fate, Resource};
use super::fault::Fault;
use super::person::{self, NewPerson, Role};
use super::school::Kind;
use super::year::plus;
use super::{decoy, enrollment, record, roster};

/// A student to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewStudent<'a> {
    /// Number in the district, 0 = first.
    pub(super) ordinal: u64,
    /// The school, within the cluster.
    pub(super) school: usize,
    /// Place of the grade among the school's.
    pub(super) grade: usize,
    /// Last name.
    pub(super) last: &'a str,
    /// What is wrong with the student on purpose.
    pub(super) fault: Option<Fault>,
}

/// A student as families, enrollments and rosters refer to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Student {
    /// personID.
    pub(super) person: i64,
    /// Whether there is a `students` object: an enrollment in scope that counts.
    pub(super) counts: bool,
    /// What becomes of that object.
    pub(super) fate: Fate,
    /// The student's draws.
    pub(super) lot: Lot,
    /// Number in the district.
    pub(super) ordinal: u64,
    /// The school, within the cluster.
    pub(super) school: usize,
    /// Place of the grade among the school's.
    pub(super) grade: usize,
    /// Place of the schedule structure among the school's.
    pub(super) structure: usize,
    /// What is wrong on purpose.
    pub(super) fault: Option<Fault>,
}

/// Makes a student with enrollments and rosters.
pub(super) fn make(
    maker: &mut Maker,
    cluster: &[Schedule],
    new: NewStudent<'_>,
) -> Option<Student> {
    let schedule = cluster.get(new.school)?;
    let lot = maker.draw.of("Student", new.ordinal);
    let held = matches!(new.fault, Some(Fault::NoShow | Fault::StateExcluded));
    // The second structure of a high school takes a fourth of the older students.
    let early = schedule.school.kind == Kind::High && new.grade >= 2 && lot.chance("early", 250);
    let student = Student {
        person: person(maker, schedule.school.kind, lot, new),
        counts: !held,
        fate: new.fault.map_or(Fate::Sent, Fault::student),
        lot,
        ordinal: new.ordinal,
        school: new.school,
        grade: new.grade,
        structure: usize::from(early && new.fault.is_none()),
        fault: new.fault,
    };
    if student.counts {
        maker.tally.add(Resource::Student, student.fate);
        let own = new.fault.and_then(Fault::student_ed_org);
        let fate = own.unwrap_or_else(|| Fate::of_child(&[student.fate]));
        maker.tally.add(Resource::StudentEdOrg, fate);
    }
    let path = enrollment::path(maker, schedule, &student);
    enrollment::make(maker, cluster, &student, path);
    if student.counts {
        roster::make(maker, schedule, &student, path);
        record::make(maker, &schedule.school, &student);
    }
    if new.fault.is_none() && new.ordinal.is_multiple_of(20) {
        decoy::last_year_enrollment(maker, schedule.school.index, student.person);
    }
    if lot.chance("lep", 100) {
        lep_row(maker, student.person, lot);
    }
    Some(student)
}

fn person(maker: &mut Maker, kind: Kind, lot: Lot, new: NewStudent<'_>) -> i64 {
    let youngest = match kind {
        Kind::Elementary => 6,
        Kind::Middle => 12,
        Kind::High => 15,
    };
    let age = youngest + i32::try_from(new.grade).unwrap_or(0);
    let (mut race, mut races) = person::race(lot);
    if new.fault == Some(Fault::RaceWithoutDetail) {
        (race, races) = ("7", Vec::new());
    }
    let long =
        (new.fault == Some(Fault::LongName)).then(|| "Featherstonehaugh-".repeat(4) + new.last);
    if let Some(fault) = new.fault {
        fault.note_person(maker);
    }
    let new_person = NewPerson {
        role: Role::Student,
        lot,
        last: long.as_deref().unwrap_or(new.last),
        gender: person::gender(lot),
        birth: (new.fault != Some(Fault::NoBirthdate))
            .then(|| person::birth(maker.year.end_year, age, lot)),
        edfi_id: match new.fault {
            Some(Fault::NoEdFiId) => Some(""),
            Some(Fault::SharedId) => Some("999999999"),
            _ => None,
        },
        race,
        races: &races,
    };
    let person = person::make(maker, &new_person);
    if kind != Kind::Elementary {
        person::reach(maker, person, Role::Student, lot);
    }
    person
}

fn lep_row(maker: &mut Maker, person: i64, lot: Lot) {
    let id = maker.ids.lep();
    let since = plus(maker.year.opens(), 60);
    let status = lot.pick("lep status", &["LEP", "LEP", "Exited LEP", "Not LEP"]);
    let row = maker.tables.row(Id::LEP).int(id).int(person).text(status);
    row.date(since).null().end();
}
