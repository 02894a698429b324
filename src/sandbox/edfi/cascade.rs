//! A change of a natural key, and of everything that refers to it.
//!
//! Reads and writes: the store, all of it under lock. Never: changes a part of it: the journal
//! gets all lines in one write.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::api::{Api, new_record, now_ms};
use super::check::{self, Checked};
use super::journal;
use super::layout::{Member, Shape, key_hash, reference_hash};
use super::problem::Problem;
use super::read::matches_etag;
use super::store::{Record, Shelves};
use super::write::{Written, resolve};

/// A resource's record.
type Place = (u16, u128);

/// A record as it will be.
struct Change {
    body: Value,
    /// The key before the whole change.
    old_key: u128,
    /// The key as far as the change has come.
    key: u128,
}

/// A key that changed, and is to be followed up.
struct Moved {
    resource: u16,
    old_key: u128,
    before: u128,
    /// The new key's parts by name.
    parts: Vec<(String, Value)>,
}

impl Api {
    /// Gives a record a new key and body, and every record that refers to it the new key.
    ///
    /// # Errors
    /// 403, 404, 409, 412; nothing is changed then.
    pub(super) fn rekey(
        &self,
        number: u16,
        id: u128,
        body: Value,
        checked: Checked<'_>,
        if_match: Option<&str>,
    ) -> Result<Written, Problem> {
        let resource = self.layout.resource(number);
        let mut shelves = self.store.lock_all();
        let old = shelves.get(number).by_id(id).ok_or_else(Problem::no_item)?;
        if if_match.is_some_and(|etags| !matches_etag(etags, old.version)) {
            return Err(Problem::stale());
        }
        self.authorize(number, old.key, &shelves)?;
        resolve(&checked, &shelves, &resource.title)?;
        let first = Change {
            body,
            old_key: old.key,
            key: old.key,
        };
        let mut changes = HashMap::from([((number, id), first)]);
        self.follow(number, id, &mut changes, &shelves)?;
        self.refuse_taken(&changes, &shelves)?;
        let version = self.apply(&changes, (number, id), &mut shelves)?;
        Ok(Written {
            created: false,
            id,
            version,
        })
    }

    /// Finds everything that a new key touches.
    fn follow(
        &self,
        number: u16,
        id: u128,
        changes: &mut HashMap<Place, Change>,
        shelves: &Shelves<'_>,
    ) -> Result<(), Problem> {
        let mut moved: VecDeque<Moved> = self.settle((number, id), changes).into_iter().collect();
        while let Some(step) = moved.pop_front() {
            for referrer in &self.layout.resource(step.resource).referrers {
                let members = &self.layout.resource(*referrer).members;
                let hash = reference_hash(step.resource, step.old_key);
                for record in shelves.get(*referrer).referring(hash) {
                    let place = (*referrer, record.id);
                    let change = match changes.entry(place) {
                        std::collections::hash_map::Entry::Occupied(held) => held.into_mut(),
                        std::collections::hash_map::Entry::Vacant(free) => free.insert(Change {
                            body: serde_json::from_slice(&record.body)
                                .map_err(|_| Problem::system())?,
                            old_key: record.key,
                            key: record.key,
                        }),
                    };
                    step.rewrite(members, &mut change.body);
                    moved.extend(self.settle(place, changes));
                }
            }
        }
        Ok(())
    }

    /// Recomputes the key of a changed record; says so if it moved.
    fn settle(&self, place: Place, changes: &mut HashMap<Place, Change>) -> Option<Moved> {
        let resource = self.layout.resource(place.0);
        let change = changes.get_mut(&place)?;
        let key = key_hash(&check::key_text(resource, &change.body));
        let before = std::mem::replace(&mut change.key, key);
        let parts = || {
            resource.key.iter().map(|part| {
                let value = part
                    .path
                    .iter()
                    .fold(&change.body, |value, name| &value[name]);
                (part.name.clone(), value.clone())
            })
        };
        (key != before).then(|| Moved {
            resource: place.0,
            old_key: change.old_key,
            before,
            parts: parts().collect(),
        })
    }

    /// No two records may end up with one key.
    fn refuse_taken(
        &self,
        changes: &HashMap<Place, Change>,
        shelves: &Shelves<'_>,
    ) -> Result<(), Problem> {
        let mut keys = HashMap::new();
        for (place, change) in changes {
            let resource = self.layout.resource(place.0);
            let holder = shelves.get(place.0).by_key(change.key);
            let stays = holder.is_some_and(|record| {
                record.id != place.1
                    && changes
                        .get(&(place.0, record.id))
                        .is_none_or(|other| other.key == change.key)
            });
            if stays || keys.insert((place.0, change.key), place.1).is_some() {
                let key = check::key_text(resource, &change.body);
                return Err(Problem::same_key(&resource.title, &key));
            }
        }
        Ok(())
    }

    /// Checks the new bodies, journals them with one write, and puts them on the shelves.
    fn apply(
        &self,
        changes: &HashMap<Place, Change>,
        first: Place,
        shelves: &mut Shelves<'_>,
    ) -> Result<u64, Problem> {
        let (now, mut lines, mut records) = (now_ms(), Vec::new(), Vec::new());
        let mut version_of_first = 0;
        for (place, change) in changes {
            let resource = self.layout.resource(place.0);
            let checked =
                check::check(&self.layout, resource, &change.body).map_err(Problem::invalid)?;
            let version = self.store.next_version();
            if *place == first {
                version_of_first = version;
            }
            let record = new_record(checked, place.1, version, now);
            journal::put_line(&mut lines, &resource.name, &record);
            records.push((place.0, record));
        }
        self.keep(&lines)?;
        let bodies: Vec<(u16, Record)> = records.clone();
        for (number, record) in records {
            if let Some(shelf) = shelves.get_mut(number) {
                shelf.put(record);
            }
        }
        // The new keys are all in place: now the references can be found.
        for (number, record) in bodies {
            let resource = self.layout.resource(number);
            let found = serde_json::from_slice(&record.body)
                .ok()
                .and_then(|body| check::check(&self.layout, resource, &body).ok())
                .map(|checked| checked.resolve_what_is_there(shelves));
            if let (Some(references), Some(shelf)) = (found, shelves.get_mut(number)) {
                shelf.refer(record.id, references);
            }
        }
        Ok(version_of_first)
    }
}

impl Moved {
    /// Gives the references of a body that mean the old key the new one.
    fn rewrite(&self, members: &[Member], body: &mut Value) {
        for member in members {
            let Some(value) = body.get_mut(&member.name) else {
                continue;
            };
            match &member.shape {
                Shape::Scalar(_) => {}
                Shape::Object(inner) => self.rewrite(inner, value),
                Shape::Array(inner) => {
                    for element in value.as_array_mut().into_iter().flatten() {
                        self.rewrite(inner, element);
                    }
                }
                Shape::Reference(reference) => {
                    let target = reference
                        .targets
                        .iter()
                        .find(|t| t.resource == self.resource);
                    let (Some(target), Value::Object(map)) = (target, value) else {
                        continue;
                    };
                    let key = key_hash(&check::reference_key(reference, &target.parts, map));
                    if key != self.old_key && key != self.before {
                        continue;
                    }
                    for (name, at) in &target.parts {
                        let new = self.parts.iter().find(|(part, _)| part == name);
                        if let Some((_, value)) = new {
                            map.insert(reference.members[*at].name.clone(), value.clone());
                        }
                    }
                }
            }
        }
    }
}
