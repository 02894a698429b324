//! Finds the parents of objects: the key hashes of what their references point at.
//!
//! Reads: body columns of record batches, the standard. Writes: nothing. Never: I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, ListArray, RecordBatch};
use arrow::error::ArrowError;

use crate::object::{Key, KeyColumn, KeyHash, member};

use super::{Field, Kind, ResourceMeta, Standard};

/// The references of one resource, ready to be followed in any batch of its objects.
///
/// A parent's key is built as the parent's own `_key` is: the parent's part names (sorted, from
/// the standard) with this object's values. Where a pipeline overrides a parent's key, give a
/// standard in which that key stands.
#[derive(Clone, Debug, Default)]
pub struct ReferenceColumns {
    references: Vec<ReferencePath>,
}

/// One object that a row may point at.
#[derive(Clone, Copy, Debug)]
pub struct Pointed<'a> {
    /// The row of the batch.
    pub row: usize,
    /// The number of the reference.
    pub reference: usize,
    /// Which of the row's references of this number.
    pub element: usize,
    /// The resource pointed at.
    pub resource: &'a str,
    /// The natural key there.
    pub key: &'a str,
}

#[derive(Clone, Debug)]
struct ReferencePath {
    /// Names from the body's top down to the reference.
    path: Vec<String>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug)]
struct Target {
    resource: String,
    /// `(the parent's part name, the reference's member)`, in the order of the parent's key.
    parts: Vec<(String, String)>,
}

impl ReferenceColumns {
    /// Collects the references of a resource, at every depth. A target that the standard does not
    /// have, or whose key the reference's members do not cover, is left out.
    pub fn new(standard: &Standard, meta: &ResourceMeta) -> Self {
        let mut references = Vec::new();
        collect(standard, &meta.fields, &mut Vec::new(), &mut references);
        Self { references }
    }

