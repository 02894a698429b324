//! Reading a resource page by page: by cursor where the target offers that, else by offset.
//!
//! Reads: the target's answers. Writes: nothing. Never: holds more than a page.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::api::{Api, PAGE};
use super::caller::ApiError;

/// Which records of a resource are asked for, and in what form.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Path below the data URL.
    pub path: &'a str,
    /// Filters that the server applies: member and value.
    pub filters: &'a [(String, String)],
    /// The form of the answer, for a profile.
    pub accept: Option<HeaderValue>,
}

impl<'a> Question<'a> {
    /// All records, whole.
    pub fn all(path: &'a str) -> Self {
        Self {
            path,
            filters: &[],
            accept: None,
        }
    }
}

/// Where a walk through the pages stands.
#[derive(Clone, Debug)]
enum Place {
    /// Nothing was asked yet.
    Start,
    /// The next page's token.
    Cursor(String),
    /// The next page's offset.
    Offset(usize),
    /// There is nothing more.
    End,
}

/// A walk through all records of a question.
#[derive(Debug)]
pub struct Walk<'a> {
    api: &'a Api,
    question: Question<'a>,
    size: usize,
    place: Place,
}

impl Api {
    /// How many records answer a question.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn count_of(&self, question: &Question<'_>) -> Result<u64, ApiError> {
        let place = [("limit", "0".to_owned()), ("totalCount", "true".to_owned())];
        let (_, headers) = self.records(question, &place).await?;
        let total = headers
            .get("total-count")
            .and_then(|v| v.to_str().ok()?.parse().ok());
        total.ok_or_else(|| ApiError::Unreadable {
            url: self.discovered.resource(question.path).into(),
            wanted: "a Total-Count header",
        })
    }

    /// Walks through all records of a question, `size` a page (at most as the server gives).
    pub fn walk<'a>(&'a self, question: Question<'a>, size: usize) -> Walk<'a> {
        Walk {
            api: self,
            question,
            size: size.clamp(1, PAGE),
            place: Place::Start,
        }
    }

    /// One page.
    pub(super) async fn records(
        &self,
        question: &Question<'_>,
        place: &[(&str, String)],
    ) -> Result<(Vec<Value>, HeaderMap), ApiError> {
        let mut url = self.discovered.resource(question.path);
        url.query_pairs_mut()
            .extend_pairs(question.filters)
            .extend_pairs(place);
        let accept = question.accept.clone();
        let answer = self
            .caller
            .ask_for(Method::GET, url.clone(), accept, None)
            .await?;
        match serde_json::from_slice(&answer.body) {
            Ok(Value::Array(records)) => Ok((records, answer.headers)),
            _ => Err(ApiError::Unreadable {
                url: url.into(),
                wanted: "a JSON array",
            }),
        }
    }
}

impl Walk<'_> {
    /// The next page; None at the end.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, ApiError> {
        loop {
            let size = self.size.to_string();
            let page = match &self.place {
                Place::End => return Ok(None),
                Place::Start => {
                    let asked = [("pageSize", size)];
                    match self.api.records(&self.question, &asked).await {
                        Ok((records, headers)) if next_token(&headers).is_some() => {
                            (records, headers)
                        }
                        // No cursor here, or none of such a word: from the start by offset. What a
                        // server without cursors gave may have had another size.
                        Ok(_) | Err(ApiError::Refused { status: 400, .. }) => {
                            self.place = Place::Offset(0);
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
                Place::Cursor(token) => {
                    let asked = [("pageToken", token.clone()), ("pageSize", size)];
                    self.api.records(&self.question, &asked).await?
                }
                Place::Offset(offset) => {
                    let asked = [("offset", offset.to_string()), ("limit", size)];
                    let (records, _) = self.api.records(&self.question, &asked).await?;
                    self.place = match records.len() {
                        0 => Place::End,
                        n => Place::Offset(offset + n),
                    };
                    if records.is_empty() {
                        continue;
                    }
                    return Ok(Some(records));
                }
            };
            let (records, headers) = page;
            // An empty page is the end, except for the servers of version 8: there the end is a page
            // without a token.
            let ends_empty = !self.api.discovered.version.starts_with('8');
            self.place = match next_token(&headers) {
                Some(token) if !(records.is_empty() && ends_empty) => Place::Cursor(token),
                _ => Place::End,
            };
            if !records.is_empty() {
                return Ok(Some(records));
            }
        }
    }
}

fn next_token(headers: &HeaderMap) -> Option<String> {
    let token = headers.get("next-page-token")?.to_str().ok()?;
    (!token.is_empty()).then(|| token.to_owned())
}
