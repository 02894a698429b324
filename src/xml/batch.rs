//! One record batch, bound to the plan of its resource: rows are written from typed columns.

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray};
use arrow::array::{Date32Array, Decimal128Array, Int64Array, TimestampMicrosecondArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat};

use super::plan::{Element, XmlPlan};
use super::text::{escape_attribute, escape_text};
use crate::object::Encoded;

/// Days of 1970-01-01 since 0000-12-31, as chrono counts.
const EPOCH: i32 = 719_163;

/// A batch of objects, ready to be written row by row.
pub struct XmlBatch<'a> {
    root: Node<'a>,
    rows: usize,
}

/// One element with its columns.
struct Node<'a> {
    plan: &'a Element,
    nulls: Option<NullBuffer>,
    attributes: Vec<(&'a [u8], Scalar)>,
    text: Option<Scalar>,
    children: Vec<Self>,
    /// A list: where each row's elements stand, and how they are written.
    list: Option<(arrow::buffer::OffsetBuffer<i32>, Box<Self>)>,
}

/// A column of single values.
enum Scalar {
    Text(StringArray),
    Int(Int64Array),
    Bool(BooleanArray),
    Date(Date32Array),
    Decimal(Decimal128Array),
    Time(TimestampMicrosecondArray),
    Other(ArrayRef),
}

impl std::fmt::Debug for XmlBatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XmlBatch")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<'a> XmlBatch<'a> {
    /// Finds the columns that a plan writes; what the batch lacks is left out.
    pub fn new(plan: &'a XmlPlan, batch: &RecordBatch) -> Self {
        let column = |name: &str| batch.column_by_name(name).cloned();
        Self {
            root: Node::of(&plan.root, &column, None),
            rows: batch.num_rows(),
        }
    }

    /// Rows of the batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the object of a row.
    ///
    /// # Errors
    /// A value of a type that has no text form.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.write_only(row, &|_| true, out)
    }

    /// Appends the object of a row with its attributes and those top-level elements only that are
    /// wanted, by their place in [`Element::children`] of the plan's root.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_only(
        &self,
        row: usize,
        wanted: &dyn Fn(usize) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        let root = &self.root;
        out.extend_from_slice(&root.plan.open);
        root.write_attributes(row, out)?;
        out.push(b'>');
        for child in &root.children {
            let place = root
                .plan
                .children
                .iter()
                .position(|c| std::ptr::eq(c, child.plan));
            if place.is_some_and(wanted) {
                child.write(row, out)?;
            }
        }
        out.extend_from_slice(&root.plan.close);
        Ok(())
    }

    /// All objects of the batch.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn encode(&self) -> Result<Encoded, ArrowError> {
        let mut buffer = Vec::with_capacity(self.rows * 512);
        let mut ends = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            self.write(row, &mut buffer)?;
            ends.push(buffer.len());
        }
        Ok(Encoded::from_parts(Bytes::from(buffer), ends))
    }
}

impl<'a> Node<'a> {
    fn of(
        plan: &'a Element,
        column: &dyn Fn(&str) -> Option<ArrayRef>,
        nulls: Option<NullBuffer>,
    ) -> Self {
        let attributes = plan.attributes.iter();
        Self {
            plan,
            nulls,
            attributes: attributes
                .filter_map(|(name, start)| Some((&**start, Scalar::of(column(name)?))))
                .collect(),
            text: plan.text.as_deref().and_then(column).map(Scalar::of),
            children: plan
                .children
                .iter()
                .filter_map(|child| Self::child(child, &column(&child.name)?))
                .collect(),
            list: None,
        }
    }

