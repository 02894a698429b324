//! Paging through a collection: by cursor where the target offers one, else by offset.
//!
//! Reads: the target. Writes: nothing. Never: trusts an empty page to be the last while the target
//! names another, nor goes round in a circle.

use serde_json::Value;
use url::Url;

use super::{Api, ApiError};

/// Most records that a server gives in one page.
const PAGE: usize = 500;

/// The pages of one collection, in turn.
#[derive(Debug)]
pub struct Pages<'a> {
    api: &'a Api,
    collection: Url,
    next: Next,
    empty: u32,
}

#[derive(Debug)]
enum Next {
    Offset(usize),
    Token(String),
    Nothing,
}

impl<'a> Pages<'a> {
    /// Nothing read yet.
    pub fn new(api: &'a Api, path: &str) -> Self {
        Self {
            api,
            collection: api.discovered.resource(path),
            next: Next::Offset(0),
            empty: 0,
        }
    }

    /// The next page; None at the end.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, ApiError> {
        loop {
            let mut url = self.collection.clone();
            match &self.next {
                Next::Nothing => return Ok(None),
                // The first page is asked for without an offset: with one, no cursor is offered.
                Next::Offset(0) => {
                    url.query_pairs_mut()
                        .append_pair("limit", &PAGE.to_string());
                }
                Next::Offset(offset) => {
                    url.query_pairs_mut()
                        .append_pair("offset", &offset.to_string())
                        .append_pair("limit", &PAGE.to_string());
                }
                Next::Token(token) => {
                    url.query_pairs_mut()
                        .append_pair("pageToken", token)
                        .append_pair("pageSize", &PAGE.to_string());
                }
            }
            let answer = self.api.get(url.clone(), None).await?;
            let Ok(Value::Array(records)) = serde_json::from_slice(&answer.body) else {
                return Err(ApiError::Unreadable {
                    url: url.into(),
                    wanted: "a JSON array",
                });
            };
            let token = answer.headers.get("next-page-token");
            let token = token.and_then(|v| v.to_str().ok()).map(str::to_owned);
            self.empty = if records.is_empty() {
                self.empty + 1
            } else {
                0
            };
            self.next = match (token, &self.next) {
                // Some servers name a next page for ever, others have an empty one in between.
                (Some(_), _) if self.empty > 1 => Next::Nothing,
                (Some(token), _) => Next::Token(token),
                (None, Next::Offset(offset)) if !records.is_empty() => {
                    Next::Offset(offset + records.len())
                }
                (None, _) => Next::Nothing,
            };
            if !records.is_empty() {
                return Ok(Some(records));
            }
        }
    }
}
