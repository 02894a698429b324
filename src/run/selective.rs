//! Selective sync: some records of one object, by their ids, and those of the objects below it.
//!
//! Reads: objects files. Writes: nothing. Never: more in memory than the keys that are chosen.
//! Source: Resync State Data - Selective Sync.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::only::{Failed, Only};
use super::prepare::Prepared;
use super::{RunError, Selection, Staged};
use crate::load::{Columns, Objects};
use crate::metadata::{ReferenceColumns, ResourceMeta};
use crate::object::{Key, KeyHash};
use crate::pipeline::Pipeline;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selective {
    /// The object.
    pub object: String,
    /// Ids of its records: the values of its key.
    pub ids: Vec<i64>,
}

impl Selective {
    /// Checks that the object may be chosen by ids; what its ids are called.
    ///
    /// # Errors
    /// There is no such object, or it has no label; those that have are named.
    pub fn label<'a>(&self, pipeline: &'a Pipeline) -> Result<&'a str, RunError> {
        let named = pipeline.resources.iter().find(|r| r.name == self.object);
        if let Some(label) = named.and_then(|r| r.selective.as_deref()) {
            return Ok(label);
        }
        let others: Vec<String> = pipeline
            .resources
            .iter()
            .filter_map(|r| Some(format!("{} ({})", r.name, r.selective.as_deref()?)))
            .collect();
        Err(RunError::Selection(vec![format!(
            "`{}` cannot be synced by ids; one of: {}",
            self.object,
            others.join(", ")
        )]))
    }

    /// The ids that an objects file does not have.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn missing(
        &self,
        objects: &Path,
        meta: &ResourceMeta,
    ) -> Result<Vec<i64>, RunError> {
        let keys = self.keys(meta);
        let mut found = BTreeSet::new();
        visit(&Objects::open(objects)?, |key| {
            if keys.contains_key(&key) {
                found.insert(key);
            }
        })?;
        let missing = keys.into_iter().filter(|(key, _)| !found.contains(key));
        let missing: BTreeSet<i64> = missing.map(|(_, id)| id).collect();
        Ok(self
            .ids
            .iter()
            .copied()
            .filter(|id| missing.contains(id))
            .collect())
    }

    fn keys(&self, meta: &ResourceMeta) -> BTreeMap<KeyHash, i64> {
        let name = meta.key.first().map_or("", |part| part.name.as_str());
        let key = |id: &i64| {
            let mut key = Key::new();
            key.push(name, &id.to_string());
            (KeyHash::of(key.as_str()), *id)
        };
        self.ids.iter().map(key).collect()
    }

    /// The keys that are sent: the chosen records, and those of the selection that refer to one of
    /// them, directly or through another.
    pub(super) fn only(&self, selection: &Selection, staged: &Staged) -> Result<Only, RunError> {
        let mut chosen: BTreeMap<String, BTreeSet<KeyHash>> = BTreeMap::new();
        // Prerequisites stand first, so that a child finds its parents.
        for p in &selection.resources {
            let name = p.resource.name.clone();
            let keys = match name == self.object {
                true => self.keys(&p.meta).into_keys().collect(),
                false => below(p, selection, staged, &chosen)?,
            };
            chosen.insert(name, keys);
        }
        let sorted = |(name, keys): (String, BTreeSet<KeyHash>)| (name, keys.into_iter().collect());
        Ok(Only {
            failed: Some(Failed::Keys(chosen.into_iter().map(sorted).collect())),
            ..Only::default()
        })
    }
}

/// The keys of one object's records that refer to a chosen record.
fn below(
    p: &Prepared,
    selection: &Selection,
    staged: &Staged,
    chosen: &BTreeMap<String, BTreeSet<KeyHash>>,
) -> Result<BTreeSet<KeyHash>, RunError> {
    let references = ReferenceColumns::new(&selection.standard, &p.meta)
        .only(|target| chosen.contains_key(target));
    let objects = Objects::open(&staged.objects(&p.resource.name))?;
    let mut found = BTreeSet::new();
    for group in objects.groups() {
        objects.read(
            group,
            Columns::All,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                let follow = |row: usize, target: &str, parent: KeyHash| {
                    let known = chosen
                        .get(target)
                        .is_some_and(|keys| keys.contains(&parent));
                    found.extend(
                        known
                            .then(|| KeyHash::from_bytes(scope.key_hash.value(row)))
                            .flatten(),
                    );
                };
                references
                    .parents(&batch, 0..batch.num_rows(), follow)
                    .map_err(|e| RunError::Io(std::io::Error::other(e)))?;
                Ok::<bool, RunError>(true)
            },
        )?;
    }
    Ok(found)
}

fn visit(objects: &Objects, mut visit: impl FnMut(KeyHash)) -> Result<(), RunError> {
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                for row in 0..batch.num_rows() {
                    if let Some(key) = KeyHash::from_bytes(scope.key_hash.value(row)) {
                        visit(key);
                    }
                }
                Ok::<bool, RunError>(true)
            },
        )?;
    }
    Ok(())
}
