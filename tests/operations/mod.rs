//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod choice;
mod cleanup;
mod deletes;
mod guest;
mod layers;
mod locks;
mod new_target;
mod notify;
mod persons;
mod transcripts;
