//! When a finished run counts as failed.

/// When a finished run exits with 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailOn {
    /// Any error.
    Any,
    /// Any error that the ledger did not know.
    New,
    /// More errors than this.
    Count(u64),
    /// A larger share of Processed than this (0 to 1).
    Share(f64),
}

impl FailOn {
    /// Whether a finished run has more errors than are let pass. `new` are those of `errors` that
    /// the ledger did not know; `processed` as in the tally.
    pub fn exceeded(self, errors: u64, new: u64, processed: u64) -> bool {
        match self {
            Self::Any => errors > 0,
            Self::New => new > 0,
            Self::Count(most) => errors > most,
            // Counts are far below 2^52, so that the division is exact enough.
            Self::Share(most) => errors as f64 > most * processed as f64,
        }
    }
}

impl std::fmt::Display for FailOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::New => f.write_str("new"),
            Self::Count(most) => write!(f, "{most}"),
            Self::Share(most) => write!(f, "{}%", most * 100.0),
        }
    }
}

impl FailOn {
    /// Parses `any`, `new`, `25` or `5%`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "any" => Some(Self::Any),
            "new" => Some(Self::New),
            text => match text.strip_suffix('%') {
                Some(percent) => {
                    let percent: f64 = percent.trim().parse().ok()?;
                    (0.0..=100.0)
                        .contains(&percent)
                        .then_some(Self::Share(percent / 100.0))
                }
                None => text.parse().ok().map(Self::Count),
            },
        }
    }
}
