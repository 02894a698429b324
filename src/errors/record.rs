//! One object that was not delivered.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::ledger::Row;
use crate::object::KeyHash;

/// Who held an object back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// We, before sending: rejected, blocked, skipped, pending.
    Ours,
    /// The target, by its answer or by giving none.
    Target,
}

impl Side {
    /// The word used on the command line and in listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Target => "target",
        }
    }
}

/// One object that was not delivered. Holds student data.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The resource.
    pub resource: String,
    /// `rejected`, `blocked`, `failed`, `skipped`, `pending`, `collapsed`; `unknown` when no run
    /// folder tells any more.
    pub outcome: String,
    /// The bounded reason.
    pub reason: String,
    /// Who held it back.
    pub side: Side,
    /// HTTP status of the refusal; 0: none.
    pub status: u16,
    /// Whether it is archived.
    pub archived: bool,
    /// SIS school.
    pub school_id: Option<i64>,
    /// The run that has noted it last.
    pub run: String,
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// Natural key.
    pub key: String,
    /// SIS table and key of the row that it comes from.
    pub source_table: String,
    /// As above.
    pub source_key: String,
    /// SIS person.
    pub person_id: Option<i64>,
    /// SIS course.
    pub course_id: Option<i64>,
    /// SIS section.
    pub section_id: Option<i64>,
    /// The server's text, or our own detail: field and offending code.
    pub message: String,
    /// The object at the root of it, as `resource key`.
    pub root: Option<String>,
    /// Requests sent for it in that run.
    pub attempts: u16,
    /// What was, or would be, sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The staged row that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_row: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(skip)]
    pub(super) key_hash: KeyHash,
    #[serde(skip)]
    pub(super) operation: String,
}

/// A request as it is sent.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// HTTP method.
    pub method: &'static str,
    /// Path below the target's data URL.
    pub path: String,
    /// The body as encoded.
    pub body: serde_json::Value,
}

impl Record {
    /// A standing refusal, as the ledger has it: without outcome and details yet.
    pub(super) fn of_row(resource: &str, row: &Row, archived: bool) -> Option<Self> {
        let (reason, status) = row.refusal.as_ref()?;
        let [school_id, person_id, course_id, section_id] = row.scope;
        Some(Self {
            resource: resource.to_owned(),
            outcome: "unknown".to_owned(),
            reason: reason.as_str().to_owned(),
            side: match status {
                0 => Side::Ours,
                _ => Side::Target,
            },
            status: *status,
            archived,
            school_id,
            run: row.updated_run.clone(),
            at: time(row.updated_at),
            key: row.key.clone(),
            source_table: row.source_table.clone(),
            source_key: row.source_key.clone(),
            person_id,
            course_id,
            section_id,
            message: String::new(),
            root: None,
            attempts: 0,
            request: None,
            source_row: None,
            key_hash: row.key_hash,
            operation: String::new(),
        })
    }

    /// Hash of the natural key.
    pub fn key_hash(&self) -> KeyHash {
        self.key_hash
    }

    /// Who is behind an outcome.
    pub(super) fn side_of(outcome: &str) -> Side {
        match outcome {
            "failed" => Side::Target,
            _ => Side::Ours,
        }
    }
}

/// Microseconds since 1970.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
