//! `[connection]`: the sandbox, or a server with the places where its secrets are.
//!
//! Reads: secrets from the environment or from owner-only files. Writes: nothing. Never: a secret
//! in the pipeline file or in a message.

use std::fs;
use std::ops::Range;
use std::path::Path;

use super::problem::Problem;
use super::section::{Document, Section, Text};
use super::{Connection, Credentials, Routing, Secret, TargetKind};

/// The keys of one secret: what it is called, and the two places it may be in.
pub(super) struct SecretKeys {
    pub(super) name: &'static str,
    pub(super) env: &'static str,
    pub(super) file: &'static str,
}

const KEY: SecretKeys = SecretKeys {
    name: "key",
    env: "key_env",
    file: "key_file",
};
const SECRET: SecretKeys = SecretKeys {
    name: "secret",
    env: "secret_env",
    file: "secret_file",
};

const TOKEN: SecretKeys = SecretKeys {
    name: "token",
    env: "token_env",
    file: "token_file",
};
const PASSWORD: SecretKeys = SecretKeys {
    name: "password",
    env: "password_env",
    file: "password_file",
};
const CERTIFICATE: &str = "certificate_file";

/// Reads `[connection]`; None with a problem recorded.
pub(super) fn read(top: &mut Section<'_>, target: Option<TargetKind>) -> Option<Connection> {
    let Some(mut section) = top.section("connection") else {
        if !top.has("connection") {
            let what = "[connection] is missing: it needs sandbox = true, or url = \"...\"";
            top.document.wrong(&(0..0), what);
        }
        return None;
    };
    let document = section.document;
    let sandbox = section.flag("sandbox", false);
    let url = section.text("url");
    // A state edition has neither OAuth nor routes of its own; a SIF 3 provider tells its routes.
    let dis = target == Some(TargetKind::Dis);
    let sif = target == Some(TargetKind::Sif);
    let (mut tenant, mut route_year) = (None, None);
    let mut routing = Routing::default();
    if !dis && !sif && target != Some(TargetKind::Sif3) {
        routing = super::routing::read(&mut section);
        tenant = section.text("tenant").map(|t| t.value);
        route_year = section.integer("route_year", (1990, 2100));
    }
    let credentials = match sandbox {
        true => {
            unused(&mut section);
            None
        }
        false if dis => handed_out(&mut section),
        false if sif => zone(&mut section),
        false => {
            let (key, secret) = (secret(&mut section, &KEY), secret(&mut section, &SECRET));
            key.zip(secret)
                .map(|(key, secret)| Credentials::OAuth { key, secret })
        }
    };
    if !sandbox && !section.has("url") {
        let what = "[connection] needs sandbox = true, or url = \"...\"";
        document.wrong(&section.span, what);
    }
    section.finish();
    if sandbox {
        return Some(Connection::Sandbox);
    }
    Some(Connection::Server {
        url: checked_url(document, &url?)?,
        credentials: credentials?,
        tenant,
        route_year: route_year.and_then(|y| i32::try_from(y).ok()),
        routing: Box::new(routing),
    })
}

/// What a sandbox has no use for was probably meant for a server.
fn unused(section: &mut Section<'_>) {
    let keys = [KEY, SECRET, TOKEN, PASSWORD].map(|s| [s.env, s.file]);
    for key in ["url", "user", CERTIFICATE]
        .into_iter()
        .chain(keys.into_iter().flatten())
    {
        if section.take(key).is_some() {
            let what = format!("`connection.{key}` has no meaning beside sandbox = true");
            section.document.wrong(&section.place(key), what);
        }
    }
}

/// A secret that need not be there; None without it, or with a problem recorded.
pub(super) fn optional_secret(section: &mut Section<'_>, keys: &SecretKeys) -> Option<Secret> {
    let given = [keys.name, keys.env, keys.file]
        .iter()
        .any(|key| section.has(key));
    if given {
        return secret(section, keys);
    }
    section.known.extend([keys.env, keys.file]);
    None
}

