//! Gives the columns of a resource's SQL their final form: body columns sorted by name at every
//! depth, of the types that the metadata wants, without anything empty; scope columns apart.
//!
//! Reads: record batches, metadata. Writes: nothing. Never: looks at a single row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::metadata;
use crate::object::is_body_column;

use super::prune::{own_values, pruned_list, pruned_struct};
use super::rules::members;
use super::types::stored_type;

type Members = BTreeMap<String, metadata::Field>;

/// How one column, member or element is brought into form.
#[derive(Clone, Debug)]
enum Form {
    /// A scalar that is right as it is.
    Keep,
    /// A scalar that is cast.
    Cast(DataType),
    /// A struct: which member comes where, and its form.
    Struct(Vec<(usize, Self)>, Fields),
    /// A list: the form of its elements.
    List(Box<Self>, FieldRef),
}

/// The body of a resource: made once from the SQL's schema, applied to each batch.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    columns: Vec<(usize, Form)>,
    schema: SchemaRef,
}

impl Shape {
    /// Plans the form. A type that does not fit the metadata is kept as it is: the check of the
    /// schema reports it.
    /// `left_out` are dotted paths of fields that are in no body.
    pub(super) fn new(sql: &Schema, fields: &Members, left_out: &[String]) -> Self {
        let body = sql.fields().iter().enumerate();
        let body = body.filter(|(_, f)| is_body_column(f.name()));
        let (columns, fields) = sorted(body, Some(fields), "", left_out);
        Self {
            columns,
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// The body's columns, sorted; all may be NULL.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The body of a batch of the SQL.
    ///
    /// # Errors
    /// A value that does not survive its cast.
    pub(super) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns: Result<Vec<_>, _> = self
            .columns
            .iter()
            .map(|(i, form)| form.apply(batch.column(*i)))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns?, &options)
    }
}

fn sorted<'a>(
    fields: impl Iterator<Item = (usize, &'a FieldRef)>,
    wanted: Option<&Members>,
    at: &str,
    left_out: &[String],
) -> (Vec<(usize, Form)>, Fields) {
    let stays = |field: &FieldRef| {
        let name = field.name();
        let left = |path: &String| path.strip_prefix(at) == Some(name);
        !left_out.iter().any(left)
    };
    let mut fields: Vec<(usize, &FieldRef)> = fields.filter(|(_, f)| stays(f)).collect();
    fields.sort_by(|a, b| a.1.name().cmp(b.1.name()));
    let mut forms = Vec::with_capacity(fields.len());
    let mut stored = Vec::with_capacity(fields.len());
    for (i, field) in fields {
        let wanted = wanted.and_then(|w| w.get(field.name()));
        let below = format!("{at}{}.", field.name());
        let kind = wanted.map(|w| &w.kind);
        let (form, data_type) = form(field.data_type(), kind, &below, left_out);
        forms.push((i, form));
        stored.push(Field::new(field.name(), data_type, true));
    }
    (forms, Fields::from(stored))
}

fn form(
    from: &DataType,
    kind: Option<&metadata::Kind>,
    at: &str,
    left_out: &[String],
) -> (Form, DataType) {
    match from {
        DataType::Struct(fields) => {
            let wanted = kind.and_then(members);
            let (forms, fields) = sorted(fields.iter().enumerate(), wanted, at, left_out);
            (
                Form::Struct(forms, fields.clone()),
                DataType::Struct(fields),
            )
        }
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => {
            let (form, data_type) = form(element.data_type(), kind, at, left_out);
            let element = Arc::new(Field::new("item", data_type, true));
            (
                Form::List(Box::new(form), Arc::clone(&element)),
                DataType::List(element),
            )
        }
        scalar => {
            let wanted = stored_type(scalar, kind).unwrap_or_else(|| scalar.clone());
            match wanted == *scalar {
                true => (Form::Keep, wanted),
                false => (Form::Cast(wanted.clone()), wanted),
            }
        }
    }
}

impl Form {
    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Keep => Ok(Arc::clone(array)),
            Self::Cast(wanted) => cast_strictly(array, wanted),
            Self::Struct(forms, fields) => {
                let parent = array.as_struct();
                let members: Result<Vec<_>, _> = forms
                    .iter()
                    .map(|(i, form)| form.apply(parent.column(*i)))
                    .collect();
                pruned_struct(fields.clone(), members?, parent.nulls(), parent.len())
            }
            Self::List(form, element) => {
                let list = as_list(array)?;
                let (offsets, values) = own_values(list.as_list::<i32>())?;
                pruned_list(Arc::clone(element), offsets, form.apply(&values)?)
            }
        }
    }
}

fn as_list(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::List(_) => Ok(Arc::clone(array)),
        DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => {
            cast_strictly(array, &DataType::List(Arc::clone(element)))
        }
        other => Err(ArrowError::CastError(format!("{other} is no list"))),
    }
}

/// A cast that fails where a value does not survive it, in place of making it NULL.
pub(super) fn cast_strictly(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, wanted, &options)
}
