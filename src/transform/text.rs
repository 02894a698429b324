//! Checks columns of text: length, spaces, markup, control characters, the form of dates.
//!
//! Reads: text columns. Writes: nothing. Never: repeats a value.

use std::fmt;

use arrow::array::{Array, StringArray};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use crate::metadata::Kind;
use crate::object::Reason;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Characters, and how many are taken.
    TooLong(usize, u32),
    /// A part of a natural key with a space at its start or end.
    Space,
    /// Text that a server takes for markup.
    Markup,
    /// A control character that is no tab or line end, or one that is no character in XML.
    Control(u32),
}

impl Fault {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::TooLong(..) => Reason::TOO_LONG,
            _ => Reason::INVALID_VALUE,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length, max) => write!(f, "{length} characters, at most {max}"),
            Self::Space => f.write_str("a key that starts or ends with a space"),
            Self::Markup => f.write_str("looks like HTML"),
            Self::Control(code) => write!(f, "control character U+{code:04X}"),
        }
    }
}

/// What texts have to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// Longest length in characters.
    pub(super) max: Option<u32>,
    /// Whether they are parts of a natural key.
    pub(super) is_key: bool,
    /// Whether `<` and `&` say nothing, because they are written as XML.
    pub(super) escaped: bool,
}

/// Calls `found` for each value that has a fault. A column without any is passed at the speed of
/// one scan of its bytes.
pub(super) fn check(array: &StringArray, wanted: Wanted, mut found: impl FnMut(usize, Fault)) {
    let Wanted { max, is_key, .. } = wanted;
    let max_bytes = max.map_or(usize::MAX, |m| usize::try_from(m).unwrap_or(usize::MAX));
    let offsets = array.value_offsets();
    let start = offsets
        .first()
        .map_or(0, |o| usize::try_from(*o).unwrap_or(0));
    let end = offsets
        .last()
        .map_or(0, |o| usize::try_from(*o).unwrap_or(0));
    let bytes = array.value_data().get(start..end).unwrap_or_default();
    let length = |w: &[i32]| match w {
        [a, b] => usize::try_from(b - a).unwrap_or(0),
        _ => 0,
    };
    let harmless = !bytes.iter().any(|b| is_suspicious(*b));
    let short = offsets.windows(2).all(|w| length(w) <= max_bytes);
    if harmless && short && !is_key {
        return;
    }
    for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
        let value = array.value(row);
        if let Some(fault) = fault(value, wanted) {
            found(row, fault);
        }
    }
}

/// Bytes that a fault needs: controls, the starts of markup, and the lead bytes of U+0080..U+009F
/// and of U+FFFE and U+FFFF.
fn is_suspicious(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'<' | b'&' | 0x7f | 0xc2 | 0xef)
}

/// The first fault of a value.
fn fault(value: &str, wanted: Wanted) -> Option<Fault> {
    let Wanted {
        max,
        is_key,
        escaped,
    } = wanted;
    if is_key && (value.starts_with(' ') || value.ends_with(' ')) {
        return Some(Fault::Space);
    }
    if value.bytes().any(is_suspicious) {
        let is_line = |c: char| !is_key && matches!(c, '\t' | '\n' | '\r');
        let is_none = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
        if let Some(c) = value.chars().find(|c| is_none(*c) && !is_line(*c)) {
            return Some(Fault::Control(u32::from(c)));
        }
        if !escaped && is_markup(value) {
            return Some(Fault::Markup);
        }
    }
    let max = max?;
    let limit = usize::try_from(max).unwrap_or(usize::MAX);
    // A character has at least one byte: most values need no counting.
    if value.len() <= limit {
        return None;
    }
    let length = value.chars().count();
    (length > limit).then_some(Fault::TooLong(length, max))
}

/// What the request validation of ASP.NET takes for markup: `<` before a letter, `!`, `/` or `?`,
/// and `&#`.
fn is_markup(value: &str) -> bool {
    value.as_bytes().windows(2).any(|pair| match pair {
        [b'<', next] => next.is_ascii_alphabetic() || matches!(next, b'!' | b'/' | b'?'),
        [b'&', b'#'] => true,
        _ => false,
    })
}

/// Whether a text is a SIF RefId: 32 hexadecimal digits in upper case, or as SIF 3 has them in the
/// form of a UUID.
pub(super) fn is_ref_id(text: &str) -> bool {
    let mut bytes = text.bytes().enumerate();
    match text.len() {
        32 => bytes.all(|(_, b)| matches!(b, b'0'..=b'9' | b'A'..=b'F')),
        36 => bytes.all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        }),
        _ => false,
    }
}

