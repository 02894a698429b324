//! The session with a SIF 3 provider: an environment, made once and found again, and calls signed in
//! it one by one.
//!
//! Reads and writes: the session's file, for its owner only. Never: a password or a token in a
//! message.
//! Source: SIF infrastructure 3.3; recorded conversations of a provider.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Bearer;
use super::grant::{Asked, Granted};
use super::token::{Current, TokenError, chain};
use crate::files;
use crate::pipeline::{LoadSettings, Secret};
use crate::sif3::{Environment, Scheme, Wish, refusal};
use crate::target::{Wait, retry_after};

/// A session lasts until the provider ends it.
const LIFE: TimeDelta = TimeDelta::days(3650);

/// Clocks that differ by less have nothing to do with a refusal: a provider was seen to allow 15 minutes.
const AGREED: TimeDelta = TimeDelta::minutes(2);

const TIMESTAMP: HeaderName = HeaderName::from_static("timestamp");
const MESSAGE_ID: HeaderName = HeaderName::from_static("messageid");
const GENERATOR_ID: HeaderName = HeaderName::from_static("generatorid");

/// Who asks for a session, and how.
#[derive(Clone, Debug)]
pub struct Login {
    /// Root URL of the provider's infrastructure, without a slash at the end.
    pub url: String,
    /// The application's password.
    pub password: Secret,
    /// How calls are signed.
    pub scheme: Scheme,
    /// The environment that is wanted; its application key is the user.
    pub wish: Wish,
    /// The session's file between runs.
    pub file: PathBuf,
}

/// A session.
pub(super) struct Session {
    http: reqwest::Client,
    url: Url,
    login: Login,
    settings: LoadSettings,
    environment: RwLock<Option<Arc<Environment>>>,
}

/// What is kept between runs.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    application: String,
    instance: Option<String>,
    environment: Environment,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that has not begun, or goes on where the last run left it.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub(super) fn new(
        http: reqwest::Client,
        login: Login,
        settings: LoadSettings,
    ) -> Result<Self, TokenError> {
        let text = format!("{}/environments/environment", login.url);
        let url = Url::parse(&text).map_err(|_| TokenError::NoEnvironment {
            url: text,
            why: "this is no URL".to_owned(),
        })?;
        let session = Self {
            http,
            url,
            settings,
            environment: RwLock::new(None),
            login,
        };
        let kept = session.kept().map(Arc::new);
        session.set(kept);
        Ok(session)
    }

    /// Where environments are made.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn settings(&self) -> &LoadSettings {
        &self.settings
    }

    /// The environment, once there is one.
    pub(super) fn environment(&self) -> Option<Arc<Environment>> {
        let environment = self.environment.read();
        environment.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, environment: Option<Arc<Environment>>) {
        let place = self.environment.write();
        *place.unwrap_or_else(PoisonError::into_inner) = environment;
    }

    /// What the provider says of the environment now: rights and addresses change.
    pub(super) fn update(&self, environment: Environment) -> Arc<Environment> {
        let environment = Arc::new(environment);
        self.keep(&environment);
        self.set(Some(Arc::clone(&environment)));
        environment
    }

    fn kept(&self) -> Option<Environment> {
        let kept: Kept = serde_json::from_slice(&std::fs::read(&self.login.file).ok()?).ok()?;
        let Wish {
            application,
            instance,
            ..
        } = &self.login.wish;
        let ours = kept.url == self.url.as_str()
            && kept.application == *application
            && kept.instance == *instance;
        ours.then_some(kept.environment)
    }

    fn keep(&self, environment: &Environment) {
        let kept = Kept {
            url: self.url.to_string(),
            application: self.login.wish.application.clone(),
            instance: self.login.wish.instance.clone(),
            environment: environment.clone(),
        };
        let written = || -> std::io::Result<()> {
            if let Some(folder) = self.login.file.parent() {
                files::create_dir(folder)?;
            }
            files::write(&self.login.file, &serde_json::to_vec(&kept)?)
        };
        if let Err(error) = written() {
            tracing::warn!(%error, "the session could not be kept for the next run");
        }
    }

    /// The token that a session begins with, where the last run has left one.
    pub(super) fn current(&self) -> Option<Current> {
        let environment = self.environment()?;
        Some(Current::new(raw(&environment)?, 1, Utc::now() + LIFE))
    }

    /// Asks for the environment: made anew, or the one that is there (409).
    pub(super) async fn ask(&self) -> Result<Granted, Asked> {
        let (authorization, more) = self.signed(&self.login.wish.application);
        let Some(authorization) = authorization else {
            return Err(Asked::Final(TokenError::NoHeader));
        };
        let mut request = self
            .http
            .post(self.url.clone())
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, HeaderValue::from_static("application/xml"))
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/xml;charset=UTF-8"),
            )
            .body(self.login.wish.to_xml(self.login.scheme));
        for (name, value) in more {
            request = request.header(name, value);
        }
        let later = |wait, message: String| Err(Asked::Later(wait, message));
        let reply = match request.send().await {
            Ok(reply) => reply,
            Err(error) => return later(Wait::Backoff, chain(&error.without_url())),
        };
        let status = reply.status().as_u16();
        let asked = retry_after(reply.headers());
        let clock = match self.login.scheme {
            Scheme::Hmac => clocks(reply.headers(), Utc::now()),
            Scheme::Basic => String::new(),
        };
        let body = match reply.bytes().await {
            Ok(body) => body,
            Err(error) => return later(Wait::Backoff, chain(&error.without_url())),
        };
        match status {
            // 409: it is there already, and the answer is the environment all the same.
            200..=299 | 409 => {
                let read = std::str::from_utf8(&body).map_err(|e| e.to_string());
                let environment = read.and_then(Environment::read).map_err(|why| {
                    Asked::Final(TokenError::NoEnvironment {
                        url: self.url.to_string(),
                        why,
                    })
                })?;
                let header = raw(&environment).ok_or(Asked::Final(TokenError::NoHeader))?;
                self.update(environment);
                let expires_at: DateTime<Utc> = Utc::now() + LIFE;
                Ok(Granted { header, expires_at })
            }
            408 | 425 | 429 | 500..=599 => later(
                Wait::SlowDown(asked),
                format!("HTTP {status} from the environment service"),
            ),
            _ => Err(Asked::Final(TokenError::Application {
                status,
                message: refusal(&body),
                clock,
            })),
        }
    }

    /// What one request carries to show that it is of this session. Signed anew each time: a
    /// signature is good for some minutes.
    pub(super) fn sign(&self, bearer: Bearer) -> Bearer {
        let Ok(token) = bearer.header.to_str() else {
            return bearer;
        };
        let (Some(header), more) = self.signed(token) else {
            return bearer;
        };
        Bearer {
            header,
            more,
            version: bearer.version,
        }
    }

    fn signed(&self, user: &str) -> (Option<HeaderValue>, Vec<(HeaderName, HeaderValue)>) {
        let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let scheme = self.login.scheme;
        let value = scheme.authorization(user, self.login.password.expose(), &timestamp);
        let header = sensitive(&value);
        let more = [(TIMESTAMP, timestamp), (MESSAGE_ID, message_id())];
        let more = more.into_iter().filter_map(|(name, value)| {
            let value = HeaderValue::from_str(&value).ok()?;
            Some((name, value))
        });
        let generator = (GENERATOR_ID, HeaderValue::from_static("fullsync"));
        (header, more.chain([generator]).collect())
    }
}

