//! A run's name: when it started, to a 65,536th of a second.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};

const FORMAT: &str = "%Y-%m-%dT%H%M%SZ";
/// Length of the part that [`FORMAT`] makes.
const TIME_CHARS: usize = 18;

/// The least time between two ids, rounded up.
pub(super) const TICK: TimeDelta = TimeDelta::nanoseconds(15_259);

/// `2026-11-22T051022Z-7f3a`: the second, and how much of it had passed. Sorts by time, since what
/// is pruned and what is the latest go by this order; has no character that a shell or Windows
/// minds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// The id of a run that starts now.
    pub fn new(now: DateTime<Utc>) -> Self {
        // A leap second is told as one with more than its nanoseconds.
        let passed = u64::from(now.nanosecond().min(999_999_999));
        let token = (passed << 16) / 1_000_000_000;
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
        let now = DateTime::from_timestamp(1_795_324_222, 497_000_000).unwrap();
        let id = RunId::new(now);
        assert_eq!(id.as_str(), "2026-11-22T051022Z-7f3b");
        assert_eq!(id.started().timestamp(), now.timestamp());
        assert_eq!(RunId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn ids_of_one_second_sort_by_time() {
        let mut now = DateTime::from_timestamp(1_795_324_222, 999_000_000).unwrap();
        let mut before = RunId::new(now);
        for _ in 0..200 {
            now += TICK;
            let id = RunId::new(now);
            assert!(before < id, "{before} {id}");
            before = id;
        }
        assert_eq!(before.started().timestamp(), 1_795_324_223);
        let leap = DateTime::from_timestamp(1_795_324_259, 1_500_000_000).unwrap();
        assert!(RunId::new(leap).as_str().ends_with("-ffff"));
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
