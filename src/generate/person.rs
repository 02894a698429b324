//! People: the person, the identities, how they are reached.
//!
//! Reads: nothing. Writes: Person, Identity, IdentityRaceEthnicity, Contact. Never: a real name,
//! a social security number, a mail address outside example.org or a phone number outside 555-01xx.

use chrono::NaiveDate;

use super::Maker;
use super::columns::Id;
use super::draw::Lot;
use super::year::{date, plus};

/// What a person is, which decides the numbers they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Has a student number and a state id.
    Student,
    /// Has a staff number and a state id.
    Staff,
    /// Has neither.
    Contact,
}

/// A person to be made.
#[derive(Clone, Debug)]
pub(super) struct NewPerson<'a> {
    /// What they are.
    pub(super) role: Role,
    /// Their draws.
    pub(super) lot: Lot,
    /// Last name.
    pub(super) last: &'a str,
    /// Gender code.
    pub(super) gender: &'a str,
    /// Birth date.
    pub(super) birth: Option<NaiveDate>,
    /// The Ed-Fi id: None = derived from the personID, empty = none.
    pub(super) edfi_id: Option<&'a str>,
    /// Federal race code.
    pub(super) race: &'a str,
    /// raceID of each race listed for the current identity.
    pub(super) races: &'a [i64],
}

/// The race list: raceID is the federal code less one.
pub(super) fn race_rows(maker: &mut Maker) {
    for (code, name) in [
        (2, "American Indian or Alaska Native"),
        (3, "Asian"),
        (4, "Black or African American"),
        (5, "Native Hawaiian or Pacific Islander"),
        (6, "White"),
    ] {
        maker
            .tables
            .row(Id::RaceEthnicity)
            .int(code - 1)
            .text(name)
            .int(code)
            .end();
    }
}

/// Makes a person and returns the personID.
pub(super) fn make(maker: &mut Maker, new: &NewPerson<'_>) -> i64 {
    let person = maker.ids.person();
    // One person in five has an older identity: another last name, which must never be used.
    let older = new.lot.chance("older", 200).then(|| maker.ids.identity());
    let current = maker.ids.identity();
    let since = date(maker.year.end_year - 2, 8, 1);
    identity_row(maker, new, person, current, since, new.last);
    for race in new.races {
        maker
            .tables
            .row(Id::IdentityRaceEthnicity)
            .int(current)
            .int(*race)
            .end();
    }
    if let Some(older) = older {
        let since = date(maker.year.end_year - 4, 3, 1);
        identity_row(maker, new, person, older, since, "Formerly");
        maker
            .tables
            .row(Id::IdentityRaceEthnicity)
            .int(older)
            .int(1)
            .end();
    }
    person_row(maker, new, person, current);
    person
}

fn person_row(maker: &mut Maker, new: &NewPerson<'_>, person: i64, identity: i64) {
    let number = |wanted: bool, letter: &'static str| {
        move |t: &mut String| {
            if wanted {
                t.push_str(letter);
                push_number(t, person);
            }
        }
    };
    maker
        .tables
        .row(Id::Person)
        .int(person)
        .int(identity)
        .made(number(new.role != Role::Contact, "77"))
        .made(number(new.role == Role::Student, "1"))
        .made(number(new.role == Role::Staff, "2"))
        .made(|t| match new.edfi_id {
            Some(id) => t.push_str(id),
            None => {
                t.push('9');
                push_number(t, person);
            }
        })
        .end();
}

fn identity_row(
    maker: &mut Maker,
    new: &NewPerson<'_>,
    person: i64,
    identity: i64,
    since: NaiveDate,
    last: &str,
) {
    let lot = new.lot;
    maker
        .tables
        .row(Id::Identity)
        .int(identity)
        .int(person)
        .date(since)
        .text(last)
        .made(|t| super::names::first(lot, "first", t))
        .made(|t| {
            if lot.chance("middle?", 700) {
                super::names::first(lot, "middle", t);
            }
        })
        .text(new.gender)
        .date(new.birth)
        .text(match (new.race, lot.chance("hispanic?", 100)) {
            ("", _) => "",
            ("1", _) | (_, true) => "Y",
            _ => "N",
        })
        .text(new.race)
        .text(match new.role {
            Role::Student => lot.pick("birth town", &super::names::TOWNS),
            _ => "",
        })
        .text(if lot.chance("language", 150) {
            "spa"
        } else {
            "eng"
        })
        .end();
}

/// A person's mail address and phones.
pub(super) fn reach(maker: &mut Maker, person: i64, role: Role, lot: Lot) {
    let phone = |field: &'static str, per_mille: u64| {
        move |t: &mut String| {
            if lot.chance(field, per_mille) {
                push_phone(t, lot.below(field, 100));
            }
        }
    };
    let word = match role {
        Role::Student => "student",
        Role::Staff => "staff",
        Role::Contact => "family",
    };
    maker
        .tables
        .row(Id::Contact)
        .int(person)
        .made(|t| {
            t.push_str(word);
            push_number(t, person);
            t.push_str("@example.org");
        })
        .null()
        .made(phone("home", 300))
        .made(phone("work", if role == Role::Staff { 1000 } else { 100 }))
        .made(phone("cell", if role == Role::Student { 0 } else { 900 }))
        .end();
}

/// Appends a fictional phone number.
pub(super) fn push_phone(text: &mut String, line: u64) {
    text.push_str("(555) 555-01");
    text.push(char::from(b'0' + (line / 10 % 10) as u8));
    text.push(char::from(b'0' + (line % 10) as u8));
}

/// Appends a number of at least eight digits.
pub(super) fn push_number(text: &mut String, number: i64) {
    let mut unit = 10_000_000;
    while number / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        text.push(char::from(b'0' + (number / unit % 10).unsigned_abs() as u8));
        unit /= 10;
    }
}

/// A gender code.
pub(super) fn gender(lot: Lot) -> &'static str {
    match lot.below("gender", 200) {
        0 => "X",
        n if n % 2 == 0 => "F",
        _ => "M",
    }
}

/// Federal race code and the list of races that goes with it.
pub(super) fn race(lot: Lot) -> (&'static str, Vec<i64>) {
    match lot.below("race", 100) {
        0..24 => ("1", Vec::new()),
        24..26 => ("2", Vec::new()),
        26..34 => ("3", Vec::new()),
        34..50 => ("4", vec![3]),
        50..52 => ("5", Vec::new()),
        52..92 => ("6", Vec::new()),
        n => ("7", vec![1 + (n as i64) % 3, 5]),
    }
}

/// The birth date of someone who turns `age` within the 365 days from 1 September before the
/// school year.
pub(super) fn birth(end_year: i32, age: i32, lot: Lot) -> NaiveDate {
    plus(date(end_year - 2 - age, 9, 2), lot.below("birth", 364))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::draw::Draw;

    #[test]
    fn numbers_have_at_least_eight_digits() {
        let text = |n| {
            let mut text = String::new();
            push_number(&mut text, n);
            text
        };
        assert_eq!(text(7), "00000007");
        assert_eq!(text(123_456_789_012), "123456789012");
    }

    #[test]
    fn two_or_more_races_are_listed() {
        for n in 0..500 {
            let (code, races) = race(Draw::new(1).of("x", n));
            if code == "7" {
                assert!(races.len() == 2 && races[0] != races[1], "{races:?}");
            }
        }
    }
}
