//! SIF_MsgId: 32 hexadecimal digits in upper case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sandbox::log::entropy;

/// The id of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Id(u128);

impl Id {
    /// A new one.
    pub(super) fn new() -> Self {
        Self(u128::from(entropy(1)) << 64 | u128::from(entropy(2)))
    }

    /// 64 bits of it.
    pub(super) fn low(self) -> u64 {
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032X}", self.0)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no message id: 32 digits, 0-9 and A-F");
        let digit = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        if text.len() != 32 || !text.bytes().all(digit) {
            return Err(wrong());
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| wrong())
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
