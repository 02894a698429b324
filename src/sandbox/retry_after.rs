//! How a server tells a client to wait, in the forms that real ones use.

use std::fmt;
use std::str::FromStr;

use super::fault::number;

/// The forms in which servers say how long to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    /// No header.
    #[default]
    None,
    /// `Retry-After` in seconds.
    Seconds(u64),
    /// `Retry-After` as an HTTP date, this many seconds from now.
    HttpDate(u64),
    /// `Retry-After` holding milliseconds (a gateway's mistake: it cannot be told from seconds).
    Milliseconds(u64),
    /// `Retry-After-Ms` in milliseconds.
    MillisecondsHeader(u64),
}

impl FromStr for RetryAfter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let amount = |text: &str| number("retry-after", text);
        if text == "none" {
            Ok(Self::None)
        } else if let Some(ms) = text.strip_suffix("ms-header") {
            Ok(Self::MillisecondsHeader(amount(ms)?))
        } else if let Some(ms) = text.strip_suffix("ms") {
            Ok(Self::Milliseconds(amount(ms)?))
        } else if let Some(s) = text.strip_suffix("s-date") {
            Ok(Self::HttpDate(amount(s)?))
        } else if let Some(s) = text.strip_suffix('s') {
            Ok(Self::Seconds(amount(s)?))
        } else {
            Err(format!(
                "`retry-after` is none, 2s, 2s-date, 500ms or 500ms-header, not `{text}`"
            ))
        }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Seconds(s) => write!(f, "{s}s"),
            Self::HttpDate(s) => write!(f, "{s}s-date"),
            Self::Milliseconds(ms) => write!(f, "{ms}ms"),
            Self::MillisecondsHeader(ms) => write!(f, "{ms}ms-header"),
        }
    }
}
