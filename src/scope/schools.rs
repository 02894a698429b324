//! The schools of a district, and finding one by what a person types.
//!
//! Reads: the list that it is given. Writes: nothing. Never: chooses between two candidates.
//! Sources: E16, E29 ("will begin to show school results as a value is typed").

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// How many schools a message lists.
const MOST_LISTED: usize = 40;

/// A school of the SIS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    /// SIS schoolID.
    pub id: i64,
    /// Its number, where the SIS has one.
    pub number: Option<String>,
    /// Its name, where the SIS has one.
    pub name: Option<String>,
}

/// The schools that a configuration or a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SchoolsWanted {
    /// All of the district.
    All,
    /// These, each by id, number, or a part of the name that only one school has.
    Named(Vec<String>),
}

/// All schools of the SIS, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schools(pub Vec<School>);

/// Names that stand for no school, or for several: all of them, one to a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct UnknownSchools(pub Vec<String>);

impl Schools {
    /// The schools that `text` may mean, best match first: the one with this id or number; else
    /// those with this name; else those with it as a part of their name or number. Case and outer
    /// spaces do not matter; no text finds all.
    pub fn find(&self, text: &str) -> Vec<&School> {
        let wanted = text.trim().to_lowercase();
        let lower = |t: &Option<String>| t.as_deref().unwrap_or("").trim().to_lowercase();
        let all = || self.0.iter();
        if wanted.is_empty() {
            return all().collect();
        }
        let id = wanted.parse::<i64>().ok();
        let by_id: Vec<&School> = all().filter(|s| Some(s.id) == id).collect();
        let by_number: Vec<&School> = all().filter(|s| lower(&s.number) == wanted).collect();
        match (by_id.is_empty(), by_number.is_empty()) {
            (true, true) => {}
            // One school's id may be another's number: both are candidates.
            _ => {
                let mut both = by_id;
                both.extend(by_number);
                both.sort_by_key(|s| s.id);
                both.dedup();
                return both;
            }
        }
        let by_name: Vec<&School> = all().filter(|s| lower(&s.name) == wanted).collect();
        if !by_name.is_empty() {
            return by_name;
        }
        let has = |t: &Option<String>| lower(t).contains(&wanted);
        all().filter(|s| has(&s.name) || has(&s.number)).collect()
    }

    /// The ids of the schools that are named, each by id, number or a unique part of its name.
    ///
    /// # Errors
    /// Every name that means no school, or several (with the candidates).
    pub fn resolve(&self, names: &[String]) -> Result<BTreeSet<i64>, UnknownSchools> {
        let (mut ids, mut wrong) = (BTreeSet::new(), Vec::new());
        for name in names {
            match self.find(name).as_slice() {
                _ if name.trim().is_empty() => {
                    wrong.push("an empty text names no school".to_owned());
                }
                [one] => {
                    ids.insert(one.id);
                }
                [] => wrong.push(format!(
                    "no school has the id, number or name `{name}`; the schools are:\n{}",
                    self.table("")
                )),
                _ => wrong.push(format!(
                    "`{name}` may mean several schools; give the id of one:\n{}",
                    self.table(name)
                )),
            }
        }
        match wrong.is_empty() {
            true => Ok(ids),
            false => Err(UnknownSchools(wrong)),
        }
    }

    /// The schools that `text` finds, one to a line: id, number, name.
    pub fn table(&self, text: &str) -> String {
        self.listed(text, MOST_LISTED)
    }

    /// As [`Self::table`], however many they are.
    pub fn whole_table(&self, text: &str) -> String {
        self.listed(text, usize::MAX)
    }

    fn listed(&self, text: &str, most: usize) -> String {
        let found = self.find(text);
        let row = |s: &School| {
            [
                s.id.to_string(),
                s.number.clone().unwrap_or_default(),
                s.name.clone().unwrap_or_default(),
            ]
        };
        let mut rows = vec![["id", "number", "name"].map(str::to_owned)];
        rows.extend(found.iter().take(most).map(|s| row(s)));
        let width = |i: usize| {
            let lengths = rows
                .iter()
                .map(|r| r.get(i).map_or(0, |t| t.chars().count()));
            lengths.max().unwrap_or(0)
        };
        let (first, second) = (width(0), width(1));
        let mut out = String::new();
        for [id, number, name] in &rows {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {id:>first$}  {number:<second$}  {name}");
        }
        if found.len() > most {
            let _ = writeln!(
                out,
                "  and {} more; `fullsync schools PIPELINE` lists all",
                found.len() - most
            );
        }
        let trimmed: Vec<&str> = out.lines().map(str::trim_end).collect();
        trimmed.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schools() -> Schools {
        let school = |id, number: &str, name: &str| School {
            id,
            number: Some(number.to_owned()),
            name: Some(name.to_owned()),
        };
        Schools(vec![
            school(1, "101", "Washington High"),
            school(2, "102", "Washington Middle"),
            school(3, "1", "Lincoln Elementary"),
        ])
    }

    fn ids(text: &str) -> Vec<i64> {
        schools().find(text).iter().map(|s| s.id).collect()
    }

    #[test]
    fn a_school_is_found_by_id_number_name_or_part_of_it() {
        assert_eq!(ids("2"), [2]);
        assert_eq!(ids("102"), [2]);
        assert_eq!(ids("lincoln"), [3]);
        assert_eq!(ids("WASH"), [1, 2]);
        assert_eq!(ids("washington high"), [1]);
        assert_eq!(ids("1"), [1, 3], "an id and another's number");
        assert_eq!(ids("10"), [1, 2], "part of the number");
        assert_eq!(ids("").len(), 3);
        assert!(ids("none").is_empty());
    }

    #[test]
    fn all_doubtful_names_are_told_at_once_with_candidates() {
        let names = |n: &[&str]| n.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let ok = schools().resolve(&names(&["101", "linc", "3"])).unwrap();
        assert_eq!(ok, BTreeSet::from([1, 3]));
        let error = schools()
            .resolve(&names(&["wash", "jeff"]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("`wash` may mean several") && error.contains("Washington Middle"));
        assert!(
            error.contains("`jeff`") && error.contains("Lincoln Elementary"),
            "{error}"
        );
    }
}
