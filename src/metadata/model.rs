//! The types of a data standard's metadata: what the shipped file, a target's own documents, the
//! local checks and the sandbox all speak.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One data standard of one family (Ed-Fi Data Standard 5): every resource that a pipeline may
/// name, its descriptors and the order of loading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// Family and version, for example `Ed-Fi 5.2.0`.
    pub name: String,
    /// Where the facts come from and under which licence.
    pub notice: String,
    /// By resource name (`students`).
    pub resources: BTreeMap<String, ResourceMeta>,
    /// By descriptor type (`GradeLevelDescriptor`): namespace -> code values, sorted. A list of
    /// plain codes has the empty namespace.
    pub descriptors: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// `(prerequisite, dependent)` resource names, sorted. Descriptors are left out.
    pub edges: Vec<(String, String)>,
    /// Person resources that are created early and may be updated only after `after`: a 403 on
    /// them is deferred until those are done. From the `#Retry` nodes of the dependency graph.
    pub retries: BTreeMap<String, Vec<String>>,
}

/// One resource: its fields, key and references.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceMeta {
    /// Path below the data URL: `/ed-fi/students`.
    pub path: String,
    /// The natural key's parts, sorted by name.
    pub key: Vec<KeyPart>,
    /// Whether a PUT may change the natural key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key_updatable: bool,
    /// Top-level fields by name. `_ext` members are not listed and not checked.
    pub fields: BTreeMap<String, Field>,
    /// Fields that a pipeline leaves out, because the target owns them: dotted paths. No part of a
    /// standard itself.
    #[serde(skip)]
    pub left_out: Vec<String>,
}

/// One part of a natural key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyPart {
    /// The part's name, as references to this resource and queries call it (`schoolId`).
    pub name: String,
    /// Where it stands in the body, dot-separated (`courseOfferingReference.schoolId`).
    pub path: String,
}

/// One field of a body or of a nested object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Whether the target refuses an object without it (at least one element for arrays).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What it holds.
    #[serde(flatten)]
    pub kind: Kind,
    /// How it is written as XML; None for standards that are written as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<XmlForm>,
}

/// How a field is written as XML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct XmlForm {
    /// Its place among its siblings: the order of elements is part of an XML standard.
    pub order: u16,
    /// Element, attribute, or the text of the element that it belongs to.
    #[serde(default, skip_serializing_if = "XmlNode::is_element")]
    pub form: XmlNode,
    /// For a list: the name of each of its elements. None: the elements bear the field's own name
    /// and have no list around them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The first version of the standard that has it (`2.7`); earlier ones leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last version that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// What a field becomes in XML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XmlNode {
    /// A child element.
    #[default]
    Element,
    /// An attribute of the element that it belongs to.
    Attribute,
    /// The text of the element that it belongs to.
    Text,
}

impl XmlNode {
    fn is_element(&self) -> bool {
        *self == Self::Element
    }
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Text, with the longest length in characters that the target takes.
    String {
        /// Longest length in characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u32>,
    },
    /// A descriptor URI: `uri://ed-fi.org/GradeLevelDescriptor#First grade`.
    Descriptor {
        /// The descriptor type (`GradeLevelDescriptor`).
        name: String,
    },
    /// A code of a closed list, letter by letter (`0096` of the telephone number types).
    Code {
        /// The list: a descriptor type whose namespace is empty.
        name: String,
    },
    /// A SIF RefId: 32 hexadecimal digits in upper case.
    RefId,
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
    /// ISO 8601 with zone.
    DateTime,
    /// A nested object.
    Object {
        /// Its members by name.
        fields: BTreeMap<String, Field>,
    },
    /// A list of nested objects.
    Array {
        /// The members of each element by name.
        fields: BTreeMap<String, Field>,
    },
    /// A reference to an object of another resource, by its natural key.
    Reference {
        /// The resources that it may point at: one, or for an abstract one all its kinds
        /// (`schools`, `localEducationAgencies` ... for `educationOrganizationReference`).
        targets: Vec<String>,
        /// Members by name. A member carries the same name as the key part of the target, except
        /// for abstract references, where the target has one key part of another name.
        fields: BTreeMap<String, Field>,
    },
}
