//! What is to be deleted at the target, decided before anything is sent: the ledger against the
//! objects, the staged tables and the unreadable rows of this run.
//!
//! Reads: the ledger, objects files, staged tables, `rejects.csv`. Writes: `deletes/*.parquet` in
//! the run folder. Never: HTTP; the load carries it out.

mod cleanup;
mod file;
mod judge;
mod listing;
mod people;
mod plan;
mod resource;
mod sources;

use std::path::PathBuf;

pub(super) use cleanup::Listings;
pub use file::DeletesError;
pub(super) use file::{DeletesFile, Doomed};
pub use people::People;
pub(super) use plan::{Planning, offered, plan};

use super::{Selection, Staged};
use crate::load::Moves;

/// What is to be deleted, by resource in the order of the selection.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One per resource.
    pub(super) resources: Vec<Deletes>,
    /// What a person must know: what was stopped, and why. No student data.
    pub(super) notes: Vec<String>,
}

impl Plan {
    /// Nothing is deleted.
    pub(super) fn none(selection: &Selection) -> Self {
        let mut plan = Self::default();
        plan.resources
            .resize_with(selection.resources.len(), Deletes::default);
        plan
    }
}

/// The deletes of one resource.
#[derive(Debug, Default)]
pub(super) struct Deletes {
    /// Objects that take over the record of another key by a PUT.
    pub(super) moves: Moves,
    /// What is to be deleted: what was sent and is gone, what was never sent.
    pub(super) files: Vec<PathBuf>,
    /// They come before all that is sent: what replaces them, or what they depend on, waits.
    pub(super) early: bool,
    /// A guard holds them back, and why.
    pub(super) guarded: Option<&'static str>,
    /// What the ledger knows and the target does not list: to be looked for, and forgotten.
    pub(super) checks: Option<PathBuf>,
}

impl Staged {
    /// What the target lists of a resource.
    pub(in crate::run) fn listing(&self, resource: &str) -> PathBuf {
        self.out()
            .join("target")
            .join(format!("{resource}.parquet"))
    }

    /// What the ledger knows of a resource and the target does not list.
    pub(in crate::run) fn checks(&self, resource: &str) -> PathBuf {
        self.out()
            .join("checks")
            .join(format!("{resource}.parquet"))
    }

    /// The list of a resource's deletes.
    pub(in crate::run) fn deletes(&self, resource: &str) -> PathBuf {
        self.out()
            .join("deletes")
            .join(format!("{resource}.parquet"))
    }
}