    /// The names of all resources that may be visited.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let targets = self.references.iter().flat_map(|r| &r.targets);
        targets.map(|t| t.resource.as_str())
    }

    /// Only the references to some resources (those that withheld anything), so that following
    /// them costs nothing where nothing can be found.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&str) -> bool) -> Self {
        for reference in &mut self.references {
            reference.targets.retain(|t| keep(&t.resource));
        }
        self.references.retain(|r| !r.targets.is_empty());
        self
    }

    /// Calls `visit(row, parent resource, parent's key hash)` for every complete reference of the
    /// given rows, one reference after the other. An abstract reference visits every kind of
    /// target; at most one of them exists.
    ///
    /// # Errors
    /// A reference's member is a struct or a list.
    pub fn parents(
        &self,
        batch: &RecordBatch,
        rows: impl Iterator<Item = usize> + Clone,
        mut visit: impl FnMut(usize, &str, KeyHash),
    ) -> Result<(), ArrowError> {
        self.walk(batch, rows, |seen| {
            visit(seen.row, seen.resource, KeyHash::of(seen.key));
        })
    }

    /// Where a reference stands in the body (`schoolReference`), by its number.
    pub fn path(&self, reference: usize) -> String {
        let found = self.references.get(reference);
        found.map(|r| r.path.join(".")).unwrap_or_default()
    }

    /// As [`Self::parents`], with the reference that points there and the parent's key as text.
    /// What one reference of one row may point at comes with the same `reference` and `element`.
    ///
    /// # Errors
    /// As [`Self::parents`].
    pub fn walk(
        &self,
        batch: &RecordBatch,
        rows: impl Iterator<Item = usize> + Clone,
        mut visit: impl FnMut(Pointed<'_>),
    ) -> Result<(), ArrowError> {
        let mut key = Key::new();
        let mut scratch = String::new();
        for (number, reference) in self.references.iter().enumerate() {
            let Some((lists, leaf)) = locate(batch, &reference.path) else {
                continue;
            };
            for target in &reference.targets {
                let Some(parts) = columns(target, &leaf)? else {
                    continue;
                };
                for row in rows.clone() {
                    for element in elements(&lists, row) {
                        if parts.iter().any(|(_, column)| column.is_missing(element)) {
                            continue;
                        }
                        key.clear();
                        for (name, column) in &parts {
                            column.push(element, name, &mut key, &mut scratch);
                        }
                        visit(Pointed {
                            row,
                            reference: number,
                            element,
                            resource: &target.resource,
                            key: key.as_str(),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

fn collect(
    standard: &Standard,
    fields: &BTreeMap<String, Field>,
    path: &mut Vec<String>,
    found: &mut Vec<ReferencePath>,
) {
    for (name, field) in fields {
        path.push(name.clone());
        match &field.kind {
            Kind::Object { fields } | Kind::Array { fields } => {
                collect(standard, fields, path, found);
            }
            Kind::Reference { targets, fields } => {
                let targets: Vec<_> = targets
                    .iter()
                    .filter_map(|t| target(t, standard.resources.get(t)?, fields))
                    .collect();
                if !targets.is_empty() {
                    let path = path.clone();
                    found.push(ReferencePath { path, targets });
                }
            }
            Kind::RefId => {
                if let Some(target) = by_name(standard, name) {
                    let (path, targets) = (path.clone(), vec![target]);
                    found.push(ReferencePath { path, targets });
                }
            }
            _ => {}
        }
        path.pop();
    }
}

/// What a RefId points at, where its name tells: `SchoolInfoRefId` at SchoolInfo, and `schoolRefId`
/// at xSchool, as xPress Roster writes it.
fn by_name(standard: &Standard, field: &str) -> Option<Target> {
    let name = field.strip_suffix("RefId")?;
    let mut letters = name.chars();
    let first = letters.next()?;
    let resource = match first.is_lowercase() {
        true => format!("x{}{}", first.to_uppercase(), letters.as_str()),
        false => name.to_owned(),
    };
    match standard.resources.get(&resource)?.key.as_slice() {
        [part] => Some(Target {
            resource,
            // The reference itself, which has no members.
            parts: vec![(part.name.clone(), String::new())],
        }),
        _ => None,
    }
}

fn target(
    resource: &str,
    parent: &ResourceMeta,
    members: &BTreeMap<String, Field>,
) -> Option<Target> {
    let abstract_member = match (parent.key.as_slice(), members.len()) {
        ([_], 1) => members.keys().next(),
        _ => None,
    };
    let parts: Option<Vec<_>> = parent
        .key
        .iter()
        .map(|part| {
            let own = members.keys().find(|m| **m == part.name);
            let member = own.or(abstract_member)?;
            Some((part.name.clone(), member.clone()))
        })
        .collect();
    let parts = parts.filter(|p| !p.is_empty())?;
    Some(Target {
        resource: resource.to_owned(),
        parts,
    })
}

/// The lists that lead to a reference, outermost first, and the reference's own column.
fn locate(batch: &RecordBatch, path: &[String]) -> Option<(Vec<ListArray>, ArrayRef)> {
    let (first, rest) = path.split_first()?;
    let mut lists = Vec::new();
    let mut array = Arc::clone(batch.column_by_name(first)?);
    for name in rest {
        if let Some(list) = array.as_list_opt::<i32>() {
            lists.push(list.clone());
            array = Arc::clone(list.values());
        }
        array = member(array.as_struct_opt()?, name)?;
    }
    Some((lists, array))
}

fn columns<'a>(
    target: &'a Target,
    reference: &ArrayRef,
) -> Result<Option<Vec<(&'a str, KeyColumn)>>, ArrowError> {
    if let [(name, member)] = target.parts.as_slice()
        && member.is_empty()
    {
        return Ok(Some(vec![(name.as_str(), KeyColumn::new(reference)?)]));
    }
    let Some(reference) = reference.as_struct_opt() else {
        return Ok(None);
    };
    let mut columns = Vec::with_capacity(target.parts.len());
    for (name, path) in &target.parts {
        let Some(column) = member(reference, path) else {
            return Ok(None);
        };
        columns.push((name.as_str(), KeyColumn::new(&column)?));
    }
    Ok(Some(columns))
}

/// The positions in the innermost list's values that belong to a row. Lists in lists are walked
/// by their outer bounds: elements of one outer element are adjacent, and so are outer elements.
fn elements(lists: &[ListArray], row: usize) -> std::ops::Range<usize> {
    let mut range = row..row + 1;
    for list in lists {
        let offsets = list.value_offsets();
        if range.len() == 1 && list.is_null(range.start) {
            return 0..0;
        }
        let bound = |i: usize| {
            offsets
                .get(i)
                .map_or(0, |o| usize::try_from(*o).unwrap_or(0))
        };
        range = bound(range.start)..bound(range.end);
    }
    range
}

#[cfg(test)]
mod tests;
