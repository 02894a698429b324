//! Bearer tokens: 30 minutes, 15 live ones per client.
//!
//! Reads and writes: `sandbox.tokens` in the state folder, so that a live token outlives the
//! process as it does at a real server. Never: keeps or logs a token's text, only its hash.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::options::Quirks;
use super::problem::Problem;
use crate::files;
use crate::sandbox::SandboxError;
use crate::sandbox::answer::Answer;
use crate::sandbox::log::entropy;

/// Seconds that a token lives.
const LIFETIME_S: i64 = 1800;
/// Live tokens per client.
const LIMIT: usize = 15;

/// The tokens of the one client.
#[derive(Debug)]
pub(super) struct Tokens {
    key: String,
    secret: String,
    file: Option<PathBuf>,
    /// Hash -> end, in milliseconds of the epoch.
    live: RwLock<HashMap<u128, i64>>,
    issued: AtomicU64,
}

/// What a token request was answered.
#[derive(Debug)]
pub(super) enum Grant {
    /// An answer of the token route itself.
    Answer(Answer),
    /// A refusal in the style of the data routes.
    Problem(Problem),
}

impl Tokens {
    /// The tokens of a client; live ones of an earlier process are read back.
    ///
    /// # Errors
    /// The file of the tokens cannot be read.
    pub(super) fn open(
        key: String,
        secret: String,
        state_dir: Option<&Path>,
    ) -> Result<Self, SandboxError> {
        let file = state_dir.map(|dir| dir.join("sandbox.tokens"));
        let mut live = HashMap::new();
        if let Some(file) = file.as_ref().filter(|f| f.exists()) {
            let text = std::fs::read_to_string(file)
                .map_err(|e| SandboxError::State(files::at(file, &e)))?;
            // A line that cannot be read is a token that is not known: its owner gets a 401.
            live.extend(text.lines().filter_map(|line| {
                let (hash, end) = line.split_once(' ')?;
                Some((u128::from_str_radix(hash, 16).ok()?, end.parse().ok()?))
            }));
        }
        Ok(Self {
            key,
            secret,
            file,
            live: RwLock::new(live),
            issued: AtomicU64::new(0),
        })
    }

    /// The client's key.
    pub(super) fn client(&self) -> &str {
        &self.key
    }

    /// Tokens issued by this process.
    pub(super) fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// Tokens that are live now.
    pub(super) fn live(&self, now_ms: i64) -> usize {
        self.read().values().filter(|end| **end > now_ms).count()
    }

