//! The SQL function `ref_id(object, key, ...)`: the RefId of an object by its SIS key.
//!
//! Reads: the table of RefIds that others hold. Writes: nothing. Never: fails on a value.
//! Source: RefIds are made of the district's GUID and the SIS key.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::object::{HeldIds, RefIds};
use crate::pipeline::RefIdFile;

/// What RefIds are made of.
#[derive(Clone, Debug)]
pub struct RefIdSettings {
    /// The district's.
    pub ids: RefIds,
    /// Whether they are written with dashes, in lower case (SIF 3); else 32 digits in upper case.
    pub dashed: bool,
    /// Those that others hold.
    pub held: Option<RefIdFile>,
}

/// `ref_id('CalendarDate', d.calendarID, d.date)`: NULL when a part of the key is. The parts are
/// joined by `/`.
#[derive(Debug)]
pub(super) struct RefIdFunction {
    signature: Signature,
    ids: RefIds,
    dashed: bool,
    /// None: the table of those that others hold has mistakes. No RefId is made then, as others may
    /// know the object by another.
    held: Option<Arc<HeldIds>>,
}

impl RefIdFunction {
    /// The function, to be registered with a session; without the table it fails.
    pub(super) fn udf(settings: &RefIdSettings, held: Option<Arc<HeldIds>>) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self {
            signature: Signature::variadic_any(Volatility::Immutable),
            ids: settings.ids,
            dashed: settings.dashed,
            held,
        })
    }
}

// A session has one such function: what it is made of is the same wherever it is compared.
impl PartialEq for RefIdFunction {
    fn eq(&self, other: &Self) -> bool {
        let held = match (&self.held, &other.held) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.ids == other.ids && self.dashed == other.dashed && held
    }
}

impl Eq for RefIdFunction {}

impl Hash for RefIdFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for RefIdFunction {
    fn name(&self) -> &'static str {
        "ref_id"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [object, parts @ ..] = args.args.as_slice() else {
            return exec_err!("ref_id takes an object's name and the parts of its key");
        };
        if parts.is_empty() {
            return exec_err!("ref_id takes an object's name and the parts of its key");
        }
        let rows = args.number_rows;
        let Some(held) = &self.held else {
            return exec_err!(
                "no RefId can be made: the table of RefIds that others hold has mistakes"
            );
        };
        let object = text(object, rows)?;
        let parts: Vec<StringArray> = parts
            .iter()
            .map(|part| text(part, rows))
            .collect::<Result<_>>()?;
        let mut written = StringBuilder::with_capacity(rows, rows * 36);
        let mut key = String::new();
        for row in 0..rows {
            if object.is_null(row) || parts.iter().any(|part| part.is_null(row)) {
                written.append_null();
                continue;
            }
            key.clear();
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    key.push('/');
                }
                key.push_str(part.value(row));
            }
            let own = self.ids.ref_id(object.value(row), &key);
            let id = held.of(own);
            written.append_value(match self.dashed {
                true => id.dashed(),
                false => id.plain(),
            });
        }
        Ok(ColumnarValue::Array(Arc::new(written.finish()) as ArrayRef))
    }
}

fn text(value: &ColumnarValue, rows: usize) -> Result<StringArray> {
    let array = cast(&value.to_array(rows)?, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().clone())
}
