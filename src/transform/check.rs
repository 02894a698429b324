//! Checks objects against the metadata before they are sent, at every depth, column by column.
//!
//! Reads: shaped bodies, the standard. Writes: verdicts. Never: puts a name or a date of birth
//! into a detail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Date32Type, Float32Type, Float64Type, Int64Type};

use crate::metadata::{Field, Kind, ResourceMeta};
use crate::object::{Reason, member};

use super::descriptors::{Known, Verdicts};
use super::hold::Holds;
use super::text;

/// The longest descriptor URI that an Ed-Fi API takes (namespace 255, code 50, `#`).
const DESCRIPTOR_LENGTH: u32 = 306;

/// Days of 0001-01-01 and 9999-12-31 since 1970-01-01: what four-digit years can say.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;

/// Where a value stands: the way back from an element to its row.
struct Level<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
}

enum Step<'a> {
    Member(&'a str),
    Elements(&'a OffsetBuffer<i32>),
}

/// Checks the batches of one resource.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    fields: Arc<BTreeMap<String, Field>>,
    /// Paths of the natural key's parts.
    keys: Arc<BTreeSet<String>>,
    known: Arc<Known>,
    verdicts: BTreeMap<String, Verdicts>,
    /// Whether objects are written as XML.
    is_xml: bool,
}

impl Checker {
    /// Checks by these rules; `known` are the descriptor values.
    pub(super) fn new(rules: &ResourceMeta, known: Known) -> Self {
        Self {
            fields: Arc::new(rules.fields.clone()),
            keys: Arc::new(rules.key.iter().map(|p| p.path.clone()).collect()),
            known: Arc::new(known),
            verdicts: BTreeMap::new(),
            is_xml: rules.fields.values().any(|field| field.xml.is_some()),
        }
    }

    /// Rejects the rows of a batch that the target would refuse.
    pub(super) fn check(&mut self, body: &RecordBatch, holds: &mut Holds) {
        let column = |name: &str| body.column_by_name(name).cloned();
        let fields = Arc::clone(&self.fields);
        self.object(&fields, column, None, body.num_rows(), None, holds);
    }

    /// The members of the objects that are `present` (None: all of them).
    fn object(
        &mut self,
        fields: &BTreeMap<String, Field>,
        column: impl Fn(&str) -> Option<ArrayRef>,
        present: Option<&NullBuffer>,
        count: usize,
        parent: Option<&Level<'_>>,
        holds: &mut Holds,
    ) {
        for (name, field) in fields {
            let level = Level {
                parent,
                step: Step::Member(name),
            };
            let array = column(name);
            if field.required {
                required(array.as_ref(), present, count, &level, holds);
            }
            if let Some(array) = array.filter(|a| a.null_count() < a.len()) {
                self.value(field, &array, &level, holds);
            }
        }
    }

    fn value(&mut self, field: &Field, array: &ArrayRef, level: &Level<'_>, holds: &mut Holds) {
        match (&field.kind, array.data_type()) {
            (Kind::Object { fields } | Kind::Reference { fields, .. }, DataType::Struct(_)) => {
                let parent = array.as_struct();
                let column = |name: &str| member(parent, name);
                let count = array.len();
                self.object(fields, column, array.nulls(), count, Some(level), holds);
            }
            (Kind::Array { fields }, DataType::List(_)) => {
                let list = array.as_list::<i32>();
                let Some(elements) = list.values().as_struct_opt() else {
                    return;
                };
                let inner = Level {
                    parent: Some(level),
                    step: Step::Elements(list.offsets()),
                };
                let column = |name: &str| member(elements, name);
                let (present, count) = (elements.nulls(), elements.len());
                self.object(fields, column, present, count, Some(&inner), holds);
            }
            (kind, DataType::Utf8) => self.text(kind, field.required, array, level, holds),
            (kind, _) => numbers(kind, array, level, holds),
        }
    }

