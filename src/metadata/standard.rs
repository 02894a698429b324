//! A data standard as a value: the shipped one, files, look-ups.
//!
//! Reads: `pipelines/metadata/edfi-ds5.json` (built in) or a metadata file. Writes: the text of a
//! metadata file. Never: HTTP.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::{Field, Kind, MetadataError, ResourceMeta, Standard};

/// The Data Standard 5 metadata that is built into the program.
const SHIPPED: &str = include_str!("../../pipelines/metadata/edfi-ds5.json");

/// The objects of the DIS contract, version 1, built in as well.
const DIS: &str = include_str!("../../pipelines/metadata/dis.json");

/// The objects of the North American data models of SIF 2 and of SIF 3, built in as well.
const SIF_2: &str = include_str!("../../pipelines/metadata/sif-na2.json");
const SIF_4: &str = include_str!("../../pipelines/metadata/sif-na4.json");

/// Longest descriptor URI in characters: namespace 255, `#`, code value 50 (Ed-Fi ODS / API).
pub const DESCRIPTOR_MAX: u32 = 306;

/// What is known about one descriptor URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The target has it.
    Yes,
    /// The namespace is listed and the value is not in it, or the namespace is another type's, or
    /// the text is no descriptor URI.
    No,
    /// Nothing is listed of this namespace (a state's own, for example): only the target can tell.
    OtherNamespace,
}

impl Standard {
    /// The Data Standard 5 metadata that is built into the program; parsed once.
    pub fn shipped() -> Arc<Self> {
        static PARSED: OnceLock<Arc<Standard>> = OnceLock::new();
        // The text is part of the program and a test reads it, so the empty standard is never seen.
        Arc::clone(PARSED.get_or_init(|| Arc::new(parse(SHIPPED).unwrap_or_default())))
    }

    /// The objects of the DIS contract that are built into the program; parsed once.
    pub fn dis() -> Arc<Self> {
        static PARSED: OnceLock<Arc<Standard>> = OnceLock::new();
        Arc::clone(PARSED.get_or_init(|| Arc::new(parse(DIS).unwrap_or_default())))
    }

    /// The objects of the SIF North American data model 2.x that are built into the program; parsed
    /// once.
    pub fn sif_2() -> Arc<Self> {
        static PARSED: OnceLock<Arc<Standard>> = OnceLock::new();
        Arc::clone(PARSED.get_or_init(|| Arc::new(parse(SIF_2).unwrap_or_default())))
    }

    /// The objects of the SIF North American data model 4.x that are built into the program; parsed
    /// once.
    pub fn sif_4() -> Arc<Self> {
        static PARSED: OnceLock<Arc<Standard>> = OnceLock::new();
        Arc::clone(PARSED.get_or_init(|| Arc::new(parse(SIF_4).unwrap_or_default())))
    }

