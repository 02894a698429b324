//! The routes of a provider.
//!
//! Reads: calls. Writes: the store. Never: HTTP itself.

use std::borrow::Cow;
use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::Xxh3Default;

use super::Options;
use super::auth::Shown;
use super::bulk::What;
use super::environment::{self, NAMESPACE, escaped, is_rejected};
use super::store::{Store, uuid};
use crate::sandbox::answer::Answer;
use crate::sandbox::fault_plan::{Aim, FaultPlan};
use crate::sandbox::{Fault, FaultKind, SandboxError};

/// One request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) shown: Shown<'a>,
    pub(super) encoding: &'a str,
    pub(super) content_type: &'a str,
    pub(super) method_override: &'a str,
    pub(super) must_use_advisory: bool,
    pub(super) page: &'a str,
    pub(super) page_size: &'a str,
    /// Where the provider is, as the caller sees it.
    pub(super) root: &'a str,
    pub(super) body: &'a [u8],
}

/// A provider.
#[derive(Debug)]
pub(super) struct Api {
    options: Options,
    store: Mutex<Store>,
    faults: Mutex<FaultPlan>,
    requests: [AtomicU64; 3],
    made: AtomicU64,
    said: AtomicU64,
}

impl Api {
    pub(super) fn open(options: Options) -> Result<Self, SandboxError> {
        Ok(Self {
            store: Mutex::new(Store::open(options.state_dir.as_deref())?),
            faults: Mutex::new(FaultPlan::new(options.faults.clone())),
            requests: Default::default(),
            made: AtomicU64::new(0),
            said: AtomicU64::new(0),
            options,
        })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> [u64; 3] {
        let [creates, updates, deletes] = &self.requests;
        [creates, updates, deletes].map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn environments_made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn end_environments(&self) -> Result<(), SandboxError> {
        let mut store = self.store();
        let ids: Vec<String> = store.environments().iter().map(|h| h.id.clone()).collect();
        for id in ids {
            store.end(&id)?;
        }
        Ok(())
    }

    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = FaultPlan::new(faults);
    }

    /// Whether the status of the next object is left out.
    pub(super) fn omitted(&self) -> bool {
        let said = self.said.fetch_add(1, Ordering::Relaxed) + 1;
        self.options.omit > 0 && said.is_multiple_of(self.options.omit)
    }

    /// The fault that hits a bulk request; other routes have none.
    pub(super) fn strike(&self, call: &Call<'_>) -> Option<FaultKind> {
        let route = Route::of(call.path)?;
        let what = call.what().filter(|_| route.id.is_none())?;
        let counter = match what {
            What::Create => &self.requests[0],
            What::Update => &self.requests[1],
            What::Delete => &self.requests[2],
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut request = Xxh3Default::new();
        request.update(call.method.as_bytes());
        request.update(call.path.as_bytes());
        request.update(call.body);
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.strike(Aim {
            method: call.method,
            resource: &route.service,
            data: true,
            object: request.digest(),
        })
    }

    /// Answers.
    pub(super) fn work(&self, call: &Call<'_>) -> Answer {
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match (call.method, path.as_slice()) {
            ("POST", ["environments", "environment"]) => self.environment(call),
            (method, ["environments", id]) => self.of_environment(call, method, id),
            (_, ["requests", ..]) => match Route::of(call.path) {
                Some(route) => self.requested(call, &route),
                None => refuse(404, "There is no such route.", call.path),
            },
            _ => refuse(404, "There is no such route.", call.path),
        }
    }

    fn environment(&self, call: &Call<'_>) -> Answer {
        let Options {
            application,
            password,
            hmac,
            ..
        } = &self.options;
        if let Err(why) = call.shown.is(application, password, *hmac) {
            return refuse(401, "Not Authorized.", why);
        }
        let asked = match environment::read(call.body) {
            Ok(asked) => asked,
            Err(why) => return refuse(400, "Could not unmarshal the environment.", &why),
        };
        if asked.application != *application {
            return refuse(
                401,
                "Not Authorized.",
                "Another application signs this call.",
            );
        }
        let wanted = if *hmac { "SIF_HMACSHA256" } else { "Basic" };
        if asked.method != wanted {
            return refuse(401, "Not Authorized.", "Invalid authentication method.");
        }
        let consumer = format!("{}{}", asked.application, asked.instance);
        match self.store().environment(&consumer) {
            Ok((held, fresh)) => {
                if fresh {
                    self.made.fetch_add(1, Ordering::Relaxed);
                }
                let xml = environment::write(&self.options, &held, call.root);
                Answer::text(if fresh { 201 } else { 409 }, "application/xml", xml)
            }
            Err(error) => refuse(500, "The environment cannot be kept.", &error.to_string()),
        }
    }

    /// Whether a call is of a session that there is.
    fn session(&self, call: &Call<'_>) -> Result<String, Answer> {
        let Options { password, hmac, .. } = &self.options;
        let mut why = "There is no such session.";
        for held in self.store().environments() {
            match call.shown.is(&held.token, password, *hmac) {
                Ok(()) => return Ok(held.id.clone()),
                Err(told) => why = told,
            }
        }
        Err(refuse(401, "Not Authorized.", why))
    }

    fn of_environment(&self, call: &Call<'_>, method: &str, id: &str) -> Answer {
        let session = match self.session(call) {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        if session != id {
            return refuse(403, "This is the environment of another.", "");
        }
        match method {
            "GET" => {
                let store = self.store();
                let held = store.environments().iter().find(|held| held.id == id);
                match held {
                    Some(held) => {
                        let xml = environment::write(&self.options, held, call.root);
                        Answer::text(200, "application/xml", xml)
                    }
                    None => refuse(404, "There is no such environment.", ""),
                }
            }
            "DELETE" => match self.store().end(id) {
                Ok(_) => Answer::empty(204),
                Err(error) => refuse(500, "The state cannot be written.", &error.to_string()),
            },
            _ => Answer::empty(405),
        }
    }

    fn requested(&self, call: &Call<'_>, route: &Route) -> Answer {
        if let Err(answer) = self.session(call) {
            return answer;
        }
        let object = route.service.strip_suffix('s').unwrap_or_default();
        let right = match call.method {
            "GET" | "HEAD" => "QUERY",
            "POST" if call.method_override == "GET" => "QUERY",
            _ => match call.what() {
                Some(what) => what.right(),
                None => return Answer::empty(405),
            },
        };
        let here = route.zone.as_deref().is_none_or(|z| z == self.options.zone)
            && route.context.as_deref().unwrap_or("DEFAULT") == self.options.context;
        let known = self.options.standard.resource(object).is_some();
        if !here || !known || is_rejected(&self.options, &route.service, right) {
            let why = format!(
                "{right} access is not set to APPROVED for the service {} and the given zone and \
                 context",
                route.service
            );
            let message = "Consumer is not authorized to issue the requested operation.";
            return refuse(403, message, &why);
        }
        match (call.method, &route.id, call.what()) {
            ("HEAD", None, _) => self.head(object),
            ("GET", None, _) => self.page(call, object),
            ("GET", Some(id), _) => self.one(object, id),
            ("POST", None, None) => self.example(call, object),
            (_, None, Some(what)) => self.bulk(call, object, what),
            _ => Answer::empty(405),
        }
    }

    pub(super) fn too_large(&self) -> Answer {
        let Options { objects, bytes, .. } = self.options;
        let why = format!("At most {objects} objects and {bytes} bytes in a request.");
        refuse(413, "The request is too large.", &why)
    }

    /// The body as it was before compression, unless it is larger than allowed.
    pub(super) fn unpacked<'a>(&self, call: &Call<'a>) -> Result<Cow<'a, [u8]>, Answer> {
        let most = self.options.bytes as u64;
        let mut plain = Vec::new();
        match call.encoding {
            "identity" if call.body.len() as u64 > most => return Err(self.too_large()),
            "identity" => return Ok(Cow::Borrowed(call.body)),
            "gzip" => {}
            other => return Err(refuse(415, "The encoding is not supported.", other)),
        }
        let read = flate2::read::GzDecoder::new(call.body)
            .take(most + 1)
            .read_to_end(&mut plain);
        match read {
            Ok(_) if plain.len() as u64 > most => Err(self.too_large()),
            Ok(_) => Ok(Cow::Owned(plain)),
            Err(error) => Err(refuse(
                400,
                "The body cannot be unpacked.",
                &error.to_string(),
            )),
        }
    }
}

impl Call<'_> {
    /// What a bulk request is for.
    fn what(&self) -> Option<What> {
        match (self.method, self.method_override) {
            ("POST", "") => Some(What::Create),
            ("PUT", "") => Some(What::Update),
            ("PUT", "DELETE") => Some(What::Delete),
            _ => None,
        }
    }
}

