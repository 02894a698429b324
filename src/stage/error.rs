//! Why staging stops.

use std::io;
use std::path::PathBuf;

use crate::source::SourceError;

/// Why a run folder cannot be made, read or filled.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The file system failed; the path is in the message.
    #[error("cannot write the run folder")]
    Io(#[from] io::Error),
    /// The source cannot be read, or lacks something.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A Parquet file cannot be written.
    #[error("cannot write {}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet writer says.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Tables are asked for that the SIS schema does not declare.
    #[error("the SIS schema does not declare {}. Add them to the schema file", tables.join(", "))]
    UnknownTables {
        /// Their names.
        tables: Vec<String>,
    },
    /// There is no such run.
    #[error("there is no run {which} in {}; its subfolders are the runs", runs.display())]
    NoRun {
        /// What was asked for.
        which: String,
        /// Where it was looked for.
        runs: PathBuf,
    },
    /// A manifest cannot be understood.
    #[error("cannot read {}; the run folder is damaged, start a new run", path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Another process is at work in the run folder.
    #[error("run {run} is being worked on by another process; wait for it or stop it")]
    Running {
        /// The run.
        run: String,
    },
    /// The folder was opened for reading only.
    #[error("run {run} was opened for reading; it cannot be changed")]
    ReadOnly {
        /// The run.
        run: String,
    },
    /// Files that the manifest lists are not there as they were written.
    #[error(
        "run {run} is not complete: {}. Run `fullsync extract` again",
        files.join(", ")
    )]
    Incomplete {
        /// The run.
        run: String,
        /// What is missing or has changed.
        files: Vec<String>,
    },
    /// The disk is too small.
    #[error(
        "{} has {} free and this run may need {}. Free space, or set state_dir to a larger disk",
        path.display(), mib(*free), mib(*needed)
    )]
    TooLittleDisk {
        /// The state folder.
        path: PathBuf,
        /// Bytes that the run may need.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The caller asked for the end.
    #[error("stopped while reading the source; nothing was sent")]
    Interrupted,
}

/// Bytes as a text for people: MiB, from 10 GiB on GiB.
fn mib(bytes: u64) -> String {
    let mib = bytes.div_ceil(1 << 20);
    if mib < 10 << 10 {
        format!("{mib} MiB")
    } else {
        format!("{} GiB", mib >> 10)
    }
}
