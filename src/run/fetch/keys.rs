//! Which members of records are kept or dropped, by dotted paths.
//!
//! Reads: a record. Writes: the record. Never: fails on a member that is not there.

use serde_json::Value;

/// `--keep` and `--drop`. A path leads through nested objects, references and the elements of lists
/// (`addresses.city`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Only these; empty: all.
    pub keep: Vec<String>,
    /// These not; they go before `keep`.
    pub drop: Vec<String>,
}

impl Keys {
    /// Whether nothing changes.
    pub fn is_all(&self) -> bool {
        self.keep.is_empty() && self.drop.is_empty()
    }

    /// Whether a member at a path stays, whole or in part.
    pub(super) fn keeps(&self, path: &str) -> bool {
        let within = |path: &str, of: &str| {
            path == of
                || path
                    .strip_prefix(of)
                    .is_some_and(|rest| rest.starts_with('.'))
        };
        let dropped = self.drop.iter().any(|drop| within(path, drop));
        let kept = self.keep.is_empty()
            || self
                .keep
                .iter()
                .any(|keep| within(path, keep) || within(keep, path));
        kept && !dropped
    }

    /// Takes out of a record what does not stay.
    pub(super) fn apply(&self, record: &mut Value) {
        if !self.is_all() {
            self.prune(record, "");
        }
    }

    fn prune(&self, value: &mut Value, at: &str) {
        match value {
            Value::Object(members) => {
                members.retain(|name, value| {
                    let path = match at {
                        "" => name.clone(),
                        at => format!("{at}.{name}"),
                    };
                    let stays = self.keeps(&path);
                    if stays {
                        self.prune(value, &path);
                    }
                    stays
                });
            }
            Value::Array(elements) => elements.iter_mut().for_each(|e| self.prune(e, at)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn item_13_dotted_paths_lead_into_lists_and_references() {
        let record = json!({
            "id": "1", "name": "A", "schoolReference": {"schoolId": 5, "link": {"rel": "x"}},
            "addresses": [{"city": "Austin", "street": "S"}, {"city": "Waco"}]
        });
        let after = |keep: &[&str], drop: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
            let mut record = record.clone();
            Keys {
                keep: own(keep),
                drop: own(drop),
            }
            .apply(&mut record);
            record
        };
        assert_eq!(after(&[], &[]), record);
        assert_eq!(
            after(&["id", "addresses.city"], &[]),
            json!({"id": "1", "addresses": [{"city": "Austin"}, {"city": "Waco"}]})
        );
        assert_eq!(
            after(&["schoolReference"], &["schoolReference.link"]),
            json!({"schoolReference": {"schoolId": 5}})
        );
        assert_eq!(
            after(&[], &["name", "addresses", "schoolReference"]),
            json!({"id": "1"})
        );
    }
}
