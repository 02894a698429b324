//! What a path leads to, with tenants and school years in every place where servers put them.
//!
//! Reads: nothing. Writes: nothing. Never: looks at the request beyond its path.

use super::layout::{Endpoint, Layout};
use super::options::RouteShape;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// The discovery document.
    Discovery,
    /// The token route.
    Token,
    /// What a token may do.
    TokenInfo,
    /// The list of OpenAPI documents.
    Documents,
    /// The OpenAPI document of the resources.
    ResourcesSpec,
    /// The OpenAPI document of the descriptors.
    DescriptorsSpec,
    /// The order of loading.
    Dependencies,
    /// A collection.
    Collection(Endpoint),
    /// One record by its id.
    Item(Endpoint, &'a str),
    /// The partitions of a collection.
    Partitions(Endpoint),
    /// The faults, to read and set.
    Faults,
    /// What was asked of this sandbox.
    Stats,
    /// None of these.
    Unknown,
}

/// A route and the context that the path named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// What it leads to.
    pub(super) route: Route<'a>,
    /// Whether the tenant (or the year before the data) stood in it.
    pub(super) named: Named,
    /// The path up to the schema (`/2026/data/v3`), for `Location`.
    pub(super) data_root: &'a str,
}

/// Which parts of the context a path named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The tenant.
    pub(super) tenant: bool,
    /// The district.
    pub(super) district: bool,
    /// The school year.
    pub(super) year: bool,
}

/// The context that paths must name.
#[derive(Clone, Debug, Default)]
pub(super) struct RouteContext {
    /// The tenant.
    pub(super) tenant: Option<String>,
    /// The district, after the tenant.
    pub(super) district: Option<String>,
    /// The school year.
    pub(super) year: Option<String>,
    /// The shape of the rest.
    pub(super) shape: RouteShape,
}

impl RouteContext {
    /// Finds what a path leads to.
    pub(super) fn find<'a>(&self, layout: &Layout, path: &'a str) -> Path<'a> {
        let mut walk = Walk { path, at: 0 };
        let mut named = Named::default();
        let unknown = |named| Path {
            route: Route::Unknown,
            named,
            data_root: "",
        };
        named.tenant = walk.take_if(|s| Some(s) == self.tenant.as_deref());
        named.district = walk.take_if(|s| Some(s) == self.district.as_deref());
        named.year = walk.take_if(|s| Some(s) == self.year.as_deref());
        let Some(first) = walk.next() else {
            return Path {
                route: Route::Discovery,
                named,
                data_root: "",
            };
        };
        let rest_start = walk.at;
        if first == "data" {
            if self.shape == RouteShape::Ods && !walk.take_if(|s| s == "v3") {
                return unknown(named);
            }
            named.year |= walk.take_if(|s| Some(s) == self.year.as_deref());
            let missing = (self.tenant.is_some() && !named.tenant)
                || (self.district.is_some() && !named.district)
                || (self.year.is_some() && !named.year);
            if missing {
                return unknown(named);
            }
            let root = walk.at;
            return Path {
                route: data(layout, walk),
                named,
                data_root: path.get(..root).unwrap_or_default(),
            };
        }
        let rest = path.get(rest_start..).unwrap_or_default();
        let route = match first {
            "oauth" => match rest.trim_end_matches('/') {
                "/token" => Route::Token,
                "/token_info" => Route::TokenInfo,
                _ => Route::Unknown,
            },
            "metadata" => self.metadata(rest),
            "sandbox" => match rest {
                "/faults" => Route::Faults,
                "/stats" => Route::Stats,
                _ => Route::Unknown,
            },
            _ => Route::Unknown,
        };
        Path {
            route,
            named,
            data_root: "",
        }
    }

    fn metadata(&self, rest: &str) -> Route<'static> {
        let year = self.year.as_deref();
        let parts: Vec<&str> = rest
            .split('/')
            .filter(|s| !s.is_empty() && Some(*s) != year)
            .collect();
        if self.shape == RouteShape::V8 {
            return match parts.as_slice() {
                ["specifications"] => Route::Documents,
                ["dependencies"] => Route::Dependencies,
                ["specifications", "resources-spec.json"] => Route::ResourcesSpec,
                ["specifications", "descriptors-spec.json"] => Route::DescriptorsSpec,
                _ => Route::Unknown,
            };
        }
        match parts.as_slice() {
            [] => Route::Documents,
            ["data", "v3", "dependencies"] => Route::Dependencies,
            ["data", "v3", "resources", "swagger.json"] => Route::ResourcesSpec,
            ["data", "v3", "descriptors", "swagger.json"] => Route::DescriptorsSpec,
            _ => Route::Unknown,
        }
    }
}

