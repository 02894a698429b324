//! What the report says of the scope: the filter of each resource, ids that matched nothing.
//!
//! Reads: what the transform came to. Writes: nothing. Never: a failure for an id without objects.

use super::{Selection, Selective, Staged};
use crate::report::{ScopeReport, Unmatched};
use crate::transform::ScopeColumns;

impl Staged {
    /// What the run was narrowed to, resource by resource (E21).
    pub(super) fn scope_report(&self, selection: &Selection) -> ScopeReport {
        let scope = &self.made.scope;
        let count = |ids: &Option<std::collections::BTreeSet<i64>>| {
            ids.as_ref().map(|ids| ids.len() as u64)
        };
        let filters = selection.resources.iter().filter_map(|p| {
            let name = &p.resource.name;
            let columns = self.made.columns.get(name)?;
            Some((name.clone(), self.filter(*columns)))
        });
        ScopeReport {
            schools: scope.schools.as_ref().map(|s| s.iter().copied().collect()),
            persons: count(&scope.persons),
            courses: count(&scope.courses),
            sections: count(&scope.sections),
            batches: self.made.batches as u64,
            filters: filters.collect(),
        }
    }

    /// The filters of a resource with these scope columns.
    fn filter(&self, columns: ScopeColumns) -> String {
        let scope = &self.made.scope;
        let (mut by, mut not) = (Vec::new(), Vec::new());
        if let Some(schools) = &scope.schools {
            let count = schools.len();
            match columns.school {
                true => by.push(format!("schools ({count})")),
                false => by.push(format!("what schools ({count}) need")),
            }
        }
        if let Some(persons) = &scope.persons {
            match columns.person {
                true => by.push(format!("persons ({})", persons.len())),
                false => not.push("person"),
            }
        }
        if scope.courses.is_some() || scope.sections.is_some() {
            let listed = [("courses", &scope.courses), ("sections", &scope.sections)];
            let named = listed
                .iter()
                .filter_map(|(word, ids)| Some(format!("{word} ({})", ids.as_ref()?.len())));
            match columns.course {
                true => by.push(named.collect::<Vec<_>>().join(" or ")),
                false => not.push("course"),
            }
        }
        let mut text = match by.is_empty() {
            true => "none".to_owned(),
            false => by.join(", "),
        };
        if !not.is_empty() {
            let not: Vec<String> = not
                .iter()
                .map(|word| format!("not {word}-related"))
                .collect();
            text.push_str(&format!(" ({})", not.join(", ")));
        }
        text
    }

    /// Named ids that no object was made of: of the lists that a resource of the run looks at, and of
    /// a selective sync (D19).
    pub(super) fn unmatched(
        &self,
        selective: Option<&Selective>,
        selection: &Selection,
    ) -> Vec<Unmatched> {
        let (scope, seen) = (&self.made.scope, &self.made.seen);
        let any = |of: fn(&ScopeColumns) -> bool| self.made.columns.values().any(of);
        let lists = [
            ("persons", &scope.persons, &seen.persons, any(|c| c.person)),
            ("courses", &scope.courses, &seen.courses, any(|c| c.course)),
            (
                "sections",
                &scope.sections,
                &seen.sections,
                any(|c| c.course),
            ),
        ];
        let missing = lists
            .into_iter()
            .filter(|(.., asked)| *asked)
            .map(|(list, ids, seen, _)| {
                let ids = ids.iter().flatten().filter(|id| !seen.contains(id));
                Unmatched {
                    list: list.to_owned(),
                    ids: ids.copied().collect(),
                }
            });
        let records = selective.and_then(|selective| self.unknown(selective, selection));
        let all = missing.chain(records);
        all.filter(|m| !m.ids.is_empty()).collect()
    }

    fn unknown(&self, selective: &Selective, selection: &Selection) -> Option<Unmatched> {
        let of = |p: &&super::Prepared| p.resource.name == selective.object;
        let p = selection.resources.iter().find(of)?;
        match selective.missing(&self.objects(&selective.object), &p.meta) {
            Ok(ids) => Some(Unmatched {
                list: p.resource.selective.clone()?,
                ids,
            }),
            Err(error) => {
                // A run that came to an end before there were objects.
                tracing::info!(%error, "which ids are unknown is not known");
                None
            }
        }
    }
}
