//! Addresses that a server does not tell by itself, and profiles: the rarer keys of `[connection]`,
//! and what a stanza's name and `namespace` come to.
//!
//! Reads: sections. Writes: problems. Never: HTTP.

use std::collections::BTreeMap;

use super::section::{Document, Section, Text};

/// The addresses beside the root URL, and the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Values of placeholders in the server's addresses: `districtIdFromRoute` -> `255901`.
    pub placeholders: BTreeMap<String, String>,
    /// Where resources are, instead of what the root document says.
    pub data_url: Option<String>,
    /// Where tokens are.
    pub oauth_url: Option<String>,
    /// The list of OpenAPI documents.
    pub metadata_url: Option<String>,
    /// The order of loading.
    pub dependencies_url: Option<String>,
    /// The profile of every resource that names no other.
    pub profile: Option<String>,
}

/// The word that takes a profile away from one resource.
const NONE: &str = "none";

/// Reads the keys of `[connection]` that are about routes.
pub(super) fn read(section: &mut Section<'_>) -> Routing {
    let document = section.document;
    let mut url = |key: &'static str| {
        let text = section.text(key)?;
        checked(document, &format!("connection.{key}"), &text)
    };
    let urls = [
        url("data_url"),
        url("oauth_url"),
        url("metadata_url"),
        url("dependencies_url"),
    ];
    let [data_url, oauth_url, metadata_url, dependencies_url] = urls;
    let mut placeholders = BTreeMap::new();
    if let Some(route) = section.section("route") {
        for (name, span, value) in &route.entries {
            let Some(text) = document.text_of(&format!("connection.route.{name}"), value) else {
                continue;
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            match !text.value.is_empty() && text.value.chars().all(plain) {
                true => {
                    placeholders.insert((*name).to_owned(), text.value);
                }
                false => document.wrong(
                    span,
                    format!("`connection.route.{name}` becomes a part of an address: letters, digits, `-`, `_` and `.`"),
                ),
            }
        }
    }
    Routing {
        placeholders,
        data_url,
        oauth_url,
        metadata_url,
        dependencies_url,
        profile: profile(section).filter(|p| p != NONE),
    }
}

/// An address, perhaps with placeholders; under the rules of `connection.url`.
fn checked(document: &Document<'_>, key: &str, text: &Text) -> Option<String> {
    let parsed = url::Url::parse(&text.value.replace(['{', '}'], "x"));
    let fine = parsed.is_ok_and(|url| {
        url.scheme() == "https" || (url.scheme() == "http" && super::connection::is_here(&url))
    });
    if !fine {
        let what = format!("`{key}` must be an address that begins with https://");
        document.wrong(&text.span, what);
        return None;
    }
    Some(text.value.trim_end_matches('/').to_owned())
}

/// Reads `profile`, of a connection or of a stanza.
pub(super) fn profile(section: &mut Section<'_>) -> Option<String> {
    let text = section.text("profile")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.value.is_empty() || !text.value.chars().all(plain) {
        let what = format!(
            "`{}` is no name of a profile: letters, digits, `-`, `_` and `.`; `none` takes it away",
            text.value
        );
        section.document.wrong(&text.span, what);
        return None;
    }
    Some(text.value)
}

/// What a stanza says, before the connection's; `none` stands for no profile.
pub(super) fn effective(own: Option<String>, all: Option<&str>) -> Option<String> {
    match own.as_deref() {
        Some(NONE) => None,
        Some(_) => own,
        None => all.map(str::to_owned),
    }
}

/// A stanza's namespace and its name without it: `tpdm/candidates`, or `candidates` with
/// `namespace = "tpdm"`. `ed-fi` is the standard's own.
pub(super) fn namespace<'a>(name: &'a str, section: &mut Section<'_>) -> (Option<String>, &'a str) {
    let document = section.document;
    let (stated, short) = match name.split_once('/') {
        Some((namespace, short)) => (Some(namespace.to_owned()), short),
        None => (None, name),
    };
    let key = section.text("namespace");
    let fits = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if let (Some(key), Some(stated)) = (&key, &stated)
        && key.value != *stated
    {
        let what = format!("`{name}` names another namespace than `{}`", key.value);
        document.wrong(&key.span, what);
    }
    let namespace = stated.or_else(|| key.map(|k| k.value));
    if let Some(namespace) = namespace.as_deref().filter(|n| !fits(n)) {
        let what = format!("`{namespace}` is no namespace: letters, digits and `-`, as in `tpdm`");
        document.wrong(&section.span, what);
    }
    (namespace.filter(|n| n != "ed-fi"), short)
}
