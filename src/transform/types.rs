//! Which Arrow type an SQL value is stored as, given what the metadata wants there.
//!
//! Reads: types. Writes: nothing. Never: accepts a conversion that loses something.

use arrow::datatypes::DataType;

use crate::metadata::Kind;

/// The type that a scalar is stored as in an objects file; None where an SQL type cannot stand
/// for this kind of field. Without a kind (inside `_ext`) only the spelling is unified: text is
/// Utf8, integers are Int64, times are text.
pub(super) fn stored_type(from: &DataType, kind: Option<&Kind>) -> Option<DataType> {
    use DataType as T;
    let plain = match from {
        T::Dictionary(_, value) => return stored_type(value, kind),
        T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Time32(_) | T::Time64(_) | T::Null => T::Utf8,
        t if t.is_integer() => T::Int64,
        T::Date32 | T::Date64 => T::Date32,
        other => other.clone(),
    };
    if *from == T::Null {
        return Some(plain);
    }
    let is_time = matches!(from, T::Time32(_) | T::Time64(_));
    let is_text = plain == T::Utf8 && !is_time;
    let whole = matches!(plain, T::Decimal128(_, 0) | T::Decimal256(_, 0));
    let Some(kind) = kind else {
        return Some(plain);
    };
    match kind {
        Kind::String { .. } if matches!(plain, T::Utf8 | T::Int64 | T::Date32) => Some(T::Utf8),
        Kind::Descriptor { .. } | Kind::Code { .. } | Kind::RefId if is_text => Some(plain),
        Kind::Int32 | Kind::Int64 if plain == T::Int64 || whole => Some(T::Int64),
        Kind::Number if plain.is_numeric() => Some(plain),
        Kind::Boolean if plain == T::Boolean => Some(plain),
        Kind::Date if is_text || plain == T::Date32 => Some(plain),
        Kind::Time if is_text || is_time => Some(plain),
        Kind::DateTime if is_text || matches!(plain, T::Timestamp(..)) => Some(plain),
        _ => None,
    }
}

/// What a kind is called, and the cast that makes it.
pub(super) fn wanted(kind: &Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::String { .. } => ("text", "CAST(... AS VARCHAR)"),
        Kind::Descriptor { .. } => ("a descriptor URI (text)", "join its crosswalk"),
        Kind::Code { .. } => ("a code (text)", "join its crosswalk"),
        Kind::RefId => ("a RefId (text)", "ref_id('Object', key)"),
        Kind::Int32 => ("a 32-bit integer", "CAST(... AS INT)"),
        Kind::Int64 => ("a 64-bit integer", "CAST(... AS BIGINT)"),
        Kind::Number => ("a number", "CAST(... AS DECIMAL(p, s))"),
        Kind::Boolean => ("true or false", "CAST(... AS BOOLEAN) or a comparison"),
        Kind::Date => ("a date", "CAST(... AS DATE)"),
        Kind::Time => ("a time of day", "text HH:MM:SS"),
        Kind::DateTime => ("a date and time", "CAST(... AS TIMESTAMP)"),
        Kind::Object { .. } => ("an object", "named_struct('name', value, ...)"),
        Kind::Reference { .. } => ("a reference", "named_struct('name', value, ...)"),
        Kind::Array { .. } => (
            "a list of objects",
            "make_array(named_struct(...)) or array_sort(array_agg(named_struct(...)))",
        ),
    }
}

/// An Arrow type in the words of a mapping.
pub(super) fn spoken(from: &DataType) -> String {
    use DataType as T;
    match from {
        T::Dictionary(_, value) => spoken(value),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "text".to_owned(),
        T::Date32 | T::Date64 => "a date".to_owned(),
        T::Timestamp(..) => "a timestamp".to_owned(),
        T::Boolean => "a boolean".to_owned(),
        T::Struct(_) => "a struct".to_owned(),
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) => "a list".to_owned(),
        T::Float32 | T::Float64 => "a floating-point number".to_owned(),
        T::Decimal128(p, s) => format!("decimal({p},{s})"),
        t if t.is_integer() => "an integer".to_owned(),
        other => other.to_string(),
    }
}
