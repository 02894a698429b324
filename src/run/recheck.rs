//! The last look before anything is sent: no object of another school or school year.
//!
//! Reads: the scope columns and school years of objects files. Writes: nothing. Never: sends the
//! rest when there is one; that would hide the fault.
//! Source: E15 ("Only records within this year and school are synced").

use std::fs::File;
use std::path::Path;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::prepare::Prepared;
use super::{RunError, Selection, Staged};
use crate::files;
use crate::object::column_at;

/// Where a body names its own school year, beside its natural key.
const YEAR: &str = "schoolYearTypeReference.schoolYear";

impl Staged {
    /// Checks every object.
    ///
    /// # Errors
    /// Objects out of scope, by resource and number.
    pub(super) fn recheck(&self, selection: &Selection) -> Result<(), RunError> {
        let mut wrong = Vec::new();
        for p in &selection.resources {
            let name = &p.resource.name;
            let (schools, years) = self.count(p, &self.objects(name))?;
            if schools > 0 {
                wrong.push(format!(
                    "{name}: {schools} objects of a school that is not in scope"
                ));
            }
            if years > 0 {
                let year = self.school_year;
                wrong.push(format!(
                    "{name}: {years} objects of another school year than {year}"
                ));
            }
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(RunError::OutOfScope(wrong)),
        }
    }

    /// Objects of other schools, and of other years.
    fn count(&self, p: &Prepared, path: &Path) -> Result<(u64, u64), RunError> {
        let unreadable = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
        let file = File::open(path).map_err(|e| files::at(path, &e))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|e| unreadable(e.to_string()))?;
        let mut paths: Vec<&str> = vec![YEAR];
        let parts = p.meta.key.iter().filter(|part| part.name == "schoolYear");
        paths.extend(parts.map(|part| part.path.as_str()));
        let wanted = paths.iter().copied().chain(["_school_id"]);
        let mask = ProjectionMask::columns(builder.parquet_schema(), wanted);
        let reader = builder.with_projection(mask).build();
        let (mut schools, mut years) = (0, 0);
        for batch in reader.map_err(|e| unreadable(e.to_string()))? {
            let batch = batch.map_err(|e| unreadable(e.to_string()))?;
            if let (Some(limit), Some(ids)) =
                (self.schools_in_scope(), batch.column_by_name("_school_id"))
            {
                let ids = ids.as_primitive::<Int64Type>().iter().flatten();
                schools += ids.filter(|id| !limit.contains(id)).count() as u64;
            }
            let columns: Vec<ArrayRef> =
                paths.iter().filter_map(|p| column_at(&batch, p)).collect();
            let columns: Vec<ArrayRef> = columns
                .iter()
                .map(|column| cast(column, &DataType::Int64))
                .collect::<Result<_, _>>()
                .map_err(|e| unreadable(e.to_string()))?;
            years += (0..batch.num_rows())
                .filter(|row| {
                    columns
                        .iter()
                        .any(|column| self.is_other_year(column, *row))
                })
                .count() as u64;
        }
        Ok((schools, years))
    }

    fn is_other_year(&self, column: &ArrayRef, row: usize) -> bool {
        let years = column.as_primitive::<Int64Type>();
        years.is_valid(row) && years.value(row) != i64::from(self.school_year)
    }
}
