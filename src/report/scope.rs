//! What a run was narrowed to, resource by resource, and named ids that nothing was found of.
//!
//! Reads: nothing. Writes: nothing itself. Never: ids of persons in `tallies.json`.
//! Sources: E20 ("report ids not found in scope"), E21 (which filter applied, per resource).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::table::grouped;

/// How many ids or schools a line lists.
const MOST_LISTED: usize = 20;

/// What a run was narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeReport {
    /// SIS schoolIDs; absent: all schools.
    pub schools: Option<Vec<i64>>,
    /// Persons named; absent: none named.
    pub persons: Option<u64>,
    /// Courses named.
    pub courses: Option<u64>,
    /// Sections named.
    pub sections: Option<u64>,
    /// Batches of calendars that the transform worked in.
    pub batches: u64,
    /// Resource -> the filters that it was narrowed by.
    pub filters: BTreeMap<String, String>,
}

/// Ids of one list that no object in scope was made of. No failure by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unmatched {
    /// `persons`, `courses`, `sections`, or what the ids of a selective sync are called.
    pub list: String,
    /// The ids, ascending.
    pub ids: Vec<i64>,
}

impl ScopeReport {
    fn is_whole(&self) -> bool {
        self.schools.is_none() && self.persons.is_none() && !self.by_course()
    }

    fn by_course(&self) -> bool {
        self.courses.is_some() || self.sections.is_some()
    }
}

/// The lines on the scope: none for a run of everything. Ids of persons only where `ids` says so.
pub(super) fn scope(
    out: &mut String,
    scope: Option<&ScopeReport>,
    unmatched: &[Unmatched],
    ids: bool,
) -> std::fmt::Result {
    if let Some(scope) = scope.filter(|s| !s.is_whole()) {
        write!(out, "scope: ")?;
        match &scope.schools {
            None => write!(out, "all schools")?,
            Some(schools) => {
                let word = if schools.len() == 1 {
                    "school"
                } else {
                    "schools"
                };
                write!(out, "{} {word} ({})", schools.len(), list(schools))?;
            }
        }
        for (word, count) in [
            ("person", scope.persons),
            ("course", scope.courses),
            ("section", scope.sections),
        ] {
            if let Some(count) = count {
                let plural = if count == 1 { "" } else { "s" };
                write!(out, ", {} {word}{plural}", grouped(count))?;
            }
        }
        writeln!(out)?;
        let mut by_filter: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (resource, filter) in &scope.filters {
            by_filter.entry(filter).or_default().push(resource);
        }
        for (filter, resources) in by_filter {
            writeln!(out, "  filter {filter}: {}", resources.join(", "))?;
        }
    }
    for missing in unmatched {
        let count = missing.ids.len();
        write!(
            out,
            "no object in scope of {count} of the {} named",
            missing.list
        )?;
        if ids || matches!(missing.list.as_str(), "courses" | "sections") {
            writeln!(out, ": {}", list(&missing.ids))?;
        } else {
            writeln!(out, " (listed in errors.json)")?;
        }
    }
    Ok(())
}

fn list(ids: &[i64]) -> String {
    let texts = ids.iter().take(MOST_LISTED).map(ToString::to_string);
    let mut text = texts.collect::<Vec<_>>().join(", ");
    if ids.len() > MOST_LISTED {
        // Writing to a String cannot fail.
        let _ = write!(text, " and {} more", ids.len() - MOST_LISTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_told_and_persons_only_where_they_may_be() {
        let report = ScopeReport {
            schools: Some(vec![12]),
            persons: Some(2),
            filters: BTreeMap::from([
                ("students".to_owned(), "persons (2)".to_owned()),
                ("schools".to_owned(), "none".to_owned()),
            ]),
            ..ScopeReport::default()
        };
        let unmatched = [Unmatched {
            list: "persons".to_owned(),
            ids: vec![99],
        }];
        let text = |ids| {
            let mut out = String::new();
            scope(&mut out, Some(&report), &unmatched, ids).unwrap();
            out
        };
        assert!(
            text(true).contains("scope: 1 school (12), 2 persons\n"),
            "{}",
            text(true)
        );
        assert!(text(true).contains("filter persons (2): students") && text(true).contains(": 99"));
        assert!(!text(false).contains("99") && text(false).contains("errors.json"));
        let mut out = String::new();
        scope(&mut out, Some(&ScopeReport::default()), &[], true).unwrap();
        assert!(out.is_empty());
    }
}
