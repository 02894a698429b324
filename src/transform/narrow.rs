//! Narrowing a resource's rows to the scope of the run, before objects are made of them.
//!
//! Reads: the scope columns of a batch. Writes: nothing. Never: changes a row; what is in scope is
//! the same object that a run of everything makes.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::Expr;
use serde::{Deserialize, Serialize};

use super::scope::{IDS, MORE};
use super::shape::cast_strictly;
use crate::scope::Scope;

/// What a resource's rows are narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// Schools, persons, courses, sections.
    pub scope: Scope,
    /// The courses of the sections in the scope: an object of a course, and of no section, belongs
    /// to its sections.
    pub courses_of_sections: BTreeSet<i64>,
    /// Key hashes; objects with other keys are left out.
    pub keys: Option<Arc<HashSet<u128>>>,
}

/// The named ids that objects were made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// SIS personIDs.
    pub persons: BTreeSet<i64>,
    /// SIS courseIDs.
    pub courses: BTreeSet<i64>,
    /// SIS sectionIDs.
    pub sections: BTreeSet<i64>,
}

impl Seen {
    /// Adds another part's.
    pub fn merge(&mut self, other: Self) {
        self.persons.extend(other.persons);
        self.courses.extend(other.courses);
        self.sections.extend(other.sections);
    }
}

/// Which scope columns a resource's SQL yields: what it can be narrowed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeColumns {
    /// `_school_id`.
    pub school: bool,
    /// `_person_id` or `_person_ids`.
    pub person: bool,
    /// `_course_id`, `_course_ids` or `_section_id`.
    pub course: bool,
}

impl ScopeColumns {
    /// Those of a schema.
    pub(super) fn of(schema: &arrow::datatypes::Schema) -> Self {
        let has = |name: &str| schema.column_with_name(name).is_some();
        let [school, person, course, section] = IDS;
        let [persons, courses] = MORE;
        Self {
            school: has(school),
            person: has(person) || has(persons),
            course: has(course) || has(courses) || has(section),
        }
    }
}

impl Narrow {
    /// The rows of a batch that are in scope; `None`: all of them.
    ///
    /// # Errors
    /// A scope column that holds no integers.
    pub(super) fn rows(
        &self,
        batch: &RecordBatch,
        seen: &mut Seen,
    ) -> Result<Option<BooleanArray>, ArrowError> {
        if self.scope.is_whole() {
            return Ok(None);
        }
        let columns: Vec<Option<ArrayRef>> = IDS
            .iter()
            .map(|name| integers(batch, name, &DataType::Int64))
            .collect::<Result<_, _>>()?;
        let lists: Vec<Option<ArrayRef>> = MORE
            .iter()
            .map(
                |name| match batch.column_by_name(name).map(|c| c.data_type()) {
                    None => Ok(None),
                    Some(kind) if kind.is_integer() => integers(batch, name, &DataType::Int64),
                    Some(_) => integers(batch, name, &DataType::new_list(DataType::Int64, true)),
                },
            )
            .collect::<Result<_, _>>()?;
        let one = |i: usize, row: usize| {
            let column = columns.get(i)?.as_ref()?.as_primitive::<Int64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let mut mask = Vec::with_capacity(batch.num_rows());
        let (mut persons, mut courses) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            persons.clear();
            courses.clear();
            persons.extend(one(1, row));
            courses.extend(one(2, row));
            for (list, ids) in lists.iter().zip([&mut persons, &mut courses]) {
                more(list.as_ref(), row, ids);
            }
            let section = one(3, row);
            let taken = self.admits(one(0, row), &persons, &courses, section);
            if taken {
                self.note(seen, &persons, &courses, section);
            }
            mask.push(taken);
        }
        Ok(match mask.contains(&false) {
            true => Some(BooleanArray::from(mask)),
            false => None,
        })
    }

    fn admits(
        &self,
        school: Option<i64>,
        persons: &[i64],
        courses: &[i64],
        section: Option<i64>,
    ) -> bool {
        self.scope.admits_any(school, persons, courses, section)
            || (section.is_none()
                && courses.iter().any(|c| self.courses_of_sections.contains(c))
                && self.scope.admits_any(school, persons, &[], None))
    }

