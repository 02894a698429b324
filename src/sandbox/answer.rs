//! Answers and their bodies, the deliberately broken ones included.
//!
//! Reads: nothing. Writes: HTTP responses. Never: decides what is answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::{Sleep, sleep};

use super::RetryAfter;

/// An answer before it is put into HTTP.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// The body; empty for none.
    pub(super) body: Bytes,
    /// Type of the body, where there is one.
    pub(super) content_type: &'static str,
    /// Further headers.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// A status without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            body: Bytes::new(),
            content_type: "application/json; charset=utf-8",
            headers: Vec::new(),
        }
    }

    /// A JSON body.
    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..Self::empty(status)
        }
    }

    /// A body of another type.
    pub(super) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            body: Bytes::from(body),
            content_type,
            ..Self::empty(status)
        }
    }

    /// Adds a header; a value that cannot stand in one is left out.
    pub(super) fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// Adds the header that says how long to wait.
    pub(super) fn retry_after(self, after: RetryAfter) -> Self {
        match after {
            RetryAfter::None => self,
            RetryAfter::Seconds(n) | RetryAfter::Milliseconds(n) => {
                self.header(header::RETRY_AFTER, HeaderValue::from(n))
            }
            RetryAfter::HttpDate(s) => {
                let at = SystemTime::now() + Duration::from_secs(s);
                self.header(header::RETRY_AFTER, httpdate::fmt_http_date(at))
            }
            RetryAfter::MillisecondsHeader(ms) => {
                let name = HeaderName::from_static("retry-after-ms");
                self.header(name, HeaderValue::from(ms))
            }
        }
    }

    /// The HTTP response. `truncated`: it announces more than it sends.
    pub(super) fn into_response(self, truncated: bool) -> Response<AnswerBody> {
        let mut response = Response::new(if truncated {
            AnswerBody::truncated(&self.body)
        } else {
            AnswerBody::whole(self.body.clone())
        });
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if truncated || !self.body.is_empty() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.content_type),
            );
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// The body of an answer: whole, or cut off in the middle.
#[derive(Debug)]
pub(super) struct AnswerBody {
    bytes: Bytes,
    /// Bytes announced; more than there are when the answer is cut off.
    announced: u64,
    /// Gives the bytes time to leave before the connection is closed.
    pause: Option<Pin<Box<Sleep>>>,
}

/// The answer ends before its announced length.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cuts this answer off on purpose")]
pub(super) struct CutOff;

impl From<Infallible> for CutOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl AnswerBody {
    fn whole(bytes: Bytes) -> Self {
        Self {
            announced: bytes.len() as u64,
            bytes,
            pause: None,
        }
    }

    fn truncated(bytes: &Bytes) -> Self {
        let start = match bytes.len() {
            0 => Bytes::from_static(b"{\"det"),
            len => bytes.slice(..len.div_ceil(2)),
        };
        Self {
            announced: start.len() as u64 + 64,
            bytes: start,
            pause: Some(Box::pin(sleep(Duration::from_millis(10)))),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = self.get_mut();
        if !this.bytes.is_empty() {
            let bytes = std::mem::take(&mut this.bytes);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut this.pause {
            None => Poll::Ready(None),
            Some(pause) => pause.as_mut().poll(context).map(|()| Some(Err(CutOff))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
