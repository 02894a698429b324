//! What is locked: resources at schools.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Names that a message lists; more are counted.
const NAMED: usize = 8;

/// Each of the resources at each of the schools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Resources, by the target's names.
    pub resources: BTreeSet<String>,
    /// SIS schoolIDs; None: every school, those that are not known yet included.
    pub schools: Option<BTreeSet<i64>>,
}

impl Pairs {
    /// What both are about; None when they are disjoint.
    pub fn overlap(&self, other: &Self) -> Option<Self> {
        let resources: BTreeSet<String> = self
            .resources
            .intersection(&other.resources)
            .cloned()
            .collect();
        let schools = match (&self.schools, &other.schools) {
            (None, schools) | (schools, None) => schools.clone(),
            (Some(a), Some(b)) => Some(a.intersection(b).copied().collect()),
        };
        let none = resources.is_empty() || schools.as_ref().is_some_and(BTreeSet::is_empty);
        (!none).then_some(Self { resources, schools })
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.resources.iter())?;
        match &self.schools {
            None => f.write_str(" of every school"),
            Some(schools) => {
                let plural = if schools.len() == 1 { "" } else { "s" };
                write!(f, " of school{plural} ")?;
                list(f, schools.iter())
            }
        }
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl ExactSizeIterator<Item = T>,
) -> fmt::Result {
    let more = items.len().saturating_sub(NAMED);
    for (i, item) in items.take(NAMED).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    match more {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(resources: &[&str], schools: Option<&[i64]>) -> Pairs {
        Pairs {
            resources: resources.iter().map(ToString::to_string).collect(),
            schools: schools.map(|s| s.iter().copied().collect()),
        }
    }

    #[test]
    fn only_a_common_resource_at_a_common_school_overlaps() {
        let one = pairs(&["students", "sections"], Some(&[1, 2]));
        assert_eq!(one.overlap(&pairs(&["students"], Some(&[3]))), None);
        assert_eq!(one.overlap(&pairs(&["staffs"], None)), None);
        assert_eq!(
            one.overlap(&pairs(&["students", "staffs"], Some(&[2, 3]))),
            Some(pairs(&["students"], Some(&[2])))
        );
        assert_eq!(
            one.overlap(&pairs(&["sections"], None)),
            Some(pairs(&["sections"], Some(&[1, 2])))
        );
        let whole = pairs(&["sections"], None);
        assert_eq!(whole.overlap(&whole.clone()), Some(whole));
    }

    #[test]
    fn a_long_list_is_cut() {
        let schools: Vec<i64> = (1..=10).collect();
        assert_eq!(
            pairs(&["students"], Some(&schools)).to_string(),
            "students of schools 1, 2, 3, 4, 5, 6, 7, 8 and 2 more"
        );
        assert_eq!(pairs(&["a", "b"], None).to_string(), "a, b of every school");
    }
}