/// `/requests/StudentPersonals/{id};zoneId=District;contextId=DEFAULT`
struct Route {
    service: String,
    id: Option<String>,
    zone: Option<String>,
    context: Option<String>,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        let (path, matrix) = path.split_once(';').unwrap_or((path, ""));
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (service, id) = match parts.as_slice() {
            ["requests", service] => (*service, None),
            ["requests", service, id] => (*service, Some((*id).to_owned())),
            _ => return None,
        };
        let value = |name: &str| {
            let mut pairs = matrix.split(';').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name)?.1;
            // Matrix parameters are percent-encoded; a plus sign is one.
            let found = found.replace('+', "%2B");
            let mut decoded = url::form_urlencoded::parse(found.as_bytes());
            decoded.next().map(|(value, _)| value.into_owned())
        };
        Some(Self {
            service: service.to_owned(),
            id,
            zone: value("zoneId"),
            context: value("contextId"),
        })
    }
}

/// An error of a whole request.
pub(super) fn refuse(status: u16, message: &str, description: &str) -> Answer {
    let xml = format!(
        "<error id=\"{}\" xmlns=\"{NAMESPACE}\"><code>{status}</code><scope>Provider</scope>\
         <message>{}</message><description>{}</description></error>",
        uuid(),
        escaped(message),
        escaped(description)
    );
    Answer::text(status, "application/xml", xml)
}
