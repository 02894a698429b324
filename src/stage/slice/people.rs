//! The tables of persons, narrowed: the persons named, those related to them, the members of their
//! households, and what hangs on these.
//!
//! Reads: staged tables with a person or household column. Writes: the slice's files. Never:
//! narrows to the named persons alone: a mapping may look at the family.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::has_household;
use super::owner::{HOUSEHOLD, Owners, integers, key, person_columns};
use super::scan::{IdSet, Scan, rows};
use crate::source::TableSchema;
use crate::stage::{Layout, ParquetFile, StageError};

/// Persons and their households.
#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    /// The persons.
    pub(super) persons: IdSet,
    /// Their households.
    households: IdSet,
}

impl Family {
    /// The persons, those related to them, and the members of the households of all these.
    pub(super) fn of(tables: &[(TableSchema, PathBuf)], seeds: IdSet) -> Result<Self, StageError> {
        let mut related = seeds.clone();
        for (table, path) in tables {
            let people = person_columns(table);
            if people.len() > 1 {
                Scan::new(path, &people)
                    .any_of(&people, &seeds)
                    .each(&mut |values| {
                        if values.iter().flatten().any(|p| seeds.contains(p)) {
                            related.extend(values.iter().flatten());
                        }
                    })?;
            }
        }
        let mut family = Self {
            persons: related,
            households: IdSet::default(),
        };
        let members = tables.iter().filter_map(|(table, path)| {
            let people = person_columns(table);
            let [person] = people.as_slice() else {
                return None;
            };
            has_household(table).then_some(([*person, HOUSEHOLD], path))
        });
        let members: Vec<([&str; 2], &PathBuf)> = members.collect();
        let mut households = IdSet::default();
        for (columns, path) in &members {
            let scan = Scan::new(path, columns).any_of(&columns[..1], &family.persons);
            scan.each(&mut |values| {
                if let [Some(person), Some(household)] = values
                    && family.persons.contains(person)
                {
                    households.insert(*household);
                }
            })?;
        }
        for (columns, path) in &members {
            let scan = Scan::new(path, columns).any_of(&columns[1..], &households);
            scan.each(&mut |values| {
                if let [Some(person), Some(household)] = values
                    && households.contains(household)
                {
                    family.persons.insert(*person);
                }
            })?;
        }
        family.households = households;
        Ok(family)
    }

    /// Cuts the tables of persons and households that belong to no school.
    pub(super) fn cut(
        &self,
        tables: &[(TableSchema, PathBuf)],
        owners: &Owners,
        names: &BTreeSet<String>,
        out: &Path,
    ) -> Result<BTreeMap<String, PathBuf>, StageError> {
        let rest = || {
            let free = |(t, _): &&(TableSchema, PathBuf)| owners.owner(&t.name).is_none();
            tables.iter().filter(free)
        };
        let mut files = BTreeMap::new();
        // Key column -> keys of rows that are kept, and of rows that are referred to.
        let mut kept: BTreeMap<&str, IdSet> = BTreeMap::new();
        let mut referred: BTreeMap<&str, IdSet> = BTreeMap::new();
        let mut done = BTreeSet::new();
        for (table, path) in rest() {
            let people = person_columns(table);
            let (columns, ids) = match people.is_empty() {
                false => (people, &self.persons),
                true if has_household(table) => (vec![HOUSEHOLD], &self.households),
                true => continue,
            };
            done.insert(table.name.as_str());
            let by_household = columns == [HOUSEHOLD];
            if !names.contains(&table.name) {
                continue;
            }
            let noted: Vec<&str> = match by_household {
                true => integers(table).collect(),
                false => key(table).into_iter().collect(),
            };
            let note = if by_household {
                &mut referred
            } else {
                &mut kept
            };
            let file = write(table, path, &columns, ids, out, &noted, note)?;
            files.insert(table.name.clone(), file);
        }
        for (table, path) in rest().filter(|(t, _)| names.contains(&t.name)) {
            if done.contains(table.name.as_str()) {
                continue;
            }
            // IdentityRaceEthnicity by its identity, Address by what a household refers to.
            let by_owner = integers(table).find_map(|c| Some((c, kept.get(c)?)));
            let by_key = key(table).and_then(|c| Some((c, referred.get(c)?)));
            if let Some((column, ids)) = by_owner.or(by_key) {
                let none = &mut BTreeMap::new();
                let file = write(table, path, &[column], ids, out, &[], none)?;
                files.insert(table.name.clone(), file);
            }
        }
        Ok(files)
    }
}

/// Writes the rows of a table with one of `ids` in one of `columns`; notes the values of others.
fn write<'a>(
    table: &'a TableSchema,
    path: &Path,
    columns: &[&str],
    ids: &IdSet,
    out: &Path,
    noted: &[&'a str],
    note: &mut BTreeMap<&'a str, IdSet>,
) -> Result<PathBuf, StageError> {
    let target = out.join(format!("{}.parquet", table.name));
    let mut file = ParquetFile::create(&target, table.arrow(), &Layout::table(table))?;
    let take = |values: &[Option<i64>]| values.iter().flatten().any(|v| ids.contains(v));
    Scan::new(path, columns)
        .any_of(columns, ids)
        .rows(&take, |batch| {
            rows(&batch, noted, &mut |values| {
                for (column, value) in noted.iter().zip(values) {
                    note.entry(column).or_default().extend(value);
                }
            })
            .map_err(|e| StageError::Io(std::io::Error::other(e.to_string())))?;
            file.write(&batch)
        })?;
    file.finish()?;
    Ok(target)
}
