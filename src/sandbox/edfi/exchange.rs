//! One request from its head to its answer: route, token, fault, work.
//!
//! Reads: the request. Writes: an answer. Never: logs a query string or a body.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderName};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use xxhash_rust::xxh3::Xxh3Default;

use super::api::{Api, now_ms};
use super::layout::Endpoint;
use super::oauth::Grant;
use super::options::RouteShape;
use super::problem::Problem;
use super::route::{Named, Path, Route};
use super::stats::{Topic, Verb};
use crate::sandbox::answer::{Answer, AnswerBody};
use crate::sandbox::fault_plan::Aim;
use crate::sandbox::server::Caller;
use crate::sandbox::{Fault, FaultBody, FaultKind, RetryAfter};

/// Longest body.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// One request and where it came from.
pub(super) struct Exchange<'a> {
    pub(super) api: &'a Api,
    pub(super) head: Parts,
    body: Option<Incoming>,
    caller: Caller,
    pub(super) verb: Verb,
}

impl<'a> Exchange<'a> {
    /// A request that has not been looked at.
    pub(super) fn new(api: &'a Api, request: Request<Incoming>, caller: Caller) -> Self {
        let (head, body) = request.into_parts();
        let verb = match head.method {
            Method::GET => Verb::Get,
            Method::POST => Verb::Post,
            Method::PUT => Verb::Put,
            Method::DELETE => Verb::Delete,
            _ => Verb::Other,
        };
        Self {
            api,
            head,
            body: Some(body),
            caller,
            verb,
        }
    }

