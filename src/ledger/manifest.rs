//! The ledger's manifest: which generation counts, and which journals are in it.
//!
//! Reads and writes: `manifest.json` (swapped by a rename).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use super::part::{Written, sync_folder};
use crate::files;

/// The format that is written.
const FORMAT: u32 = 1;

/// What `manifest.json` says. A ledger without one has no generation yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Format of the manifest, the parts and their columns.
    pub(super) format: u32,
    /// Number of the newest generation, 0 = none.
    pub(super) generation: u64,
    /// When it was made, microseconds since 1970.
    pub(super) compacted_at: i64,
    /// Time of the newest event in it, microseconds since 1970.
    pub(super) newest: i64,
    /// What counts, by resource.
    pub(super) resources: BTreeMap<String, ResourceParts>,
    /// Generations that counted before and stay for readers until the next compaction.
    pub(super) previous: BTreeMap<String, u64>,
    /// Journals that are in the generations; they may still lie about after a crash.
    pub(super) merged: Vec<MergedJournal>,
}

/// The parts of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceParts {
    /// The generation in which they were written.
    pub(super) generation: u64,
    /// Rows per part; 0 = no file.
    pub(super) parts: Vec<u64>,
    /// Rows with delivered content.
    pub(super) delivered: u64,
    /// Rows with a standing refusal.
    pub(super) refused: u64,
}

impl ResourceParts {
    /// Describes what was written.
    pub(super) fn new(generation: u64, written: Written) -> Self {
        let Written {
            parts,
            delivered,
            refused,
        } = written;
        Self {
            generation,
            parts,
            delivered,
            refused,
        }
    }

    /// All rows.
    pub(super) fn rows(&self) -> u64 {
        self.parts.iter().sum()
    }
}

/// A journal that is in the generations. The id tells it from a later one of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MergedJournal {
    /// File name.
    pub(super) file: String,
    /// The id in its header, in hexadecimal.
    pub(super) id: String,
}

impl Manifest {
    /// Reads the ledger's manifest; the empty one when there is none.
    pub(super) fn read(folder: &Path) -> Result<Self, LedgerError> {
        let path = Self::path(folder);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    format: FORMAT,
                    ..Self::default()
                });
            }
            Err(error) => return Err(LedgerError::io("read", &path)(error)),
        };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let broken = |source| LedgerError::Manifest {
            path: path.clone(),
            source,
        };
        let Version { format: found } = serde_json::from_slice(&bytes).map_err(broken)?;
        if found > FORMAT {
            return Err(LedgerError::Newer {
                path,
                found,
                known: FORMAT,
            });
        }
        serde_json::from_slice(&bytes).map_err(broken)
    }

    /// Swaps the manifest: from here on it counts, also after a power cut.
    pub(super) fn write(&self, folder: &Path) -> Result<(), LedgerError> {
        let path = Self::path(folder);
        let broken = |source| LedgerError::Manifest {
            path: path.clone(),
            source,
        };
        let bytes = serde_json::to_vec_pretty(self).map_err(broken)?;
        files::write(&path, &bytes).map_err(LedgerError::io("write", &path))?;
        sync_folder(folder)
    }

    /// Whether a journal is in the generations.
    pub(super) fn has_merged(&self, id: u64) -> bool {
        let id = format!("{id:016x}");
        self.merged.iter().any(|m| m.id == id)
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("manifest.json")
    }
}

/// Folder of one resource's generations. Names that could leave it are escaped.
pub(super) fn resource_folder(folder: &Path, resource: &str) -> PathBuf {
    let mut name = String::with_capacity(resource.len());
    for b in resource.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(b)),
            _ => name.push_str(&format!("%{b:02X}")),
        }
    }
    folder.join("resources").join(name)
}

/// Folder of one generation of one resource.
pub(super) fn generation_folder(folder: &Path, resource: &str, generation: u64) -> PathBuf {
    resource_folder(folder, resource).join(format!("gen-{generation}"))
}
