//! The routes of the contract.
//!
//! Reads: calls. Writes: the store. Never: HTTP itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use serde::Deserialize;
use serde_json::json;
use xxhash_rust::xxh3::Xxh3Default;

use super::Options;
use super::batch::{self, Head, Refused};
use super::check::Rules;
use super::requests::{Done, ResyncRequest};
use super::store::Store;
use crate::metadata::Standard;
use crate::sandbox::answer::Answer;
use crate::sandbox::fault_plan::{Aim, FaultPlan};
use crate::sandbox::{Fault, FaultKind, SandboxError};

/// One request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) authorization: &'a str,
    pub(super) encoding: &'a str,
    pub(super) body: &'a [u8],
}

/// A state.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) instance: String,
    options: Options,
    standard: Standard,
    store: Mutex<Store>,
    faults: Mutex<FaultPlan>,
    batches: AtomicU64,
}

/// What the operator asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    objects: Vec<String>,
    school_year: Option<i32>,
    #[serde(default)]
    note: String,
}

impl Api {
    pub(super) fn open(options: Options) -> Result<Self, SandboxError> {
        let (store, instance) = Store::open(options.state_dir.as_deref(), &options.instance_id)?;
        let mut standard = Standard::clone(&options.standard);
        for (object, fields) in &options.state_owned {
            let meta = standard.resources.get_mut(object);
            for (name, field) in meta.into_iter().flat_map(|meta| &mut meta.fields) {
                field.required &= !fields.contains(name);
            }
        }
        Ok(Self {
            instance,
            standard,
            store: Mutex::new(store),
            faults: Mutex::new(FaultPlan::new(options.faults.clone())),
            batches: AtomicU64::new(0),
            options,
        })
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bytes(&self) -> usize {
        self.options.bytes
    }

    pub(super) fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = FaultPlan::new(faults);
    }

    /// The fault that hits a batch; other routes have none.
    pub(super) fn strike(&self, call: &Call<'_>) -> Option<FaultKind> {
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        let ["v1", "districts", _, "years", _, object] = path.as_slice() else {
            return None;
        };
        self.batches.fetch_add(1, Ordering::Relaxed);
        let mut request = Xxh3Default::new();
        request.update(call.path.as_bytes());
        request.update(call.body);
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.strike(Aim {
            method: call.method,
            resource: object,
            data: true,
            object: request.digest(),
        })
    }

    /// Answers.
    pub(super) fn work(&self, call: &Call<'_>) -> Answer {
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        let ["v1", "districts", district, rest @ ..] = path.as_slice() else {
            let message = "this state speaks version 1: /v1/districts/{district}";
            return refuse(404, "unknown_version", message);
        };
        let token = call
            .authorization
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        let operator = token == self.options.operator_token;
        if token != self.options.token && !operator {
            return refuse(
                401,
                "unauthorized",
                "no token, or one that the state does not know",
            );
        }
        if self
            .options
            .district
            .as_deref()
            .is_some_and(|d| d != *district)
        {
            let message = format!("the token is not for district {district}");
            return refuse(403, "access_denied", &message);
        }
        match (call.method, rest) {
            ("GET", []) => self.discovery(district),
            ("GET", ["requests"]) => {
                let requests: Vec<_> = self.store().requests.of(district).cloned().collect();
                Answer::json(200, json!({ "requests": requests }).to_string())
            }
            ("POST", ["requests"]) if operator => self.asked(district, call.body),
            ("POST", ["requests"]) => refuse(
                403,
                "access_denied",
                "only the state's operator asks for a resync",
            ),
            ("POST", ["requests", id, "done"]) => self.done(district, id, call.body),
            (method, ["years", year, object, rest @ ..]) => {
                let Some(meta) = self.standard.resource(object) else {
                    let message = format!("{object} is no object of this state");
                    return refuse(404, "unknown_object", &message);
                };
                let Some(year) = year.parse().ok().filter(|y| (1990..=2100).contains(y)) else {
                    return refuse(
                        404,
                        "unknown_year",
                        "a school year is its end year, as 2024",
                    );
                };
                let zone = ((*district).to_owned(), year);
                match (method, rest) {
                    ("POST", []) => self.batch(call, zone, object, meta),
                    ("GET", ["digests"]) => self.digests(&zone, object),
                    ("GET", ["keys"]) => self.keys(call, &zone, object),
                    _ => no_route(),
                }
            }
            _ => no_route(),
        }
    }

    fn discovery(&self, district: &str) -> Answer {
        let store = self.store();
        let objects: Vec<&String> = self.standard.resources.keys().collect();
        let document = json!({
            "contract": "fullsync-dis",
            "versions": ["1"],
            "instance": self.instance,
            "district": district,
            "objects": objects,
            "limits": {
                "records": self.options.records,
                "bytes": self.options.bytes,
                "concurrency": 8,
            },
            "encodings": ["zstd", "gzip"],
            "lastSequence": store.last_sequence(district),
            "requests": store.requests.open(district),
        });
        Answer::json(200, document.to_string())
    }