    /// Answers; `None` closes the connection instead.
    pub(super) async fn run(mut self) -> Option<Response<AnswerBody>> {
        let body = self.read_body().await;
        let path = self
            .api
            .context
            .find(&self.api.layout, self.head.uri.path());
        let topic = topic(path.route);
        let fault = self.strike(path.route, topic, body.as_ref().map_or(&[][..], |b| b));
        let mut truncated = false;
        let workers = self.api.workers.as_ref();
        let busy = match workers.filter(|_| !matches!(topic, Topic::Route(_))) {
            Some(workers) => workers.work().await.map(Some),
            None => Some(None),
        };
        let result = match (body, fault) {
            (Err(refused), _) => self.refuse(&refused),
            _ if busy.is_none() => self.faulty(429, FaultBody::Problem, None),
            (Ok(body), None) => self.work(path, &body),
            (Ok(body), Some(fault)) => match fault {
                FaultKind::Slow { ms } => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    self.work(path, &body)
                }
                FaultKind::ExpireTokens => {
                    self.api.tokens.expire_all();
                    self.work(path, &body)
                }
                FaultKind::TruncatedBody { stored } => {
                    truncated = true;
                    match stored {
                        true => self.work(path, &body),
                        false => Answer::empty(200),
                    }
                }
                FaultKind::Hang => {
                    self.count(topic, 0);
                    std::future::pending().await
                }
                FaultKind::Reset => {
                    self.count(topic, 0);
                    return None;
                }
                FaultKind::ResetAfterCommit => {
                    self.work(path, &body);
                    self.count(topic, 0);
                    return None;
                }
                FaultKind::TooManyRequests(after) => self.faulty(429, FaultBody::Problem, after),
                FaultKind::Status {
                    status,
                    body,
                    retry_after,
                } => {
                    // Only a 429 has a `Retry-After` that the fault did not ask for.
                    self.faulty(status, body, Some(retry_after.unwrap_or_default()))
                }
            },
        };
        drop(busy);
        self.count(topic, result.status);
        Some(result.into_response(truncated))
    }

    fn count(&self, topic: Topic, status: u16) {
        self.api.counters.count(self.verb, topic, status);
        let resource = self.api.topic_name(topic);
        tracing::debug!(method = self.verb.as_str(), resource, status, "answered");
    }

    async fn read_body(&mut self) -> Result<Bytes, Problem> {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else {
            return Ok(Bytes::new());
        };
        if body.size_hint().lower() > BODY_LIMIT as u64 {
            return Err(Problem::too_large(BODY_LIMIT));
        }
        match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(_) => Err(Problem::too_large(BODY_LIMIT)),
        }
    }

    fn strike(&self, route: Route<'_>, topic: Topic, body: &[u8]) -> Option<FaultKind> {
        let plan = self.api.faults();
        if plan.is_empty() || matches!(route, Route::Faults | Route::Stats) {
            return None;
        }
        let mut object = Xxh3Default::new();
        object.update(self.head.method.as_str().as_bytes());
        object.update(self.head.uri.to_string().as_bytes());
        object.update(body);
        let name = self.api.topic_name(topic);
        plan.strike(Aim {
            method: self.head.method.as_str(),
            resource: name,
            data: !matches!(topic, Topic::Route(_)),
            object: object.digest(),
        })
    }

    fn faulty(&self, status: u16, body: FaultBody, after: Option<RetryAfter>) -> Answer {
        let answer = match body {
            // Older servers word some refusals under another status; a fault keeps its own.
            FaultBody::Problem => Answer {
                status,
                ..self.refuse(&Problem::fault(status))
            },
            FaultBody::Empty => Answer::empty(status),
            FaultBody::Html => Answer::text(
                status,
                "text/html",
                format!(
                    "<html><head><title>{status}</title></head>\
                     <body><h1>{status}</h1><hr>gateway</body></html>\n"
                ),
            ),
        };
        answer.retry_after(after.unwrap_or_else(|| self.api.quirks().retry_after))
    }

    fn refuse(&self, problem: &Problem) -> Answer {
        let name = HeaderName::from_static("correlation-id");
        let (status, body) = match self.header(&name) {
            Some(theirs) => problem.render(self.api.style, theirs),
            None => {
                let ours = format!("{:032x}", self.api.counters.correlation());
                problem.render(self.api.style, &ours)
            }
        };
        Answer::json(status, body)
    }

    /// A header's text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// `http://host`, as the caller calls us.
    pub(super) fn root(&self) -> String {
        match self.header(&header::HOST) {
            Some(host) => format!("http://{host}"),
            None => format!("http://{}", self.caller.at),
        }
    }

    fn work(&self, path: Path<'_>, body: &Bytes) -> Answer {
        let done = match path.route {
            Route::Collection(_) | Route::Item(..) | Route::Partitions(_) => {
                self.authenticate().and_then(|()| self.data(path, body))
            }
            Route::Token => return self.token(body),
            Route::TokenInfo => self.authenticate().and_then(|()| self.token_info(body)),
            Route::Faults | Route::Stats => self.admin(path.route, body),
            Route::Unknown => Err(Problem::no_route()),
            _ if self.verb != Verb::Get => {
                Err(Problem::method("This document can only be read with GET."))
            }
            Route::Discovery => Ok(self.api.discovery(&self.root(), path.named)),
            Route::Documents => Ok(self.api.document_list(&self.context_root(path.named))),
            Route::ResourcesSpec => Ok(self.api.resources_spec(&self.data_url(path.named))),
            Route::DescriptorsSpec => Ok(self.api.descriptors_spec(&self.data_url(path.named))),
            Route::Dependencies => Ok(self
                .api
                .dependencies(self.header(&header::ACCEPT).unwrap_or_default())),
        };
        done.unwrap_or_else(|problem| self.refuse(&problem))
    }

    fn context_root(&self, named: Named) -> String {
        let mut root = self.root();
        let context = &self.api.context;
        for (part, named) in [
            (&context.tenant, named.tenant),
            (&context.district, named.district),
            (&context.year, named.year),
        ] {
            if let Some(part) = part.as_ref().filter(|_| named) {
                root.push('/');
                root.push_str(part);
            }
        }
        root
    }

    fn data_url(&self, named: Named) -> String {
        let root = self.context_root(named);
        match self.api.context.shape {
            RouteShape::Ods => format!("{root}/data/v3"),
            RouteShape::V8 => format!("{root}/data"),
        }
    }

    fn authenticate(&self) -> Result<(), Problem> {
        let Some(header) = self.header(&header::AUTHORIZATION) else {
            return Err(match self.api.quirks().missing_token_400 {
                true => Problem::missing_token_as_400(),
                false => Problem::unauthenticated("Authorization header is missing."),
            });
        };
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthenticated(
                "Unknown Authorization header scheme.",
            ));
        }
        let token = token.trim();
        if token.is_empty() {
            let error = "Missing Authorization header bearer token value.";
            return Err(Problem::unauthenticated(error));
        }
        match self.api.tokens.knows(token, now_ms()) {
            true => Ok(()),
            false => Err(Problem::unauthenticated("Invalid Authorization header.")),
        }
    }

    fn token(&self, body: &[u8]) -> Answer {
        if self.verb != Verb::Post {
            return self.refuse(&Problem::method("Tokens are asked for with POST."));
        }
        let kind = self.header(&header::CONTENT_TYPE).unwrap_or_default();
        let authorization = self.header(&header::AUTHORIZATION);
        let quirks = self.api.quirks();
        match self
            .api
            .tokens
            .grant(authorization, kind, body, quirks, now_ms())
        {
            Grant::Answer(answer) => answer,
            Grant::Problem(problem) => {
                let answer = self.refuse(&problem);
                match problem.status {
                    429 => answer.retry_after(quirks.retry_after),
                    _ => answer,
                }
            }
        }
    }

    fn token_info(&self, body: &[u8]) -> Result<Answer, Problem> {
        let asked: Option<String> = serde_json::from_slice::<serde_json::Value>(body)
            .ok()
            .and_then(|json| json["token"].as_str().map(str::to_owned))
            .or_else(|| {
                let mut pairs = url::form_urlencoded::parse(body);
                let (_, token) = pairs.find(|(name, _)| name == "token")?;
                Some(token.into_owned())
            });
        match asked.is_some_and(|token| self.api.tokens.knows(&token, now_ms())) {
            true => Ok(self.api.token_info()),
            false => Err(Problem::no_item()),
        }
    }

    fn admin(&self, route: Route<'_>, body: &[u8]) -> Result<Answer, Problem> {
        if !self.caller.from.ip().is_loopback() {
            self.authenticate()?;
        }
        match (route, self.verb) {
            (Route::Stats, Verb::Get) => {
                let stats = self.api.stats().to_json();
                return Ok(Answer::json(200, stats.to_string()));
            }
            (Route::Faults, Verb::Get) => {}
            (Route::Faults, Verb::Put) => {
                let texts: Vec<String> =
                    serde_json::from_slice(body).map_err(|error| Problem::malformed(&error))?;
                let faults: Result<Vec<Fault>, _> = texts.iter().map(|text| text.parse()).collect();
                let faults =
                    faults.map_err(|error| Problem::parameter("faults", error.to_string()))?;
                self.api.set_faults(faults);
            }
            _ => return Err(Problem::method("Faults: GET and PUT. Stats: GET.")),
        }
        let faults: Vec<_> = self
            .api
            .faults()
            .faults()
            .map(ToString::to_string)
            .collect();
        Ok(Answer::json(200, serde_json::json!(faults).to_string()))
    }
}

fn topic(route: Route<'_>) -> Topic {
    match route {
        Route::Collection(endpoint) | Route::Item(endpoint, _) | Route::Partitions(endpoint) => {
            match endpoint {
                Endpoint::Resource(number) => Topic::Resource(number),
                Endpoint::Descriptor(number) => Topic::Descriptor(number),
            }
        }
        Route::Token | Route::TokenInfo => Topic::Route("oauth"),
        Route::Discovery => Topic::Route("discovery"),
        Route::Faults | Route::Stats => Topic::Route("sandbox"),
        Route::Documents | Route::ResourcesSpec | Route::DescriptorsSpec | Route::Dependencies => {
            Topic::Route("metadata")
        }
        Route::Unknown => Topic::Route("unknown"),
    }
}
