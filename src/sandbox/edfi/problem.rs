//! Refusals, in both shapes that real servers use.
//!
//! Reads: nothing. Writes: JSON. Never: decides what is refused.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::check::Flaws;
use super::options::{ErrorStyle, Operation};

const DATA_INVALID: &str = "bad-request:data-validation-failed";
const SEE_FLAWS: &str = "Data validation failed. See 'validationErrors' for details.";
const MALFORMED: &str = "The request data was constructed incorrectly.";
const UNAUTHORIZED: &str = "Access to the requested data could not be authorized.";

/// One refusal.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// HTTP status.
    pub(super) status: u16,
    words: Box<Words>,
}

/// What a refusal says.
#[derive(Clone, Debug)]
struct Words {
    /// What follows `urn:ed-fi:api:`.
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<String>,
    flaws: Flaws,
    /// What servers before 7.2 say: status and message. `None`: the same status, the detail.
    old: Option<(u16, String)>,
}

impl Problem {
    pub(super) fn new(
        status: u16,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            words: Box::new(Words {
                kind,
                title,
                detail: detail.into(),
                errors: Vec::new(),
                flaws: Flaws::new(),
                old: None,
            }),
        }
    }

    pub(super) fn error(mut self, error: impl Into<String>) -> Self {
        self.words.errors.push(error.into());
        self
    }

    fn old(mut self, status: u16, message: impl Into<String>) -> Self {
        self.words.old = Some((status, message.into()));
        self
    }

    /// 400: faults of the body, by path.
    pub(super) fn invalid(flaws: Flaws) -> Self {
        let mut problem = Self::new(400, DATA_INVALID, "Data Validation Failed", SEE_FLAWS)
            .old(400, "The request is invalid.");
        problem.words.flaws = flaws;
        problem
    }

    /// 400: the body is no JSON.
    pub(super) fn malformed(error: &serde_json::Error) -> Self {
        Self::invalid(Flaws::from([("$".to_owned(), vec![error.to_string()])]))
    }

    /// 400: there is no body.
    pub(super) fn no_body() -> Self {
        let detail = "The request could not be processed. See 'errors' for details.";
        Self::new(400, "bad-request", "Bad Request", detail)
            .error("A non-empty request body is required.")
    }

    /// 400: `id` in the body of a POST.
    pub(super) fn id_in_body() -> Self {
        Self::new(400, DATA_INVALID, "Data Validation Failed", MALFORMED).error(
            "Resource identifiers cannot be assigned by the client. \
             The 'id' property should not be included in the request body.",
        )
    }

    /// 400: a PUT that would change a key that cannot be changed.
    pub(super) fn key_change(title: &str) -> Self {
        Self::new(
            400,
            "bad-request:data-validation-failed:key-change-not-supported",
            "Key Change Not Supported",
            format!(
                "Identifying values for the {title} item cannot be changed. \
                 Delete and recreate the item instead."
            ),
        )
    }

    /// 400: a wrong query parameter.
    pub(super) fn parameter(name: &str, error: impl Into<String>) -> Self {
        Self::new(
            400,
            "bad-request:parameter-validation-failed",
            "Parameter Validation Failed",
            format!("The {name} parameter was incorrect."),
        )
        .error(error)
    }

    /// 401.
    pub(super) fn unauthenticated(error: &str) -> Self {
        Self::new(
            401,
            "security:authentication",
            "Authentication Failed",
            "The caller could not be authenticated.",
        )
        .error(error)
        .old(401, error)
    }

    /// 400 instead of 401, as some servers answer a missing token.
    pub(super) fn missing_token_as_400() -> Self {
        Self::new(
            400,
            "bad-request",
            "Bad Request",
            "The request could not be processed. See 'errors' for details.",
        )
        .error("Authorization header is missing.")
    }

    /// 429 of the token route.
    pub(super) fn too_many_tokens() -> Self {
        Self::new(
            429,
            "security:authentication:too-many-tokens",
            "Too Many Tokens",
            "The caller has authenticated too many times in too short of a time period.",
        )
    }

    /// 403: the claim set does not grant it.
    pub(super) fn action_denied(title: &str, operation: Operation) -> Self {
        let action = operation.as_str().to_lowercase();
        Self::new(
            403,
            "security:authorization:access-denied:action",
            "Authorization Denied",
            UNAUTHORIZED,
        )
        .error(format!(
            "The API client's assigned claim set (currently 'Sandbox') must grant permission of \
             the 'http://ed-fi.org/odsapi/actions/{action}' action on the resource claim \
             'http://ed-fi.org/ods/identity/claims/{title}'."
        ))
    }

    /// 403: a person whom no association makes ours yet.
    pub(super) fn no_relationship(associations: &[&str], id_member: &str) -> Self {
        let hint: Vec<_> = associations.iter().map(|a| format!("'{a}'")).collect();
        Self::new(
            403,
            "security:authorization",
            "Authorization Denied",
            format!(
                "{UNAUTHORIZED} Hint: You may need to create a corresponding {} item.",
                hint.join(" or ")
            ),
        )
        .error(format!(
            "No relationships have been established between the caller's education organization \
             id claims and the resource item's '{id_member}' value."
        ))
        .old(
            403,
            format!(
                "Authorization denied. No relationships have been established between the \
                 caller's education organization id claims and the requested '{id_member}'."
            ),
        )
    }

    /// 404: no such route.
    pub(super) fn no_route() -> Self {
        let detail = "The specified data could not be found.";
        Self::new(404, "not-found", "Not Found", detail)
    }

    /// 404: no such id.
    pub(super) fn no_item() -> Self {
        let detail = "The specified item could not be found.";
        Self::new(404, "not-found", "Not Found", detail)
    }

    /// 405.
    pub(super) fn method(error: impl Into<String>) -> Self {
        Self::new(
            405,
            "method-not-allowed",
            "Method Not Allowed",
            "The request construction was invalid.",
        )
        .error(error)
    }

    /// 409: references that lead nowhere. Servers before 7.2 answer 400.
    pub(super) fn unresolved(resource: &str, titles: &[&str]) -> Self {
        let first = titles.first().copied().unwrap_or_default();
        let old = titles
            .iter()
            .map(|t| format!("{t} reference could not be resolved.\n"))
            .collect::<String>();
        Self::new(
            409,
            "data-conflict:unresolved-reference",
            "Unresolved Reference",
            format!("The referenced '{first}' item does not exist."),
        )
        .old(400, format!("Validation of '{resource}' failed.\n{old}"))
    }

    /// 409: a DELETE of what others refer to.
    pub(super) fn dependants(titles: &[&str]) -> Self {
        let names = titles.join(", ");
        Self::new(
            409,
            "data-conflict:dependent-item-exists",
            "Dependent Item Exists",
            format!(
                "The requested action cannot be performed because this item is referenced by \
                 existing {names} item(s)."
            ),
        )
        .old(
            409,
            format!(
                "The resource (or a subordinate entity of the resource) cannot be deleted because \
                 it is a dependency of the '{names}' entity."
            ),
        )
    }

    /// 409: a key change onto a key that is taken.
    pub(super) fn same_key(title: &str, key: &str) -> Self {
        Self::new(
            409,
            "data-conflict:non-unique-identity",
            "Identifying Values Are Not Unique",
            "The identifying value(s) of the item are the same as another item that already exists.",
        )
        .error(format!(
            "A primary key conflict occurred when attempting to create or update a record in the \
             '{title}' table. The duplicate key is {key}."
        ))
    }

    /// 412.
    pub(super) fn stale() -> Self {
        Self::new(
            412,
            "optimistic-lock-failed",
            "Optimistic Lock Failed",
            "The item has been modified by another user.",
        )
    }

    /// 413.
    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(
            413,
            "bad-request:payload-too-large",
            "Payload Too Large",
            format!("The request body is larger than {limit} bytes."),
        )
    }

    /// 415.
    pub(super) fn media_type() -> Self {
        Self::new(
            415,
            "unsupported-media-type",
            "Unsupported Media Type",
            "The request construction was invalid.",
        )
        .error("The value specified in the 'Content-Type' header is not supported by this host.")
    }

    /// A faulty status, as a real server would word it.
    pub(super) fn fault(status: u16) -> Self {
        let (kind, title, detail) = match status {
            400 => {
                return Self::invalid(Flaws::from([(
                    "$".to_owned(),
                    vec!["A fault of the sandbox.".to_owned()],
                )]));
            }
            401 => return Self::unauthenticated("Invalid Authorization header."),
            403 => return Self::no_relationship(&["StudentSchoolAssociation"], "StudentUniqueId"),
            404 => return Self::no_item(),
            409 => return Self::unresolved("Fault", &["Student"]),
            429 => (
                "too-many-requests",
                "Too Many Requests",
                "The caller has sent too many requests in too short of a time period.",
            ),
            502 => ("bad-gateway", "Bad Gateway", "An upstream server failed."),
            503 => (
                "service-unavailable",
                "Service Unavailable",
                "The service is unavailable. Try again later.",
            ),
            504 => (
                "gateway-timeout",
                "Gateway Timeout",
                "An upstream server was too slow.",
            ),
            other if other < 500 => (
                "bad-request",
                "Bad Request",
                "The request could not be processed.",
            ),
            _ => return Self::system(),
        };
        Self::new(status, kind, title, detail)
    }

    /// 500.
    pub(super) fn system() -> Self {
        Self::new(
            500,
            "system",
            "System Error",
            "An unexpected problem has occurred.",
        )
    }

    /// The status and body in a style. `correlation` is the request's own id or one of ours.
    pub(super) fn render(&self, style: ErrorStyle, correlation: &str) -> (u16, Bytes) {
        let (status, body) = match style {
            ErrorStyle::ProblemDetails => (self.status, self.details(correlation)),
            ErrorStyle::MessageModelState => self.message(correlation),
        };
        (status, Bytes::from(body.to_string()))
    }

    fn details(&self, correlation: &str) -> Value {
        let words = &self.words;
        let mut body = json!({
            "detail": words.detail,
            "type": format!("urn:ed-fi:api:{}", words.kind),
            "title": words.title,
            "status": self.status,
            "correlationId": correlation,
        });
        if !words.flaws.is_empty() {
            body["validationErrors"] = json!(words.flaws);
        }
        if !words.errors.is_empty() {
            body["errors"] = json!(words.errors);
        }
        body
    }

    fn message(&self, correlation: &str) -> (u16, Value) {
        let words = &self.words;
        let (status, message) = match &words.old {
            Some((status, message)) => (*status, message.as_str()),
            None => (
                self.status,
                words.errors.first().unwrap_or(&words.detail).as_str(),
            ),
        };
        let mut body = json!({ "message": message, "correlationId": correlation });
        if !words.flaws.is_empty() {
            let states: Map<String, Value> = words
                .flaws
                .iter()
                .map(|(path, texts)| (path.replacen('$', "request", 1), json!(texts)))
                .collect();
            body["modelState"] = Value::Object(states);
        }
        (status, body)
    }
}
