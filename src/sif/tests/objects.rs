//! Staged objects of a made-up kind: key, one attribute, a name, a number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field as Column, Fields};

use crate::metadata::{Field, Kind, ResourceMeta, XmlForm, XmlNode};
use crate::object::{ContentHash, KeyHash};
use crate::stage::{Layout, ParquetFile};

/// RefId of object `i`.
pub(super) fn ref_id(i: usize) -> String {
    format!("{i:032X}")
}

/// `<Thing RefId=""><Name><LastName/></Name><Size/></Thing>`.
pub(super) fn meta() -> ResourceMeta {
    let field = |kind, order, form| Field {
        required: false,
        kind,
        xml: Some(XmlForm {
            order,
            form,
            ..XmlForm::default()
        }),
    };
    let text = || Kind::String { max: None };
    let name = Kind::Object {
        fields: BTreeMap::from([("LastName".to_owned(), field(text(), 1, XmlNode::Element))]),
    };
    ResourceMeta {
        fields: BTreeMap::from([
            (
                "RefId".to_owned(),
                field(Kind::RefId, 1, XmlNode::Attribute),
            ),
            ("Name".to_owned(), field(name, 2, XmlNode::Element)),
            ("Size".to_owned(), field(Kind::Int64, 3, XmlNode::Element)),
        ]),
        ..ResourceMeta::default()
    }
}

/// One object: its last name, and what holds it back.
pub(super) type Row = (String, Option<&'static str>);

/// Objects 0 to `count`, all fit to be sent.
pub(super) fn rows(count: usize) -> Vec<Row> {
    (0..count)
        .map(|i| (format!("Last & <{i}>"), None))
        .collect()
}

/// Writes them, several batches long; object `i` is number `i`, its size `i % 10`.
pub(super) fn write(folder: &Path, rows: &[Row]) -> PathBuf {
    let path = folder.join("Thing.parquet");
    let count = rows.len();
    let texts = |f: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..count).map(f).collect::<StringArray>())
    };
    let numbers = |f: &dyn Fn(usize) -> Option<i64>| -> ArrayRef {
        Arc::new((0..count).map(f).collect::<Int64Array>())
    };
    let hashes = |f: &dyn Fn(usize) -> [u8; 16]| -> ArrayRef {
        let all: Vec<[u8; 16]> = (0..count).map(f).collect();
        let all = all.iter().map(|h| Some(h.as_slice()));
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(all, 16).unwrap())
    };
    let key = |i: usize| format!("RefId={}", ref_id(i));
    let last = texts(&|i| Some(rows[i].0.clone()));
    let members = Fields::from(vec![Column::new("LastName", DataType::Utf8, true)]);
    let name: ArrayRef = Arc::new(StructArray::new(members, vec![last], None));
    let reason = |i: usize| rows[i].1.map(|_| "missing_required".to_owned());
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("Name", name, true),
        ("RefId", texts(&|i| Some(ref_id(i))), true),
        ("Size", numbers(&|i| i64::try_from(i % 10).ok()), true),
        ("_key", texts(&|i| Some(key(i))), false),
        (
            "_key_hash",
            hashes(&|i| KeyHash::of(&key(i)).to_bytes()),
            false,
        ),
        (
            "_content_hash",
            hashes(&|i| ContentHash::of(rows[i].0.as_bytes()).to_bytes()),
            false,
        ),
        ("_source_table", texts(&|_| Some("T".to_owned())), false),
        ("_source_key", texts(&|i| Some(i.to_string())), false),
        ("_school_id", numbers(&|_| None), true),
        ("_person_id", numbers(&|_| None), true),
        ("_course_id", numbers(&|_| None), true),
        ("_section_id", numbers(&|_| None), true),
        ("_held", texts(&|i| rows[i].1.map(str::to_owned)), true),
        ("_reason", texts(&reason), true),
        ("_detail", texts(&|_| None), true),
    ])
    .unwrap();
    let mut file = ParquetFile::create(&path, batch.schema(), &Layout::objects()).unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
    path
}
