//! The placeholders of a server's addresses, and addresses that the pipeline tells itself.
//!
//! Reads: nothing. Writes: nothing. Never: HTTP.

use url::Url;

use super::discovery::{Discovered, DiscoveryError};
use crate::pipeline::Routing;

/// What placeholders are filled with.
#[derive(Clone, Debug, Default)]
pub struct Fill {
    /// Fills `{tenantIdentifier}` and `{tenant}`.
    pub tenant: Option<String>,
    /// Fills `{schoolYearFromRoute}` and `{schoolYear}`.
    pub year: Option<i32>,
    /// Fills all others, and has the addresses that go before the server's.
    pub routing: Routing,
}

impl Fill {
    /// An address without placeholders.
    ///
    /// # Errors
    /// [`DiscoveryError::Placeholder`]: one that nothing fills.
    pub(super) fn fill(&self, text: &str) -> Result<String, DiscoveryError> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                filled.push('{');
                rest = after;
                continue;
            };
            let own = self.routing.placeholders.get(name).cloned();
            let (value, setting) = match name {
                "tenantIdentifier" | "tenant" => (self.tenant.clone(), "tenant".to_owned()),
                "schoolYearFromRoute" | "schoolYear" => {
                    (self.year.map(|y| y.to_string()), "route_year".to_owned())
                }
                other => (None, format!("route.{other}")),
            };
            let missing = || DiscoveryError::Placeholder {
                placeholder: format!("{{{name}}}"),
                setting,
            };
            filled.push_str(&own.or(value).ok_or_else(missing)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The routes, where the pipeline tells where resources and tokens are: such a server need not
    /// have a root document.
    pub(super) fn told(&self, root: &str) -> Result<Option<Discovered>, DiscoveryError> {
        let (Some(data), Some(oauth)) = (&self.routing.data_url, &self.routing.oauth_url) else {
            return Ok(None);
        };
        let address = |text: &String| {
            let text = self.fill(text)?;
            Url::parse(&text).map_err(|e| DiscoveryError::NotEdfi {
                url: root.to_owned(),
                status: 0,
                message: format!("{text}: {e}"),
            })
        };
        let optional = |text: &Option<String>| text.as_ref().map(address).transpose();
        Ok(Some(Discovered {
            data: address(data)?,
            oauth: address(oauth)?,
            dependencies: optional(&self.routing.dependencies_url)?,
            openapi: optional(&self.routing.metadata_url)?,
            token_info: None,
            version: String::new(),
            data_models: Vec::new(),
            instance: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn item_13_any_placeholder_is_filled_or_named() {
        let fill = Fill {
            tenant: Some("d1".to_owned()),
            year: Some(2026),
            routing: Routing {
                placeholders: BTreeMap::from([("districtId".to_owned(), "255901".to_owned())]),
                ..Routing::default()
            },
        };
        for (text, wanted) in [
            ("https://h/data/v3", "https://h/data/v3"),
            ("https://h/{tenantIdentifier}/data", "https://h/d1/data"),
            (
                "https://h/{tenant}/{districtId}/{schoolYearFromRoute}/data",
                "https://h/d1/255901/2026/data",
            ),
            ("https://h/{", "https://h/{"),
        ] {
            assert_eq!(fill.fill(text).unwrap(), wanted);
        }
        let error = fill.fill("https://h/{instance}/x").unwrap_err().to_string();
        assert_eq!(
            error,
            "the target's URLs hold {instance}; set route.instance in [connection]"
        );
    }
}
