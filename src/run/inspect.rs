//! Asking the target: counts, records, verification against the ledger.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::RunError;
use super::prepare::Selection;
use crate::files;
use crate::ledger::Ledger;
use crate::load::{Api, Pages};
use crate::metadata::ResourceMeta;
use crate::object::Key;

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
        let mut pages = Pages::new(api, &p.meta.path);
        while let Some(page) = pages.next().await? {
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
