//! How each object of a configuration stands, over all its runs.
//!
//! Source: D12, D13: per object last resync, processed and errors, kept between runs.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::entry::{Entry, Standing};
use super::object::Mark;
use crate::progress::Kept;

/// How one object stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectStatus {
    /// Its name.
    pub object: String,
    /// How deep it stands in a tree of objects; 0 = at the top.
    pub depth: usize,
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

/// All objects of a configuration, and its runs at work.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overview {
    /// The configuration.
    pub configuration: String,
    /// Runs at work, with how far they are.
    pub running: Vec<Entry>,
    /// Objects in the order asked for.
    pub objects: Vec<ObjectStatus>,
}

impl Overview {
    /// The objects of these names (with their depths), each as the newest run of it left it.
    /// `entries` are oldest first.
    pub fn new(
        configuration: &str,
        objects: impl IntoIterator<Item = (String, usize)>,
        entries: &[Entry],
    ) -> Self {
        let resyncs: Vec<&Entry> = entries.iter().filter(|e| e.is_resync()).collect();
        // What was sent for some persons says nothing of the object as a whole.
        let whole = |e: &&&Entry| !e.scope.is_of_some_records();
        let running = |e: &&&Entry| e.state == Standing::Running;
        let objects = objects.into_iter().map(|(object, depth)| {
            let found = resyncs.iter().rev().filter(whole).find_map(|entry| {
                let found = entry.objects.iter().find(|o| o.object == object)?;
                Some((entry, found))
            });
            let Some((entry, found)) = found else {
                return ObjectStatus {
                    object,
                    depth,
                    ..ObjectStatus::default()
                };
            };
            ObjectStatus {
                depth,
                last_resync: Some(entry.started),
                run: Some(entry.run.clone()),
                processed: found.processed,
                errors: found.errors,
                status: found.status,
                object,
            }
        });
        Self {
            configuration: configuration.to_owned(),
            objects: objects.collect(),
            running: resyncs
                .iter()
                .filter(running)
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
