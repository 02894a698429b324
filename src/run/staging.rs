//! From the source to finished objects: the run folder, the staged tables, the transform.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::prepare::spec;
use super::{Context, RunError, Selection};
use crate::pipeline::{Connection, Pipeline, Setting, SourceFormat};
use crate::progress::Progress;
use crate::source::{self, Format, Source};
use crate::stage::RunFolder;
use crate::transform::{self, Inputs, Session, TableFile, Transformed};

/// A run folder and what is in it.
#[derive(Debug)]
pub struct Staged {
    pub(super) folder: RunFolder,
    pub(super) tables: Vec<crate::stage::TableEntry>,
    pub(super) objects: BTreeMap<String, Transformed>,
    /// The school year of the run, by its end year.
    pub school_year: i32,
    /// Whether the SIS tables were staged by an earlier run.
    resumed: bool,
    configuration: PathBuf,
}

/// Opens the source and checks that it may be used and has all that the mappings read.
///
/// # Errors
/// Missing tables and columns, all at once; a real source for the embedded sandbox.
pub(super) fn open_source(
    context: &Context,
    selection: &Selection,
) -> Result<Box<dyn Source>, RunError> {
    let settings = &context.pipeline.source;
    let format = match settings.format {
        SourceFormat::Csv => Format::Csv,
        SourceFormat::Parquet => Format::Parquet,
        SourceFormat::Sqlite => Format::Sqlite,
    };
    let source = source::open(&settings.path, format)?;
    let sandbox = matches!(context.pipeline.connection, Connection::Sandbox);
    if sandbox && !context.options.demo && !crate::generate::is_generated(&settings.path) {
        return Err(RunError::RealDataInSandbox { source_name: source.describe() });
    }
    if context.options.resume.is_none() {
        check_source(&*source, selection)?;
    }
    Ok(source)
}

/// Checks that the source has every table and column that the resources read.
///
/// # Errors
/// [`RunError::Missing`] with all that is missing.
pub fn check_source(source: &dyn Source, selection: &Selection) -> Result<(), RunError> {
    let tables: Vec<_> = selection.tables.iter().collect();
    source::check(source, &tables)
        .map_err(|missing| RunError::Missing(missing.iter().map(ToString::to_string).collect()))
}

/// Plans every SQL file against empty tables.
///
/// # Errors
/// All mistakes at once.
pub async fn validate(pipeline: &Pipeline, selection: &Selection) -> Result<(), RunError> {
    let tables = selection
        .tables
        .iter()
        .map(|t| (t.name.clone(), TableFile::Empty(t.arrow())))
        .collect();
    let temp = std::env::temp_dir();
    let session = Session::new(&inputs(pipeline, tables, 0, temp)).await?;
    let specs: Vec<_> = selection.resources.iter().map(|p| spec(&p.resource, &p.meta)).collect();
    let problems = transform::validate_all(&session, &specs).await;
    if problems.is_empty() { Ok(()) } else { Err(RunError::Problems(problems)) }
}

fn inputs(
    pipeline: &Pipeline,
    tables: Vec<(String, TableFile)>,
    school_year: i32,
    temp_dir: PathBuf,
) -> Inputs {
    let mut settings: Vec<(String, Setting)> =
        pipeline.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    settings.retain(|(name, _)| name != "school_year");
    settings.push(("school_year".to_owned(), Setting::Integer(i64::from(school_year))));
    Inputs {
        tables,
        crosswalks: pipeline.crosswalks.clone().into_iter().collect(),
        settings,
        views: pipeline.views.clone(),
        temp_dir,
        memory: transform::DEFAULT_MEMORY,
    }
}
