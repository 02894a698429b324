//! The audit log: who did what, when, with which configuration, and what came of it.
//!
//! Writes: `<state_dir>/audit.jsonl`, appended to only; each line carries the hash of the line
//! before. Reads: the same. Never: ids or names of persons, or secrets; whoever makes an entry
//! sees to it that there are none.

mod chain;
mod log;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use chain::{Chain, Problem, verify};
pub use log::{append, read};

/// Where the log is.
pub fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("audit.jsonl")
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Something that changes data begins; without an `ended` of the same id it was killed, or is
    /// at work.
    Started,
    /// It has ended.
    Ended,
    /// Something was looked at.
    Viewed,
    /// A right was missing.
    Refused,
}

/// One line of the log (public contract: docs/schemas/audit.schema.json).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256 of the line before, in hexadecimal; empty in the first line. Set by [`append`].
    #[serde(default)]
    pub prev: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
    /// What `started` and `ended` of one action have in common.
    pub id: String,
    /// The user of the operating system who acts.
    pub user: String,
    /// Its number.
    pub uid: u32,
    /// The service account through which it acts, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The host.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The command: verb, flags, values that identify nobody; of others how many there were.
    pub command: String,
    /// The configuration.
    pub configuration: String,
    /// Fingerprint of the pipeline file.
    pub pipeline: String,
    /// Fingerprint of SQL, crosswalks, SIS schema and metadata.
    pub mapping: String,
    /// The run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What came of it: sums over all resources, deletes included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// The exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<u8>,
    /// Which right was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}