    /// Reads a metadata file.
    ///
    /// # Errors
    /// [`MetadataError::Read`] or [`MetadataError::Format`], with the path.
    pub fn load(path: &Path) -> Result<Self, MetadataError> {
        let bytes = crate::shipped::read(path).map_err(|source| MetadataError::Read {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| MetadataError::Format {
            path: path.to_owned(),
            source,
        })
    }

    /// The text of a metadata file: JSON, with one line per resource, descriptor type and
    /// prerequisite, so that a version control system shows what changed.
    pub fn to_json(&self) -> String {
        let mut text = String::with_capacity(1 << 20);
        text.push_str("{\n");
        let _ = writeln!(text, "\"name\": {},", json(&self.name));
        let _ = writeln!(text, "\"notice\": {},", json(&self.notice));
        lines(&mut text, "resources", &self.resources);
        text.push_str(",\n");
        lines(&mut text, "descriptors", &self.descriptors);
        text.push_str(",\n\"edges\": [");
        for (i, (from, to)) in self.edges.iter().enumerate() {
            let same = i > 0 && self.edges.get(i - 1).is_some_and(|(f, _)| f == from);
            text.push_str(match (i, same) {
                (0, _) => "\n",
                (_, true) => ", ",
                (_, false) => ",\n",
            });
            let _ = write!(text, "[{}, {}]", json(from), json(to));
        }
        text.push_str("\n],\n");
        lines(&mut text, "retries", &self.retries);
        text.push_str("\n}\n");
        text
    }

    /// The resource of this name (`students`).
    pub fn resource(&self, name: &str) -> Option<&ResourceMeta> {
        self.resources.get(name)
    }

    /// The resource at this path below the data URL (`/ed-fi/students`), with its name.
    pub fn resource_by_path(&self, path: &str) -> Option<(&str, &ResourceMeta)> {
        let path = path.trim_end_matches('/');
        // Nearly always the last segment is the name, so the scan over all is rare.
        let named = path.rsplit('/').next().and_then(|last| {
            self.resources
                .get_key_value(last)
                .filter(|(_, r)| r.path == path)
        });
        named
            .or_else(|| self.resources.iter().find(|(_, r)| r.path == path))
            .map(|(name, resource)| (name.as_str(), resource))
    }

    /// Calls a resource by another name, everywhere. One that has the new name is called as `from`
    /// was.
    pub fn rename(&mut self, from: &str, to: &str) {
        if from == to || !self.resources.contains_key(from) {
            return;
        }
        let change = |name: &mut String| {
            if name == from {
                to.clone_into(name);
            } else if name == to {
                from.clone_into(name);
            }
        };
        let (ours, theirs) = (self.resources.remove(from), self.resources.remove(to));
        self.resources.extend(ours.map(|r| (to.to_owned(), r)));
        self.resources.extend(theirs.map(|r| (from.to_owned(), r)));
        for resource in self.resources.values_mut() {
            rename_targets(&mut resource.fields, &change);
        }
        for (before, after) in &mut self.edges {
            change(before);
            change(after);
        }
        self.edges.sort();
        let retries = std::mem::take(&mut self.retries);
        self.retries
            .extend(retries.into_iter().map(|(mut name, mut after)| {
                change(&mut name);
                after.iter_mut().for_each(change);
                (name, after)
            }));
    }

    /// Whether a descriptor URI names a value of this type (`GradeLevelDescriptor`). Letter case is
    /// ignored in the code value, as the ODS / API ignores it.
    pub fn descriptor_exists(&self, descriptor: &str, uri: &str) -> Known {
        let Some((namespace, code)) = uri.split_once('#') else {
            return Known::No;
        };
        if !namespace.starts_with("uri://") || code.is_empty() {
            return Known::No;
        }
        let Some(namespaces) = self.descriptors.get(descriptor) else {
            return Known::OtherNamespace;
        };
        if let Some(values) = namespaces.get(namespace) {
            let found = values.binary_search_by(|v| v.as_str().cmp(code)).is_ok()
                || values.iter().any(|v| v.eq_ignore_ascii_case(code));
            return if found { Known::Yes } else { Known::No };
        }
        // The namespace of another type is a mistake; one of nobody's may be the target's own.
        let last = namespace.rsplit('/').next().unwrap_or_default();
        if self.descriptors.contains_key(last) && last != descriptor {
            Known::No
        } else {
            Known::OtherNamespace
        }
    }
}

impl ResourceMeta {
    /// The field at a dot-separated path (`courseOfferingReference.schoolId`), through nested
    /// objects, references and the elements of lists.
    pub fn field(&self, path: &str) -> Option<&Field> {
        let mut parts = path.split('.');
        let mut field = self.fields.get(parts.next()?)?;
        for part in parts {
            field = field.kind.members()?.get(part)?;
        }
        Some(field)
    }
}

impl Kind {
    /// The members of a nested object, list element or reference.
    pub fn members(&self) -> Option<&BTreeMap<String, Field>> {
        match self {
            Self::Object { fields } | Self::Array { fields } | Self::Reference { fields, .. } => {
                Some(fields)
            }
            _ => None,
        }
    }
}

fn parse(text: &str) -> Result<Standard, serde_json::Error> {
    serde_json::from_str(text)
}

/// `"name": {` and one line per entry.
fn lines<T: Serialize>(text: &mut String, name: &str, entries: &BTreeMap<String, T>) {
    let _ = write!(text, "\"{name}\": {{");
    for (i, (key, value)) in entries.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n{}: {}", json(key), json(value));
    }
    text.push_str("\n}");
}

/// Compact JSON. The model holds nothing that JSON cannot (no map with other keys than text, no
/// NaN), so the fallback is never taken.
fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

fn rename_targets(fields: &mut BTreeMap<String, Field>, change: &impl Fn(&mut String)) {
    for field in fields.values_mut() {
        match &mut field.kind {
            Kind::Reference { targets, .. } => targets.iter_mut().for_each(change),
            Kind::Object { fields } | Kind::Array { fields } => rename_targets(fields, change),
            _ => {}
        }
    }
}