/// Calls `found` for each value that is there and empty.
pub(super) fn empty(array: &StringArray, mut found: impl FnMut(usize)) {
    for (row, pair) in array.value_offsets().windows(2).enumerate() {
        if matches!(pair, [a, b] if a == b) && array.is_valid(row) {
            found(row);
        }
    }
}

/// What a date, a time, or both must look like, and whether a text does.
pub(super) fn form(kind: &Kind) -> (&'static str, fn(&str) -> bool) {
    match kind {
        Kind::Date => ("a date (YYYY-MM-DD)", is_date),
        Kind::Time => ("a time of day (HH:MM:SS)", is_time),
        _ => ("a date and time (ISO 8601)", is_date_time),
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn is_time(text: &str) -> bool {
    text.len() == 8 && NaiveTime::parse_from_str(text, "%H:%M:%S").is_ok()
}

fn is_date_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
        || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(values: &[&str], max: Option<u32>, is_key: bool) -> Vec<(usize, Fault)> {
        let mut found = Vec::new();
        let wanted = Wanted {
            max,
            is_key,
            escaped: false,
        };
        check(&StringArray::from(values.to_vec()), wanted, |i, f| {
            found.push((i, f))
        });
        found
    }

    #[test]
    fn length_is_counted_in_characters() {
        let values = ["äöü", "abcd", "abc", ""];
        assert_eq!(faults(&values, Some(3), false), [(1, Fault::TooLong(4, 3))]);
        assert_eq!(faults(&values, None, false), []);
    }

    #[test]
    fn what_servers_refuse_is_found() {
        let values = [
            "<script>", "1 < 2", "a & b", "&#65;", "</p>", "a\u{7}b", "a\nb", "é\u{85}",
        ];
        let found: Vec<usize> = faults(&values, None, false).iter().map(|f| f.0).collect();
        assert_eq!(found, [0, 3, 4, 5, 7]);
        let found: Vec<usize> = faults(&values, None, true).iter().map(|f| f.0).collect();
        assert_eq!(found, [0, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn what_is_escaped_is_no_markup_and_what_xml_has_not_is_found() {
        let texts = StringArray::from(vec!["<b> & co", "a\u{ffff}", "\u{fffd}", "\u{1}"]);
        let wanted = Wanted {
            escaped: true,
            ..Wanted::default()
        };
        let mut found = Vec::new();
        check(&texts, wanted, |i, f| found.push((i, f)));
        assert_eq!(found, [(1, Fault::Control(0xffff)), (3, Fault::Control(1))]);
    }

    #[test]
    fn keys_have_no_space_around() {
        let values = [" a", "a ", "a b", "a"];
        let wanted = [(0, Fault::Space), (1, Fault::Space)];
        assert_eq!(faults(&values, None, true), wanted);
        assert_eq!(faults(&values, None, false), []);
    }

    #[test]
    fn dates_have_one_form() {
        assert!(is_date("2024-02-29") && is_time("23:59:00"));
        assert!(is_date_time("2024-02-29T10:00:00Z") && is_date_time("2024-02-29T10:00:00"));
        for text in [
            "2023-02-29",
            "2024-2-9",
            "02/03/2024",
            "2024-02-29T00:00:00",
            "",
        ] {
            assert!(!is_date(text), "{text}");
        }
        assert!(!is_time("24:00:00") && !is_time("8:00:00") && !is_date_time("2024-02-29"));
    }

    proptest! {
        /// The quick scan of a column finds what looking at each value finds.
        #[test]
        fn the_scan_misses_nothing(
            values in proptest::collection::vec("[ a<!&#é\u{85}\u{1}\u{fffe}\n]{0,6}", 0..8),
            max in 0..6_u32,
            is_key: bool,
        ) {
            let texts: Vec<&str> = values.iter().map(String::as_str).collect();
            let wanted = Wanted {
                max: Some(max),
                is_key,
                escaped: false,
            };
            let each: Vec<_> = texts
                .iter()
                .enumerate()
                .filter_map(|(i, v)| Some((i, fault(v, wanted)?)))
                .collect();
            prop_assert_eq!(faults(&texts, Some(max), is_key), each);
        }
    }
}
