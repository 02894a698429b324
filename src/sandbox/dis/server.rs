//! From a request to an answer: body, fault, work.
//!
//! Reads: requests. Writes: answers. Never: logs a body.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderName};
use hyper::{Request, Response};

use super::api::{Api, Call};
use crate::sandbox::answer::{Answer, AnswerBody};
use crate::sandbox::play::play;
use crate::sandbox::server::{Caller, Service};

impl Service for Api {
    async fn answer(&self, request: Request<Incoming>, _: Caller) -> Option<Response<AnswerBody>> {
        let (head, body) = request.into_parts();
        // Compressed bodies are smaller than what they hold, so the limit holds for both.
        let body = match Limited::new(body, self.bytes()).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Some(self.too_large().into_response(false)),
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
        let fault = match self.strike(&call) {
            None => return Some(self.work(&call).into_response(false)),
            Some(fault) => fault,
        };
        let told =
            |status| Answer::json(status, r#"{"code":"fault","message":"played on purpose"}"#);
        // A state's tokens do not expire by themselves: this one is refused.
        let expire = || Some(told(401));
        play(fault, || self.work(&call), told, expire).await
    }
}
