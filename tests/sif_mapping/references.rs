//! RefIds: each one is there once, and leads to an object.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::Array as _;

use super::{sample, sendable, text, xml};

/// Attributes and elements that name an object of another kind, by their ends.
const NAMES: [(&str, &str); 11] = [
    ("LEAInfoRefId", "LEAInfo"),
    ("SchoolInfoRefId", "SchoolInfo"),
    ("CalendarSummaryRefId", "CalendarSummary"),
    ("TermInfoRefId", "TermInfo"),
    ("RoomInfoRefId", "RoomInfo"),
    ("SchoolCourseInfoRefId", "SchoolCourseInfo"),
    ("SectionInfoRefId", "SectionInfo"),
    ("StaffPersonalRefId", "StaffPersonal"),
    ("StudentPersonalRefId", "StudentPersonal"),
    ("StudentContactPersonalRefId", "StudentContactPersonal"),
    ("AttendanceCodeInfoRefId", "AttendanceCodeInfo"),
];

/// RefIds of an object in the order of the standard: where they stand, and what they name.
fn named(xml: &str) -> Vec<(&'static str, String)> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let mut found = Vec::new();
    let kind = |name: &str| {
        let kind = NAMES.iter().find(|(end, _)| *end == name);
        kind.map(|(_, kind)| *kind)
    };
    for node in document.descendants().filter(|n| n.is_element()) {
        let text = node.text().unwrap_or_default();
        found.extend(kind(node.tag_name().name()).map(|k| (k, text.to_owned())));
        for attribute in node.attributes() {
            found.extend(kind(attribute.name()).map(|k| (k, attribute.value().to_owned())));
        }
        let of = node
            .attribute("SIF_RefObject")
            .and_then(|object| NAMES.iter().map(|(_, kind)| *kind).find(|k| *k == object));
        found.extend(of.map(|kind| (kind, text.to_owned())));
    }
    found
}

#[test]
fn item_4_ref_ids_are_unique_and_lead_to_objects() {
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for (object, objects) in sample() {
        let of = text(objects, "RefId");
        for id in of.iter().flatten() {
            assert!(all.insert(id), "{object} {id} stands twice");
            ids.entry(object).or_default().insert(id);
        }
        assert_eq!(of.null_count(), 0, "{object}");
    }
    let mut astray = BTreeMap::new();
    let mut seen = 0;
    for (object, objects) in sample() {
        for line in xml(object, &sendable(objects), "2.7", usize::MAX).lines() {
            for (kind, id) in named(line) {
                seen += 1;
                if !ids[kind].contains(id.as_str()) {
                    *astray.entry((object.as_str(), kind)).or_insert(0) += 1;
                }
            }
        }
    }
    assert_eq!(astray, BTreeMap::new());
    assert!(seen > 10_000, "only {seen} were looked at");
}
