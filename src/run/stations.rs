//! The stations of a load: what is sent of each resource, and what is deleted of it, each with what
//! it waits for.
//!
//! ```text
//! deletes that come early ──► all that is sent, prerequisites first ──► other deletes
//! ```
//! Deletes go dependants first. One that its dependants still hold back waits until all the others
//! are over, and is tried once more.

use std::path::PathBuf;

use super::deletes::{Deletes, Plan};
use super::{Selection, Staged};
use crate::ledger::Due;
use crate::load::{Deleting, LoadResource, Objects, ObjectsError};
use crate::pipeline::Mode;
use crate::target::Operation;

/// What a load is made of. The first stations are the resources of the selection, where anything is
/// sent at all.
#[derive(Debug)]
pub(super) struct Stations {
    /// In any order.
    pub(super) resources: Vec<LoadResource>,
    /// Which resource of the selection each is of.
    pub(super) of: Vec<usize>,
    /// What a person must know.
    pub(super) notes: Vec<String>,
}

impl Stations {
    /// Lays them out.
    ///
    /// # Errors
    /// A file of deletes that cannot be read.
    pub(super) fn new(
        selection: &Selection,
        staged: &Staged,
        due: Vec<Due>,
        mut plan: Plan,
        sends: bool,
    ) -> Result<Self, ObjectsError> {
        let mut resources = Vec::new();
        if sends {
            let both = selection.resources.iter().zip(due);
            let all = both.zip(&mut plan.resources);
            resources.extend(all.map(|((p, due), deletes)| LoadResource {
                name: p.resource.name.clone(),
                objects: staged.objects(&p.resource.name),
                results: staged.results(&p.resource.name),
                operation: match p.resource.mode {
                    Mode::Post => Operation::Upsert,
                    Mode::Verify => Operation::Verify,
                },
                meta: p.meta.clone(),
                due,
                prerequisites: p.prerequisites.clone(),
                authorizers: p.authorizers.clone(),
                after: Vec::new(),
                moves: std::mem::take(&mut deletes.moves),
                deleting: None,
            }));
        }
        let sent = resources.len();
        let mut of: Vec<usize> = (0..sent).collect();
        let record = |i: usize, file: &PathBuf, operation, guarded, after| {
            let p = &selection.resources[i];
            Ok::<_, ObjectsError>(LoadResource {
                name: p.resource.name.clone(),
                objects: file.clone(),
                results: staged.results(&p.resource.name),
                operation,
                meta: p.meta.clone(),
                due: Due::everything(Objects::open(file)?.rows()),
                prerequisites: Vec::new(),
                authorizers: Vec::new(),
                after,
                moves: Default::default(),
                deleting: Some(Deleting {
                    guarded,
                    shared: selection.standard.retries.contains_key(&p.resource.name),
                }),
            })
        };
        // Where the deletes of each resource stand; dependants come first.
        let mut at: Vec<Vec<usize>> = vec![Vec::new(); selection.resources.len()];
        for i in (0..selection.resources.len()).rev() {
            let deletes = &plan.resources[i];
            let after: Vec<usize> = dependants(selection, i)
                .flat_map(|d| at[d].clone())
                .collect();
            for file in &deletes.files {
                at[i].push(resources.len());
                of.push(i);
                let (guarded, after) = (deletes.guarded, after.clone());
                resources.push(record(i, file, Operation::Delete, guarded, after)?);
            }
        }
        let deleted = resources.len();
        for (i, deletes) in plan.resources.iter().enumerate() {
            if let Some(file) = &deletes.checks {
                of.push(i);
                resources.push(record(i, file, Operation::Check, None, Vec::new())?);
            }
        }
        if let Some(resources) = resources.get_mut(..deleted) {
            link(resources, &of, &plan.resources, sent);
        }
        Ok(Self {
            resources,
            of,
            notes: plan.notes,
        })
    }
}

/// What each station waits for. Stations `0..sent` are sent, the others are deletes.
fn link(resources: &mut [LoadResource], of: &[usize], plan: &[Deletes], sent: usize) {
    let early = |station: usize| plan[of[station]].early;
    let all = resources.len();
    for (station, resource) in resources.iter_mut().enumerate().skip(sent) {
        let dependants = resource.after.iter().copied();
        let mut before: Vec<usize> = match early(station) {
            // One that comes late waits for what is sent, which waits for this one.
            true => dependants.filter(|d| early(*d)).collect(),
            false => (0..sent).chain(dependants).collect(),
        };
        before.sort_unstable();
        resource.prerequisites = before;
        resource.authorizers = (0..sent).collect();
    }
    let first: Vec<usize> = (sent..all).filter(|s| early(*s)).collect();
    for resource in resources.iter_mut().take(sent) {
        resource.prerequisites.extend(&first);
    }
}

/// The resources that need `i`, through others or not.
fn dependants(selection: &Selection, i: usize) -> impl Iterator<Item = usize> + use<> {
    let resources = &selection.resources;
    let mut found = vec![false; resources.len()];
    // Prerequisites come first, so one walk is enough.
    for (d, p) in resources.iter().enumerate() {
        let needs = p.prerequisites.iter().any(|p| *p == i || found[*p]);
        found[d] = needs;
    }
    (0..found.len()).filter(move |d| found[*d])
}
