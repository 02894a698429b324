//! Students: enrollments and rosters.
//!
//! Reads: nothing. Writes: Enrollment, Roster, LEP, and the people they need.
//! Never: families; who is whose child is the family's matter.

use chrono::NaiveDate;

use super::Maker;
use super::catalog::{self, Taken};
use super::columns::Id;
use super::course::{Course, Schedule, Section};
use super::draw::Lot;
use super::expect::{Fate, Resource};
use super::fault::Fault;
use super::person::{self, NewPerson, Role};
use super::school::{Kind, calendar_id, structure_id};
use super::year::{Span, plus};

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

/// A student as the family refers to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Student {
    /// personID.
    pub(super) person: i64,
    /// Whether there is a `students` object: an enrollment in scope that counts.
    pub(super) counts: bool,
    /// What becomes of that object.
    pub(super) fate: Fate,
}

/// How a student's year goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
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

/// Makes a student with enrollments and rosters.
pub(super) fn make(
    maker: &mut Maker,
    cluster: &[Schedule],
    new: NewStudent<'_>,
) -> Option<Student> {
    let schedule = cluster.get(new.school)?;
    let lot = maker.draw.of("Student", new.ordinal);
    let grade = schedule.school.kind.grades().get(new.grade).copied()?;
    let (person, own, seoa) = student_person(maker, schedule, lot, new);
    let held = matches!(new.fault, Some(Fault::NoShow | Fault::StateExcluded));
    let student = Student {
        person,
        counts: !held,
        fate: own,
    };
    if student.counts {
        maker.tally.add(Resource::Student, own);
        let fate = seoa.unwrap_or_else(|| Fate::of_child(&[own]));
        maker.tally.add(Resource::StudentEdOrg, fate);
    }

    // The second structure of a high school takes a fourth of the older students.
    let early = schedule.school.kind == Kind::High && new.grade >= 2 && lot.chance("early", 250);
    let structure = usize::from(early && new.fault.is_none());
    let path = path(maker, schedule, lot, new);
    enroll(maker, cluster, lot, new, grade, student, structure, path);
    if student.counts {
        sit(maker, schedule, lot, new, student, structure, path);
    }
    if new.fault.is_none() && new.ordinal % 20 == 0 {
        super::decoy::last_year_enrollment(maker, schedule.school.index, person);
    }
    if lot.chance("lep", 100) {
        let id = maker.ids.lep();
        let since = plus(maker.year.opens(), 60);
        let status = lot.pick("lep status", &["LEP", "LEP", "Exited LEP", "Not LEP"]);
        maker
            .tables
            .row(Id::LEP)
            .int(id)
            .int(person)
            .text(status)
            .date(since)
            .null()
            .end();
    }
    Some(student)
}

/// The person, the fate of the `students` object, and the fate of the education organization
/// association where it has a fault of its own.
fn student_person(
    maker: &mut Maker,
    schedule: &Schedule,
    lot: Lot,
    new: NewStudent<'_>,
) -> (i64, Fate, Option<Fate>) {
    let years = match schedule.school.kind {
        Kind::Elementary => 6,
        Kind::Middle => 12,
        Kind::High => 15,
    };
    let age = years + i32::try_from(new.grade).unwrap_or(0);
    let (mut code, mut races) = person::race(lot);
    if new.fault == Some(Fault::RaceWithoutDetail) {
        (code, races) = ("7", Vec::new());
    }
    let long = "Featherstonehaugh-".repeat(4) + new.last;
    let new_person = NewPerson {
        role: Role::Student,
        lot,
        last: if new.fault == Some(Fault::LongName) {
            &long
        } else {
            new.last
        },
        gender: person::gender(lot),
        birth: (new.fault != Some(Fault::NoBirthdate))
            .then(|| person::birth(maker.year.end_year, age, lot)),
        edfi_id: match new.fault {
            Some(Fault::NoEdFiId) => Some(""),
            Some(Fault::SharedId) => Some("999999999"),
            _ => None,
        },
        race: code,
        races: &races,
    };
    if let Some(fault) = new.fault {
        fault.note_person(maker);
    }
    let person = person::make(maker, &new_person);
    if schedule.school.kind != Kind::Elementary {
        person::reach(maker, person, Role::Student, lot);
    }
    let own = new.fault.map_or(Fate::Sent, Fault::student);
    (person, own, new.fault.and_then(Fault::student_ed_org))
}

