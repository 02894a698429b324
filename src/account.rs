//! Who runs this process, and where: the operating system's user with its groups, host, process.
//!
//! Reads: the user database, `/proc`. Writes: nothing. Never: believes an environment variable
//! about the user of this process.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A user of the operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its number; 0 where the system has none.
    pub uid: u32,
    /// Its name; `uid:1234` when the user database does not know the number.
    pub user: String,
    /// Names of all groups that it belongs to.
    pub groups: BTreeSet<String>,
}

impl Account {
    /// The user that this process belongs to (the real one, not the effective one).
    pub fn current() -> Self {
        system::current()
    }

    /// The user who called this process through `sudo`, as sudo says. Worth something only when
    /// the process runs as an account that people reach through sudo alone.
    pub fn behind_sudo() -> Option<Self> {
        let uid = std::env::var("SUDO_UID").ok()?.parse().ok()?;
        Some(system::of(uid))
    }
}

#[cfg(unix)]
mod system {
    use super::Account;

    pub(super) fn current() -> Account {
        of(uzers::get_current_uid())
    }

    pub(super) fn of(uid: u32) -> Account {
        let Some(user) = uzers::get_user_by_uid(uid) else {
            return Account {
                uid,
                user: format!("uid:{uid}"),
                ..Account::default()
            };
        };
        let groups = uzers::get_user_groups(user.name(), user.primary_group_id());
        Account {
            uid,
            user: user.name().to_string_lossy().into_owned(),
            groups: groups
                .unwrap_or_default()
                .iter()
                .map(|group| group.name().to_string_lossy().into_owned())
                .collect(),
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::Account;

    /// There is no user database that we could ask; a rights file is refused there.
    pub(super) fn current() -> Account {
        Account {
            user: std::env::var("USERNAME").unwrap_or_else(|_| "unknown".to_owned()),
            ..Account::default()
        }
    }

    pub(super) fn of(_uid: u32) -> Account {
        current()
    }
}

/// A process on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Name of the host.
    pub host: String,
    /// The machine since its last start, where the system tells: two processes with the same value
    /// share one kernel, and with it the locks on files.
    pub machine: Option<String>,
    /// Its number on the host.
    pub pid: u32,
    /// When it began.
    pub process_started: DateTime<Utc>,
}

static STARTED: LazyLock<DateTime<Utc>> = LazyLock::new(Utc::now);

impl Process {
    /// This process. The first call fixes its start; `cli::main` makes it.
    pub fn current() -> Self {
        let read = |path| {
            let text = std::fs::read_to_string(path).ok()?;
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let host = read("/proc/sys/kernel/hostname")
            .or_else(|| read("/etc/hostname"))
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| std::env::var("COMPUTERNAME").ok());
        Self {
            host: host.unwrap_or_else(|| "unknown".to_owned()),
            machine: read("/proc/sys/kernel/random/boot_id"),
            pid: std::process::id(),
            process_started: *STARTED,
        }
    }

    /// Whether both run under one kernel, so that a lock on a file tells whether the other lives.
    pub fn same_machine(&self, other: &Self) -> bool {
        match (&self.machine, &other.machine) {
            (Some(a), Some(b)) => a == b,
            _ => self.host == other.host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_user_of_this_process_has_a_name_and_groups() {
        let account = Account::current();
        let said = std::process::Command::new("id")
            .arg("-un")
            .output()
            .unwrap();
        assert_eq!(account.user, String::from_utf8_lossy(&said.stdout).trim());
        assert!(!account.groups.is_empty());
    }

    #[test]
    fn two_boots_of_one_host_are_two_machines() {
        let one = Process::current();
        let two = Process {
            machine: Some("another".to_owned()),
            ..one.clone()
        };
        assert!(one.same_machine(&Process::current()));
        assert_eq!(one.same_machine(&two), one.machine.is_none());
    }
}
