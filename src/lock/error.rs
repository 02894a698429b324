//! Why a lock was not got.

use std::time::Duration;

use super::lease::Lease;
use super::pairs::Pairs;

/// Why a lock was not got.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Other runs hold some of it.
    #[error("{}", held(.conflicts, *.waited))]
    Held {
        /// Who, and which pairs of theirs are ours, too.
        conflicts: Vec<(Lease, Pairs)>,
        /// How long it was waited for; None when it was not.
        waited: Option<Duration>,
    },
    /// The run was stopped while it waited.
    #[error("stopped while waiting for a lock")]
    Stopped,
    /// The folder of the locks.
    #[error("locks cannot be read or written")]
    Io(#[from] std::io::Error),
}

fn held(conflicts: &[(Lease, Pairs)], waited: Option<Duration>) -> String {
    let mut text = match waited {
        None => "locked by another run:".to_owned(),
        Some(waited) => format!("still locked after {} s:", waited.as_secs()),
    };
    for (lease, pairs) in conflicts {
        text.push_str(&format!("\n  {lease}: {pairs}"));
    }
    text.push_str(match waited {
        None => {
            "\n  nothing was sent; wait with --wait-lock, choose other schools or resources, or \
             look at `fullsync locks`"
        }
        Some(_) => "\n  nothing was sent; look at `fullsync locks`",
    });
    text
}
