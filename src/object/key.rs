//! Natural keys as text and as hashes.

use std::fmt::{self, Write as _};

use xxhash_rust::xxh3::xxh3_128;

/// 128-bit xxh3 of a natural key's text: what the ledger and every join use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u128);

/// 128-bit xxh3 of an object's canonical body (fields sorted by name at every depth, no spaces).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub u128);

impl KeyHash {
    /// Hash of a key's text (the `_key` column).
    pub fn of(key: &str) -> Self {
        Self(xxh3_128(key.as_bytes()))
    }
}

impl ContentHash {
    /// Hash of a canonical body's bytes.
    pub fn of(body: &[u8]) -> Self {
        Self(xxh3_128(body))
    }
}

macro_rules! hash_bytes {
    ($name:ident) => {
        impl $name {
            /// Big-endian bytes: their order is the numeric order, as stored in `FixedSizeBinary(16)`.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The inverse of [`Self::to_bytes`]; `None` unless 16 bytes are given.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(Self(u128::from_be_bytes(bytes.try_into().ok()?)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }
    };
}
hash_bytes!(KeyHash);
hash_bytes!(ContentHash);

/// Builds the text of a natural key: `name=value&name=value`, names in the order that the
/// metadata lists the key's parts (alphabetical).
///
/// Injective: `%`, `&`, `=` and control characters inside a value are percent-escaped. The text
/// reads like the query string that finds the object at an Ed-Fi API, and it stays readable in a
/// Parquet file or a log.
#[derive(Debug, Default)]
pub struct Key {
    text: String,
}

impl Key {
    /// An empty key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one part.
    pub fn push(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(name);
        self.text.push('=');
        for c in value.chars() {
            if matches!(c, '%' | '&' | '=') || c.is_control() {
                let mut utf8 = [0u8; 4];
                for b in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(self.text, "%{b:02X}");
                }
            } else {
                self.text.push(c);
            }
        }
    }

    /// The text so far.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Empties the buffer, keeping its memory.
    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// The key of an object whose natural key cannot be built (a part is missing): its source row.
    /// No natural key starts with `!`.
    pub fn of_source_row(table: &str, source_key: &str) -> String {
        format!("!{table}:{source_key}")
    }

    /// Splits a key's text back into its parts; `None` when the text is not one that
    /// [`Key::push`] makes (a source-row key, for example).
    pub fn parts(text: &str) -> Option<Vec<(String, String)>> {
        text.split('&')
            .map(|part| {
                let (name, value) = part.split_once('=')?;
                (!name.is_empty() && !name.starts_with('!'))
                    .then_some((name.to_owned(), unescape(value)?))
            })
            .collect()
    }
}

fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(b) = rest.next() {
        if b == b'%' {
            let hex = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            bytes.push(b);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_inverts_push(values in proptest::collection::vec(".*", 1..5)) {
            let mut key = Key::new();
            let wanted: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(i, v)| (format!("name{i}"), v.clone()))
                .collect();
            for (name, value) in &wanted {
                key.push(name, value);
            }
            prop_assert_eq!(Key::parts(key.as_str()), Some(wanted));
        }
    }

    #[test]
    fn a_source_row_key_is_no_natural_key() {
        assert_eq!(Key::parts(&Key::of_source_row("Enrollment", "7")), None);
        assert_eq!(Key::parts("!Enrollment:a=b"), None);
    }

    #[test]
    fn hash_bytes_keep_the_numeric_order() {
        let (a, b) = (KeyHash(1), KeyHash(u128::MAX - 1));
        assert!(a.to_bytes() < b.to_bytes());
        assert_eq!(KeyHash::from_bytes(&b.to_bytes()), Some(b));
    }
}
