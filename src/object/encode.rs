//! Turns the body columns of a record batch into JSON bodies: one buffer, one byte range each.
//!
//! Reads: record batches. Writes: nothing. Never: sorts or prunes; the transform has done that, so
//! that the same bytes are hashed and sent.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;
use arrow_json::writer::{EncoderOptions, make_encoder};
use bytes::Bytes;

/// Bodies of a batch, in the order of its rows.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    buffer: Bytes,
    ends: Vec<usize>,
}

impl Encoded {
    /// Bodies that are bytes already: `ends` holds the end of each in `buffer`, ascending.
    pub fn from_parts(buffer: Bytes, ends: Vec<usize>) -> Self {
        Self { buffer, ends }
    }

    /// Number of bodies.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no body.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The body of a row, as a slice that shares the buffer (a reference count, no copy). Empty
    /// when there is no such row.
    pub fn body(&self, row: usize) -> Bytes {
        self.buffer.slice(self.range(row))
    }

    /// The body of a row as bytes. Empty when there is no such row.
    pub fn bytes(&self, row: usize) -> &[u8] {
        self.buffer.get(self.range(row)).unwrap_or_default()
    }

    /// All bodies, one after the other without separators.
    pub fn buffer(&self) -> &Bytes {
        &self.buffer
    }

    /// Where the body of a row stands in [`Encoded::buffer`].
    pub fn range(&self, row: usize) -> Range<usize> {
        let start = match row.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
        };
        let end = self.ends.get(row).copied().unwrap_or(start);
        start..end
    }
}

/// Whether a column of an objects file is part of the body: every name that does not start with
/// `_`, and `_ext`.
pub fn is_body_column(name: &str) -> bool {
    name == "_ext" || !name.starts_with('_')
}

/// Indices of the body columns, for [`RecordBatch::project`].
pub fn body_columns(schema: &Schema) -> Vec<usize> {
    let names = schema.fields().iter().enumerate();
    names
        .filter(|(_, f)| is_body_column(f.name()))
        .map(|(i, _)| i)
        .collect()
}

/// Encodes each row of a batch that holds body columns only. NULLs are left out at every depth,
/// dates are ISO text, decimals are plain numbers.
///
/// # Errors
/// A column of a type that JSON has no form for.
pub fn encode(body: &RecordBatch) -> Result<Encoded, ArrowError> {
    let rows = body.num_rows();
    let array = StructArray::from(body.clone());
    let field = Arc::new(Field::new_struct("", body.schema().fields().clone(), false));
    let options = EncoderOptions::default();
    let mut encoder = make_encoder(&field, &array, &options)?;
    let mut buffer = Vec::with_capacity(estimate(body));
    let mut ends = Vec::with_capacity(rows);
    for row in 0..rows {
        encoder.encode(row, &mut buffer);
        ends.push(buffer.len());
    }
    Ok(Encoded {
        buffer: Bytes::from(buffer),
        ends,
    })
}

/// About how many bytes the bodies take: the arrays, and the names once per row.
fn estimate(body: &RecordBatch) -> usize {
    let values = body
        .columns()
        .iter()
        .map(|c| c.to_data().get_slice_memory_size().unwrap_or(0));
    values.sum::<usize>() + body.num_rows() * names(body.schema().fields())
}

