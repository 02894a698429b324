//! Asking the target: counts, records, verification against the ledger, emptying a resource.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::Utc;
use futures::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;

use super::RunError;
use super::prepare::{Prepared, Selection};
use crate::files;
use crate::ledger::{Entry, Event, Journal, Ledger};
use crate::load::{Api, ApiError};
use crate::metadata::ResourceMeta;
use crate::object::{Key, KeyHash};

/// Deletes in flight at once.
const DELETES: usize = 16;

/// One line of `count` and `verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The resource.
    pub resource: String,
    /// Records at the target.
    pub target: u64,
    /// Objects that the ledger knows as delivered; None for `count`.
    pub ledger: Option<u64>,
}

/// Counts the records of each resource at the target, by `Total-Count`.
///
/// # Errors
/// The target refuses or does not answer.
pub async fn count(
    api: &Api,
    selection: &Selection,
    ledger: Option<&Ledger>,
) -> Result<Vec<Count>, RunError> {
    let mut counts = Vec::new();
    for p in &selection.resources {
        let resource = p.resource.name.clone();
        let target = api.count(&p.meta.path).await?;
        let ledger = ledger
            .map(|l| l.counts(&resource).map(|c| c.delivered))
            .transpose()?;
        counts.push(Count {
            resource,
            target,
            ledger,
        });
    }
    Ok(counts)
}

/// Writes each resource's records to `<out>/<resource>.ndjson`, for the owner only; returns the
/// files and their numbers of records.
///
/// # Errors
/// The target refuses or does not answer, or a file cannot be written.
pub async fn fetch(
    api: &Api,
    selection: &Selection,
    out: &Path,
) -> Result<Vec<(PathBuf, usize)>, RunError> {
    files::create_dir(out)?;
    let mut written = Vec::new();
    for p in &selection.resources {
        let path = out.join(format!("{}.ndjson", p.resource.name));
        let partial = files::partial(&path);
        let mut file = std::io::BufWriter::new(files::create(&partial)?);
        let mut records = 0;
        while let Some(page) = api.page(&p.meta.path, records).await? {
            records += page.len();
            for record in page {
                serde_json::to_writer(&mut file, &record).map_err(std::io::Error::from)?;
                file.write_all(b"\n")?;
            }
        }
        file.flush()?;
        std::fs::rename(&partial, &path)?;
        written.push((path, records));
    }
    Ok(written)
}

/// What emptying one resource came to: `found = deleted + already_gone + refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truncated {
    /// The resource.
    pub resource: String,
    /// Records that the target listed.
    pub found: u64,
    /// Removed.
    pub deleted: u64,
    /// Gone before we came.
    pub already_gone: u64,
    /// Refused by the target, with the first of its texts.
    pub refused: u64,
    /// The first refusal.
    pub example: Option<String>,
}

/// Deletes all records of the resources at the target, dependants first, and tells the ledger.
/// Once `cancel` is true no further delete is sent.
///
/// # Errors
/// The target does not answer; what was deleted until then is in the ledger.
pub async fn truncate(
    api: &Api,
    selection: &Selection,
    journal: &mut Journal,
    cancel: watch::Receiver<bool>,
) -> Result<Vec<Truncated>, RunError> {
    let mut done = Vec::new();
    for p in selection.resources.iter().rev() {
        if *cancel.borrow() {
            break;
        }
        let mut records = Vec::new();
        while let Some(page) = api.page(&p.meta.path, records.len()).await? {
            records.extend(page.into_iter().map(|r| identity(p, &r)));
        }
        let outcome = empty(api, p, records, journal, cancel.clone()).await;
        journal.flush()?;
        done.push(outcome?);
    }
    Ok(done)
}

/// A record's id and natural key.
fn identity(p: &Prepared, record: &Value) -> (Option<String>, Option<String>) {
    let id = record.get("id").and_then(Value::as_str).map(str::to_owned);
    (id, key_of(&p.meta, record))
}

async fn empty(
    api: &Api,
    p: &Prepared,
    records: Vec<(Option<String>, Option<String>)>,
    journal: &mut Journal,
    mut cancel: watch::Receiver<bool>,
) -> Result<Truncated, RunError> {
    let collection = api.discovered.resource(&p.meta.path);
    let mut outcome = Truncated {
        resource: p.resource.name.clone(),
        found: records.len() as u64,
        ..Truncated::default()
    };
    let deletes = futures::stream::iter(records).map(|(id, key)| {
        let mut url = collection.clone();
        async move {
            let Some(id) = id else {
                let message = "the target lists a record without an id".to_owned();
                let url = url.into();
                let method = reqwest::Method::DELETE;
                return (
                    Err(ApiError::Refused {
                        method,
                        url,
                        status: 0,
                        message,
                    }),
                    key,
                );
            };
            if let Ok(mut path) = url.path_segments_mut() {
                path.push(&id);
            }
            (api.delete(url).await, key)
        }
    });
    // Those in flight are finished.
    let deletes = deletes.take_until(async move {
        let _ = cancel.wait_for(|cancelled| *cancelled).await;
    });
    let at_once = DELETES.min(api.caller.settings.concurrency_max);
    let mut deletes = std::pin::pin!(deletes.buffer_unordered(at_once));
    while let Some((result, key)) = deletes.next().await {
        match result {
            Ok(true) => outcome.deleted += 1,
            Ok(false) => outcome.already_gone += 1,
            Err(ApiError::Refused {
                status, message, ..
            }) => {
                outcome.refused += 1;
                outcome
                    .example
                    .get_or_insert(format!("HTTP {status}: {message}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(key) = key {
            let now = Utc::now().timestamp_micros();
            journal.append(std::iter::once(deleted(&p.resource.name, &key, now)))?;
            if journal.flush_due(std::time::Instant::now()) {
                journal.flush()?;
            }
        }
    }
    Ok(outcome)
}

fn deleted<'a>(resource: &'a str, key: &'a str, at: i64) -> Entry<'a> {
    Entry {
        resource,
        key_hash: KeyHash::of(key),
        key,
        source_table: "",
        source_key: "",
        school_id: None,
        person_id: None,
        course_id: None,
        section_id: None,
        event: Event::Deleted,
        at,
    }
}

/// The natural key of a record as the target gives it; `None` when a part is missing.
pub fn key_of(meta: &ResourceMeta, record: &Value) -> Option<String> {
    let mut key = Key::new();
    for part in &meta.key {
        let value = part
            .path
            .split('.')
            .try_fold(record, |value, name| value.get(name))?;
        match value {
            Value::String(text) => key.push(&part.name, text),
            Value::Null => return None,
            other => key.push(&part.name, &other.to_string()),
        }
    }
    Some(key.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::KeyPart;

    #[test]
    fn the_key_of_a_record_is_the_key_of_its_object() {
        let part = |name: &str, path: &str| KeyPart {
            name: name.into(),
            path: path.into(),
        };
        let meta = ResourceMeta {
            key: vec![
                part("entryDate", "entryDate"),
                part("schoolId", "schoolReference.schoolId"),
            ],
            ..ResourceMeta::default()
        };
        let record = serde_json::json!({
            "id": "x", "entryDate": "2025-08-18", "schoolReference": {"schoolId": 255901001}
        });
        assert_eq!(
            key_of(&meta, &record).as_deref(),
            Some("entryDate=2025-08-18&schoolId=255901001")
        );
        assert_eq!(
            key_of(&meta, &serde_json::json!({"entryDate": "2025-08-18"})),
            None
        );
    }
}
