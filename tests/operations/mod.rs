//! Issue 3, the Resync operations: one file per subject, one test per seed item.

mod again;
mod choice;
mod cleanup;
mod data;
mod deletes;
mod deletes_random;
mod errors;
mod fetch;
mod guest;
mod history;
mod layers;
mod locks;
mod new_target;
mod notify;
mod parameters;
mod persons;
mod plan;
mod rights;
mod routes;
mod scope;
mod setup;
mod shared_objects;
mod shipped;
mod transcripts;
