//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod deletes;
mod errors;
mod history;
mod locks;
mod new_target;
