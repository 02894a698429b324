//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod data;
mod locks;
mod new_target;
mod plan;
mod setup;
