//! The SQL function `unmapped(crosswalk, code, mapped)`: says which code has no mapping.
//!
//! Reads: its arguments. Writes: nothing. Never: fails on a value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `unmapped('grade_level', e.grade, x.descriptor)`: NULL when there is no code or it has a
/// mapping, else `grade_level=XX`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Unmapped {
    signature: Signature,
}

impl Unmapped {
    /// The function, to be registered with a session.
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::new_from_impl(Self {
            signature: Signature::any(3, Volatility::Immutable),
        })
    }
}

impl ScalarUDFImpl for Unmapped {
    fn name(&self) -> &'static str {
        "unmapped"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [crosswalk, code, mapped] = args.args.as_slice() else {
            return exec_err!("unmapped takes a crosswalk's name, a code and the mapped value");
        };
        let rows = args.number_rows;
        if let ColumnarValue::Scalar(value) = mapped
            && !value.is_null()
        {
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)));
        }
        let mapped = mapped.to_array(rows)?;
        let missing = mapped.logical_nulls();
        if missing.as_ref().is_none_or(|n| n.null_count() == 0) && rows > 0 {
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)));
        }
        let (crosswalk, code) = (text(crosswalk, rows)?, text(code, rows)?);
        let mut said = StringBuilder::new();
        for row in 0..rows {
            let is_mapped = missing.as_ref().is_none_or(|n| n.is_valid(row));
            if is_mapped || code.is_null(row) || code.value(row).is_empty() {
                said.append_null();
                continue;
            }
            let name = if crosswalk.is_null(row) {
                "?"
            } else {
                crosswalk.value(row)
            };
            said.append_value(format!("{name}={}", code.value(row)));
        }
        Ok(ColumnarValue::Array(Arc::new(said.finish()) as ArrayRef))
    }
}

fn text(value: &ColumnarValue, rows: usize) -> Result<StringArray> {
    let array = cast(&value.to_array(rows)?, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().clone())
}
