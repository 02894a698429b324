//! Objects with the same outcome for the same reason: how many, how many of them new, and the
//! first few by key.
//!
//! Reads: nothing. Writes: nothing. Never: grows with the number of objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::Reason;

/// Examples kept per group.
pub const EXAMPLES: usize = 5;

/// One object of a group, for a person to look up. Holds student data: owner-only files only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The natural key.
    pub key: String,
    /// The SIS table that the object comes from.
    pub source_table: String,
    /// The key of its row there.
    pub source_key: String,
    /// HTTP status; 0 when the object was held back or no answer came.
    pub status: u16,
    /// The server's text, or ours when `status` is 0.
    pub message: String,
    /// For a blocked or skipped child: the object at the root of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub root: Option<Root>,
}

/// The object whose fate another one shares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Its resource.
    pub resource: String,
    /// Its natural key.
    pub key: String,
}

/// An [`Example`] not yet worth an allocation: most objects of a large group are never shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExampleRef<'a> {
    /// The natural key.
    pub key: &'a str,
    /// The SIS table.
    pub source_table: &'a str,
    /// The key of its row there.
    pub source_key: &'a str,
    /// HTTP status, 0 for none.
    pub status: u16,
    /// The server's text, or ours.
    pub message: &'a str,
    /// Resource and key of the object at the root of it.
    pub root: Option<(&'a str, &'a str)>,
}

impl ExampleRef<'_> {
    fn to_owned(self) -> Example {
        Example {
            key: self.key.to_owned(),
            source_table: self.source_table.to_owned(),
            source_key: self.source_key.to_owned(),
            status: self.status,
            message: self.message.to_owned(),
            root: self.root.map(|(resource, key)| Root {
                resource: resource.to_owned(),
                key: key.to_owned(),
            }),
        }
    }
}

impl Example {
    fn borrowed(&self) -> ExampleRef<'_> {
        ExampleRef {
            key: &self.key,
            source_table: &self.source_table,
            source_key: &self.source_key,
            status: self.status,
            message: &self.message,
            root: self
                .root
                .as_ref()
                .map(|r| (r.resource.as_str(), r.key.as_str())),
        }
    }
}

/// Whether the ledger knew an error from an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// This run is the first to have it.
    New,
    /// The ledger's last refusal of this object has the same reason.
    Standing,
}

/// Count and examples of one (outcome, reason).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Objects.
    pub count: u64,
    /// Those of them that no earlier run had.
    pub new: u64,
    /// Up to [`EXAMPLES`], the smallest by key, so that the same objects are shown whatever the
    /// order in which answers came.
    pub examples: Vec<Example>,
}

/// Groups by reason.
pub type Groups = BTreeMap<Reason, Group>;

impl Group {
    fn add(&mut self, age: Age, example: ExampleRef<'_>) {
        self.count += 1;
        self.new += u64::from(age == Age::New);
        let full = self.examples.len() == EXAMPLES;
        if full
            && self
                .examples
                .last()
                .is_some_and(|last| last.borrowed() <= example)
        {
            return;
        }
        let at = self.examples.partition_point(|e| e.borrowed() <= example);
        self.examples.insert(at, example.to_owned());
        self.examples.truncate(EXAMPLES);
    }

    /// Adds another group's objects.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.new += other.new;
        self.examples.extend(other.examples);
        self.examples.sort();
        self.examples.truncate(EXAMPLES);
    }
}

/// Counts an object under its reason; copies the reason only for the first of its kind.
pub(super) fn add(groups: &mut Groups, reason: &Reason, age: Age, example: ExampleRef<'_>) {
    if let Some(group) = groups.get_mut(reason) {
        group.add(age, example);
    } else {
        groups.entry(reason.clone()).or_default().add(age, example);
    }
}

/// Merges groups by reason.
pub(super) fn merge(mine: &mut Groups, theirs: Groups) {
    for (reason, group) in theirs {
        mine.entry(reason).or_default().merge(group);
    }
}
