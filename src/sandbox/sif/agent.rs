//! What the zone knows of an agent: its registration, what it provides, subscribes to and may do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::message::DEFAULT_CONTEXT;

/// One of the seven things an agent does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Right {
    /// Is the one that holds it.
    Provide,
    /// Is told of its events.
    Subscribe,
    /// Tells of new ones.
    PublishAdd,
    /// Tells of changes.
    PublishChange,
    /// Tells of deletes.
    PublishDelete,
    /// Asks for it.
    Request,
    /// Answers requests for it.
    Respond,
}

impl Right {
    /// All of them, in the order of messages.
    pub const ALL: [Self; 7] = [
        Self::Provide,
        Self::Subscribe,
        Self::PublishAdd,
        Self::PublishChange,
        Self::PublishDelete,
        Self::Request,
        Self::Respond,
    ];

    /// The name that a command line has for it.
    fn word(self) -> &'static str {
        match self {
            Self::Provide => "provide",
            Self::Subscribe => "subscribe",
            Self::PublishAdd => "add",
            Self::PublishChange => "change",
            Self::PublishDelete => "delete",
            Self::Request => "request",
            Self::Respond => "respond",
        }
    }

    /// Its part of names: `SIF_ProvideObjects`, `SIF_ProvideAccess`.
    pub(super) fn stem(self) -> &'static str {
        match self {
            Self::Provide => "SIF_Provide",
            Self::Subscribe => "SIF_Subscribe",
            Self::PublishAdd => "SIF_PublishAdd",
            Self::PublishChange => "SIF_PublishChange",
            Self::PublishDelete => "SIF_PublishDelete",
            Self::Request => "SIF_Request",
            Self::Respond => "SIF_Respond",
        }
    }

    /// Category and code where a provision lacks it.
    pub(super) fn missing(self) -> (u8, u8) {
        match self {
            Self::Provide => (4, 3),
            Self::Subscribe => (4, 4),
            Self::Request => (4, 5),
            Self::Respond => (4, 6),
            Self::PublishAdd | Self::PublishChange | Self::PublishDelete => (4, 7),
        }
    }

    /// The right to publish an event of this action, and the code where it lacks.
    pub(super) fn of_action(action: &str) -> Option<(Self, (u8, u8))> {
        Some(match action {
            "Add" => (Self::PublishAdd, (4, 10)),
            "Change" => (Self::PublishChange, (4, 11)),
            "Delete" => (Self::PublishDelete, (4, 12)),
            _ => return None,
        })
    }
}

/// Who may do what. The default: everybody everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// The agents that may register; None: any.
    pub agents: Option<BTreeSet<String>>,
    /// What is denied: agent, right, object.
    pub denied: BTreeSet<(String, Right, String)>,
}

impl Acl {
    /// Denies something, written as `AGENT:RIGHT:OBJECT`.
    ///
    /// # Errors
    /// The text is not of that form, or names no right.
    pub fn deny(&mut self, text: &str) -> Result<(), String> {
        let mut parts = text.splitn(3, ':');
        let (Some(agent), Some(word), Some(object)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("`{text}` is not AGENT:RIGHT:OBJECT"));
        };
        let right = Right::ALL.into_iter().find(|r| r.word() == word);
        let right = right.ok_or_else(|| {
            let words: Vec<&str> = Right::ALL.into_iter().map(Right::word).collect();
            format!("`{word}` is no right: {}", words.join(", "))
        })?;
        self.denied
            .insert((agent.to_owned(), right, object.to_owned()));
        Ok(())
    }

    pub(super) fn registers(&self, agent: &str) -> bool {
        self.agents.as_ref().is_none_or(|all| all.contains(agent))
    }

    pub(super) fn grants(&self, agent: &str, right: Right, object: &str) -> bool {
        self.denied.is_empty()
            || !self
                .denied
                .contains(&(agent.to_owned(), right, object.to_owned()))
    }
}

/// A registered agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Agent {
    /// SIF_Name.
    pub(super) name: String,
    /// Versions that it takes, patterns.
    pub(super) versions: Vec<String>,
    /// Largest message that it takes, in bytes.
    pub(super) max_buffer: u64,
    /// URL of a push agent.
    pub(super) push: Option<String>,
    /// Whether it takes SIF_BundledEvents.
    pub(super) bundles: bool,
    /// Whether it sleeps.
    pub(super) asleep: bool,
    /// The event that blocks further ones until it is acknowledged for good.
    pub(super) blocked: Option<Id>,
    /// What it does, by right.
    pub(super) lists: BTreeMap<Right, BTreeSet<String>>,
    /// The contexts that it does it in, where these are not just the default one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) within: BTreeMap<Right, BTreeMap<String, BTreeSet<String>>>,
}

impl Agent {
    /// Whether it does this with an object, in a context.
    pub(super) fn does(&self, right: Right, object: &str, context: &str) -> bool {
        self.contexts(right, object).contains(&context)
    }

    /// The contexts that it does this with an object in.
    pub(super) fn contexts(&self, right: Right, object: &str) -> Vec<&str> {
        let list = self.lists.get(&right);
        if !list.is_some_and(|objects| objects.contains(object)) {
            return Vec::new();
        }
        match self.within.get(&right).and_then(|list| list.get(object)) {
            Some(contexts) => contexts.iter().map(String::as_str).collect(),
            None => vec![DEFAULT_CONTEXT],
        }
    }

    /// From now on it does this with an object in exactly these contexts; none: no longer at all.
    pub(super) fn put(&mut self, right: Right, object: &str, contexts: &BTreeSet<String>) {
        if let Some(list) = self.within.get_mut(&right) {
            list.remove(object);
        }
        let list = self.lists.entry(right).or_default();
        if contexts.is_empty() {
            list.remove(object);
            return;
        }
        list.insert(object.to_owned());
        if contexts.iter().any(|c| c != DEFAULT_CONTEXT) {
            let within = self.within.entry(right).or_default();
            within.insert(object.to_owned(), contexts.clone());
        }
    }

    /// It does nothing any more.
    pub(super) fn clear(&mut self) {
        self.lists.clear();
        self.within.clear();
    }

    /// What it did before it registered anew.
    pub(super) fn with_lists_of(mut self, earlier: Self) -> Self {
        (self.lists, self.within) = (earlier.lists, earlier.within);
        self
    }

    pub(super) fn takes(&self, version: &str) -> bool {
        self.versions.iter().any(|p| fits(p, version))
    }
}

/// Whether a version fits `2.6`, `2.*`, `*` or `2.1r*`.
pub(super) fn fits(pattern: &str, version: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => {
            let revision = start.strip_suffix('r');
            version.starts_with(start) || revision == Some(version)
        }
        None => pattern == version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_read() {
        let mut acl = Acl::default();
        acl.deny("SIS:add:LEAInfo").unwrap();
        assert!(!acl.grants("SIS", Right::PublishAdd, "LEAInfo"));
        assert!(acl.grants("SIS", Right::Provide, "LEAInfo"));
        assert!(
            acl.deny("SIS:fly:LEAInfo")
                .unwrap_err()
                .contains("provide, subscribe, add")
        );
        assert!(acl.deny("SIS").is_err());
    }

    #[test]
    fn versions_fit_patterns() {
        for (pattern, version, is) in [
            ("*", "2.6", true),
            ("2.*", "2.7", true),
            ("2.*", "1.5r1", false),
            ("2.0r*", "2.0", true),
            ("2.0r*", "2.0r1", true),
            ("2.6", "2.6", true),
            ("2.6", "2.5", false),
        ] {
            assert_eq!(fits(pattern, version), is, "{pattern} {version}");
        }
    }
}
