//! `[deletes]` and `[resync]`: what may be deleted at the target, and which modes are offered.
//!
//! Reads: sections. Writes: problems. Never: files.
//! Sources: the Resync tool's modes Resync and Cleanup, which a state's profile offers; rules of
//! practice for deletes (a guard, a dry run, consent).

use toml::de::DeValue;

use super::check::choice;
use super::section::{Section, integer_of};

/// Deletes of a resource that are always within the guard when it is a share: one object of ten
/// would otherwise be more than 10 %.
const FLOOR: u64 = 10;

/// What may be deleted at the target.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteSettings {
    /// Whether a run deletes what is gone from the SIS.
    pub enabled: bool,
    /// Most deletes of one resource without consent.
    pub max: MaxDeletes,
    /// What becomes of objects whose SIS row is there, but which the mapping leaves out.
    pub left_out: LeftOut,
    /// Resources of which nothing that is gone is deleted (the target shares them).
    pub keep: Vec<String>,
}

impl Default for DeleteSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max: MaxDeletes::Share(0.1),
            left_out: LeftOut::Keep,
            keep: vec!["staffs".to_owned()],
        }
    }
}

/// What becomes of objects that were sent and are now left out by the mapping, although their SIS
/// row is still there (an excluded calendar, an enrollment that became a no-show).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// They stay at the target until a cleanup.
    Keep,
    /// They are deleted as if the row was gone.
    Delete,
}

/// Most deletes of one resource without consent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxDeletes {
    /// So many.
    Count(u64),
    /// A share (0 to 1) of the objects that the ledger knows of the resource in scope; ten are
    /// always within it.
    Share(f64),
}

impl MaxDeletes {
    /// Parses `25` or `5%`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().ok()?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Share(percent / 100.0))
            }
            None => text.trim().parse().ok().map(Self::Count),
        }
    }

    /// Whether so many deletes are within it whatever the ledger knows.
    pub fn surely_allows(self, deletes: u64) -> bool {
        deletes <= self.of(0)
    }

    /// The most deletes of a resource of which the ledger knows `known` objects.
    pub fn of(self, known: u64) -> u64 {
        match self {
            Self::Count(most) => most,
            // Counts are far below 2^52.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Self::Share(0.0) => 0,
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Self::Share(share) => ((share * known as f64) as u64).max(FLOOR),
        }
    }
}

impl std::fmt::Display for MaxDeletes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Share(most) => write!(f, "{}%", most * 100.0),
        }
    }
}

/// A mode of a resync beside the plain run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncMode {
    /// POST all, and take out of the ledger what the target does not have.
    Resync,
    /// No POSTs: delete at the target what the SIS does not have, and take out of the ledger what
    /// the target does not have.
    Cleanup,
}

impl ResyncMode {
    /// The word in pipeline files and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Cleanup => "cleanup",
        }
    }
}

/// Reads `[deletes]`.
pub(super) fn read(top: &mut Section<'_>) -> DeleteSettings {
    let default = DeleteSettings::default();
    let Some(mut section) = top.section("deletes") else {
        return default;
    };
    let enabled = section.flag("enabled", default.enabled);
    let document = section.document;
    let max = section.take("max").and_then(|value| {
        let parsed = match value.get_ref() {
            DeValue::String(_) => MaxDeletes::parse(&document.text_of("deletes.max", value)?.value),
            other => integer_of(other)
                .and_then(|n| u64::try_from(n).ok())
                .map(MaxDeletes::Count),
        };
        if parsed.is_none() {
            section.expected("max", value, "a number like 25 or a share like \"5%\"");
        }
        parsed
    });
    let legal = [("keep", LeftOut::Keep), ("delete", LeftOut::Delete)];
    let left_out = section
        .text("left_out")
        .and_then(|text| choice(document, "deletes.left_out", &text, &legal));
    let keep = section
        .list("keep")
        .map(|names| names.into_iter().map(|text| text.value).collect());
    section.finish();
    DeleteSettings {
        enabled,
        max: max.unwrap_or(default.max),
        left_out: left_out.unwrap_or(default.left_out),
        keep: keep.unwrap_or(default.keep),
    }
}

/// Reads the modes of `[resync]`.
pub(super) fn modes(top: &mut Section<'_>) -> Vec<ResyncMode> {
    let Some(mut section) = top.section("resync") else {
        return Vec::new();
    };
    let legal = [ResyncMode::Resync, ResyncMode::Cleanup].map(|mode| (mode.as_str(), mode));
    let document = section.document;
    let modes = section.list("modes").unwrap_or_default();
    let modes = modes
        .iter()
        .filter_map(|text| choice(document, "resync.modes", text, &legal))
        .collect();
    section.finish();
    modes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_a_floor_and_a_number_has_none() {
        assert_eq!(MaxDeletes::parse("10%"), Some(MaxDeletes::Share(0.1)));
        assert_eq!(MaxDeletes::parse(" 25 "), Some(MaxDeletes::Count(25)));
        assert_eq!(MaxDeletes::parse("120%"), None);
        assert_eq!(MaxDeletes::parse("many"), None);
        assert_eq!(MaxDeletes::Share(0.1).of(40), 10);
        assert_eq!(MaxDeletes::Share(0.1).of(1000), 100);
        assert_eq!(MaxDeletes::Share(0.0).of(1000), 0);
        assert_eq!(MaxDeletes::Count(3).of(1000), 3);
        assert!(MaxDeletes::Share(0.1).surely_allows(10));
        assert!(!MaxDeletes::Count(3).surely_allows(4));
    }
}
