//! The data standard as the sandbox checks it: members in order, keys, references, locks.
//!
//! Reads: nothing (`compile` makes it). Writes: nothing. Never: a name lookup that a request would repeat.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::unify::Group;

/// The resource whose records exist on every server: the years 1991 to 2050.
pub(super) const SCHOOL_YEAR_TYPES: &str = "schoolYearTypes";

/// All resources and descriptor types.
#[derive(Debug)]
pub(super) struct Layout {
    /// Sorted by name; the position is the resource's number everywhere in the sandbox.
    pub(super) resources: Vec<Resource>,
    /// Sorted by name.
    pub(super) descriptors: Vec<DescriptorType>,
    /// `/ed-fi/students`, as it is written and in lower case.
    pub(super) paths: HashMap<String, Endpoint>,
}

/// What a data path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A resource by number.
    Resource(u16),
    /// A descriptor type by number.
    Descriptor(u16),
}

/// One resource.
#[derive(Debug)]
pub(super) struct Resource {
    /// `students`.
    pub(super) name: String,
    /// `/ed-fi/students`.
    pub(super) path: String,
    /// `Student`, as messages call it.
    pub(super) title: String,
    /// Parts of the natural key, sorted by name.
    pub(super) key: Vec<Part>,
    /// Whether a PUT may change the key.
    pub(super) key_updatable: bool,
    /// Top-level members, sorted by name.
    pub(super) members: Vec<Member>,
    /// Members of several references that must agree.
    pub(super) unified: Vec<Group>,
    /// Locks of a write: this resource, what it refers to, what authorizes it; sorted.
    pub(super) write_set: Vec<u16>,
    /// Resources that may refer to this one, sorted.
    pub(super) referrers: Vec<u16>,
    /// Who authorizes an update, for persons.
    pub(super) person: Option<PersonRule>,
}

/// One part of a natural key.
#[derive(Debug)]
pub(super) struct Part {
    /// Name, as queries call it.
    pub(super) name: String,
    /// Members from the body's root down to the value.
    pub(super) path: Vec<String>,
    /// Type of the value.
    pub(super) scalar: Scalar,
}

/// A person may be updated once an association refers to it.
#[derive(Debug)]
pub(super) struct PersonRule {
    /// Associations that refer to the person.
    pub(super) direct: Vec<u16>,
    /// Associations that must share another reference with the direct one.
    pub(super) indirect: Vec<u16>,
}

/// One member of an object.
#[derive(Debug)]
pub(super) struct Member {
    /// `codeValue`.
    pub(super) name: String,
    /// `"codeValue":`, ready to write.
    pub(super) prefix: String,
    /// `CodeValue`, as messages call it.
    pub(super) title: String,
    /// Whether it must be there.
    pub(super) required: bool,
    /// Whether it is part of a natural key: no spaces around it.
    pub(super) key: bool,
    /// What it holds.
    pub(super) shape: Shape,
}

/// What a member holds.
#[derive(Debug)]
pub(super) enum Shape {
    /// One value.
    Scalar(Scalar),
    /// A nested object.
    Object(Vec<Member>),
    /// A list of nested objects.
    Array(Vec<Member>),
    /// A reference.
    Reference(Reference),
}

/// A reference's members and where they may lead.
#[derive(Debug)]
pub(super) struct Reference {
    /// The members, all required.
    pub(super) members: Vec<Member>,
    /// The resources that it may point at; empty: not checked.
    pub(super) targets: Vec<Target>,
    /// `School`, as messages call it.
    pub(super) title: String,
}

/// One resource that a reference may point at.
#[derive(Debug)]
pub(super) struct Target {
    /// Its number.
    pub(super) resource: u16,
    /// For each part of its key: the name, and the reference's member that holds the value.
    pub(super) parts: Vec<(String, usize)>,
}

/// Type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// Text with its longest length.
    Text(Option<u32>),
    /// A descriptor of a type by number; `None`: a type without known values, any is taken.
    Descriptor(Option<u16>),
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// Decimal number.
    Number,
    /// true or false.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// `HH:MM:SS`.
    Time,
    /// ISO 8601.
    DateTime,
}

/// One descriptor type and its values.
#[derive(Debug)]
pub(super) struct DescriptorType {
    /// `GradeLevelDescriptor`.
    pub(super) title: String,
    /// `gradeLevelDescriptors`.
    pub(super) name: String,
    /// `(namespace, code value)` in order.
    pub(super) values: Vec<(String, String)>,
    /// The URIs `namespace#code value`.
    pub(super) uris: HashSet<String>,
}

impl Layout {
    /// What `/ed-fi/students` leads to; case is ignored.
    pub(super) fn find(&self, path: &str) -> Option<Endpoint> {
        match self.paths.get(path) {
            Some(endpoint) => Some(*endpoint),
            None => self.paths.get(&path.to_ascii_lowercase()).copied(),
        }
    }

    /// The resource of this number.
    pub(super) fn resource(&self, number: u16) -> &Resource {
        &self.resources[usize::from(number)]
    }

    /// The number of the resource of this name.
    pub(super) fn number(&self, name: &str) -> Option<u16> {
        self.resources
            .binary_search_by(|r| r.name.as_str().cmp(name))
            .ok()
            .and_then(|position| u16::try_from(position).ok())
    }
}

/// The hash under which a shelf keeps a natural key.
pub(super) fn key_hash(text: &str) -> u128 {
    xxh3_128(text.as_bytes())
}

/// The hash under which a shelf keeps that one of its records refers to this one.
pub(super) fn reference_hash(resource: u16, key: u128) -> u64 {
    xxh3_64_with_seed(&key.to_le_bytes(), u64::from(resource))
}

/// The id of a new record. The version makes it another one after a DELETE, as a real server's is.
pub(super) fn record_id(instance: &str, resource: &Resource, key: u128, version: u64) -> u128 {
    let text = format!("{instance}/{}/{key:032x}/{version}", resource.name);
    xxh3_128(text.as_bytes())
}

/// `studentSchoolAssociations` -> `studentSchoolAssociation`.
pub(super) fn singular(name: &str) -> String {
    if name == "people" {
        return "person".to_owned();
    }
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

/// `codeValue` -> `CodeValue`.
pub(super) fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
