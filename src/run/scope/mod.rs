//! The scope of a run, before anything is read: flags, else the resumed run's, else the
//! configuration's; and the schools by their names.
//!
//! Reads: the SIS table School, the manifest of a run that is carried on. Writes: nothing. Never:
//! takes silence for all schools.

mod estimate;
mod schools;

use std::collections::BTreeSet;

pub use estimate::Estimate;
pub use schools::schools;

use super::{Options, RunError, Start};
use crate::pipeline::Pipeline;
use crate::scope::{Schools, SchoolsWanted, Scope};
use crate::stage::StateDir;

/// What the command line asks of the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Schools by id, number or a unique part of the name; empty: as configured.
    pub schools: Vec<String>,
    /// All schools, said on the command line.
    pub all_schools: bool,
    /// SIS personIDs in the order given; never empty.
    pub persons: Option<Vec<i64>>,
    /// SIS courseIDs.
    pub courses: Option<Vec<i64>>,
    /// SIS sectionIDs.
    pub sections: Option<Vec<i64>>,
    /// Refuse resources that a person filter does not narrow.
    pub strict_persons: bool,
    /// Calendars that are transformed at a time, before the configuration's.
    pub calendar_batch: Option<usize>,
}

impl Asked {
    /// Whether nothing is said of the scope.
    fn is_silent(&self) -> bool {
        self.schools.is_empty()
            && !self.all_schools
            && self.persons.is_none()
            && self.courses.is_none()
            && self.sections.is_none()
    }
}

/// The scope of a run. Objects that are taken as they are keep the scope that they were made for;
/// a run that is carried on keeps its own unless flags say otherwise.
///
/// # Errors
/// Neither flags nor configuration name schools (the error lists them); a name that is unknown or
/// ambiguous; the table School cannot be read.
pub fn resolve(pipeline: &Pipeline, options: &Options) -> Result<Scope, RunError> {
    let asked = &options.asked;
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    match &options.start {
        Start::Objects(run) => return Ok(state.open(run)?.manifest().scope.unwrap_or_default()),
        Start::Staging(run) if asked.is_silent() => {
            if let Some(scope) = state.open(run)?.manifest().scope {
                return Ok(scope);
            }
        }
        _ => {}
    }
    let named = |names: &[String]| -> Result<Option<BTreeSet<i64>>, RunError> {
        let known = schools(pipeline, &options.start)?;
        Ok(Some(known.resolve(names).map_err(RunError::Schools)?))
    };
    let schools = match (&asked.schools, asked.all_schools, &pipeline.scope.schools) {
        (_, true, _) => None,
        (names, _, _) if !names.is_empty() => named(names)?,
        (_, _, Some(SchoolsWanted::All)) => None,
        (_, _, Some(SchoolsWanted::Named(names))) => named(names)?,
        (_, _, None) => {
            return Err(RunError::WhichSchools(schools_or_none(
                pipeline,
                &options.start,
            )));
        }
    };
    let set = |ids: &Option<Vec<i64>>| {
        ids.as_ref()
            .map(|ids| ids.iter().copied().collect::<BTreeSet<i64>>())
    };
    Ok(Scope {
        schools,
        persons: set(&asked.persons),
        courses: set(&asked.courses),
        sections: set(&asked.sections),
    })
}

/// Whether the schools of a scope are all that the configuration is for (all of the district, when
/// it does not say).
///
/// # Errors
/// As [`resolve`].
pub fn as_configured(
    pipeline: &Pipeline,
    options: &Options,
    scope: &Scope,
) -> Result<bool, RunError> {
    let configured = match &pipeline.scope.schools {
        Some(SchoolsWanted::Named(names)) => {
            let known = schools(pipeline, &options.start)?;
            Some(known.resolve(names).map_err(RunError::Schools)?)
        }
        _ => None,
    };
    // More than the configuration's is no part of it.
    Ok(match (&configured, &scope.schools) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(configured), Some(schools)) => configured.is_subset(schools),
    })
}

/// The list for the message that asks for schools; why there is none, when there is none.
fn schools_or_none(pipeline: &Pipeline, start: &Start) -> String {
    match schools(pipeline, start) {
        Ok(Schools(list)) if list.is_empty() => "the SIS has no school".to_owned(),
        Ok(list) => format!("the schools are:\n{}", list.table("")),
        Err(error) => format!("the schools cannot be listed: {error}"),
    }
}
