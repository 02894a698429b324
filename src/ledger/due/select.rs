//! Narrowing what is sent by what became of it earlier: refused, with which status, how long ago.
//!
//! Reads: nothing; the narrow ledger columns are handed in. Sources: E3 (re-send only what
//! failed), issue 3 item 4.

use super::known::Known;
use crate::object::KeyHash;

/// HTTP statuses of refusals: `409`, `5xx`, `400-409`; 0 is no answer, or refused by ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// Reads one range; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (status(first)?, status(last)?);
            return (first <= last).then_some(Self { first, last });
        }
        if let Some(class) = text.strip_suffix("xx") {
            let class: u16 = class.parse().ok().filter(|c| (1..=5).contains(c))?;
            let first = class * 100;
            return Some(Self {
                first,
                last: first + 99,
            });
        }
        let only = status(text)?;
        Some(Self {
            first: only,
            last: only,
        })
    }

    /// Whether a status is in the range.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl std::fmt::Display for StatusRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.first, self.last) {
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) if first % 100 == 0 && last == first + 99 => {
                write!(f, "{}xx", first / 100)
            }
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|s| *s < 600)
}

/// Which objects of one resource a run is narrowed to. Every part that is given must hold. What is
/// left out and due stays due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// Only objects with a standing refusal.
    pub refused: bool,
    /// Only objects whose standing refusal has one of these statuses; empty = any.
    pub status: Vec<StatusRange>,
    /// Only objects that were acknowledged before this time (microseconds since 1970), or never;
    /// they are sent again even when they have not changed.
    pub older_than: Option<i64>,
    /// Only these objects, sorted.
    pub keys: Option<Vec<KeyHash>>,
}

impl Select {
    /// Whether an object is among those that the run is about.
    pub(super) fn admits(&self, key: u128, known: &Known<'_>) -> bool {
        let refused = known.refusal.is_some();
        let status = known.status.unwrap_or_default();
        (!self.refused || refused)
            && (self.status.is_empty()
                || (refused && self.status.iter().any(|range| range.contains(status))))
            && self.is_old(known)
            && (self.keys.as_ref()).is_none_or(|keys| keys.binary_search(&KeyHash(key)).is_ok())
    }

    fn is_old(&self, known: &Known<'_>) -> bool {
        let acknowledged = known.content.and(known.delivered_at);
        match (self.older_than, acknowledged) {
            (Some(limit), Some(at)) => at < limit,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_shown() {
        for (text, inside, outside) in [
            ("409", 409, 408),
            ("5xx", 503, 499),
            ("400-409", 405, 410),
            ("0", 0, 1),
        ] {
            let range = StatusRange::parse(text).unwrap();
            assert!(range.contains(inside) && !range.contains(outside), "{text}");
            assert_eq!(range.to_string(), text);
        }
        for text in [
            "", "6xx", "xx", "40x", "500-400", "700", "4xx-5xx", "-1", "409,500",
        ] {
            assert_eq!(StatusRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_part_must_hold() {
        let refused = Known {
            content: Some(1),
            delivered_at: Some(100),
            refusal: Some("x"),
            status: Some(409),
            unclear: false,
        };
        let select = Select {
            refused: true,
            status: vec![StatusRange::parse("4xx").unwrap()],
            older_than: Some(200),
            keys: Some(vec![KeyHash(7)]),
        };
        assert!(select.admits(7, &refused));
        assert!(!select.admits(8, &refused));
        let recent = Known {
            delivered_at: Some(300),
            ..refused
        };
        assert!(!select.admits(7, &recent));
        let fine = Known {
            refusal: None,
            status: None,
            ..refused
        };
        assert!(!select.admits(7, &fine));
        assert!(Select::default().admits(1, &Known::default()));
    }
}
