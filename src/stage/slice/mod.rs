//! A slice of the staged tables: the rows of some schools, of the school year, of some persons.
//! What the SQL of a narrowed run sees; no mapping has to know of scopes.
//!
//! Reads: staged Parquet. Writes: the slice's Parquet files, owner-only. Never: a row of another
//! school or year, except one that a row of the slice refers to (a section's room in another
//! school), so that no object's content depends on the slice that it is made from.
//! Sources: E15 ("Only records within this year and school are synced"), E17, E18.

mod index;
mod owner;
mod people;
mod scan;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

pub use owner::with_owners;

use crate::source::TableSchema;
use crate::stage::{Layout, ParquetFile, StageError};
use index::{Belongs, Index};
use owner::{HOUSEHOLD, Owners, integers, key, person_columns};
use people::Family;
use scan::{IdSet, Scan, rows};

/// What a slice is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Schools; `None`: all.
    pub schools: Option<BTreeSet<i64>>,
    /// Rows whose school cannot be told: what they hang on is missing.
    pub nowhere: bool,
    /// Persons.
    pub persons: Persons,
}

/// The persons of a slice. With a person come the persons related to it and the members of its
/// households.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Persons {
    /// All.
    #[default]
    All,
    /// Those with a row of the slice's schools.
    OfSchools,
    /// These.
    These(BTreeSet<i64>),
}

/// Cuts the staged tables of one run.
#[derive(Debug)]
pub struct Slicer {
    tables: Vec<(TableSchema, PathBuf)>,
    owners: Owners,
    index: Index,
}

impl Slicer {
    /// Finds out which school's the rows are. Memory grows with schools, calendars, courses,
    /// sections and days; not with persons.
    ///
    /// # Errors
    /// A staged file cannot be read.
    pub fn new(tables: Vec<(TableSchema, PathBuf)>, school_year: i32) -> Result<Self, StageError> {
        let schemas: Vec<TableSchema> = tables.iter().map(|(t, _)| t.clone()).collect();
        let owners = Owners::of(&schemas);
        let index = Index::build(&tables, &owners, school_year)?;
        Ok(Self {
            tables,
            owners,
            index,
        })
    }

    /// Schools in groups of about so many calendars of the year; none is split. One group when
    /// all fit, or when the SIS has no calendars.
    pub fn batches(&self, schools: Option<&BTreeSet<i64>>, calendars: usize) -> Vec<BTreeSet<i64>> {
        let mut batches = vec![BTreeSet::new()];
        let mut filled = 0;
        for (school, count) in self.index.calendars() {
            if schools.is_some_and(|s| !s.contains(&school)) {
                continue;
            }
            if filled > 0 && count > 0 && filled + count > calendars {
                batches.push(BTreeSet::new());
                filled = 0;
            }
            filled += count;
            if let Some(batch) = batches.last_mut() {
                batch.insert(school);
            }
        }
        batches
    }

    /// The schools that rows of these persons, courses and sections belong to.
    ///
    /// # Errors
    /// A staged file cannot be read.
    pub fn schools_of(
        &self,
        persons: Option<&BTreeSet<i64>>,
        courses: Option<&BTreeSet<i64>>,
        sections: Option<&BTreeSet<i64>>,
    ) -> Result<BTreeSet<i64>, StageError> {
        let mut found = BTreeSet::new();
        for (column, ids) in [("courseID", courses), ("sectionID", sections)] {
            let table = self.tables.iter().find(|(t, _)| key(t) == Some(column));
            for id in ids.into_iter().flatten() {
                let belongs = table.map(|(t, _)| self.index.of_key(&t.name, *id));
                if let Some(Belongs::School(school)) = belongs {
                    found.insert(school);
                }
            }
        }
        let Some(persons) = persons else {
            return Ok(found);
        };
        let persons: IdSet = persons.iter().copied().collect();
        for (table, path) in &self.tables {
            let people = person_columns(table);
            let (Some((column, parent)), false) =
                (self.owners.owner(&table.name), people.is_empty())
            else {
                continue;
            };
            let mut columns = vec![column];
            columns.extend(&people);
            Scan::new(path, &columns)
                .any_of(&people, &persons)
                .each(&mut |values| {
                    let [owner, people @ ..] = values else { return };
                    let named = people.iter().flatten().any(|p| persons.contains(p));
                    if named
                        && let Belongs::School(school) = self.index.of_reference(parent, *owner)
                    {
                        found.insert(school);
                    }
                })?;
        }
        Ok(found)
    }

