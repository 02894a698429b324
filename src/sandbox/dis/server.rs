//! The HTTP side: connections, requests, faults.
//!
//! Reads: requests. Writes: answers. Never: logs a body.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderName};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::api::{Api, Call};
use crate::sandbox::edfi::FaultKind;
use crate::sandbox::edfi::answer::{Answer, AnswerBody};

/// How long stopping waits for requests in flight.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox closes this connection on purpose")]
struct Closed;

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Accepts connections until told to stop, then lets those in flight finish.
pub(super) async fn serve(listener: TcpListener, api: Arc<Api>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&api), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, api: Arc<Api>, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(|request: Request<Incoming>| {
        let api = Arc::clone(&api);
        async move { answer(&api, request).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = stop.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(api: &Api, request: Request<Incoming>) -> Result<Response<AnswerBody>, Closed> {
    let (head, body) = request.into_parts();
    // Compressed bodies are smaller than what they hold, so the limit holds for both.
    let body = match Limited::new(body, api.bytes()).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(api.too_large().into_response(false)),
    };
    let header = |name: HeaderName| head.headers.get(name).and_then(|v| v.to_str().ok());
    let call = Call {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        authorization: header(AUTHORIZATION).unwrap_or_default(),
        encoding: header(CONTENT_ENCODING).unwrap_or("identity"),
        body: &body,
    };
    let fault = match api.strike(&call) {
        None => return Ok(api.work(&call).into_response(false)),
        Some(fault) => fault,
    };
    let told = |status| Answer::json(status, r#"{"code":"fault","message":"played on purpose"}"#);
    match fault {
        FaultKind::TooManyRequests(after) => {
            let after = after.unwrap_or_default();
            Ok(told(429).retry_after(after).into_response(false))
        }
        FaultKind::Status {
            status,
            retry_after,
            ..
        } => {
            let after = retry_after.unwrap_or_default();
            Ok(told(status).retry_after(after).into_response(false))
        }
        FaultKind::Slow { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(api.work(&call).into_response(false))
        }
        FaultKind::TruncatedBody { stored } => {
            let whole = match stored {
                true => api.work(&call),
                false => told(200),
            };
            Ok(whole.into_response(true))
        }
        FaultKind::Hang => {
            std::future::pending::<()>().await;
            Err(Closed)
        }
        FaultKind::ResetAfterCommit => {
            api.work(&call);
            Err(Closed)
        }
        // A state's tokens do not expire by themselves: this one is refused.
        FaultKind::ExpireTokens => Ok(told(401).into_response(false)),
        FaultKind::Reset => Err(Closed),
    }
}
