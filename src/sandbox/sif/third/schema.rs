//! Whether an object is what the data model says: elements and attributes of its version, in their
//! order, codes, types, and what must be there.
//!
//! Reads: the standard's metadata. Problems name paths, never values.

use std::collections::BTreeMap;

use super::tree::Element;
use crate::metadata::{Field, Kind, Standard, XmlForm, XmlNode};

/// What any object may end with.
const TAIL: [&str; 2] = ["SIF_Metadata", "SIF_ExtendedElements"];

/// Checks objects of one version.
#[derive(Debug)]
pub(super) struct Schema<'a> {
    pub(super) standard: &'a Standard,
    /// Version of the message.
    pub(super) version: &'a str,
    /// Whether objects are whole: what is required must be there.
    pub(super) whole: bool,
}

impl Schema<'_> {
    /// What is wrong with an object.
    pub(super) fn check(&self, element: &Element) -> Vec<String> {
        let mut problems = Vec::new();
        match self.standard.resource(&element.name) {
            Some(meta) => self.element(&element.name, element, &meta.fields, &mut problems),
            None => problems.push(format!("{}: no object of the standard", element.name)),
        }
        problems
    }

    fn element(
        &self,
        path: &str,
        element: &Element,
        fields: &BTreeMap<String, Field>,
        problems: &mut Vec<String>,
    ) {
        if element.is_nil() {
            return;
        }
        for (name, value) in &element.attributes {
            match fields
                .get(name)
                .filter(|f| self.has(f, &XmlNode::Attribute))
            {
                Some(field) => self.value(&format!("{path}/@{name}"), value, field, problems),
                None => problems.push(format!("{path}: no attribute {name} in this version")),
            }
        }
        let texts = fields.values().find(|f| self.has(f, &XmlNode::Text));
        match texts {
            Some(field) => self.value(path, &element.text, field, problems),
            None if !element.text.trim().is_empty() => {
                problems.push(format!("{path}: text where elements belong"));
            }
            None => {}
        }
        self.children(path, element, fields, problems);
        let missing = |(name, field): &(&String, &Field)| {
            let form = form(field);
            let there = match form.form {
                XmlNode::Attribute => element.attribute(name).is_some(),
                XmlNode::Element => element.children.iter().any(|c| c.name == **name),
                XmlNode::Text => !element.text.is_empty(),
            };
            field.required && self.is_of(&form) && !there
        };
        // What a key is made of is needed in a change, too; what is in a list is whole, always.
        if self.whole {
            for (name, _) in fields.iter().filter(missing) {
                problems.push(format!("{path}: {name} is missing"));
            }
        }
    }

    fn children(
        &self,
        path: &str,
        element: &Element,
        fields: &BTreeMap<String, Field>,
        problems: &mut Vec<String>,
    ) {
        let mut before: Option<(u16, &str)> = None;
        for child in &element.children {
            let name = child.name.as_str();
            let path = format!("{path}/{name}");
            let Some(field) = fields.get(name).filter(|f| self.has(f, &XmlNode::Element)) else {
                if !TAIL.contains(&name) {
                    problems.push(format!("{path}: no such element in this version"));
                }
                continue;
            };
            let xml = form(field);
            let list = matches!(field.kind, Kind::Array { .. });
            if before.is_some_and(|(order, last)| order > xml.order && last != name) {
                problems.push(format!("{path}: stands behind what comes after it"));
            }
            let repeated = before.is_some_and(|(_, last)| last == name);
            if repeated && !(list && xml.item.is_none()) {
                problems.push(format!("{path}: there are two"));
            }
            before = Some((xml.order, name));
            match (&field.kind, &xml.item) {
                (Kind::Array { fields }, Some(item)) => {
                    for one in &child.children {
                        let path = format!("{path}/{}", one.name);
                        match one.name == *item {
                            true => self.element(&path, one, fields, problems),
                            false => problems.push(format!("{path}: the list holds {item} only")),
                        }
                    }
                }
                (
                    Kind::Array { fields }
                    | Kind::Object { fields }
                    | Kind::Reference { fields, .. },
                    _,
                ) => self.element(&path, child, fields, problems),
                _ if child.is_nil() => {}
                _ if !child.children.is_empty() => {
                    problems.push(format!("{path}: elements where text belongs"));
                }
                _ => self.value(&path, &child.text, field, problems),
            }
        }
    }

    fn value(&self, path: &str, value: &str, field: &Field, problems: &mut Vec<String>) {
        let date = |format| chrono::NaiveDate::parse_from_str(value, format).is_ok();
        let fine = match &field.kind {
            Kind::Code { name } => {
                let lists = self.standard.descriptors.get(name);
                lists
                    .and_then(|l| l.get(""))
                    .is_none_or(|codes| codes.iter().any(|code| code == value))
            }
            Kind::RefId => {
                let digit = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
                value.len() == 32 && value.bytes().all(digit)
            }
            Kind::Int32 => value.parse::<i32>().is_ok(),
            Kind::Int64 => value.parse::<i64>().is_ok(),
            Kind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            Kind::Boolean => matches!(value, "true" | "false" | "1" | "0"),
            Kind::Date => date("%Y-%m-%d"),
            Kind::String { max } => {
                let most = max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
                !value.is_empty() && value.chars().count() <= most
            }
            _ => !value.is_empty(),
        };
        if !fine {
            problems.push(format!("{path}: the value is none of its type"));
        }
    }

    fn has(&self, field: &Field, node: &XmlNode) -> bool {
        let form = form(field);
        form.form == *node && self.is_of(&form)
    }

    /// Whether the version has what bears this form.
    fn is_of(&self, xml: &XmlForm) -> bool {
        let version = number(self.version);
        let bound = |text: &Option<String>| text.as_deref().map(number);
        bound(&xml.since).is_none_or(|since| version >= since)
            && bound(&xml.until).is_none_or(|until| version <= until)
    }
}