    /// The courses that these sections are of.
    ///
    /// # Errors
    /// A staged file cannot be read.
    pub fn courses_of(&self, sections: &BTreeSet<i64>) -> Result<BTreeSet<i64>, StageError> {
        let mut found = BTreeSet::new();
        let keyed = |(t, _): &&(TableSchema, PathBuf)| key(t) == Some("sectionID");
        let Some((table, path)) = self.tables.iter().find(keyed) else {
            return Ok(found);
        };
        if integers(table).any(|c| c == "courseID") {
            let wanted: IdSet = sections.iter().copied().collect();
            let scan = Scan::new(path, &["sectionID", "courseID"]).any_of(&["sectionID"], &wanted);
            scan.each(&mut |values| {
                if let [Some(section), Some(course)] = values
                    && wanted.contains(section)
                {
                    found.insert(*course);
                }
            })?;
        }
        Ok(found)
    }

    /// Whether a slice would hold every staged row.
    pub fn is_whole(&self, cut: &Cut) -> bool {
        cut.schools.is_none()
            && cut.nowhere
            && cut.persons == Persons::All
            && !self.index.has_other_years()
    }

    /// Cuts these tables into `out`; the file of each. A table that is not narrowed stays where it
    /// is.
    ///
    /// # Errors
    /// A staged file cannot be read, or the slice cannot be written.
    pub fn slice(
        &self,
        cut: &Cut,
        names: &BTreeSet<String>,
        out: &Path,
    ) -> Result<BTreeMap<String, PathBuf>, StageError> {
        let mut files: BTreeMap<String, PathBuf> = self
            .tables
            .iter()
            .filter(|(t, _)| names.contains(&t.name))
            .map(|(t, path)| (t.name.clone(), path.clone()))
            .collect();
        if self.is_whole(cut) {
            return Ok(files);
        }
        let mut cutting = Cutting {
            slicer: self,
            cut,
            out,
            family: None,
            met: IdSet::default(),
            extra: HashMap::new(),
        };
        if let Persons::These(seeds) = &cut.persons {
            let seeds = seeds.iter().copied().collect();
            cutting.family = Some(Family::of(&self.tables, seeds)?);
        }
        for name in self.owners.order() {
            if let Some((table, path)) = self.table(name).filter(|_| names.contains(name)) {
                files.insert(name.clone(), cutting.owned(table, path)?);
            }
        }
        // Where nothing of persons is looked at, they need not be found.
        let of_persons = |(t, _): &(TableSchema, PathBuf)| {
            names.contains(&t.name)
                && self.owners.owner(&t.name).is_none()
                && (has_household(t) || !person_columns(t).is_empty())
        };
        if cut.persons == Persons::OfSchools && self.tables.iter().any(of_persons) {
            // Persons of tables that this slice does not need count, too: the same persons are in
            // scope whichever resources run.
            for name in self.owners.order() {
                if let Some((table, path)) = self.table(name).filter(|_| !names.contains(name)) {
                    cutting.meet(table, path)?;
                }
            }
            let seeds = std::mem::take(&mut cutting.met);
            cutting.family = Some(Family::of(&self.tables, seeds)?);
        }
        if let Some(family) = cutting.family.take() {
            files.extend(family.cut(&self.tables, &self.owners, names, out)?);
        }
        Ok(files)
    }

    fn table(&self, name: &str) -> Option<(&TableSchema, &Path)> {
        let found = self.tables.iter().find(|(t, _)| t.name == name);
        found.map(|(t, path)| (t, path.as_path()))
    }
}

/// One slice in the making.
struct Cutting<'a> {
    slicer: &'a Slicer,
    cut: &'a Cut,
    out: &'a Path,
    /// The persons to keep, when some are named.
    family: Option<Family>,
    /// Persons met in rows of the schools.
    met: IdSet,
    /// Table -> keys that a row of the slice refers to, of rows that belong elsewhere.
    extra: HashMap<String, IdSet>,
}

