//! Profiles: which members of a resource a client may see, named by the media type of a request.
//!
//! Reads: headers, bodies. Writes: bodies without what a profile hides. Never: touches a request
//! that no profile is about.

use bytes::Bytes;
use serde_json::Value;

use super::layout::{Resource, singular};
use super::options::Profile;
use super::problem::Problem;

/// The profiles of a sandbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Profiles {
    pub(super) known: Vec<Profile>,
    pub(super) assigned: Vec<String>,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Readable,
    Writable,
}

impl Usage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::Writable => "writable",
        }
    }
}

impl Profiles {
    /// The profile that a request is under; `kind` is its `Accept` or `Content-Type`.
    ///
    /// # Errors
    /// 400, 403 and 405, as the real server refuses what is named wrongly.
    pub(super) fn of(
        &self,
        resource: &Resource,
        kind: &str,
        usage: Usage,
    ) -> Result<Option<&Profile>, Problem> {
        let covers = |p: &&Profile| p.resource == resource.name;
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let Some((named, profile, said)) = parts(kind) else {
            let bound: Vec<&Profile> = self
                .known
                .iter()
                .filter(covers)
                .filter(|p| self.assigned.contains(&p.name))
                .collect();
            return match bound.as_slice() {
                [] => Ok(None),
                [one] => Self::usable(one, usage).map(Some),
                _ => Err(incorrect_usage(format!(
                    "Based on the assigned profiles, one of them must be named when requesting '{}'.",
                    resource.title
                ))),
            };
        };
        if !same(said, usage.as_str()) {
            return Err(invalid(format!(
                "A profile-based content type that is {said} cannot be used here."
            )));
        }
        if !same(named, &singular(&resource.name)) {
            return Err(invalid(format!(
                "The resource '{named}' of the profile-based content type is not the one of the route."
            )));
        }
        if !self.known.iter().any(|p| same(&p.name, profile)) {
            return Err(invalid(format!(
                "The profile '{profile}' is not supported by this host."
            )));
        }
        let found = self
            .known
            .iter()
            .filter(covers)
            .find(|p| same(&p.name, profile));
        let Some(found) = found else {
            return Err(invalid(format!(
                "The resource '{named}' is not accessible through the '{profile}' profile."
            )));
        };
        if !self.assigned.is_empty() && !self.assigned.contains(&found.name) {
            return Err(incorrect_usage(format!(
                "The profile '{profile}' is not assigned to this client."
            )));
        }
        Self::usable(found, usage).map(Some)
    }

    fn usable(profile: &Profile, usage: Usage) -> Result<&Profile, Problem> {
        let allowed = match usage {
            Usage::Readable => profile.readable,
            Usage::Writable => profile.writable,
        };
        match allowed {
            true => Ok(profile),
            false => Err(Problem::new(
                405,
                "profile:method-usage",
                "Method Not Allowed with Profile",
                "The request method is not allowed with the profile.",
            )
            .error(format!(
                "The resource is not {} through the '{}' profile.",
                usage.as_str(),
                profile.name
            ))),
        }
    }
}

impl Profile {
    /// A body without what the profile hides.
    ///
    /// # Errors
    /// 400: a record cannot be created without a required member that is hidden.
    pub(super) fn write(&self, resource: &Resource, body: &Bytes) -> Result<Bytes, Problem> {
        let required = resource
            .members
            .iter()
            .find(|m| m.required && self.hidden.contains(&m.name));
        if let Some(member) = required {
            return Err(Problem::new(
                400,
                "data-policy-enforced",
                "Data Policy Enforced",
                "The data cannot be saved because a data policy has been applied to the request \
                 that prevents it.",
            )
            .error(format!(
                "The Profile definition for '{}' excludes (or does not include) one or more \
                 required data elements needed to create the resource: {}.",
                self.name, member.title
            )));
        }
        Ok(self.strip(body))
    }

    /// JSON (a record or a list) without what the profile hides; other texts stay as they are.
    pub(super) fn strip(&self, body: &Bytes) -> Bytes {
        let Ok(mut json) = serde_json::from_slice::<Value>(body) else {
            return body.clone();
        };
        let strip = |record: &mut Value| {
            if let Some(members) = record.as_object_mut() {
                members.retain(|name, _| !self.hidden.contains(name));
            }
        };
        match &mut json {
            Value::Array(records) => records.iter_mut().for_each(strip),
            record => strip(record),
        }
        Bytes::from(json.to_string())
    }
}

/// Resource, profile and usage of `application/vnd.ed-fi.student.NAME.readable+json`.
fn parts(kind: &str) -> Option<(&str, &str, &str)> {
    const PREFIX: &str = "application/vnd.ed-fi.";
    let kind = kind.split([';', ',']).next()?.trim();
    let head = kind.get(..PREFIX.len())?;
    if !head.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let rest = kind.get(PREFIX.len()..)?.strip_suffix("+json")?;
    let (resource, rest) = rest.split_once('.')?;
    let (profile, usage) = rest.rsplit_once('.')?;
    Some((resource, profile, usage))
}

fn invalid(error: String) -> Problem {
    Problem::new(
        400,
        "profile:invalid-profile-usage",
        "Invalid Profile Usage",
        "The request construction was invalid with respect to usage of a data policy.",
    )
    .error(error)
}

fn incorrect_usage(error: String) -> Problem {
    Problem::new(
        403,
        "security:data-policy:incorrect-usage",
        "Data Policy Incorrect Usage",
        "A data policy failure was encountered. The request was not constructed correctly for the \
         data policy that has been applied to this data for the caller.",
    )
    .error(error)
}