fn form(field: &Field) -> XmlForm {
    field.xml.clone().unwrap_or_default()
}

/// `2.0r1` → (2, 0).
fn number(version: &str) -> (u32, u32) {
    let bare = version.split('r').next().unwrap_or_default();
    let mut parts = bare.split('.').map(|p| p.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The key of an object: its RefId, or where its version has none all its attributes.
pub(super) fn key(element: &Element) -> String {
    if let Some(id) = element.attribute("RefId") {
        return id.to_owned();
    }
    let attributes = element.attributes.iter();
    let mut parts: Vec<String> = attributes.map(|(n, v)| format!("{n}={v}")).collect();
    parts.sort();
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::sif::message::parse;

    fn problems(version: &str, whole: bool, xml: &str) -> Vec<String> {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/pipelines/metadata/sif-na2.json"
        );
        let standard = Standard::load(std::path::Path::new(file)).unwrap();
        let element = Element::read(parse(xml).unwrap().root_element());
        let schema = Schema {
            standard: &standard,
            version,
            whole,
        };
        schema.check(&element)
    }

    const ID: &str = "2483F6739DBC570998EC9E351C12B23E";

    #[test]
    fn a_student_of_the_recorded_conversation_is_fine() {
        let xml = format!(
            "<StudentPersonal RefId=\"{ID}\"><LocalId>0</LocalId><Name Type=\"04\">\
             <LastName>L</LastName><FirstName>F</FirstName></Name></StudentPersonal>"
        );
        assert_eq!(problems("2.6", true, &xml), [""; 0]);
        assert!(!problems("2.6", true, &xml.replace("2483F", "2483f")).is_empty());
    }

    #[test]
    fn order_codes_and_versions_are_checked() {
        let swapped = format!(
            "<StudentPersonal RefId=\"{ID}\"><Name Type=\"99\"><LastName>L</LastName>\
             <FirstName>F</FirstName></Name><LocalId>0</LocalId></StudentPersonal>"
        );
        let found = problems("2.6", true, &swapped);
        assert!(
            found.iter().any(|p| p.contains("LocalId: stands behind")),
            "{found:?}"
        );
        assert!(found.iter().any(|p| p.contains("Name/@Type")), "{found:?}");
        let missing = format!("<StudentPersonal RefId=\"{ID}\"/>");
        assert!(
            problems("2.6", true, &missing)
                .iter()
                .any(|p| p.contains("Name is missing"))
        );
        assert_eq!(problems("2.6", false, &missing), [""; 0]);
        let unknown = format!("<StudentPersonal RefId=\"{ID}\"><Shoe>4</Shoe></StudentPersonal>");
        assert!(problems("2.6", false, &unknown)[0].contains("Shoe: no such element"));
        // The RefId trap: 2.6 has none on a CalendarDate, 2.7 needs one.
        let date = format!("<CalendarDate RefId=\"{ID}\" Date=\"2026-01-05\"/>");
        assert!(problems("2.6", false, &date)[0].contains("no attribute RefId"));
        assert_eq!(problems("2.7", false, &date), [""; 0]);
    }
}