    fn text(
        &mut self,
        kind: &Kind,
        required: bool,
        array: &ArrayRef,
        level: &Level<'_>,
        holds: &mut Holds,
    ) {
        let array = array.as_string::<i32>();
        let mut refuse = |index: usize, reason: Reason, what: &dyn Fn() -> String| {
            let (row, path) = level.locate(index);
            holds.reject(row, reason, || format!("{path}: {}", what()));
        };
        if required {
            text::empty(array, |i| refuse(i, Reason::MISSING_REQUIRED, &no_value));
        }
        match kind {
            Kind::String { max } => {
                let is_key = self.keys.contains(level.plain_path().as_str());
                let wanted = text::Wanted {
                    max: *max,
                    is_key,
                    escaped: self.is_xml,
                };
                text::check(array, wanted, |i, fault| {
                    refuse(i, fault.reason(), &|| fault.to_string());
                });
            }
            Kind::Descriptor { name } => {
                let wanted = text::Wanted {
                    max: Some(DESCRIPTOR_LENGTH),
                    ..text::Wanted::default()
                };
                text::check(array, wanted, |i, fault| {
                    refuse(i, fault.reason(), &|| fault.to_string());
                });
                if !self.verdicts.contains_key(name) {
                    self.verdicts.insert(name.clone(), Verdicts::default());
                }
                let Some(verdicts) = self.verdicts.get_mut(name) else {
                    return;
                };
                for (i, value) in array.iter().enumerate() {
                    let Some(value) = value else { continue };
                    if !verdicts.accept(&self.known, name, value) {
                        refuse(i, Reason::UNKNOWN_DESCRIPTOR, &|| value.to_owned());
                    }
                }
            }
            Kind::Code { name } => {
                let verdicts = self.verdicts.entry(name.clone()).or_default();
                for (i, value) in array.iter().enumerate() {
                    let Some(value) = value else { continue };
                    if !verdicts.accept_code(&self.known, name, value) {
                        refuse(i, Reason::UNMAPPED_CODE, &|| {
                            format!("{value} is none of {name}")
                        });
                    }
                }
            }
            Kind::RefId => {
                for (i, value) in array.iter().enumerate() {
                    if value.is_some_and(|v| !text::is_ref_id(v)) {
                        refuse(i, Reason::INVALID_VALUE, &|| "not a RefId".to_owned());
                    }
                }
            }
            Kind::Date | Kind::Time | Kind::DateTime => {
                let (form, fits) = text::form(kind);
                for (i, value) in array.iter().enumerate() {
                    if value.is_some_and(|v| !fits(v)) {
                        refuse(i, Reason::INVALID_VALUE, &|| format!("not {form}"));
                    }
                }
            }
            _ => {}
        }
    }
}

impl Level<'_> {
    /// The row that an element belongs to, and the path to it: `addresses[0].city`.
    fn locate(&self, index: usize) -> (usize, String) {
        let (row, mut path) = match &self.step {
            Step::Member(name) => match self.parent {
                None => return (index, (*name).to_owned()),
                Some(parent) => {
                    let (row, path) = parent.locate(index);
                    (row, format!("{path}.{name}"))
                }
            },
            Step::Elements(offsets) => {
                let begun = |o: &i32| usize::try_from(*o).is_ok_and(|o| o <= index);
                let outer = offsets.partition_point(begun).saturating_sub(1);
                let start = offsets.get(outer).and_then(|o| usize::try_from(*o).ok());
                let nth = index.saturating_sub(start.unwrap_or_default());
                let (row, path) = match self.parent {
                    None => (outer, String::new()),
                    Some(parent) => parent.locate(outer),
                };
                (row, format!("{path}[{nth}]"))
            }
        };
        path.shrink_to_fit();
        (row, path)
    }

    /// The path without positions, as keys name it.
    fn plain_path(&self) -> String {
        let above = self.parent.map(Level::plain_path).unwrap_or_default();
        match self.step {
            Step::Member(name) if above.is_empty() => name.to_owned(),
            Step::Member(name) => format!("{above}.{name}"),
            Step::Elements(_) => above,
        }
    }
}

fn no_value() -> String {
    "no value".to_owned()
}

/// Rejects the objects that are there and lack this member.
fn required(
    array: Option<&ArrayRef>,
    present: Option<&NullBuffer>,
    count: usize,
    level: &Level<'_>,
    holds: &mut Holds,
) {
    let nulls = match array {
        Some(array) if array.null_count() == 0 => return,
        Some(array) => array.nulls(),
        None => None,
    };
    for index in 0..count {
        let is_there = present.is_none_or(|p| p.is_valid(index));
        if is_there && nulls.is_none_or(|n| n.is_null(index)) {
            let (row, path) = level.locate(index);
            holds.reject(row, Reason::MISSING_REQUIRED, || {
                format!("{path}: no value")
            });
        }
    }
}

/// Values that are no text.
fn numbers(kind: &Kind, array: &ArrayRef, level: &Level<'_>, holds: &mut Holds) {
    let mut refuse = |index: usize, what: &str| {
        let (row, path) = level.locate(index);
        holds.reject(row, Reason::INVALID_VALUE, || format!("{path}: {what}"));
    };
    match array.data_type() {
        DataType::Int64 if matches!(kind, Kind::Int32) => {
            let array = array.as_primitive::<Int64Type>();
            let wide = |v: &i64| i32::try_from(*v).is_err();
            if array.values().iter().any(wide) {
                for i in (0..array.len()).filter(|i| array.is_valid(*i)) {
                    if wide(&array.value(i)) {
                        refuse(i, &format!("{} is no 32-bit integer", array.value(i)));
                    }
                }
            }
        }
        DataType::Float64 => {
            for (i, v) in array.as_primitive::<Float64Type>().iter().enumerate() {
                if v.is_some_and(|v| !v.is_finite()) {
                    refuse(i, "not a finite number");
                }
            }
        }
        DataType::Float32 => {
            for (i, v) in array.as_primitive::<Float32Type>().iter().enumerate() {
                if v.is_some_and(|v| !v.is_finite()) {
                    refuse(i, "not a finite number");
                }
            }
        }
        DataType::Date32 => {
            for (i, v) in array.as_primitive::<Date32Type>().iter().enumerate() {
                if v.is_some_and(|v| !(FIRST_DAY..=LAST_DAY).contains(&v)) {
                    refuse(i, "year outside 1 to 9999");
                }
            }
        }
        _ => {}
    }
}
