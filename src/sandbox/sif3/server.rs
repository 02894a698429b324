//! From a request to an answer: body, fault, work.
//!
//! Reads: requests. Writes: answers. Never: logs a body.

use chrono::Utc;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE};
use hyper::{Request, Response};

use super::api::{Api, Call, refuse};
use super::auth::Shown;
use crate::sandbox::answer::AnswerBody;
use crate::sandbox::play::play;
use crate::sandbox::server::{Caller, Service};

impl Service for Api {
    async fn answer(
        &self,
        request: Request<Incoming>,
        caller: Caller,
    ) -> Option<Response<AnswerBody>> {
        let (head, body) = request.into_parts();
        // A body that is too large is read all the same, so that the caller sees the answer.
        let limit = self.options().bytes.saturating_mul(4);
        let body = match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Some(self.too_large().into_response(false)),
        };
        let header = |name: &str| {
            let value = head.headers.get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default()
        };
        let root = format!("http://{}", caller.at);
        let now = Utc::now() + self.options().ahead;
        let call = Call {
            method: head.method.as_str(),
            path: head.uri.path(),
            shown: Shown {
                authorization: header(AUTHORIZATION.as_str()),
                timestamp: header("timestamp"),
                now,
            },
            encoding: match header(CONTENT_ENCODING.as_str()) {
                "" => "identity",
                encoding => encoding,
            },
            content_type: header(CONTENT_TYPE.as_str()),
            method_override: header("methodoverride"),
            must_use_advisory: header("mustuseadvisory") == "true",
            page: header("navigationpage"),
            page_size: header("navigationpagesize"),
            root: &root,
            body: &body,
        };
        let told = |status| refuse(status, "Played on purpose.", "");
        let expire = || self.end_environments().ok().map(|()| self.work(&call));
        let mut response = match self.strike(&call) {
            None => self.work(&call).into_response(false),
            Some(fault) => play(fault, || self.work(&call), told, expire).await?,
        };
        // The provider's own time, which need not be this machine's.
        if let Ok(date) = httpdate::fmt_http_date(now.into()).try_into() {
            response.headers_mut().insert(DATE, date);
        }
        Some(response)
    }
}
