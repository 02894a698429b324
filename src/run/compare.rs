//! Compares what is staged with what a state has: counts and content hashes per object and school.
//!
//! Reads: objects files, the state's digests and keys. Writes: nothing. Never: more than one
//! school's records of one object in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use arrow::array::Array as _;

use super::RunError;
use crate::load::{Columns, Objects, SchoolDigest, State};
use crate::object::ContentHash;
use crate::scope::Scope;

/// One object at one school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The object.
    pub object: String,
    /// SIS schoolID; None: district-wide records.
    pub school: Option<i64>,
    /// Records that are staged and not held back.
    pub staged: u64,
    /// Records that the state has.
    pub at_state: u64,
    /// Where they differ, in the order of the keys.
    pub differences: Vec<Difference>,
}

/// One record that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its natural key.
    pub key: String,
    /// How.
    pub kind: Kind,
}

/// How a record differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Staged, and not at the state.
    Missing,
    /// At the state with other content.
    Changed,
    /// At the state, and not staged.
    Extra,
}

impl Kind {
    /// The word of listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing_at_state",
            Self::Changed => "other_content",
            Self::Extra => "only_at_state",
        }
    }
}

/// Compares one object's file with the state, school by school. `scope` is what the file was made
/// for: what the state has beside it is a difference only where the file is about all of it.
///
/// # Errors
/// The file cannot be read, or the state does not answer.
pub async fn compare(
    state: &State,
    school_year: i32,
    object: &str,
    objects: &Objects,
    scope: &Scope,
) -> Result<Vec<Compared>, RunError> {
    let admitted = |school: Option<i64>| match (&scope.schools, school) {
        (Some(schools), Some(school)) => schools.contains(&school),
        _ => true,
    };
    let staged = tokio::task::block_in_place(|| digests(objects))?;
    let theirs: BTreeMap<Option<i64>, SchoolDigest> = state
        .digests(school_year, object)
        .await?
        .into_iter()
        .map(|d| (d.school, d))
        .collect();
    let mut schools: Vec<Option<i64>> = staged.keys().chain(theirs.keys()).copied().collect();
    schools.retain(|school| admitted(*school));
    schools.sort_unstable();
    schools.dedup();
    let mut compared = Vec::with_capacity(schools.len());
    for school in schools {
        // District-wide records of some schools are those that these schools need.
        let whole = !scope.names_ids() && (scope.schools.is_none() || school.is_some());
        let (count, sum) = staged.get(&school).copied().unwrap_or_default();
        let there = theirs.get(&school).map(|d| (d.records, d.digest));
        let mut one = Compared {
            object: object.to_owned(),
            school,
            staged: count,
            at_state: there.map_or(0, |(records, _)| records),
            differences: Vec::new(),
        };
        if there.unwrap_or_default() != (count, sum) {
            let mut ours = tokio::task::block_in_place(|| keys(objects, school))?;
            // A key that is staged twice counts once: with one content, or refused before sending.
            one.staged = ours.values().flatten().count() as u64;
            let extra = |d: &Difference| whole || d.kind != Kind::Extra;
            let mut known = 0;
            let mut after: Option<String> = None;
            loop {
                let page = state.keys(school_year, object, school, after.as_deref());
                let (records, more) = page.await?;
                after = records.last().map(|(key, _)| key.clone());
                for record in records {
                    known += u64::from(ours.contains_key(&record.0));
                    one.differences
                        .extend(against(&mut ours, record).filter(extra));
                }
                if !more || after.is_none() {
                    break;
                }
            }
            if !whole {
                one.at_state = known;
            }
            let missing = ours.into_iter().filter(|(_, hash)| hash.is_some());
            one.differences.extend(missing.map(|(key, _)| Difference {
                key,
                kind: Kind::Missing,
            }));
            one.differences.sort_by(|a, b| a.key.cmp(&b.key));
        }
        compared.push(one);
    }
    Ok(compared)
}

/// Staged records of one school: key to hash, None where rows of one key differ.
type Keys = BTreeMap<String, Option<u128>>;

fn against(ours: &mut Keys, (key, hash): (String, u128)) -> Option<Difference> {
    let kind = match ours.remove(&key) {
        None | Some(None) => Kind::Extra,
        Some(Some(own)) if own != hash => Kind::Changed,
        Some(_) => return None,
    };
    Some(Difference { key, kind })
}

/// Visits the rows that are not held back: school, key, content hash.
fn visit(
    objects: &Objects,
    mut visit: impl FnMut(Option<i64>, &str, u128),
) -> Result<(), RunError> {
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                let [schools, ..] = &scope.ids;
                for i in (0..batch.num_rows()).filter(|i| scope.reason.is_null(*i)) {
                    let school = schools.is_valid(i).then(|| schools.value(i));
                    let hash = ContentHash::from_bytes(scope.content_hash.value(i));
                    visit(school, scope.key.value(i), hash.map_or(0, |h| h.0));
                }
                Ok::<bool, RunError>(true)
            },
        )?;
    }
    Ok(())
}

fn digests(objects: &Objects) -> Result<BTreeMap<Option<i64>, (u64, u128)>, RunError> {
    let mut schools: BTreeMap<Option<i64>, (u64, u128)> = BTreeMap::new();
    visit(objects, |school, _, hash| {
        let (count, sum) = schools.entry(school).or_default();
        *count += 1;
        *sum = sum.wrapping_add(hash);
    })?;
    Ok(schools)
}

fn keys(objects: &Objects, of: Option<i64>) -> Result<Keys, RunError> {
    let mut found = Keys::new();
    visit(objects, |school, key, hash| {
        if school != of {
            return;
        }
        match found.entry(key.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(Some(hash));
            }
            Entry::Occupied(mut place) if *place.get() != Some(hash) => {
                place.insert(None);
            }
            Entry::Occupied(_) => {}
        }
    })?;
    Ok(found)
}
