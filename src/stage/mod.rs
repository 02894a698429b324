//! The run folder: what one run has read, made and found out, in files that a person can open.
//!
//! Reads: a source, run folders. Writes: `runs/ID/...` below the state folder, owner-only, each file
//! under a temporary name and renamed. Never: shows a file before it is complete, asks for the time.

mod detached;
mod disk;
mod error;
mod extract;
mod keep;
mod manifest;
mod parquet_file;
mod prune;
mod rejects;
mod run_folder;
mod run_id;
mod slice;
mod state_dir;

pub use detached::Detached;
pub use disk::{Estimate, check_disk};
pub use error::StageError;
pub use extract::{Extracting, extract};
pub use manifest::{
    ColumnNote, FileNote, KeptFile, Manifest, PartNote, RunState, SourceNote, TableNote, TargetNote,
};
pub use parquet_file::{Layout, ParquetFile, ROW_GROUP_ROWS, StagedFile, fingerprint};
pub use prune::{PruneRules, delete_run, prune};
pub use rejects::REJECT_COLUMNS;
pub use run_folder::RunFolder;
pub use run_id::RunId;
pub use slice::{Cut, Persons, Slicer, with_owners};
pub use state_dir::{RunAbout, StateDir};
