//! The schools of the SIS: from the staging of the run that is carried on, else from the source.
//!
//! Reads: the table School. Writes: nothing. Never: more of the source than that.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::pipeline::Pipeline;
use crate::run::{RunError, Start};
use crate::scope::{School, Schools};
use crate::source::{Reject, Sink, SinkError, SisSchema};
use crate::stage::StateDir;

/// Name of the table, and of its columns.
const TABLE: &str = "School";
const COLUMNS: [&str; 3] = ["schoolID", "number", "name"];

/// All schools of the SIS, by id; none when the SIS has no table of schools.
///
/// # Errors
/// The source or the staging cannot be read.
pub fn schools(pipeline: &Pipeline, start: &Start) -> Result<Schools, RunError> {
    let mut found = Found::default();
    if let Start::Staging(run) | Start::Objects(run) = start {
        let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
        let path = state.open(run)?.stage(TABLE);
        if let Ok(file) = std::fs::File::open(&path) {
            let unreadable = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)
                .and_then(ParquetRecordBatchReaderBuilder::build)
                .map_err(|e| unreadable(e.to_string()))?;
            for batch in reader {
                found.add(&batch.map_err(|e| unreadable(e.to_string()))?);
            }
            return Ok(found.sorted());
        }
    }
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    let Some(table) = sis.table(TABLE) else {
        return Ok(Schools::default());
    };
    let mut table = table.clone();
    table
        .columns
        .retain(|c| COLUMNS.contains(&c.name.as_str()) || table.key.contains(&c.name));
    let source = crate::run::check::source(pipeline)?;
    crate::source::check(&*source, &[&table])?;
    source.read(&table, &mut found)?;
    Ok(found.sorted())
}

#[derive(Default)]
struct Found(Vec<School>);

impl Found {
    fn add(&mut self, batch: &RecordBatch) {
        let [id, number, name] = COLUMNS.map(|c| batch.column_by_name(c));
        let Some(ids) = id.and_then(|c| c.as_primitive_opt::<Int64Type>()) else {
            return;
        };
        let text = |column: Option<&arrow::array::ArrayRef>, row: usize| {
            let texts = column?.as_string_opt::<i32>()?;
            texts
                .is_valid(row)
                .then(|| texts.value(row).trim().to_owned())
        };
        for (row, id) in ids.iter().enumerate() {
            let Some(id) = id else { continue };
            self.0.push(School {
                id,
                number: text(number, row),
                name: text(name, row),
            });
        }
    }

    fn sorted(mut self) -> Schools {
        self.0.sort_by_key(|s| s.id);
        Schools(self.0)
    }
}

impl Sink for Found {
    fn batch(&mut self, batch: RecordBatch) -> Result<(), SinkError> {
        self.add(&batch);
        Ok(())
    }

    /// A row that cannot be read is told when the table is staged.
    fn reject(&mut self, _: Reject) -> Result<(), SinkError> {
        Ok(())
    }
}
