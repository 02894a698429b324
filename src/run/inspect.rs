//! Asking the target: counts, records, verification against the ledger.

use serde_json::Value;

use super::RunError;
use super::connect::Target;
use super::fetch::question;
use super::prepare::Selection;
use crate::ledger::Ledger;
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

/// Counts the records of each resource at the target that pass the filters: an API by `Total-Count`,
/// a state edition by its digests of a school year, a SIF 3 provider by HEAD; those know no filters.
///
/// # Errors
/// The target refuses or does not answer.
pub async fn count(
    target: &Target,
    school_year: i32,
    selection: &Selection,
    filters: &[(String, String)],
    ledger: Option<&Ledger>,
) -> Result<Vec<Count>, RunError> {
    if target.api().is_err() && !filters.is_empty() {
        let why = "--query is for an Ed-Fi API: a state edition and a SIF 3 provider count whole \
                   objects only";
        return Err(RunError::Mode(why.to_owned()));
    }
    let mut counts = Vec::new();
    for p in &selection.resources {
        let resource = p.resource.name.clone();
        let target = match (target.state(), target.provider()) {
            (Some(state), _) => {
                let schools = state.digests(school_year, &resource).await?;
                schools.iter().map(|school| school.records).sum()
            }
            (None, Some(provider)) => super::rest::one(provider, &resource).await?,
            (None, None) => target.api()?.count_of(&question(p, filters)).await?,
        };
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
