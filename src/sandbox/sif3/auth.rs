//! Who calls: Basic, or an HMAC of user and time.
//!
//! Made here a second time, so that a fault of the client is not repeated.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

/// How old, or how far ahead, a signature's time may be.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// What a call shows of its caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// `Authorization`.
    pub(super) authorization: &'a str,
    /// `timestamp`.
    pub(super) timestamp: &'a str,
    /// The provider's clock.
    pub(super) now: DateTime<Utc>,
}

impl Shown<'_> {
    /// Whether it is `user` with this password.
    ///
    /// # Errors
    /// Why it is not, as a provider says it.
    pub(super) fn is(&self, user: &str, password: &str, hmac: bool) -> Result<(), &'static str> {
        let Some((method, coded)) = self.authorization.split_once(' ') else {
            return Err("No Authorization header.");
        };
        let wanted = if hmac { "SIF_HMACSHA256" } else { "Basic" };
        if method != wanted {
            return Err("Invalid authentication method.");
        }
        let decoded = decode(coded).and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((shown, secret)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
            return Err("The Authorization header cannot be read.");
        };
        let right = match hmac {
            false => secret == password,
            true => {
                let Ok(time) = DateTime::parse_from_rfc3339(self.timestamp) else {
                    return Err("No timestamp header.");
                };
                let age = self.now.signed_duration_since(time);
                if age > LONGEST || age < -LONGEST {
                    return Err("The timestamp is too old, or ahead of the provider's clock.");
                }
                let message = format!("{shown}:{}", self.timestamp);
                decode(secret).as_deref() == Some(&sign(password.as_bytes(), message.as_bytes()))
            }
        };
        match right && shown == user {
            true => Ok(()),
            false => Err("Authorization token in request doesn't match the expected one."),
        }
    }
}

/// HMAC-SHA256.
fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = match key.len() > 64 {
        true => Sha256::digest(key).to_vec(),
        false => key.to_vec(),
    };
    let padded = |with: u8| {
        let bytes = key.iter().copied().chain(std::iter::repeat(0));
        bytes.take(64).map(move |byte| byte ^ with)
    };
    let mut inner: Vec<u8> = padded(0x36).collect();
    inner.extend_from_slice(message);
    let mut outer: Vec<u8> = padded(0x5c).collect();
    outer.extend_from_slice(&Sha256::digest(&inner));
    Sha256::digest(&outer).to_vec()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a provider was seen to accept it, but for its age.
    #[test]
    fn recorded_signatures_are_read() {
        let shown = Shown {
            authorization: "Basic TmFCYXNpYzpQYXNzd29yZDE=",
            timestamp: "",
            now: Utc::now(),
        };
        assert_eq!(shown.is("NaBasic", "Password1", false), Ok(()));
        assert!(shown.is("NaBasic", "Password2", false).is_err());
        assert_eq!(
            shown.is("NaBasic", "Password1", true),
            Err("Invalid authentication method.")
        );
        let old = Shown {
            authorization: "SIF_HMACSHA256 SmF2YVNJUzI6ZWhjdDNFYjFJQmZvZm9VS2JRWkM2bFZrY2sxZmlIOFBaSytjaTBvaWQwQT0=",
            timestamp: "2020-11-22T03:32:18.000Z",
            now: Utc::now(),
        };
        assert!(
            old.is("JavaSIS2", "any", true)
                .unwrap_err()
                .contains("too old")
        );
    }

    #[test]
    fn hmac_of_rfc_4231() {
        let hex: String = sign(b"Jefe", b"what do ya want for nothing?")
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
