//! Locks of runs: which resources of which schools are being sent by whom.
//!
//! ```text
//! <state>/<configuration>/locks/
//!   claim.lock          held for the moment in which leases are read, compared and written
//!   <id>.json           one lease: who holds what (`Lease`); <id> is its time in microseconds
//!   <id>.alive          locked by the holder for life; its time of change is the heartbeat
//!   objects/<resource>.claims   which run sends which district-wide object
//! ```
//! Reads and writes: that folder. Never: the ledger, the target; it knows resources by name only.
//! Source: E34, a resync makes a resource read-only for the schools that it is about.

mod claim;
mod error;
mod lease;
mod objects;
mod pairs;
#[cfg(test)]
mod tests;

pub use claim::{Held, Request, Wait, claim};
pub use error::LockError;
pub use lease::{Lease, STALE, leases};
pub use objects::{ObjectClaims, ResourceClaims};
pub use pairs::Pairs;

use std::path::{Path, PathBuf};

/// Folder of a configuration's locks.
pub fn folder(state_dir: &Path, configuration: &str) -> PathBuf {
    state_dir.join(configuration).join("locks")
}
