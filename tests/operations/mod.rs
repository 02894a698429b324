//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod choice;
mod deletes;
mod errors;
mod guest;
mod history;
mod layers;
mod locks;
mod new_target;
mod notify;
mod rights;
mod transcripts;
