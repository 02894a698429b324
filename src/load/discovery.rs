//! What an Ed-Fi server says of itself: its routes, versions and data model.
//!
//! Every URL is taken from the root document; none is built from parts that we know better.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::fill::Fill;
use super::retry::next_wait;
use super::token::chain;
use crate::pipeline::LoadSettings;
use crate::target::{Wait, retry_after};

/// The routes of a server.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// Where resources are, without a slash at the end.
    pub data: Url,
    /// The token route.
    pub oauth: Url,
    /// The dependency graph.
    pub dependencies: Option<Url>,
    /// The list of OpenAPI documents.
    pub openapi: Option<Url>,
    /// Token introspection.
    pub token_info: Option<Url>,
    /// The server's version.
    pub version: String,
    /// Data models, such as `Ed-Fi 5.2.0`.
    pub data_models: Vec<String>,
    /// The fixed id of an embedded sandbox's state.
    pub instance: Option<String>,
}

/// Why a server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// No answer.
    #[error("cannot reach {url}: {message}; check [connection] url, and that the target is up")]
    Unreachable {
        /// The root URL.
        url: String,
        /// Why.
        message: String,
    },
    /// An answer that is no root document.
    #[error("{url} answered {status}, but not with the root document of an Ed-Fi API: {message}")]
    NotEdfi {
        /// The root URL.
        url: String,
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        message: String,
    },
    /// A placeholder that the pipeline gives no value for.
    #[error("the target's URLs hold {placeholder}; set {setting} in [connection]")]
    Placeholder {
        /// As it stands in the URL.
        placeholder: String,
        /// The setting that fills it.
        setting: String,
    },
}

#[derive(Deserialize)]
struct Root {
    version: Option<String>,
    #[serde(rename = "dataModels", default)]
    data_models: Vec<DataModel>,
    urls: Urls,
    #[serde(rename = "instanceId")]
    instance: Option<String>,
}

#[derive(Deserialize)]
struct DataModel {
    name: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Urls {
    data_management_api: String,
    oauth: String,
    dependencies: Option<String>,
    open_api_metadata: Option<String>,
    oauth_token_introspection: Option<String>,
    token_info: Option<String>,
}

/// Reads a server's root document. `fill` fills the placeholders that multi-tenant, district and
/// year-specific deployments leave in their URLs, and puts the pipeline's own addresses before the
/// server's.
///
/// # Errors
/// [`DiscoveryError`].
pub async fn discover(
    http: &reqwest::Client,
    url: &str,
    fill: &Fill,
    settings: &LoadSettings,
) -> Result<Discovered, DiscoveryError> {
    if let Some(told) = fill.told(url)? {
        return Ok(told);
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let (wait, error) = match ask(http, url).await {
            Ok((status @ (408 | 425 | 429 | 500 | 502..=504), after, body)) => {
                (Wait::SlowDown(after), read(url, status, &body, fill).err())
            }
            Ok((status, _, body)) => return read(url, status, &body, fill),
            Err(message) => {
                let url = url.to_owned();
                (
                    Wait::Backoff,
                    Some(DiscoveryError::Unreachable { url, message }),
                )
            }
        };
        match (next_wait(settings, wait, tries, 0, fastrand::f64()), error) {
            (None, Some(error)) => return Err(error),
            (pause, _) => tokio::time::sleep(pause.unwrap_or_default()).await,
        }
    }
}

async fn ask(http: &reqwest::Client, url: &str) -> Result<(u16, Option<Duration>, Bytes), String> {
    let reply = http
        .get(url)
        .send()
        .await
        .map_err(|e| chain(&e.without_url()))?;
    let (status, after) = (reply.status().as_u16(), retry_after(reply.headers()));
    let body = reply.bytes().await.map_err(|e| chain(&e.without_url()))?;
    Ok((status, after, body))
}

fn read(url: &str, status: u16, body: &[u8], fill: &Fill) -> Result<Discovered, DiscoveryError> {
    let not_edfi = |message: String| DiscoveryError::NotEdfi {
        url: url.to_owned(),
        status,
        message,
    };
    if status != 200 {
        return Err(not_edfi(crate::target::edfi::Problem::read(body).text));
    }
    let root: Root = serde_json::from_slice(body).map_err(|e| not_edfi(e.to_string()))?;
    let address = |text: &str| -> Result<Url, DiscoveryError> {
        let text = fill.fill(text)?;
        Url::parse(text.trim_end_matches('/')).map_err(|e| not_edfi(format!("{text}: {e}")))
    };
    let optional = |text: Option<&String>| text.map(|text| address(text)).transpose();
    let own = &fill.routing;
    let (data, oauth) = (own.data_url.as_ref(), own.oauth_url.as_ref());
    let urls = &root.urls;
    Ok(Discovered {
        data: address(data.unwrap_or(&urls.data_management_api))?,
        oauth: address(oauth.unwrap_or(&urls.oauth))?,
        dependencies: optional(own.dependencies_url.as_ref().or(urls.dependencies.as_ref()))?,
        openapi: optional(
            own.metadata_url
                .as_ref()
                .or(urls.open_api_metadata.as_ref()),
        )?,
        token_info: optional(
            urls.oauth_token_introspection
                .as_ref()
                .or(urls.token_info.as_ref()),
        )?,
        version: root.version.unwrap_or_default(),
        data_models: root
            .data_models
            .iter()
            .map(|m| format!("{} {}", m.name, m.version))
            .collect(),
        instance: root.instance,
    })
}

impl Discovered {
    /// The URL of a resource, from its path below the data URL (`/ed-fi/students`).
    pub fn resource(&self, path: &str) -> Url {
        let mut url = self.data.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(path.split('/').filter(|s| !s.is_empty()));
        }
        url
    }

