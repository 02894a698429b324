//! What an Ed-Fi server's answer means: settled, park, defer, try again, renew the token.

use reqwest::header::{HeaderMap, LOCATION};
use serde_json::Value;

use super::Problem;
use crate::object::{Reason, Refusal};
use crate::target::{Event, Fault, Settlement, Step, Verdict, Wait};

/// The id at the end of `Location`, absolute or relative; empty when there is none.
pub(super) fn location_id(headers: &HeaderMap) -> String {
    let location = headers
        .get(LOCATION)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The id of the one record that a GET by natural key found.
pub(super) fn found_id(body: &[u8]) -> Result<Option<String>, Refusal> {
    let odd = |message: &str| Refusal {
        reason: Reason::fixed("unreadable_answer"),
        status: 200,
        message: message.to_owned(),
    };
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(found)) => match found.as_slice() {
            [] => Ok(None),
            [one] => match one.get("id").and_then(Value::as_str) {
                Some(id) => Ok(Some(id.to_owned())),
                None => Err(odd("the record found has no id")),
            },
            several => Err(odd(&format!(
                "{} records found under one key",
                several.len()
            ))),
        },
        _ => Err(odd("the answer to a search is not a JSON array")),
    }
}

/// No answer: POST is an upsert by natural key, GET and DELETE repeat safely, so every
/// conversation here may send its request again.
pub(super) fn fault(event: &Event<'_>) -> Step {
    let (kind, text) = match event {
        Event::Fault { kind, text } => (*kind, *text),
        Event::Answer { .. } => (Fault::Lost, ""),
    };
    let (reason, wait) = match kind {
        Fault::Connect => ("cannot_connect", Wait::Backoff),
        Fault::Timeout => ("timeout", Wait::SlowDown(None)),
        Fault::Lost => ("connection_lost", Wait::Backoff),
    };
    let refusal = Refusal {
        reason: Reason::fixed(reason),
        status: 0,
        message: text.to_owned(),
    };
    Step::Again { refusal, wait }
}

/// An answer whose body ended early and was needed.
pub(super) fn cut_short() -> Step {
    fault(&Event::Fault {
        kind: Fault::Lost,
        text: "the answer's body ended early",
    })
}

/// The refusal in a body, with the reason that its status and type stand for.
pub(super) fn refusal(status: u16, body: &[u8]) -> Refusal {
    let problem = Problem::read(body);
    Refusal {
        reason: reason(status, &problem),
        status,
        message: problem.text,
    }
}

/// What to do about an answer that is not a 2xx.
pub(super) fn refused(status: u16, headers: &HeaderMap, body: &[u8], deferrable: bool) -> Step {
    let problem = Problem::read(body);
    let retry_after = crate::target::retry_after(headers);
    let refusal = Refusal {
        reason: reason(status, &problem),
        status,
        message: problem.text.clone(),
    };
    let slow = Wait::SlowDown(retry_after);
    match refusal.reason.as_str() {
        "unauthorized" => Step::Renew(refusal),
        "unresolved_reference" => settle(Verdict::Park(refusal)),
        "no_relationship" if deferrable => settle(Verdict::Defer(refusal)),
        "no_relationship" => settle(Verdict::Park(refusal)),
        "lost_race" | "stale" => Step::Again {
            refusal,
            wait: Wait::Once,
        },
        "too_many_requests" | "unavailable" => Step::Again {
            refusal,
            wait: slow,
        },
        "server_error" | "conflict_without_cause" => match retry_after {
            Some(_) => Step::Again {
                refusal,
                wait: slow,
            },
            None => Step::Again {
                refusal,
                wait: Wait::Backoff,
            },
        },
        // Dependants that other objects of this run will remove.
        "dependent_item_exists" => settle(Verdict::Park(refusal)),
        _ => settle(Verdict::Failed(refusal)),
    }
}

/// The bounded reason of a refusal.
fn reason(status: u16, problem: &Problem) -> Reason {
    let kind = problem.kind.as_str();
    Reason::fixed(match status {
        400 if kind.starts_with("security:authentication")
            || (kind.is_empty() && problem.says(&["authorization header", "access token"])) =>
        {
            "unauthorized"
        }
        400 if problem.says(&["reference could not be resolved"]) => "unresolved_reference",
        400 if problem.says(&["descriptor value '"]) => "unknown_descriptor",
        400 if kind.contains("key-change-not-supported") => "key_change_not_supported",
        400 if kind.contains("data-policy") || kind.contains("profile") => "profile_refused",
        400 => "validation_failed",
        401 => "unauthorized",
        403 if kind.contains("access-denied:action")
            || kind.contains("access-denied:resource")
            || kind.contains("access-denied:namespace")
            || kind.contains("data-policy") =>
        {
            "access_denied"
        }
        403 => "no_relationship",
        404 => "not_found",
        405 => "method_not_allowed",
        408 | 425 => "unavailable",
        409 if kind.contains("unresolved-reference")
            || (kind.is_empty()
                && problem.says(&["value supplied for the related", "reference could not be"])) =>
        {
            "unresolved_reference"
        }
        409 if kind.contains("dependent-item-exists") => "dependent_item_exists",
        409 if kind.contains("non-unique")
            || kind.contains("identity-conflict")
            || kind.contains("multi-user-conflict") =>
        {
            "lost_race"
        }
        409 if problem.empty => "conflict_without_cause",
        409 => "conflict",
        412 => "stale",
        413 => "too_large",
        415 => "media_type",
        429 => "too_many_requests",
        500 if kind.contains("configuration") => "server_configuration",
        501 => "not_implemented",
        500 => "server_error",
        502..=504 => "unavailable",
        300..=399 => "redirected",
        _ if status >= 500 => "server_error",
        _ => "refused",
    })
}

fn settle(verdict: Verdict) -> Step {
    Step::Settle(Settlement::One(verdict))
}
