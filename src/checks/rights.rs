//! What a key may do, by token introspection, against what a load needs.
//!
//! Reads: the target's answer. Writes: nothing. Never: the token itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// Rights of a key, by resource path in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(BTreeMap<String, BTreeSet<String>>);

/// One resource whose rights are not all there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// The resource.
    pub resource: String,
    /// Operations that are missing (`create`, `read`, `update`, `delete`).
    pub missing: Vec<&'static str>,
    /// Whether a load will be refused (403), or only checks and deletes.
    pub blocks: bool,
}

impl Rights {
    /// Reads the answer of token introspection; `None` when it lists no resources.
    pub fn read(info: &Value) -> Option<Self> {
        let resources = info.get("resources")?.as_array()?;
        let mut rights = Self::default();
        for resource in resources {
            let Some(path) = resource.get("resource").and_then(Value::as_str) else {
                continue;
            };
            let operations = resource.get("operations").and_then(Value::as_array);
            let operations = operations.into_iter().flatten().filter_map(Value::as_str);
            let granted = rights.0.entry(path.to_lowercase()).or_default();
            granted.extend(operations.map(str::to_lowercase));
        }
        Some(rights)
    }

    /// What a resource lacks; `writes` unless the target owns it and it is only looked up.
    pub fn lacking(&self, resource: &str, path: &str, writes: bool) -> Option<Lacking> {
        let granted = self.0.get(&path.to_lowercase());
        let lacks = |operation: &str| granted.is_none_or(|g| !g.contains(operation));
        let needed: &[&'static str] = match writes {
            true => &["create", "update", "read", "delete"],
            false => &["read"],
        };
        let missing: Vec<&'static str> = needed.iter().copied().filter(|o| lacks(o)).collect();
        let blocks = missing
            .iter()
            .any(|o| !writes || matches!(*o, "create" | "update"));
        (!missing.is_empty()).then(|| Lacking {
            resource: resource.to_owned(),
            missing,
            blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_load_needs_and_what_only_checks_need() {
        let rights = Rights::read(&json!({"resources": [
            {"resource": "/ed-fi/students", "operations": ["Create", "Update", "Read"]},
            {"resource": "/ed-fi/schools", "operations": ["Read"]},
        ]}))
        .unwrap();
        let students = rights.lacking("students", "/ed-fi/students", true).unwrap();
        assert_eq!((students.missing, students.blocks), (vec!["delete"], false));
        let schools = rights.lacking("schools", "/ed-fi/schools", true).unwrap();
        assert_eq!(schools.missing, ["create", "update", "delete"]);
        assert!(schools.blocks);
        assert_eq!(rights.lacking("schools", "/ed-fi/schools", false), None);
        let none = rights.lacking("staffs", "/ed-fi/staffs", false).unwrap();
        assert!(none.blocks && none.missing == ["read"]);
        assert_eq!(Rights::read(&json!({"active": true})), None);
    }
}
