//! What is not sent, and why.

use std::collections::BTreeMap;

use arrow::array::Array as _;

use super::{sample, text};

#[test]
fn item_4_what_is_not_sent_has_a_reason() {
    let mut held: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for (object, objects) in sample() {
        let (what, why) = (text(objects, "_held"), text(objects, "_reason"));
        for row in (0..objects.num_rows()).filter(|row| what.is_valid(*row)) {
            *held
                .entry((object, what.value(row), why.value(row)))
                .or_default() += 1;
        }
    }
    let held: Vec<String> = held
        .iter()
        .map(|((object, what, why), n)| format!("{object} {what} {why} {n}"))
        .collect();
    assert_eq!(held, EXPECTED);
}

/// By the faults that the generator plants: a section without a place, codes without a mapping,
/// rosters of no section, enrollments that do not count.
const EXPECTED: [&str; 10] = [
    "CalendarDate rejected unmapped_code 3",
    "SectionInfo rejected missing_required 1",
    "StaffAssignment rejected unmapped_code 1",
    "StudentPeriodAttendance skipped no_section 233",
    "StudentPersonal rejected unmapped_code 4",
    "StudentSchoolEnrollment rejected unmapped_code 2",
    "StudentSchoolEnrollment skipped no_show 2",
    "StudentSchoolEnrollment skipped state_exclude 2",
    "StudentSectionEnrollment rejected orphan_row 2",
    "StudentSectionEnrollment skipped after_last_term 51",
];