fn data<'a>(layout: &Layout, mut walk: Walk<'a>) -> Route<'a> {
    let start = walk.at;
    let (Some(_schema), Some(_resource)) = (walk.next(), walk.next()) else {
        return Route::Unknown;
    };
    let collection = walk.path.get(start..walk.at).unwrap_or_default();
    let Some(endpoint) = layout.find(collection) else {
        return Route::Unknown;
    };
    match (walk.next(), walk.next()) {
        (None, _) => Route::Collection(endpoint),
        (Some("partitions"), None) => Route::Partitions(endpoint),
        (Some(id), None) => Route::Item(endpoint, id),
        (Some(_), Some(_)) => Route::Unknown,
    }
}

/// The segments of a path, one after the other.
#[derive(Clone, Copy)]
struct Walk<'a> {
    path: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.path.get(self.at..)?.strip_prefix('/')?;
        let segment = rest.split('/').next().filter(|s| !s.is_empty())?;
        self.at += 1 + segment.len();
        Some(segment)
    }

    fn take_if(&mut self, wanted: impl Fn(&str) -> bool) -> bool {
        let mut ahead = *self;
        let taken = ahead.next().is_some_and(wanted);
        if taken {
            *self = ahead;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Standard;

    fn layout() -> Layout {
        Layout::new(&Standard::default())
    }

    fn route(context: &RouteContext, path: &str) -> String {
        let layout = layout();
        let found = context.find(&layout, path);
        match found.route {
            Route::Collection(_) => format!("collection {}", found.data_root),
            Route::Item(_, id) => format!("item {id} {}", found.data_root),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_plain_server() {
        let context = RouteContext::default();
        for (path, wanted) in [
            ("/", "Discovery"),
            ("", "Discovery"),
            ("/oauth/token", "Token"),
            ("/oauth/token_info/", "TokenInfo"),
            ("/metadata/", "Documents"),
            ("/metadata/data/v3/dependencies", "Dependencies"),
            ("/metadata/data/v3/resources/swagger.json", "ResourcesSpec"),
            ("/data/v3/ed-fi/schoolYearTypes", "collection /data/v3"),
            ("/data/v3/Ed-Fi/SchoolYearTypes/", "collection /data/v3"),
            ("/data/v3/ed-fi/schoolYearTypes/12", "item 12 /data/v3"),
            ("/data/v3/ed-fi/schoolYearTypes/12/x", "Unknown"),
            ("/data/v3/ed-fi/nothing", "Unknown"),
            ("/data/v3/ed-fi", "Unknown"),
            ("/data/v2/ed-fi/schoolYearTypes", "Unknown"),
            ("/2026/data/v3/ed-fi/schoolYearTypes", "Unknown"),
            ("/sandbox/stats", "Stats"),
        ] {
            assert_eq!(route(&context, path), wanted, "{path}");
        }
    }

    #[test]
    fn a_tenant_and_a_year_stand_before_or_after() {
        let context = RouteContext {
            tenant: Some("north".to_owned()),
            year: Some("2026".to_owned()),
            ..RouteContext::default()
        };
        for (path, wanted) in [
            ("/north/2026", "Discovery"),
            ("/north/oauth/token", "Token"),
            ("/north/2026/oauth/token", "Token"),
            ("/north/metadata/2026", "Documents"),
            ("/north/metadata/data/v3/2026/dependencies", "Dependencies"),
            (
                "/north/2026/data/v3/ed-fi/schoolYearTypes",
                "collection /north/2026/data/v3",
            ),
            (
                "/north/data/v3/2026/ed-fi/schoolYearTypes",
                "collection /north/data/v3/2026",
            ),
            ("/north/data/v3/ed-fi/schoolYearTypes", "Unknown"),
            ("/north/2025/data/v3/ed-fi/schoolYearTypes", "Unknown"),
            ("/2026/data/v3/ed-fi/schoolYearTypes", "Unknown"),
        ] {
            assert_eq!(route(&context, path), wanted, "{path}");
        }
    }
}
