//! The data standard, compiled for checking: members in order, keys, references, locks.
//!
//! Reads: the metadata. Writes: nothing. Never: a name lookup that a request would repeat.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::unify::{self, Group};
use crate::metadata::{Field, KeyPart, Kind, ResourceMeta, Standard};

/// The resource whose records exist on every server: the years 1991 to 2050.
pub(super) const SCHOOL_YEAR_TYPES: &str = "schoolYearTypes";

/// All resources and descriptor types.
#[derive(Debug)]
pub(super) struct Layout {
    /// Sorted by name; the position is the resource's number everywhere in the sandbox.
    pub(super) resources: Vec<Resource>,
    /// Sorted by name.
    pub(super) descriptors: Vec<DescriptorType>,
    /// `/ed-fi/students`, in lower case.
    paths: HashMap<String, Endpoint>,
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
    /// Compiles a data standard.
    pub(super) fn new(standard: &Standard) -> Self {
        let mut metas = standard.resources.clone();
        metas
            .entry(SCHOOL_YEAR_TYPES.to_owned())
            .or_insert_with(school_year_types);
        let descriptors: Vec<_> = standard
            .descriptors
            .iter()
            .map(|(title, values)| DescriptorType::new(title, values))
            .collect();
        let compiler = Compiler {
            numbers: metas
                .keys()
                .enumerate()
                .map(|(i, n)| (n.as_str(), number(i)))
                .collect(),
            descriptors: descriptors
                .iter()
                .enumerate()
                .map(|(i, d)| (d.title.as_str(), number(i)))
                .collect(),
            metas: &metas,
        };
        let mut resources: Vec<_> = metas
            .iter()
            .map(|(name, meta)| compiler.resource(name, meta))
            .collect();
        link(&mut resources, standard, &compiler.numbers);
        let mut paths: HashMap<_, _> = (0u16..)
            .zip(&resources)
            .map(|(i, r)| (r.path.to_ascii_lowercase(), Endpoint::Resource(i)))
            .collect();
        for (i, d) in (0u16..).zip(&descriptors) {
            paths.insert(
                format!("/ed-fi/{}", d.name.to_ascii_lowercase()),
                Endpoint::Descriptor(i),
            );
        }
        Self {
            resources,
            descriptors,
            paths,
        }
    }

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
            .map(number)
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

fn number(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}

fn school_year_types() -> ResourceMeta {
    let field = |kind| Field {
        required: true,
        kind,
    };
    ResourceMeta {
        path: "/ed-fi/schoolYearTypes".to_owned(),
        key: vec![KeyPart {
            name: "schoolYear".to_owned(),
            path: "schoolYear".to_owned(),
        }],
        key_updatable: false,
        fields: BTreeMap::from([
            ("schoolYear".to_owned(), field(Kind::Int32)),
            ("currentSchoolYear".to_owned(), field(Kind::Boolean)),
            (
                "schoolYearDescription".to_owned(),
                field(Kind::String { max: Some(50) }),
            ),
        ]),
    }
}

impl DescriptorType {
    fn new(title: &str, namespaces: &BTreeMap<String, Vec<String>>) -> Self {
        let mut values = Vec::new();
        for (namespace, codes) in namespaces {
            // Namespaces are written with the type (`uri://ed-fi.org/TermDescriptor`) or without.
            let full = match namespace.rsplit_once('/') {
                Some((_, last)) if last == title => namespace.clone(),
                _ => format!("{}/{title}", namespace.trim_end_matches('/')),
            };
            values.extend(codes.iter().map(|code| (full.clone(), code.clone())));
        }
        let mut name = title.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        Self {
            title: title.to_owned(),
            name: format!("{name}s"),
            uris: values.iter().map(|(n, c)| format!("{n}#{c}")).collect(),
            values,
        }
    }
}

struct Compiler<'a> {
    numbers: HashMap<&'a str, u16>,
    descriptors: HashMap<&'a str, u16>,
    metas: &'a BTreeMap<String, ResourceMeta>,
}

