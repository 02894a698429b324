//! A SIF 3 provider: its environment, rights, routes and counts.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::Token;
use super::caller::{Answer, ApiError, Caller};
use super::session::{Login, Session};
use crate::pipeline::LoadSettings;
use crate::sif3::{Environment, Right};

const XML: HeaderValue = HeaderValue::from_static("application/xml");
const NAVIGATION_COUNT: &str = "navigationcount";
const NAVIGATION_PAGE: HeaderName = HeaderName::from_static("navigationpage");
const NAVIGATION_PAGE_SIZE: HeaderName = HeaderName::from_static("navigationpagesize");

/// A connection to a provider, in one zone and context.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The connection.
    pub caller: Caller,
    environment: Arc<Environment>,
    requests: Url,
    place: Place,
    application: String,
    url: String,
}

/// Zone and context of all calls; None: the provider's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Zone.
    pub zone: Option<String>,
    /// Context.
    pub context: Option<String>,
}

impl Provider {
    /// Goes on in the environment of the last run, or asks for one.
    ///
    /// # Errors
    /// The provider cannot be reached, refuses the application, or gives an environment that has no
    /// requests.
    pub async fn connect(
        login: Login,
        place: Place,
        settings: &LoadSettings,
    ) -> Result<Self, ApiError> {
        let http = super::client(settings, None)?;
        let (url, application) = (login.url.clone(), login.wish.application.clone());
        let session = Arc::new(Session::new(http.clone(), login, settings.clone())?);
        let token = Arc::new(Token::session(Arc::clone(&session)));
        let caller = Caller {
            http,
            token: Some(Arc::clone(&token)),
            settings: settings.clone(),
        };
        let environment = match session.environment() {
            Some(kept) => found_again(&caller, &session, &token, &kept).await?,
            None => {
                token.get().await?;
                session.environment()
            }
        };
        let unreadable = |wanted| ApiError::Unreadable {
            url: url.clone(),
            wanted,
        };
        let environment = environment.ok_or_else(|| unreadable("an environment"))?;
        let requests = environment.services.get("requestsConnector");
        let requests = requests
            .and_then(|text| Url::parse(text.trim_end_matches('/')).ok())
            .ok_or_else(|| unreadable("an environment that has a requestsConnector"))?;
        if url.starts_with("https:") && requests.scheme() != "https" {
            return Err(unreadable(
                "a requestsConnector over https: student data would travel unencrypted",
            ));
        }
        Ok(Self {
            caller,
            environment,
            requests,
            place,
            application,
            url,
        })
    }

    /// Where the objects of a service are.
    pub fn route(&self, service: &str) -> Url {
        let mut url = self.requests.clone();
        let mut path = format!("{}/{service}", url.path().trim_end_matches('/'));
        let matrix = [
            ("zoneId", &self.place.zone),
            ("contextId", &self.place.context),
        ];
        for (name, value) in matrix {
            if let Some(value) = value {
                path.push_str(&format!(";{name}={}", escaped(value)));
            }
        }
        url.set_path(&path);
        url
    }

    /// What of `needed` the application may not do with a service: the right, and what the
    /// environment says of it.
    pub fn lacking(&self, service: &str, needed: &[Right]) -> Vec<(Right, String)> {
        let Place { zone, context } = &self.place;
        self.environment
            .lacking(zone.as_deref(), context.as_deref(), service, needed)
    }

    /// The zone that calls go to.
    pub fn zone(&self) -> &str {
        let zone = self.place.zone.as_ref();
        let zone = zone.or(self.environment.default_zone.as_ref());
        zone.map_or("default", String::as_str)
    }

    /// How many objects a service has: by HEAD, or where that does not say by a page of one.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::Unreadable`] where the provider does not count.
    pub async fn count(&self, service: &str) -> Result<u64, ApiError> {
        let url = self.route(service);
        let headers = HeaderMap::from_iter([(ACCEPT, XML)]);
        let head = self
            .caller
            .ask_with(Method::HEAD, url.clone(), &headers, None);
        match head.await {
            Ok(answer) => {
                if let Some(count) = counted(&answer) {
                    return Ok(count);
                }
            }
            // Not every provider has HEAD.
            Err(ApiError::Refused {
                status: 404 | 405 | 501,
                ..
            }) => {}
            Err(error) => return Err(error),
        }
        let one = HeaderValue::from_static("1");
        let headers = HeaderMap::from_iter([
            (ACCEPT, XML),
            (NAVIGATION_PAGE, one.clone()),
            (NAVIGATION_PAGE_SIZE, one),
        ]);
        let page = self
            .caller
            .ask_with(Method::GET, url.clone(), &headers, None);
        let answer = page.await?;
        match counted(&answer) {
            Some(count) => Ok(count),
            // 204: there is nothing on the first page.
            None if answer.status == 204 => Ok(0),
            None => Err(ApiError::Unreadable {
                url: url.into(),
                wanted: "a count of its objects (navigationCount)",
            }),
        }
    }

    /// What the ledger calls this target: a provider, an application of it, and a zone. An embedded
    /// sandbox is known by its environment, because its port changes.
    pub fn fingerprint(&self, embedded: bool) -> String {
        let context = self.place.context.as_deref().unwrap_or("DEFAULT");
        let readable = match embedded {
            true => format!("sandbox/{}/{}", self.environment.id, self.zone()),
            false => format!("{}/{}", self.url.to_lowercase(), self.zone()),
        };
        let all = format!("{readable}/{context}/{}", self.application);
        super::discovery::named(&readable, &all)
    }
}

/// Whether the environment of the last run is still there; otherwise another.
async fn found_again(
    caller: &Caller,
    session: &Session,
    token: &Token,
    kept: &Arc<Environment>,
) -> Result<Option<Arc<Environment>>, ApiError> {
    let url = kept.services.get("environment");
    if let Some(url) = url.and_then(|text| Url::parse(text).ok()) {
        let headers = HeaderMap::from_iter([(ACCEPT, XML)]);
        match caller.ask_with(Method::GET, url, &headers, None).await {
            Ok(answer) => {
                let text = std::str::from_utf8(&answer.body).unwrap_or_default();
                if let Ok(environment) = Environment::read(text)
                    && environment.session_token == kept.session_token
                {
                    return Ok(Some(session.update(environment)));
                }
            }
            // A provider that moved, or was emptied: the session is asked for at its address.
            Err(ApiError::Refused { .. } | ApiError::Unanswered { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    // A 401 on the way has asked for another already.
    match session.environment() {
        Some(newer) if newer.session_token != kept.session_token => Ok(Some(newer)),
        _ => {
            token.renew(1).await?;
            Ok(session.environment())
        }
    }
}

fn counted(answer: &Answer) -> Option<u64> {
    let value = answer.headers.get(NAVIGATION_COUNT)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// A value of a matrix parameter.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
