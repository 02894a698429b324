//! What a target holds of one resource, read back and matched with what is ours: objects of a run
//! and rows of the ledger, by natural key.
//!
//! Reads: pages of the target, an objects file, the ledger. Writes: scratch files, the journal.
//! Never: takes the records of other writers for ours.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, FixedSizeBinaryBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use futures::StreamExt as _;
use serde_json::Value;

use super::engine::{CheckError, Engine, failed};
use crate::ledger::{Columns, Entry, Event, Journal, Ledger};
use crate::object::{ContentHash, KeyHash};
use crate::stage::{Layout, ParquetFile};

/// What reading back one resource came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReadBack {
    /// The resource.
    pub resource: String,
    /// Records at the target.
    pub found: u64,
    /// Ours, with the very content of the staged object: unchanged in the next run.
    pub same: u64,
    /// Ours, with other content, or content that the target writes in another way: due again.
    pub differ: u64,
    /// Ours by the ledger, and no longer among the staged objects.
    pub gone_here: u64,
    /// Of other writers: neither staged nor known to the ledger; left alone.
    pub others: u64,
    /// Acknowledged by the ledger and not at the target: due again.
    pub lost: u64,
    /// Why it could not be read; the ledger is as it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// The target's records of one resource, on their way into a scratch file.
#[derive(Debug)]
pub struct Records {
    file: ParquetFile,
    found: u64,
}

impl Records {
    /// An empty scratch file.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(engine: &Engine) -> Result<Self, CheckError> {
        let path = engine.folder().join("target.parquet");
        Ok(Self {
            file: ParquetFile::create(&path, schema(), &Layout::results())?,
            found: 0,
        })
    }

    /// Adds a page: `(natural key, record)`, a key being `None` where a part is missing.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn push(&mut self, page: &[(Option<String>, Value)]) -> Result<(), CheckError> {
        let (mut hash, mut content) = (
            FixedSizeBinaryBuilder::new(16),
            FixedSizeBinaryBuilder::new(16),
        );
        let (mut keys, mut ids) = (StringBuilder::new(), StringBuilder::new());
        for (key, record) in page {
            self.found += 1;
            let Some(key) = key else { continue };
            hash.append_value(KeyHash::of(key).to_bytes())?;
            content.append_value(canonical(record).to_bytes())?;
            keys.append_value(key);
            ids.append_option(record.get("id").and_then(Value::as_str));
        }
        let batch = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(hash.finish()),
                Arc::new(content.finish()),
                Arc::new(keys.finish()),
                Arc::new(ids.finish()),
            ],
        )?;
        Ok(self.file.write(&batch)?)
    }

    /// Matches the records with what is ours and tells the ledger.
    ///
    /// # Errors
    /// Files cannot be read or written.
    pub async fn settle(
        self,
        engine: &Engine,
        (resource, objects): (&str, &Path),
        ledger: &Ledger,
        journal: &mut Journal,
        now: i64,
    ) -> Result<ReadBack, CheckError> {
        let mut done = ReadBack {
            resource: resource.to_owned(),
            found: self.found,
            ..ReadBack::default()
        };
        let target = self.file.finish()?;
        engine.table("target", &target.path).await?;
        engine.table("objects", objects).await?;
        engine
            .table("known", &known(engine, ledger, resource)?)
            .await?;
        let mut rows = engine.rows(OURS).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(failed("matching records"))?;
            adopt(&batch, resource, journal, now, &mut done)?;
        }
        let mut rows = engine.rows(LOST).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(failed("matching records"))?;
            let view = View::of(&batch);
            for i in 0..batch.num_rows() {
                let Some(entry) = view.entry(i, resource, Event::Deleted, now) else {
                    continue;
                };
                journal.append(std::iter::once(entry))?;
                done.lost += 1;
            }
        }
        Ok(done)
    }
}

/// Every record with the scope of its object, or of its row in the ledger.
const OURS: &str = "
WITH o AS (
    SELECT arrow_cast(_key_hash, 'Binary') AS h, max(arrow_cast(_content_hash, 'Binary')) AS content,
        min(arrow_cast(_content_hash, 'Binary')) AS other, count(*) AS n,
        max(_source_table) AS source_table, max(_source_key) AS source_key,
        max(_school_id) AS school_id, max(_person_id) AS person_id,
        max(_course_id) AS course_id, max(_section_id) AS section_id
    FROM objects GROUP BY 1
), k AS (
    SELECT arrow_cast(key_hash, 'Binary') AS h, source_table, source_key,
        school_id, person_id, course_id, section_id
    FROM known
), t AS (SELECT arrow_cast(key_hash, 'Binary') AS h, content_hash, key, server_id FROM target)
SELECT t.key, arrow_cast(t.content_hash, 'Binary') AS content, t.server_id,
    o.h IS NOT NULL AS staged, k.h IS NOT NULL AS known,
    o.content = arrow_cast(t.content_hash, 'Binary') OR o.other = arrow_cast(t.content_hash, 'Binary')
        AS same,
    coalesce(o.source_table, k.source_table, '') AS source_table,
    coalesce(o.source_key, k.source_key, '') AS source_key,
    CASE WHEN o.h IS NULL THEN k.school_id ELSE o.school_id END AS school_id,
    CASE WHEN o.h IS NULL THEN k.person_id ELSE o.person_id END AS person_id,
    CASE WHEN o.h IS NULL THEN k.course_id ELSE o.course_id END AS course_id,
    CASE WHEN o.h IS NULL THEN k.section_id ELSE o.section_id END AS section_id
FROM t LEFT JOIN o ON o.h = t.h LEFT JOIN k ON k.h = t.h";

