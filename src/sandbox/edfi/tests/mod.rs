//! The sandbox asked over real HTTP, with a small standard made by hand.

mod checks;
mod faults;
mod keys;
mod reads;
mod routes;
mod state;
mod writes;

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Options, Sandbox};
use crate::metadata::{ResourceMeta, Standard};

/// A small standard: one resource for each kind of rule.
fn standard() -> Standard {
    let text = |max: u32| json!({"type": "string", "max": max, "required": true});
    let optional = |kind: &str| json!({"type": kind});
    let needed = |kind: &str| json!({"type": kind, "required": true});
    let descriptor = |name: &str| json!({"type": "descriptor", "name": name, "required": true});
    let reference = |target: &str, fields: Value| json!({"type": "reference", "targets": [target], "fields": fields, "required": true});
    let school = || reference("schools", json!({"schoolId": needed("int64")}));
    let student = || reference("students", json!({"studentUniqueId": text(32)}));
    let contact = || reference("contacts", json!({"contactUniqueId": text(32)}));
    let year = || {
        json!({"type": "reference", "targets": ["schoolYearTypes"],
               "fields": {"schoolYear": needed("int32")}})
    };
    let session = json!({"schoolId": needed("int64"), "schoolYear": needed("int32"),
                         "sessionName": text(60)});
    let offering = json!({"localCourseCode": text(60), "schoolId": needed("int64"),
                          "schoolYear": needed("int32"), "sessionName": text(60)});
    let period = json!({"classPeriodName": text(60), "schoolId": needed("int64")});
    let person = |id: &str| {
        json!({id: text(32), "firstName": text(75), "lastSurname": text(75),
               "birthDate": optional("date")})
    };
    let mut standard = Standard {
        name: "Ed-Fi 5.2.0".to_owned(),
        ..Standard::default()
    };
    let mut add = |name: &str, key: &[(&str, &str)], fields: Value| {
        let key: Vec<_> = key
            .iter()
            .map(|(name, path)| json!({"name": name, "path": path}))
            .collect();
        let meta = json!({"path": format!("/ed-fi/{name}"), "key": key, "fields": fields});
        let meta: ResourceMeta = serde_json::from_value(meta).unwrap();
        standard.resources.insert(name.to_owned(), meta);
    };
    add(
        "localEducationAgencies",
        &[("localEducationAgencyId", "localEducationAgencyId")],
        json!({"localEducationAgencyId": needed("int64"), "nameOfInstitution": text(75)}),
    );
    add(
        "schools",
        &[("schoolId", "schoolId")],
        json!({"schoolId": needed("int64"), "nameOfInstitution": text(75),
               "webSite": {"type": "string", "max": 255}, "isOpen": optional("boolean"),
               "gradeLevels": {"type": "array", "required": true, "fields": {
                   "gradeLevelDescriptor": descriptor("GradeLevelDescriptor")}}}),
    );
    add(
        "courses",
        &[
            ("courseCode", "courseCode"),
            (
                "educationOrganizationId",
                "educationOrganizationReference.educationOrganizationId",
            ),
        ],
        json!({"courseCode": text(60), "numberOfParts": needed("int32"),
               "maximumCredits": optional("number"),
               "educationOrganizationReference": {"type": "reference", "required": true,
                   "targets": ["localEducationAgencies", "schools"],
                   "fields": {"educationOrganizationId": needed("int64")}}}),
    );
    add(
        "classPeriods",
        &[
            ("classPeriodName", "classPeriodName"),
            ("schoolId", "schoolReference.schoolId"),
        ],
        json!({"classPeriodName": text(60), "schoolReference": school(),
               "meetingTimes": {"type": "array", "fields": {
                   "startTime": needed("time"), "endTime": needed("time")}}}),
    );
    add(
        "bellSchedules",
        &[
            ("bellScheduleName", "bellScheduleName"),
            ("schoolId", "schoolReference.schoolId"),
        ],
        json!({"bellScheduleName": text(60), "schoolReference": school(),
               "classPeriods": {"type": "array", "required": true, "fields": {
                   "classPeriodReference": reference("classPeriods", period)}}}),
    );
    add(
        "sessions",
        &[
            ("schoolId", "schoolReference.schoolId"),
            ("schoolYear", "schoolYearTypeReference.schoolYear"),
            ("sessionName", "sessionName"),
        ],
        json!({"sessionName": text(60), "schoolReference": school(),
               "schoolYearTypeReference": year(), "beginDate": needed("date")}),
    );
    add(
        "courseOfferings",
        &[
            ("localCourseCode", "localCourseCode"),
            ("schoolId", "schoolReference.schoolId"),
            ("schoolYear", "sessionReference.schoolYear"),
            ("sessionName", "sessionReference.sessionName"),
        ],
        json!({"localCourseCode": text(60), "schoolReference": school(),
               "sessionReference": reference("sessions", session)}),
    );
    add(
        "sections",
        &[
            ("localCourseCode", "courseOfferingReference.localCourseCode"),
            ("schoolId", "courseOfferingReference.schoolId"),
            ("schoolYear", "courseOfferingReference.schoolYear"),
            ("sectionIdentifier", "sectionIdentifier"),
            ("sessionName", "courseOfferingReference.sessionName"),
        ],
        json!({"sectionIdentifier": text(255),
               "courseOfferingReference": reference("courseOfferings", offering)}),
    );
    add(
        "students",
        &[("studentUniqueId", "studentUniqueId")],
        person("studentUniqueId"),
    );
    add(
        "contacts",
        &[("contactUniqueId", "contactUniqueId")],
        person("contactUniqueId"),
    );
    add(
        "studentSchoolAssociations",
        &[
            ("entryDate", "entryDate"),
            ("schoolId", "schoolReference.schoolId"),
            ("studentUniqueId", "studentReference.studentUniqueId"),
        ],
        json!({"entryDate": needed("date"), "schoolReference": school(),
               "studentReference": student(), "schoolYearTypeReference": year(),
               "classOfSchoolYearTypeReference": year(),
               "updatedAt": optional("date_time"),
               "entryGradeLevelDescriptor": descriptor("GradeLevelDescriptor")}),
    );
    add(
        "studentContactAssociations",
        &[
            ("contactUniqueId", "contactReference.contactUniqueId"),
            ("studentUniqueId", "studentReference.studentUniqueId"),
        ],
        json!({"contactReference": contact(), "studentReference": student()}),
    );
    for name in ["sessions", "classPeriods", "sections"] {
        standard.resources.get_mut(name).unwrap().key_updatable = true;
    }
    let codes = ["First grade", "Second grade", "Third grade"].map(str::to_owned);
    standard.descriptors.insert(
        "GradeLevelDescriptor".to_owned(),
        [(
            "uri://ed-fi.org/GradeLevelDescriptor".to_owned(),
            codes.to_vec(),
        )]
        .into(),
    );
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    standard.retries = [
        ("students".to_owned(), names(&["studentSchoolAssociations"])),
        (
            "contacts".to_owned(),
            names(&["studentContactAssociations", "studentSchoolAssociations"]),
        ),
    ]
    .into();
    standard.edges = [
        ("schools", "studentSchoolAssociations"),
        ("students", "studentSchoolAssociations"),
    ]
    .map(|(a, b)| (a.to_owned(), b.to_owned()))
    .to_vec();
    standard
}