    /// Answers the token route.
    pub(super) fn grant(
        &self,
        authorization: Option<&str>,
        content_type: &str,
        body: &[u8],
        quirks: Quirks,
        now_ms: i64,
    ) -> Grant {
        let request = match TokenRequest::read(authorization, content_type, body) {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        if !request
            .grant_type
            .eq_ignore_ascii_case("client_credentials")
        {
            return refuse(400, "unsupported_grant_type");
        }
        if request.key != self.key || request.secret != self.secret {
            return refuse(401, "invalid_client");
        }
        match self.issue(now_ms) {
            Ok(Some(token)) => {
                let expires_in = match quirks.expires_in_epoch {
                    true => now_ms / 1000 + LIFETIME_S,
                    false => LIFETIME_S,
                };
                let body = json!({
                    "access_token": token, "expires_in": expires_in, "token_type": "bearer",
                });
                Grant::Answer(Answer::json(200, body.to_string()))
            }
            Ok(None) => Grant::Problem(Problem::too_many_tokens()),
            Err(error) => {
                tracing::error!(%error, "cannot keep a token");
                Grant::Problem(Problem::system())
            }
        }
    }

    fn issue(&self, now_ms: i64) -> Result<Option<String>, SandboxError> {
        let mut live = self.write();
        live.retain(|_, end| *end > now_ms);
        if live.len() >= LIMIT {
            return Ok(None);
        }
        let salt = self.issued.fetch_add(1, Ordering::Relaxed);
        let token = format!("{:016x}{:016x}", entropy(salt), entropy(!salt));
        live.insert(xxh3_128(token.as_bytes()), now_ms + LIFETIME_S * 1000);
        self.keep(&live)?;
        Ok(Some(token))
    }

    /// Whether a token is live.
    pub(super) fn knows(&self, token: &str, now_ms: i64) -> bool {
        let end = self.read().get(&xxh3_128(token.as_bytes())).copied();
        end.is_some_and(|end| end > now_ms)
    }

    /// Revokes every token.
    pub(super) fn expire_all(&self) {
        let mut live = self.write();
        live.clear();
        if let Err(error) = self.keep(&live) {
            tracing::warn!(%error, "revoked tokens may come back after a restart");
        }
    }

    fn keep(&self, live: &HashMap<u128, i64>) -> Result<(), SandboxError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let text: String = live
            .iter()
            .map(|(hash, end)| format!("{hash:032x} {end}\n"))
            .collect();
        files::write(file, text.as_bytes()).map_err(SandboxError::State)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<u128, i64>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<u128, i64>> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse(status: u16, error: &str) -> Grant {
    Grant::Answer(Answer::json(status, json!({ "error": error }).to_string()))
}

#[derive(Default)]
struct TokenRequest {
    grant_type: String,
    key: String,
    secret: String,
}

impl TokenRequest {
    fn read(authorization: Option<&str>, content_type: &str, body: &[u8]) -> Result<Self, Grant> {
        let mut request = Self::default();
        if content_type.starts_with("application/json") {
            let json: Value =
                serde_json::from_slice(body).map_err(|_| refuse(400, "invalid_request"))?;
            let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
            request.grant_type = text("grant_type");
            request.key = text("client_id");
            request.secret = text("client_secret");
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            for (name, value) in url::form_urlencoded::parse(body) {
                match name.as_ref() {
                    "grant_type" => request.grant_type = value.into_owned(),
                    "client_id" => request.key = value.into_owned(),
                    "client_secret" => request.secret = value.into_owned(),
                    _ => {}
                }
            }
        } else {
            return Err(Grant::Problem(Problem::media_type()));
        }
        if let Some(header) = authorization {
            if !request.key.is_empty() || !request.secret.is_empty() {
                return Err(refuse(400, "invalid_client"));
            }
            let (key, secret) = basic(header).ok_or_else(|| refuse(401, "invalid_client"))?;
            request.key = key;
            request.secret = secret;
        }
        Ok(request)
    }
}

/// Key and secret of a Basic header.
pub(in crate::sandbox) fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, text) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(base64(text.trim())?).ok()?;
    let (key, secret) = plain.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

/// Decodes base64 with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn tokens() -> Tokens {
        Tokens::open("key".to_owned(), "se:cret".to_owned(), None).unwrap()
    }

    fn status(grant: &Grant) -> u16 {
        match grant {
            Grant::Answer(answer) => answer.status,
            Grant::Problem(problem) => problem.status,
        }
    }

    fn ask(tokens: &Tokens, header: Option<&str>, kind: &str, body: &str, now: i64) -> Grant {
        tokens.grant(header, kind, body.as_bytes(), Quirks::default(), now)
    }

    #[test]
    fn base64_is_decoded() {
        for (text, wanted) in [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9vYmFy", Some("foobar")),
            ("Zg=", None),
            ("Z===", None),
            ("Zm9v!mFy", None),
        ] {
            assert_eq!(base64(text).as_deref(), wanted.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn credentials_come_in_one_of_three_ways() {
        let tokens = tokens();
        let basic = Some("Basic a2V5OnNlOmNyZXQ=");
        let grant = "grant_type=client_credentials";
        let form = "grant_type=client_credentials&client_id=key&client_secret=se%3Acret";
        let json =
            r#"{"grant_type":"client_credentials","client_id":"key","client_secret":"se:cret"}"#;
        assert_eq!(status(&ask(&tokens, basic, FORM, grant, 0)), 200);
        assert_eq!(status(&ask(&tokens, None, FORM, form, 0)), 200);
        assert_eq!(
            status(&ask(&tokens, None, "application/json", json, 0)),
            200
        );
        assert_eq!(status(&ask(&tokens, basic, FORM, form, 0)), 400);
        assert_eq!(status(&ask(&tokens, None, FORM, grant, 0)), 401);
        assert_eq!(status(&ask(&tokens, Some("Basic !"), FORM, grant, 0)), 401);
        assert_eq!(
            status(&ask(&tokens, basic, FORM, "grant_type=password", 0)),
            400
        );
        assert_eq!(status(&ask(&tokens, None, "application/json", "{", 0)), 400);
        assert_eq!(status(&ask(&tokens, basic, "text/plain", grant, 0)), 415);
    }

    #[test]
    fn fifteen_live_tokens_and_no_more_until_they_end() {
        let tokens = tokens();
        let now = 1_000_000;
        let mut last = String::new();
        for _ in 0..LIMIT {
            last = tokens.issue(now).unwrap().unwrap();
        }
        assert!(tokens.issue(now).unwrap().is_none());
        assert!(tokens.knows(&last, now + LIFETIME_S * 1000 - 1));
        let later = now + LIFETIME_S * 1000;
        assert!(!tokens.knows(&last, later));
        assert!(tokens.issue(later).unwrap().is_some());
        assert_eq!((tokens.live(later), tokens.issued()), (1, 16));
        tokens.expire_all();
        assert_eq!(tokens.live(later), 0);
    }

    #[test]
    fn live_tokens_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Tokens::open("k".to_owned(), "s".to_owned(), Some(dir.path())).unwrap();
        let token = open().issue(5).unwrap().unwrap();
        let text = std::fs::read_to_string(dir.path().join("sandbox.tokens")).unwrap();
        assert!(!text.contains(&token));
        assert!(open().knows(&token, 6));
        open().expire_all();
        assert!(!open().knows(&token, 6));
    }
}
