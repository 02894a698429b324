//! The objects of events: whole for Add, what has changed for Change, the key for Delete.
//!
//! Source: SIF data model, lists and repeatable elements; SIF_Event. A list is always sent whole,
//! and one that is left out is unchanged; of a list whose elements have keys (telephone numbers,
//! e-mail addresses) only the changed ones are sent, and those that are gone with
//! SIF_Action="Delete". An element that has no value any more is sent as nil.

use arrow::record_batch::RecordBatch;
use roxmltree::{Document, Node};

use super::shelf::{Shelf, ShelfError, Wanted, ref_ids};
use crate::load::{Columns, ObjectsError};
use crate::xml::XmlBatch;

/// Changed objects whose earlier form is in memory at once.
const CHUNK: usize = 2048;

/// Lists whose elements have keys: list, and the attribute that is the key.
const KEYED: [(&str, &str); 2] = [("PhoneNumberList", "Type"), ("EmailList", "Type")];

const NIL: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>";

/// What an event does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Action {
    /// A new object.
    Add,
    /// Other content.
    Change,
    /// It is gone.
    Delete,
}

impl Action {
    /// As the Action attribute says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Change => "Change",
            Self::Delete => "Delete",
        }
    }
}

/// The object of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What has happened to it.
    pub action: Action,
    /// Its RefId.
    pub ref_id: String,
    /// Its row: of the new file, for a Delete of the old one; None: in neither.
    pub row: Option<u64>,
    /// The object as XML; empty: nothing that the version has is different.
    pub xml: Vec<u8>,
}

