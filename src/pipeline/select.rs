//! The resources that a command line names: exact names or patterns with `*`.
//!
//! Reads: a checked pipeline. Writes: nothing. Never: guesses; a pattern that names nothing is an
//! error.

use super::problem::closest;
use super::{Pipeline, Resource};

/// Why a command line's resources cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The resource stands in the pipeline with `enabled = false`.
    #[error(
        "resource `{name}` is switched off in pipeline `{pipeline}`{}; remove `enabled = false` \
         from its stanza to use it",
        place.as_ref().map(|p| format!(" at {p}")).unwrap_or_default()
    )]
    Disabled {
        /// The pipeline's name.
        pipeline: String,
        /// The resource's name.
        name: String,
        /// Where it is switched off.
        place: Option<String>,
    },
    /// No resource of the pipeline has that name.
    #[error(
        "pipeline `{pipeline}` has no resource `{pattern}`{}",
        suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default()
    )]
    Unknown {
        /// The pipeline's name.
        pipeline: String,
        /// The name or pattern as given.
        pattern: String,
        /// A name that is close.
        suggestion: Option<String>,
    },
}

impl Pipeline {
    /// The resources named by `patterns` in file order; all of them when no pattern is given. `*`
    /// stands for any number of characters, `NAME/*` for a resource and all below it in the tree;
    /// upper and lower case are the same.
    ///
    /// # Errors
    /// Every pattern that names nothing, or only a resource that is switched off.
    pub fn select(&self, patterns: &[String]) -> Result<Vec<&Resource>, Vec<SelectError>> {
        let patterns = self.subtrees(patterns);
        let errors: Vec<SelectError> = patterns.iter().filter_map(|p| self.refusal(p)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let wanted =
            |r: &&Resource| patterns.is_empty() || patterns.iter().any(|p| matches(p, &r.name));
        Ok(self.resources.iter().filter(wanted).collect())
    }

    /// The names that patterns leave out, resources that are switched off included.
    ///
    /// # Errors
    /// Every pattern that names nothing.
    pub fn except(&self, patterns: &[String]) -> Result<Vec<&str>, Vec<SelectError>> {
        let patterns = self.subtrees(patterns);
        let all = || self.resources.iter().chain(&self.disabled);
        let unknown: Vec<SelectError> = patterns
            .iter()
            .filter(|pattern| !all().any(|r| matches(pattern, &r.name)))
            .filter_map(|pattern| self.refusal(pattern))
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let left_out = all().filter(|r| patterns.iter().any(|p| matches(p, &r.name)));
        Ok(left_out.map(|r| r.name.as_str()).collect())
    }

    fn refusal(&self, pattern: &str) -> Option<SelectError> {
        if self.resources.iter().any(|r| matches(pattern, &r.name)) {
            return None;
        }
        let pipeline = self.name.clone();
        if let Some(off) = self.disabled.iter().find(|r| matches(pattern, &r.name)) {
            let key = format!("resources.{}.enabled", off.name);
            return Some(SelectError::Disabled {
                pipeline,
                name: off.name.clone(),
                place: self.origin(&key).map(str::to_owned),
            });
        }
        let all = self.resources.iter().chain(&self.disabled);
        let names = all.map(|r| r.name.as_str());
        let suggestion = closest(pattern, names).map(str::to_owned);
        Some(SelectError::Unknown {
            pipeline,
            pattern: pattern.to_owned(),
            suggestion,
        })
    }
}

/// Whether a name fits a pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    // The last piece must end the name; those between are taken as early as possible.
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match name.split_once(piece) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, fits) in [
            ("students", "students", true),
            ("Students", "students", true),
            ("student", "students", false),
            ("student*", "studentSchoolAssociations", true),
            ("*associations", "studentSchoolAssociations", true),
            ("s*school*ions", "studentSchoolAssociations", true),
            ("*", "x", true),
            ("a*a", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_with_parts_left_out_fits_its_pattern(
            parts in proptest::collection::vec("[a-zA-Z]{0,5}", 1..5),
            gaps in proptest::collection::vec("[a-zA-Z]{0,3}", 5),
        ) {
            let mut name = String::new();
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    name.push_str(&gaps[i]);
                }
                name.push_str(part);
            }
            prop_assert!(matches(&parts.join("*"), &name));
        }
    }
}
