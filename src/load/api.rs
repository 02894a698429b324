//! Reading from an Ed-Fi API: counts, pages, metadata documents; and single deletes.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use url::Url;

use super::discovery::{Discovered, DiscoveryError, discover, resources_document};
use super::rate::Rate;
use super::retry::next_wait;
use super::token::{Token, TokenError, chain};
use crate::pipeline::{LoadSettings, Secret};
use crate::target::{Wait, edfi::Problem, retry_after};

/// Most records that a server gives in one page.
const PAGE: usize = 500;

/// A connection to one Ed-Fi API.
#[derive(Clone, Debug)]
pub struct Api {
    /// The connection pool.
    pub http: reqwest::Client,
    /// The credentials.
    pub token: Arc<Token>,
    /// The routes.
    pub discovered: Discovered,
    settings: LoadSettings,
    rate: Option<Arc<Rate>>,
}

/// Where a target is and who asks.
#[derive(Clone, Debug)]
pub struct Address {
    /// The root URL.
    pub url: String,
    /// OAuth key.
    pub key: Secret,
    /// OAuth secret.
    pub secret: Secret,
    /// Fills the tenant placeholder.
    pub tenant: Option<String>,
    /// Fills the school year placeholder.
    pub route_year: Option<i32>,
    /// Folder of token files.
    pub tokens: std::path::PathBuf,
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
    /// Response headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Api {
    /// Reads the root document; the token is fetched when it is first needed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn connect(address: Address, settings: &LoadSettings) -> Result<Self, ApiError> {
        let http = super::client(settings).map_err(ApiError::Client)?;
        let discovered = discover(
            &http,
            &address.url,
            address.tenant.as_deref(),
            address.route_year,
            settings,
        )
        .await?;
        let file = address
            .tokens
            .join(format!("{}.json", discovered.fingerprint()));
        let token = Token::new(
            http.clone(),
            discovered.oauth.clone(),
            (address.key, address.secret),
            settings.clone(),
            Some(file),
        );
        Ok(Self {
            http,
            token: Arc::new(token),
            discovered,
            settings: settings.clone(),
            rate: Rate::of(settings).map(Arc::new),
        })
    }

    /// GET, with retries and one renewal of the token.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn get(&self, url: Url, accept: Option<&'static str>) -> Result<Answer, ApiError> {
        self.ask(Method::GET, url, accept).await
    }

    /// DELETE by URL; false when there was nothing.
    ///
    /// # Errors
    /// [`ApiError`]; 409 and 403 are refusals.
    pub async fn delete(&self, url: Url) -> Result<bool, ApiError> {
        match self.ask(Method::DELETE, url, None).await {
            Ok(_) => Ok(true),
            Err(ApiError::Refused { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn ask(
        &self,
        method: Method,
        url: Url,
        accept: Option<&'static str>,
    ) -> Result<Answer, ApiError> {
        let (mut tries, mut renewed) = (0, false);
        loop {
            tries += 1;
            let bearer = self.token.get().await?;
            if let Some(rate) = &self.rate {
                rate.wait().await;
            }
            let mut request = self.http.request(method.clone(), url.clone());
            request = request.header(AUTHORIZATION, bearer.header);
            if let Some(accept) = accept {
                request = request.header(ACCEPT, HeaderValue::from_static(accept));
            }
            let (wait, message) = match read(request).await {
                Err(error) => (Wait::Backoff, chain(&error)),
                Ok((200..=299, answer)) => return Ok(answer),
                Ok((401, _)) if !renewed => {
                    renewed = true;
                    self.token.renew(bearer.version).await?;
                    continue;
                }
                Ok((status @ (408 | 425 | 429 | 500 | 502..=504), answer)) => (
                    Wait::SlowDown(retry_after(&answer.headers)),
                    format!("HTTP {status}"),
                ),
                Ok((status, answer)) => {
                    let message = Problem::read(&answer.body).text;
                    return Err(ApiError::Refused {
                        method,
                        url: url.into(),
                        status,
                        message,
                    });
                }
            };
            match next_wait(&self.settings, wait, tries, fastrand::f64()) {
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

    /// How many records the target has of a resource.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn count(&self, path: &str) -> Result<u64, ApiError> {
        let mut url = self.discovered.resource(path);
        url.query_pairs_mut()
            .append_pair("limit", "0")
            .append_pair("totalCount", "true");
        let answer = self.get(url.clone(), None).await?;
        let total = answer
            .headers
            .get("total-count")
            .and_then(|v| v.to_str().ok()?.parse().ok());
        total.ok_or_else(|| ApiError::Unreadable {
            url: url.into(),
            wanted: "a Total-Count header",
        })
    }

    /// The page of a resource from record `offset` on; `None` when there is nothing more.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn page(&self, path: &str, offset: usize) -> Result<Option<Vec<Value>>, ApiError> {
        let mut url = self.discovered.resource(path);
        url.query_pairs_mut()
            .append_pair("offset", &offset.to_string())
            .append_pair("limit", &PAGE.to_string());
        let answer = self.get(url.clone(), None).await?;
        match serde_json::from_slice(&answer.body) {
            Ok(Value::Array(records)) => Ok((!records.is_empty()).then_some(records)),
            _ => Err(ApiError::Unreadable {
                url: url.into(),
                wanted: "a JSON array",
            }),
        }
    }

    /// The OpenAPI document of the resources; `None` where the target offers none.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn openapi(&self) -> Result<Option<Value>, ApiError> {
        let Some(list) = self.discovered.openapi.clone() else {
            return Ok(None);
        };
        let list = self.json(list).await?;
        let Some(document) = resources_document(&list) else {
            return Ok(None);
        };
        match Url::parse(document) {
            Ok(url) => Ok(Some(self.json(url).await?)),
            Err(_) => Ok(None),
        }
    }

    /// The dependency graph as GraphML; `None` where the target offers none.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn dependencies(&self) -> Result<Option<String>, ApiError> {
        let Some(url) = self.discovered.dependencies.clone() else {
            return Ok(None);
        };
        let answer = self.get(url, Some("application/graphml")).await?;
        let text = String::from_utf8(answer.body.into()).ok();
        Ok(text.filter(|text| text.contains("<graphml")))
    }

    async fn json(&self, url: Url) -> Result<Value, ApiError> {
        let answer = self.get(url.clone(), Some("application/json")).await?;
        serde_json::from_slice(&answer.body).map_err(|_| ApiError::Unreadable {
            url: url.into(),
            wanted: "JSON",
        })
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<(u16, Answer), reqwest::Error> {
    let mut reply = request.send().await?;
    let headers = std::mem::take(reply.headers_mut());
    let status = reply.status().as_u16();
    Ok((
        status,
        Answer {
            headers,
            body: reply.bytes().await?,
        },
    ))
}
