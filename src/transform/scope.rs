//! The scope columns: what the SQL may yield beside the body, and what an objects file carries.
//!
//! Reads: schemas, record batches. Writes: nothing. Never: puts a scope column into a body.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;

use super::shape::cast_strictly;

/// Text columns that the SQL must yield.
pub(super) const SOURCE: [&str; 2] = ["_source_table", "_source_key"];
/// SIS ids that it may yield; NULL when absent.
pub(super) const IDS: [&str; 4] = ["_school_id", "_person_id", "_course_id", "_section_id"];
/// Further SIS ids that an object stands for, each a list or one: what `--person` and `--course`
/// find it by as well. Not kept in the objects file.
pub(super) const MORE: [&str; 2] = ["_person_ids", "_course_ids"];
/// Texts by which a mapping holds objects back.
pub(super) const VERDICTS: [&str; 3] = ["_skip", "_reject", "_unmapped"];

/// The schema of an objects file with this body: a public contract.
pub fn object_schema(body: &Fields) -> Schema {
    let hash = || DataType::FixedSizeBinary(16);
    let mut fields: Vec<Arc<Field>> = body.iter().cloned().collect();
    let mut add = |name: &str, kind: DataType, nullable: bool| {
        fields.push(Arc::new(Field::new(name, kind, nullable)));
    };
    add("_key", DataType::Utf8, false);
    add("_key_hash", hash(), false);
    add("_content_hash", hash(), false);
    for name in SOURCE {
        add(name, DataType::Utf8, true);
    }
    for name in IDS {
        add(name, DataType::Int64, true);
    }
    for name in ["_held", "_reason", "_detail"] {
        add(name, DataType::Utf8, true);
    }
    Schema::new(fields)
}

/// The scope columns of one batch of the SQL.
#[derive(Debug)]
pub(super) struct Scope {
    /// `_source_table`, `_source_key`.
    pub(super) source: [StringArray; 2],
    /// In the order of [`IDS`].
    pub(super) ids: [ArrayRef; 4],
    /// In the order of [`VERDICTS`].
    pub(super) verdicts: [Option<StringArray>; 3],
}

impl Scope {
    /// Takes them out of a batch; what is absent is NULL.
    ///
    /// # Errors
    /// A value that is no integer or has no text form.
    pub(super) fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let column = |name: &str, kind: &DataType| match batch.column_by_name(name) {
            Some(array) => cast_strictly(array, kind).map(Some),
            None => Ok(None),
        };
        let text = |name: &str| {
            let array = column(name, &DataType::Utf8)?;
            Ok::<_, ArrowError>(array.map(|a| a.as_string::<i32>().clone()))
        };
        let rows = batch.num_rows();
        let or_null = |a: Option<StringArray>| a.unwrap_or_else(|| StringArray::new_null(rows));
        let [table, key] = SOURCE.map(text);
        let [skip, reject, unmapped] = VERDICTS.map(text);
        let id = |name: &str| {
            let array = column(name, &DataType::Int64)?;
            Ok::<_, ArrowError>(array.unwrap_or_else(|| new_null_array(&DataType::Int64, rows)))
        };
        let [school, person, course, section] = IDS.map(id);
        Ok(Self {
            source: [or_null(table?), or_null(key?)],
            ids: [school?, person?, course?, section?],
            verdicts: [skip?, reject?, unmapped?],
        })
    }
}
