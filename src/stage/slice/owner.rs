//! Which school's a row is: through which column of its table, and of which table that is the key.
//!
//! Reads: the declared tables. Writes: nothing. Never: looks at a row.
//!
//! A table belongs to schools through the first of its columns, in declared order, that is
//! `schoolID` or the whole key of another table that belongs to schools (`sectionID` of Roster, the
//! key of Section, whose `courseID` ... `schoolID`).

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{ColumnType, SisSchema, TableSchema};

/// The column that names a school, and the table that it is the key of.
pub(super) const SCHOOL: &str = "schoolID";
/// The key of the table of calendars, and its column that holds the school year's end.
pub(super) const CALENDAR: &str = "calendarID";
pub(super) const YEAR: &str = "endYear";
/// The column that names a household.
pub(super) const HOUSEHOLD: &str = "householdID";

/// How tables hang together.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    /// Table -> the column through which it belongs to a school, and that column's table.
    of: BTreeMap<String, (String, String)>,
    /// Table -> its columns that are the key of another table that belongs to schools.
    references: BTreeMap<String, Vec<(String, String)>>,
    /// Tables that belong to schools, what refers before what is referred to.
    order: Vec<String>,
}

/// The one key column of a table.
pub(super) fn key(table: &TableSchema) -> Option<&str> {
    match table.key.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// The columns that name persons: `personID`, `personID1`, `personID2`.
pub(super) fn person_columns(table: &TableSchema) -> Vec<&str> {
    let named = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()) == "personID";
    integers(table).filter(|c| named(c)).collect()
}

/// Whole-number columns in declared order.
pub(super) fn integers(table: &TableSchema) -> impl Iterator<Item = &str> {
    let columns = table.columns.iter().filter(|c| c.kind == ColumnType::Int);
    columns.map(|c| c.name.as_str())
}

impl Owners {
    /// Finds out for all tables.
    pub(super) fn of(tables: &[TableSchema]) -> Self {
        let keyed = |column: &str| tables.iter().find(|t| key(t) == Some(column));
        let mut owners = Self::default();
        for table in tables {
            owners.find(table, &keyed, &mut BTreeSet::new());
        }
        for table in tables.iter().filter(|t| owners.of.contains_key(&t.name)) {
            let referred = |column: &str| {
                let parent = keyed(column).filter(|p| p.name != table.name)?;
                let owned = owners.of.contains_key(&parent.name);
                owned.then(|| (column.to_owned(), parent.name.clone()))
            };
            let found = integers(table).filter_map(referred).collect();
            owners.references.insert(table.name.clone(), found);
        }
        let mut depths: Vec<(usize, &String)> = owners
            .of
            .keys()
            .map(|table| (owners.depth(table, &mut BTreeSet::new()), table))
            .collect();
        depths.sort_by(|a, b| b.cmp(a));
        owners.order = depths.into_iter().map(|(_, t)| t.clone()).collect();
        owners
    }

    fn find<'a>(
        &mut self,
        table: &'a TableSchema,
        keyed: &impl Fn(&str) -> Option<&'a TableSchema>,
        visiting: &mut BTreeSet<&'a str>,
    ) -> bool {
        if self.of.contains_key(&table.name) {
            return true;
        }
        if !visiting.insert(&table.name) {
            return false;
        }
        for column in integers(table) {
            let Some(parent) = keyed(column) else {
                continue;
            };
            let own_key = parent.name == table.name;
            let leads = match column == SCHOOL {
                true => true,
                false => !own_key && self.find(parent, keyed, visiting),
            };
            if leads {
                let owner = (column.to_owned(), parent.name.clone());
                self.of.insert(table.name.clone(), owner);
                break;
            }
        }
        visiting.remove(table.name.as_str());
        self.of.contains_key(&table.name)
    }

    /// The longest way of references from a table.
    fn depth<'a>(&'a self, table: &'a str, visiting: &mut BTreeSet<&'a str>) -> usize {
        if !visiting.insert(table) {
            return 0;
        }
        let parents = self.references(table);
        let depth = parents
            .iter()
            .map(|(_, parent)| 1 + self.depth(parent, visiting))
            .max();
        visiting.remove(table);
        depth.unwrap_or(0)
    }

    /// The column through which a table belongs to a school, and the table that it is the key of.
    pub(super) fn owner(&self, table: &str) -> Option<(&str, &str)> {
        let (column, parent) = self.of.get(table)?;
        Some((column, parent))
    }

    /// All columns of a table that are the key of a table that belongs to schools.
    pub(super) fn references(&self, table: &str) -> &[(String, String)] {
        self.references.get(table).map_or(&[], Vec::as_slice)
    }

    /// Tables that belong to schools, what refers before what is referred to.
    pub(super) fn order(&self) -> &[String] {
        &self.order
    }
}

/// Adds the tables through which these belong to a school, so that a row's school can be told.
pub fn with_owners(sis: &SisSchema, names: &mut BTreeSet<String>) {
    let owners = Owners::of(&sis.tables);
    let mut open: Vec<String> = names.iter().cloned().collect();
    while let Some(table) = open.pop() {
        if let Some((_, parent)) = owners.owner(&table)
            && names.insert(parent.to_owned())
        {
            open.push(parent.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shipped() -> SisSchema {
        SisSchema::load(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/pipelines/sis.toml"
        )))
        .unwrap()
    }

    #[test]
    fn every_shipped_table_belongs_where_it_should() {
        let sis = shipped();
        let owners = Owners::of(&sis.tables);
        for (table, column) in [
            ("School", "schoolID"),
            ("Calendar", "schoolID"),
            ("Course", "calendarID"),
            ("Section", "courseID"),
            ("Roster", "sectionID"),
            ("SectionStaffHistory", "sectionID"),
            ("SectionPlacement", "sectionID"),
            ("Enrollment", "calendarID"),
            ("Term", "termScheduleID"),
            ("DayEvent", "dayID"),
            ("Room", "schoolID"),
            ("EmploymentAssignment", "schoolID"),
        ] {
            assert_eq!(owners.owner(table).map(|o| o.0), Some(column), "{table}");
        }
        for table in [
            "Person",
            "Identity",
            "Contact",
            "RelatedPair",
            "Employment",
            "Address",
        ] {
            assert_eq!(owners.owner(table), None, "{table}");
        }
        let at = |t: &str| owners.order().iter().position(|o| o == t).unwrap();
        assert!(at("Roster") < at("Section") && at("Section") < at("Room"));
        assert_eq!(owners.order().last().map(String::as_str), Some("School"));
    }

    #[test]
    fn the_way_to_the_school_is_staged_too() {
        let mut names = BTreeSet::from(["Roster".to_owned(), "Person".to_owned()]);
        with_owners(&shipped(), &mut names);
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            all,
            [
                "Calendar", "Course", "Person", "Roster", "School", "Section"
            ]
        );
    }
}
