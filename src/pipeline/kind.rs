//! Kinds of targets.

use serde::{Deserialize, Serialize};

/// A kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// An Ed-Fi ODS / API.
    Edfi,
    /// A SIF zone.
    Sif,
    /// A SIF 3 provider.
    Sif3,
    /// A state edition.
    Dis,
}

impl TargetKind {
    /// The word used in pipeline files, folders and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edfi => "edfi",
            Self::Sif => "sif",
            Self::Sif3 => "sif3",
            Self::Dis => "dis",
        }
    }
}
