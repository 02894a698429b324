//! What the zone refuses with: category and code of the standard.
//!
//! Source: SIF 2.x infrastructure, SIF_Error categories and codes.

/// A SIF_Error of the zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SIF error {}/{}: {text}", code.0, code.1)]
pub(super) struct Refusal {
    /// SIF_Category and SIF_Code.
    pub(super) code: (u8, u8),
    /// SIF_ExtendedDesc.
    pub(super) text: String,
}

pub(super) const NOT_WELL_FORMED: (u8, u8) = (1, 2);
pub(super) const NOT_VALID: (u8, u8) = (1, 3);
pub(super) const BAD_VALUE: (u8, u8) = (1, 4);
pub(super) const MISSING: (u8, u8) = (1, 6);
pub(super) const NO_REGISTRATION_RIGHT: (u8, u8) = (4, 2);
pub(super) const NO_RESPOND_RIGHT: (u8, u8) = (4, 6);
pub(super) const NOT_REGISTERED: (u8, u8) = (4, 9);
pub(super) const BAD_SOURCE_ID: (u8, u8) = (5, 2);
pub(super) const BAD_PROTOCOL: (u8, u8) = (5, 3);
pub(super) const NO_COMMON_VERSION: (u8, u8) = (5, 4);
pub(super) const BUFFER_TOO_SMALL: (u8, u8) = (5, 6);
pub(super) const NOT_SECURE: (u8, u8) = (5, 7);
pub(super) const AGENT_IS_PUSH: (u8, u8) = (5, 9);
pub(super) const PROVISION_OBJECT: (u8, u8) = (6, 3);
pub(super) const HAS_PROVIDER: (u8, u8) = (6, 4);
pub(super) const SUBSCRIPTION_OBJECT: (u8, u8) = (7, 3);
pub(super) const REQUEST_TOO_LARGE: (u8, u8) = (8, 1);
pub(super) const REQUEST_OBJECT: (u8, u8) = (8, 3);
pub(super) const NO_PROVIDER: (u8, u8) = (8, 4);
pub(super) const REQUEST_BUFFER: (u8, u8) = (8, 8);
pub(super) const UNKNOWN_REQUEST: (u8, u8) = (8, 10);
pub(super) const PACKET_TOO_LARGE: (u8, u8) = (8, 11);
pub(super) const PACKET_NUMBER: (u8, u8) = (8, 12);
pub(super) const VERSION_MISMATCH: (u8, u8) = (8, 13);
pub(super) const WRONG_DESTINATION: (u8, u8) = (8, 14);
pub(super) const DELETED: (u8, u8) = (8, 17);
pub(super) const CANCELLED: (u8, u8) = (8, 18);
pub(super) const BAD_EVENT: (u8, u8) = (9, 3);
pub(super) const SYSTEM: (u8, u8) = (11, 1);
pub(super) const NO_SUCH_KIND: (u8, u8) = (12, 2);
pub(super) const MESSAGE_VERSION: (u8, u8) = (12, 3);
pub(super) const CONTEXT: (u8, u8) = (12, 4);
pub(super) const NO_SUCH_MESSAGE: (u8, u8) = (12, 6);
pub(super) const ONLY_EVENTS_BLOCK: (u8, u8) = (13, 2);
pub(super) const NOT_THE_BLOCKED: (u8, u8) = (13, 4);

/// An error of the zone.
pub(super) fn refuse(code: (u8, u8), text: impl Into<String>) -> Refusal {
    Refusal {
        code,
        text: text.into(),
    }
}

impl Refusal {
    /// SIF_Desc: the category in words.
    pub(super) fn category(&self) -> &'static str {
        match self.code.0 {
            1 => "XML validation error",
            2 => "Encryption error",
            3 => "Authentication error",
            4 => "Access and permission error",
            5 => "Registration error",
            6 => "Provision error",
            7 => "Subscription error",
            8 => "Request and response error",
            9 => "Event error",
            10 => "Transport error",
            11 => "System error",
            12 => "Generic message handling error",
            13 => "Selective message blocking error",
            _ => "Error",
        }
    }
}
