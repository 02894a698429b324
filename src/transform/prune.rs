//! Turns what is empty into NULL, so that it is left out of the body: structs without a value,
//! lists without an element, and NULLs inside lists. Mostly null buffers change.
//!
//! Reads: arrays. Writes: nothing. Never: drops a value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, ListArray, StructArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;

/// A struct of pruned members: NULL where it was NULL or every member is.
pub(super) fn pruned_struct(
    fields: Fields,
    members: Vec<ArrayRef>,
    own: Option<&NullBuffer>,
    rows: usize,
) -> Result<ArrayRef, ArrowError> {
    let nulls = NullBuffer::union(own, any_valid(&members, rows).as_ref());
    let nulls = nulls.filter(|n| n.null_count() > 0);
    let array = StructArray::try_new_with_length(fields, members, nulls, rows)?;
    Ok(Arc::new(array))
}

/// Where at least one member has a value; None when that is everywhere.
fn any_valid(members: &[ArrayRef], rows: usize) -> Option<NullBuffer> {
    let mut valid: Option<BooleanBuffer> = None;
    for member in members {
        if member.data_type() == &DataType::Null {
            continue;
        }
        // No nulls at all: every row has this member.
        let nulls = member.nulls().filter(|n| n.null_count() > 0)?;
        valid = Some(match valid {
            None => nulls.inner().clone(),
            Some(valid) => &valid | nulls.inner(),
        });
    }
    Some(NullBuffer::new(
        valid.unwrap_or_else(|| BooleanBuffer::new_unset(rows)),
    ))
}

/// The values of a list that its rows use, with offsets from 0: a slice of a list carries its
/// parent's values, and a NULL row may hide elements.
pub(super) fn own_values(list: &ListArray) -> Result<(OffsetBuffer<i32>, ArrayRef), ArrowError> {
    let offsets = list.offsets();
    let (first, last) = match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (index(*first), index(*last)),
        _ => (0, 0),
    };
    let values = list.values().slice(first, last - first);
    let hidden = list.null_count() > 0
        && (0..list.len()).any(|row| list.is_null(row) && list.value_length(row) > 0);
    if !hidden && first == 0 {
        return Ok((offsets.clone(), values));
    }
    if !hidden {
        let lengths = offsets.lengths();
        return Ok((OffsetBuffer::from_lengths(lengths), values));
    }
    let kept = |row: usize| list.is_valid(row);
    let mask: BooleanBuffer = (0..list.len())
        .flat_map(|row| std::iter::repeat_n(kept(row), index(list.value_length(row))))
        .collect();
    let lengths = (0..list.len()).map(|row| match kept(row) {
        true => index(list.value_length(row)),
        false => 0,
    });
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok((offsets, filter(&values, &BooleanArray::new(mask, None))?))
}

/// A list of pruned elements: NULL elements go, and a list without elements is NULL.
pub(super) fn pruned_list(
    field: arrow::datatypes::FieldRef,
    offsets: OffsetBuffer<i32>,
    mut values: ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let mut offsets = offsets;
    if let Some(nulls) = values.logical_nulls().filter(|n| n.null_count() > 0) {
        let kept = nulls.inner().clone();
        let lengths: Vec<usize> = offsets
            .windows(2)
            .map(|w| match w {
                [a, b] => kept.slice(index(*a), index(*b - *a)).count_set_bits(),
                _ => 0,
            })
            .collect();
        offsets = OffsetBuffer::from_lengths(lengths);
        values = filter(&values, &BooleanArray::new(kept, None))?;
    }
    let filled: BooleanBuffer = offsets.lengths().map(|n| n > 0).collect();
    let nulls = Some(NullBuffer::new(filled)).filter(|n| n.null_count() > 0);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
}

fn index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray as _, Int64Array};
    use arrow::datatypes::{Field, Int64Type};

    use super::*;

    fn numbers(values: Vec<Option<i64>>) -> ArrayRef {
        Arc::new(Int64Array::from(values))
    }

    fn fields(names: &[&str]) -> Fields {
        let one = |n: &&str| Field::new(*n, DataType::Int64, true);
        names.iter().map(one).collect()
    }

    #[test]
    fn a_struct_is_null_when_all_members_are() {
        let a = numbers(vec![Some(1), None, None, Some(4)]);
        let b = numbers(vec![None, Some(2), None, Some(4)]);
        let own = NullBuffer::from(vec![true, true, true, false]);
        let pruned = pruned_struct(fields(&["a", "b"]), vec![a, b], Some(&own), 4).unwrap();
        let valid: Vec<bool> = (0..4).map(|i| pruned.is_valid(i)).collect();
        assert_eq!(valid, [true, true, false, false]);
        let none = pruned_struct(Fields::empty(), vec![], None, 2).unwrap();
        assert_eq!(none.null_count(), 2);
    }

    #[test]
    fn lists_lose_null_elements_and_empty_lists_are_null() {
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(9)]),
            Some(vec![Some(1), None, Some(2)]),
            Some(vec![]),
            Some(vec![None]),
            None,
            Some(vec![Some(3)]),
        ]);
        let list = list.slice(1, 5);
        let (offsets, values) = own_values(&list).unwrap();
        let field = Arc::new(Field::new("item", DataType::Int64, true));
        let pruned = pruned_list(field, offsets, values).unwrap();
        let pruned = pruned.as_list::<i32>();
        let rows: Vec<Option<Vec<i64>>> = pruned
            .iter()
            .map(|r| r.map(|r| r.as_primitive::<Int64Type>().values().to_vec()))
            .collect();
        assert_eq!(rows, [Some(vec![1, 2]), None, None, None, Some(vec![3])]);
    }

    #[test]
    fn elements_hidden_behind_a_null_list_go() {
        let list = ListArray::new(
            Arc::new(Field::new("item", DataType::Int64, true)),
            OffsetBuffer::from_lengths([1, 2, 1]),
            numbers(vec![Some(1), Some(7), Some(7), Some(4)]),
            Some(NullBuffer::from(vec![true, false, true])),
        );
        let (offsets, values) = own_values(&list).unwrap();
        assert_eq!(values.as_primitive::<Int64Type>().values(), &[1, 4]);
        assert_eq!(&offsets[..], &[0, 1, 1, 2]);
    }
}
