//! What the state has: counts, digests and keys, for verification.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::{Api, Call, pairs};
use super::store::Zone;
use crate::sandbox::answer::Answer;

/// Most keys of one page.
const PAGE: usize = 5000;

impl Api {
    /// Per school: how many records, and the sum of their hashes.
    pub(super) fn digests(&self, zone: &Zone, object: &str) -> Answer {
        let store = self.store();
        let mut schools: BTreeMap<Option<i64>, (u64, u128)> = BTreeMap::new();
        let shelf = store.shelf(zone, object);
        for stored in shelf.into_iter().flat_map(|shelf| shelf.values()) {
            if let Some(content) = &stored.content {
                let (count, sum) = schools.entry(content.school).or_default();
                *count += 1;
                *sum = sum.wrapping_add(content.hash);
            }
        }
        let schools: Vec<Value> = schools
            .into_iter()
            .map(|(school, (records, digest))| {
                json!({"school": school, "records": records, "digest": format!("{digest:032x}")})
            })
            .collect();
        Answer::json(200, json!({ "schools": schools }).to_string())
    }

    /// Keys and hashes of one school's records, in the order of the keys.
    pub(super) fn keys(&self, call: &Call<'_>, zone: &Zone, object: &str) -> Answer {
        let query = pairs(call.query);
        let school: Option<i64> = query.get("school").and_then(|s| s.parse().ok());
        let after = query.get("after").map(AsRef::as_ref).unwrap_or_default();
        let store = self.store();
        let shelf = store.shelf(zone, object).into_iter().flatten();
        let mut found: Vec<(&str, u128)> = shelf
            .filter_map(|(key, stored)| Some((key.as_str(), stored.content.as_ref()?)))
            .filter(|(key, content)| content.school == school && *key > after)
            .map(|(key, content)| (key, content.hash))
            .collect();
        found.sort_unstable();
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let records: Vec<Value> = found
            .into_iter()
            .map(|(key, hash)| json!({"key": key, "hash": format!("{hash:032x}")}))
            .collect();
        Answer::json(200, json!({ "records": records, "more": more }).to_string())
    }
}
