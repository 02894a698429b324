//! One HTTP exchange: a target's request out, an event back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};

use super::token::chain;
use super::{ApiError, Bearer};
use crate::pipeline::{LoadSettings, Secret};
use crate::target::{Event, Fault, Request};

/// The header that Ed-Fi servers echo in their log and in problem details.
const CORRELATION: HeaderName = HeaderName::from_static("correlation-id");

/// A client for one target: HTTP/1.1 keep-alive, TLS verified, no redirects, a limit on every
/// phase.
///
/// `certificate` is what the client shows of itself, where the target knows it by that.
///
/// # Errors
/// A certificate that cannot be read, or the TLS backend cannot be set up.
pub fn client(
    settings: &LoadSettings,
    certificate: Option<&Secret>,
) -> Result<reqwest::Client, ApiError> {
    let mut builder = reqwest::Client::builder();
    if let Some(pem) = certificate {
        let identity = reqwest::Identity::from_pem(pem.expose().as_bytes());
        builder = builder.identity(identity.map_err(ApiError::Certificate)?);
    }
    builder
        .http1_only()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(settings.concurrency_max)
        .pool_idle_timeout(Duration::from_secs(30))
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.request_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("fullsync/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(ApiError::Client)
}

/// What came back.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer.
    Answer {
        status: u16,
        headers: HeaderMap,
        body: Bytes,
        complete: bool,
    },
    /// None.
    Fault { kind: Fault, text: String },
}

impl Reply {
    /// HTTP status; 0 when there was no answer.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            Self::Fault { .. } => 0,
        }
    }

    /// Bytes of the answer's body.
    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Answer { body, .. } => body.len() as u64,
            Self::Fault { .. } => 0,
        }
    }

    /// As the target sees it.
    pub(super) fn event(&self) -> Event<'_> {
        match self {
            Self::Answer {
                status,
                headers,
                body,
                complete,
            } => Event::Answer {
                status: *status,
                headers,
                body,
                complete: *complete,
            },
            Self::Fault { kind, text } => Event::Fault { kind: *kind, text },
        }
    }
}

/// Sends one request and reads the whole answer (which keeps the connection usable).
pub(super) async fn exchange(
    http: &reqwest::Client,
    request: Request,
    bearer: Option<Bearer>,
    correlation: Option<HeaderValue>,
) -> (Reply, Duration) {
    let mut outgoing = reqwest::Request::new(request.method, request.url);
    let headers = outgoing.headers_mut();
    if let Some(bearer) = bearer {
        headers.insert(AUTHORIZATION, bearer.header);
        headers.extend(bearer.more);
    }
    headers.extend(correlation.map(|value| (CORRELATION, value)));
    let about = match request.body {
        Some(_) => CONTENT_TYPE,
        None => ACCEPT,
    };
    headers.extend(request.content_type.map(|value| (about, value)));
    headers.extend(
        request
            .content_encoding
            .map(|value| (CONTENT_ENCODING, value)),
    );
    if let Some(more) = request.headers {
        headers.extend(*more);
    }
    *outgoing.body_mut() = request.body.map(Into::into);
    let began = Instant::now();
    let reply = match http.execute(outgoing).await {
        Ok(mut response) => {
            let status = response.status().as_u16();
            let headers = std::mem::take(response.headers_mut());
            let (body, complete) = match response.bytes().await {
                Ok(body) => (body, true),
                Err(_) => (Bytes::new(), false),
            };
            Reply::Answer {
                status,
                headers,
                body,
                complete,
            }
        }
        Err(error) => Reply::Fault {
            kind: kind(&error),
            text: chain(&error.without_url()),
        },
    };
    (reply, began.elapsed())
}

fn kind(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        Fault::Connect
    } else if error.is_timeout() {
        Fault::Timeout
    } else {
        Fault::Lost
    }
}