    /// The data model that decides what bodies and keys look like: family, major and minor version
    /// (`Ed-Fi 5.2`). Patches and extensions do not make another target. Empty where the root
    /// document names none.
    pub fn data_model(&self) -> String {
        let core = self.data_models.iter().find(|m| m.starts_with("Ed-Fi "));
        let Some(model) = core.or(self.data_models.first()) else {
            return String::new();
        };
        let (family, version) = model.rsplit_once(' ').unwrap_or((model, ""));
        let version: Vec<&str> = version.split('.').take(2).collect();
        format!("{family} {}", version.join("."))
            .trim_end()
            .to_owned()
    }

    /// Whether it is known by its instance alone: one on this machine (the sandbox), whose port
    /// changes from start to start.
    fn is_local_instance(&self) -> bool {
        let host = self.data.host_str().unwrap_or_default();
        self.instance.is_some() && matches!(host, "127.0.0.1" | "localhost" | "[::1]")
    }

    /// What the ledger calls this target: data URL, instance and data model, so that an ODS that
    /// was put in the place of another starts with an empty ledger. Stable between runs. (The
    /// school year is a folder of its own below it.)
    pub fn fingerprint(&self) -> String {
        let instance = self.instance.as_deref().unwrap_or_default();
        let url = match self.is_local_instance() {
            true => String::new(),
            false => self.data.as_str().to_lowercase(),
        };
        let readable = match url.split_once("://") {
            Some((_, rest)) => slug(rest),
            None => format!("sandbox-{}", slug(instance)),
        };
        let whole = format!("{url}\n{instance}\n{}", self.data_model());
        let hash = xxhash_rust::xxh3::xxh3_64(whole.as_bytes());
        format!("{readable}-{:08x}", hash & 0xffff_ffff)
    }
}

/// A name that tells targets apart, short enough for a folder: what may be read of it, and a hash
/// of all that counts.
pub(super) fn named(readable: &str, all: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_64(all.as_bytes());
    let readable = readable.rsplit("://").next().unwrap_or_default();
    format!("{}-{:08x}", slug(readable), hash & 0xffff_ffff)
}

fn slug(text: &str) -> String {
    let mut slug: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    slug.truncate(60);
    slug.trim_matches('-').to_owned()
}

