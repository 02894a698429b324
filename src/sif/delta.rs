//! What is different between two forms of an object: the body of a Change event.
//!
//! Reads, writes: nothing. Never: sends what is equal, or keeps quiet about what is gone.
//! Source: SIF data model, lists and repeatable elements; SIF_Event. Only changed elements are sent.
//! A list is always sent whole, and one that is left out is unchanged; of a list whose elements have
//! keys (telephone numbers, addresses) only the changed ones are sent, and those that are gone with
//! `SIF_Action="Delete"`. An element that has no value any more is sent as nil.

use roxmltree::{Document, Node};

use crate::xml::Element;

const NIL: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>";

/// The object with its attributes and what is different in it; None: nothing is.
///
/// # Errors
/// A text that is not the XML of an object.
pub fn delta(plan: &Element, old: &str, new: &str) -> Result<Option<String>, roxmltree::Error> {
    if old == new {
        return Ok(None);
    }
    let (before, now) = (Document::parse(old)?, Document::parse(new)?);
    let mut told = String::with_capacity(new.len());
    inside(plan, before.root_element(), now.root_element(), &mut told);
    Ok(Some(told))
}

/// One element with its attributes and those of its children that are different.
fn inside(plan: &Element, old: Node<'_, '_>, new: Node<'_, '_>, told: &mut String) {
    told.push_str(opening(new));
    for child in &plan.children {
        let name = child.name.as_str();
        let (old, new) = (found(old, name), found(new, name));
        match (old.as_slice(), new.as_slice()) {
            ([], new) => new.iter().for_each(|node| told.push_str(text(*node))),
            ([old, ..], []) => gone(child, *old, told),
            ([old], [new]) => {
                if text(*old) != text(*new) {
                    changed(child, *old, *new, told);
                }
            }
            // Elements that are repeated without a list around them are told together.
            (old, new) => {
                let texts = |nodes: &[Node<'_, '_>]| -> Vec<String> {
                    nodes.iter().map(|node| text(*node).to_owned()).collect()
                };
                if texts(old) != texts(new) {
                    new.iter().for_each(|node| told.push_str(text(*node)));
                }
            }
        }
    }
    told.push_str("</");
    told.push_str(&plan.name);
    told.push('>');
}

/// An element that both have, with different content.
fn changed(plan: &Element, old: Node<'_, '_>, new: Node<'_, '_>, told: &mut String) {
    if let Some(key) = plan.item_key() {
        return keyed(plan, key, old, Some(new), told);
    }
    match plan.children.is_empty() {
        // A list, a value, or a value with attributes.
        true => told.push_str(text(new)),
        false => inside(plan, old, new, told),
    }
}

/// An element that is no more.
fn gone(plan: &Element, old: Node<'_, '_>, told: &mut String) {
    if let Some(key) = plan.item_key() {
        return keyed(plan, key, old, None, told);
    }
    let name = plan.name.as_str();
    match plan.is_list() {
        true => told.push_str(&format!("<{name}></{name}>")),
        false => told.push_str(&format!("<{name}{NIL}")),
    }
}

/// Of a list with keys: what is new or different, and what is gone.
fn keyed(
    plan: &Element,
    key: &str,
    old: Node<'_, '_>,
    new: Option<Node<'_, '_>>,
    told: &mut String,
) {
    let items = |list: Node<'_, '_>| -> Vec<(String, String)> {
        let items = list.children().filter(Node::is_element);
        items
            .map(|item| {
                let id = item.attribute(key).unwrap_or_default();
                (id.to_owned(), text(item).to_owned())
            })
            .collect()
    };
    let (old, new) = (items(old), new.map(items).unwrap_or_default());
    told.push_str(&format!("<{}>", plan.name));
    for (_, text) in new.iter().filter(|item| !old.contains(item)) {
        told.push_str(text);
    }
    for (id, text) in &old {
        if new.iter().all(|(other, _)| other != id) {
            let tag = text.find([' ', '>']).unwrap_or(0);
            let (open, rest) = text.split_at(tag);
            told.push_str(&format!("{open} SIF_Action=\"Delete\"{rest}"));
        }
    }
    told.push_str(&format!("</{}>", plan.name));
}

fn found<'a, 'd>(parent: Node<'a, 'd>, name: &str) -> Vec<Node<'a, 'd>> {
    let children = parent.children().filter(Node::is_element);
    children.filter(|c| c.tag_name().name() == name).collect()
}

/// An element as it is written.
fn text<'a>(node: Node<'a, '_>) -> &'a str {
    let document = node.document().input_text();
    document.get(node.range()).unwrap_or_default()
}

/// Its start tag. No attribute holds a bare `>`: they are written escaped.
fn opening<'a>(node: Node<'a, '_>) -> &'a str {
    let whole = text(node);
    let end = whole.find('>').map_or(whole.len(), |at| at + 1);
    whole.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
