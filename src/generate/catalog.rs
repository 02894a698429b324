//! The course catalog of each kind of school.
//!
//! Reads: nothing. Writes: nothing. Never: differs between two schools of a kind, so that equal
//! course numbers collapse to one course of the district.

use super::school::Kind;

/// A course as the catalog has it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Course.number.
    pub(super) number: String,
    /// Course.name.
    pub(super) name: String,
    /// The grade that takes it; None: all grades of the school may.
    pub(super) grade: Option<&'static str>,
    /// The terms it is taught in, bit 0 = first term.
    pub(super) terms: u8,
    /// Periods per term.
    pub(super) periods: usize,
    /// Which students take it.
    pub(super) taken: Taken,
    /// Whether it is the homeroom.
    pub(super) homeroom: bool,
}

/// Which students take a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Everyone in its grade.
    Everyone,
    /// One of a group of that many electives is drawn per student.
    OneOf {
        /// The group.
        group: usize,
        /// The course's place in the group.
        place: usize,
    },
    /// Nobody: it stands in the catalog and has no sections.
    Nobody,
}

/// The electives of a kind, as groups of (number suffix, name, terms); each student takes one of
/// each group.
fn electives(kind: Kind) -> &'static [&'static [(&'static str, &'static str, u8)]] {
    match kind {
        Kind::Elementary => &[
            &[("PE", "Physical Education", 0b001)],
            &[("ART", "Art", 0b010)],
            &[("MUS", "Music", 0b100)],
        ],
        Kind::Middle => &[
            &[("PE", "Physical Education", 0b0011)],
            &[("ART", "Art", 0b0100), ("DRA", "Drama", 0b0100)],
            &[("TEC", "Technology", 0b1000)],
        ],
        Kind::High => &[
            &[("DRA", "Theater", 0b01), ("PSY", "Psychology", 0b01)],
            &[("PE", "Fitness", 0b01), ("WEL", "Wellness", 0b01)],
            &[("ECO", "Economics", 0b10), ("GOV", "Government", 0b10)],
            &[("ART", "Studio Art", 0b10), ("COD", "Programming", 0b10)],
        ],
    }
}

/// The catalog of a kind of school.
pub(super) fn of(kind: Kind) -> Vec<Entry> {
    let letter = kind.word().chars().next().unwrap_or('X');
    let all_terms = (1u8 << kind.terms().len()) - 1;
    let core: &[(&str, &str)] = match kind {
        Kind::Elementary => &[
            ("HR", "Homeroom"),
            ("ELA", "Language Arts"),
            ("MTH", "Mathematics"),
        ],
        Kind::Middle => &[
            ("ELA", "Language Arts"),
            ("MTH", "Mathematics"),
            ("SCI", "Science"),
            ("SOC", "Social Studies"),
        ],
        Kind::High => &[
            ("ENG", "English"),
            ("MTH", "Mathematics"),
            ("SCI", "Science"),
            ("HIS", "History"),
        ],
    };
    let mut entries = Vec::new();
    for grade in kind.grades() {
        for (code, name) in core {
            entries.push(Entry {
                number: format!("{letter}-{code}-{grade}"),
                name: format!("{name}, Grade {grade}"),
                grade: Some(grade),
                terms: all_terms,
                periods: if *code == "ELA" { 2 } else { 1 },
                taken: Taken::Everyone,
                homeroom: *code == "HR",
            });
        }
    }
    for (group, choices) in electives(kind).iter().enumerate() {
        for (place, (code, name, terms)) in choices.iter().enumerate() {
            entries.push(Entry {
                number: format!("{letter}-{code}"),
                name: (*name).to_owned(),
                grade: None,
                terms: *terms,
                periods: 1,
                taken: Taken::OneOf { group, place },
                homeroom: false,
            });
        }
    }
    entries.push(unscheduled(format!("{letter}-IND"), "Independent Study"));
    if kind == Kind::High {
        // A second course of one number in one calendar: the mapping's tie-break takes this name.
        entries.push(unscheduled("H-PE".to_owned(), "Fitness (evening)"));
    }
    entries
}

fn unscheduled(number: String, name: &str) -> Entry {
    Entry {
        number,
        name: name.to_owned(),
        grade: None,
        terms: 0,
        periods: 0,
        taken: Taken::Nobody,
        homeroom: false,
    }
}

/// How many electives a group of a kind has.
pub(super) fn choices(kind: Kind, group: usize) -> usize {
    electives(kind).get(group).map_or(0, |g| g.len())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_unique_across_the_district() {
        let mut seen = HashSet::new();
        for kind in [Kind::Elementary, Kind::Middle, Kind::High] {
            for entry in of(kind) {
                let fresh = seen.insert(entry.number.clone());
                assert!(fresh || entry.number == "H-PE", "{}", entry.number);
                assert!(entry.name.len() <= 60 && entry.terms < 1 << kind.terms().len());
            }
        }
    }
}
