//! Where tokens come from: an OAuth route, or the environment of a SIF 3 provider.
//!
//! Reads: the target's answers. Writes: the file of the token. Never: a secret in a message.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::session::Session;
use super::token::{TokenError, bearer, chain};
use super::token_file::{Cached, write_cache};
use crate::pipeline::{LoadSettings, Secret};
use crate::target::{Wait, retry_after};

/// A lifetime above this is no lifetime but the second of expiry since 1970.
const LONGEST_LIFE_SECS: i64 = 10 * 365 * 86_400;

/// Where a token comes from. One that the target's operator has handed out comes from nowhere, and
/// cannot be renewed.
pub(super) enum Grant {
    /// An OAuth route.
    Client(Box<Client>),
    /// An environment, whose calls are signed one by one.
    Session(Arc<Session>),
}

/// Key and secret for an OAuth route.
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) key: Secret,
    pub(super) secret: Secret,
    pub(super) settings: LoadSettings,
    pub(super) cache: Option<PathBuf>,
}

/// A token that was given.
pub(super) struct Granted {
    /// The value of `Authorization`; of a session, what that is made of.
    pub(super) header: HeaderValue,
    pub(super) expires_at: DateTime<Utc>,
}

/// Why there is none yet.
pub(super) enum Asked {
    Final(TokenError),
    Later(Wait, String),
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<serde_json::Value>,
}

impl Grant {
    /// Where it is asked for.
    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Client(client) => &client.url,
            Self::Session(session) => session.url(),
        }
    }

    pub(super) fn settings(&self) -> &LoadSettings {
        match self {
            Self::Client(client) => &client.settings,
            Self::Session(session) => session.settings(),
        }
    }

    /// Asks once.
    pub(super) async fn ask(&self) -> Result<Granted, Asked> {
        match self {
            Self::Client(client) => {
                let answer = client.ask().await?;
                client.granted(&answer).map_err(Asked::Final)
            }
            Self::Session(session) => session.ask().await,
        }
    }
}

impl Client {
    /// The token of an answer; kept for the next run.
    fn granted(&self, answer: &Answer) -> Result<Granted, TokenError> {
        let unreadable = || TokenError::Unreadable {
            url: self.url.to_string(),
        };
        let expires_at = expiry(answer.expires_in.as_ref(), Utc::now());
        let header = bearer(&answer.access_token).ok_or_else(unreadable)?;
        if let Some(path) = &self.cache {
            let cached = Cached {
                url: self.url.to_string(),
                key: self.key.expose().to_owned(),
                access_token: answer.access_token.clone(),
                expires_at,
            };
            if let Err(error) = write_cache(path, &cached) {
                tracing::warn!(%error, "the token could not be kept for the next run");
            }
        }
        Ok(Granted { header, expires_at })
    }

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
}
