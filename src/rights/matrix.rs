//! Which right of which tool an action needs: the matrix of the seeds.

use std::fmt;

use crate::pipeline::TargetKind;

/// A tool whose use is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Ed-Fi resync (E9).
    Resync,
    /// Resync State Data - Batch (D21).
    DisBatch,
    /// Resync State Data - Selective Sync (D21).
    DisSelective,
    /// SIF data sync.
    Sif,
    /// The audit log.
    Audit,
    /// Files of configurations, generated districts, metadata files, sandboxes.
    Setup,
}

/// A right in a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// R: look. For `dis-batch` it is also to run.
    Read,
    /// W: perform.
    Write,
    /// A: no function in any tool.
    Add,
    /// D: delete sync history, in `dis-selective`; no function elsewhere.
    Delete,
}

/// What a verb does, as far as rights and the audit log are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Looks at numbers and settings.
    Look,
    /// Looks at, or computes, what may hold data of persons.
    View,
    /// Performs a sync: sends, deletes what is gone, changes what is known of the target.
    Sync,
    /// Deletes at the target what no sync asks for.
    Empty,
    /// Deletes or archives the history of syncs.
    Forget,
    /// Makes files of a configuration, or files and servers that belong to none.
    Make,
    /// Looks at the audit log.
    Audit,
}

impl Act {
    /// Whether something is changed: such an act begins only when the audit log can be written.
    pub fn changes(self) -> bool {
        matches!(self, Self::Sync | Self::Empty | Self::Forget | Self::Make)
    }
}

/// What an act needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// This right of this tool; the role admin has it, too.
    Of(Tool, Right),
    /// The role admin: no right of the matrix stands for it.
    Admin,
}

impl Needed {
    /// The matrix. `kind` is the target's; None for a verb without a pipeline.
    pub fn of(act: Act, kind: Option<TargetKind>, selective: bool) -> Self {
        use {Right as R, TargetKind as K, Tool as T};
        let kind = kind.unwrap_or(K::Edfi);
        match (act, kind) {
            (Act::Make, _) => Self::Of(T::Setup, R::Write),
            (Act::Audit, _) => Self::Of(T::Audit, R::Read),
            // E9: Read - view data; Write - perform a resync; Add, Delete - no function.
            (Act::Look | Act::View, K::Edfi) => Self::Of(T::Resync, R::Read),
            (Act::Sync | Act::Empty | Act::Forget, K::Edfi) => Self::Of(T::Resync, R::Write),
            // D21: Batch R - view and run; Selective R - view the tool and history, W - use it,
            // D - delete history.
            (Act::Look | Act::View, K::Dis) if selective => Self::Of(T::DisSelective, R::Read),
            (Act::Look | Act::View, K::Dis) => Self::Of(T::DisBatch, R::Read),
            (Act::Sync, K::Dis) if selective => Self::Of(T::DisSelective, R::Write),
            (Act::Sync, K::Dis) => Self::Of(T::DisBatch, R::Read),
            (Act::Forget, K::Dis) if selective => Self::Of(T::DisSelective, R::Delete),
            // Batch has no D: its history is the status of the objects.
            (Act::Empty | Act::Forget, K::Dis) => Self::Admin,
            (Act::Look | Act::View, K::Sif | K::Sif3) => Self::Of(T::Sif, R::Read),
            (Act::Sync | Act::Empty | Act::Forget, K::Sif | K::Sif3) => Self::Of(T::Sif, R::Write),
        }
    }
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Resync,
        Self::DisBatch,
        Self::DisSelective,
        Self::Sif,
        Self::Audit,
        Self::Setup,
    ];

    /// The tool of a name in rights files.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    /// Its name in rights files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::DisBatch => "dis-batch",
            Self::DisSelective => "dis-selective",
            Self::Sif => "sif",
            Self::Audit => "audit",
            Self::Setup => "setup",
        }
    }
}

impl Right {
    /// All of the letters of a text; the first letter that is none.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, char> {
        text.chars()
            .map(|letter| match letter {
                'R' => Ok(Self::Read),
                'W' => Ok(Self::Write),
                'A' => Ok(Self::Add),
                'D' => Ok(Self::Delete),
                other => Err(other),
            })
            .collect()
    }

    /// Its letter in rights files.
    pub fn letter(self) -> char {
        match self {
            Self::Read => 'R',
            Self::Write => 'W',
            Self::Add => 'A',
            Self::Delete => 'D',
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "R (read)",
            Self::Write => "W (write)",
            Self::Add => "A (add)",
            Self::Delete => "D (delete)",
        })
    }
}
