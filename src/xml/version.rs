//! Versions of a standard: `2.6`, `2.0r1`.

use std::fmt;
use std::str::FromStr;

/// A version: major, minor, revision (`2.0r1` has revision 1, `2.6` has 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Before the point.
    pub major: u16,
    /// After it.
    pub minor: u16,
    /// After the `r`.
    pub revision: u16,
}

impl Version {
    /// A version without a revision.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self {
            major,
            minor,
            revision: 0,
        }
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no version: write 2.6 or 2.0r1");
        let number = |part: &str| part.parse::<u16>().map_err(|_| wrong());
        let (major, rest) = text.split_once('.').ok_or_else(wrong)?;
        let (minor, revision) = match rest.split_once('r') {
            Some((minor, revision)) => (minor, number(revision)?),
            None => (rest, 0),
        };
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            revision,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.revision {
            0 => Ok(()),
            revision => write!(f, "r{revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_compared_and_written() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("2.0") < version("2.0r1") && version("2.0r1") < version("2.6"));
        assert!(version("2.10") > version("2.6"));
        for text in ["2.6", "2.0r1", "1.5r1"] {
            assert_eq!(version(text).to_string(), text);
        }
        for text in ["", "2", "2.", "2.x", "2.*", "2.1r", "-1.2"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
