//! What a run is about: which schools, persons, courses and sections.
//!
//! Reads: ids. Writes: nothing. Never: names of people; a scope holds SIS ids only.
//! Sources: the Resync tool's fields School(s), Campus Person ID(s), Course ID(s), Section ID(s).

mod ids;
mod schools;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use ids::{IdsError, parse_ids};
pub use schools::{School, Schools, SchoolsWanted, UnknownSchools};

/// The ids that a run is narrowed to; `None` does not narrow. The school year is no part of it:
/// every run has exactly one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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

    /// Whether persons, courses or sections are named.
    pub fn names_ids(&self) -> bool {
        self.persons.is_some() || self.courses.is_some() || self.sections.is_some()
    }

    /// Whether an object with these ids is in scope. What has no id of a kind is not narrowed by
    /// that kind: a school is not left out because persons are named. Of courses and sections
    /// either is enough (the union).
    pub fn admits(&self, ids: Ids) -> bool {
        let (person, course) = (ids.person, ids.course);
        self.admits_any(
            ids.school,
            person.as_slice(),
            course.as_slice(),
            ids.section,
        )
    }

    /// As [`Self::admits`], of an object that may stand for several persons or courses: one of them
    /// is enough.
    pub fn admits_any(
        &self,
        school: Option<i64>,
        persons: &[i64],
        courses: &[i64],
        section: Option<i64>,
    ) -> bool {
        let named = |wanted: &Option<BTreeSet<i64>>, ids: &[i64]| {
            let wanted = wanted.as_ref();
            wanted.is_some_and(|wanted| ids.iter().any(|id| wanted.contains(id)))
        };
        let within = |wanted: &Option<BTreeSet<i64>>, ids: &[i64]| {
            wanted.is_none() || ids.is_empty() || named(wanted, ids)
        };
        let by_course = self.courses.is_some() || self.sections.is_some();
        let related = !courses.is_empty() || section.is_some();
        within(&self.schools, school.as_slice())
            && within(&self.persons, persons)
            && (!by_course
                || !related
                || named(&self.courses, courses)
                || named(&self.sections, section.as_slice()))
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
