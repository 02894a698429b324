//! What is checked before a run folder is made: the source, and every SQL file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::prepare::spec;
use super::{Context, RunError, Selection, Start};
use crate::object::RefIds;
use crate::pipeline::{Connection, Pipeline, Setting, SourceFormat};
use crate::source::{self, Format, SisSchema, Source};
use crate::transform::{self, Inputs, RefIdSettings, ScopeColumns, Session, TableFile, Views};

/// Opens the source.
///
/// # Errors
/// It is not there, or cannot be read.
pub(super) fn source(pipeline: &Pipeline) -> Result<Box<dyn Source>, RunError> {
    let settings = &pipeline.source;
    match &settings.missing {
        Some(problem) => Err(RunError::NoSource(problem.to_string())),
        None => Ok(source::open(&settings.path, format(pipeline))?),
    }
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
    let source = source(&context.pipeline)?;
    let sandbox = matches!(context.pipeline.connection, Connection::Sandbox);
    if sandbox && !context.options.demo && !crate::generate::is_generated(&settings.path) {
        return Err(RunError::RealDataInSandbox {
            source_name: source.describe(),
        });
    }
    if context.options.start == Start::Source {
        check_source(&*source, selection)?;
    }
    Ok(source)
}

/// Checks that the source has every table and column that the resources read.
///
/// # Errors
/// All that is missing.
pub fn check_source(source: &dyn Source, selection: &Selection) -> Result<(), RunError> {
    let tables: Vec<_> = selection.tables.iter().collect();
    Ok(source::check(source, &tables)?)
}

/// How deep SQL is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Names and types: before every run.
    Quick,
    /// The physical plan, too: for `fullsync validate`.
    Full,
}

/// Plans every SQL file against empty tables; what each resource can be narrowed by.
///
/// # Errors
/// All mistakes at once.
pub async fn validate(
    pipeline: &Pipeline,
    selection: &Selection,
    sis: &SisSchema,
    depth: Depth,
) -> Result<BTreeMap<String, ScopeColumns>, RunError> {
    // All tables, so that views of resources that are left out are still whole.
    let tables = sis
        .tables
        .iter()
        .map(|t| (t.name.clone(), TableFile::Empty(t.arrow())))
        .collect();
    let temp = std::env::temp_dir();
    let views = match depth {
        Depth::Quick => Views::Declared,
        Depth::Full => Views::Inlined,
    };
    let inputs = inputs(pipeline, tables, (0, true), views, temp);
    let session = Session::new(&inputs).await?;
    let specs: Vec<_> = selection
        .resources
        .iter()
        .map(|p| spec(&p.resource, &p.meta))
        .collect();
    let validated = match depth {
        Depth::Quick => transform::validate_all(&session, &specs).await,
        Depth::Full => transform::validate_fully(&session, &specs).await,
    };
    match validated.problems.is_empty() {
        true => Ok(validated.columns),
        false => Err(RunError::Problems(validated.problems)),
    }
}

/// The SQL engine over these files of a school year, of all schools or not; declared tables that are
/// not among them are empty. It spills below `temp`.
///
/// # Errors
/// A file's path cannot be used.
pub(super) async fn session(
    pipeline: &Pipeline,
    sis: &SisSchema,
    files: &BTreeMap<String, PathBuf>,
    about: (i32, bool),
    views: Views,
    temp: &Path,
) -> Result<Session, RunError> {
    let tables = sis.tables.iter().map(|t| {
        let file = match files.get(&t.name) {
            Some(path) => TableFile::Parquet(path.clone(), t.arrow()),
            None => TableFile::Empty(t.arrow()),
        };
        (t.name.clone(), file)
    });
    let (tables, spill) = (tables.collect(), temp.join("spill"));
    let inputs = inputs(pipeline, tables, about, views, spill);
    Ok(Session::new(&inputs).await?)
}

fn inputs(
    pipeline: &Pipeline,
    tables: Vec<(String, TableFile)>,
    (school_year, all_schools): (i32, bool),
    views_as: Views,
    temp_dir: PathBuf,
) -> Inputs {
    let mut settings: Vec<(String, Setting)> = pipeline
        .settings
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    settings.retain(|(name, _)| name != "school_year" && name != "all_schools");
    settings.push((
        "school_year".to_owned(),
        Setting::Integer(i64::from(school_year)),
    ));
    settings.push(("all_schools".to_owned(), Setting::Boolean(all_schools)));
    Inputs {
        tables,
        crosswalks: pipeline.crosswalks.clone().into_iter().collect(),
        settings,
        views: pipeline.views.clone(),
        views_as,
        ref_ids: ref_ids(pipeline),
        temp_dir,
        memory: transform::DEFAULT_MEMORY,
    }
}

/// What RefIds are made of, for a SIF target.
fn ref_ids(pipeline: &Pipeline) -> Option<RefIdSettings> {
    let zone = pipeline.sif.as_ref();
    let zone = zone.map(|sif| (&sif.district_guid, &sif.ref_ids, sif.is_rest()));
    let provider = pipeline.sif3.as_ref();
    let provider = provider.map(|sif| (&sif.district_guid, &sif.ref_ids, true));
    let (guid, held, dashed) = zone.or(provider)?;
    Some(RefIdSettings {
        ids: RefIds::of_district(guid),
        dashed,
        held: held.clone(),
    })
}

pub(super) fn format(pipeline: &Pipeline) -> Format {
    match pipeline.source.format {
        SourceFormat::Csv => Format::Csv,
        SourceFormat::Parquet => Format::Parquet,
        SourceFormat::Sqlite => Format::Sqlite,
    }
}
