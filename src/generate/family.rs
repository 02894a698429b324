//! Families: siblings share guardians, a household and an address.
//!
//! Reads: nothing. Writes: RelatedPair, Household, HouseholdMember, HouseholdLocation, Address,
//! and the people they need. Never: more than one family in memory.

use chrono::NaiveDate;

use super::Maker;
use super::columns::Id;
use super::course::Schedule;
use super::draw::Lot;
use super::expect::{Fate, Resource};
use super::fault::Fault;
use super::person::{self, NewPerson, Role};
use super::student::{self, NewStudent, Student};
use super::year::{date, minus};

/// A family to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewFamily {
    /// Number of its first child in the district; the children follow each other.
    pub(super) first: u64,
    /// Number of children.
    pub(super) children: u64,
    /// What is wrong with its only child on purpose, and the child's school in the cluster.
    pub(super) fault: Option<(Fault, usize)>,
}

/// A grown-up of the family.
#[derive(Clone, Copy, Debug)]
struct Adult {
    person: i64,
    relation: &'static str,
    guardian: bool,
    /// When the relationship ended, for one that did.
    ended: Option<NaiveDate>,
}

/// How many children the family has that begins at this student, at most `left`.
pub(super) fn size(maker: &Maker, first: u64, left: u64) -> u64 {
    let lot = maker.draw.of("Family", first);
    let children = match lot.below("size", 20) {
        0..9 => 1,
        9..17 => 2,
        _ => 3,
    };
    children.min(left)
}

/// Makes a family with its children.
pub(super) fn make(maker: &mut Maker, cluster: &[Schedule], new: NewFamily) {
    let lot = maker.draw.of("Family", new.first);
    let mut last = String::new();
    super::names::last(lot, &mut last);
    let children: Vec<Student> = (new.first..new.first + new.children)
        .filter_map(|ordinal| child(maker, cluster, ordinal, &last, new.fault))
        .collect();
    let adults = adults(maker, lot, &last);

    for adult in &adults {
        let current = adult.guardian && adult.ended.is_none();
        if current && children.iter().any(|c| c.counts) {
            maker.tally.add(Resource::Contact, Fate::Sent);
        }
    }
    for child in &children {
        pairs(maker, *child, &adults, &children);
    }
    household(maker, lot, &last, &adults, &children);
}

fn child(
    maker: &mut Maker,
    cluster: &[Schedule],
    ordinal: u64,
    last: &str,
    fault: Option<(Fault, usize)>,
) -> Option<Student> {
    let lot = maker.draw.of("Student", ordinal);
    // Any grade of the cluster's schools, each as likely.
    let grades = |s: &Schedule| s.school.kind.grades().len();
    let mut place = lot.index("grade", cluster.iter().map(grades).sum());
    let mut school = 0;
    while let Some(schedule) = cluster.get(school)
        && place >= grades(schedule)
    {
        place -= grades(schedule);
        school += 1;
    }
    let (fault, school, grade) = match fault {
        Some((fault, school)) => (Some(fault), school, 1),
        None => (None, school, place),
    };
    student::make(
        maker,
        cluster,
        NewStudent {
            ordinal,
            school,
            grade,
            last,
            fault,
        },
    )
}

fn adults(maker: &mut Maker, lot: Lot, last: &str) -> Vec<Adult> {
    let mut adults = Vec::new();
    let mut adult = |maker: &mut Maker, lot: Lot, relation, guardian, ended| {
        let new = NewPerson {
            role: Role::Contact,
            lot,
            last,
            gender: match relation {
                "Father" => "M",
                _ => "F",
            },
            birth: None,
            edfi_id: None,
            race: "",
            races: &[],
        };
        let person = person::make(maker, &new);
        person::reach(maker, person, Role::Contact, lot);
        adults.push(Adult {
            person,
            relation,
            guardian,
            ended,
        });
    };
    let of = |maker: &Maker, n: u64| maker.draw.of("Adult", lot.bits("adults").wrapping_add(n));
    let first = if lot.chance("guardian", 50) {
        "Guardian"
    } else {
        "Mother"
    };
    let lot_of_first = of(maker, 0);
    adult(maker, lot_of_first, first, true, None);
    if lot.chance("second", 850) {
        // A few second guardians stopped being one before the school year.
        let opens = maker.year.opens();
        let ended = lot.chance("ended", 40).then(|| minus(opens, 1));
        let lot = of(maker, 1);
        adult(maker, lot, "Father", true, ended);
    }
    if lot.chance("grandmother", 250) {
        let lot = of(maker, 2);
        adult(maker, lot, "Grandmother", false, None);
    }
    adults
}