/// The rows of a shelf, each whole or with its attributes only, as events of one action.
pub(super) fn rows(
    shelf: &Shelf,
    wanted: &Wanted,
    action: Action,
    rows: &[u64],
    out: &mut dyn FnMut(Changed) -> bool,
) -> Result<(), ShelfError> {
    let whole = action != Action::Delete;
    read(shelf, wanted, rows, |numbers, batch| {
        let encoder = XmlBatch::new(&wanted.plan, batch);
        let ids = ref_ids(batch);
        for (i, row) in numbers.iter().enumerate() {
            let mut xml = Vec::with_capacity(1024);
            encoder.write_only(i, &|_| whole, &mut xml)?;
            let on = out(Changed {
                action,
                ref_id: ids.as_ref().map_or("", |ids| ids.value(i)).to_owned(),
                row: Some(*row),
                xml,
            });
            if !on {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Objects that have changed: pairs of rows of the new and the old shelf, sorted by the new.
pub(super) fn changes(
    old: (&Shelf, &Wanted),
    new: (&Shelf, &Wanted),
    pairs: &[(u64, Option<u64>)],
    out: &mut dyn FnMut(Changed) -> bool,
) -> Result<(), ShelfError> {
    for chunk in pairs.chunks(CHUNK) {
        let mut before: Vec<u64> = chunk.iter().filter_map(|(_, old)| *old).collect();
        before.sort_unstable();
        let mut forms = std::collections::BTreeMap::new();
        read(old.0, old.1, &before, |numbers, batch| {
            let encoder = XmlBatch::new(&old.1.plan, batch);
            for (i, row) in numbers.iter().enumerate() {
                forms.insert(*row, elements(&encoder, old.1, i)?);
            }
            Ok(true)
        })?;
        let rows: Vec<u64> = chunk.iter().map(|(new, _)| *new).collect();
        let mut on = true;
        read(new.0, new.1, &rows, |numbers, batch| {
            let encoder = XmlBatch::new(&new.1.plan, batch);
            let ids = ref_ids(batch);
            for (i, row) in numbers.iter().enumerate() {
                let pair = chunk.binary_search_by_key(row, |(new, _)| *new).ok();
                let known = pair.and_then(|at| chunk.get(at)).and_then(|(_, old)| *old);
                let now = elements(&encoder, new.1, i)?;
                let mut xml = Vec::with_capacity(512);
                encoder.write_only(i, &|_| false, &mut xml)?;
                let different = changed(known.and_then(|row| forms.get(&row)), &now, new.1);
                match different.is_empty() {
                    true => xml.clear(),
                    false => {
                        let close = format!("</{}>", new.0.name);
                        xml.truncate(xml.len().saturating_sub(close.len()));
                        xml.extend_from_slice(different.as_bytes());
                        xml.extend_from_slice(close.as_bytes());
                    }
                }
                on = out(Changed {
                    action: Action::Change,
                    ref_id: ids.as_ref().map_or("", |ids| ids.value(i)).to_owned(),
                    row: Some(*row),
                    xml,
                });
                if !on {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        if !on {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads these rows (sorted) of a shelf.
fn read(
    shelf: &Shelf,
    wanted: &Wanted,
    rows: &[u64],
    mut visit: impl FnMut(&[u64], &RecordBatch) -> Result<bool, ShelfError>,
) -> Result<(), ShelfError> {
    if rows.is_empty() {
        return Ok(());
    }
    for group in shelf.objects.groups() {
        let hit = |row: u64| rows.binary_search(&row).is_ok();
        let mut failed = None;
        let columns = Columns::Only(wanted.columns());
        let mut on = true;
        shelf.objects.read(group, columns, hit, |numbers, batch| {
            match visit(&numbers, &batch) {
                Ok(more) => on = more,
                Err(error) => {
                    failed = Some(error);
                    on = false;
                }
            }
            Ok::<_, ObjectsError>(on)
        })?;
        match failed {
            Some(error) => return Err(error),
            None if !on => return Ok(()),
            None => {}
        }
    }
    Ok(())
}

/// The top-level elements of an object, each as its text; empty where it has no value.
fn elements(
    encoder: &XmlBatch<'_>,
    wanted: &Wanted,
    row: usize,
) -> Result<Vec<String>, ShelfError> {
    let mut bare = Vec::new();
    encoder.write_only(row, &|_| false, &mut bare)?;
    let children = wanted.plan.root().children.len();
    let close = wanted.plan.root().name.len() + "</>".len();
    let open = bare.len().saturating_sub(close);
    let mut all = Vec::with_capacity(children);
    let mut text = Vec::new();
    for place in 0..children {
        text.clear();
        encoder.write_only(row, &|p| p == place, &mut text)?;
        let inside = text
            .get(open..text.len().saturating_sub(close))
            .unwrap_or_default();
        all.push(String::from_utf8_lossy(inside).into_owned());
    }
    Ok(all)
}

/// What is to be told: the elements that are different, in the order of the standard.
fn changed(before: Option<&Vec<String>>, now: &[String], wanted: &Wanted) -> String {
    let mut told = String::new();
    for (place, (element, now)) in wanted.plan.root().children.iter().zip(now).enumerate() {
        let old = before
            .and_then(|before| before.get(place))
            .map(String::as_str);
        match old {
            // Everything is told where the agent may have either form.
            None => told.push_str(now),
            Some(old) if old == now => {}
            Some(old) => {
                let name = element.name.as_str();
                match KEYED.iter().find(|(list, _)| *list == name) {
                    Some((_, key)) => told.push_str(&keyed(name, key, old, now)),
                    None if now.is_empty() && old.starts_with(&format!("<{name}")) => {
                        told.push_str(&match element.is_list() {
                            true => format!("<{name}></{name}>"),
                            false => format!("<{name}{NIL}"),
                        });
                    }
                    None => told.push_str(now),
                }
            }
        }
    }
    told
}

/// Of a list with keys: what is new or different, and what is gone.
fn keyed(name: &str, key: &str, old: &str, now: &str) -> String {
    let (old, now) = (children(old, key), children(now, key));
    let mut told = format!("<{name}>");
    for (_, text) in now.iter().filter(|child| !old.contains(child)) {
        told.push_str(text);
    }
    for (id, text) in &old {
        if now.iter().any(|(other, _)| other == id) {
            continue;
        }
        let tag = text.find([' ', '>']).unwrap_or(0);
        let (open, rest) = text.split_at(tag);
        told.push_str(&format!("{open} SIF_Action=\"Delete\"{rest}"));
    }
    told.push_str(&format!("</{name}>"));
    told
}

/// The elements of a list: key and text.
fn children(list: &str, key: &str) -> Vec<(String, String)> {
    let Ok(document) = Document::parse(list) else {
        return Vec::new();
    };
    let elements = document.root_element().children().filter(Node::is_element);
    elements
        .map(|child| {
            let text = list.get(child.range()).unwrap_or_default();
            (
                child.attribute(key).unwrap_or_default().to_owned(),
                text.to_owned(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_keys_tells_what_changed_and_what_is_gone() {
        let old = "<PhoneNumberList><PhoneNumber Type=\"0096\"><Number>1</Number></PhoneNumber>\
            <PhoneNumber Type=\"0350\"><Number>2</Number></PhoneNumber>\
            <PhoneNumber Type=\"0400\"><Number>3</Number></PhoneNumber></PhoneNumberList>";
        let now = "<PhoneNumberList><PhoneNumber Type=\"0096\"><Number>9</Number></PhoneNumber>\
            <PhoneNumber Type=\"0350\"><Number>2</Number></PhoneNumber></PhoneNumberList>";
        assert_eq!(
            keyed("PhoneNumberList", "Type", old, now),
            "<PhoneNumberList><PhoneNumber Type=\"0096\"><Number>9</Number></PhoneNumber>\
             <PhoneNumber SIF_Action=\"Delete\" Type=\"0400\"><Number>3</Number></PhoneNumber>\
             </PhoneNumberList>"
        );
        assert_eq!(
            keyed(
                "PhoneNumberList",
                "Type",
                "<PhoneNumberList><PhoneNumber Type=\"1\">\
             </PhoneNumber></PhoneNumberList>",
                ""
            ),
            "<PhoneNumberList><PhoneNumber SIF_Action=\"Delete\" Type=\"1\"></PhoneNumber>\
             </PhoneNumberList>"
        );
    }
}
