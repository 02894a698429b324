//! Compiles a data standard into the layout that requests are checked against.
//!
//! Reads: the metadata. Writes: nothing. Never: leaves a name to be looked up per request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::layout::{
    DescriptorType, Endpoint, Layout, Member, Part, PersonRule, Reference, Resource,
    SCHOOL_YEAR_TYPES, Scalar, Shape, Target, capital, singular,
};
use super::unify;
use crate::metadata::{Field, KeyPart, Kind, ResourceMeta, Standard};

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
                // A type whose values nobody published takes any well-formed one.
                .filter(|(_, d)| !d.values.is_empty())
                .map(|(i, d)| (d.title.as_str(), number(i)))
                .collect(),
            metas: &metas,
        };
        let mut resources: Vec<_> = metas
            .iter()
            .map(|(name, meta)| compiler.resource(name, meta))
            .collect();
        link(&mut resources, standard, &compiler.numbers);
        let mut paths = HashMap::new();
        let places = (0u16..)
            .map(Endpoint::Resource)
            .zip(resources.iter().map(|r| r.path.clone()));
        let own = |d: &DescriptorType| format!("/ed-fi/{}", d.name);
        let lists = (0u16..)
            .map(Endpoint::Descriptor)
            .zip(descriptors.iter().map(own));
        for (endpoint, path) in places.chain(lists) {
            paths.insert(path.to_ascii_lowercase(), endpoint);
            paths.insert(path, endpoint);
        }
        Self {
            resources,
            descriptors,
            paths,
        }
    }
}

fn number(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}

fn school_year_types() -> ResourceMeta {
    let field = |kind| Field {
        required: true,
        kind,
        xml: None,
    };
    ResourceMeta {
        left_out: Vec::new(),
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
            Kind::Code { .. } | Kind::RefId => Scalar::Text(None),
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
