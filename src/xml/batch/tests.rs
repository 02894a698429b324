use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field as ArrowField, Fields};

use super::*;
use crate::metadata::Field;
use crate::xml::Version;

/// A person: key attribute, a typed name, a list with and one without an element around it.
fn person() -> BTreeMap<String, Field> {
    serde_json::from_str(
        r#"{
        "RefId": {"type": "ref_id", "xml": {"order": 0, "form": "attribute", "since": "2.7"}},
        "Id": {"type": "int64", "xml": {"order": 1}},
        "Name": {"type": "object", "xml": {"order": 2}, "fields": {
            "Type": {"type": "code", "name": "x", "xml": {"order": 0, "form": "attribute"}},
            "Last": {"type": "string", "xml": {"order": 1}},
            "First": {"type": "string", "xml": {"order": 2}}}},
        "Born": {"type": "date", "xml": {"order": 3}},
        "EmailList": {"type": "array", "xml": {"order": 4, "item": "Email"}, "fields": {
            "Type": {"type": "string", "xml": {"order": 0, "form": "attribute"}},
            "value": {"type": "string", "xml": {"order": 1, "form": "text"}}}},
        "Tag": {"type": "array", "xml": {"order": 5}, "fields": {
            "value": {"type": "string", "xml": {"order": 0, "form": "text"}}}}
    }"#,
    )
    .unwrap()
}

fn structs(columns: Vec<(&str, ArrayRef)>, nulls: Option<NullBuffer>) -> StructArray {
    let fields: Fields = columns
        .iter()
        .map(|(name, a)| ArrowField::new(*name, a.data_type().clone(), true))
        .collect();
    StructArray::new(fields, columns.into_iter().map(|c| c.1).collect(), nulls)
}

fn list(elements: StructArray, lengths: [usize; 2], nulls: Vec<bool>) -> ArrayRef {
    let field = ArrowField::new_struct("item", elements.fields().clone(), true);
    Arc::new(ListArray::new(
        Arc::new(field),
        OffsetBuffer::from_lengths(lengths),
        Arc::new(elements),
        Some(NullBuffer::from(nulls)),
    ))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Columns in the order of their names, as an objects file has them.
fn batch() -> RecordBatch {
    let name = structs(
        vec![
            ("First", texts(&[Some("A<n>n"), None])),
            ("Last", texts(&[Some("O'Neill & \"Co\""), None])),
            ("Type", texts(&[Some("\"04\""), None])),
        ],
        Some(NullBuffer::from(vec![true, false])),
    );
    let emails = structs(
        vec![
            ("Type", texts(&[Some("Primary"), None])),
            (
                "value",
                texts(&[Some("a@example.org"), Some("b@example.org")]),
            ),
        ],
        None,
    );
    let tags = structs(vec![("value", texts(&[Some("x"), Some("y")]))], None);
    RecordBatch::try_from_iter_with_nullable(vec![
        (
            "Born",
            Arc::new(Date32Array::from(vec![Some(14_610), None])) as ArrayRef,
            true,
        ),
        ("EmailList", list(emails, [2, 0], vec![true, false]), true),
        ("Id", Arc::new(Int64Array::from(vec![7, -8])), true),
        ("Name", Arc::new(name), true),
        ("RefId", texts(&[Some("AB"), Some("CD")]), true),
        ("Tag", list(tags, [1, 1], vec![true, true]), true),
    ])
    .unwrap()
}

fn written(version: &str, keep: &dyn Fn(&str) -> bool) -> [String; 2] {
    let plan = XmlPlan::new(
        "Person",
        &person(),
        version.parse::<Version>().unwrap(),
        keep,
    );
    let batch = batch();
    let encoded = XmlBatch::new(&plan, &batch).encode().unwrap();
    [0, 1].map(|row| String::from_utf8(encoded.bytes(row).to_vec()).unwrap())
}

#[test]
fn elements_come_in_the_order_of_the_standard() {
    assert_eq!(
        written("2.7", &|_| true),
        [
            "<Person RefId=\"AB\"><Id>7</Id><Name Type=\"&quot;04&quot;\">\
             <Last>O'Neill &amp; \"Co\"</Last><First>A&lt;n&gt;n</First></Name>\
             <Born>2010-01-01</Born><EmailList><Email Type=\"Primary\">a@example.org</Email>\
             <Email>b@example.org</Email></EmailList><Tag>x</Tag></Person>",
            "<Person RefId=\"CD\"><Id>-8</Id><Tag>y</Tag></Person>",
        ]
    );
}

#[test]
fn what_a_version_lacks_is_left_out() {
    let [_, second] = written("2.6", &|_| true);
    assert_eq!(second, "<Person><Id>-8</Id><Tag>y</Tag></Person>");
}

#[test]
fn a_projection_keeps_parents_and_attributes() {
    let [first, second] = written("2.7", &|path| path == "Name/First");
    assert_eq!(
        first,
        "<Person RefId=\"AB\"><Name Type=\"&quot;04&quot;\"><First>A&lt;n&gt;n</First></Name></Person>"
    );
    assert_eq!(second, "<Person RefId=\"CD\"></Person>");
    let [first, _] = written("2.7", &|path| path == "EmailList");
    assert!(
        first.contains("<Email>b@example.org</Email></EmailList></Person>"),
        "{first}"
    );
}

#[test]
fn a_change_holds_only_the_elements_that_are_wanted() {
    let plan = XmlPlan::new("Person", &person(), Version::new(2, 7), &|_| true);
    let batch = batch();
    let mut out = Vec::new();
    let born = plan.root().children.iter().position(|c| c.name == "Born");
    XmlBatch::new(&plan, &batch)
        .write_only(0, &|i| Some(i) == born, &mut out)
        .unwrap();
    assert_eq!(
        out,
        b"<Person RefId=\"AB\"><Born>2010-01-01</Born></Person>"
    );
}
