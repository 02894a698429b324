//! POST, PUT and DELETE: the rules of the real server, in its order.
//!
//! Reads and writes: the store. Never: answers before the journal has the change.

use serde_json::Value;

use super::api::{Api, line, new_record, now_ms};
use super::check::{self, Checked};
use super::journal;
use super::layout::{self, PersonRule, reference_hash};
use super::options::Operation;
use super::problem::Problem;
use super::read::{matches_etag, parse_id};
use super::store::{Record, Shelves};

/// An accepted write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// Whether a record was created.
    pub(super) created: bool,
    /// Its id.
    pub(super) id: u128,
    /// Its version.
    pub(super) version: u64,
}

impl Api {
    /// POST: creates, or replaces the record of the same natural key.
    ///
    /// # Errors
    /// 400, 403, 409, 412.
    pub(super) fn post(
        &self,
        number: u16,
        body: &[u8],
        if_match: Option<&str>,
    ) -> Result<Written, Problem> {
        let body = parse_body(body)?;
        if !body["id"].is_null() {
            return Err(Problem::id_in_body());
        }
        let checked = self.check(number, &body)?;
        self.upsert(number, checked, if_match, true)
    }

    /// Stores a checked body under its natural key. `claims`: whether the claim set must grant
    /// a creation (a seed is the server's own).
    ///
    /// # Errors
    /// 403, 409, 412.
    pub(super) fn upsert(
        &self,
        number: u16,
        checked: Checked<'_>,
        if_match: Option<&str>,
        claims: bool,
    ) -> Result<Written, Problem> {
        let resource = self.layout.resource(number);
        let mut shelves = self.store.lock(&resource.write_set, number);
        let found = shelves.get(number).by_key(checked.key);
        if let Some(old) = found {
            return self.replace(number, &old.clone(), checked, if_match, &mut shelves);
        }
        if if_match.is_some() {
            return Err(Problem::stale());
        }
        if claims {
            self.allow(number, Operation::Create)?;
        }
        let references = resolve(&checked, &shelves, &resource.title)?;
        let version = self.store.next_version();
        let mut id = layout::record_id(&self.instance_id, resource, checked.key, version);
        while shelves.get(number).holds_id(id) {
            id = id.wrapping_add(1);
        }
        let record = Record {
            references,
            ..new_record(checked, id, version, now_ms())
        };
        self.keep(&line(&resource.name, &record))?;
        if let Some(shelf) = shelves.get_mut(number) {
            shelf.put(record);
        }
        Ok(Written {
            created: true,
            id,
            version,
        })
    }

    /// Replaces a record by a body of the same key.
    fn replace(
        &self,
        number: u16,
        old: &Record,
        checked: Checked<'_>,
        if_match: Option<&str>,
        shelves: &mut Shelves<'_>,
    ) -> Result<Written, Problem> {
        let resource = self.layout.resource(number);
        self.allow(number, Operation::Update)?;
        self.authorize(number, old.key, shelves)?;
        if if_match.is_some_and(|etags| !matches_etag(etags, old.version)) {
            return Err(Problem::stale());
        }
        let mut written = Written {
            created: false,
            id: old.id,
            version: old.version,
        };
        if old.body == checked.body {
            return Ok(written);
        }
        let references = resolve(&checked, shelves, &resource.title)?;
        written.version = self.store.next_version();
        let record = Record {
            references,
            ..new_record(checked, old.id, written.version, now_ms())
        };
        self.keep(&line(&resource.name, &record))?;
        if let Some(shelf) = shelves.get_mut(number) {
            shelf.put(record);
        }
        Ok(written)
    }

    /// PUT of one record; may change its key where the standard says so.
    ///
    /// # Errors
    /// 400, 403, 404, 409, 412.
    pub(super) fn put(
        &self,
        number: u16,
        id: &str,
        body: &[u8],
        if_match: Option<&str>,
    ) -> Result<Written, Problem> {
        self.allow(number, Operation::Update)?;
        let resource = self.layout.resource(number);
        let id = parse_id(id).ok_or_else(Problem::no_item)?;
        let body = parse_body(body)?;
        let checked = self.check(number, &body)?;
        {
            let mut shelves = self.store.lock(&resource.write_set, number);
            let shelf = shelves.get(number);
            let old = shelf.by_id(id).ok_or_else(Problem::no_item)?.clone();
            if old.key == checked.key {
                return self.replace(number, &old, checked, if_match, &mut shelves);
            }
        }
        if !resource.key_updatable {
            return Err(Problem::key_change(&resource.title));
        }
        self.rekey(number, id, body, checked, if_match)
    }

