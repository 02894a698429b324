//! How each object of a configuration stands, over all its runs.
//!
//! Source: D12, D13: per object last resync, processed and errors, kept between runs.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::entry::{Entry, Standing};
use super::object::Mark;
use crate::progress::Kept;

/// An object in the tree of a configuration's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub object: String,
    /// How deep it stands; 0 = at the top.
    pub depth: usize,
    /// What it hangs below, where objects hang below others.
    pub parent: Option<String>,
}

/// How one object stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectStatus {
    /// Its name.
    pub object: String,
    /// How deep it stands in a tree of objects; 0 = at the top.
    pub depth: usize,
    /// What it hangs below, where objects hang below others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// When the last run of it began, UTC; none = never.
    pub last_resync: Option<DateTime<Utc>>,
    /// That run.
    pub run: Option<String>,
    /// Records processed by that run, those with errors included.
    pub processed: u64,
    /// Records with errors.
    pub errors: u64,
    /// Its mark.
    pub status: Mark,
}

/// All objects of a configuration in one school year, and its runs at work.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overview {
    /// The configuration.
    pub configuration: String,
    /// The school year by its end year; none before the first run.
    pub school_year: Option<i32>,
    /// Whether that is the active year, and not one that was asked for.
    pub current_year: bool,
    /// Runs at work, with how far they are.
    pub running: Vec<Entry>,
    /// Objects in the order asked for.
    pub objects: Vec<ObjectStatus>,
}

impl Overview {
    /// These objects, each as the newest run of it left it in a school year: the one asked for, else
    /// that of the newest run that was about the active one. `entries` are oldest first.
    ///
    /// What was sent for some persons or single records says nothing of the object as a whole, and
    /// what was sent for a part (some schools, failed ones) only where nothing more was ever sent.
    pub fn new(
        configuration: &str,
        nodes: impl IntoIterator<Item = Node>,
        entries: &[Entry],
        year: Option<i32>,
    ) -> Self {
        let resyncs: Vec<&Entry> = entries.iter().filter(|e| e.is_resync()).collect();
        let newest = || resyncs.iter().rev();
        let active = newest().find(|e| !e.other_year);
        let shown = active.or(newest().next());
        let school_year = year.or(shown.and_then(|e| e.target.school_year));
        let counted: Vec<&Entry> = newest()
            .filter(|e| e.target.school_year == school_year && !e.scope.is_of_some_records())
            .copied()
            .collect();
        let left = |object: &str, part: bool| {
            let mut of = counted.iter().filter(|e| e.part == part);
            of.find_map(|e| Some((e, e.objects.iter().find(|o| o.object == object)?)))
        };
        let objects = nodes.into_iter().map(|node| {
            let Node {
                object,
                depth,
                parent,
            } = node;
            let status = match left(&object, false).or_else(|| left(&object, true)) {
                None => ObjectStatus::default(),
                Some((entry, found)) => ObjectStatus {
                    last_resync: Some(entry.started),
                    run: Some(entry.run.clone()),
                    processed: found.processed,
                    errors: found.errors,
                    status: found.status,
                    ..ObjectStatus::default()
                },
            };
            ObjectStatus {
                object,
                depth,
                parent,
                ..status
            }
        });
        Self {
            configuration: configuration.to_owned(),
            school_year,
            current_year: active.is_some_and(|e| e.target.school_year == school_year),
            objects: objects.collect(),
            running: resyncs
                .iter()
                .filter(|e| e.state == Standing::Running)
                .map(|e| (*e).clone())
                .collect(),
        }
    }
}

/// Fills in how far a run is that has not ended: at work, or dead.
pub(super) fn settle(entry: &mut Entry, run: &Path) {
    let far = Kept::read(run);
    let alive = entry.state == Standing::Running;
    for object in &mut entry.objects {
        let found = far.get(&object.object).cloned().unwrap_or_default();
        object.processed = found.done;
        object.errors = found.errors;
        object.transformed = found.total.unwrap_or_default();
        object.pending = object.transformed.saturating_sub(found.done);
        object.status = match found.ended.as_deref() {
            Some("done") if found.errors > 0 => Mark::DoneWithErrors,
            Some("done") => Mark::Done,
            Some("stopped early") => Mark::Failed,
            Some(_) => Mark::Cancelled,
            None if alive && found.done == 0 => Mark::Queued,
            None if alive => Mark::Running,
            None => Mark::Failed,
        };
    }
}