/// Where the OpenAPI document of the resources is, in a server's list of them.
pub fn resources_document(list: &Value) -> Option<&str> {
    let named = |entry: &&Value| {
        entry
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|n| n.eq_ignore_ascii_case("resources"))
    };
    list.as_array()?
        .iter()
        .find(named)?
        .get("endpointUri")?
        .as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(data: &str) -> String {
        format!(
            r#"{{"version":"7.3","dataModels":[{{"name":"Ed-Fi","version":"5.2.0"}}],
            "urls":{{"dataManagementApi":"{data}","oauth":"https://h/oauth/token"}}}}"#
        )
    }

    fn data(text: &str, tenant: Option<&str>, year: Option<i32>) -> Result<String, DiscoveryError> {
        let fill = Fill {
            tenant: tenant.map(str::to_owned),
            year,
            ..Fill::default()
        };
        let found = read("https://h", 200, root(text).as_bytes(), &fill)?;
        Ok(found.resource("/ed-fi/students").to_string())
    }

    #[test]
    fn every_route_style() {
        for (given, tenant, year, wanted) in [
            (
                "https://h/data/v3/",
                None,
                None,
                "https://h/data/v3/ed-fi/students",
            ),
            (
                "https://h/api/data",
                None,
                None,
                "https://h/api/data/ed-fi/students",
            ),
            (
                "https://h/2026/data/v3",
                None,
                None,
                "https://h/2026/data/v3/ed-fi/students",
            ),
            (
                "https://h/data/v3/2026",
                None,
                None,
                "https://h/data/v3/2026/ed-fi/students",
            ),
            (
                "https://h/{tenantIdentifier}/{schoolYearFromRoute}/data/v3/",
                Some("d1"),
                Some(2026),
                "https://h/d1/2026/data/v3/ed-fi/students",
            ),
        ] {
            assert_eq!(data(given, tenant, year).unwrap(), wanted);
        }
        let error = data("https://h/{tenant}/data", None, None)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "the target's URLs hold {tenant}; set tenant in [connection]"
        );
    }

    #[test]
    fn fingerprints_tell_targets_apart() {
        let of = |text: &str| {
            read("u", 200, root(text).as_bytes(), &Fill::default())
                .unwrap()
                .fingerprint()
        };
        assert_eq!(of("https://h/data/v3"), of("https://H/data/v3/"));
        assert_ne!(of("https://h/data/v3"), of("https://h/2026/data/v3"));
        assert!(of("https://h/data/v3").starts_with("h-data-v3-"));
    }

    #[test]
    fn another_instance_or_data_model_at_the_same_url_is_another_target() {
        let of = |url: &str, model: &str, instance: &str| {
            let text = root(url).replace("5.2.0", model).replace(
                "\"urls\"",
                &format!("\"instanceId\":\"{instance}\",\"urls\""),
            );
            read("u", 200, text.as_bytes(), &Fill::default())
                .unwrap()
                .fingerprint()
        };
        let known = of("https://h/data/v3", "5.2.0", "a");
        assert_eq!(known, of("https://h/data/v3", "5.2.1", "a"), "a patch");
        assert_ne!(known, of("https://h/data/v3", "6.0.0", "a"));
        assert_ne!(known, of("https://h/data/v3", "5.2.0", "b"));
        assert_ne!(known, of("https://other/data/v3", "5.2.0", "a"));
        // A sandbox is found again at another port.
        let local = of("http://127.0.0.1:4000/data/v3", "5.2.0", "s1");
        assert_eq!(local, of("http://127.0.0.1:5000/data/v3", "5.2.0", "s1"));
        assert!(local.starts_with("sandbox-s1-"), "{local}");
    }

    #[test]
    fn other_pages_are_named_as_such() {
        let error = read("https://h", 200, b"<html>", &Fill::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("not with the root document of an Ed-Fi API"),
            "{error}"
        );
        let error = read("https://h", 404, b"{}", &Fill::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("answered 404"), "{error}");
    }
}