impl Compiler<'_> {
    fn resource(&self, name: &str, meta: &ResourceMeta) -> Resource {
        let key: Vec<_> = meta
            .key
            .iter()
            .filter_map(|part| self.part(meta, part))
            .collect();
        if key.len() < meta.key.len() || key.is_empty() {
            tracing::warn!(resource = name, "natural key not found in the fields");
        }
        let keys: BTreeSet<_> = meta.key.iter().map(|p| p.path.as_str()).collect();
        Resource {
            name: name.to_owned(),
            path: meta.path.clone(),
            title: capital(&singular(name)),
            key,
            key_updatable: meta.key_updatable,
            members: self.members(&meta.fields, false, &keys),
            unified: unify::groups(name, meta),
            write_set: Vec::new(),
            referrers: Vec::new(),
            person: None,
        }
    }

    fn part(&self, meta: &ResourceMeta, part: &KeyPart) -> Option<Part> {
        let path: Vec<_> = part.path.split('.').map(str::to_owned).collect();
        let mut fields = &meta.fields;
        for (depth, name) in path.iter().enumerate() {
            match &fields.get(name)?.kind {
                Kind::Object { fields: inner } | Kind::Reference { fields: inner, .. } => {
                    fields = inner;
                }
                kind if depth + 1 == path.len() => {
                    return Some(Part {
                        name: part.name.clone(),
                        scalar: self.scalar(kind)?,
                        path,
                    });
                }
                _ => return None,
            }
        }
        None
    }

    fn members(
        &self,
        fields: &BTreeMap<String, Field>,
        reference: bool,
        keys: &BTreeSet<&str>,
    ) -> Vec<Member> {
        fields
            .iter()
            .map(|(name, field)| Member {
                name: name.clone(),
                prefix: format!("\"{name}\":"),
                title: capital(name),
                required: field.required || reference,
                key: reference || keys.contains(name.as_str()),
                shape: self.shape(&field.kind),
            })
            .collect()
    }

    fn shape(&self, kind: &Kind) -> Shape {
        let none = BTreeSet::new();
        match kind {
            Kind::Object { fields } => Shape::Object(self.members(fields, false, &none)),
            Kind::Array { fields } => Shape::Array(self.members(fields, false, &none)),
            Kind::Reference { targets, fields } => {
                let members = self.members(fields, true, &none);
                let compiled = targets
                    .iter()
                    .filter_map(|t| self.target(t, &members))
                    .collect();
                Shape::Reference(Reference {
                    title: reference_title(targets, fields),
                    members,
                    targets: compiled,
                })
            }
            scalar => Shape::Scalar(self.scalar(scalar).unwrap_or(Scalar::Text(None))),
        }
    }

    fn target(&self, name: &str, members: &[Member]) -> Option<Target> {
        let resource = *self.numbers.get(name)?;
        let key = &self.metas.get(name)?.key;
        let parts: Option<Vec<_>> = key
            .iter()
            .map(|part| {
                let member = members.iter().position(|m| m.name == part.name);
                // An abstract reference calls the one part by its own name.
                let only = (key.len() == 1 && members.len() == 1).then_some(0);
                Some((part.name.clone(), member.or(only)?))
            })
            .collect();
        if parts.is_none() {
            tracing::warn!(target_resource = name, "a reference lacks parts of its key");
        }
        Some(Target {
            resource,
            parts: parts?,
        })
    }

    fn scalar(&self, kind: &Kind) -> Option<Scalar> {
        Some(match kind {
            Kind::String { max } => Scalar::Text(*max),
            Kind::Descriptor { name } => {
                Scalar::Descriptor(self.descriptors.get(name.as_str()).copied())
            }
            Kind::Int32 => Scalar::Int32,
            Kind::Int64 => Scalar::Int64,
            Kind::Number => Scalar::Number,
            Kind::Boolean => Scalar::Boolean,
            Kind::Date => Scalar::Date,
            Kind::Time => Scalar::Time,
            Kind::DateTime => Scalar::DateTime,
            Kind::Object { .. } | Kind::Array { .. } | Kind::Reference { .. } => return None,
        })
    }
}

fn reference_title(targets: &[String], fields: &BTreeMap<String, Field>) -> String {
    match targets {
        [one] => capital(&singular(one)),
        _ => fields
            .keys()
            .next()
            .map(|member| capital(member.strip_suffix("Id").unwrap_or(member)))
            .unwrap_or_default(),
    }
}

/// Fills in what needs all resources: locks, referrers, person rules.
fn link(resources: &mut [Resource], standard: &Standard, numbers: &HashMap<&str, u16>) {
    let targets: Vec<BTreeSet<u16>> = resources
        .iter()
        .map(|r| {
            let mut found = BTreeSet::new();
            collect_targets(&r.members, &mut found);
            found
        })
        .collect();
    for (me, resource) in (0u16..).zip(resources.iter_mut()) {
        let after: Vec<u16> = standard
            .retries
            .get(&resource.name)
            .into_iter()
            .flatten()
            .filter_map(|name| numbers.get(name.as_str()).copied())
            .collect();
        let (direct, indirect): (Vec<_>, Vec<_>) = after
            .iter()
            .partition(|after| targets[usize::from(**after)].contains(&me));
        let mut locks = targets[usize::from(me)].clone();
        locks.insert(me);
        locks.extend(&after);
        resource.write_set = locks.into_iter().collect();
        resource.referrers = (0u16..)
            .zip(&targets)
            .filter_map(|(other, targets)| targets.contains(&me).then_some(other))
            .collect();
        resource.person = (!direct.is_empty()).then_some(PersonRule { direct, indirect });
    }
}

fn collect_targets(members: &[Member], found: &mut BTreeSet<u16>) {
    for member in members {
        match &member.shape {
            Shape::Scalar(_) => {}
            Shape::Object(inner) | Shape::Array(inner) => collect_targets(inner, found),
            Shape::Reference(r) => found.extend(r.targets.iter().map(|t| t.resource)),
        }
    }
}
