//! Error categories and codes, and what they mean for a message that was sent.
//!
//! Source: SIF 2.x infrastructure, SIF_Error categories and codes.

use std::fmt;

use crate::object::Reason;

/// A SIF_Error: what a zone integration server or an agent refuses with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SifError {
    /// SIF_Category: 1 XML validation, 4 access, 5 registration, 8 request and response, ...
    pub category: u8,
    /// SIF_Code within the category.
    pub code: u8,
    /// SIF_Desc.
    pub description: String,
    /// SIF_ExtendedDesc.
    pub extended: Option<String>,
}

impl SifError {
    /// 1/2: not well-formed.
    pub const NOT_WELL_FORMED: (u8, u8) = (1, 2);
    /// 5/9: GetMessage of an agent that is registered for push.
    pub const AGENT_IS_PUSH: (u8, u8) = (5, 9);
    /// 8/3: an object that we do not provide.
    pub const INVALID_OBJECT: (u8, u8) = (8, 3);
    /// 8/7: none of the versions that the request accepts.
    pub const UNSUPPORTED_VERSION: (u8, u8) = (8, 7);
    /// 8/8: a buffer that not even an empty packet fits in.
    pub const BUFFER_TOO_SMALL: (u8, u8) = (8, 8);
    /// 8/9: conditions that we cannot answer.
    pub const UNSUPPORTED_QUERY: (u8, u8) = (8, 9);
    /// 8/15: SIF_ExtendedQuery.
    pub const NO_EXTENDED_QUERY: (u8, u8) = (8, 15);
    /// 12/2: a kind of message that an agent does not take.
    pub const UNSUPPORTED_MESSAGE: (u8, u8) = (12, 2);
    /// 12/4: a context that we do not provide anything in.
    pub const UNSUPPORTED_CONTEXT: (u8, u8) = (12, 4);

    /// An error of our own.
    pub fn new((category, code): (u8, u8), description: impl Into<String>) -> Self {
        Self {
            category,
            code,
            description: description.into(),
            extended: None,
        }
    }

    /// Whether the same message may be taken later: faults of the transport (10) and of the system
    /// (11).
    pub fn is_passing(&self) -> bool {
        matches!(self.category, 10 | 11)
    }

    /// Whether no further packet of the same response can be delivered: the request is unknown,
    /// was cancelled or deleted, or a packet is missing before this one.
    pub fn ends_response(&self) -> bool {
        self.category == 8 && matches!(self.code, 10 | 12 | 14 | 16..=19)
    }

    /// Category and code as a reason of results and tallies: `sif_8_11`.
    pub fn reason(&self) -> Reason {
        let text = format!("sif_{}_{}", self.category, self.code);
        Reason::parse(&text).unwrap_or(Reason::fixed("sif_error"))
    }

    /// What is to be done, where we know better than the text of the zone.
    pub fn advice(&self) -> &'static str {
        match (self.category, self.code) {
            (5, 7) => {
                "; the zone wants a secure channel: give an https:// url under [connection], and in \
                 push mode an https:// push_url"
            }
            (6, 4) => {
                "; another agent provides one of these objects: switch it off (enabled = false)"
            }
            (12, 4) => "; the zone lacks one of the contexts under [sif] contexts",
            _ => "",
        }
    }

    /// The category in words, as reports show it.
    pub fn category_name(&self) -> &'static str {
        match self.category {
            1 => "XML validation",
            2 => "encryption",
            3 => "authentication",
            4 => "access and permissions",
            5 => "registration",
            6 => "provision",
            7 => "subscription",
            8 => "request and response",
            9 => "event",
            10 => "transport",
            11 => "system",
            12 => "message handling",
            13 => "selective message blocking",
            14 => "zone service",
            _ => "unknown",
        }
    }
}

/// Category and code only: the texts may repeat what was sent.
impl fmt::Display for SifError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (category, code) = (self.category, self.code);
        write!(f, "SIF error {category}/{code} ({})", self.category_name())
    }
}

impl std::error::Error for SifError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whether_to_try_again() {
        let error = |category, code| SifError::new((category, code), "x");
        assert!(error(10, 4).is_passing() && error(11, 1).is_passing());
        assert!(!error(8, 11).is_passing() && !error(8, 11).ends_response());
        for code in [10, 12, 14, 16, 17, 18, 19] {
            assert!(error(8, code).ends_response(), "{code}");
        }
        assert_eq!(
            error(8, 12).to_string(),
            "SIF error 8/12 (request and response)"
        );
    }
}
