//! One bearer token for all workers: fetched once, kept on disk, renewed by one of them.
//!
//! An Ed-Fi server allows a client only 15 live tokens, so a token is reused after a restart and
//! never fetched twice for one expiry.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::pipeline::{LoadSettings, Secret};
use crate::target::{Wait, retry_after};

use super::retry::next_wait;
use super::token_file::{Cached, read_cache, write_cache};

/// A lifetime above this is no lifetime but the second of expiry since 1970.
const LONGEST_LIFE_SECS: i64 = 10 * 365 * 86_400;
/// A token this close to its end is not used any more.
pub(super) const MARGIN: TimeDelta = TimeDelta::seconds(20);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The server refused key or secret.
    #[error(
        "the target refused the key and secret ({status}: {message}); check key_env/secret_env of the pipeline's [connection]"
    )]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's text.
        message: String,
    },
    /// No token within the allowed tries.
    #[error("no token from {url}: {message}; is the target up, and reachable from here?")]
    Unavailable {
        /// The token route.
        url: String,
        /// The last thing that happened.
        message: String,
    },
    /// A token that was handed out and is refused (any more).
    #[error(
        "the target refuses the token; ask its operator for another, and check token_env or \
         token_file of the pipeline's [connection]"
    )]
    Fixed,
    /// A token that cannot stand in a header.
    #[error(
        "the token holds characters that no token may have; check token_env or token_file of the \
         pipeline's [connection]"
    )]
    NoHeader,
    /// An answer that holds no token.
    #[error("the answer of {url} holds no access_token; is it an OAuth token route?")]
    Unreadable {
        /// The token route.
        url: String,
    },
}

/// What the header is, and which token it was made from.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// `Authorization` value, marked sensitive.
    pub header: HeaderValue,
    /// Counts renewals.
    pub version: u64,
}

#[derive(Debug)]
pub(super) struct Current {
    pub(super) bearer: Bearer,
    pub(super) refresh_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

/// The token of one connection.
pub struct Token {
    grant: Option<Grant>,
    current: RwLock<Option<Arc<Current>>>,
    renewing: Mutex<()>,
    /// The newest version that the target has accepted on some request.
    accepted: AtomicU64,
}

/// Where a token comes from: an OAuth route. A token that the target's operator has handed out
/// has none, and cannot be renewed.
struct Grant {
    http: reqwest::Client,
    url: Url,
    key: Secret,
    secret: Secret,
    settings: LoadSettings,
    cache: Option<PathBuf>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("url", &self.grant.as_ref().map(|g| g.url.as_str()))
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<serde_json::Value>,
}

impl Token {
    /// A token of `url` for this key; `cache` is its file between runs.
    pub fn new(
        http: reqwest::Client,
        url: Url,
        (key, secret): (Secret, Secret),
        settings: LoadSettings,
        cache: Option<PathBuf>,
    ) -> Self {
        let kept = cache
            .as_deref()
            .and_then(|path| read_cache(path, &url, &key));
        let grant = Grant {
            http,
            url,
            key,
            secret,
            settings,
            cache,
        };
        Self::with(Some(grant), kept)
    }

    /// A token that does not come from an OAuth route and lasts as long as the target accepts it.
    ///
    /// # Errors
    /// [`TokenError::NoHeader`]: it holds characters that no HTTP header may have.
    pub fn fixed(token: &Secret) -> Result<Self, TokenError> {
        let header = bearer(token.expose()).ok_or(TokenError::NoHeader)?;
        let current = Current {
            bearer: Bearer { header, version: 1 },
            refresh_at: DateTime::<Utc>::MAX_UTC,
            expires_at: DateTime::<Utc>::MAX_UTC,
        };
        Ok(Self::with(None, Some(current)))
    }

    fn with(grant: Option<Grant>, current: Option<Current>) -> Self {
        Self {
            grant,
            current: RwLock::new(current.map(Arc::new)),
            renewing: Mutex::new(()),
            accepted: AtomicU64::new(0),
        }
    }

    /// Notes that the target accepted this version.
    pub fn accepted(&self, version: u64) {
        self.accepted.fetch_max(version, Ordering::Relaxed);
    }

    /// Whether the target has accepted this version (or a newer one): if it is refused now, it has
    /// expired. One that never was accepted is refused for good.
    pub fn was_accepted(&self, version: u64) -> bool {
        self.accepted.load(Ordering::Relaxed) >= version
    }

    /// The token to use now. Near its end one caller renews it; the others go on with the old one.
    ///
    /// # Errors
    /// [`TokenError`] when there is none and none can be had.
    pub async fn get(&self) -> Result<Bearer, TokenError> {
        let now = Utc::now();
        match self.held() {
            Some(current) if now < current.refresh_at => Ok(current.bearer.clone()),
            Some(current) if now + MARGIN < current.expires_at => {
                if let Ok(_guard) = self.renewing.try_lock() {
                    // Another caller may have renewed it before the lock was ours.
                    if let Some(newer) = self.held()
                        && newer.bearer.version > current.bearer.version
                    {
                        return Ok(newer.bearer.clone());
                    }
                    // Early renewal: if it fails, the old token still holds.
                    if let Ok(renewed) = self.fetch(current.bearer.version + 1).await {
                        return Ok(renewed);
                    }
                }
                Ok(current.bearer.clone())
            }
            Some(current) => self.renew(current.bearer.version).await,
            None => self.renew(0).await,
        }
    }