    /// None where the column is not of the plan's shape, or holds nothing at all.
    fn child(plan: &'a Element, array: &ArrayRef) -> Option<Self> {
        if array.null_count() == array.len() {
            return None;
        }
        let nulls = array.nulls().cloned();
        let bare = |text, list| Self {
            plan,
            nulls: nulls.clone(),
            attributes: Vec::new(),
            text,
            children: Vec::new(),
            list,
        };
        match (&plan.item, array.data_type()) {
            (Some(item), DataType::List(_)) => {
                let list = array.as_list::<i32>();
                let elements = list.values().as_struct_opt()?;
                let member = |name: &str| elements.column_by_name(name).cloned();
                let item = Self::of(item, &member, elements.nulls().cloned());
                Some(bare(None, Some((list.offsets().clone(), Box::new(item)))))
            }
            (None, DataType::Struct(_)) => {
                let members = array.as_struct();
                let member = |name: &str| members.column_by_name(name).cloned();
                Some(Self::of(plan, &member, nulls))
            }
            (None, _) if plan.scalar => Some(bare(Some(Scalar::of(ArrayRef::clone(array))), None)),
            _ => None,
        }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(());
        }
        let Self { plan, .. } = self;
        if let Some((offsets, item)) = &self.list {
            let place = |i: usize| offsets.get(i).and_then(|o| usize::try_from(*o).ok());
            let (from, to) = (place(row).unwrap_or(0), place(row + 1).unwrap_or(0));
            if !plan.open.is_empty() {
                out.extend_from_slice(&plan.open);
                out.push(b'>');
            }
            for element in from..to {
                item.write(element, out)?;
            }
            out.extend_from_slice(&plan.close);
            return Ok(());
        }
        out.extend_from_slice(&plan.open);
        self.write_attributes(row, out)?;
        out.push(b'>');
        if let Some(text) = &self.text {
            text.write(row, escape_text, out)?;
        }
        for child in &self.children {
            child.write(row, out)?;
        }
        out.extend_from_slice(&plan.close);
        Ok(())
    }

    fn write_attributes(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        for (start, value) in &self.attributes {
            if value.is_valid(row) {
                out.extend_from_slice(start);
                value.write(row, escape_attribute, out)?;
                out.push(b'"');
            }
        }
        Ok(())
    }
}

impl Scalar {
    fn of(array: ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string::<i32>().clone()),
            DataType::Int64 => Self::Int(array.as_primitive::<Int64Type>().clone()),
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>().clone()),
            DataType::Decimal128(..) => {
                Self::Decimal(array.as_primitive::<Decimal128Type>().clone())
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Time(array.as_primitive::<TimestampMicrosecondType>().clone())
            }
            _ => Self::Other(array),
        }
    }

    fn is_valid(&self, row: usize) -> bool {
        match self {
            Self::Text(a) => a.is_valid(row),
            Self::Int(a) => a.is_valid(row),
            Self::Bool(a) => a.is_valid(row),
            Self::Date(a) => a.is_valid(row),
            Self::Decimal(a) => a.is_valid(row),
            Self::Time(a) => a.is_valid(row),
            Self::Other(a) => a.is_valid(row),
        }
    }

    /// Appends the value of a row, if it has one.
    fn write(
        &self,
        row: usize,
        escape: fn(&str, &mut Vec<u8>),
        out: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        use std::io::Write as _;
        if !self.is_valid(row) {
            return Ok(());
        }
        // Writing to a Vec cannot fail.
        match self {
            Self::Text(a) => escape(a.value(row), out),
            Self::Int(a) => drop(write!(out, "{}", a.value(row))),
            Self::Bool(a) => out.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
            Self::Date(a) => date(a.value(row), out),
            Self::Decimal(a) => out.extend_from_slice(a.value_as_string(row).as_bytes()),
            Self::Time(a) => {
                let at = DateTime::from_timestamp_micros(a.value(row)).unwrap_or_default();
                let text = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Other(a) => {
                let options = FormatOptions::default();
                let text = ArrayFormatter::try_new(a, &options)?
                    .value(row)
                    .try_to_string()?;
                escape(&text, out);
            }
        }
        Ok(())
    }
}

/// `YYYY-MM-DD`, by hand: it is in every attendance record.
fn date(days: i32, out: &mut Vec<u8>) {
    let date = days
        .checked_add(EPOCH)
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .unwrap_or_default();
    let year = date.year().clamp(0, 9999).unsigned_abs();
    let digit = |n: u32| b'0' + u8::try_from(n % 10).unwrap_or(0);
    for power in [1000, 100, 10, 1] {
        out.push(digit(year / power));
    }
    for part in [date.month(), date.day()] {
        out.extend([b'-', digit(part / 10), digit(part)]);
    }
}

#[cfg(test)]
mod tests;
