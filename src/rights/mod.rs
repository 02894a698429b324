//! Rights: which user of the operating system may use which tool, and for what.
//!
//! Reads: rights files. Writes: nothing. Never: asks for a password; who runs the process is who
//! the operating system says.
//! Sources: E9 (Resync tool), D21 (Batch and Selective Sync), D23 (administrative roles).

mod file;
mod matrix;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::account::Account;
use crate::pipeline::TargetKind;

pub use file::{Rights, RightsError};
pub use matrix::{Act, Needed, Right, Tool};

/// What somebody wants to do.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The verb, for messages: `run`.
    pub verb: &'a str,
    /// What the verb does.
    pub act: Act,
    /// Whether single objects are chosen by their ids (the state's Selective Sync).
    pub selective: bool,
    /// Whether values of the pipeline are overridden on the command line (`--set`).
    pub overridden: bool,
    /// The pipeline's name, kind of target and file; None for a verb without one.
    pub pipeline: Option<(&'a str, TargetKind, &'a std::path::Path)>,
}

/// Who acts: the user of the process, or behind a service account the one who called it by sudo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person whose rights count.
    pub person: Account,
    /// The account that the process runs as, where it is another.
    pub through: Option<String>,
}

/// A right is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Why an action may not go on.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A rights file that cannot be used. Nobody has any right then.
    #[error(transparent)]
    File(#[from] RightsError),
    /// A right is missing.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Who acts, by these files. Without files it is the user of the process.
pub fn actor(rights: &[Rights]) -> Actor {
    actor_of(rights, Account::current(), Account::behind_sudo())
}

fn actor_of(rights: &[Rights], process: Account, behind: Option<Account>) -> Actor {
    let service = rights.iter().any(|r| r.is_service_account(&process.user));
    match behind {
        Some(person) if service && person.user != process.user => Actor {
            person,
            through: Some(process.user),
        },
        _ => Actor {
            person: process,
            through: None,
        },
    }
}

/// Reads the rights files. Several (the pipeline's and the one of `FULLSYNC_RIGHTS`) all count:
/// what one does not grant is refused, so that none can widen another.
///
/// # Errors
/// All problems of a file.
pub fn load(files: &[PathBuf]) -> Result<Vec<Rights>, RightsError> {
    if cfg!(not(unix)) && !files.is_empty() {
        return Err(RightsError::NoUsers);
    }
    files.iter().map(|path| Rights::load(path)).collect()
}

/// Checks that an actor has the right to do what is asked, by every file. Without files everyone
/// may do everything.
///
/// # Errors
/// Which right is missing, for whom, and who can grant it.
pub fn check(rights: &[Rights], actor: &Actor, asked: &Asked<'_>) -> Result<(), Refused> {
    let kind = asked.pipeline.map(|(_, kind, _)| kind);
    let needed = Needed::of(asked.act, kind, asked.selective);
    for file in rights {
        file.check(&actor.person, asked, needed)?;
    }
    Ok(())
}
