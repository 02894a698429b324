//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod data;
mod deletes;
mod guest;
mod locks;
mod new_target;
mod notify;
mod plan;
mod setup;
