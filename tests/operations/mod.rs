//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod cleanup;
mod deletes;
mod locks;
mod new_target;
mod persons;
