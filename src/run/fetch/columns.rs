//! The columns of a resource's records, as the metadata has its fields.
//!
//! Reads: metadata, records. Writes: a schema. Never: loses a member: what the metadata does not
//! know stands as JSON in `_other`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::{Map, Value};

use super::keys::Keys;
use crate::metadata::{Field as Member, Kind, ResourceMeta};

/// Members that every server adds.
const SERVERS: [&str; 3] = ["id", "_etag", "_lastModifiedDate"];
/// What the metadata does not know, as JSON.
const OTHER: &str = "_other";

/// The schema of a resource's records: `id`, the fields by name, what the server adds, `_other`.
pub(super) fn schema(meta: &ResourceMeta, keys: &Keys) -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let mut fields: Vec<Field> = Vec::new();
    if keys.keeps("id") {
        fields.push(text("id"));
    }
    fields.extend(members(&meta.fields, "", keys));
    fields.extend(
        SERVERS[1..]
            .iter()
            .filter(|n| keys.keeps(n))
            .map(|n| text(n)),
    );
    fields.push(text(OTHER));
    Arc::new(Schema::new(fields))
}

fn members(fields: &BTreeMap<String, Member>, at: &str, keys: &Keys) -> Vec<Field> {
    let mut found = Vec::new();
    for (name, member) in fields {
        let path = match at {
            "" => name.clone(),
            at => format!("{at}.{name}"),
        };
        if keys.keeps(&path) {
            found.extend(column(&member.kind, &path, keys).map(|t| Field::new(name, t, true)));
        }
    }
    found
}

/// The type of a member; None when nothing of it stays.
fn column(kind: &Kind, path: &str, keys: &Keys) -> Option<DataType> {
    let group = |fields: &BTreeMap<String, Member>| {
        let fields = members(fields, path, keys);
        (!fields.is_empty()).then(|| DataType::Struct(Fields::from(fields)))
    };
    Some(match kind {
        Kind::Int32 | Kind::Int64 => DataType::Int64,
        Kind::Number => DataType::Float64,
        Kind::Boolean => DataType::Boolean,
        Kind::Object { fields } | Kind::Reference { fields, .. } => group(fields)?,
        Kind::Array { fields } => {
            DataType::List(Arc::new(Field::new("item", group(fields)?, true)))
        }
        // Dates, too, stand as the target gave them.
        _ => DataType::Utf8,
    })
}

/// Makes a record fit the schema: what it has no column for goes into `_other`.
pub(super) fn fit(schema: &Schema, record: &mut Value) {
    let Value::Object(members) = record else {
        return;
    };
    let other = take_other(schema.fields(), members);
    if !other.is_empty() {
        let text = Value::Object(other).to_string();
        members.insert(OTHER.to_owned(), Value::String(text));
    }
}

/// Takes out what has no column, or a value that its column cannot hold.
fn take_other(fields: &Fields, members: &mut Map<String, Value>) -> Map<String, Value> {
    let mut other = Map::new();
    for (name, mut value) in std::mem::take(members) {
        let field = fields.iter().find(|f| *f.name() == name);
        match field.map(|f| hold(f.data_type(), &mut value)) {
            Some(Held::All) => {
                members.insert(name, value);
            }
            Some(Held::But(rest)) => {
                members.insert(name.clone(), value);
                other.insert(name, rest);
            }
            // `link` members of references are addresses of this very answer.
            _ if name == "link" => {}
            None | Some(Held::Nothing) => {
                other.insert(name, value);
            }
        }
    }
    other
}

enum Held {
    All,
    /// All but this.
    But(Value),
    Nothing,
}

fn hold(kind: &DataType, value: &mut Value) -> Held {
    let fits = match (kind, &mut *value) {
        (_, Value::Null) => true,
        (DataType::Utf8, Value::String(_)) => true,
        (DataType::Int64, Value::Number(n)) => n.is_i64(),
        (DataType::Float64, Value::Number(_)) | (DataType::Boolean, Value::Bool(_)) => true,
        (DataType::Struct(fields), Value::Object(members)) => {
            let other = take_other(fields, members);
            return match other.is_empty() {
                true => Held::All,
                false => Held::But(Value::Object(other)),
            };
        }
        (DataType::List(item), Value::Array(elements)) => {
            let mut others = Vec::new();
            let mut lost = false;
            for element in elements {
                match hold(item.data_type(), element) {
                    Held::All => others.push(Value::Null),
                    Held::But(rest) => {
                        lost = true;
                        others.push(rest);
                    }
                    Held::Nothing => {
                        lost = true;
                        others.push(element.take());
                    }
                }
            }
            return match lost {
                true => Held::But(Value::Array(others)),
                false => Held::All,
            };
        }
        _ => false,
    };
    match fits {
        true => Held::All,
        false => Held::Nothing,
    }
}