    fn note(&self, seen: &mut Seen, persons: &[i64], courses: &[i64], section: Option<i64>) {
        let named = |wanted: &Option<BTreeSet<i64>>, id: &&i64| {
            wanted.as_ref().is_some_and(|w| w.contains(id))
        };
        let scope = &self.scope;
        let found = persons.iter().filter(|p| named(&scope.persons, p));
        seen.persons.extend(found);
        let found = courses.iter().filter(|c| named(&scope.courses, c));
        seen.courses.extend(found);
        let found = section.iter().filter(|s| named(&scope.sections, s));
        seen.sections.extend(found);
    }
}

/// A column cast to this type, where there is one.
fn integers(
    batch: &RecordBatch,
    name: &str,
    kind: &DataType,
) -> Result<Option<ArrayRef>, ArrowError> {
    let column = batch.column_by_name(name);
    column.map(|array| cast_strictly(array, kind)).transpose()
}

/// Adds the ids of one row of a list, or of a plain column.
fn more(column: Option<&ArrayRef>, row: usize, ids: &mut Vec<i64>) {
    let Some(column) = column.filter(|c| c.is_valid(row)) else {
        return;
    };
    let values = match column.as_list_opt::<i32>() {
        Some(list) => list.value(row),
        None => column.slice(row, 1),
    };
    ids.extend(values.as_primitive::<Int64Type>().iter().flatten());
}

/// The plan without the columns that only narrowing needs, so that they are not computed.
pub(super) fn without_more(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let schema = Arc::clone(plan.schema());
    let more = |name: &str| MORE.contains(&name);
    if !schema.fields().iter().any(|f| more(f.name())) {
        return Ok(plan);
    }
    let kept = schema.columns().into_iter().filter(|c| !more(&c.name));
    let kept: Vec<Expr> = kept.map(Expr::Column).collect();
    LogicalPlanBuilder::from(plan).project(kept)?.build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListArray};

    use super::*;

    fn batch() -> RecordBatch {
        let ids = |v: Vec<Option<i64>>| Arc::new(Int64Array::from(v)) as ArrayRef;
        let students = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(5), None]),
            None,
            Some(vec![Some(6)]),
            None,
        ]);
        RecordBatch::try_from_iter_with_nullable([
            (
                "_school_id",
                ids(vec![Some(1), Some(2), None, Some(1)]),
                true,
            ),
            (
                "_person_id",
                ids(vec![Some(77), Some(5), Some(78), None]),
                true,
            ),
            ("_person_ids", Arc::new(students) as ArrayRef, true),
            (
                "_course_ids",
                ids(vec![Some(10), None, None, Some(11)]),
                true,
            ),
        ])
        .unwrap()
    }

    fn taken(scope: Scope, courses_of_sections: &[i64]) -> (Vec<bool>, Seen) {
        let narrow = Narrow {
            scope,
            courses_of_sections: courses_of_sections.iter().copied().collect(),
            keys: None,
        };
        let mut seen = Seen::default();
        let mask = narrow.rows(&batch(), &mut seen).unwrap();
        let mask = mask.map_or(vec![true; 4], |m| m.iter().flatten().collect());
        (mask, seen)
    }

    fn some(ids: &[i64]) -> Option<BTreeSet<i64>> {
        Some(ids.iter().copied().collect())
    }

    #[test]
    fn schools_persons_and_courses_narrow_and_what_was_met_is_noted() {
        let by = |schools, persons, courses, sections| Scope {
            schools,
            persons,
            courses,
            sections,
        };
        assert_eq!(taken(Scope::default(), &[]).0, [true; 4]);
        let (mask, _) = taken(by(some(&[1]), None, None, None), &[]);
        assert_eq!(mask, [true, false, true, true]);
        let (mask, seen) = taken(by(None, some(&[5, 9]), None, None), &[]);
        assert_eq!(
            mask,
            [true, true, false, true],
            "by the list, by itself, not at all"
        );
        assert_eq!(seen.persons, BTreeSet::from([5]));
        let (mask, seen) = taken(by(None, None, some(&[10]), None), &[]);
        assert_eq!(mask, [true, true, true, false]);
        assert_eq!(seen.courses, BTreeSet::from([10]));
        let (mask, _) = taken(by(None, None, None, some(&[99])), &[11]);
        assert_eq!(mask, [false, true, true, true], "the course of a section");
    }
}
