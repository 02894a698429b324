//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod errors;
mod history;
mod locks;
mod new_target;