impl Cutting<'_> {
    fn keeps(&self, belongs: Belongs) -> bool {
        match belongs {
            Belongs::School(school) => {
                let schools = self.cut.schools.as_ref();
                schools.is_none_or(|s| s.contains(&school))
            }
            Belongs::OtherYear => false,
            Belongs::Nowhere => self.cut.nowhere,
        }
    }

    /// Where a row belongs, by its key when that is indexed, else by its owner.
    fn belongs(&self, table: &str, own: Option<i64>, owner: Option<i64>) -> Belongs {
        let index = &self.slicer.index;
        match own {
            Some(key) if index.has(table) => index.of_key(table, key),
            _ => {
                let parent = self.slicer.owners.owner(table).map_or("", |(_, p)| p);
                index.of_reference(parent, owner)
            }
        }
    }

    /// Cuts a table that belongs to schools.
    fn owned(&mut self, table: &TableSchema, path: &Path) -> Result<PathBuf, StageError> {
        let name = table.name.as_str();
        let (owner, _) = self.slicer.owners.owner(name).unwrap_or_default();
        let own = key(table).unwrap_or(owner);
        let people = person_columns(table);
        let mut columns = vec![own, owner];
        columns.extend(&people);
        let extra = self.extra.remove(name).unwrap_or_default();
        let family = self.family.as_ref().map(|f| &f.persons);
        let take = |values: &[Option<i64>]| {
            let [key, owner, people @ ..] = values else {
                return false;
            };
            let referred = || key.is_some_and(|k| extra.contains(&k));
            let person = family
                .filter(|_| !people.is_empty())
                .is_none_or(|family| people.iter().flatten().any(|p| family.contains(p)));
            person && (self.keeps(self.belongs(name, *key, *owner)) || referred())
        };
        let mut scan = Scan::new(path, &columns);
        if let Some(family) = family.filter(|_| !people.is_empty()) {
            scan = scan.any_of(&people, family);
        }
        let target = self.out.join(format!("{name}.parquet"));
        let mut file = ParquetFile::create(&target, table.arrow(), &Layout::table(table))?;
        let references = self.slicer.owners.references(name);
        let referring: Vec<&str> = references
            .iter()
            .map(|(column, _)| column.as_str())
            .collect();
        let mut referred: HashMap<String, IdSet> = HashMap::new();
        let mut met = IdSet::default();
        scan.rows(&take, |batch| {
            rows(&batch, &referring, &mut |values| {
                for ((_, parent), value) in references.iter().zip(values) {
                    let Some(value) = value else { continue };
                    let belongs = self.slicer.index.of_key(parent, *value);
                    if belongs != Belongs::Nowhere && !self.keeps(belongs) {
                        referred.entry(parent.clone()).or_default().insert(*value);
                    }
                }
            })
            .and_then(|()| {
                rows(&batch, &people, &mut |values| {
                    met.extend(values.iter().flatten())
                })
            })
            .map_err(|e| StageError::Io(std::io::Error::other(e.to_string())))?;
            file.write(&batch)
        })?;
        file.finish()?;
        if self.cut.persons == Persons::OfSchools {
            self.met.extend(met);
        }
        for (parent, keys) in referred {
            self.extra.entry(parent).or_default().extend(keys);
        }
        Ok(target)
    }

    /// Notes the persons of a table's rows that are of the schools.
    fn meet(&mut self, table: &TableSchema, path: &Path) -> Result<(), StageError> {
        let people = person_columns(table);
        let Some((owner, _)) = self.slicer.owners.owner(&table.name) else {
            return Ok(());
        };
        if people.is_empty() {
            return Ok(());
        }
        let own = key(table).unwrap_or(owner);
        let mut columns = vec![own, owner];
        columns.extend(&people);
        let mut met = IdSet::default();
        Scan::new(path, &columns).each(&mut |values| {
            if let [key, owner, people @ ..] = values
                && self.keeps(self.belongs(&table.name, *key, *owner))
            {
                met.extend(people.iter().flatten());
            }
        })?;
        self.met.extend(met);
        Ok(())
    }
}

/// The tables that hold households, for [`people`].
fn has_household(table: &TableSchema) -> bool {
    integers(table).any(|c| c == HOUSEHOLD)
}

#[cfg(test)]
mod tests;