fn options() -> Options {
    Options::new(Arc::new(standard()))
}

fn school(id: i64) -> Value {
    json!({"schoolId": id, "nameOfInstitution": format!("School {id}"),
           "gradeLevels": [{"gradeLevelDescriptor": grade("First grade")}]})
}

fn student(id: &str) -> Value {
    json!({"studentUniqueId": id, "firstName": "Ada", "lastSurname": "Byron"})
}

fn contact(id: &str) -> Value {
    json!({"contactUniqueId": id, "firstName": "Anne", "lastSurname": "Byron"})
}

fn enrolment(student: &str, school: i64) -> Value {
    json!({"entryDate": "2025-08-20", "schoolReference": {"schoolId": school},
           "studentReference": {"studentUniqueId": student},
           "entryGradeLevelDescriptor": grade("First grade")})
}

fn grade(code: &str) -> String {
    format!("uri://ed-fi.org/GradeLevelDescriptor#{code}")
}

/// An answer that was read to its end.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn kind(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.replace("urn:ed-fi:api:", "")
    }

    /// The id at the end of `Location`.
    fn id(&self) -> String {
        let location = self.header("location").unwrap();
        location.rsplit('/').next().unwrap().to_owned()
    }
}

/// A sandbox with a client that has a token.
struct Bench {
    sandbox: Sandbox,
    http: Client,
    token: String,
}

impl Bench {
    async fn start(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Client::new();
        let mut bench = Self {
            sandbox,
            http,
            token: String::new(),
        };
        bench.token = bench.new_token().await;
        bench
    }

    async fn new_token(&self) -> String {
        let reply = self
            .http
            .post(format!("{}/oauth/token", self.sandbox.base_url()))
            .basic_auth("sandbox", Some("sandbox"))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap();
        let body: Value = reply.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with the token; an error when no whole answer came.
    async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Result<Reply, reqwest::Error> {
        let mut all: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        if !all.contains_key("authorization") {
            all.insert(
                "authorization",
                format!("Bearer {}", self.token).parse().unwrap(),
            );
        }
        all.retain_nonempty();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.sandbox.base_url()))
            .headers(all);
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        let reply = request.send().await?;
        Ok(Reply {
            status: reply.status().as_u16(),
            headers: reply.headers().clone(),
            text: reply.text().await?,
        })
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let body = body.map(Value::to_string);
        self.try_send(method, path, body, &[]).await.unwrap()
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    async fn post(&self, resource: &str, body: &Value) -> Reply {
        let path = format!("/data/v3/ed-fi/{resource}");
        self.send(Method::POST, &path, Some(body)).await
    }

    /// A POST that must create.
    async fn create(&self, resource: &str, body: &Value) -> Reply {
        let reply = self.post(resource, body).await;
        assert_eq!(reply.status, 201, "{resource} {body}: {}", reply.text);
        reply
    }

    async fn put(&self, resource: &str, id: &str, body: &Value) -> Reply {
        let path = format!("/data/v3/ed-fi/{resource}/{id}");
        self.send(Method::PUT, &path, Some(body)).await
    }

    async fn delete(&self, resource: &str, id: &str) -> Reply {
        let path = format!("/data/v3/ed-fi/{resource}/{id}");
        self.send(Method::DELETE, &path, None).await
    }
}

/// An empty header value stands for "do not send it".
trait RetainNonempty {
    fn retain_nonempty(&mut self);
}

impl RetainNonempty for HeaderMap {
    fn retain_nonempty(&mut self) {
        let empty: Vec<_> = self
            .iter()
            .filter(|(_, value)| value.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        for name in empty {
            self.remove(name);
        }
    }
}