/// Whether a URL leads to this machine.
pub(super) fn is_here(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A token or a client certificate; None with a problem recorded.
fn handed_out(section: &mut Section<'_>) -> Option<Credentials> {
    let Some(file) = section.text(CERTIFICATE) else {
        return secret(section, &TOKEN).map(Credentials::Token);
    };
    for key in [TOKEN.env, TOKEN.file] {
        if section.take(key).is_some() {
            let what = format!("both {CERTIFICATE} and {key} are given: keep one of them");
            section.document.wrong(&section.place(key), what);
        }
    }
    let pem = from_file(section.document, &file).map(Secret::new);
    pem.map(Credentials::Certificate)
}

/// How a zone knows us: HTTP Basic, a client certificate, both, or not at all.
fn zone(section: &mut Section<'_>) -> Option<Credentials> {
    let document = section.document;
    let certificate = match section.text(CERTIFICATE) {
        Some(file) => Some(Secret::new(from_file(document, &file)?)),
        None => None,
    };
    let user = section.text("user").map(|text| text.value);
    let given = section.has(PASSWORD.env) || section.has(PASSWORD.file);
    let password = optional_secret(section, &PASSWORD);
    if given && user.is_none() {
        let what = "a password needs user = \"...\" beside it";
        document.wrong(&section.span, what);
    }
    let basic = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (Some(_), None) => {
            if !given {
                let what = "user needs password_env or password_file beside it";
                document.wrong(&section.place("user"), what);
            }
            return None;
        }
        (None, _) => None,
    };
    Some(Credentials::Zone { basic, certificate })
}

/// One secret; None with a problem recorded.
fn secret(section: &mut Section<'_>, keys: &SecretKeys) -> Option<Secret> {
    let document = section.document;
    let (env, file) = (section.text(keys.env), section.text(keys.file));
    let SecretKeys {
        name,
        env: env_key,
        file: file_key,
    } = keys;
    let has = |key: &str| section.has(key);
    if has(name) {
        let place = section.place(name);
        let what = format!(
            "a secret does not belong into a pipeline file: remove `{name}`, and name an \
             environment variable with {env_key} or a file with {file_key}"
        );
        document.wrong(&place, what);
        section.take(name);
        return None;
    }
    let found = match (env, file) {
        (Some(env), None) => from_env(document, &env),
        (None, Some(file)) => from_file(document, &file),
        (Some(_), Some(file)) => {
            let what = format!("both {env_key} and {file_key} are given: keep one of them");
            document.wrong(&file.span, what);
            None
        }
        (None, None) => {
            if !has(env_key) && !has(file_key) {
                let what = format!("[connection] needs {env_key} or {file_key}");
                document.wrong(&section.span, what);
            }
            None
        }
    };
    found.map(Secret::new)
}

fn from_env(document: &Document<'_>, name: &Text) -> Option<String> {
    match (document.env)(&name.value) {
        Some(value) if !value.trim().is_empty() => Some(value.trim().to_owned()),
        Some(_) => {
            document.wrong(
                &name.span,
                format!("environment variable `{}` is empty", name.value),
            );
            None
        }
        None => {
            document.wrong(
                &name.span,
                format!("environment variable `{}` is not set", name.value),
            );
            None
        }
    }
}

fn from_file(document: &Document<'_>, text: &Text) -> Option<String> {
    let path = document.path_of(text);
    let what = match read_secret(&path) {
        Ok(secret) => return Some(secret),
        Err(what) => what,
    };
    document.wrong(&text.span, format!("{}: {what}", path.display()));
    None
}

fn read_secret(path: &Path) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|e| format!("cannot read the secret: {e}"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err("this file holds a secret and others may read it: chmod 600".to_owned());
        }
    }
    if metadata.len() > 64 * 1024 {
        return Err("too long for a secret".to_owned());
    }
    let text = fs::read_to_string(path).map_err(|e| format!("cannot read the secret: {e}"))?;
    let text = text.trim();
    if text.is_empty() {
        Err("this file is empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A URL that a token request may go to.
fn checked_url(document: &Document<'_>, text: &Text) -> Option<String> {
    let wrong = |span: &Range<usize>, what: &str| {
        document.wrong(span, format!("`connection.url` {what}"));
        None
    };
    let Ok(url) = url::Url::parse(&text.value) else {
        return wrong(&text.span, "is not a URL like https://api.example.org/v7.3");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            &text.span,
            "holds a user or password: use key_env and secret_env",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(&text.span, "ends before `?` and `#`");
    }
    if url.host().is_none() {
        return wrong(&text.span, "names no host");
    }
    let here = is_here(&url);
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        "http" => {
            let problem: Problem = document.at(
                &text.span,
                "student data and secrets would travel unencrypted: use https://",
            );
            document.warn(problem);
        }
        _ => return wrong(&text.span, "must begin with https://"),
    }
    Some(text.value.trim_end_matches('/').to_owned())
}
