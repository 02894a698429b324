//! One bearer token for all workers: fetched once, kept on disk, renewed by one of them.
//!
//! An Ed-Fi server allows a client only 15 live tokens, so a token is reused after a restart and
//! never fetched twice for one expiry.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderName, HeaderValue};
use tokio::sync::Mutex;
use url::Url;

use crate::pipeline::{LoadSettings, Secret};

use super::grant::{Asked, Client, Grant, Granted};
use super::retry::next_wait;
use super::session::Session;
use super::token_file::read_cache;

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
    /// A SIF 3 provider refused the application.
    #[error(
        "the provider refused the application ({status}: {message}); check the application key \
         (key_env), its password (secret_env) and `authentication` of [sif3]{clock}"
    )]
    Application {
        /// HTTP status.
        status: u16,
        /// The provider's text.
        message: String,
        /// What the clocks have to do with it, where they can.
        clock: String,
    },
    /// A SIF 3 provider that gives no environment.
    #[error("{url} gave no environment: {why}; is this the root of a SIF 3 infrastructure?")]
    NoEnvironment {
        /// The environment service.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
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
    /// What goes with it on this one request: the time of a signature.
    pub more: Vec<(HeaderName, HeaderValue)>,
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

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("url", &self.grant.as_ref().map(|g| g.url().as_str()))
            .finish_non_exhaustive()
    }
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
        let grant = Client {
            http,
            url,
            key,
            secret,
            settings,
            cache,
        };
        Self::with(Some(Grant::Client(Box::new(grant))), kept)
    }

    /// A token that does not come from an OAuth route and lasts as long as the target accepts it.
    ///
    /// # Errors
    /// [`TokenError::NoHeader`]: it holds characters that no HTTP header may have.
    pub fn fixed(token: &Secret) -> Result<Self, TokenError> {
        let header = bearer(token.expose()).ok_or(TokenError::NoHeader)?;
        let current = Current {
            bearer: Bearer {
                header,
                more: Vec::new(),
                version: 1,
            },
            refresh_at: DateTime::<Utc>::MAX_UTC,
            expires_at: DateTime::<Utc>::MAX_UTC,
        };
        Ok(Self::with(None, Some(current)))
    }

    /// The token of a session with a SIF 3 provider; one that the last run has left is used.
    pub(super) fn session(session: Arc<Session>) -> Self {
        let current = session.current();
        Self::with(Some(Grant::Session(session)), current)
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
        let bearer = self.latest().await?;
        Ok(match &self.grant {
            Some(Grant::Session(session)) => session.sign(bearer),
            _ => bearer,
        })
    }

    async fn latest(&self) -> Result<Bearer, TokenError> {
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
                Ok(granted) => return Ok(self.keep(granted, version)),
                Err(Asked::Final(error)) => return Err(error),
                Err(Asked::Later(wait, message)) => (wait, message),
            };
            let Some(pause) = next_wait(grant.settings(), wait, tries, 0, fastrand::f64()) else {
                return Err(TokenError::Unavailable {
                    url: grant.url().to_string(),
                    message,
                });
            };
            tracing::warn!(url = %grant.url(), %message, ?pause, "no token yet, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    fn keep(&self, granted: Granted, version: u64) -> Bearer {
        let current = Current::new(granted.header, version, granted.expires_at);
        let bearer = current.bearer.clone();
        if let Ok(mut held) = self.current.write() {
            *held = Some(Arc::new(current));
        }
        bearer
    }
}

impl Current {
    pub(super) fn new(header: HeaderValue, version: u64, expires_at: DateTime<Utc>) -> Self {
        let now = Utc::now();
        Self {
            bearer: Bearer {
                header,
                more: Vec::new(),
                version,
            },
            refresh_at: now + (expires_at - now) * 4 / 5,
            expires_at,
        }
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
    use crate::load::token_file::{Cached, write_cache};

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
