//! Whether a descriptor URI is one that the standard has; each distinct value is judged once.
//!
//! Reads: the standard's descriptor values. Writes: nothing. Never: judges a namespace that the
//! standard does not know (a state's own).

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use crate::metadata::{Field, Kind, Standard};

use super::rules::members;

/// Namespace -> code values of one descriptor type.
type Namespaces = BTreeMap<String, Vec<String>>;

/// The descriptor values of the types that one resource uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    types: BTreeMap<String, Namespaces>,
}

impl Known {
    /// Takes them from the standard.
    pub(super) fn of(standard: &Standard, fields: &BTreeMap<String, Field>) -> Self {
        let mut known = Self::default();
        known.add(standard, fields);
        known
    }

    fn add(&mut self, standard: &Standard, fields: &BTreeMap<String, Field>) {
        for field in fields.values() {
            if let Kind::Descriptor { name } | Kind::Code { name } = &field.kind
                && let Some(namespaces) = standard.descriptors.get(name)
            {
                self.types.insert(name.clone(), namespaces.clone());
            }
            if let Some(fields) = members(&field.kind) {
                self.add(standard, fields);
            }
        }
    }
}

/// Verdicts on the values of one descriptor type.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts {
    /// By hash of the value; the value is kept to be sure.
    known: HashMap<u64, (String, bool)>,
}

impl Verdicts {
    /// Whether the target is expected to take this value.
    pub(super) fn accept(&mut self, known: &Known, descriptor: &str, value: &str) -> bool {
        self.remember(value, || is_known(known, descriptor, value))
    }

    /// Whether a plain code is in its list, letter by letter.
    pub(super) fn accept_code(&mut self, known: &Known, list: &str, value: &str) -> bool {
        self.remember(value, || {
            let codes = known.types.get(list).and_then(|n| n.get(""));
            codes.is_none_or(|codes| codes.iter().any(|c| c == value))
        })
    }

    fn remember(&mut self, value: &str, decide: impl FnOnce() -> bool) -> bool {
        let hash = xxh3_64(value.as_bytes());
        match self.known.get(&hash) {
            Some((seen, verdict)) if seen == value => *verdict,
            _ => {
                let verdict = decide();
                self.known.insert(hash, (value.to_owned(), verdict));
                verdict
            }
        }
    }
}

/// Namespaces are `uri://ed-fi.org/GradeLevelDescriptor`, or without the type. Codes are compared
/// as servers do, without regard to case.
fn is_known(known: &Known, descriptor: &str, value: &str) -> bool {
    let Some((namespace, code)) = value.split_once('#') else {
        return false;
    };
    let Some((authority, name)) = namespace.rsplit_once('/') else {
        return false;
    };
    let Some(namespaces) = known.types.get(descriptor) else {
        return true;
    };
    let listed = |codes: &Vec<String>| codes.iter().any(|c| c.eq_ignore_ascii_case(code));
    let same_type = name == descriptor;
    match codes(namespaces, namespace, authority) {
        Some(codes) => same_type && listed(codes),
        None => !code.is_empty() && (same_type || !has_authority(namespaces, authority)),
    }
}

fn codes<'a>(
    namespaces: &'a Namespaces,
    namespace: &str,
    authority: &str,
) -> Option<&'a Vec<String>> {
    namespaces
        .get(namespace)
        .or_else(|| namespaces.get(authority))
}

fn has_authority(namespaces: &Namespaces, authority: &str) -> bool {
    let of = |name: &str| name.rsplit_once('/').is_some_and(|(a, _)| a == authority);
    namespaces.keys().any(|known| of(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_known_namespace_must_be_listed() {
        for namespace in ["uri://ed-fi.org/SexDescriptor", "uri://ed-fi.org"] {
            let mut known = Known::default();
            let codes = vec!["Female".to_owned(), "Male".to_owned()];
            let namespaces = BTreeMap::from([(namespace.to_owned(), codes)]);
            known.types.insert("SexDescriptor".to_owned(), namespaces);
            let mut verdicts = Verdicts::default();
            let mut accept = |value: &str| {
                let first = verdicts.accept(&known, "SexDescriptor", value);
                assert_eq!(first, verdicts.accept(&known, "SexDescriptor", value));
                first
            };
            assert!(accept("uri://ed-fi.org/SexDescriptor#Female"));
            assert!(accept("uri://ed-fi.org/SexDescriptor#female"));
            assert!(accept("uri://state.example/SexDescriptor#Anything"));
            assert!(!accept("uri://ed-fi.org/SexDescriptor#Neither"));
            assert!(!accept("uri://ed-fi.org/SexDescriptor#"));
            assert!(!accept("uri://ed-fi.org/TermDescriptor#Female"));
            assert!(!accept("Female"));
            assert!(!accept(""));
        }
    }
}
