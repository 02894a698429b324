//! The status marks of the status table, and their legend.
//!
//! Source: D14 (the seed shows a mark and a legend and names no colours).

use serde::{Deserialize, Serialize};

/// How an object of a configuration stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// No run has sent it yet.
    #[default]
    Never,
    /// A run at work has not come to it yet.
    Queued,
    /// A run is at work on it.
    Running,
    /// The last run of it came to its end, without errors.
    Done,
    /// The last run of it came to its end; some records have errors.
    DoneWithErrors,
    /// The last run of it could not do its work, was killed, or stopped because every record was
    /// refused.
    Failed,
    /// The last run of it was stopped with records pending.
    Cancelled,
}

/// All marks in the order of the legend.
pub const LEGEND: [Mark; 7] = [
    Mark::Never,
    Mark::Queued,
    Mark::Running,
    Mark::Done,
    Mark::DoneWithErrors,
    Mark::Failed,
    Mark::Cancelled,
];

impl Mark {
    /// The word used in JSON and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::DoneWithErrors => "done_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The sign that stands before the word.
    pub fn sign(self) -> char {
        match self {
            Self::Never => '-',
            Self::Queued => '.',
            Self::Running => '>',
            Self::Done => '+',
            Self::DoneWithErrors => '!',
            Self::Failed => 'X',
            Self::Cancelled => '/',
        }
    }

    /// Its colour on a terminal, as an SGR number.
    pub fn colour(self) -> u8 {
        match self {
            Self::Never => 2,
            Self::Queued => 36,
            Self::Running => 34,
            Self::Done => 32,
            Self::DoneWithErrors => 33,
            Self::Failed => 31,
            Self::Cancelled => 35,
        }
    }
}
