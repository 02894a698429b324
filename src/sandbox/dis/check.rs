//! What the state refuses a record for.
//!
//! Reads: the standard's metadata, records. Writes: nothing. Never: looks at other records; it says
//! which ones must be there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::metadata::{Field, Kind, ResourceMeta, Standard};

/// Fields that the state wants by its own rules, which no metadata tells a district: object, field,
/// code, what to do.
const RULES: [(&str, &str, &str, &str); 1] = [(
    "School",
    "stateSchoolNumber",
    "no_state_number",
    "the school has no state number; ask the state for one and enter it with the school",
)];

/// Why a record is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// A record that another one refers to: the objects that may hold it, and its key.
pub(super) type Needed = (Vec<String>, String);

/// What holds for the records of one object.
pub(super) struct Rules<'a> {
    pub(super) standard: &'a Standard,
    pub(super) meta: &'a ResourceMeta,
    /// Fields that the state owns.
    pub(super) owned: &'a [String],
}

impl Rules<'_> {
    /// Checks a record by itself; the records that it needs.
    pub(super) fn check(
        &self,
        object: &str,
        key: &str,
        record: &Value,
    ) -> Result<Vec<Needed>, Refusal> {
        let Self { standard, meta, .. } = self;
        let Value::Object(record) = record else {
            return refuse(
                "invalid_value",
                "the record is not a JSON object".to_owned(),
            );
        };
        if let Some(name) = self.owned.iter().find(|name| record.contains_key(*name)) {
            return refuse(
                "state_owned",
                format!("{name} is the state's own; leave it out"),
            );
        }
        let mut needed = Vec::new();
        fields(standard, &meta.fields, record, "", &mut needed)?;
        let of_record = key_of(
            meta.key.iter().map(|p| (p.name.as_str(), p.path.as_str())),
            record,
        );
        if of_record.as_deref() != Some(key) {
            return refuse(
                "key_mismatch",
                "the key is not that of the record".to_owned(),
            );
        }
        for (of, field, code, message) in RULES {
            if of == object && !record.contains_key(field) {
                return refuse(code, message.to_owned());
            }
        }
        Ok(needed)
    }
}

fn refuse<T>(code: &'static str, message: String) -> Result<T, Refusal> {
    Err(Refusal { code, message })
}

fn fields(
    standard: &Standard,
    known: &BTreeMap<String, Field>,
    record: &Map<String, Value>,
    at: &str,
    needed: &mut Vec<Needed>,
) -> Result<(), Refusal> {
    if let Some(name) = record.keys().find(|name| !known.contains_key(*name)) {
        return refuse(
            "unknown_field",
            format!("{at}{name} is no field of this object"),
        );
    }
    for (name, field) in known {
        match record.get(name) {
            None | Some(Value::Null) if field.required => {
                return refuse("missing_required", format!("{at}{name} is missing"));
            }
            None | Some(Value::Null) => {}
            Some(found) => value(standard, &field.kind, found, &format!("{at}{name}"), needed)?,
        }
    }
    Ok(())
}

fn value(
    standard: &Standard,
    kind: &Kind,
    value: &Value,
    at: &str,
    needed: &mut Vec<Needed>,
) -> Result<(), Refusal> {
    let inside = format!("{at}.");
    let fits = match (kind, value) {
        (Kind::String { max: Some(max) }, Value::String(text)) => {
            let length = text.chars().count();
            if length > *max as usize {
                let message = format!("{at} has {length} characters, {max} are allowed");
                return refuse("too_long", message);
            }
            true
        }
        (Kind::String { max: None } | Kind::Descriptor { .. }, Value::String(_)) => true,
        (Kind::Int32, Value::Number(n)) => n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        (Kind::Int64, Value::Number(n)) => n.as_i64().is_some(),
        (Kind::Number, Value::Number(_)) | (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Date, Value::String(text)) => {
            chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
        }
        (Kind::Time, Value::String(text)) => {
            chrono::NaiveTime::parse_from_str(text, "%H:%M:%S").is_ok()
        }
        (Kind::DateTime, Value::String(text)) => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        (Kind::Object { fields: known }, Value::Object(members)) => {
            fields(standard, known, members, &inside, needed)?;
            true
        }
        (Kind::Array { fields: known }, Value::Array(elements)) => {
            for element in elements {
                let Value::Object(members) = element else {
                    return refuse("invalid_value", format!("{at} holds what is no object"));
                };
                fields(standard, known, members, &inside, needed)?;
            }
            true
        }
        (
            Kind::Reference {
                targets,
                fields: known,
            },
            Value::Object(members),
        ) => {
            fields(standard, known, members, &inside, needed)?;
            let parts = targets.iter().filter_map(|t| standard.resource(t)).next();
            let parts = parts.into_iter().flat_map(|meta| &meta.key);
            if let Some(key) = key_of(parts.map(|p| (p.name.as_str(), p.name.as_str())), members) {
                needed.push((targets.clone(), key));
            }
            true
        }
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => refuse("invalid_value", format!("{at} is not of its type")),
    }
}

/// A key's text, `name=value&name=value`, as the contract writes it; None when a part is missing.
fn key_of<'a>(
    parts: impl Iterator<Item = (&'a str, &'a str)>,
    record: &Map<String, Value>,
) -> Option<String> {
    let mut key = String::new();
    for (name, path) in parts {
        let mut path = path.split('.');
        let first = record.get(path.next()?)?;
        let value = path.try_fold(first, |value, member| value.get(member))?;
        let text = match value {
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if !key.is_empty() {
            key.push('&');
        }
        key.push_str(name);
        key.push('=');
        for c in text.chars() {
            if matches!(c, '%' | '&' | '=') || c.is_control() {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(key, "%{byte:02X}");
                }
            } else {
                key.push(c);
            }
        }
    }
    (!key.is_empty()).then_some(key)
}
