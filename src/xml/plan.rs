//! How the objects of one resource are written: made once, used for every batch.

use std::collections::BTreeMap;

use super::Version;
use crate::metadata::{Field, Kind, XmlForm, XmlNode};

/// The XML form of one resource's objects, in one version of the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlPlan {
    pub(super) root: Element,
}

/// One element: its tags, ready to be written, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The column or member that holds its value.
    pub name: String,
    /// `<Name`, without attributes and closing bracket.
    pub(super) open: Box<[u8]>,
    /// `</Name>`.
    pub(super) close: Box<[u8]>,
    /// Attributes: member, and ` Name="`.
    pub(super) attributes: Vec<(String, Box<[u8]>)>,
    /// The member that is the element's text.
    pub(super) text: Option<String>,
    /// Child elements in the order of the standard.
    pub children: Vec<Self>,
    /// For a list: how each of its elements is written. `open` and `close` are empty where there
    /// is no list around them.
    pub(super) item: Option<Box<Self>>,
    /// Whether its value is a scalar, and so its text.
    pub(super) scalar: bool,
}

impl XmlPlan {
    /// The form of `object` in `version`. `keep` tells which elements and attributes are wanted, by
    /// their paths (`Name/LastName`, `@RefId`, `Name/@Type`); attributes of what is kept stay, for
    /// the keys are among them.
    pub fn new(
        object: &str,
        fields: &BTreeMap<String, Field>,
        version: Version,
        keep: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut root = Element::named(object, object);
        root.fill(fields, version, "", keep);
        Self { root }
    }

    /// The object's own element.
    pub fn root(&self) -> &Element {
        &self.root
    }
}

impl Element {
    /// Whether it is a list with an element around it.
    pub fn is_list(&self) -> bool {
        self.item.is_some() && !self.open.is_empty()
    }

    fn named(member: &str, tag: &str) -> Self {
        let mut element = Self {
            name: member.to_owned(),
            ..Self::default()
        };
        if !tag.is_empty() {
            element.open = format!("<{tag}").into_bytes().into();
            element.close = format!("</{tag}>").into_bytes().into();
        }
        element
    }

    fn fill(
        &mut self,
        fields: &BTreeMap<String, Field>,
        version: Version,
        path: &str,
        keep: &dyn Fn(&str) -> bool,
    ) {
        let mut ordered: Vec<(&String, &Field, XmlForm)> = fields
            .iter()
            .map(|(name, field)| (name, field, field.xml.clone().unwrap_or_default()))
            .filter(|(_, _, xml)| is_of(xml, version))
            .collect();
        ordered.sort_by_key(|(_, _, xml)| xml.order);
        for (name, field, xml) in ordered {
            match xml.form {
                XmlNode::Text => self.text = Some(name.clone()),
                XmlNode::Attribute => {
                    let start = format!(" {name}=\"").into_bytes();
                    self.attributes.push((name.clone(), start.into()));
                }
                XmlNode::Element => {
                    let path = match path {
                        "" => name.clone(),
                        path => format!("{path}/{name}"),
                    };
                    self.children
                        .extend(child(name, field, &xml, version, &path, keep));
                }
            }
        }
    }
}

fn child(
    name: &str,
    field: &Field,
    xml: &XmlForm,
    version: Version,
    path: &str,
    keep: &dyn Fn(&str) -> bool,
) -> Option<Element> {
    let whole = keep(path);
    let inside: &dyn Fn(&str) -> bool = if whole { &|_| true } else { keep };
    match &field.kind {
        Kind::Array { fields } => {
            let tag = xml.item.as_deref().unwrap_or(name);
            let mut item = Element::named("", tag);
            let below = match &xml.item {
                Some(item) => format!("{path}/{item}"),
                None => path.to_owned(),
            };
            let inside: &dyn Fn(&str) -> bool = if keep(&below) { &|_| true } else { inside };
            item.fill(fields, version, &below, inside);
            let wanted = whole || keep(&below) || !item.children.is_empty();
            wanted.then(|| Element {
                item: Some(Box::new(item)),
                ..Element::named(name, xml.item.as_ref().map_or("", |_| name))
            })
        }
        Kind::Object { fields } | Kind::Reference { fields, .. } => {
            let mut element = Element::named(name, name);
            element.fill(fields, version, path, inside);
            let attribute = |a: &(String, Box<[u8]>)| keep(&format!("{path}/@{}", a.0));
            let wanted =
                whole || !element.children.is_empty() || element.attributes.iter().any(attribute);
            wanted.then_some(element)
        }
        _ => whole.then(|| Element {
            scalar: true,
            ..Element::named(name, name)
        }),
    }
}

/// Whether a version of the standard has a field. What the metadata says wrongly is let pass: a
/// test reads the shipped ones.
fn is_of(xml: &XmlForm, version: Version) -> bool {
    let bound = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<Version>().ok());
    bound(&xml.since).is_none_or(|since| version >= since)
        && bound(&xml.until)
            .is_none_or(|until| (version.major, version.minor) <= (until.major, until.minor))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::metadata::Standard;

    fn check(standard: &Standard, path: &str, fields: &BTreeMap<String, Field>) {
        let mut orders = BTreeSet::new();
        for (name, field) in fields {
            let path = format!("{path}/{name}");
            let xml = field
                .xml
                .as_ref()
                .unwrap_or_else(|| panic!("{path} has no place"));
            assert!(orders.insert(xml.order), "{path} has the place of another");
            for bound in [&xml.since, &xml.until].into_iter().flatten() {
                bound.parse::<Version>().unwrap();
            }
            if let Kind::Code { name } = &field.kind {
                assert!(
                    standard.descriptors.contains_key(name),
                    "{path}: no list {name}"
                );
            }
            if let Some(members) = field.kind.members() {
                check(standard, &path, members);
            }
        }
    }

    #[test]
    fn the_shipped_metadata_has_a_place_for_everything() {
        for file in ["sif-na2.json", "sif-na4.json"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/metadata");
            let standard = Standard::load(&folder.join(file)).unwrap();
            assert!(standard.resources.len() >= 22);
            for (name, resource) in &standard.resources {
                check(&standard, name, &resource.fields);
            }
            for (before, after) in &standard.edges {
                assert!(standard.resources.contains_key(before), "{before}");
                assert!(standard.resources.contains_key(after), "{after}");
            }
        }
    }
}