    /// DELETE of one record.
    ///
    /// # Errors
    /// 403, 404, 409, 412.
    pub(super) fn delete(
        &self,
        number: u16,
        id: &str,
        if_match: Option<&str>,
    ) -> Result<(), Problem> {
        self.allow(number, Operation::Delete)?;
        let resource = self.layout.resource(number);
        let id = parse_id(id).ok_or_else(Problem::no_item)?;
        let mut locks = resource.referrers.clone();
        locks.push(number);
        locks.sort_unstable();
        locks.dedup();
        let mut shelves = self.store.lock(&locks, number);
        let old = shelves.get(number).by_id(id).ok_or_else(Problem::no_item)?;
        if if_match.is_some_and(|etags| !matches_etag(etags, old.version)) {
            return Err(Problem::stale());
        }
        let hash = reference_hash(number, old.key);
        let dependants: Vec<&str> = resource
            .referrers
            .iter()
            .filter(|other| {
                let mut referring = shelves.get(**other).referring(hash);
                referring.any(|record| record.id != id)
            })
            .map(|other| self.layout.resource(*other).title.as_str())
            .collect();
        if !dependants.is_empty() {
            return Err(Problem::dependants(&dependants));
        }
        let mut line = Vec::with_capacity(96);
        journal::remove_line(&mut line, &resource.name, id, self.store.next_version());
        self.keep(&line)?;
        if let Some(shelf) = shelves.get_mut(number) {
            shelf.remove(id);
        }
        Ok(())
    }

    /// Checks a body, without any lock.
    ///
    /// # Errors
    /// 400 with all faults.
    fn check(&self, number: u16, body: &Value) -> Result<Checked<'_>, Problem> {
        let resource = self.layout.resource(number);
        let mut checked = check::check(&self.layout, resource, body).map_err(Problem::invalid)?;
        if !checked.ignored.is_empty() {
            self.counters
                .ignored(number, std::mem::take(&mut checked.ignored));
        }
        Ok(checked)
    }

    /// A person may be changed only once an association makes it the caller's.
    ///
    /// # Errors
    /// 403.
    pub(super) fn authorize(
        &self,
        number: u16,
        key: u128,
        shelves: &Shelves<'_>,
    ) -> Result<(), Problem> {
        let resource = self.layout.resource(number);
        let Some(rule) = &resource.person else {
            return Ok(());
        };
        if is_related(rule, reference_hash(number, key), shelves) {
            return Ok(());
        }
        let titles: Vec<_> = rule
            .direct
            .iter()
            .chain(&rule.indirect)
            .map(|n| self.layout.resource(*n).title.as_str())
            .collect();
        let member = resource.key.first().map(|part| layout::capital(&part.name));
        Err(Problem::no_relationship(
            &titles,
            &member.unwrap_or_default(),
        ))
    }

    /// Hands changes to the journal.
    ///
    /// # Errors
    /// 500: the disk did not take them; nothing is changed.
    pub(super) fn keep(&self, lines: &[u8]) -> Result<(), Problem> {
        self.store.append(lines).map_err(|error| {
            tracing::error!(%error, "a change is refused because it cannot be kept");
            Problem::system()
        })
    }
}

/// An association refers to the person, and where a second one is asked for, the two share another
/// reference (a contact's student is enrolled).
fn is_related(rule: &PersonRule, person: u64, shelves: &Shelves<'_>) -> bool {
    rule.direct.iter().any(|direct| {
        shelves.get(*direct).referring(person).any(|association| {
            rule.indirect.is_empty()
                || association.references.iter().any(|shared| {
                    *shared != person
                        && rule
                            .indirect
                            .iter()
                            .all(|other| shelves.get(*other).referring(*shared).next().is_some())
                })
        })
    })
}

/// The references of a body, all of which must exist.
///
/// # Errors
/// 409.
pub(super) fn resolve(
    checked: &Checked<'_>,
    shelves: &Shelves<'_>,
    title: &str,
) -> Result<Box<[u64]>, Problem> {
    checked
        .resolve(shelves)
        .map_err(|missing| Problem::unresolved(title, &missing))
}

fn parse_body(body: &[u8]) -> Result<Value, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::no_body());
    }
    serde_json::from_slice(body).map_err(|error| Problem::malformed(&error))
}
