//! The lock of whoever sends or deletes: on its resources, at the schools that it is limited to.

use std::collections::BTreeSet;

use tokio::sync::watch;

use super::{Context, RunError, Selection, Until};
use crate::lock::{self, Held, Pairs, Request, Wait};
use crate::pipeline::{Mode, Pipeline};

/// What is to be locked, and how.
#[derive(Debug)]
pub struct Lock<'a> {
    /// The verb, for those who are kept out.
    pub verb: &'a str,
    /// SIS schoolIDs; None: every school.
    pub schools: Option<&'a BTreeSet<i64>>,
    /// What to do when another run holds some of it.
    pub wait: Wait,
    /// Ends the waiting.
    pub cancel: watch::Receiver<bool>,
}

/// Locks the resources of a selection; those that are only looked at (`mode = "verify"`) are left
/// out. Every verb that sends or deletes calls it before it does.
///
/// # Errors
/// Another run holds some of it.
pub async fn lock(
    pipeline: &Pipeline,
    selection: &Selection,
    lock: Lock<'_>,
) -> Result<Held, RunError> {
    let written = selection.resources.iter().map(|p| &p.resource);
    let written = written.filter(|resource| resource.mode != Mode::Verify);
    let request = Request {
        folder: lock::folder(&pipeline.state_dir, &pipeline.name),
        configuration: pipeline.name.clone(),
        verb: lock.verb.to_owned(),
        pairs: Pairs {
            resources: written.map(|resource| resource.name.clone()).collect(),
            schools: lock.schools.cloned(),
        },
    };
    Ok(lock::claim(&request, lock.wait, lock.cancel).await?)
}

/// The lock of a run.
pub(super) async fn lock_run(context: &Context, selection: &Selection) -> Result<Held, RunError> {
    let options = &context.options;
    let wanted = Lock {
        verb: Until::Loaded.verb(&options.start),
        schools: options.scope.schools.as_ref(),
        wait: options.wait_lock,
        cancel: context.cancel.clone(),
    };
    lock(&context.pipeline, selection, wanted).await
}
