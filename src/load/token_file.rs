//! The token that is kept between runs.
//!
//! Reads and writes: the token file, owner-only. Never: a token of another URL or key.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use super::token::{Current, MARGIN, bearer};
use crate::files;
use crate::pipeline::Secret;

/// The token file: owner-only, one per connection.
#[derive(Serialize, Deserialize)]
pub(super) struct Cached {
    pub(super) url: String,
    pub(super) key: String,
    pub(super) access_token: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// The kept token, if it is of this URL and key, and lasts.
pub(super) fn read_cache(path: &Path, url: &Url, key: &Secret) -> Option<Current> {
    let cached: Cached = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let now = Utc::now();
    if cached.url != url.as_str() || cached.key != key.expose() || cached.expires_at <= now + MARGIN
    {
        return None;
    }
    Some(Current::new(
        bearer(&cached.access_token)?,
        1,
        cached.expires_at,
    ))
}

/// Keeps a token for the next run.
pub(super) fn write_cache(path: &Path, cached: &Cached) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        files::create_dir(folder)?;
    }
    files::write(path, &serde_json::to_vec(cached)?)
}
