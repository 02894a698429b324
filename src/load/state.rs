//! Asking a state edition: what it takes, what it has, what it wants (docs/dis-contract.md).

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::Token;
use super::caller::{Answer, ApiError, Caller};
use crate::pipeline::{LoadSettings, Secret};

/// The contract's version that is spoken here.
const VERSION: &str = "1";

/// A connection to a state edition as one district.
#[derive(Clone, Debug)]
pub struct State {
    /// The connection.
    pub caller: Caller,
    /// What the state says of itself.
    pub about: About,
    /// `{root}/v1/districts/{district}`.
    base: Url,
}

/// The discovery document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Always `fullsync-dis`.
    contract: String,
    /// Versions of the contract that the state speaks.
    versions: Vec<String>,
    /// Which state this is; another one, or an emptied one, has another name.
    pub instance: Option<String>,
    /// The objects that it takes.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Of one request.
    #[serde(default)]
    pub limits: Limits,
    /// How bodies may be compressed.
    #[serde(default)]
    pub encodings: Vec<String>,
    /// The highest run sequence number that this district has used.
    #[serde(default)]
    pub last_sequence: u64,
    /// Resyncs that the state asks for.
    #[serde(default)]
    pub requests: Vec<Wanted>,
}

/// Limits of requests.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Most requests at once.
    pub concurrency: usize,
    /// Most records.
    pub records: usize,
    /// Most bytes, before compression.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 8,
            records: 500,
            bytes: 1 << 20,
        }
    }
}

/// A resync that the state asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// The state's name of the request.
    pub id: String,
    /// Objects, by name or subtree (`Calendar/*`); none: all.
    #[serde(default)]
    pub objects: Vec<String>,
    /// School year by its end year; none: the active one.
    pub school_year: Option<i32>,
    /// Why.
    #[serde(default)]
    pub note: String,
}

/// What the state has of one object and school.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchoolDigest {
    /// SIS schoolID; None: district-wide records.
    pub school: Option<i64>,
    /// Records.
    pub records: u64,
    /// Sum of the content hashes, modulo 2^128.
    pub digest: u128,
}

impl State {
    /// Reads the discovery document as a district. `key` is a token, or a certificate as PEM.
    ///
    /// # Errors
    /// The state cannot be reached, refuses the credentials, or speaks another contract.
    pub async fn connect(
        url: &str,
        district: &str,
        key: &StateKey,
        settings: &LoadSettings,
    ) -> Result<Self, ApiError> {
        let (token, certificate) = match key {
            StateKey::Token(token) => (Some(Arc::new(Token::fixed(token)?)), None),
            StateKey::Certificate(pem) => (None, Some(pem)),
        };
        let caller = Caller {
            http: super::client(settings, certificate)?,
            token,
            settings: settings.clone(),
        };
        let unreadable = |wanted| ApiError::Unreadable {
            url: url.to_owned(),
            wanted,
        };
        let mut base = Url::parse(url).map_err(|_| unreadable("an address"))?;
        base.path_segments_mut()
            .map_err(|()| unreadable("an address that has a path"))?
            .pop_if_empty()
            .extend(["v1", "districts", district]);
        let answer = caller.ask(Method::GET, base.clone(), None, None).await?;
        let about: About = serde_json::from_slice(&answer.body)
            .map_err(|_| unreadable("the document of a state edition"))?;
        if about.contract != "fullsync-dis" || !about.versions.iter().any(|v| v == VERSION) {
            return Err(unreadable("version 1 of the DIS contract"));
        }
        Ok(Self {
            caller,
            about,
            base,
        })
    }

    /// Where batches of an object go.
    pub fn route(&self, school_year: i32, object: &str) -> Url {
        self.below(&["years", &school_year.to_string(), object])
    }

    /// What the ledger calls this target: a state's store and a district of it. An embedded sandbox
    /// is known by its instance alone, because its port changes.
    pub fn fingerprint(&self, embedded: bool) -> String {
        let text = match (&self.about.instance, embedded) {
            (Some(instance), true) => {
                let district = self.base.path_segments().and_then(|mut s| s.next_back());
                format!("sandbox/{instance}/{}", district.unwrap_or_default())
            }
            (instance, _) => {
                let instance = instance.as_deref().unwrap_or_default();
                format!("{}/{instance}", self.base.as_str().to_lowercase())
            }
        };
        super::discovery::named(&text, &text)
    }

