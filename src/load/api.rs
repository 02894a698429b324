//! Reading from an Ed-Fi API: counts, pages, metadata documents; and single deletes.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::Token;
use super::caller::{Answer, ApiError, Caller};
use super::discovery::{Discovered, discover, resources_document};
use crate::pipeline::{LoadSettings, Secret};

/// Most records that a server gives in one page.
const PAGE: usize = 500;

/// A connection to one Ed-Fi API.
#[derive(Clone, Debug)]
pub struct Api {
    /// The connection.
    pub caller: Caller,
    /// The routes.
    pub discovered: Discovered,
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

impl Api {
    /// Reads the root document; the token is fetched when it is first needed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn connect(address: Address, settings: &LoadSettings) -> Result<Self, ApiError> {
        let http = super::client(settings, None)?;
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
            caller: Caller {
                http,
                token: Some(Arc::new(token)),
                settings: settings.clone(),
            },
            discovered,
        })
    }

    /// GET, with retries and one renewal of the token.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn get(&self, url: Url, accept: Option<&'static str>) -> Result<Answer, ApiError> {
        self.caller.ask(Method::GET, url, accept, None).await
    }

    /// DELETE by URL; false when there was nothing.
    ///
    /// # Errors
    /// [`ApiError`]; 409 and 403 are refusals.
    pub async fn delete(&self, url: Url) -> Result<bool, ApiError> {
        match self.caller.ask(Method::DELETE, url, None, None).await {
            Ok(_) => Ok(true),
            Err(ApiError::Refused { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
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

    /// What the token may do, as the target tells; `None` where it has no introspection.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn token_info(&self) -> Result<Option<Value>, ApiError> {
        let (Some(url), Some(token)) = (&self.discovered.token_info, &self.caller.token) else {
            return Ok(None);
        };
        let bearer = token.get().await?;
        let text = bearer.header.to_str().unwrap_or_default();
        let token = text.strip_prefix("Bearer ").unwrap_or_default();
        let body = serde_json::json!({ "token": token }).to_string();
        let answer = self
            .caller
            .ask(Method::POST, url.clone(), None, Some(body.into()))
            .await?;
        match serde_json::from_slice(&answer.body) {
            Ok(info) => Ok(Some(info)),
            Err(_) => Err(ApiError::Unreadable {
                url: url.to_string(),
                wanted: "JSON",
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
