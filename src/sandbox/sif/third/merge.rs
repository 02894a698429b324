//! A change merged into an object that the third party holds.
//!
//! Source: SIF NA data model, introduction: a change has the object's key and what is different;
//! of lists whose elements have SIF_Action only the elements that are different, of other lists all.

use std::collections::BTreeMap;

use super::tree::Element;
use crate::metadata::{Field, Kind, XmlForm};

/// Marks an element of a list that is to be taken out.
const ACTION: &str = "SIF_Action";

/// Merges `change` into `held`; `fields` are those of the object.
pub(super) fn merge(held: &mut Element, change: &Element, fields: &BTreeMap<String, Field>) {
    for (name, value) in &change.attributes {
        match held.attributes.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => old.clone_from(value),
            None => held.attributes.push((name.clone(), value.clone())),
        }
    }
    if !change.text.is_empty() {
        held.text.clone_from(&change.text);
    }
    let mut done: Vec<&str> = Vec::new();
    for child in &change.children {
        if done.contains(&child.name.as_str()) {
            continue;
        }
        done.push(&child.name);
        let field = fields.get(&child.name);
        let wrapped = field
            .and_then(|f| f.xml.as_ref())
            .is_some_and(|x| x.item.is_some());
        match field.map(|f| &f.kind) {
            // Elements without a list around them.
            Some(Kind::Array { fields }) if !wrapped => {
                let all = || change.children.iter().filter(|c| c.name == child.name);
                match fields.contains_key(ACTION) {
                    true => keyed(&mut held.children, all()),
                    false => replace(&mut held.children, &child.name, all()),
                }
            }
            Some(Kind::Array { fields }) if fields.contains_key(ACTION) && !child.is_nil() => {
                match held.children.iter_mut().find(|c| c.name == child.name) {
                    Some(list) => {
                        keyed(&mut list.children, child.children.iter());
                        let emptied = list.children.is_empty();
                        held.children.retain(|c| c.name != child.name || !emptied);
                    }
                    None => held.children.push(child.clone()),
                }
            }
            Some(Kind::Object { fields } | Kind::Reference { fields, .. }) if !child.is_nil() => {
                match held.children.iter_mut().find(|c| c.name == child.name) {
                    Some(old) => merge(old, child, fields),
                    None => held.children.push(child.clone()),
                }
            }
            _ => replace(&mut held.children, &child.name, std::iter::once(child)),
        }
    }
    let order = |element: &Element| {
        let field = fields.get(&element.name);
        field
            .and_then(|f| f.xml.as_ref())
            .map_or(u16::MAX, |x: &XmlForm| x.order)
    };
    held.children.sort_by_key(order);
    let attributes = |(name, _): &(String, String)| {
        let field = fields.get(name);
        field
            .and_then(|f| f.xml.as_ref())
            .map_or(u16::MAX, |x| x.order)
    };
    held.attributes.sort_by_key(attributes);
}

/// Elements with keys: those named are put in or taken out, the others stay.
fn keyed<'a>(held: &mut Vec<Element>, changes: impl Iterator<Item = &'a Element>) {
    for change in changes {
        let at = held.iter().position(|h| key(h) == key(change));
        match (change.attribute(ACTION), at) {
            (Some("Delete"), Some(at)) => {
                held.remove(at);
            }
            (Some("Delete"), None) => {}
            (_, at) => {
                let mut change = change.clone();
                change.attributes.retain(|(name, _)| name != ACTION);
                match at.and_then(|at| held.get_mut(at)) {
                    Some(old) => *old = change,
                    None => held.push(change),
                }
            }
        }
    }
}

/// The name and the attributes of an element of a list.
fn key(element: &Element) -> (&str, Vec<&(String, String)>) {
    let attributes = element.attributes.iter();
    let mut key: Vec<_> = attributes.filter(|(name, _)| name != ACTION).collect();
    key.sort();
    (&element.name, key)
}

/// All elements of a name replaced; those without a value are only taken out.
fn replace<'a>(held: &mut Vec<Element>, name: &str, with: impl Iterator<Item = &'a Element>) {
    held.retain(|c| c.name != name);
    held.extend(with.filter(|c| !c.is_nil()).cloned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Standard;
    use crate::sandbox::sif::message::parse;

    fn merged(held: &str, change: &str) -> String {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/pipelines/metadata/sif-na2.json"
        );
        let standard = Standard::load(std::path::Path::new(file)).unwrap();
        let read = |text: &str| Element::read(parse(text).unwrap().root_element());
        let mut held = read(held);
        let meta = standard.resource("StudentPersonal").unwrap();
        merge(&mut held, &read(change), &meta.fields);
        held.to_xml()
    }

    const HELD: &str = "<StudentPersonal RefId=\"A\"><LocalId>7</LocalId><EmailList>\
        <Email Type=\"Primary\">a@example.org</Email><Email Type=\"Alternate1\">b@example.org</Email>\
        </EmailList><Name Type=\"04\"><LastName>L</LastName><FirstName>F</FirstName></Name>\
        </StudentPersonal>";

    #[test]
    fn only_what_is_different_changes() {
        let merged = merged(
            HELD,
            "<StudentPersonal RefId=\"A\"><Name Type=\"04\"><FirstName>G</FirstName></Name>\
             <EmailList><Email Type=\"Alternate1\" SIF_Action=\"Delete\"/></EmailList>\
             </StudentPersonal>",
        );
        assert!(
            merged.contains("<LastName>L</LastName><FirstName>G</FirstName>"),
            "{merged}"
        );
        assert!(
            merged.contains("Primary") && !merged.contains("Alternate1"),
            "{merged}"
        );
        assert!(merged.contains("<LocalId>7</LocalId>"));
    }

    #[test]
    fn nil_takes_an_element_out() {
        let merged = merged(
            HELD,
            "<StudentPersonal RefId=\"A\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <EmailList xsi:nil=\"true\"/></StudentPersonal>",
        );
        assert!(!merged.contains("EmailList"), "{merged}");
    }
}