    /// A sequence number for a run that starts now: later than all before it, whatever the clock.
    pub fn sequence(&self, now_micros: i64) -> u64 {
        let now = u64::try_from(now_micros).unwrap_or_default();
        now.max(self.about.last_sequence.saturating_add(1))
    }

    /// Counts and digests of an object by school.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn digests(&self, year: i32, object: &str) -> Result<Vec<SchoolDigest>, ApiError> {
        #[derive(Deserialize)]
        struct Page {
            schools: Vec<School>,
        }
        #[derive(Deserialize)]
        struct School {
            school: Option<i64>,
            records: u64,
            digest: String,
        }
        let url = self.below(&["years", &year.to_string(), object, "digests"]);
        let page: Page = self.read(url, "digests of its records").await?;
        let digest = |s: School| {
            let digest = u128::from_str_radix(&s.digest, 16).ok()?;
            Some(SchoolDigest {
                school: s.school,
                records: s.records,
                digest,
            })
        };
        Ok(page.schools.into_iter().filter_map(digest).collect())
    }

    /// Keys and content hashes of one school's records, by key, from the one after `after` on; and
    /// whether there are more.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn keys(
        &self,
        year: i32,
        object: &str,
        school: Option<i64>,
        after: Option<&str>,
    ) -> Result<(Vec<(String, u128)>, bool), ApiError> {
        #[derive(Deserialize)]
        struct Page {
            records: Vec<Record>,
            #[serde(default)]
            more: bool,
        }
        #[derive(Deserialize)]
        struct Record {
            key: String,
            hash: String,
        }
        let mut url = self.below(&["years", &year.to_string(), object, "keys"]);
        {
            let mut query = url.query_pairs_mut();
            let school = school.map_or("none".to_owned(), |s| s.to_string());
            query.append_pair("school", &school);
            if let Some(after) = after {
                query.append_pair("after", after);
            }
        }
        let page: Page = self.read(url, "keys of its records").await?;
        let found = page.records.into_iter().filter_map(|r| {
            let hash = u128::from_str_radix(&r.hash, 16).ok()?;
            Some((r.key, hash))
        });
        Ok((found.collect(), page.more))
    }

    /// Tells the state what a resync that it asked for has come to.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn done(
        &self,
        request: &str,
        run: &str,
        processed: u64,
        errors: u64,
    ) -> Result<(), ApiError> {
        let url = self.below(&["requests", request, "done"]);
        let body = json!({"run": run, "processed": processed, "errors": errors}).to_string();
        self.post(url, body).await.map(|_| ())
    }

    /// As the state's operator: asks the district for a resync. Returns the request's id.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn request(
        &self,
        objects: &[String],
        year: Option<i32>,
        note: &str,
    ) -> Result<String, ApiError> {
        let url = self.below(&["requests"]);
        let body = json!({"objects": objects, "schoolYear": year, "note": note}).to_string();
        let answer = self.post(url.clone(), body).await?;
        let made: Wanted =
            serde_json::from_slice(&answer.body).map_err(|_| ApiError::Unreadable {
                url: url.into(),
                wanted: "the request that was made",
            })?;
        Ok(made.id)
    }

    async fn post(&self, url: Url, body: String) -> Result<Answer, ApiError> {
        let body = Some(Bytes::from(body));
        self.caller.ask(Method::POST, url, None, body).await
    }

    async fn read<T: for<'a> Deserialize<'a>>(
        &self,
        url: Url,
        wanted: &'static str,
    ) -> Result<T, ApiError> {
        let answer = self
            .caller
            .ask(Method::GET, url.clone(), None, None)
            .await?;
        serde_json::from_slice(&answer.body).map_err(|_| ApiError::Unreadable {
            url: url.into(),
            wanted,
        })
    }

    fn below(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(parts);
        }
        url
    }
}

/// How the state knows the district.
#[derive(Clone, Debug)]
pub enum StateKey {
    /// A bearer token.
    Token(Secret),
    /// A client certificate and its private key, as PEM.
    Certificate(Secret),
}
