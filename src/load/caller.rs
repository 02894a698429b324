//! One question to a target outside of a load: retries, the token, what a refusal says.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use super::discovery::DiscoveryError;
use super::retry::next_wait;
use super::token::{Token, TokenError, chain};
use crate::pipeline::LoadSettings;
use crate::target::{Wait, edfi::Problem, retry_after};

/// Who asks: the connection pool, the credentials, how often to try.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The connection pool.
    pub http: reqwest::Client,
    /// The credentials; None where the connection itself tells who we are.
    pub token: Option<Arc<Token>>,
    /// Tries and waits.
    pub settings: LoadSettings,
}

/// Why the target could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The root document.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The client could not be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// A client certificate that cannot be used.
    #[error(
        "certificate_file of the pipeline's [connection] cannot be used: it must hold the \
         certificate and its private key, both as PEM"
    )]
    Certificate(#[source] reqwest::Error),
    /// An answer that says no.
    #[error("{method} {url} was answered {status}: {message}")]
    Refused {
        /// Verb.
        method: Method,
        /// Where.
        url: String,
        /// HTTP status.
        status: u16,
        /// The server's text.
        message: String,
    },
    /// No answer within the allowed tries.
    #[error("{method} {url} got no answer: {message}")]
    Unanswered {
        /// Verb.
        method: Method,
        /// Where.
        url: String,
        /// The last thing that happened.
        message: String,
    },
    /// An answer that is not what was asked for.
    #[error("{url} did not answer with {wanted}")]
    Unreadable {
        /// Where.
        url: String,
        /// What was wanted.
        wanted: &'static str,
    },
}

/// A 2xx answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Caller {
    /// One request, with retries and one renewal of the token. `body` is JSON.
    ///
    /// # Errors
    /// [`ApiError`].
    pub(super) async fn ask(
        &self,
        method: Method,
        url: Url,
        accept: Option<&'static str>,
        body: Option<Bytes>,
    ) -> Result<Answer, ApiError> {
        let accept = accept.map(HeaderValue::from_static);
        self.ask_for(method, url, accept, body).await
    }

    /// The same, for a form that is not known beforehand.
    ///
    /// # Errors
    /// [`ApiError`].
    pub(super) async fn ask_for(
        &self,
        method: Method,
        url: Url,
        accept: Option<HeaderValue>,
        body: Option<Bytes>,
    ) -> Result<Answer, ApiError> {
        let accept = accept.map(|accept| (ACCEPT, accept));
        let json = || (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let headers = accept.into_iter().chain(body.as_ref().map(|_| json()));
        self.ask_with(method, url, &headers.collect(), body).await
    }

    /// The same, with headers of its own.
    ///
    /// # Errors
    /// [`ApiError`].
    pub(super) async fn ask_with(
        &self,
        method: Method,
        url: Url,
        headers: &HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, ApiError> {
        let (mut tries, mut renewed) = (0, false);
        loop {
            tries += 1;
            let mut request = self.http.request(method.clone(), url.clone());
            let mut version = None;
            if let Some(token) = &self.token {
                let bearer = token.get().await?;
                version = Some(bearer.version);
                request = request.header(AUTHORIZATION, bearer.header);
                request = request.headers(bearer.more.into_iter().collect());
            }
            request = request.headers(headers.clone());
            if let Some(body) = &body {
                request = request.body(body.clone());
            }
            if let Some(rate) = &self.settings.rate {
                rate.wait().await;
            }
            let (wait, message) = match read(request).await {
                Err(error) => (Wait::Backoff, chain(&error)),
                Ok((200..=299, answer)) => return Ok(answer),
                Ok((401, _)) if !renewed => {
                    renewed = true;
                    if let (Some(token), Some(version)) = (&self.token, version) {
                        token.renew(version).await?;
                    }
                    continue;
                }
                Ok((status @ (408 | 425 | 429 | 500 | 502..=504), answer)) => (
                    Wait::SlowDown(retry_after(&answer.headers)),
                    format!("HTTP {status}"),
                ),
                Ok((status, answer)) => {
                    let message = match crate::sif3::refusal(&answer.body) {
                        told if !told.is_empty() => told,
                        _ => Problem::read(&answer.body).text,
                    };
                    return Err(ApiError::Refused {
                        method,
                        url: url.into(),
                        status,
                        message,
                    });
                }
            };
            match next_wait(&self.settings, wait, tries, 0, fastrand::f64()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    return Err(ApiError::Unanswered {
                        method,
                        url: url.into(),
                        message,
                    });
                }
            }
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<(u16, Answer), reqwest::Error> {
    let mut reply = request.send().await?;
    let headers = std::mem::take(reply.headers_mut());
    let status = reply.status().as_u16();
    Ok((
        status,
        Answer {
            status,
            headers,
            body: reply.bytes().await?,
        },
    ))
}
