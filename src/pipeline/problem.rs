//! Problems of a pipeline: where, what, what was probably meant, what would be legal.
//!
//! Reads: nothing. Writes: nothing. Never: a secret in a text.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong (or, among warnings, doubtful) in a pipeline or a file that it names.
///
/// Shown as `path:line:col: what; did you mean ..; one of: ..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Line and column (in characters), both from 1. None: the file as a whole.
    pub at: Option<(usize, usize)>,
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// What would be legal, in a stable order.
    pub legal: Vec<String>,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(path: &Path, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            at: None,
            what: what.into(),
            suggestion: None,
            legal: Vec::new(),
        }
    }

    /// Adds the place: line and column from 1.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.at = Some((line, column));
        self
    }

    /// Adds the legal values and, when `word` is close to one of them, "did you mean".
    #[must_use]
    pub fn choices<'a>(mut self, word: &str, legal: impl IntoIterator<Item = &'a str>) -> Self {
        let legal: Vec<&str> = legal.into_iter().collect();
        self.suggestion = closest(word, legal.iter().copied()).map(str::to_owned);
        self.legal = legal.into_iter().map(str::to_owned).collect();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some((line, column)) = self.at {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.what)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if !self.legal.is_empty() {
            write!(f, "; one of: {}", self.legal.join(", "))?;
        }
        Ok(())
    }
}

/// All problems of one pipeline, in file order: one `validate` shows everything to be mended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// The candidate that `word` is most likely a slip of, if one is close enough: at most a third of
/// its letters differ (two for short words), upper and lower case being the same.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let most = (word.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= most && *distance < c.chars().count())
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["students", "staffs", "sections"];
        assert_eq!(closest("studnets", words), Some("students"));
        assert_eq!(closest("STAFFS", words), Some("staffs"));
        assert_eq!(closest("grades", words), None);
        assert_eq!(closest("x", ["ab"]), None);
    }
}
