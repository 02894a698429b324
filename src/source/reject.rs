//! A source row that could not be read: where it stands and why.

use std::fmt;

/// Longest text of [`Reject::value`], in characters.
const VALUE_CHARS: usize = 100;

/// One row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The table.
    pub table: String,
    /// File name of the source (`Enrollment.csv`, `sis.sqlite`).
    pub file: String,
    /// CSV: the line of the file on which the record starts (1 = the header's). Parquet and
    /// SQLite: the row's number (1 = first row).
    pub line: u64,
    /// The column at fault; empty when the fault is the whole row's.
    pub column: String,
    /// Why.
    pub reason: RejectReason,
    /// The value at fault or what was found, cut to 100 characters. May be student data.
    pub value: String,
    /// The row's key as `name=value` texts, as far as it could be read; may be empty.
    pub key: String,
}

/// Why a row could not be read: a bounded code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// More or fewer values than the header has columns.
    WrongColumnCount,
    /// Not a date or date and time.
    BadDate,
    /// Not a time of day.
    BadTime,
    /// Not a number, or one outside the column's range or with more decimal places.
    BadNumber,
    /// Neither 0/1 nor true/false.
    BadBoolean,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A quote that is never closed, or is closed before the value ends.
    BadQuote,
    /// A record or value longer than 1 MiB.
    TooLarge,
    /// A part of the key is empty.
    EmptyKey,
    /// An earlier row has the same key.
    DuplicateKey,
}

impl RejectReason {
    /// All reasons.
    pub const ALL: [Self; 10] = [
        Self::WrongColumnCount,
        Self::BadDate,
        Self::BadTime,
        Self::BadNumber,
        Self::BadBoolean,
        Self::InvalidUtf8,
        Self::BadQuote,
        Self::TooLarge,
        Self::EmptyKey,
        Self::DuplicateKey,
    ];

    /// The code in `rejects.csv`, the manifest and the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongColumnCount => "wrong_column_count",
            Self::BadDate => "bad_date",
            Self::BadTime => "bad_time",
            Self::BadNumber => "bad_number",
            Self::BadBoolean => "bad_boolean",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::BadQuote => "bad_quote",
            Self::TooLarge => "too_large",
            Self::EmptyKey => "empty_key",
            Self::DuplicateKey => "duplicate_key",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A value for [`Reject::value`]: cut to 100 characters, bytes that are not UTF-8 shown as `\xNN`,
/// so that the file of rejects is UTF-8 and the byte can be looked for.
pub(super) fn shown(value: &[u8]) -> String {
    // A character is at most four bytes: what is behind can never be shown.
    let value = value.get(..VALUE_CHARS * 4).unwrap_or(value);
    let mut text = String::new();
    for chunk in value.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text.chars().take(VALUE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_and_bytes_that_are_not_utf8_are_visible() {
        assert_eq!(shown(b"Jos\xe9"), "Jos\\xE9");
        assert_eq!(shown("é".repeat(500).as_bytes()), "é".repeat(100));
        assert_eq!(shown(b"plain"), "plain");
    }

    #[test]
    fn codes_are_distinct() {
        let codes: std::collections::HashSet<_> =
            RejectReason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(codes.len(), RejectReason::ALL.len());
    }
}