/// What the ledger knows as delivered and the target does not have.
const LOST: &str = "
SELECT k.key, k.source_table, k.source_key, k.school_id, k.person_id, k.course_id, k.section_id
FROM (SELECT *, arrow_cast(key_hash, 'Binary') AS h FROM known WHERE content_hash IS NOT NULL) k
LEFT ANTI JOIN (SELECT arrow_cast(key_hash, 'Binary') AS h FROM target) t ON t.h = k.h";

fn schema() -> SchemaRef {
    let hash = |name: &str| Field::new(name, DataType::FixedSizeBinary(16), false);
    Arc::new(Schema::new(vec![
        hash("key_hash"),
        hash("content_hash"),
        Field::new("key", DataType::Utf8, false),
        Field::new("server_id", DataType::Utf8, true),
    ]))
}

/// The ledger's rows of a resource as one file.
fn known(
    engine: &Engine,
    ledger: &Ledger,
    resource: &str,
) -> Result<std::path::PathBuf, CheckError> {
    let path = engine.folder().join("known.parquet");
    let rows = ledger.snapshot(resource)?.rows(Columns::Wide)?;
    let mut file = ParquetFile::create(&path, rows.schema(), &Layout::results())?;
    for batch in rows {
        file.write(&batch?)?;
    }
    Ok(file.finish()?.path)
}

fn adopt(
    batch: &RecordBatch,
    resource: &str,
    journal: &mut Journal,
    now: i64,
    done: &mut ReadBack,
) -> Result<(), CheckError> {
    let view = View::of(batch);
    for i in 0..batch.num_rows() {
        let (staged, known) = (view.flag("staged", i), view.flag("known", i));
        if !staged && !known {
            done.others += 1;
            continue;
        }
        let content = view.bytes("content", i).and_then(ContentHash::from_bytes);
        let Some(content_hash) = content else {
            continue;
        };
        let event = Event::Delivered {
            content_hash,
            server_id: view.text("server_id", i),
        };
        let Some(entry) = view.entry(i, resource, event, now) else {
            continue;
        };
        journal.append(std::iter::once(entry))?;
        match (staged, view.flag("same", i)) {
            (false, _) => done.gone_here += 1,
            (true, true) => done.same += 1,
            (true, false) => done.differ += 1,
        }
    }
    Ok(())
}

/// Columns by name, whatever integer or text type the engine has made of them.
struct View<'a>(&'a RecordBatch);

impl<'a> View<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        Self(batch)
    }

    fn text(&self, name: &str, i: usize) -> &'a str {
        let column = self
            .0
            .column_by_name(name)
            .and_then(|c| c.as_string_opt::<i32>());
        column.filter(|c| c.is_valid(i)).map_or("", |c| c.value(i))
    }

    fn bytes(&self, name: &str, i: usize) -> Option<&'a [u8]> {
        let column = self.0.column_by_name(name)?.as_binary_opt::<i32>()?;
        column.is_valid(i).then(|| column.value(i))
    }

    fn flag(&self, name: &str, i: usize) -> bool {
        let column = self.0.column_by_name(name).and_then(|c| c.as_boolean_opt());
        column.is_some_and(|c| c.is_valid(i) && c.value(i))
    }

    fn id(&self, name: &str, i: usize) -> Option<i64> {
        let column = self
            .0
            .column_by_name(name)?
            .as_primitive_opt::<Int64Type>()?;
        column.is_valid(i).then(|| column.value(i))
    }

    fn entry(&self, i: usize, resource: &'a str, event: Event<'a>, at: i64) -> Option<Entry<'a>> {
        let key = self.text("key", i);
        (!key.is_empty()).then(|| Entry {
            resource,
            key_hash: KeyHash::of(key),
            key,
            source_table: self.text("source_table", i),
            source_key: self.text("source_key", i),
            school_id: self.id("school_id", i),
            person_id: self.id("person_id", i),
            course_id: self.id("course_id", i),
            section_id: self.id("section_id", i),
            event,
            at,
        })
    }
}

/// The content hash that an object would have whose body the target gives back as this record:
/// without what the server adds (`id`, `_etag`, `_lastModifiedDate`, links), names sorted, empty
/// members left out. A target that writes a value in another way (a decimal, the order of a list)
/// gives another hash: the object is sent once more.
pub fn canonical(record: &Value) -> ContentHash {
    let mut text = String::new();
    let top = record.as_object().into_iter().flatten();
    let own = top.filter(|(name, _)| {
        name.as_str() == "_ext" || (!name.starts_with('_') && name.as_str() != "id")
    });
    object(own.collect(), &mut text);
    ContentHash::of(text.as_bytes())
}

fn object(mut members: Vec<(&String, &Value)>, out: &mut String) {
    members.retain(|(name, value)| name.as_str() != "link" && !is_empty(value));
    members.sort_by_key(|(name, _)| *name);
    out.push('{');
    for (i, (name, value)) in members.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => object(members.iter().collect(), out),
        Value::Array(elements) => {
            out.push('[');
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(element, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_adds_changes_no_hash() {
        let sent = br#"{"birthDate":"2010-01-02","schoolReference":{"schoolId":7},"x":[{"a":1}]}"#;
        let back = json!({
            "id": "4f", "_etag": "1", "_lastModifiedDate": "2026-01-01T00:00:00Z",
            "x": [{"a": 1}], "y": [], "z": null, "w": {},
            "schoolReference": {"schoolId": 7, "link": {"rel": "School", "href": "/x"}},
            "birthDate": "2010-01-02",
        });
        assert_eq!(canonical(&back), ContentHash::of(sent));
        let other = json!({"birthDate": "2010-01-03", "schoolReference": {"schoolId": 7}});
        assert_ne!(canonical(&other), ContentHash::of(sent));
    }
}
