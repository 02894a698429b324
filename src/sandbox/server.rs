//! The HTTP side that all sandboxes have: listening, connections, an end with grace.
//!
//! Reads: requests. Writes: answers. Never: looks into them, or logs a body or a query string.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::SandboxError;
use super::answer::AnswerBody;

/// How long stopping waits for requests in flight.
const GRACE: Duration = Duration::from_secs(2);

/// The sandbox resets the connection instead of answering.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox closes this connection on purpose")]
struct Closed;

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Who asks, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The address that the request came from.
    pub(super) from: SocketAddr,
    /// The address that is listened on.
    pub(super) at: SocketAddr,
}

/// What answers requests.
pub(super) trait Service: Send + Sync + 'static {
    /// The answer; None resets the connection.
    fn answer(
        &self,
        request: Request<Incoming>,
        caller: Caller,
    ) -> impl Future<Output = Option<Response<AnswerBody>>> + Send;
}

/// A service that listens. Dropping it stops it at once.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Listens, and serves on the current runtime; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub(super) async fn start(
        address: SocketAddr,
        service: Arc<impl Service>,
    ) -> Result<Self, SandboxError> {
        let refused = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, service, address, stopped));
        Ok(Self {
            address,
            stop,
            serving,
        })
    }

    /// The root URL, without a slash at the end.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening, and lets requests in flight finish for up to two seconds.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.serving)
            .await
            .is_err()
        {
            self.serving.abort();
            // Only a cancelled task is left to report here.
            let _ = (&mut self.serving).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Accepts connections until told to stop, then lets those in flight finish.
async fn serve(
    listener: TcpListener,
    service: Arc<impl Service>,
    at: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, from)) => {
                let caller = Caller { from, at };
                connections.spawn(connection(
                    stream,
                    caller,
                    Arc::clone(&service),
                    stop.clone(),
                ));
            }
            Err(error) => {
                // Out of file handles, most likely: others will be closed soon.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    caller: Caller,
    service: Arc<impl Service>,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let cut = Arc::new(AtomicBool::new(false));
    let line = Line {
        stream,
        cut: Arc::clone(&cut),
    };
    let answering = service_fn(|request: Request<Incoming>| {
        let (service, cut) = (Arc::clone(&service), Arc::clone(&cut));
        async move {
            let answer = service.answer(request, caller).await;
            if answer.is_none() {
                cut.store(true, Ordering::Relaxed);
            }
            answer.ok_or(Closed)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(line), answering);
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

/// A connection that can be reset instead of closed.
struct Line {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.cut.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "closed instead of reset");
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
