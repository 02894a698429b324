//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod deletes;
mod guest;
mod locks;
mod new_target;
mod notify;
