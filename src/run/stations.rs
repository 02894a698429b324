//! The stations of a load: what is sent of each resource, and what is deleted of it, each with what
//! it waits for.
//!
//! ```text
//! deletes that come early ──► all that is sent, prerequisites first ──► other deletes
//! ```
//! Deletes go dependants first. One that its dependants still hold back waits until all the others
//! are over, and is tried once more.

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
    ) -> Result<Self, ObjectsError> {
        let sent = due.len();
        let mut resources: Vec<LoadResource> = (selection.resources.iter().zip(due))
            .zip(&mut plan.resources)
            .map(|((p, due), deletes)| LoadResource {
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
            })
            .collect();
        let mut of: Vec<usize> = (0..sent).collect();
        // Where the deletes of each resource stand; dependants come first.
        let mut at: Vec<Option<usize>> = vec![None; selection.resources.len()];
        for i in (0..selection.resources.len()).rev() {
            let deletes = &plan.resources[i];
            let Some(file) = &deletes.file else { continue };
            let p = &selection.resources[i];
            let after = dependants(selection, i).filter_map(|d| at[d]).collect();
            at[i] = Some(resources.len());
            of.push(i);
            resources.push(LoadResource {
                name: p.resource.name.clone(),
                objects: file.clone(),
                results: staged.results(&p.resource.name),
                operation: Operation::Delete,
                meta: p.meta.clone(),
                due: Due::everything(Objects::open(file)?.rows()),
                prerequisites: Vec::new(),
                authorizers: Vec::new(),
                after,
                moves: Default::default(),
                deleting: Some(Deleting {
                    guarded: deletes.guarded,
                    shared: selection.standard.retries.contains_key(&p.resource.name),
                }),
            });
        }
        link(&mut resources, &of, &plan.resources, sent);
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