    /// A token newer than `seen`, which the server refused: whoever comes first fetches it.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn renew(&self, seen: u64) -> Result<Bearer, TokenError> {
        let _guard = self.renewing.lock().await;
        if let Some(current) = self.held()
            && current.bearer.version > seen
        {
            return Ok(current.bearer.clone());
        }
        self.fetch(seen + 1).await
    }

    fn held(&self) -> Option<Arc<Current>> {
        self.current.read().ok()?.as_ref().map(Arc::clone)
    }

    async fn fetch(&self, version: u64) -> Result<Bearer, TokenError> {
        let grant = self.grant.as_ref().ok_or(TokenError::Fixed)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let (wait, message) = match grant.ask().await {
                Ok(answer) => return self.keep(grant, answer, version),
                Err(Asked::Final(error)) => return Err(error),
                Err(Asked::Later(wait, message)) => (wait, message),
            };
            let Some(pause) = next_wait(&grant.settings, wait, tries, 0, fastrand::f64()) else {
                return Err(TokenError::Unavailable {
                    url: grant.url.to_string(),
                    message,
                });
            };
            tracing::warn!(url = %grant.url, %message, ?pause, "no token yet, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    fn keep(&self, grant: &Grant, answer: Answer, version: u64) -> Result<Bearer, TokenError> {
        let unreadable = || TokenError::Unreadable {
            url: grant.url.to_string(),
        };
        let now = Utc::now();
        let expires_at = expiry(answer.expires_in.as_ref(), now);
        let header = bearer(&answer.access_token).ok_or_else(unreadable)?;
        let current = Current {
            bearer: Bearer { header, version },
            refresh_at: now + (expires_at - now) * 4 / 5,
            expires_at,
        };
        let bearer = current.bearer.clone();
        if let Ok(mut held) = self.current.write() {
            *held = Some(Arc::new(current));
        }
        if let Some(path) = &grant.cache {
            let cached = Cached {
                url: grant.url.to_string(),
                key: grant.key.expose().to_owned(),
                access_token: answer.access_token,
                expires_at,
            };
            if let Err(error) = write_cache(path, &cached) {
                tracing::warn!(%error, "the token could not be kept for the next run");
            }
        }
        Ok(bearer)
    }
}

impl Grant {
    async fn ask(&self) -> Result<Answer, Asked> {
        let sent = self
            .http
            .post(self.url.clone())
            .basic_auth(self.key.expose(), Some(self.secret.expose()))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await;
        let later = |wait, message: String| Err(Asked::Later(wait, message));
        let reply = match sent {
            Ok(reply) => reply,
            Err(error) => return later(Wait::Backoff, chain(&error)),
        };
        let status = reply.status().as_u16();
        let asked = retry_after(reply.headers());
        let body = match reply.bytes().await {
            Ok(body) => body,
            Err(error) => return later(Wait::Backoff, chain(&error)),
        };
        match status {
            200..=299 => serde_json::from_slice(&body).map_err(|_| {
                Asked::Final(TokenError::Unreadable {
                    url: self.url.to_string(),
                })
            }),
            408 | 425 | 429 | 500..=599 => later(
                Wait::SlowDown(asked),
                format!("HTTP {status} from the token route"),
            ),
            _ => {
                let message = crate::target::edfi::Problem::read(&body).text;
                Err(Asked::Final(TokenError::Refused { status, message }))
            }
        }
    }
}

enum Asked {
    Final(TokenError),
    Later(Wait, String),
}

/// When a token ends: `expires_in` counts seconds from now, but some servers send the second of
/// expiry since 1970 in it; without it, half an hour (the usual lifetime).
fn expiry(expires_in: Option<&serde_json::Value>, now: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = match expires_in {
        Some(serde_json::Value::Number(n)) => n.as_f64().map(|s| s as i64),
        Some(serde_json::Value::String(s)) => s.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(epoch) if epoch > LONGEST_LIFE_SECS => {
            DateTime::from_timestamp(epoch, 0).unwrap_or(now)
        }
        Some(life) if life > 0 => now + TimeDelta::seconds(life),
        _ => now + TimeDelta::minutes(30),
    }
}

pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// An error with its causes on one line; reqwest's own text names only the outermost.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(when: DateTime<Utc>, now: DateTime<Utc>) -> std::time::Duration {
        (when - now).to_std().unwrap_or_default()
    }

    #[test]
    fn expires_in_counts_seconds_or_names_the_second() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let in_secs = |v: serde_json::Value| until(expiry(Some(&v), now), now).as_secs();
        assert_eq!(in_secs(1800.into()), 1800);
        assert_eq!(in_secs("1800".into()), 1800);
        assert_eq!(in_secs((1_795_000_000i64 + 900).into()), 900);
        assert_eq!(in_secs((-5).into()), 1800);
        assert_eq!(until(expiry(None, now), now).as_secs(), 1800);
    }

    #[test]
    fn a_kept_token_is_only_for_its_url_and_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens/t.json");
        let url = Url::parse("http://localhost/oauth/token").unwrap();
        let cached = Cached {
            url: url.to_string(),
            key: "k".into(),
            access_token: "abc".into(),
            expires_at: Utc::now() + TimeDelta::minutes(10),
        };
        write_cache(&path, &cached).unwrap();
        let key = |k: &str| Secret::new(k.to_owned());
        assert!(read_cache(&path, &url, &key("k")).is_some());
        assert!(read_cache(&path, &url, &key("other")).is_none());
        let other = Url::parse("http://localhost/other/token").unwrap();
        assert!(read_cache(&path, &other, &key("k")).is_none());
    }
}
