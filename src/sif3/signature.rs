//! How a call shows who makes it: Basic, or an HMAC of the session and the time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// How calls are signed. A provider takes one only for each application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// User and password, as they are: only over TLS.
    Basic,
    /// `SIF_HMACSHA256`: the password never travels, and a call is good for some minutes only.
    Hmac,
}

impl Scheme {
    /// The name in environments and in front of the value of `Authorization`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Hmac => "SIF_HMACSHA256",
        }
    }

    /// The value of `Authorization`. `user` is the session's token, or the application's key where
    /// there is no session yet; `timestamp` is that of the header of this name.
    pub fn authorization(self, user: &str, password: &str, timestamp: &str) -> String {
        let secret = match self {
            Self::Basic => password.to_owned(),
            Self::Hmac => {
                let message = format!("{user}:{timestamp}");
                STANDARD.encode(hmac(password.as_bytes(), message.as_bytes()))
            }
        };
        let value = STANDARD.encode(format!("{user}:{secret}"));
        format!("{} {value}", self.name())
    }
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        // A key that is longer than a block stands as its hash.
        None => {
            for (place, byte) in block.iter_mut().zip(Sha256::digest(key)) {
                *place = byte;
            }
        }
    }
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize();
    outer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn hmacs_are_those_of_rfc_4231() {
        assert_eq!(
            hex(&hmac(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn basic_is_user_and_password() {
        // As a provider was seen to accept it.
        assert_eq!(
            Scheme::Basic.authorization("NaBasic", "Password1", "any"),
            "Basic TmFCYXNpYzpQYXNzd29yZDE="
        );
    }

    #[test]
    fn a_signature_is_of_the_user_and_the_time() {
        let at = |time| Scheme::Hmac.authorization("token", "secret", time);
        let value = at("2026-11-22T03:32:18.000Z");
        assert!(value.starts_with("SIF_HMACSHA256 "));
        assert_ne!(value, at("2026-11-22T03:32:19.000Z"));
        let coded = value.trim_start_matches("SIF_HMACSHA256 ");
        let text = String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap();
        let (user, hash) = text.split_once(':').unwrap();
        assert_eq!((user, STANDARD.decode(hash).unwrap().len()), ("token", 32));
    }
}
