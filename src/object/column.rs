//! Reads the parts of natural keys out of body columns, however deep they stand.
//!
//! Reads: record batches. Writes: nothing. Never: knows which resource a key belongs to.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, StructArray, make_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;

use super::Key;

/// A column whose values are parts of natural keys: their JSON text without quotes.
#[derive(Clone, Debug)]
pub struct KeyColumn {
    values: Values,
}

#[derive(Clone, Debug)]
enum Values {
    Text(StringArray),
    Integer(Int64Array),
}

impl KeyColumn {
    /// Takes a scalar column; anything but text and 64-bit integers is turned into text once.
    ///
    /// # Errors
    /// A type that has no text form (a struct, a list).
    pub fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let values = match array.data_type() {
            DataType::Utf8 => Values::Text(array.as_string::<i32>().clone()),
            kind if kind.is_integer() => {
                let wide = cast(array, &DataType::Int64)?;
                Values::Integer(wide.as_primitive::<Int64Type>().clone())
            }
            _ => Values::Text(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
        };
        Ok(Self { values })
    }

    /// Whether the row has no value (NULL or an empty text), so that no key can be built from it.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.values {
            Values::Text(a) => a.is_null(row) || a.value_length(row) == 0,
            Values::Integer(a) => a.is_null(row),
        }
    }

    /// Appends the row's value to a key. `scratch` is overwritten.
    pub fn push(&self, row: usize, name: &str, key: &mut Key, scratch: &mut String) {
        match &self.values {
            Values::Text(a) => key.push(name, a.value(row)),
            Values::Integer(a) => {
                scratch.clear();
                let _ = write!(scratch, "{}", a.value(row));
                key.push(name, scratch);
            }
        }
    }
}

/// The member `name` of a struct column; NULL wherever the struct itself is NULL.
pub fn member(parent: &StructArray, name: &str) -> Option<ArrayRef> {
    let child = parent.column_by_name(name)?;
    if parent.null_count() == 0 {
        return Some(Arc::clone(child));
    }
    let nulls = NullBuffer::union(parent.nulls(), child.logical_nulls().as_ref());
    if child.data_type() == &DataType::Null {
        return Some(Arc::clone(child));
    }
    let data = child.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(make_array(data))
}

/// The column at a dotted path through structs (`schoolReference.schoolId`); NULL wherever a
/// struct above it is NULL. None when there is no such column.
pub fn column_at(batch: &RecordBatch, path: &str) -> Option<ArrayRef> {
    let mut names = path.split('.');
    let mut array = Arc::clone(batch.column_by_name(names.next()?)?);
    for name in names {
        array = member(array.as_struct_opt()?, name)?;
    }
    Some(array)
}

#[cfg(test)]
mod tests {
    use arrow::array::Date32Array;
    use arrow::datatypes::{Field, Fields};

    use super::*;

    #[test]
    fn a_member_of_a_null_struct_is_null() {
        let inner = Fields::from(vec![Field::new("id", DataType::Int64, true)]);
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let nulls = Some(NullBuffer::from(vec![true, false]));
        let parent: ArrayRef = Arc::new(StructArray::new(inner, vec![ids], nulls));
        let batch = RecordBatch::try_from_iter_with_nullable([("ref", parent, true)]).unwrap();
        let column = KeyColumn::new(&column_at(&batch, "ref.id").unwrap()).unwrap();
        assert!(!column.is_missing(0));
        assert!(column.is_missing(1));
        assert!(column_at(&batch, "ref.no").is_none());
        assert!(column_at(&batch, "ref.id.deeper").is_none());
    }

    #[test]
    fn values_are_their_json_text() {
        let columns: [(ArrayRef, &str); 3] = [
            (Arc::new(StringArray::from(vec!["a=b"])), "n=a%3Db"),
            (Arc::new(Int64Array::from(vec![-7])), "n=-7"),
            (Arc::new(Date32Array::from(vec![19_950])), "n=2024-08-15"),
        ];
        for (array, wanted) in columns {
            let mut key = Key::new();
            let column = KeyColumn::new(&array).unwrap();
            column.push(0, "n", &mut key, &mut String::new());
            assert_eq!(key.as_str(), wanted);
        }
    }
}
