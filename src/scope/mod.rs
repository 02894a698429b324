//! What a run is about: which schools, persons, courses and sections.
//!
//! Reads: ids. Writes: nothing. Never: names of people; a scope holds SIS ids only.
//! Sources: the Resync tool's fields School(s), Campus Person ID(s), Course ID(s), Section ID(s).

mod ids;

use std::collections::BTreeSet;

pub use ids::{IdsError, parse_ids};

/// The ids that a run is narrowed to; `None` does not narrow. The school year is no part of it:
/// every run has exactly one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// SIS schoolID: a hard limit. No row of another school ever leaves.
    pub schools: Option<BTreeSet<i64>>,
    /// SIS personID: narrows person-related resources and attendance.
    pub persons: Option<BTreeSet<i64>>,
    /// SIS courseID: narrows course-related resources, together with `sections`.
    pub courses: Option<BTreeSet<i64>>,
    /// SIS sectionID: narrows course-related resources, together with `courses`.
    pub sections: Option<BTreeSet<i64>>,
}

/// The SIS ids of one object or ledger row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Its school; `None` = district-wide.
    pub school: Option<i64>,
    /// Its person; `None` = not person-related.
    pub person: Option<i64>,
    /// Its course; `None` = not course-related, or known by its section only.
    pub course: Option<i64>,
    /// Its section.
    pub section: Option<i64>,
}

impl Scope {
    /// Whether nothing is narrowed: the whole district.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an object with these ids is in scope. What has no id of a kind is not narrowed by
    /// that kind: a school is not left out because persons are named. Of courses and sections
    /// either is enough (the union).
    pub fn admits(&self, ids: Ids) -> bool {
        let within = |wanted: &Option<BTreeSet<i64>>, id: Option<i64>| match (wanted, id) {
            (Some(wanted), Some(id)) => wanted.contains(&id),
            _ => true,
        };
        within(&self.schools, ids.school)
            && within(&self.persons, ids.person)
            && self.admits_course(ids)
    }

    fn admits_course(&self, ids: Ids) -> bool {
        let named = |wanted: &Option<BTreeSet<i64>>, id: Option<i64>| {
            wanted
                .as_ref()
                .zip(id)
                .is_some_and(|(wanted, id)| wanted.contains(&id))
        };
        let narrowed = self.courses.is_some() || self.sections.is_some();
        let related = ids.course.is_some() || ids.section.is_some();
        !narrowed
            || !related
            || named(&self.courses, ids.course)
            || named(&self.sections, ids.section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(ids: &[i64]) -> Option<BTreeSet<i64>> {
        Some(ids.iter().copied().collect())
    }

    #[test]
    fn a_scope_narrows_only_what_has_ids_of_its_kind() {
        let scope = Scope {
            schools: some(&[1]),
            persons: some(&[7]),
            ..Scope::default()
        };
        let ids = |school, person| Ids {
            school,
            person,
            ..Ids::default()
        };
        assert!(scope.admits(ids(Some(1), Some(7))));
        assert!(scope.admits(ids(None, None)) && scope.admits(ids(Some(1), None)));
        assert!(!scope.admits(ids(Some(2), Some(7))) && !scope.admits(ids(Some(1), Some(8))));
        assert!(Scope::default().is_whole() && !scope.is_whole());
    }

    #[test]
    fn courses_and_sections_are_a_union() {
        let scope = Scope {
            courses: some(&[10]),
            sections: some(&[99]),
            ..Scope::default()
        };
        let ids = |course, section| Ids {
            course,
            section,
            ..Ids::default()
        };
        assert!(scope.admits(ids(Some(10), Some(1))) && scope.admits(ids(Some(11), Some(99))));
        assert!(!scope.admits(ids(Some(11), Some(98))) && !scope.admits(ids(Some(11), None)));
        assert!(scope.admits(Ids::default()));
    }
}
