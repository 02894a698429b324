//! A run's name: when it started, and four hex digits.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};

const FORMAT: &str = "%Y-%m-%dT%H%M%SZ";
/// Length of the part that [`FORMAT`] makes.
const TIME_CHARS: usize = 18;

/// `2026-11-22T051022Z-7f3a`: sorts by time, has no character that a shell or Windows minds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// The id of a run that starts now; `token` tells runs of one second apart.
    pub fn new(now: DateTime<Utc>, token: u16) -> Self {
        Self(format!("{}-{token:04x}", now.format(FORMAT)))
    }

    /// Reads an id; `None` for any other name.
    pub fn parse(name: &str) -> Option<Self> {
        let (time, token) = name.split_at_checked(TIME_CHARS)?;
        NaiveDateTime::parse_from_str(time, FORMAT).ok()?;
        let hex = token.strip_prefix('-')?;
        let valid = hex.len() == 4
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        valid.then(|| Self(name.to_owned()))
    }

    /// When the run started, to the second.
    pub fn started(&self) -> DateTime<Utc> {
        let time = self.0.get(..TIME_CHARS).unwrap_or_default();
        // Every id was made from a time.
        NaiveDateTime::parse_from_str(time, FORMAT).map_or(DateTime::UNIX_EPOCH, |t| t.and_utc())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_time() {
        let now = DateTime::from_timestamp(1_795_324_222, 500).unwrap();
        let id = RunId::new(now, 0x7f3a);
        assert_eq!(id.as_str(), "2026-11-22T051022Z-7f3a");
        assert_eq!(id.started().timestamp(), now.timestamp());
        assert_eq!(RunId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn other_names_are_no_ids() {
        for name in [
            "",
            "latest",
            "2026-11-22T051022Z",
            "2026-11-22T051022Z-7f3",
            "2026-11-22T051022Z-7F3A",
            "2026-13-22T051022Z-7f3a",
            "2026-11-22T051022Z-7f3a0",
            "é2026-11-22T051022Z-7f3a",
        ] {
            assert_eq!(RunId::parse(name), None, "{name}");
        }
    }
}
