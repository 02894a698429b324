//! Why a sandbox could not start, or keep what it was sent.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; choose another --port, or 0 for a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The state folder could not be read or written.
    #[error("cannot read or write the sandbox's state; check the folder's owner and free space")]
    State(#[source] io::Error),
    /// Another sandbox uses the state folder.
    #[error("another sandbox uses {}; stop it or choose another folder", .0.display())]
    InUse(PathBuf),
    /// The state folder is of another instance.
    #[error(
        "{} holds the state of the sandbox `{found}`, not of `{wanted}`; \
         choose another folder or empty it", path.display()
    )]
    OtherInstance {
        /// The folder.
        path: PathBuf,
        /// The instance that it belongs to.
        found: String,
        /// The instance that was asked for.
        wanted: String,
    },
    /// A line of the log cannot be read.
    #[error(
        "cannot read {} line {line}: {why}; \
         empty the sandbox's folder to start afresh", path.display()
    )]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A seed is refused by the sandbox's own checks.
    #[error("cannot seed `{resource}` (seed {at}, from 0): {why}")]
    Seed {
        /// The resource.
        resource: String,
        /// Position among the seeds.
        at: usize,
        /// What the checks said.
        why: String,
    },
}
