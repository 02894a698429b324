//! The agent at work in push mode: the zone posts messages to us, and our answer to each is its
//! acknowledgement.
//!
//! A request is noted down before it is acknowledged, so that it is answered whatever happens to this
//! process. TLS is for the proxy in front: this listens on plain HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ack::Received;
use super::code::SifError;
use super::desk::{Desk, Reply};
use super::log::Note;
use super::message::Header;
use super::session::{Answers, Stay, SyncError};

/// Bytes around the largest message.
const AROUND: usize = 64 << 10;
/// How often the agent looks whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// Listens until everything expected was asked for and answered, or nothing more comes: for as long
/// as the polls of a pull agent would take.
///
/// # Errors
/// [`SyncError`]; the address cannot be listened on.
pub async fn push(desk: &Arc<Desk>, stay: &Stay, listen: SocketAddr) -> Result<(), SyncError> {
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|e| std::io::Error::new(e.kind(), format!("push_listen {listen}: {e}")))?;
    let (replies, incoming) = mpsc::unbounded_channel();
    let server = tokio::spawn(serve(listener, Arc::clone(desk), replies));
    let result = work(desk, stay, incoming).await;
    server.abort();
    result
}

/// Answers what comes in.
async fn work(
    desk: &Arc<Desk>,
    stay: &Stay,
    mut incoming: mpsc::UnboundedReceiver<Reply>,
) -> Result<(), SyncError> {
    let mut answers = Answers::new(desk, false);
    answers.carry_on(stay.parallel).await?;
    let patience = stay
        .idle_polls
        .map(|polls| stay.poll_every.saturating_mul(polls));
    let mut heard = Instant::now();
    let result = loop {
        answers.collect()?;
        let late = stay.until.is_some_and(|until| Instant::now() >= until);
        if desk.agent.zone.stopped() || late {
            break Ok(());
        }
        if answers.running() >= stay.parallel {
            answers.one().await?;
            heard = Instant::now();
            continue;
        }
        let busy = answers.running() > 0;
        if busy {
            heard = Instant::now();
        }
        let given = !stay.expected.is_empty() && stay.missing(desk).is_empty();
        // Whoever was given its objects before may ask again: the zone has a moment to say so.
        let most = if given {
            Some(stay.poll_every)
        } else {
            patience
        };
        if !busy && most.is_some_and(|most| heard.elapsed() >= most) {
            break Ok(());
        }
        tokio::select! {
            reply = incoming.recv() => match reply {
                Some(Reply::Decline(refusal)) => desk.decline(refusal, false).await?,
                Some(Reply::Answer(job)) => answers.start(*job, false),
                Some(_) => heard = Instant::now(),
                None => break Ok(()),
            },
            _ = desk.agent.zone.pause(LOOK) => {}
        }
    };
    answers.finish(result).await
}

async fn serve(listener: TcpListener, desk: Arc<Desk>, replies: mpsc::UnboundedSender<Reply>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&desk), replies.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, desk: Arc<Desk>, replies: mpsc::UnboundedSender<Reply>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(|request: Request<Incoming>| {
        let (desk, replies) = (Arc::clone(&desk), replies.clone());
        async move { Ok::<_, Infallible>(answer(&desk, &replies, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(
    desk: &Desk,
    replies: &mpsc::UnboundedSender<Reply>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let status = |status| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        response
    };
    if request.method() != Method::POST {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let most = usize::try_from(desk.agent.profile.max_buffer).unwrap_or(usize::MAX);
    let body = Limited::new(request.into_body(), most.saturating_add(AROUND));
    let Ok(body) = body.collect().await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let ack = acknowledge(desk, replies, &body.to_bytes());
    let mut response = Response::new(Full::new(ack.into()));
    let kind = HeaderValue::from_static("application/xml;charset=\"utf-8\"");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The acknowledgement of a message.
fn acknowledge(desk: &Desk, replies: &mpsc::UnboundedSender<Reply>, body: &[u8]) -> Vec<u8> {
    let header = Header::new(Utc::now(), None);
    let messages = &desk.agent.messages;
    let received = match Received::read(body) {
        Ok(received) => received,
        Err(error) => {
            let error = SifError::new(SifError::NOT_WELL_FORMED, error.to_string());
            return messages.refusal(&header, ("", ""), &error);
        }
    };
    let of = (received.source_id.clone(), received.msg_id.clone());
    let of = (of.0.as_str(), of.1.as_str());
    let control = received.command.is_some();
    // Asleep: only what is about the sleep itself is taken.
    if *desk.asleep().borrow() && !control {
        return messages.status(&header, of, 8);
    }
    let note = Note {
        at: Utc::now(),
        kind: received
            .command
            .clone()
            .unwrap_or_else(|| received.kind.clone()),
        msg_id: received.msg_id.clone(),
        bytes: body.len() as u64,
        outcome: "received".to_owned(),
        ..Note::about(&received.source_id, "")
    };
    desk.agent.zone.log().add(note, body);
    match desk.receive(received) {
        Ok(Reply::Refused(error)) => messages.refusal(&header, of, &error),
        Ok(reply) => {
            // The one who answers is gone: the journal has the request, the next run answers it.
            let _ = replies.send(reply);
            messages.status(&header, of, 1)
        }
        Err(error) => {
            tracing::error!(%error, "a message could not be noted down");
            let what = "the message could not be noted down";
            messages.refusal(&header, of, &SifError::new((11, 1), what))
        }
    }
}
