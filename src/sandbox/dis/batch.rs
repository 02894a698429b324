//! One batch: every line checked, every record answered.
//!
//! Reads: the body of a request. Writes: the store. Never: an answer with a record left out.

use serde::Deserialize;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::check::{Needed, Refusal, Rules};
use super::store::{Change, Content, Store, Stored, What, Zone};
use crate::sandbox::SandboxError;

/// The head of a request, from its URL.
pub(super) struct Head<'a> {
    pub(super) zone: Zone,
    pub(super) object: &'a str,
    pub(super) delete: bool,
    pub(super) sequence: u64,
    pub(super) records: usize,
}

/// Why a whole request is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// 400, with what is wrong.
    Malformed(String),
    /// 409: all of its records were written by newer runs.
    Older,
    /// 500.
    Store(SandboxError),
}

#[derive(Deserialize)]
struct Line {
    key: String,
    hash: Option<String>,
    school: Option<i64>,
    record: Option<Value>,
}

/// What becomes of one record.
enum Fate {
    Change(What, &'static str),
    Unchanged,
    Absent,
    Rejected(Refusal),
}

/// Applies a batch; the results, one per line.
pub(super) fn apply(
    store: &mut Store,
    rules: &Rules<'_>,
    head: &Head<'_>,
    body: &[u8],
) -> Result<Value, Refused> {
    let lines: Vec<&[u8]> = body
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    if lines.len() != head.records {
        return Err(Refused::Malformed(format!(
            "the request announces {} records and holds {}",
            head.records,
            lines.len()
        )));
    }
    let mut changes = Vec::new();
    let mut results = Vec::with_capacity(lines.len());
    let mut older = 0;
    for (number, bytes) in lines.iter().enumerate() {
        let line: Line = serde_json::from_slice(bytes)
            .map_err(|e| Refused::Malformed(format!("line {} cannot be read: {e}", number + 1)))?;
        let fate = match head.delete {
            true => delete(store, head, &line),
            false => put(store, rules, head, &line, bytes),
        };
        let key = line.key;
        results.push(match fate {
            Fate::Change(what, word) => {
                let result = json!({"key": key, "result": "accepted", "change": word});
                changes.push(Change {
                    key,
                    sequence: head.sequence,
                    what,
                });
                result
            }
            Fate::Unchanged => {
                let result = json!({"key": key, "result": "unchanged"});
                changes.push(Change {
                    key,
                    sequence: head.sequence,
                    what: What::Confirm,
                });
                result
            }
            Fate::Absent => json!({"key": key, "result": "unchanged", "change": "absent"}),
            Fate::Rejected(Refusal { code, message }) => {
                older += usize::from(code == "older_sequence");
                json!({"key": key, "result": "rejected", "code": code, "message": message})
            }
        });
    }
    if older > 0 && older == results.len() {
        return Err(Refused::Older);
    }
    store
        .commit(&head.zone, head.object, changes)
        .map_err(Refused::Store)?;
    Ok(json!({ "results": results }))
}

fn known<'a>(store: &'a Store, head: &Head<'_>, key: &str) -> Option<&'a Stored> {
    store.shelf(&head.zone, head.object)?.get(key)
}

fn delete(store: &Store, head: &Head<'_>, line: &Line) -> Fate {
    match known(store, head, &line.key) {
        Some(stored) if stored.sequence > head.sequence && stored.content.is_some() => {
            Fate::Rejected(older(stored.sequence))
        }
        Some(Stored {
            content: Some(_), ..
        }) => Fate::Change(What::Delete, "deleted"),
        _ => Fate::Absent,
    }
}

fn put(store: &Store, rules: &Rules<'_>, head: &Head<'_>, line: &Line, bytes: &[u8]) -> Fate {
    let rejected = |code, message: &str| {
        Fate::Rejected(Refusal {
            code,
            message: message.to_owned(),
        })
    };
    let (Some(record), Some(text)) = (&line.record, record_text(bytes)) else {
        return rejected("missing_required", "the line has no record");
    };
    let hash = line.hash.as_deref().map(|h| u128::from_str_radix(h, 16));
    let Some(Ok(hash)) = hash else {
        return rejected("hash_mismatch", "the line has no hash");
    };
    if hash != xxh3_128(text.as_bytes()) {
        return rejected("hash_mismatch", "the hash is not that of the record");
    }
    let needed = match rules.check(head.object, &line.key, record) {
        Ok(needed) => needed,
        Err(refusal) => return Fate::Rejected(refusal),
    };
    if let Some((targets, key)) = missing(store, head, needed) {
        let message = format!("{} {key} is not here; send it first", targets.join(" or "));
        return rejected("parent_missing", &message);
    }
    let before = known(store, head, &line.key);
    match before {
        Some(Stored {
            content: Some(content),
            ..
        }) if content.hash == hash => return Fate::Unchanged,
        Some(stored) if stored.sequence > head.sequence => {
            return Fate::Rejected(older(stored.sequence));
        }
        _ => {}
    }
    let word = match before {
        Some(stored) if stored.content.is_some() => "updated",
        _ => "created",
    };
    let content = Content {
        hash,
        school: line.school,
        record: text.into(),
    };
    Fate::Change(What::Put(content), word)
}

fn missing(store: &Store, head: &Head<'_>, needed: Vec<Needed>) -> Option<Needed> {
    needed
        .into_iter()
        .find(|(targets, key)| !store.has(&head.zone, targets, key))
}

fn older(sequence: u64) -> Refusal {
    Refusal {
        code: "older_sequence",
        message: format!("run {sequence}, which is newer, has written this record"),
    }
}

/// The record's own bytes, which the hash is of: the last member of a line.
fn record_text(line: &[u8]) -> Option<&str> {
    // Inside of a JSON text the quotes would be escaped, so the first such place is the member.
    let (_, rest) = std::str::from_utf8(line)
        .ok()?
        .split_once(r#","record":"#)?;
    rest.trim_end().strip_suffix('}')
}