/// What this machine's clock has to do with a signature that is refused: a provider takes only those
/// of its own time, give or take some minutes.
fn clocks(headers: &HeaderMap, now: DateTime<Utc>) -> String {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return "; for hmac also this machine's clock".to_owned();
    };
    let behind = DateTime::<Utc>::from(theirs) - now;
    let way = match behind {
        d if d > AGREED => "behind",
        d if d < -AGREED => "ahead of",
        _ => return String::new(),
    };
    format!(
        "; this machine's clock is {} minutes {way} the provider's, and a signature holds its time: \
         set the clock",
        // `Date` has no parts of a second, so the difference is rounded.
        (behind.num_seconds().abs() + 30) / 60
    )
}

/// The token of an environment, as it stands in a bearer before it is signed with.
fn raw(environment: &Environment) -> Option<HeaderValue> {
    sensitive(&environment.session_token)
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A UUID of version 4.
fn message_id() -> String {
    let bits = fastrand::u128(..);
    let bits = (bits & !(0xf << 76)) | (4 << 76);
    let hex = format!("{:032x}", (bits & !(0xc << 60)) | (8 << 60));
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told() {
        let now = DateTime::from_timestamp(1_795_324_222, 0).unwrap();
        let told = |date: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
            clocks(&headers, now)
        };
        assert!(told("Sun, 22 Nov 2026 05:30:22 GMT").contains("20 minutes behind"));
        assert!(told("Sun, 22 Nov 2026 04:40:22 GMT").contains("30 minutes ahead of"));
        assert_eq!(told("Sun, 22 Nov 2026 05:11:22 GMT"), "");
        for date in ["yesterday", "Sun, 31 Nov 2026 05:11:22 GMT"] {
            assert!(told(date).contains("also this machine's clock"));
        }
        assert!(clocks(&HeaderMap::new(), now).contains("also this machine's clock"));
    }

    #[test]
    fn message_ids_are_uuids_and_differ() {
        let id = message_id();
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(id.chars().nth(14), Some('4'));
        assert!(matches!(id.chars().nth(19), Some('8' | '9' | 'a' | 'b')));
        assert_ne!(id, message_id());
    }
}
