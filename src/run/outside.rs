//! A plan of a part: what its objects refer to outside of it.
//!
//! Reads: staged objects, the ledger. Writes: scratch files. Never: sends anything.

use std::collections::BTreeMap;

use super::{Context, RunError, Selection, Staged};
use crate::checks::{Engine, Place, dangling};
use crate::ledger::Ledger;
use crate::pipeline::Mode;

/// References to resources that the pipeline loads and that are no part of this plan, to objects
/// that the target has not acknowledged: a run would send what has them, and the target would
/// refuse it. One note per place of a reference.
///
/// # Errors
/// Files cannot be read or written.
pub(super) async fn references(
    context: &Context,
    selection: &Selection,
    staged: &Staged,
    ledger: &Ledger,
) -> Result<Vec<String>, RunError> {
    let engine = Engine::new(&staged.folder.path().join("references"))?;
    let planned = |name: &str| selection.resources.iter().any(|p| p.resource.name == name);
    let loaded = context.pipeline.resources.iter();
    let loaded: Vec<&str> = loaded
        .filter(|r| r.mode == Mode::Post)
        .map(|r| r.name.as_str())
        .collect();
    let names = selection.resources.iter().map(|p| &p.resource.name);
    let objects: BTreeMap<_, _> = names
        .map(|name| (name.clone(), staged.objects(name)))
        .collect();
    let place = Place {
        standard: &selection.standard,
        objects: &objects,
        ledger: Some(ledger),
    };
    let mut notes = Vec::new();
    for p in &selection.resources {
        let name = p.resource.name.as_str();
        let only = |target: &str| loaded.contains(&target) && !planned(target);
        for ((path, _), found) in dangling(&engine, &place, (name, &p.meta), only).await? {
            notes.push(format!(
                "{name}: {} objects have a {path} to {} objects that are neither in this plan \
                 nor acknowledged by the target; plan their resources, too",
                found.objects, found.parents
            ));
        }
    }
    Ok(notes)
}
