//! Which school each calendar, course, section ... belongs to: every row that others refer to.
//!
//! Reads: keys and owners of staged tables. Writes: nothing. Never: indexes persons, rosters or
//! enrollments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use super::owner::{CALENDAR, Owners, SCHOOL, YEAR, integers, key};
use super::scan::{IdMap, Scan};
use crate::source::TableSchema;
use crate::stage::StageError;

/// Where a row belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    /// To this school, in the school year.
    School(i64),
    /// To a calendar of another school year.
    OtherYear,
    /// What it hangs on is missing.
    Nowhere,
}

/// Keys of the tables that others refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    of: HashMap<String, IdMap<Belongs>>,
    other_years: bool,
    calendars: Option<String>,
    schools: BTreeSet<i64>,
}

impl Index {
    /// Reads the keys and owners.
    pub(super) fn build(
        tables: &[(TableSchema, PathBuf)],
        owners: &Owners,
        school_year: i32,
    ) -> Result<Self, StageError> {
        let mut index = Self::default();
        let referred: BTreeSet<&str> = tables
            .iter()
            .flat_map(|(t, _)| owners.references(&t.name))
            .map(|(_, parent)| parent.as_str())
            .collect();
        // What is referred to comes first this way.
        for name in owners.order().iter().rev() {
            let Some((table, path)) = tables.iter().find(|(t, _)| t.name == *name) else {
                continue;
            };
            let (Some(own), Some((owner, parent))) = (key(table), owners.owner(name)) else {
                continue;
            };
            let named = ["courseID", "sectionID", CALENDAR].contains(&own);
            if !referred.contains(name.as_str()) && !named && own != SCHOOL {
                continue;
            }
            let years = own == CALENDAR && integers(table).any(|c| c == YEAR);
            if own == CALENDAR {
                index.calendars = Some(name.clone());
            }
            let mut keys = IdMap::default();
            let (mut others, mut schools) = (false, BTreeSet::new());
            let with_year = [own, owner, YEAR];
            let columns = if years { &with_year[..] } else { &[own, owner] };
            Scan::new(path, columns).each(&mut |values| {
                let (Some(Some(key)), Some(owner)) = (values.first(), values.get(1)) else {
                    return;
                };
                let year = values.get(2).copied();
                let belongs = match year {
                    Some(year) if year != Some(i64::from(school_year)) => Belongs::OtherYear,
                    _ if own == SCHOOL => Belongs::School(*key),
                    _ => index.of_reference(parent, *owner),
                };
                others |= belongs == Belongs::OtherYear;
                if own == SCHOOL {
                    schools.insert(*key);
                }
                if belongs != Belongs::Nowhere {
                    keys.insert(*key, belongs);
                }
            })?;
            index.other_years |= others;
            index.schools.extend(schools);
            index.of.insert(name.clone(), keys);
        }
        Ok(index)
    }

    /// Whether the rows of a table are in it.
    pub(super) fn has(&self, table: &str) -> bool {
        self.of.contains_key(table)
    }

    /// Where the row with this key belongs.
    pub(super) fn of_key(&self, table: &str, key: i64) -> Belongs {
        let found = self.of.get(table).and_then(|keys| keys.get(&key));
        found.copied().unwrap_or(Belongs::Nowhere)
    }

    /// Where a row belongs whose owner, in this table, has this key.
    pub(super) fn of_reference(&self, parent: &str, key: Option<i64>) -> Belongs {
        key.map_or(Belongs::Nowhere, |key| self.of_key(parent, key))
    }

    /// Whether some calendar is of another school year.
    pub(super) fn has_other_years(&self) -> bool {
        self.other_years
    }

    /// All schools, each with its number of calendars in the school year.
    pub(super) fn calendars(&self) -> BTreeMap<i64, usize> {
        let mut counts: BTreeMap<i64, usize> = self.schools.iter().map(|s| (*s, 0)).collect();
        let calendars = self.calendars.as_ref().and_then(|name| self.of.get(name));
        for belongs in calendars.into_iter().flat_map(IdMap::values) {
            if let Belongs::School(school) = belongs {
                *counts.entry(*school).or_default() += 1;
            }
        }
        counts
    }
}