fn pairs(maker: &mut Maker, child: Student, adults: &[Adult], children: &[Student]) {
    let since = date(maker.year.end_year - 3, 8, 1);
    for (n, adult) in adults.iter().enumerate() {
        maker
            .tables
            .row(Id::RelatedPair)
            .int(child.person)
            .int(adult.person)
            .text(adult.relation)
            .bit(adult.guardian)
            .int(n as i64 + 1)
            .date(since)
            .date(adult.ended)
            .bit(n == 0)
            .bit(adult.guardian)
            .end();
        if adult.guardian && adult.ended.is_none() && child.counts {
            maker
                .tally
                .add(Resource::StudentContact, Fate::of_child(&[child.fate]));
        }
    }
    for sibling in children.iter().filter(|c| c.person != child.person) {
        maker
            .tables
            .row(Id::RelatedPair)
            .int(child.person)
            .int(sibling.person)
            .text("Sibling")
            .bit(false)
            .int(9)
            .null()
            .null()
            .bit(false)
            .bit(false)
            .end();
    }
}

fn household(maker: &mut Maker, lot: Lot, last: &str, adults: &[Adult], children: &[Student]) {
    let id = maker.ids.household();
    maker
        .tables
        .row(Id::Household)
        .int(id)
        .text(last)
        .made(|t| person::push_phone(t, lot.below("household phone", 100)))
        .end();
    let since = date(maker.year.end_year - 3, 8, 1);
    let moved = date(maker.year.end_year - 2, 6, 30);
    let here = address(maker, lot);
    // One household in ten has an address that it left: never the current one.
    let before = lot.chance("moved", 100).then(|| {
        let lot = maker.draw.of("Former address", id.unsigned_abs());
        address(maker, lot)
    });
    location(maker, id, here, before.map_or(since, |_| moved), None);
    if let Some(before) = before {
        location(maker, id, before, since, Some(moved));
    }
    let parents = adults.iter().filter(|a| a.guardian && a.ended.is_none());
    let people = children
        .iter()
        .map(|c| c.person)
        .chain(parents.map(|a| a.person));
    for person in people {
        let member = maker.ids.member();
        maker
            .tables
            .row(Id::HouseholdMember)
            .int(member)
            .int(id)
            .int(person)
            .bit(false)
            .date(since)
            .null()
            .end();
    }
}

fn address(maker: &mut Maker, lot: Lot) -> i64 {
    let id = maker.ids.address();
    maker
        .tables
        .row(Id::Address)
        .int(id)
        .int(100 + lot.below("number", 900) as i64)
        .text(if lot.chance("prefix", 150) { "N" } else { "" })
        .text(super::names::street(lot))
        .text(lot.pick("tag", &super::names::TAGS))
        .made(|t| {
            if lot.chance("apt?", 200) {
                t.push_str("Apt ");
                t.push(char::from(b'A' + lot.below("apt", 26) as u8));
            }
        })
        .text(lot.pick("town", &super::names::TOWNS))
        .text("TX")
        .int(79_900 + lot.below("zip", 90) as i64)
        .end();
    id
}

fn location(
    maker: &mut Maker,
    household: i64,
    address: i64,
    begin: NaiveDate,
    end: Option<NaiveDate>,
) {
    maker
        .tables
        .row(Id::HouseholdLocation)
        .int(household)
        .int(address)
        .bit(true)
        .bit(true)
        .bit(false)
        .date(begin)
        .date(end)
        .end();
}
