//! What a student's year leaves behind: absences, behavior, test scores, graduation.
//!
//! Reads: nothing. Writes: Attendance, BehaviorIncident, BehaviorEvent, BehaviorRole, TestScore,
//! Graduation. Never: a row of a student who never comes.

use super::Maker;
use super::columns::Id;
use super::month::excuse_id;
use super::school::{Kind, School, school_id};
use super::student::Student;
use super::year::plus;

/// Kinds of behavior: code, name, the state's code (the last one has none).
pub(super) const BEHAVIOR: [(&str, &str, &str); 4] = [
    ("TRU", "Truancy", "S01"),
    ("FGT", "Fighting", "S14"),
    ("PHN", "Phone in class", "S22"),
    ("GUM", "Chewing gum", ""),
];

/// Tests: code and name.
pub(super) const TESTS: [(&str, &str); 3] = [
    ("RD", "State reading test"),
    ("MA", "State mathematics test"),
    ("SC", "State science test"),
];

/// Makes the records of one student.
pub(super) fn make(maker: &mut Maker, school: &School, student: &Student) {
    if !student.counts {
        return;
    }
    absences(maker, school, student);
    if student.lot.chance("incident", 120) {
        incident(maker, school, student);
    }
    scores(maker, school, student);
    if school.kind == Kind::High && student.grade == 3 {
        graduation(maker, school, student);
    }
}

fn absences(maker: &mut Maker, school: &School, student: &Student) {
    let Some(structure) = school.structures.get(student.structure) else {
        return;
    };
    for n in 0..student.lot.below("absences", 5) {
        let lot = maker.draw.of("Absence", student.ordinal * 8 + n);
        let mut date = plus(maker.year.begin, 15 + lot.below("date", 240));
        while maker.year.day(date).is_none_or(|day| !day.instruction) {
            date = plus(date, 1);
        }
        let period = lot.index("period", structure.periods.len());
        let period = structure.periods.get(period).copied().unwrap_or(0);
        let excused = lot.chance("excused", 600);
        let late = lot.chance("late", 250);
        let id = student.ordinal as i64 * 8 + n as i64 + 900_001;
        let row = maker
            .tables
            .row(Id::Attendance)
            .int(id)
            .int(school.calendar)
            .int(student.person)
            .int(period);
        let row = match excused {
            true => row.int(excuse_id(school.calendar, 1 + i64::from(late))),
            false => row.null(),
        };
        row.date(date)
            .text(if late { "T" } else { "A" })
            .text(if excused { "" } else { "U" })
            .maybe(late.then_some(35))
            .end();
    }
}

fn incident(maker: &mut Maker, school: &School, student: &Student) {
    let lot = student.lot;
    let id = student.ordinal as i64 + 700_001;
    let date = plus(maker.year.begin, 10 + lot.below("incident date", 200));
    // Most incidents are complete; drafts and submitted ones stay with the district.
    let status = lot.pick("incident status", &["CM", "CM", "CM", "CM", "SB", "DF"]);
    maker
        .tables
        .row(Id::BehaviorIncident)
        .int(id)
        .int(school.calendar)
        .made(|t| t.push_str(&format!("{date} 10:{:02}:00", id % 60)))
        .text(status)
        .text("Referral")
        .text(lot.pick("place", &["Hallway", "Classroom", "Bus", "Gym"]))
        .end();
    let kind = lot.below("behavior", BEHAVIOR.len() as u64) as i64 + 1;
    maker
        .tables
        .row(Id::BehaviorEvent)
        .int(id)
        .int(id)
        .int(kind)
        .end();
    maker
        .tables
        .row(Id::BehaviorRole)
        .int(id)
        .int(id)
        .int(student.person)
        .text("Offender")
        .end();
}

fn scores(maker: &mut Maker, school: &School, student: &Student) {
    let grades = school.kind.grades();
    let grade = grades.get(student.grade).copied().unwrap_or("");
    let tested = maker.year.begin;
    for n in 0..1 + student.lot.below("tests", 2) {
        let lot = maker.draw.of("Score", student.ordinal * 4 + n);
        let score = 300 + lot.below("scale", 400) as i64;
        let level = match score {
            ..400 => "Below basic",
            400..500 => "Basic",
            500..620 => "Proficient",
            _ => "Advanced",
        };
        maker
            .tables
            .row(Id::TestScore)
            .int(student.ordinal as i64 * 4 + n as i64 + 500_001)
            .int(student.person)
            .int(n as i64 + 2)
            .date(plus(tested, 240 + n))
            .int(score)
            .int((score - 300) / 4)
            .text(level)
            .text(grade)
            .end();
    }
}

fn graduation(maker: &mut Maker, school: &School, student: &Student) {
    let year = i64::from(maker.year.end_year);
    let graduates = student.lot.chance("graduates", 900);
    let end = maker.year.end;
    maker
        .tables
        .row(Id::Graduation)
        .int(student.ordinal as i64 + 600_001)
        .int(student.person)
        .int(school_id(school.index))
        .date(graduates.then_some(end))
        .text(if graduates { "10" } else { "" })
        .maybe(graduates.then_some(year))
        .int(year)
        .end();
}