fn names(fields: &Fields) -> usize {
    let one = |field: &Arc<Field>| {
        let nested = match field.data_type() {
            DataType::Struct(members) => names(members),
            DataType::List(element) => match element.data_type() {
                DataType::Struct(members) => names(members),
                _ => 0,
            },
            _ => 8,
        };
        field.name().len() + 6 + nested
    };
    fields.iter().map(one).sum()
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, ListArray, StringArray,
    };
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    type Row = (
        Option<String>,
        Option<i64>,
        Option<bool>,
        Option<(Option<String>, Option<i64>)>,
        Option<Vec<Option<String>>>,
    );

    fn batch(rows: &[Row]) -> RecordBatch {
        let text: StringArray = rows.iter().map(|r| r.0.as_deref()).collect();
        let number: Int64Array = rows.iter().map(|r| r.1).collect();
        let flag: BooleanArray = rows.iter().map(|r| r.2).collect();
        let inner_text: StringArray = rows
            .iter()
            .map(|r| r.3.as_ref().and_then(|s| s.0.as_deref()))
            .collect();
        let inner_number: Int64Array = rows
            .iter()
            .map(|r| r.3.as_ref().and_then(|s| s.1))
            .collect();
        let inner = Fields::from(vec![
            Field::new("a", DataType::Utf8, true),
            Field::new("b", DataType::Int64, true),
        ]);
        let nested = StructArray::new(
            inner,
            vec![Arc::new(inner_text), Arc::new(inner_number)],
            Some(NullBuffer::from_iter(rows.iter().map(|r| r.3.is_some()))),
        );
        let element = Fields::from(vec![Field::new("x", DataType::Utf8, true)]);
        let flat: StringArray = rows
            .iter()
            .flat_map(|r| r.4.iter().flatten().map(Option::as_deref))
            .collect();
        let lengths = rows.iter().map(|r| r.4.as_ref().map_or(0, Vec::len));
        let list = ListArray::new(
            Arc::new(Field::new_struct("item", element.clone(), true)),
            OffsetBuffer::from_lengths(lengths),
            Arc::new(StructArray::new(element, vec![Arc::new(flat)], None)),
            Some(NullBuffer::from_iter(rows.iter().map(|r| r.4.is_some()))),
        );
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("flag", Arc::new(flag), true),
            ("list", Arc::new(list), true),
            ("nested", Arc::new(nested), true),
            ("number", Arc::new(number), true),
            ("text", Arc::new(text), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    /// What serde_json makes of the same row (its maps are sorted by key).
    fn expected(row: &Row) -> String {
        let mut map = Map::new();
        let put = |map: &mut Map<String, Value>, name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put(&mut map, "flag", row.2.map(Value::from));
        let elements = row.4.as_ref().map(|list| {
            let one = |x: &Option<String>| x.as_ref().map_or(json!({}), |x| json!({ "x": x }));
            Value::from(list.iter().map(one).collect::<Vec<_>>())
        });
        put(&mut map, "list", elements);
        let nested = row.3.as_ref().map(|(a, b)| {
            let mut inner = Map::new();
            put(&mut inner, "a", a.clone().map(Value::from));
            put(&mut inner, "b", b.map(Value::from));
            Value::Object(inner)
        });
        put(&mut map, "nested", nested);
        put(&mut map, "number", row.1.map(Value::from));
        put(&mut map, "text", row.0.clone().map(Value::from));
        serde_json::to_string(&Value::Object(map)).unwrap()
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(".{0,12}")
    }

    proptest! {
        #[test]
        fn bodies_are_what_serde_json_writes(
            rows in proptest::collection::vec(
                (
                    text(),
                    proptest::option::of(any::<i64>()),
                    proptest::option::of(any::<bool>()),
                    proptest::option::of((text(), proptest::option::of(any::<i64>()))),
                    proptest::option::of(proptest::collection::vec(text(), 0..4)),
                ),
                1..20,
            )
        ) {
            let encoded = encode(&batch(&rows)).unwrap();
            prop_assert_eq!(encoded.len(), rows.len());
            for (i, row) in rows.iter().enumerate() {
                prop_assert_eq!(std::str::from_utf8(encoded.bytes(i)).unwrap(), expected(row));
                prop_assert_eq!(&encoded.body(i)[..], encoded.bytes(i));
            }
        }
    }

    #[test]
    fn dates_are_iso_and_decimals_are_numbers() {
        let batch = RecordBatch::try_from_iter(vec![
            (
                "date",
                Arc::new(Date32Array::from(vec![19_950])) as ArrayRef,
            ),
            (
                "share",
                Arc::new(
                    Decimal128Array::from(vec![5003])
                        .with_precision_and_scale(5, 4)
                        .unwrap(),
                ),
            ),
        ])
        .unwrap();
        let encoded = encode(&batch).unwrap();
        assert_eq!(encoded.bytes(0), br#"{"date":"2024-08-15","share":0.5003}"#);
        assert_eq!(encoded.bytes(1), b"");
        assert!(encoded.body(1).is_empty());
    }

    #[test]
    fn scope_columns_are_no_body() {
        let names = ["_key", "_ext", "a", "_held", "b"];
        let schema = Schema::new(names.map(|n| Field::new(n, DataType::Utf8, true)).to_vec());
        assert_eq!(body_columns(&schema), [1, 2, 4]);
    }
}