    pub(super) fn ask(
        &self,
        district: &str,
        objects: Vec<String>,
        school_year: Option<i32>,
        note: String,
    ) -> Result<ResyncRequest, SandboxError> {
        let mut store = self.store();
        let request = ResyncRequest {
            id: format!("r{}", store.requests.len() + 1),
            district: district.to_owned(),
            objects,
            school_year,
            note,
            requested_at: now(),
            done: None,
        };
        store.keep_request(&json!(request))?;
        store.requests.set(request.clone());
        Ok(request)
    }

    fn asked(&self, district: &str, body: &[u8]) -> Answer {
        let asked: Asked = match serde_json::from_slice(body) {
            Ok(asked) => asked,
            Err(error) => return refuse(400, "bad_request", &error.to_string()),
        };
        let unknown = asked.objects.iter().find(|o| {
            let name = o.strip_suffix("/*").unwrap_or(o);
            self.standard.resource(name).is_none()
        });
        if let Some(object) = unknown {
            let message = format!("{object} is no object of this state");
            return refuse(400, "unknown_object", &message);
        }
        match self.ask(district, asked.objects, asked.school_year, asked.note) {
            Ok(request) => Answer::json(201, json!(request).to_string()),
            Err(error) => refuse(500, "server_error", &error.to_string()),
        }
    }

    fn done(&self, district: &str, id: &str, body: &[u8]) -> Answer {
        let mut done: Done = match serde_json::from_slice(body) {
            Ok(done) => done,
            Err(error) => return refuse(400, "bad_request", &error.to_string()),
        };
        let mut store = self.store();
        let Some(mut request) = store.requests.of(district).find(|r| r.id == id).cloned() else {
            return refuse(404, "unknown_request", "no request of this id");
        };
        done.at = now();
        request.done = Some(done);
        match store.keep_request(&json!(request)) {
            Ok(()) => {
                store.requests.set(request);
                Answer::empty(204)
            }
            Err(error) => refuse(500, "server_error", &error.to_string()),
        }
    }

    pub(super) fn too_large(&self) -> Answer {
        let Options { records, bytes, .. } = self.options;
        let message = format!("at most {records} records and {bytes} bytes in a request");
        refuse(413, "too_large", &message)
    }

    fn batch(
        &self,
        call: &Call<'_>,
        zone: super::store::Zone,
        object: &str,
        meta: &crate::metadata::ResourceMeta,
    ) -> Answer {
        let query = pairs(call.query);
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
        let (Some(sequence), Some(records)) = (number("sequence"), number("records")) else {
            let message = "a batch has ?operation=put|delete&sequence=N&records=N";
            return refuse(400, "bad_request", message);
        };
        let delete = match query.get("operation").map(AsRef::as_ref) {
            Some("put") => false,
            Some("delete") => true,
            _ => return refuse(400, "bad_request", "operation is put or delete"),
        };
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        if records > self.options.records {
            return self.too_large();
        }
        let body = match self.unpacked(call) {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let head = Head {
            zone,
            object,
            delete,
            sequence,
            records,
        };
        let owned = self.options.state_owned.get(object);
        let rules = Rules {
            standard: &self.standard,
            meta,
            owned: owned.map(Vec::as_slice).unwrap_or_default(),
        };
        match batch::apply(&mut self.store(), &rules, &head, &body) {
            Ok(results) => Answer::json(200, results.to_string()),
            Err(Refused::Malformed(why)) => refuse(400, "bad_request", &why),
            Err(Refused::Older) => {
                let message = "newer runs have written all of these records";
                refuse(409, "older_sequence", message)
            }
            Err(Refused::Store(error)) => refuse(500, "server_error", &error.to_string()),
        }
    }

    /// The body as it was before compression, unless it is larger than allowed.
    fn unpacked<'a>(&self, call: &Call<'a>) -> Result<Cow<'a, [u8]>, Answer> {
        let most = self.options.bytes as u64;
        let mut plain = Vec::new();
        let read = match call.encoding {
            "identity" => return Ok(Cow::Borrowed(call.body)),
            "gzip" => flate2::read::GzDecoder::new(call.body)
                .take(most + 1)
                .read_to_end(&mut plain),
            "zstd" => zstd::stream::read::Decoder::new(call.body)
                .and_then(|decoder| decoder.take(most + 1).read_to_end(&mut plain)),
            _ => {
                return Err(refuse(
                    415,
                    "media_type",
                    "bodies are zstd, gzip or identity",
                ));
            }
        };
        match read {
            Ok(_) if plain.len() as u64 > most => Err(self.too_large()),
            Ok(_) => Ok(Cow::Owned(plain)),
            Err(error) => Err(refuse(400, "bad_request", &error.to_string())),
        }
    }
}

pub(super) fn pairs(query: &str) -> HashMap<Cow<'_, str>, Cow<'_, str>> {
    url::form_urlencoded::parse(query.as_bytes()).collect()
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn refuse(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        json!({"code": code, "message": message}).to_string(),
    )
}

fn no_route() -> Answer {
    refuse(404, "no_route", "the contract has no such route")
}