fn path(maker: &Maker, schedule: &Schedule, lot: Lot, new: NewStudent<'_>) -> Path {
    if new.fault.is_some() {
        return Path::Stays;
    }
    let begin = maker.year.begin;
    let first = plus(begin, 30 + lot.below("first date", 120));
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

#[expect(
    clippy::too_many_arguments,
    reason = "one call, all of it what the rows say"
)]
fn enroll(
    maker: &mut Maker,
    cluster: &[Schedule],
    lot: Lot,
    new: NewStudent<'_>,
    grade: &str,
    student: Student,
    structure: usize,
    path: Path,
) {
    let Some(schedule) = cluster.get(new.school) else {
        return;
    };
    let calendar = schedule.school.calendar;
    // Some elementary schools write grade 1 without the zero.
    let plain = schedule.school.kind == Kind::Elementary && lot.chance("plain grade", 100);
    let grade = match (new.fault, grade.strip_prefix('0')) {
        (Some(Fault::UnknownGrade), _) => super::codes::UNKNOWN_GRADE,
        (_, Some(digit)) if plain => digit,
        _ => grade,
    };
    let whole = Spell {
        calendar,
        structure: schedule
            .school
            .structures
            .get(structure)
            .map_or(0, |s| s.id),
        grade,
        service: "P",
        begin: maker.year.begin,
        begin_code: if lot.chance("new", 80) { "N" } else { "Y" },
        end: None,
        end_code: "",
    };
    let spells = match path {
        Path::Stays => vec![whole],
        Path::Late(day) => vec![Spell {
            begin: day,
            begin_code: "T",
            ..whole
        }],
        Path::Leaves(day) => vec![Spell {
            end: Some(day),
            end_code: "W",
            ..whole
        }],
        Path::Returns(left, back) => vec![
            Spell {
                end: Some(left),
                end_code: "T",
                ..whole
            },
            Spell {
                begin: back,
                begin_code: "R",
                ..whole
            },
        ],
        Path::Moves(other, left, came) => {
            let calendar = calendar_id(other, 2);
            let structure = structure_id(calendar, 1);
            vec![
                Spell {
                    calendar,
                    structure,
                    end: Some(left),
                    end_code: "T",
                    ..whole
                },
                Spell {
                    begin: came,
                    begin_code: "T",
                    ..whole
                },
            ]
        }
    };
    for spell in spells {
        if let Some(fault) = new.fault {
            fault.note_enrollment(maker);
        }
        enrollment_row(maker, student.person, spell, new.fault);
        let own = new.fault.and_then(Fault::enrollment);
        let fate = own.unwrap_or_else(|| Fate::of_child(&[student.fate]));
        maker.tally.add(Resource::StudentSchool, fate);
    }
    // A second school at the same time: a class there (S), or services only (N, out of scope).
    let second = cluster.get(new.school + 1).filter(|_| new.fault.is_none());
    if let Some(second) = second {
        let begin = plus(maker.year.begin, 14);
        let calendar = second.school.calendar;
        let spell = Spell {
            calendar,
            structure: structure_id(calendar, 1),
            begin,
            ..whole
        };
        match lot.below("second school", 60) {
            0 => {
                enrollment_row(
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
            1 => enrollment_row(
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
}

fn enrollment_row(maker: &mut Maker, person: i64, spell: Spell<'_>, fault: Option<Fault>) {
    let id = maker.ids.enrollment();
    let end_year = i64::from(maker.year.end_year);
    let row = maker
        .tables
        .row(Id::Enrollment)
        .int(id)
        .int(person)
        .int(spell.calendar)
        .int(spell.structure)
        .int(1)
        .int(end_year)
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
    row.date(spell.begin)
        .text(spell.begin_code)
        .date(spell.end)
        .text(spell.end_code)
        .end();
}

/// Puts the student into a section of each course that the grade takes.
fn sit(
    maker: &mut Maker,
    schedule: &Schedule,
    lot: Lot,
    new: NewStudent<'_>,
    student: Student,
    structure: usize,
    path: Path,
) {
    let kind = schedule.school.kind;
    let grade = kind.grades().get(new.grade).copied();
    let choice: Vec<usize> = (0..catalog::groups(kind))
        .map(|group| {
            lot.index(
                ["g0", "g1", "g2", "g3"].get(group).copied().unwrap_or("g"),
                2,
            )
        })
        .collect();
    let mut seen = vec![0; choice.len()];
    for course in &schedule.courses {
        let taken = match course.entry.taken {
            Taken::ByAll => course.entry.grade == grade,
            Taken::ByNone => false,
            Taken::ByDraw { group } => {
                let place = seen.get(group).copied().unwrap_or(0);
                if let Some(seen) = seen.get_mut(group) {
                    *seen += 1;
                }
                let size = schedule
                    .courses
                    .iter()
                    .filter(|c| c.entry.taken == Taken::ByDraw { group })
                    .count();
                choice.get(group).is_some_and(|c| c % size.max(1) == place)
            }
        };
        if taken {
            rosters(maker, schedule, lot, new, student, course, structure, path);
        }
    }
    extras(maker, schedule, new, student, structure, path);
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call, all of it what the rows say"
)]
fn rosters(
    maker: &mut Maker,
    schedule: &Schedule,
    lot: Lot,
    new: NewStudent<'_>,
    student: Student,
    course: &Course,
    structure: usize,
    path: Path,
) {
    let Some(range) = course.sections.get(structure).filter(|r| !r.is_empty()) else {
        return;
    };
    let ordinal = usize::try_from(new.ordinal).unwrap_or(0);
    let at = |n: usize| {
        schedule
            .sections
            .get(range.start + n % range.len())
            .copied()
    };
    let (Some(section), Some(other)) = (at(ordinal), at(ordinal + 1)) else {
        return;
    };
    let mut seat = |section, begin, end, enrolled: (NaiveDate, Option<NaiveDate>)| {
        roster(maker, schedule, student, section, (begin, end), enrolled);
    };
    let first_day = schedule.spans(u8::MAX).next().map(|s| s.begin);
    let (Some(first_day), Some(class_begin)) = (
        first_day,
        schedule.spans(section.terms).next().map(|s| s.begin),
    ) else {
        return;
    };
    match path {
        Path::Late(day) | Path::Moves(_, _, day) => seat(section, None, None, (day, None)),
        Path::Leaves(day) => {
            let end = lot.chance("roster end", 500).then_some(day);
            seat(section, None, end, (first_day, Some(day)));
        }
        Path::Returns(left, back) => {
            seat(section, None, Some(left), (first_day, Some(left)));
            seat(section, Some(back), None, (back, None));
        }
        Path::Stays => match lot.below(&course.entry.number, 40) {
            // The student changes to another section of the course.
            0 if other.id != section.id => {
                let day = plus(class_begin, 40);
                seat(section, None, Some(day), (first_day, None));
                seat(other, Some(plus(day, 1)), None, (first_day, None));
            }
            // The roster says when it begins.
            1..=4 => seat(section, Some(plus(class_begin, 5)), None, (first_day, None)),
            // Put in after the last day of the class: no object comes of it.
            5 => seat(
                section,
                Some(plus(maker_end(schedule, section), 1)),
                None,
                (first_day, None),
            ),
            _ => seat(section, None, None, (first_day, None)),
        },
    }
}

/// Last day of a section's last term.
fn maker_end(schedule: &Schedule, section: Section) -> NaiveDate {
    schedule
        .spans(section.terms)
        .last()
        .map_or(NaiveDate::MAX, |s| s.end)
}

/// A roster row, and one object per term of the section that roster and enrollment overlap.
pub(super) fn roster(
    maker: &mut Maker,
    schedule: &Schedule,
    student: Student,
    section: Section,
    (begin, end): (Option<NaiveDate>, Option<NaiveDate>),
    (enrolled, left): (NaiveDate, Option<NaiveDate>),
) {
    roster_row(maker, student.person, section.id, section.trial, begin, end);
    let fate = Fate::of_child(&[student.fate, section.fate]);
    let in_roster = |s: Span| s.clip(begin, end);
    let in_enrollment = |s: Span| s.clip(Some(enrolled), left);
    let spans = schedule.spans(section.terms);
    let count = spans
        .filter_map(in_roster)
        .filter_map(in_enrollment)
        .count();
    maker
        .tally
        .add_many(Resource::StudentSection, fate, count as u64);
}

/// A roster row, whatever comes of it.
pub(super) fn roster_row(
    maker: &mut Maker,
    person: i64,
    section: i64,
    trial: i64,
    begin: Option<NaiveDate>,
    end: Option<NaiveDate>,
) {
    let id = maker.ids.roster();
    let day = maker.year.begin;
    maker
        .tables
        .row(Id::Roster)
        .int(id)
        .int(person)
        .int(section)
        .int(trial)
        .date(begin)
        .date(end)
        .date(day)
        .end();
}

/// Rosters besides the student's own courses: planted ones and decoys.
fn extras(
    maker: &mut Maker,
    schedule: &Schedule,
    new: NewStudent<'_>,
    student: Student,
    structure: usize,
    path: Path,
) {
    let whole = (maker.year.begin, None);
    if new.fault == Some(Fault::OrphanRoster) {
        let trial = schedule.school.structures.first().map_or(0, |s| s.trial);
        let line = maker.tables.line(Id::Roster);
        maker.tally.plant(
            "orphan_row",
            "Roster",
            line,
            "roster of a section that is missing",
        );
        roster_row(maker, student.person, 1, trial, None, None);
        maker
            .tally
            .add(Resource::StudentSection, Fate::Rejected("orphan_row"));
    }
    let plain = new.fault.is_none() && path == Path::Stays;
    if let Some(section) = schedule.blocked.filter(|_| plain && maker.guests > 0) {
        maker.guests -= 1;
        roster(maker, schedule, student, section, (None, None), whole);
    }
    // In an inactive trial: never a class of the student.
    if let Some(structure) = schedule.school.structures.get(structure)
        && new.ordinal % 25 == 0
        && let Some(section) = schedule.sections.first()
    {
        roster_row(
            maker,
            student.person,
            section.id,
            structure.trial - 1,
            None,
            None,
        );
    }
}
