//! The state's requests for a resync, and what became of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the state asks a district for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResyncRequest {
    /// Its name, made by the state.
    pub id: String,
    /// The district.
    pub district: String,
    /// Objects, by name or subtree (`Calendar/*`); none: all.
    #[serde(default)]
    pub objects: Vec<String>,
    /// School year by its end year; none: the district's active one.
    pub school_year: Option<i32>,
    /// Why, in the state's words.
    #[serde(default)]
    pub note: String,
    /// When it was made (RFC 3339).
    pub requested_at: String,
    /// What the district says it came to; none: it is open.
    pub done: Option<Done>,
}

/// A request that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The district's run.
    pub run: String,
    /// Records, errors included.
    pub processed: u64,
    /// Errors.
    pub errors: u64,
    /// When (RFC 3339).
    #[serde(default)]
    pub at: String,
}

/// All requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Requests(Vec<ResyncRequest>);

impl Requests {
    /// Adds a request, or replaces the one of this id.
    pub(super) fn set(&mut self, request: ResyncRequest) {
        match self.0.iter_mut().find(|r| r.id == request.id) {
            Some(known) => *known = request,
            None => self.0.push(request),
        }
    }

    pub(super) fn replay(&mut self, line: &str) -> Result<(), String> {
        self.set(serde_json::from_str(line).map_err(|e| e.to_string())?);
        Ok(())
    }

    /// A district's requests.
    pub(super) fn of(&self, district: &str) -> impl Iterator<Item = &ResyncRequest> {
        self.0.iter().filter(move |r| r.district == district)
    }

    /// A district's open requests as JSON.
    pub(super) fn open(&self, district: &str) -> Vec<Value> {
        self.of(district)
            .filter(|r| r.done.is_none())
            .filter_map(|r| serde_json::to_value(r).ok())
            .collect()
    }

    /// How many there were: the next id.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
