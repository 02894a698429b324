//! From an HTTP request to an answer: body, credentials, fault, work.
//!
//! Reads: requests. Writes: answers. Never: logs a body.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response};

use super::api::Api;
use super::fault::Play;
use super::message::{original, parse};
use super::refusal::refuse;
use crate::sandbox::answer::{Answer, AnswerBody};
use crate::sandbox::edfi::oauth::basic;
use crate::sandbox::server::{Caller, Service};

const XML: &str = "application/xml;charset=\"utf-8\"";
/// How a proxy in front, which ends TLS, tells by what the request came.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Smaller answers are not worth compressing, in bytes.
const WORTH: usize = 1024;

impl Service for Api {
    async fn answer(&self, request: Request<Incoming>, _: Caller) -> Option<Response<AnswerBody>> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, self.options.max_message).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Some(Answer::empty(413).into_response(false)),
        };
        if head.uri.path() != format!("/zis/{}", self.options.zone) {
            return Some(xml("<FATAL_ERROR>INVALID ZONE</FATAL_ERROR>").into_response(false));
        }
        if head.method != hyper::Method::POST {
            return Some(Answer::empty(405).into_response(false));
        }
        let header = |name: HeaderName| text(&head.headers, name);
        if !self.knows(header(AUTHORIZATION)) {
            return Some(Answer::empty(401).into_response(false));
        }
        let body = match header(CONTENT_ENCODING) {
            "" | "identity" => body,
            "gzip" if self.options.gzip => match self.unpacked(&body) {
                Some(body) => body,
                None => return Some(Answer::empty(400).into_response(false)),
            },
            _ => return Some(Answer::empty(415).into_response(false)),
        };
        let packs = header(ACCEPT_ENCODING).contains("gzip");
        let secure = header(FORWARDED).eq_ignore_ascii_case("https");
        self.played(&body, packs, secure).await
    }
}

impl Api {
    fn knows(&self, authorization: &str) -> bool {
        self.options.basic.is_none() || basic(authorization) == self.options.basic
    }

    fn unpacked(&self, body: &[u8]) -> Option<Bytes> {
        let mut out = Vec::new();
        let most = self.options.max_message as u64;
        let read = GzDecoder::new(body).take(most + 1).read_to_end(&mut out);
        (read.is_ok() && out.len() as u64 <= most).then(|| out.into())
    }

    /// Takes a message, with the fault that hits it.
    async fn played(&self, body: &[u8], packs: bool, secure: bool) -> Option<Response<AnswerBody>> {
        let post = || self.post_by(body, secure);
        let work = || answer(&post(), packs);
        let Some(play) = self.strike(body) else {
            return Some(work().into_response(false));
        };
        match play {
            Play::Drop => None,
            Play::DropAfter => {
                work();
                None
            }
            Play::Slow(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Some(work().into_response(false))
            }
            Play::Hang => std::future::pending().await,
            Play::HangAfter => {
                work();
                std::future::pending().await
            }
            Play::Truncated => Some(answer(&post(), false).into_response(true)),
            Play::Status(status) => Some(Answer::empty(status).into_response(false)),
            Play::Fatal => Some(xml("<FATAL_ERROR>XML FORMAT</FATAL_ERROR>").into_response(false)),
            Play::Asleep => Some(self.told(body, None).into_response(false)),
            Play::Error(category, code) => {
                Some(self.told(body, Some((category, code))).into_response(false))
            }
            Play::OtherAck => {
                let ack = post();
                let id = super::id::Id::new().to_string();
                let text = std::str::from_utf8(body).unwrap_or_default();
                let other = parse(text).map(|document| ack.replace(original(&document).id, &id));
                Some(xml(&other.unwrap_or(ack)).into_response(false))
            }
        }
    }

    /// What the zone says to a message that it does not take: asleep, or an error.
    fn told(&self, body: &[u8], error: Option<(u8, u8)>) -> Answer {
        let Some(document) = std::str::from_utf8(body).ok().and_then(|t| parse(t).ok()) else {
            return Answer::empty(500);
        };
        let version = document.root_element().attribute("Version");
        let (version, of) = (version.unwrap_or_default(), original(&document));
        let told = match error {
            None => self.writer(version).status(of, 8, None),
            Some(code) => self.refused(version, of, &refuse(code, "played on purpose")),
        };
        xml(&told)
    }
}

fn xml(text: &str) -> Answer {
    Answer::text(200, XML, text.to_owned())
}

fn answer(text: &str, packs: bool) -> Answer {
    let mut answer = xml(text);
    if !packs || text.len() < WORTH {
        return answer;
    }
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = out.write_all(text.as_bytes()).and_then(|()| out.finish());
    if let Ok(packed) = packed {
        answer.body = packed.into();
        return answer.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|v| v.to_str().ok());
    value.unwrap_or_default()
}
